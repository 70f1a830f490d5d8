"""The entry point of ``ams``: its commands, and what becomes of an error."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import shell_complete

from ams_sdk._cli import exit_codes
from ams_sdk._cli.command_group import CommandGroup, Entry
from ams_sdk._cli.plain_text import one_line
from ams_sdk._cli.version import sentence
from ams_sdk._errors import (
    AMSError,
    AuthenticationError,
    ConflictError,
    InvalidCredentialsError,
    LoginExpiredError,
    RateLimitedError,
    ServerError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ams", "main"]

_HELP: Final = """Register AI agents with AMS and look at what they do.

\b
Start here:
  ams dev                    a platform on this machine
  ams register               an account there, logged in
  ams traces list            what your agents did
"""


def _show_version(context: click.Context, _option: click.Parameter, asked: bool) -> None:  # noqa: FBT001 -- click's signature
    if asked:
        click.echo(sentence())
        context.exit()


ams = CommandGroup(
    "ams",
    (
        Entry("register", "ams_sdk._cli.account:register", "Create an account and log in."),
        Entry("login", "ams_sdk._cli.account:login", "Log in and keep the login on this machine."),
        Entry("logout", "ams_sdk._cli.account:logout", "End the login, on the platform and here."),
        Entry("whoami", "ams_sdk._cli.account:whoami", "Show who is logged in, where, and until when."),
        Entry("dev", "ams_sdk._cli.dev:dev", "Run the reference server on this machine."),
        Entry("mock", "ams_sdk._cli.mock:mock", "A platform in memory, for tests."),
        Entry("contract", "ams_sdk._cli.contract:contract", "Hold a platform of your own to the contract."),
        Entry("demo", "ams_sdk._cli.demo:demo", "Run the main job on this machine."),
        Entry("keys", "ams_sdk._cli.keys:keys", "Make and delete API keys."),
        Entry("agents", "ams_sdk._cli.agents:agents", "Look at registered agents."),
        Entry("traces", "ams_sdk._cli.traces:traces", "Look at what agents did."),
        Entry("spool", "ams_sdk._cli.spool:spool", "Look at spans that wait on this machine, or deliver them."),
        Entry("doctor", "ams_sdk._cli.doctor:doctor", "Show what a program that starts here would find."),
        Entry("version", "ams_sdk._cli.version:version", "Show the version of ams-sdk."),
    ),
    help=_HELP,
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_version,
            help="Show the version and exit.",
        )
    ],
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``ams`` and return its exit code.

    Args:
        arguments: the command line without the program's name; ``sys.argv`` if not given.
    """
    for stream in (sys.stdout, sys.stderr):
        _survive_any_text(stream)
    try:
        code = _run(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still in the buffer would fail once more, and loudly, when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.FINE
    except AMSError as error:
        _complain(str(error) + _next_step(error))
        return exit_codes.of(error)
    except click.UsageError as error:
        _complain(f"{error.format_message()} {_usage_hint(error.ctx)}")
        return exit_codes.USAGE
    except (click.Abort, KeyboardInterrupt, EOFError):
        _complain("Interrupted; nothing more was done.")
        return exit_codes.INTERRUPTED
    except OSError as error:
        _complain(f"The output cannot be written: {error.strerror or error}.")
        return exit_codes.OTHER
    return code


def _run(arguments: list[str]) -> int:
    # Not click's own main(): that one ends the process with code 1 when a reader closes the pipe.
    if instruction := os.environ.get("_AMS_COMPLETE"):
        return shell_complete(ams, {}, "ams", "_AMS_COMPLETE", instruction)
    try:
        with ams.make_context("ams", arguments) as context:
            ams.invoke(context)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    return exit_codes.FINE


def _next_step(error: AMSError) -> str:
    match error:
        case InvalidCredentialsError():
            step = "Check both, or create an account: ams register"
        case LoginExpiredError():
            step = "" if "ams login" in str(error) else "Run: ams login"
        case AuthenticationError():
            step = "Check AMS_API_KEY if it is set, or run: ams login"
        case ConflictError(code="email_taken"):
            step = "Run: ams login"
        case RateLimitedError(retry_after=float(seconds)):
            step = f"Try again in {seconds:.0f} s."
        case ServerError(request_id=str(request_id)):
            step = f"Try again; the platform's log has it as request {request_id}."
        case _:
            step = ""
    return f" {step}" if step else ""


def _usage_hint(context: click.Context | None) -> str:
    return f"Try: {context.command_path if context else 'ams'} --help"


def _complain(message: str) -> None:
    # The reader of stderr may be gone too, and there is nobody left to tell.
    with contextlib.suppress(OSError):
        click.echo(f"ams: {one_line(message)}", err=True)


def _survive_any_text(stream: object) -> None:
    # A terminal that is not UTF-8 shows an escape for what it cannot show, instead of a UnicodeEncodeError.
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
