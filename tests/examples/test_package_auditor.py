import asyncio
import importlib.util
import json
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

SCRIPT = Path(__file__).parents[2] / "examples" / "package_auditor.py"

_spec = importlib.util.spec_from_file_location("package_auditor", SCRIPT)
assert _spec is not None
assert _spec.loader is not None
auditor = importlib.util.module_from_spec(_spec)
sys.modules["package_auditor"] = auditor
_spec.loader.exec_module(auditor)


@pytest.fixture
def site_packages(tmp_path):
    folder = tmp_path / "env" / "lib" / "python3.12" / "site-packages"
    folder.mkdir(parents=True)
    return folder


def install(site_packages, name, version, *fields, scripts=(), suffix="dist-info"):
    folder = site_packages / f"{name}-{version}.{suffix}"
    folder.mkdir()
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", "License-Expression: MIT", *fields]
    (folder / ("METADATA" if suffix == "dist-info" else "PKG-INFO")).write_text(
        "\n".join(lines) + "\n\nName: not a field but the description\n", encoding="utf-8"
    )
    if scripts:
        entry_points = "\n".join(["[console_scripts]", *(f"{script} = somewhere:main" for script in scripts)])
        (folder / "entry_points.txt").write_text(entry_points, encoding="utf-8")
    return folder


def record(folder, **sizes):
    lines = []
    for name, size in sizes.items():
        (folder.parent / name).write_bytes(b"x" * size)
        lines.append(f"{name},,{size}")
    (folder / "RECORD").write_text("\n".join(lines), encoding="utf-8")


def audit(environment, limit=40):
    return asyncio.run(auditor.package_auditor(str(environment), limit))


def findings(environment, kind):
    return [(one.distribution, one.detail) for one in audit(environment).findings if one.kind == kind]


def run_script(*arguments):
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, encoding="utf-8", check=False
    )


class TestWhatIsAnEnvironment:
    def test_root_and_site_packages_give_the_same_audit(self, site_packages):
        install(site_packages, "alpha", "1.0", "Requires-Dist: beta")
        root = site_packages.parents[2]
        (root / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.12.7\n", encoding="utf-8")
        of_root, of_folder = audit(root), audit(site_packages)
        assert of_root.environment == str(root)
        assert (of_root.found, of_root.python) == (1, "3.12.7")
        assert of_root.findings == of_folder.findings != []
        assert of_root.distributions == of_folder.distributions

    def test_link_from_lib64_to_lib_is_counted_once(self, site_packages):
        install(site_packages, "alpha", "1.0")
        (site_packages.parents[1].parent / "lib64").symlink_to("lib")
        assert audit(site_packages.parents[2]).found == 1

    def test_separate_lib64_is_audited_too(self, site_packages):
        install(site_packages, "alpha", "1.0", "Requires-Dist: beta")
        other = site_packages.parents[2] / "lib64" / "python3.12" / "site-packages"
        other.mkdir(parents=True)
        install(other, "beta", "1.0")
        report = audit(site_packages.parents[2])
        assert (report.found, report.findings) == (2, [])

    def test_windows_layout(self, tmp_path):
        folder = tmp_path / "Lib" / "site-packages"
        folder.mkdir(parents=True)
        install(folder, "alpha", "1.0")
        assert audit(tmp_path).found == 1

    def test_target_folder_of_any_name(self, tmp_path):
        install(tmp_path, "alpha", "1.0")
        assert audit(tmp_path).found == 1

    def test_relative_path(self, site_packages, monkeypatch):
        install(site_packages, "alpha", "1.0")
        monkeypatch.chdir(site_packages)
        assert audit(".").found == 1

    def test_environment_without_distributions_is_one(self, site_packages):
        report = audit(site_packages)
        assert (report.found, report.examined, report.size, report.findings) == (0, 0, 0, [])
        assert "0 distributions" in auditor.summary(report)

    @pytest.mark.parametrize("make", ["missing", "empty", "file", "loop"])
    def test_anything_else_is_refused(self, tmp_path, make):
        path = tmp_path / make
        if make == "empty":
            path.mkdir()
        elif make == "file":
            path.write_text("no environment", encoding="utf-8")
        elif make == "loop":
            path.symlink_to(path)
        with pytest.raises(auditor.NotAnEnvironmentError, match=make):
            audit(path)

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
    def test_folder_that_cannot_be_read_is_refused(self, site_packages):
        site_packages.chmod(0)
        try:
            with pytest.raises(auditor.NotAnEnvironmentError, match="cannot be read"):
                audit(site_packages)
        finally:
            site_packages.chmod(0o700)

    def test_folder_whose_listing_fails_is_refused(self, site_packages, monkeypatch):
        def refuse(self):
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(Path, "iterdir", refuse)
        with pytest.raises(auditor.NotAnEnvironmentError, match="cannot be read"):
            auditor.find_site_packages(str(site_packages))


class TestPythonVersion:
    @pytest.mark.parametrize("line", ["version = 3.9.18", "version_info = 3.9.18.final.0", "version_info=3.9.18"])
    def test_from_pyvenv_cfg(self, site_packages, line):
        (site_packages.parents[2] / "pyvenv.cfg").write_text(f"home = /opt\n{line}\n", encoding="utf-8")
        assert audit(site_packages).python == "3.9.18"

    def test_from_the_folder_when_pyvenv_cfg_is_useless(self, tmp_path):
        folder = tmp_path / "lib" / "python3.2" / "site-packages"
        folder.mkdir(parents=True)
        (tmp_path / "pyvenv.cfg").write_bytes(b"\xff\xfe version")
        assert audit(tmp_path).python == "3.2"

    def test_of_the_running_interpreter(self, tmp_path):
        major_minor = ".".join(platform.python_version_tuple()[:2])
        folder = tmp_path / "lib" / f"python{major_minor}" / "site-packages"
        folder.mkdir(parents=True)
        assert audit(tmp_path).python == platform.python_version()
        (tmp_path / "site-packages").mkdir()
        assert audit(tmp_path / "site-packages").python == platform.python_version()


class TestRequirements:
    @pytest.mark.parametrize(
        "requirement",
        [
            "beta",
            "Beta>=2",
            "be.ta.b>=1",
            "beta>=2; python_version<'4'",
            "beta @ https://example.invalid/beta.whl",
            "pre>=1",
            "pre",
            "missing; python_version<'3'",
            "missing; sys_platform=='no-such-platform'",
            "missing; extra=='never-asked'",
        ],
    )
    def test_met_or_not_applying(self, site_packages, requirement):
        install(site_packages, "alpha", "1.0", f"Requires-Dist: {requirement}")
        install(site_packages, "beta", "2.1")
        install(site_packages, "Be_Ta-B", "1.0")
        install(site_packages, "pre", "2.0rc1")
        assert findings(site_packages, "requirement") == []
        assert findings(site_packages, "metadata") == []

    def test_missing(self, site_packages):
        install(site_packages, "alpha", "1.0", "Requires-Dist: beta>=2")
        assert findings(site_packages, "requirement") == [("alpha 1.0", "needs beta>=2, which is not installed")]

    def test_in_conflict(self, site_packages):
        install(site_packages, "alpha", "1.0", "Requires-Dist: beta>=2")
        install(site_packages, "beta", "2.0rc1")
        assert findings(site_packages, "requirement") == [("alpha 1.0", "needs beta>=2, but beta 2.0rc1 is installed")]

    def test_marker_is_of_the_audited_python(self, site_packages):
        install(
            site_packages,
            "alpha",
            "1.0",
            "Requires-Dist: old; python_version<'3.7'",
            "Requires-Dist: new; python_version>='3.7'",
            "Requires-Dist: patched; python_full_version<'3.6.16'",
        )
        (site_packages.parents[2] / "pyvenv.cfg").write_text("version = 3.6.15\n", encoding="utf-8")
        assert [detail.split()[1].rstrip(";") for _, detail in findings(site_packages, "requirement")] == [
            "old",
            "patched",
        ]

    def test_extras_that_are_asked_for_in_turn(self, site_packages):
        install(site_packages, "alpha", "1.0", "Requires-Dist: beta[web]")
        install(
            site_packages,
            "beta",
            "1.0",
            "Provides-Extra: web",
            "Requires-Dist: beta[fast_json]; extra=='web'",
            "Requires-Dist: quick>=2; extra=='fast-json'",
            "Requires-Dist: unasked; extra=='docs'",
        )
        install(site_packages, "quick", "1.0")
        assert findings(site_packages, "requirement") == [
            ("beta 1.0", "needs quick>=2; extra=='fast-json', but quick 1.0 is installed")
        ]

    def test_of_two_copies_the_first_counts(self, site_packages):
        install(site_packages, "alpha", "1.0", "Requires-Dist: beta<2")
        install(site_packages, "beta", "1.0")
        install(site_packages, "beta", "2.0", "Requires-Dist: missing")
        assert findings(site_packages, "requirement") == []

    def test_requires_txt_of_an_egg(self, site_packages):
        folder = install(site_packages, "alpha", "1.0", suffix="egg-info")
        (folder / "requires.txt").write_text("beta>=2\n\n[extra]\nunasked\n", encoding="utf-8")
        assert findings(site_packages, "requirement") == [("alpha 1.0", "needs beta>=2, which is not installed")]

    @pytest.mark.parametrize("requirement", ["be ta", "beta>>1", "beta; os_name ~= 'posix'", "beta; 'x' in extras"])
    def test_that_nobody_can_evaluate(self, site_packages, requirement):
        install(site_packages, "alpha", "1.0", f"Requires-Dist: {requirement}", "Requires-Dist: gamma")
        assert findings(site_packages, "metadata") == [
            ("alpha 1.0", f"its requirement {requirement!r} cannot be evaluated")
        ]
        assert findings(site_packages, "requirement") == [("alpha 1.0", "needs gamma, which is not installed")]

    def test_against_an_invalid_version(self, site_packages):
        install(site_packages, "alpha", "1.0", "Requires-Dist: beta>=1")
        install(site_packages, "beta", "banana")
        assert [(one.distribution, "beta>=1" in one.detail) for one in audit(site_packages).findings] == [
            ("alpha 1.0", True)
        ]


OPERATORS = {
    "==": int.__eq__,
    "!=": int.__ne__,
    "<": int.__lt__,
    "<=": int.__le__,
    ">": int.__gt__,
    ">=": int.__ge__,
}
NAMES = ["alpha", "beta", "gamma", "delta"]
EXTRAS = ["fast", "web"]
REQUIREMENTS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NAMES),
        "asks": st.sets(st.sampled_from(EXTRAS)),
        "bound": st.none() | st.tuples(st.sampled_from(sorted(OPERATORS)), st.integers(1, 3)),
        "python": st.none() | st.tuples(st.sampled_from(["<", ">="]), st.integers(8, 14)),
        "extra": st.none() | st.sampled_from(EXTRAS),
    }
)
ENVIRONMENTS = st.dictionaries(
    st.sampled_from(NAMES), st.tuples(st.integers(1, 3), st.lists(REQUIREMENTS, max_size=4)), min_size=1
)


def as_text(requirement):
    operator, version = requirement["bound"] or ("", "")
    text = f"{requirement['name']}[{','.join(sorted(requirement['asks']))}]{operator}{version}"
    markers = []
    if requirement["python"]:
        markers.append(f'python_version{requirement["python"][0]}"3.{requirement["python"][1]}"')
    if requirement["extra"]:
        markers.append(f'extra=="{requirement["extra"]}"')
    return f"{text}; {' and '.join(markers)}" if markers else text


def expected_unmet(environment, minor):
    """The rule in plain words: a requirement counts if its Python and its extra do, to the end of all extras."""

    def applies(requirement, extras):
        for_python = not requirement["python"] or OPERATORS[requirement["python"][0]](minor, requirement["python"][1])
        return for_python and (requirement["extra"] is None or requirement["extra"] in extras)

    asked = {name: set() for name in environment}
    for _ in range(len(NAMES) * len(EXTRAS) + 1):  # one more extra a round, at the least
        for name, (_, requirements) in environment.items():
            for one in requirements:
                if applies(one, asked[name]) and one["name"] in environment:
                    asked[one["name"]] |= one["asks"]

    def is_met(requirement):
        if requirement["name"] not in environment:
            return False
        operator, bound = requirement["bound"] or (">=", 0)
        return OPERATORS[operator](environment[requirement["name"]][0], bound)

    return {
        (name, as_text(one))
        for name, (_, requirements) in environment.items()
        for one in requirements
        if applies(one, asked[name]) and not is_met(one)
    }


@given(environment=ENVIRONMENTS, minor=st.integers(8, 14))
def test_requirements_follow_the_rule(environment, minor):
    distributions = [
        auditor.Distribution(name, str(version), folder=name, requires=tuple(as_text(one) for one in requirements))
        for name, (version, requirements) in environment.items()
    ]
    found = auditor.check_requirements(distributions, f"3.{minor}.1")
    assert {one.kind for one in found} <= {"requirement"}
    assert {
        (one.distribution.split()[0], one.detail.removeprefix("needs ").rpartition(", ")[0]) for one in found
    } == expected_unmet(environment, minor)


class TestLicences:
    @pytest.mark.parametrize(
        ("fields", "licence"),
        [
            (["License-Expression: mit or apache-2.0"], "MIT OR Apache-2.0"),
            (["License: BSD-3-Clause", "Classifier: License :: OSI Approved :: BSD License"], "BSD-3-Clause"),
            (["License: Some text", "Classifier: License :: OSI Approved :: MIT License"], "MIT"),
            (
                ["Classifier: License :: OSI Approved", "Classifier: License :: OSI Approved :: ISC License (ISCL)"],
                "ISC",
            ),
        ],
    )
    def test_that_a_program_can_read(self, site_packages, fields, licence):
        write_licence(site_packages, fields)
        report = audit(site_packages)
        assert [one.licence for one in report.distributions] == [licence]
        assert report.findings == []

    @pytest.mark.parametrize(
        ("fields", "detail"),
        [
            ([], "declares none"),
            (["License:"], "declares none"),
            (["Classifier: License :: OSI Approved"], "declares none"),
            (["License: BSD"], "declares only 'BSD'"),
            (["License: UNKNOWN"], "declares only 'UNKNOWN'"),
            (["License-Expression: MIT AND"], "declares only 'MIT AND'"),
            (
                ["License: The Long Licence", "        which goes on", "        and on"],
                "declares only 'The Long Licence'",
            ),
            (
                ["Classifier: License :: OSI Approved :: Apache Software License"],
                "declares only 'Apache Software License'",
            ),
            (
                [
                    "Classifier: License :: OSI Approved :: MIT License",
                    "Classifier: License :: OSI Approved :: BSD License",
                ],
                "declares only 'MIT License', 'BSD License'",
            ),
            (
                [
                    "Classifier: License :: OSI Approved :: MIT License",
                    "Classifier: License :: OSI Approved :: ISC License (ISCL)",
                ],
                "declares only 'MIT License', 'ISC License (ISCL)'",
            ),
        ],
    )
    def test_that_would_need_guessing(self, site_packages, fields, detail):
        write_licence(site_packages, fields)
        report = audit(site_packages)
        assert [one.licence for one in report.distributions] == [None]
        assert [(one.kind, one.detail) for one in report.findings] == [("licence", detail)]

    def test_tool_raises_its_own_error(self, site_packages):
        distribution = auditor.read_distribution(write_licence(site_packages, ["License: BSD"]))
        with pytest.raises(auditor.LicenceUnknownError, match="declares only 'BSD'"):
            auditor.licence_of(distribution)

    def test_classifiers_of_the_table_map_to_valid_expressions(self):
        for classifier, licence in auditor.LICENCE_OF_CLASSIFIER.items():
            assert auditor.canonicalize_license_expression(licence) == licence
            assert classifier.startswith("License :: ")


def write_licence(site_packages, fields):
    folder = site_packages / "alpha-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("\n".join(["Name: alpha", "Version: 1.0", *fields, "", ""]), encoding="utf-8")
    return folder


class TestDuplicatesAndScripts:
    def test_installed_twice(self, site_packages):
        install(site_packages, "Alpha_One", "1.0")
        second = install(site_packages, "alpha-one", "2.0")
        third = install(site_packages, "alpha.one", "1.5", suffix="egg-info")
        install(site_packages, "beta", "1.0")
        assert findings(site_packages, "duplicate") == [("Alpha_One 1.0", f"also installed in {second}, {third}")]

    def test_script_of_two_distributions(self, site_packages):
        install(site_packages, "alpha", "1.0", scripts=["run", "alpha"])
        install(site_packages, "beta", "2.0", scripts=["run", "beta"])
        install(site_packages, "gamma", "3.0", scripts=["run"])
        assert findings(site_packages, "script") == [
            ("alpha 1.0", "its script 'run' is also installed by beta 2.0, gamma 3.0")
        ]

    def test_copies_of_one_distribution_do_not_clash(self, site_packages):
        install(site_packages, "alpha", "1.0", scripts=["run"])
        install(site_packages, "alpha", "2.0", scripts=["run"])
        assert findings(site_packages, "script") == []

    def test_other_entry_points_may_share_a_name(self, site_packages):
        for name in ("alpha", "beta"):
            folder = install(site_packages, name, "1.0")
            (folder / "entry_points.txt").write_text("[pytest11]\nplugin = x:y\n", encoding="utf-8")
        assert findings(site_packages, "script") == []


class TestSizes:
    def test_sums_the_recorded_files_that_exist(self, site_packages):
        folder = install(site_packages, "alpha", "1.0")
        record(folder, one=1000, two=234)
        with (folder / "RECORD").open("a", encoding="utf-8") as file:
            file.write("\none,,1000\nmissing,,50\n")
        report = audit(site_packages)
        assert (report.size, report.distributions[0].size) == (1234, 1234)

    def test_only_the_largest_are_examined_and_the_report_says_so(self, site_packages):
        for number in range(1, 8):
            folder = install(site_packages, f"package{number}", "1.0", "Requires-Dist: missing")
            record(folder, **{f"file{number}": number * 10})
        report = audit(site_packages, limit=3)
        assert (report.examined, report.found, report.size) == (3, 7, 280)
        assert [one.size for one in report.distributions] == [70, 60, 50]
        assert len(report.findings) == 7
        assert "examined: 3 of 7" in auditor.summary(report)

    def test_limit_of_nothing(self, site_packages):
        install(site_packages, "alpha", "1.0")
        report = audit(site_packages, limit=0)
        assert (report.examined, report.found, report.distributions) == (0, 1, [])

    def test_link_counts_as_itself_and_not_as_its_target(self, site_packages):
        folder = install(site_packages, "alpha", "1.0")
        (site_packages.parent / "large").write_bytes(b"x" * 10_000)
        (site_packages / "link").symlink_to("../large")
        (folder / "RECORD").write_text("link,,\n", encoding="utf-8")
        assert audit(site_packages).size == len("../large")

    def test_cyclic_link_among_the_files(self, site_packages):
        folder = install(site_packages, "alpha", "1.0")
        record(folder, one=10)
        (site_packages / "loop").symlink_to("loop")
        with (folder / "RECORD").open("a", encoding="utf-8") as file:
            file.write("\nloop,,\nloop/deeper,,\n")
        size = audit(site_packages).size
        assert 10 <= size <= 10 + len("loop")  # a link is as long as its target's name, on some Pythons it is skipped

    @pytest.mark.parametrize("content", [None, b"\xff\xfe", b"a,b,c,d,e\n", b"file,,many\n", b"x" * 200_000])
    def test_without_a_readable_record_it_is_unknown(self, site_packages, content):
        folder = install(site_packages, "alpha", "1.0")
        if content is not None:
            (folder / "RECORD").write_bytes(content)
        report = audit(site_packages)
        assert (report.size, report.distributions[0].size) == (0, None)
        assert "unknown  alpha 1.0" in auditor.summary(report)


class TestBrokenMetadata:
    def test_missing_metadata_is_named_after_its_folder(self, site_packages):
        (site_packages / "alpha-1.0.dist-info").mkdir()
        [(name, detail)] = findings(site_packages, "metadata")
        assert name == "alpha"
        assert detail.startswith("has no METADATA or PKG-INFO with Name and Version: ")

    def test_metadata_without_a_name(self, site_packages):
        folder = install(site_packages, "alpha", "1.0")
        (folder / "METADATA").write_text("Version: 1.0\nRequires-Dist: beta\n", encoding="utf-8")
        assert [(one.kind, one.distribution) for one in audit(site_packages).findings] == [
            ("licence", "alpha 1.0"),
            ("metadata", "alpha 1.0"),
            ("requirement", "alpha 1.0"),
        ]

    def test_metadata_that_is_not_utf8(self, site_packages):
        folder = install(site_packages, "alpha", "1.0", scripts=["run"])
        (folder / "METADATA").write_bytes(b"Name: alpha\nVersion: 1.0\nAuthor: J\xfcrgen\n")
        details = [detail for _, detail in findings(site_packages, "metadata")]
        assert any("cannot be read" in detail and "utf-8" in detail for detail in details)

    def test_metadata_that_links_to_itself(self, site_packages):
        folder = install(site_packages, "alpha", "1.0")
        (folder / "METADATA").unlink()
        (folder / "METADATA").symlink_to("METADATA")
        (site_packages / "beta-1.0.dist-info").symlink_to("beta-1.0.dist-info")
        assert {name for name, _ in findings(site_packages, "metadata")} == {"alpha", "beta"}

    def test_entry_points_that_cannot_be_parsed(self, site_packages):
        folder = install(site_packages, "alpha", "1.0", "Requires-Dist: beta")
        (folder / "entry_points.txt").write_text("[console_scripts]\nno equals sign\n", encoding="utf-8")
        kinds = [one.kind for one in audit(site_packages).findings]
        assert kinds == ["metadata", "requirement"]

    def test_egg_layouts(self, site_packages):
        (site_packages / "flat.egg-info").write_text("Name: flat\nVersion: 1\nLicense: MIT\n", encoding="utf-8")
        nested = site_packages / "nested-2.egg" / "EGG-INFO"
        nested.mkdir(parents=True)
        (nested / "PKG-INFO").write_text("Name: nested\nVersion: 2\nLicense: MIT\n", encoding="utf-8")
        report = audit(site_packages)
        assert [(one.name, one.version) for one in report.distributions] == [("flat", "1"), ("nested", "2")]
        assert report.findings == []

    def test_does_not_steer_the_terminal(self, site_packages):
        folder = write_licence(site_packages, ["License: MIT"])
        (folder / "METADATA").write_text("Name: al\x1b[2Jpha\nVersion: 1\x1b]0;title\x07\n", encoding="utf-8")
        text = auditor.summary(audit(site_packages))
        assert "al?[2Jpha 1?]0;title?" in text
        assert all(char.isprintable() or char == "\n" for char in text)

    @given(content=st.binary(max_size=200), name=st.sampled_from(["METADATA", "RECORD", "entry_points.txt"]))
    def test_any_bytes_in_any_file(self, content, name, tmp_path_factory):
        site_packages = tmp_path_factory.mktemp("any") / "site-packages"
        site_packages.mkdir()
        folder = install(site_packages, "alpha", "1.0", scripts=["run"])
        (folder / name).write_bytes(content)
        report = audit(site_packages)
        assert report.found == 1
        assert json.loads(json.dumps(auditor.asdict(report)))["found"] == 1
        assert all(char.isprintable() or char == "\n" for char in auditor.summary(report))


def test_nothing_is_imported_executed_or_changed(site_packages):
    folder = install(site_packages, "alpha", "1.0", scripts=["run"])
    (site_packages / "trap.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    (site_packages / "trap.pth").write_text("import trap\n", encoding="utf-8")
    (folder / "entry_points.txt").write_text("[console_scripts]\nrun = trap:main\n", encoding="utf-8")
    (folder / "RECORD").write_text("trap.py,,\ntrap.pth,,\n", encoding="utf-8")

    def everything():
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in site_packages.parents[2].rglob("*")}

    before, modules, path = everything(), set(sys.modules), list(sys.path)
    report = audit(site_packages.parents[2])
    assert report.size > 0
    assert everything() == before
    assert sys.path == path
    assert "trap" not in set(sys.modules) - modules


class TestRealEnvironment:
    @pytest.mark.slow
    def test_running_interpreter(self):
        report = audit(sys.prefix)
        assert report.python == platform.python_version()
        assert report.examined == len(report.distributions) == min(40, report.found)
        sizes = [one.size or 0 for one in report.distributions]
        assert sizes == sorted(sizes, reverse=True)
        assert 0 < sum(sizes) <= report.size
        unclear = [one for one in report.findings if one.kind == "licence"]
        assert len(unclear) == sum(one.licence is None for one in report.distributions)
        assert report.findings == sorted(report.findings)
        assert audit(sys.prefix) == report

    def test_finds_what_importlib_finds(self):
        folders = auditor.find_site_packages(sys.prefix)
        expected = sorted(one.metadata["Name"] for one in metadata.distributions(path=folders))
        assert "pytest" in expected
        assert sorted(one.name for one in auditor.find_distributions(folders)) == expected


class TestCommandLine:
    def test_prints_one_json_document(self, site_packages):
        install(site_packages, "alpha", "1.0", "Requires-Dist: beta")
        done = run_script("--environment", str(site_packages), "--json")
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout) == {
            "environment": str(site_packages),
            "python": audit(site_packages).python,
            "found": 1,
            "examined": 1,
            "size": 0,
            "distributions": [{"name": "alpha", "version": "1.0", "size": None, "licence": "MIT"}],
            "findings": [
                {"kind": "requirement", "distribution": "alpha 1.0", "detail": "needs beta, which is not installed"}
            ],
        }

    def test_audits_its_own_interpreter_by_default(self):
        done = run_script("--limit", "2")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"{sys.prefix}, Python {platform.python_version()}: ")
        assert "(examined: 2 of " in done.stdout

    @pytest.mark.parametrize("flags", [[], ["--json"]])
    def test_path_that_is_no_environment(self, tmp_path, flags):
        done = run_script("--environment", str(tmp_path / "nowhere"), *flags)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.splitlines() == [
            f"{tmp_path / 'nowhere'} is neither a virtual environment nor a site-packages folder"
        ]

    def test_commands_of_the_documentation_run(self, site_packages):
        page = (SCRIPT.parents[1] / "docs" / "examples.md").read_text(encoding="utf-8")
        commands = [
            line.split()[2:] for line in page.splitlines() if line.startswith("python examples/package_auditor")
        ]
        assert len(commands) == 3
        for arguments in commands:
            done = run_script(*arguments, "--environment", str(site_packages))  # the last one counts
            assert (done.returncode, done.stderr) == (0, "")

    def test_negative_limit(self):
        done = run_script("--limit", "-1")
        assert (done.returncode, done.stdout) == (2, "")
        assert "--limit is a number of distributions: 0 or more" in done.stderr

    def test_main_in_this_process(self, site_packages, monkeypatch, capsys):
        install(site_packages, "alpha", "1.0")
        for arguments, code, start in [
            (["--environment", str(site_packages)], 0, str(site_packages)),
            (["--environment", str(site_packages), "--json"], 0, "{"),
            (["--environment", str(site_packages / "nowhere")], 2, ""),
        ]:
            monkeypatch.setattr(sys, "argv", ["package_auditor.py", *arguments])
            assert auditor.main() == code
            assert capsys.readouterr().out.startswith(start)
        monkeypatch.setattr(sys, "argv", ["package_auditor.py", "--limit", "-1"])
        with pytest.raises(SystemExit) as exit_:
            auditor.main()
        assert exit_.value.code == 2
