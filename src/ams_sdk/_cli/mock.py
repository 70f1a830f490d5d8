"""``ams mock``: the platform of the testing kit on a port, for programs in any language."""

from __future__ import annotations

import errno
import json
import signal
import sys
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

import click

from ams_sdk._cli.command_group import CommandGroup, Entry
from ams_sdk._cli.plain_text import safe
from ams_sdk._errors import ConfigurationError, PortTakenError

if TYPE_CHECKING:
    from types import FrameType

    from ams_sdk.testing._platform import MockPlatform, PlatformRequest

__all__ = ["mock", "serve"]

_PORT: Final = 8787
_OTHER: Final = "choose another port: ams mock serve --port 0"

mock = CommandGroup(
    "mock",
    (Entry("serve", "ams_sdk._cli.mock:serve", "Run a platform that keeps nothing on this machine."),),
    help="A platform in memory, for tests: it answers as a real one does, and forgets everything when it ends.",
)


@click.command("serve")
@click.option("--port", type=click.IntRange(0, 65_535), default=_PORT, show_default=True, help="0 takes a free one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a line with the address, then one a request.")
def serve(port: int, *, as_json: bool) -> None:
    """Run a platform that keeps nothing on this machine, until Ctrl-C.

    It has one account, whose credentials it prints, and shows each request as it comes in. Only this machine
    reaches it.

    \b
    Examples:
      ams mock serve
      ams mock serve --port 0 --json
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    from ams_sdk.testing._platform import MockPlatform  # noqa: PLC0415 -- heavy, and --help needs none of it

    # Whatever is printed is printed here: what a request's thread would raise at a closed pipe would be the client's.
    heard: SimpleQueue[PlatformRequest | None] = SimpleQueue()
    platform = MockPlatform()
    platform.requests.watch(heard.put)
    _start(platform, port)
    try:
        _on_signal(heard)
        click.echo(_facts(platform) if as_json else _welcome(platform, default=port == _PORT))
        sys.stdout.flush()
        while (request := heard.get()) is not None:
            click.echo(_document(request) if as_json else _line(request))
            sys.stdout.flush()
    finally:
        platform.stop()


def _on_signal(heard: SimpleQueue[PlatformRequest | None]) -> None:
    def end(_number: int, _frame: FrameType | None) -> None:
        heard.put(None)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def _start(platform: MockPlatform, port: int) -> None:
    try:
        platform.start(port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(f"Port {port} is taken by another program. End it, or {_OTHER}") from error
        raise ConfigurationError(f"Port {port} cannot be used ({error.strerror}); {_OTHER}") from error


def _welcome(platform: MockPlatform, *, default: bool) -> str:
    elsewhere = "" if default else f"  export AMS_ENDPOINT={platform.url}\n"
    return (
        f"A mock of AMS is at {platform.url} (Ctrl-C ends it; it keeps nothing). In another terminal run:\n"
        f"{elsewhere}"
        f"  export AMS_API_KEY={platform.api_key}\n"
        f"Its account is {platform.account.email}, with the password {platform.account.password}. Requests:"
    )


def _facts(platform: MockPlatform) -> str:
    account = platform.account
    return json.dumps(
        {
            "url": platform.url,
            "api_key": platform.api_key,
            "token": platform.token,
            "email": account.email,
            "password": account.password,
        }
    )


def _line(request: PlatformRequest) -> str:
    status = "---" if request.status is None else request.status
    said = f"{status}  {request.operation or 'unknown':<14}  {request.method} {request.path}  {request.account or ''}"
    return safe(f"{said}  {request.note}").rstrip()


def _document(request: PlatformRequest) -> str:
    return json.dumps(
        {
            "number": request.number,
            "at": request.at.isoformat(),
            "operation": request.operation,
            "method": request.method,
            "path": request.path,
            "status": request.status,
            "account": request.account,
            "spans": len(request.spans),
            "note": request.note,
        }
    )
