"""Every check of this project as a session; `nox -l` lists them, `nox` runs the tests."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import nox

nox.needs_version = ">=2024.4.15"
nox.options.sessions = ["tests"]
nox.options.error_on_missing_interpreters = False

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
GROUPS = nox.project.dependency_groups
# Most tests wait for processes and sockets. An option of the same name after `--` wins.
PARALLEL = ["--numprocesses=2", "--dist=worksteal"]
QUICK = ["-m", "not slow"]
PROJECT = nox.project.load_toml("pyproject.toml")


def _run_tests(session: nox.Session) -> None:
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *PARALLEL, *QUICK, *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, installed as a user would, with branch coverage; the bar is in pyproject.toml."""
    session.install(".[all]", *GROUPS(PROJECT, "test"))
    _run_tests(session)


@nox.session
def slow(session: nox.Session) -> None:
    """Run the tests that take long: many generated histories and requests, databases that hang."""
    # With the checkers, for the row of the conformance table that is about types.
    session.install(".[all]", *GROUPS(PROJECT, "test", "types"))
    session.run("python", "-m", "pytest", *PARALLEL, "-m", "slow", *session.posargs)


@nox.session(name="tests-all", python=PYTHONS)
def tests_all(session: nox.Session) -> None:
    """Run the tests on each supported interpreter that is found."""
    session.install(".[all]", *GROUPS(PROJECT, "test"))
    session.run("python", "-m", "pytest", *PARALLEL, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install(*GROUPS(PROJECT, "lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy and pyright, and that every public name has a complete type."""
    session.install(".[all]", *GROUPS(PROJECT, "types"))
    session.run("mypy")
    session.run("mypy", "examples", "tests/typing")
    session.run("pyright")
    session.run("pyright", "--verifytypes", "ams_sdk", "--ignoreexternal")


@nox.session
def floors(session: nox.Session) -> None:
    """Check which module may import which."""
    session.install(".[server]", *GROUPS(PROJECT, "floors"))
    session.run("lint-imports")


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel and try it where the sources are not: first the SDK alone, then the demo with the server."""
    session.install("build")
    smoke = Path("tests/wheel/smoke.py").resolve()
    with TemporaryDirectory() as folder:
        session.run("python", "-m", "build", "--wheel", "--outdir", folder, silent=True)
        (built,) = Path(folder).glob("*.whl")
        session.run("python", "-m", "venv", f"{folder}/clean")
        python = Path(folder, "clean", "Scripts" if os.name == "nt" else "bin", "python")
        run = [str(python), "-I"]
        with session.chdir(folder):
            session.run(*run, "-m", "pip", "install", "--quiet", str(built), external=True)
            session.run(*run, str(smoke), "sdk-alone", external=True)
            session.run(*run, "-m", "pip", "install", "--quiet", f"{built}[server]", external=True)
            session.run(*run, str(smoke), "with-server", external=True)
            session.run(str(python.with_name("ams")), "demo", external=True)


@nox.session
def conformance(session: nox.Session) -> None:
    """Run OpenTelemetry's own tests of spans and providers on ours."""
    session.install(".", *GROUPS(PROJECT, "conformance"))
    session.run("python", "tests/conformance/opentelemetry_suite.py")


@nox.session
def libraries(session: nox.Session) -> None:
    """Trace real model libraries and frameworks with their instrumentors, against a model endpoint on loopback."""
    extras = "testing,anthropic,httpx,langchain,openai,openai-agents"
    session.install(f".[{extras}]", *GROUPS(PROJECT, "libraries"))
    # Some of them leave connections to the garbage collector.
    theirs = ["-W", "ignore::ResourceWarning", "-W", "ignore::pytest.PytestUnraisableExceptionWarning"]
    session.run("python", "-m", "pytest", "tests/libraries", "tests/sdk/model_calls", *theirs, *session.posargs)


@nox.session
@nox.parametrize("pytest", ["8", "9"])
def plugins(session: nox.Session, pytest: str) -> None:
    """Run a suite that uses the testing kit beside other people's pytest plugins, as a user's does."""
    session.install(".", f"pytest=={pytest}.*", *GROUPS(PROJECT, "plugins"))
    run = ["python", "-m", "pytest", "-c", "pytest.ini", "--rootdir=.", "--confcutdir=.", "--quiet"]
    run += ["-o", "asyncio_default_fixture_loop_scope=function"]
    with session.chdir("tests/plugins/suite"):
        session.run(*run)  # in random order, with asyncio in strict mode and anyio on asyncio and trio
        session.run(*run, "-p", "no:randomly", "--import-mode=importlib")
        session.run(*run, "--numprocesses=2")
        session.run(*run, "--trace-per-test")
        # pytest-asyncio takes every asynchronous test then, those of anyio too.
        session.run(*run, "-o", "asyncio_mode=auto", "--ignore=test_with_anyio.py")


@nox.session
def compare(session: nox.Session) -> None:
    """Run the checks of docs/conformance.md on this SDK and on others, and write the page again; takes half an hour."""
    session.install(".[all]", *GROUPS(PROJECT, "types"))
    session.run("python", "-m", "tests.rows.compare", *session.posargs)


@nox.session
def openapi(session: nox.Session) -> None:
    """Write docs/openapi.json again; a test compares it with what the server answers."""
    session.install(".[server]")
    with Path("docs/openapi.json").open("wb") as file:
        session.run("python", "-m", "ams_reference_server.openapi", stdout=file)


@nox.session
def minimums(session: nox.Session) -> None:
    """Run the tests with the lowest versions that pyproject.toml allows."""
    session.install("uv")
    session.run("uv", "pip", "install", "--resolution", "lowest-direct", ".[all]", *GROUPS(PROJECT, "test"))
    session.run("python", "-m", "pytest", *PARALLEL, *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the budgets as ratios against named peers; takes minutes and a quiet machine."""
    session.install(".[server]")
    for script in sorted(Path("benchmarks").glob("*.py")):
        session.run("python", str(script), *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """Install the project and run its main job."""
    session.install(".[server]")
    session.run("ams", "demo", *session.posargs)
