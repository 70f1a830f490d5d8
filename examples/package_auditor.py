"""Audit the Python distributions of an environment: an agent that needs no model, on data that every machine has.

It reports licences that no program can read, requirements that are missing or in conflict, scripts that two
distributions both install, distributions that are installed twice, broken metadata, and size on disk::

    python examples/package_auditor.py [--environment PATH] [--json] [--limit N]

PATH is a virtual environment or a site-packages folder; without it, the running interpreter's own environment is
audited. The exit code is 0 when the audit ran, whatever it found, and 2 when PATH is no environment. Nothing of the
audited environment is imported, executed or changed.

All that ams-sdk needs is in the decorators: a call of the ``@agent`` is a run, the ``@tool`` calls are its steps, and
an exception that leaves a tool marks that step as failed.
"""

import argparse
import asyncio
import csv
import json
import platform
import re
import sys
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import asdict, dataclass
from email.parser import HeaderParser
from importlib import metadata
from pathlib import Path
from textwrap import fill
from typing import Literal

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ams_sdk import agent, tool

METADATA_FOLDERS = ("*.dist-info", "*.egg-info", "*.egg/EGG-INFO")
UNREADABLE = (OSError, TypeError, ValueError, csv.Error)  # what importlib.metadata raises for broken files

# Classifiers that name exactly one licence. PEP 639 forbids guessing what the others mean ("BSD License": which one?).
LICENCE_OF_CLASSIFIER = {
    "License :: OSI Approved :: GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "License :: OSI Approved :: GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "License :: OSI Approved :: GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "License :: OSI Approved :: ISC License (ISCL)": "ISC",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "License :: OSI Approved :: Python Software Foundation License": "PSF-2.0",
    "License :: OSI Approved :: The Unlicense (Unlicense)": "Unlicense",
}


class NotAnEnvironmentError(ValueError):
    """A path is neither a virtual environment nor a site-packages folder."""


class LicenceUnknownError(LookupError):
    """A distribution declares no licence that a program can read."""


@dataclass(frozen=True)
class Distribution:
    """What an installed distribution declares; `problems` are the parts of it that cannot be read."""

    name: str
    version: str
    folder: str
    licence_fields: tuple[str, ...] = ()
    licence_classifiers: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} {self.version}".rstrip()


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that somebody should look at."""

    kind: Literal["duplicate", "licence", "metadata", "requirement", "script"]
    distribution: str
    detail: str


@dataclass(frozen=True)
class Examined:
    """A distribution that was examined one by one; size in bytes, None where size or licence cannot be known."""

    name: str
    version: str
    size: int | None
    licence: str | None


@dataclass(frozen=True)
class AuditReport:
    """One environment's audit; total size in bytes, and the `examined` largest of all `found` distributions."""

    environment: str
    python: str
    found: int
    examined: int
    size: int
    distributions: list[Examined]
    findings: list[Finding]


@agent(version="1.0.0")
async def package_auditor(environment: str, limit: int = 40) -> AuditReport:
    """Audit an environment: every check looks at all distributions, but licences only at the `limit` largest.

    Raises:
        NotAnEnvironmentError: `environment` is neither a virtual environment nor a site-packages folder.
    """
    folders = find_site_packages(environment)
    python = python_version_of(Path(folders[0]))
    distributions = find_distributions(folders)
    sizes = await measure_sizes(distributions)
    largest = sorted(distributions, key=lambda one: -sizes.get(one.folder, 0))[:limit]
    licences, findings = check_licences(largest)
    findings += [Finding("metadata", str(one), problem) for one in distributions for problem in one.problems]
    findings += check_duplicates(distributions)
    findings += check_requirements(distributions, python)
    findings += check_scripts(distributions)
    return AuditReport(
        environment=environment,
        python=python,
        found=len(distributions),
        examined=len(largest),
        size=sum(sizes.values()),
        distributions=[Examined(d.name, d.version, sizes.get(d.folder), licences.get(d.folder)) for d in largest],
        findings=sorted(findings),
    )


@tool
def find_site_packages(environment: str) -> list[str]:
    """Find the folders that hold an environment's distributions, in the order in which Python looks into them.

    Raises:
        NotAnEnvironmentError: `environment` is neither a virtual environment nor a site-packages folder.
    """
    root = Path(environment).absolute()
    try:
        if root.is_dir() and root.samefile(sys.prefix):
            candidates = [Path(folder) for folder in sys.path]  # may include the user's and the system's
        else:
            candidates = [root, *sorted(root.glob("lib*/*/site-packages")), root / "Lib" / "site-packages"]
        folders = [str(folder.resolve()) for folder in candidates if is_site_packages(folder)]
    except OSError as error:
        raise NotAnEnvironmentError(f"{environment} cannot be read: {error}") from error
    if not folders:
        raise NotAnEnvironmentError(f"{environment} is neither a virtual environment nor a site-packages folder")
    return list(dict.fromkeys(folders))  # lib64 is often a link to lib


def is_site_packages(folder: Path) -> bool:
    """Whether a folder holds distributions, or is named like one that does."""
    if not folder.is_dir():
        return False
    suffixes = {path.suffix for path in folder.iterdir()}
    return folder.name in {"site-packages", "dist-packages"} or bool(suffixes & {".dist-info", ".egg-info", ".egg"})


def python_version_of(folder: Path) -> str:
    """Take an environment's Python version from its pyvenv.cfg, or else from the name of the folder under lib."""
    for parent in folder.parents[:3]:
        with suppress(OSError):
            config = (parent / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
            if declared := re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+\.\d+)", config, re.MULTILINE):
                return declared[1]
    named, running = re.fullmatch(r"python(3\.\d+)t?", folder.parent.name), platform.python_version()
    return running if not named or running.startswith(f"{named[1]}.") else named[1]


@tool
def find_distributions(folders: list[str]) -> list[Distribution]:
    """Read what each distribution in these folders declares about itself."""
    paths = [path for folder in folders for pattern in METADATA_FOLDERS for path in sorted(Path(folder).glob(pattern))]
    return [read_distribution(path) for path in paths]


def read_distribution(folder: Path) -> Distribution:
    """Read one metadata folder; what cannot be read becomes a problem of the distribution, never an exception."""
    source = metadata.Distribution.at(folder)
    text, requires, scripts, problems = "", list[str](), set[str](), list[str]()
    try:
        text = source.read_text("METADATA") or source.read_text("PKG-INFO") or source.read_text("") or ""
        requires = (source.requires or []) if text else []
        scripts = {point.name for point in source.entry_points if point.group in {"console_scripts", "gui_scripts"}}
    except UNREADABLE as error:
        problems.append(f"cannot be read: {error}")
    fields = HeaderParser().parsestr(text)
    name, version = fields.get("Name", ""), fields.get("Version", "")
    if not (name and version):
        problems.append(f"has no METADATA or PKG-INFO with Name and Version: {folder}")
    return Distribution(
        name=name or folder.stem.partition("-")[0],
        version=version,
        folder=str(folder),
        licence_fields=tuple(fields.get(field, "").strip() for field in ("License-Expression", "License")),
        licence_classifiers=tuple(one for one in fields.get_all("Classifier", []) if one.startswith("License :: ")),
        requires=tuple(requires),
        scripts=tuple(sorted(scripts)),
        problems=tuple(problems),
    )


@tool
async def measure_sizes(distributions: list[Distribution]) -> dict[str, int]:
    """Measure all distributions, in worker threads: bytes by metadata folder, where the list of files can be read."""
    sizes = await asyncio.gather(*(asyncio.to_thread(size_on_disk, one.folder) for one in distributions))
    return {one.folder: size for one, size in zip(distributions, sizes, strict=True) if size is not None}


def size_on_disk(folder: str) -> int | None:
    """Add up the files that a distribution lists in its RECORD; None when there is no readable list."""
    try:
        files = metadata.Distribution.at(folder).files
    except UNREADABLE:
        return None
    if files is None:
        return None
    size = 0
    for file in set(files):
        with suppress(OSError, ValueError):
            size += Path(file.locate()).lstat().st_size
    return size


@tool
def check_licences(distributions: list[Distribution]) -> tuple[dict[str, str], list[Finding]]:
    """Return the licence by metadata folder, and a finding for each distribution whose licence is not clear."""
    licences: dict[str, str] = {}
    findings: list[Finding] = []
    for distribution in distributions:
        try:
            licences[distribution.folder] = licence_of(distribution)
        except LicenceUnknownError as error:
            findings.append(Finding("licence", str(distribution), str(error)))
    return licences, findings


@tool
def licence_of(distribution: Distribution) -> str:
    """Return a distribution's licence as an SPDX expression.

    The first of these counts: License-Expression (PEP 639), a License field that is an SPDX expression, classifiers
    that together name exactly one licence.

    Raises:
        LicenceUnknownError: none of them is there, or none can be read without guessing.
    """
    for field in distribution.licence_fields:
        with suppress(InvalidLicenseExpression):
            return canonicalize_license_expression(field)
    classifiers = [one for one in distribution.licence_classifiers if one != "License :: OSI Approved"]
    licences = {LICENCE_OF_CLASSIFIER.get(one) for one in classifiers}
    licence = licences.pop() if len(licences) == 1 else None
    if licence is None:
        stated = [*filter(None, distribution.licence_fields), *(one.rpartition(" :: ")[2] for one in classifiers)]
        quoted = dict.fromkeys(repr(one.splitlines()[0]) for one in stated)
        raise LicenceUnknownError(f"declares only {', '.join(quoted)}" if quoted else "declares none")
    return licence


@tool
def check_duplicates(distributions: list[Distribution]) -> list[Finding]:
    """Find distributions that are installed more than once."""
    copies = defaultdict[str, list[Distribution]](list)
    for one in distributions:
        copies[canonicalize_name(one.name)].append(one)
    return [
        Finding("duplicate", str(first), f"also installed in {', '.join(other.folder for other in others)}")
        for first, *others in copies.values()
        if others
    ]


@tool
def check_requirements(distributions: list[Distribution], python: str) -> list[Finding]:
    """Find requirements that are missing or in conflict, including those of each extra that somebody asks for."""
    installed = {canonicalize_name(one.name): one for one in reversed(distributions)}  # Python sees the first copy
    variables = {"python_full_version": python, "python_version": ".".join(python.split(".")[:2])}
    findings: set[Finding] = set()
    wanted = [(distribution, "") for distribution in installed.values()]
    for distribution, extra in wanted:  # the list grows here, by the extras that are asked for
        for text in distribution.requires:
            try:
                requirement = Requirement(text)
                if requirement.marker and not requirement.marker.evaluate({**variables, "extra": extra}):
                    continue
                found = installed.get(canonicalize_name(requirement.name))
                satisfied = found is not None and requirement.specifier.contains(found.version, prereleases=True)
            except (ValueError, KeyError):  # bad syntax, or a comparison of what cannot be compared
                findings.add(Finding("metadata", str(distribution), f"its requirement {text!r} cannot be evaluated"))
                continue
            if not satisfied:
                state = f"but {found} is installed" if found else "which is not installed"
                findings.add(Finding("requirement", str(distribution), f"needs {text}, {state}"))
            if found:
                wanted += [(found, name) for name in sorted(requirement.extras) if (found, name) not in wanted]
    return sorted(findings)


@tool
def check_scripts(distributions: list[Distribution]) -> list[Finding]:
    """Find scripts that several distributions install: only the one that was installed last has its script there."""
    owners = defaultdict[str, dict[str, str]](dict)
    for one in distributions:
        for script in one.scripts:
            owners[script].setdefault(canonicalize_name(one.name), str(one))
    findings: list[Finding] = []
    for script, names in owners.items():
        first, *others = names.values()
        if others:
            findings.append(Finding("script", first, f"its script {script!r} is also installed by {', '.join(others)}"))
    return findings


def summary(report: AuditReport) -> str:
    """Write a report as plain text for a terminal."""
    licences = Counter(one.licence or "not clear" for one in report.distributions)
    lines = [f"{report.environment}, Python {report.python}: {report.found} distributions, {megabytes(report.size)}"]
    lines += ["", f"Largest (examined: {report.examined} of {report.found})"]
    lines += [f"{megabytes(one.size):>12}  {one.name} {one.version}" for one in report.distributions[:10]]
    lines += ["", f"Licences (examined: {report.examined} of {report.found})"]
    lines += [f"{count:>12}  {licence}" for licence, count in licences.most_common()]
    lines += ["", f"Findings: {len(report.findings)}"]
    for finding in report.findings:
        text = f"{finding.kind:>12}  {finding.distribution}: {finding.detail}"
        lines += fill(text, width=100, subsequent_indent=" " * 14, break_on_hyphens=False).splitlines()
    # Metadata is somebody else's text: it must not steer the terminal.
    return "\n".join("".join(char if char.isprintable() else "?" for char in line) for line in lines)


def megabytes(size: int | None) -> str:
    """Write a size in bytes for people."""
    return "unknown" if size is None else f"{size / 1e6:.1f} MB"


def main() -> int:
    """Run the audit from the command line and return the exit code."""
    parser = argparse.ArgumentParser(description="Audit the Python distributions of an environment.")
    parser.add_argument("--environment", metavar="PATH", default=sys.prefix, help="default: the running interpreter's")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--limit", metavar="N", type=int, default=40, help="examine the N largest (default: 40)")
    options = parser.parse_args()
    if options.limit < 0:
        parser.error("--limit is a number of distributions: 0 or more")
    try:
        report = asyncio.run(package_auditor(options.environment, options.limit))
    except NotAnEnvironmentError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(asdict(report), indent=2) if options.json else summary(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
