"""``ams traces to-test``: a test is written that replays a recorded run."""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ams_sdk._cli.missing import looking_for
from ams_sdk._cli.options import endpoint_option
from ams_sdk._cli.plain_text import safe
from ams_sdk._client import Client
from ams_sdk._errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from ams_sdk.testing._replay import WrittenTest
    from ams_sdk.testing._trace import TraceView

__all__ = ["to_test"]

_STDOUT: Final = "-"
_MOST_SHOWN: Final = 5


@click.command("to-test")
@click.argument("trace_id", metavar="[TRACE_ID]", required=False)
@click.option("--agent", metavar="NAME", help="The agent whose run is replayed, if not the one above all others.")
@click.option("--agent-code", metavar="MODULE:NAME", help="Where its code is, if the trace does not tell.")
@click.option(
    "-o", "--output", metavar="FILE", help="The file to write, - for stdout. Without it: test_AGENT_WORDS.py."
)
@click.option("--force", is_flag=True, help="Write the file although there is one.")
@click.option("--from", "source", metavar="FILE", help="Read a saved trace (OTLP/JSON) instead of asking the platform.")
@endpoint_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON: what was written, and where.")
def to_test(  # noqa: PLR0913, PLR0917 -- one argument an option, passed by name
    trace_id: str | None,
    agent: str | None,
    agent_code: str | None,
    output: str | None,
    source: str | None,
    endpoint: str | None,
    *,
    force: bool,
    as_json: bool,
) -> None:
    """Write a test that replays a recorded run.

    It is a file for pytest, which asserts that the agent goes the same way again. Models and tools answer what they
    answered then. The test passes as written, and fails when what the agent does
    changes. A trace that was saved by pytest's --ams-trace-dir is read with --from; TRACE_ID chooses one of several.

    \b
    Examples:
      ams traces to-test 4bf92f3577b34da6a3ce929d0e0e4736
      ams traces to-test 4bf92f3577b34da6a3ce929d0e0e4736 --agent writer
      ams traces to-test --from traces/test_research.json --output -
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    if as_json and output == _STDOUT:
        raise ConfigurationError("--json and --output - both write to stdout: leave one of them out.")
    trace, found_id = _saved(source, trace_id) if source is not None else _asked(trace_id, endpoint)
    # Heavy, and --help needs none of it.
    from ams_sdk.testing._replay import written_test  # noqa: PLC0415 -- as said

    test = written_test(trace, agent=agent, trace_id=found_id, agent_code=agent_code)
    if output == _STDOUT:
        _print_source(test)
        return
    file = Path(f"{test.name}.py" if output is None else output)
    _write(file, test.source, force=force)
    click.echo(_document(test, file, found_id) if as_json else _said(test, file))


def _asked(trace_id: str | None, endpoint: str | None) -> tuple[TraceView, str]:
    """The trace, as the platform has it."""
    if trace_id is None:
        raise ConfigurationError("Which trace? Give its TRACE_ID (ams traces list shows them), or a file with --from.")
    with Client(endpoint=endpoint) as client, looking_for("trace", trace_id, client.endpoint):
        trace = client.traces.get(trace_id)
    from ams_sdk.testing._trace import TraceView, from_wire  # noqa: PLC0415 -- heavy, and --help needs none of it

    return TraceView.of(map(from_wire, trace.spans)), trace.trace_id


def _saved(source: str, trace_id: str | None) -> tuple[TraceView, str]:
    """The trace of a file."""
    from ams_sdk.testing._trace import TraceView  # noqa: PLC0415 -- heavy, and --help needs none of it

    loaded = TraceView.load(source)
    spans = [*loaded.spans, *loaded.open_spans]
    there = list(dict.fromkeys(span.trace_id for span in sorted(spans, key=lambda span: span.start_ns)))
    if not there:
        raise ConfigurationError(f"There is no span in {source}.")
    if trace_id is None:
        # A test may have started several; those without an agent are not asked for.
        runs = list(dict.fromkeys(run.span.trace_id for run in loaded.agents())) or there
        if len(runs) > 1:
            shown = ", ".join(runs[:_MOST_SHOWN]) + (", …" if len(runs) > _MOST_SHOWN else "")
            raise ConfigurationError(f"There are several traces in {source}: give the TRACE_ID of one ({shown}).")
        trace_id = runs[0]
    chosen = trace_id.lower()
    if chosen not in there:
        raise NotFoundError(
            f"There is no trace {safe(trace_id)} in {source}; it has {', '.join(there[:_MOST_SHOWN])}.",
            status=404,
            code="not_found",
        )
    return TraceView.of(span for span in spans if span.trace_id == chosen), chosen


def _write(file: Path, source: str, *, force: bool) -> None:
    try:
        with file.open("w" if force else "x", encoding="utf-8", newline="\n") as opened:
            opened.write(source)
    except FileExistsError as error:
        raise ConfigurationError(
            f"There is a file {file} already: write another with --output, or add --force."
        ) from error
    except OSError as error:
        hint = " Make its folder first." if error.errno == errno.ENOENT else ""
        raise ConfigurationError(f"{file} cannot be written ({error.strerror}).{hint}") from error


def _print_source(test: WrittenTest) -> None:
    click.echo(test.source, nl=False)
    # The file is what stdout is for; what its reader should know stands in it as well.
    sys.stdout.flush()
    for note in test.notes:
        click.echo(f"ams: {safe(note)}", err=True)


def _said(test: WrittenTest, file: Path) -> str:
    notes = [f"  Note: {note}" for note in test.notes]
    lines = [f"Wrote {file}, a run of {test.agent} replayed.", *notes, f"Run it: python -m pytest {file}"]
    return "\n".join(map(safe, lines))


def _document(test: WrittenTest, file: Path, trace_id: str) -> str:
    return json.dumps(
        {
            "trace_id": trace_id,
            "agent": test.agent,
            "file": str(file),
            "test": test.name,
            "notes": list(test.notes),
            "run": ["python", "-m", "pytest", str(file)],
        }
    )
