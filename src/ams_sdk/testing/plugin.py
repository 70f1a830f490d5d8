"""The pytest plugin. It imports pytest and the standard library, and does nothing until a fixture or marker is used.

Fixtures are plain functions whose objects have synchronous and asynchronous methods, so they work with pytest-asyncio,
with anyio and without either.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from ams_sdk import AsyncClient, Client
    from ams_sdk.testing._cassette import Cassette
    from ams_sdk.testing._kit import Kit
    from ams_sdk.testing._model import FakeLLM
    from ams_sdk.testing._platform import LivePlatform, MockPlatform
    from ams_sdk.testing._tools import ToolStubs
    from ams_sdk.testing._trace.capture import TraceCapture

_KIT: Final = pytest.StashKey["Kit"]()
_LONGEST_NAME: Final = 120
_TARGET: Final = pytest.StashKey["LivePlatform"]()
_MARKER: Final = (
    "ams(strict=True, seed=[…], faults=[…], network=False, configure={…}): run the test with the mock platform of "
    "ams-sdk, and what is to be different there."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the testing kit."""
    group = parser.getgroup("ams", "ams-sdk: mock platform, fake model, captured traces")
    group.addoption(
        "--ams-trace",
        choices=("failed", "all", "none"),
        default="failed",
        help="of which tests the trace and the platform's requests are shown (default: failed)",
    )
    group.addoption(
        "--ams-trace-dir", metavar="DIR", type=Path, help="save the traces of those tests there, as OTLP/JSON"
    )

    group.addoption(
        "--ams-record",
        choices=("none", "once", "all"),
        default="none",
        help="what ams_cassette records: nothing, cassettes that are not there, or each anew (default: none)",
    )
    group.addoption(
        "--ams-target",
        metavar="{mock,URL}",
        default="mock",
        help="the platform that the tests run against: the mock, or a real one, where tests that need the mock are "
        "skipped (default: mock)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


def pytest_itemcollected(item: pytest.Item) -> None:
    """A marked test has the mock platform whether it names the fixture or not."""
    names = getattr(item, "fixturenames", None)
    if names is not None and "ams" not in names and item.get_closest_marker("ams") is not None:
        item.fixturenames = [*names, "ams"]  # type: ignore[attr-defined]  # the list is one for all parameters


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A test that went well fails if something happened that it did not say."""
    __tracebackhide__ = True
    result = yield
    kit = item.stash.get(_KIT, None)
    failed_already = getattr(item, "_excinfo", None)  # where unittest keeps what a test case has raised
    if kit is not None and not failed_already:
        kit.verify()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the test did, while its fixtures are still there."""
    report = yield
    kit = item.stash.get(_KIT, None)
    if kit is not None and _is_shown(item.config, report):
        _add_sections(kit, report)
        folder = item.config.getoption("--ams-trace-dir")
        if folder is not None:
            _save(kit, folder / f"{_file_name(item.nodeid)}.json", report)
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:  # noqa: ANN401 -- pytest's is private
    """With ``--ams-trace=all``, show the traces of what has passed: pytest shows sections of failures only."""
    if config.getoption("--ams-trace") != "all":
        return
    for report in terminalreporter.stats.get("passed", ()):
        sections = [(title, text) for title, text in report.sections if title.startswith("ams ")]
        if sections:
            terminalreporter.section(report.nodeid, sep="_")
        for title, text in sections:
            terminalreporter.section(title, sep="-")
            terminalreporter.line(text)


@pytest.fixture
def ams(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[MockPlatform]:
    """A mock platform in this process, to which the SDK is configured for the time of the test."""
    from ams_sdk.testing._isolation import KeptPatch  # noqa: PLC0415 -- only a test that uses it pays for it
    from ams_sdk.testing._kit import Kit, wanted_by  # noqa: PLC0415 -- the same

    item = request.node
    markers = [(marker.args, marker.kwargs) for marker in item.iter_markers("ams")]
    wanted = wanted_by(markers)
    with KeptPatch(monkeypatch) as patch, Kit(patch=patch, target=_target(request.config), **wanted) as kit:
        item.stash[_KIT] = kit
        try:
            yield kit.platform
        finally:
            del item.stash[_KIT]


@pytest.fixture
def ams_server(request: pytest.FixtureRequest) -> MockPlatform:
    """The same platform on a free port of 127.0.0.1 as well, for subprocesses and other languages."""
    return _kit(request).serve()


@pytest.fixture
def ams_trace(request: pytest.FixtureRequest) -> TraceCapture:
    """What is traced while the test runs."""
    return _kit(request).trace


@pytest.fixture
def ams_client(ams: MockPlatform) -> Iterator[Client]:
    """A client that is logged in to the platform."""
    from ams_sdk import Client  # noqa: PLC0415 -- as above

    with Client(endpoint=ams.url, api_key=ams.token, transport=ams.transport) as client:
        yield client


@pytest.fixture
def ams_async_client(ams: MockPlatform) -> AsyncClient:
    """The same for asynchronous tests. It holds no connection, so it need not be closed."""
    from ams_sdk import AsyncClient  # noqa: PLC0415 -- as above

    return AsyncClient(endpoint=ams.url, api_key=ams.token, transport=ams.transport)


@pytest.fixture
def ams_llm(request: pytest.FixtureRequest) -> FakeLLM:
    """A scripted model; clients of OpenAI and Anthropic that are made in the test talk to it."""
    return _kit(request).model()


@pytest.fixture
def ams_tools(request: pytest.FixtureRequest) -> ToolStubs:
    """Tools that answer what the test says; their bodies do not run."""
    return _kit(request).tools()


@pytest.fixture
def ams_cassette(request: pytest.FixtureRequest) -> Cassette:
    """What httpx and httpx2 clients ask of other machines, replayed from a file beside the test, or recorded to it."""
    name = _file_name(request.node.nodeid.partition("::")[2])
    path = request.path.parent / "cassettes" / request.path.stem / f"{name}.json"
    mode: Any = request.config.getoption("--ams-record")  # one of the choices
    return _kit(request).cassette(path, mode)


def _target(config: pytest.Config) -> LivePlatform | None:
    url: Any = config.getoption("--ams-target")
    if url == "mock":
        return None
    if _TARGET not in config.stash:
        from ams_sdk.testing._platform import LivePlatform  # noqa: PLC0415 -- as above

        config.stash[_TARGET] = LivePlatform(url)
        config.add_cleanup(config.stash[_TARGET].close)
    return config.stash[_TARGET]


def _kit(request: pytest.FixtureRequest) -> Kit:
    request.getfixturevalue("ams")
    kit: Kit = request.node.stash[_KIT]
    return kit


def _is_shown(config: pytest.Config, report: pytest.TestReport) -> bool:
    wanted = config.getoption("--ams-trace")
    if report.when == "call":
        return wanted == "all" or (wanted == "failed" and report.failed)
    return wanted != "none" and report.failed


def _add_sections(kit: Kit, report: pytest.TestReport) -> None:
    try:
        sections = kit.sections()
    except Exception as error:  # noqa: BLE001 -- the failure of the test is what its reader needs
        sections = [("trace", f"It could not be shown: {error!r}")]
    report.sections += [(f"ams {title}", text) for title, text in sections]


def _save(kit: Kit, file: Path, report: pytest.TestReport) -> None:
    try:
        kit.trace.save(file)
    except OSError as error:
        report.sections.append(("ams trace", f"It could not be saved: {error}"))


def _file_name(test: str) -> str:
    """The id of a test as the name of a file: readable, and another one for another test."""
    plain = test.replace("::", ".").replace("[", "-").removesuffix("]")
    folded = re.sub(r"[^\w.-]+", "-", plain)
    if folded == plain and len(folded) <= _LONGEST_NAME:
        return folded
    import hashlib  # noqa: PLC0415 -- not every pytest has imported it, and few names need it

    return f"{folded[:_LONGEST_NAME].rstrip('-')}-{hashlib.sha256(test.encode()).hexdigest()[:8]}"
