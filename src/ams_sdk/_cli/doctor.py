"""``ams doctor``: what a program that starts here would find, and which libraries would be traced by what."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from ams_sdk import _config
from ams_sdk._cli import terminal
from ams_sdk._cli.plain_text import safe
from ams_sdk._connection import resolve
from ams_sdk._errors import AMSError
from ams_sdk._libraries import LIBRARIES, select
from ams_sdk._libraries.survey import Survey
from ams_sdk._tracing.spool import contents, spool_root
from ams_sdk._version import __version__

if TYPE_CHECKING:
    from ams_sdk._connection import Connection
    from ams_sdk._libraries.survey import Finding

__all__ = ["doctor"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one document.")
def doctor(*, as_json: bool) -> None:
    """Show what a program that starts here would find: settings, credential, spool, traced libraries.

    Nothing is sent, imported or changed, and no secret is shown. What does not work is told as such; the exit code is 0
    all the same.

    \b
    Examples:
      ams doctor
      ams doctor --json | jq '.libraries[] | select(.installed)'
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    report = _examine()
    if as_json:
        click.echo(json.dumps(asdict(report), indent=2, ensure_ascii=True))
    else:
        _print(report)


@dataclass(frozen=True, slots=True)
class _Instrumentor:
    distribution: str
    version: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Library:
    name: str
    kind: str
    installed: str | None
    is_traced: bool
    by: _Instrumentor | None
    passed_over: list[_Instrumentor]
    reason: str


@dataclass(frozen=True, slots=True)
class _Report:
    sdk: str
    python: str
    problems: list[str]
    endpoint: str | None
    credential: str
    spool: str | None
    spool_state: str
    spans_waiting: int
    capture_content: bool | None
    libraries: list[_Library]


def _examine() -> _Report:
    problems: list[str] = []
    wanted: bool | tuple[str, ...] = False
    captures = None
    try:
        settings = _config.load()
        captures = settings.capture_content
        select(settings.auto_trace)
        wanted = settings.auto_trace if settings.enabled else False
        if not settings.enabled:
            problems.append("The SDK is turned off: AMS_ENABLED or OTEL_SDK_DISABLED says so.")
    except AMSError as error:
        problems.append(str(error))
    connection = _connection(problems)
    folder, state, waiting = _spool(problems)
    asked_for = {library.name for library in select(wanted)}
    survey = Survey()
    return _Report(
        sdk=__version__,
        python=f"{platform.python_version()} ({platform.system()})",
        problems=problems,
        endpoint=None if connection is None else connection.endpoint,
        credential="none" if connection is None else _credential(connection),
        spool=folder,
        spool_state=state,
        spans_waiting=waiting,
        capture_content=captures,
        libraries=[_library(survey.of(row), is_wanted=row.name in asked_for) for row in LIBRARIES],
    )


def _connection(problems: list[str]) -> Connection | None:
    try:
        connection = resolve()
        connection.credential()
    except AMSError as error:
        if str(error) not in problems:
            problems.append(str(error))
    else:
        return connection
    try:
        return resolve()
    except AMSError:
        return None


def _credential(connection: Connection) -> str:
    """Say whose it is and where it comes from, and nothing by which it could be used."""
    sources = {"environment": "AMS_API_KEY", "login": "ams login"}
    whose = connection.identity()
    return f"{whose} ({sources.get(connection.source, connection.source)})" if whose else "none"


def _spool(problems: list[str]) -> tuple[str | None, str, int]:
    if os.environ.get("AMS_SPOOL_DIR", "").lower() == "none":
        return None, "off", 0
    try:
        root = spool_root()
    except (AMSError, RuntimeError) as error:  # this user has no home
        problems.append(str(error))
        return None, "unusable", 0
    nearest = next(folder for folder in (root, *root.parents) if folder.exists())
    if not os.access(nearest, os.W_OK | os.X_OK) or not nearest.is_dir():
        problems.append(f"The spool {root} cannot be written to; spans would be kept in memory only.")
        return str(root), "unusable", 0
    return str(root), "there" if Path(root).is_dir() else "not made yet", sum(one.spans for one in contents(root))


def _library(finding: Finding, *, is_wanted: bool) -> _Library:
    chosen = finding.chosen
    is_traced = is_wanted and not finding.reason
    reason = finding.reason
    if not is_wanted and finding.installed:
        reason = "auto_trace leaves it out"
    return _Library(
        name=finding.library.name,
        kind=finding.library.kind.value,
        installed=finding.installed,
        is_traced=is_traced,
        by=_Instrumentor(chosen.distribution, chosen.version) if chosen and is_traced else None,
        passed_over=[_Instrumentor(offer.distribution, offer.version, why) for offer, why in finding.passed_over],
        reason=reason,
    )


def _print(report: _Report) -> None:
    waiting = f", {report.spans_waiting} spans wait: ams spool list" if report.spans_waiting else ""
    facts = {
        "ams-sdk": report.sdk,
        "Python": report.python,
        "endpoint": report.endpoint or "unknown",
        "credential": report.credential,
        "content": {True: "recorded", False: "not recorded", None: "unknown"}[report.capture_content],
        "spool": f"{report.spool or 'memory only'} ({report.spool_state}{waiting})",
    }
    grid = Table.grid("", "", padding=(0, 2, 0, 0))
    for name, value in facts.items():
        grid.add_row(Text(name, style="dim"), Text(safe(value), overflow="fold"))
    for problem in report.problems:
        grid.add_row(Text("problem", style="red"), Text(safe(problem), overflow="fold"))
    terminal.show(grid)
    click.echo()
    _print_libraries([row for row in report.libraries if row.installed])
    if absent := [row.name for row in report.libraries if not row.installed]:
        click.echo(f"Known, and not installed: {', '.join(absent)}.")


def _print_libraries(rows: list[_Library]) -> None:
    target = terminal.console()
    table = terminal.table(target, "LIBRARY", "VERSION", "TRACED BY", "WHY NOT", elastic={"TRACED BY", "WHY NOT"})
    for row in rows:
        by = "itself" if row.by is None else _named(row.by)
        table.add_row(*(terminal.cell(text) for text in _cells(row, by if row.is_traced else "-")))
        for other in row.passed_over:
            why = other.reason
            table.add_row(*(terminal.cell(text) for text in ("", "", f"not {_named(other)}", why)))
    if rows:
        terminal.show(table)


def _cells(row: _Library, by: str) -> tuple[str, ...]:
    return row.name, row.installed or "", by, row.reason


def _named(instrumentor: _Instrumentor) -> str:
    return f"{instrumentor.distribution} {instrumentor.version}"
