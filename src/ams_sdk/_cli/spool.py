"""``ams spool``: spans that wait on this machine, since they could not be delivered."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import click
from pydantic import ValidationError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ams_sdk._cli import terminal
from ams_sdk._cli.command_group import CommandGroup, Entry
from ams_sdk._cli.duration import relative
from ams_sdk._cli.options import endpoint_option
from ams_sdk._cli.plain_text import safe
from ams_sdk._client import SpanIntake
from ams_sdk._connection import resolve
from ams_sdk._errors import (
    AMSError,
    APIError,
    AuthenticationError,
    InvalidRequestError,
    LoginExpiredError,
    PermissionDeniedError,
    ProtocolError,
    RateLimitedError,
    ServerError,
    StateFolderError,
)
from ams_sdk._tracing.otlp_environment import OtlpEnvironment
from ams_sdk._tracing.spool import Spool, contents, spool_root
from ams_sdk._tracing.verdict import Outcome, judge
from ams_sdk.wire import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ams_sdk._client import Answer
    from ams_sdk._client import Destination as Intake
    from ams_sdk._connection import Connection
    from ams_sdk._tracing.spool import Batch, Destination

__all__ = ["list_", "push", "spool"]

_OF_THE_BATCH: Final = frozenset({400, 413, 415, 422})
"""Statuses that say that this very batch cannot be taken; any other refusal is about the address or the platform."""

_UNITS: Final = ("B", "KiB", "MiB", "GiB")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one document.")

spool = CommandGroup(
    "spool",
    (
        Entry("list", "ams_sdk._cli.spool:list_", "List what waits on this machine to be delivered."),
        Entry("push", "ams_sdk._cli.spool:push", "Deliver what programs that are gone left behind."),
    ),
    help="Look at spans that wait on this machine, or deliver them.",
)


@click.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List what waits on this machine to be delivered, by platform and account.

    A program that runs delivers its own spans; what it left behind is delivered by the next one, or by: ams spool push

    \b
    Examples:
      ams spool list
      ams spool list --json
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    found = [one for one in contents(spool_root()) if one.batches or one.refused]
    if as_json:
        _print_json({"items": [_as_json(one) for one in found]})
    elif found:
        _print_table(found)
    else:
        click.echo("Nothing waits here: all spans were delivered.")


@click.command("push")
@endpoint_option
@json_option
def push(endpoint: str | None, *, as_json: bool) -> None:
    """Deliver what programs that are gone left behind for a platform, whoever ran them, with your present credential.

    What the platform refuses for good is kept, and not sent again.

    \b
    Examples:
      ams spool push
      ams spool push --endpoint https://ams.example.com
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    connection = resolve(endpoint=endpoint)
    waiting = [one for one in contents(spool_root()) if one.endpoint == connection.endpoint]
    done = _Delivery(connection.endpoint)
    try:
        _push(connection, waiting, done)
    finally:
        if as_json:
            _print_json(asdict(done))
        else:
            _tell(done)
    if not as_json:
        _tell_of_others(done, waiting)
    if done.refused_batches:
        raise InvalidRequestError(
            f"{connection.endpoint} refuses {_counted(done.refused_spans, 'span')} for good. "
            f"What it refused is kept in {spool_root()} for a week at the most, in files that end in .refused.",
            status=done.refused_with or HTTPStatus.BAD_REQUEST,
            code="refused",
        )


@dataclass(slots=True)
class _Delivery:
    """What became of what was left behind."""

    endpoint: str
    identities: list[str] = field(default_factory=list[str])
    delivered_batches: int = 0
    delivered_spans: int = 0
    rejected_spans: int = 0
    refused_batches: int = 0
    refused_spans: int = 0
    refused_with: int | None = None
    kept_batches: int = 0
    kept_spans: int = 0
    dropped_spans: dict[str, int] = field(default_factory=dict[str, int])


def _push(connection: Connection, waiting: Iterable[Destination], done: _Delivery) -> None:
    with ExitStack() as closing:
        batches: list[Batch] = []
        for one in waiting:
            left = Spool(spool_root(), one.endpoint, one.identity)
            closing.callback(_leave, left, done)
            try:
                adopted = left.orphans()
            except OSError as error:
                raise _unusable(left, error) from error
            batches += adopted
            done.identities += [one.identity] if adopted and one.identity else []
        done.kept_batches, done.kept_spans = len(batches), sum(batch.spans for batch in batches)
        if done.identities and connection.bearer is None:
            raise connection.refusal()
        if batches:
            intake = SpanIntake(_intake(connection))
            closing.callback(intake.close)
            for batch in _with_progress(batches):
                _deliver(batch, intake, done)


def _leave(left: Spool, done: _Delivery) -> None:
    left.close()
    for reason, spans in left.dropped.items():
        done.dropped_spans[reason] = done.dropped_spans.get(reason, 0) + spans


def _intake(connection: Connection) -> Intake:
    otlp = OtlpEnvironment()
    # A collector has a path and headers of its own; only the environment knows them.
    is_collector = otlp.protocol == "http/protobuf" and otlp.address()[0].endpoint == connection.endpoint
    return otlp.collector() if is_collector else otlp.platform(connection)


def _deliver(batch: Batch, intake: SpanIntake, done: _Delivery) -> None:
    spans = batch.spans
    try:
        message = batch.read()
    except FileNotFoundError:  # dropped in the meantime, or nothing in it was sound; both are counted as such
        done.kept_batches, done.kept_spans = done.kept_batches - 1, done.kept_spans - spans
        return
    answer = intake.post(message)
    verdict = judge(answer)
    if verdict.outcome is Outcome.ARRIVED:
        batch.remove()
        rejected = min(verdict.rejected, batch.spans)
        done.delivered_batches += 1
        done.delivered_spans += batch.spans - rejected
        done.rejected_spans += rejected
    elif answer.status in _OF_THE_BATCH:
        batch.set_aside()
        done.refused_batches += 1
        done.refused_spans += batch.spans
        done.refused_with = answer.status
    else:
        raise _refusal(answer, done.endpoint)
    done.kept_batches, done.kept_spans = done.kept_batches - 1, done.kept_spans - spans


def _refusal(answer: Answer, endpoint: str) -> AMSError:
    """Say why it stops, and what to do."""
    status, again = answer.status, "What is left is kept; run again later: ams spool push"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        text = f"{endpoint} asks for a pause. What is left is kept for the next: ams spool push."
        return RateLimitedError(text, status=status, code="rate_limited", retry_after=answer.retry_after)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServerError(f"{endpoint} takes no spans now (status {status}). {again}", status=status, code="server")
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return _refused_credential(answer, endpoint)
    return ProtocolError(
        f"{endpoint} answered {status} where a platform takes spans. Is this the address of an AMS platform "
        f"(AMS_ENDPOINT), and is a proxy in between? {again}"
    )


def _refused_credential(answer: Answer, endpoint: str) -> APIError:
    kind: type[APIError] = AuthenticationError if answer.status == HTTPStatus.UNAUTHORIZED else PermissionDeniedError
    try:
        problem = Problem.model_validate_json(answer.content)
    except ValidationError:  # a collector, or a proxy
        return kind(f"{endpoint} refuses the credential. What is left is kept.", status=answer.status, code="refused")
    if problem.code == "token_expired":
        kind = LoginExpiredError
    return kind(problem.detail, status=answer.status, code=problem.code, request_id=problem.request_id)


def _unusable(left: Spool, error: OSError) -> StateFolderError:
    return StateFolderError(
        f"The spool in {left.folder} cannot be used: {error.strerror or type(error).__name__}. "
        "Give yourself access to it, or set AMS_SPOOL_DIR to the folder that is meant."
    )


def _with_progress(batches: list[Batch]) -> Iterable[Batch]:
    target = terminal.console()
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    if not target.is_terminal:  # older releases of rich print an empty line for a bar that is disabled
        yield from batches
        return
    with Progress(*columns, console=target, transient=True) as progress:
        yield from progress.track(batches, description="Delivering")


def _tell(done: _Delivery) -> None:
    if done.delivered_batches:
        whose = f", left behind by {', '.join(map(safe, done.identities))}" if done.identities else ""
        click.echo(f"Delivered {_counted(done.delivered_spans, 'span')} to {done.endpoint}{whose}.")
    if done.rejected_spans:
        click.echo(f"Of the same batches it refused {_counted(done.rejected_spans, 'span')}.")
    if done.dropped_spans:
        reasons = ", ".join(f"{reason}: {spans}" for reason, spans in done.dropped_spans.items())
        click.echo(f"Dropped {_counted(sum(done.dropped_spans.values()), 'span')} ({reasons}).")
    if done.kept_batches:
        click.echo(f"Kept {_counted(done.kept_spans, 'span')} for the next time.")


def _tell_of_others(done: _Delivery, waiting: list[Destination]) -> None:
    if in_use := sum(one.in_use for one in waiting):
        click.echo(f"Left alone: {_counted(in_use, 'batch', 'batches')} of programs that run, and deliver their own.")
    elif not (done.delivered_batches or done.refused_batches or done.dropped_spans):
        click.echo(f"Nothing was left behind for {done.endpoint}.")
        for other in sorted({one.endpoint for one in contents(spool_root()) if one.batches > one.in_use}):
            click.echo(f"There is something for {safe(other)}: ams spool push --endpoint {safe(other)}")


def _print_table(found: list[Destination]) -> None:
    target = terminal.console()
    headings = ("ENDPOINT", "ACCOUNT", "BATCHES", "SPANS", "SIZE", "OLDEST", "IN USE", "REFUSED")
    numbers = {"BATCHES", "SPANS", "SIZE", "IN USE", "REFUSED"}
    table = terminal.table(target, *headings, elastic={"ENDPOINT", "ACCOUNT"}, right=numbers)
    now = datetime.now(UTC)
    for one in found:
        oldest = "-" if one.oldest is None else relative(datetime.fromtimestamp(one.oldest, UTC), now)
        counts = str(one.batches), str(one.spans), _size(one.bytes), oldest, str(one.in_use), str(one.refused)
        texts = (one.endpoint or "unknown", one.identity or "-", *counts)
        table.add_row(*(terminal.cell(text) for text in texts))
    terminal.show(table)


def _as_json(one: Destination) -> dict[str, Any]:
    oldest = None if one.oldest is None else datetime.fromtimestamp(one.oldest, UTC).isoformat()
    return asdict(one) | {"oldest": oldest}


def _print_json(document: object) -> None:
    click.echo(json.dumps(document, indent=2, ensure_ascii=True))


def _counted(number: int, one: str, more: str = "") -> str:
    return f"{number} {one if number == 1 else more or f'{one}s'}"


def _size(number: float) -> str:
    for unit in _UNITS[:-1]:
        if number < 1_000:  # noqa: PLR2004 -- three digits and a unit
            return f"{number:.3g} {unit}"
        number /= 1_024
    return f"{number:.3g} {_UNITS[-1]}"
