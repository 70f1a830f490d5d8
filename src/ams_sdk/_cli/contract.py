"""``ams contract``: whether a platform, anybody's, keeps the contract that the SDK relies on."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

import click
from rich.text import Text

from ams_sdk._cli import exit_codes, terminal
from ams_sdk._cli import password as password_input
from ams_sdk._cli.command_group import CommandGroup, Entry
from ams_sdk._cli.options import password_stdin_option
from ams_sdk._cli.plain_text import one_line, safe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ams_sdk.testing.contract import PlatformUnderTest, Rule, Verdict

__all__ = ["contract", "rules", "run"]

_STYLES: Final = {"kept": "green", "broken": "bold red", "skipped": "yellow"}
_NAME_WIDTH: Final = 40

contract = CommandGroup(
    "contract",
    (
        Entry("run", "ams_sdk._cli.contract:run", "Hold a platform to the contract, rule by rule."),
        Entry("rules", "ams_sdk._cli.contract:rules", "List the rules."),
    ),
    help="Hold a platform of your own to the contract: its rules, in raw HTTP, for whoever builds one.",
)

_only_option = click.option(
    "--only", metavar="NAME", multiple=True, help="Only this rule, or the rules of this group; may be repeated."
)


@click.command("run")
@click.argument("url")
@_only_option
@click.option("--email", metavar="ADDRESS", help="Use this account; without it the rules register their own.")
@password_stdin_option
@click.option(
    "--timeout", type=click.FloatRange(min=0.1), default=30.0, show_default=True, help="Seconds an answer takes."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one document.")
@click.pass_context
def run(  # noqa: PLR0913 -- click gives each option an argument
    context: click.Context,
    url: str,
    *,
    only: tuple[str, ...],
    email: str | None,
    password_stdin: bool,
    timeout: float,
    as_json: bool,
) -> None:
    """Hold a platform to the contract, rule by rule.

    It says of each rule whether the platform at URL keeps it. The rules make accounts, keys, agents and traces there
    and leave them: run them on a platform that is there for it. The exit code is 13 if a rule is broken. A rule that
    cannot be tried is skipped, and says why.

    \b
    Examples:
      ams contract run http://127.0.0.1:8787
      ams contract run http://127.0.0.1:8787 --only accounts --only health.live
      ams contract run http://127.0.0.1:8787 --email ada@example.com
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    from ams_sdk.testing.contract import PlatformUnderTest, judge, select  # noqa: PLC0415 -- heavy; --help needs none

    chosen = select(*only)
    if password_stdin and email is None:
        raise click.UsageError("--password-stdin is the password of an account: name it with --email.")
    password = None if email is None else _password(from_stdin=password_stdin)
    begun = time.perf_counter()
    with PlatformUnderTest(url, email=email, password=password, timeout=timeout) as platform:
        platform.reach()
        found = judge(platform, chosen)
        verdicts = list(found) if as_json else list(_told(found))
    if as_json:
        click.echo(json.dumps(_document(platform, verdicts), indent=2, ensure_ascii=True))
    else:
        _explain(verdicts)
        click.echo(_sum(verdicts, time.perf_counter() - begun))
    if any(verdict.broken for verdict in verdicts):
        context.exit(exit_codes.CONTRACT_BROKEN)


@click.command("rules")
@_only_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one document.")
def rules(only: tuple[str, ...], *, as_json: bool) -> None:
    """List the rules of the contract: the name of each, and what it says.

    \b
    Examples:
      ams contract rules
      ams contract rules --only telemetry
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    from ams_sdk.testing.contract import select  # noqa: PLC0415 -- as above

    chosen = select(*only)
    if as_json:
        click.echo(json.dumps([_named(rule) for rule in chosen], indent=2, ensure_ascii=True))
        return
    rows = terminal.table(terminal.console(), "RULE", "WHAT THE CONTRACT SAYS", elastic={"WHAT THE CONTRACT SAYS"})
    for rule in chosen:
        rows.add_row(terminal.cell(rule.name), Text(rule.says))
    terminal.show(rows)


def _password(*, from_stdin: bool) -> str:
    return password_input.password_from_stdin() if from_stdin else password_input.ask_password(twice=False)


def _told(verdicts: Iterator[Verdict]) -> Iterator[Verdict]:
    """The same verdicts, each printed as soon as it is there: that is the progress, and the table too."""
    target = terminal.console()
    for verdict in verdicts:
        line = Text(f"{verdict.outcome:<8}", style=_STYLES[verdict.outcome])
        line.append(f"{verdict.rule.name:<{_NAME_WIDTH}} {verdict.seconds * 1000:>6.0f} ms", style="default")
        target.print(line)
        sys.stdout.flush()
        yield verdict


def _explain(verdicts: list[Verdict]) -> None:
    for verdict in verdicts:
        if verdict.broken is not None:
            click.echo()
            for line in str(verdict.broken).splitlines():
                click.echo(safe(line))
    skipped: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.reason:
            skipped.setdefault(verdict.reason, []).append(verdict.rule.name)
    for reason, names in skipped.items():
        click.echo(f"\nskipped   {one_line(reason)}:")
        for name in names:
            click.echo(f"          {name}")
    click.echo()


def _sum(verdicts: list[Verdict], seconds: float) -> str:
    counts = Counter(verdict.outcome for verdict in verdicts)
    said = f"{len(verdicts)} rules: {counts['kept']} kept, {counts['broken']} broken, {counts['skipped']} skipped"
    return f"{said}, in {seconds:.1f} s."


def _named(rule: Rule) -> dict[str, object]:
    return {"name": rule.name, "group": rule.group, "says": rule.says}


def _document(platform: PlatformUnderTest, verdicts: list[Verdict]) -> dict[str, object]:
    counts = Counter(verdict.outcome for verdict in verdicts)
    return {
        "url": platform.url,
        "kept": counts["kept"],
        "broken": counts["broken"],
        "skipped": counts["skipped"],
        "rules": [
            _named(verdict.rule)
            | {
                "outcome": verdict.outcome,
                "seconds": round(verdict.seconds, 3),
                "wrong": None if verdict.broken is None else verdict.broken.wrong,
                "exchanges": [] if verdict.broken is None else list(verdict.broken.exchanges),
                "reason": verdict.reason or None,
            }
            for verdict in verdicts
        ],
    }
