"""``ams demo``: the main job from end to end, on this machine and with nothing left behind.

A reference server in a temporary place, an account, a real agent on real data, and then the proof: what the server
gives back is compared with what ran in this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import secrets
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ams_sdk import _lifecycle
from ams_sdk._cli import terminal
from ams_sdk._cli.agents import print_agent
from ams_sdk._cli.options import json_option
from ams_sdk._cli.read_back import agent_differences, span_differences
from ams_sdk._cli.server_process import ServerProcess
from ams_sdk._cli.trace_tree import trace_tree
from ams_sdk._client import Client
from ams_sdk._decorators import AgentDefinition, definition_of
from ams_sdk._errors import ConfigurationError, DemoMismatchError
from ams_sdk._registration import registration_of

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType, ModuleType

    from opentelemetry.sdk.trace import ReadableSpan

    from ams_sdk.wire import Agent, Trace

__all__ = ["agent_file", "demo"]

_EMAIL: Final = "demo@example.com"
_AGENT: Final = "package_auditor"
_EXAMINED: Final = 25
_FLUSH_SECONDS: Final = 20.0
_SIGTERM_CODE: Final = 128 + signal.SIGTERM


@dataclass(frozen=True, slots=True)
class _Account:
    email: str
    password: str
    token: str


@click.command()
@click.option("--keep", is_flag=True, help="Leave the server up, and say where, until Ctrl-C.")
@json_option
def demo(*, keep: bool, as_json: bool) -> None:
    """Run the main job on this machine: a server, an account, a real agent, its record and its trace.

    Everything happens in a temporary folder and on a free port of the loopback interface. It needs the extra 'server'.

    \b
    Examples:
      ams demo
      ams demo --keep
      ams demo --json
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        raise ConfigurationError("OTEL_SDK_DISABLED turns all tracing off; unset it to see the demo.")
    with _ended_in_order(), tempfile.TemporaryDirectory(prefix="ams-demo-") as folder:
        steps = _Steps(quiet=as_json)
        with ServerProcess("ams demo", port=0, environment=_isolated(folder), state_folder=Path(folder)) as server:
            steps.done(f"reference server at {server.address}, with SQLite in {folder}")
            _run(server.address, steps, as_json=as_json, keep=keep)
            if keep:
                with contextlib.suppress(KeyboardInterrupt):  # the way to end it that it names
                    server.wait()
        steps.done("server ended, nothing left behind")


def _run(address: str, steps: _Steps, *, as_json: bool, keep: bool) -> None:
    with Client(endpoint=address) as client:
        account = _registered(client)
        steps.done(f"registered and logged in as {account.email}")
        definition, ran, found = _audited(address, account)
        steps.done(f"{_AGENT} audited {found['found']} distributions and made {len(found['findings'])} findings")
        agent, trace = _read_back(client, definition, ran)
        steps.done(f"read back: revision {agent.revision.number} of the agent, and {len(ran)} spans, equal to what ran")
    if as_json:
        document = {"agent": agent.model_dump(mode="json"), "trace": trace.model_dump(mode="json"), "audit": found}
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo()
        print_agent(agent)
        click.echo()
        terminal.show(trace_tree(trace))
        click.echo()
    if keep:
        steps.say(_how_to_look(address, account, trace))


def _registered(client: Client) -> _Account:
    password = f"{secrets.token_urlsafe(16)}-Aa1"
    client.auth.register(email=_EMAIL, password=password, name="Demo")
    return _Account(_EMAIL, password, client.auth.login(email=_EMAIL, password=password).access_token)


def _audited(address: str, account: _Account) -> tuple[AgentDefinition, tuple[ReadableSpan, ...], dict[str, Any]]:
    """Run the example agent on this environment; answer with what it is, what ran and what it found."""
    recorder = InMemorySpanExporter()
    _lifecycle.configure(
        spool_dir="none",  # the demo leaves nothing behind
        endpoint=address,
        api_key=account.token,
        service_name="ams-demo",
        enabled=True,
        sample_rate=1.0,
        capture_content=True,
        exporters=[recorder],
    )
    auditor = _load(agent_file())
    report = asyncio.run(auditor.package_auditor(sys.prefix, _EXAMINED))
    definition = definition_of(auditor.package_auditor)
    if not isinstance(definition, AgentDefinition):
        raise DemoMismatchError(f"{agent_file()} has no agent named {_AGENT}.")
    if not _lifecycle.flush(_FLUSH_SECONDS):
        raise DemoMismatchError(f"The server did not take every span: {_lifecycle.stats()}.")
    _lifecycle.shutdown()
    return definition, recorder.get_finished_spans(), auditor.asdict(report)


def _read_back(client: Client, definition: AgentDefinition, ran: tuple[ReadableSpan, ...]) -> tuple[Agent, Trace]:
    agent = client.agents.get(_AGENT)
    summaries = client.traces.list(agent=str(agent.id)).items
    if len(summaries) != 1:
        raise DemoMismatchError(f"One trace ran, and the server has {len(summaries)}.")
    trace = client.traces.get(summaries[0].trace_id)
    differences = agent_differences(registration_of(definition), agent) + span_differences(ran, trace.spans)
    if differences:
        raise DemoMismatchError(f"What was read back is not what ran: {'; '.join(differences[:5])}.")
    return agent, trace


def agent_file() -> Path:
    """Where the example agent is: beside this file in an installed package, in ``examples/`` in a checkout."""
    installed = Path(__file__).with_name(f"{_AGENT}.py")
    return installed if installed.exists() else Path(__file__).parents[3] / "examples" / installed.name


def _load(file: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(_AGENT, file)
    if specification is None or specification.loader is None:
        raise DemoMismatchError(f"The example agent cannot be loaded from {file}.")
    module = importlib.util.module_from_spec(specification)
    sys.modules[_AGENT] = module  # dataclasses and the registry look a module up by its name
    specification.loader.exec_module(module)
    return module


def _isolated(folder: str) -> dict[str, str]:
    """Settings that keep the demo's server away from whatever the environment says about the user's own."""
    return {
        "AMS_DATABASE_URL": f"sqlite:///{Path(folder, 'demo.db').as_posix()}",
        "AMS_SECRET_KEY": secrets.token_urlsafe(48),
        "AMS_ENV": "development",
    }


def _how_to_look(address: str, account: _Account, trace: Trace) -> str:
    return (
        f"The server stays up at {address} until Ctrl-C. In another terminal:\n"
        f"  ams login --endpoint {address} --email {account.email}\n"
        f"  {account.password}  (the password)\n"
        f"  ams traces show {trace.trace_id}"
    )


@contextlib.contextmanager
def _ended_in_order() -> Generator[None]:
    """Turn SIGTERM into an ordinary end, so that the server and the temporary folder go too."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(_SIGTERM_CODE)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        _lifecycle.shutdown(0)


class _Steps:
    """Says what the demo does, as it is done; on stderr if stdout is for the document."""

    def __init__(self, *, quiet: bool) -> None:
        self._to_stderr = quiet
        self._began = time.monotonic()

    def done(self, what: str) -> None:
        seconds = time.monotonic() - self._began
        self.say(f"{seconds:5.1f} s  {what}")

    def say(self, text: str) -> None:
        click.echo(text, err=self._to_stderr)
