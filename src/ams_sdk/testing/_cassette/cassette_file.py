"""The file of a cassette: JSON that people read, edit and review."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

from ams_sdk._version import __version__
from ams_sdk.testing._cassette.exchange import Exchange
from ams_sdk.testing._cassette.failure import CassetteError, SecretInCassetteError
from ams_sdk.testing._cassette.secret_scan import secrets_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["read_exchanges", "write_exchanges"]

_VERSION: Final = 1
_MOST_TOLD: Final = 8


def read_exchanges(path: Path) -> list[Exchange]:
    """What a cassette holds.

    Raises:
        CassetteError: it is not there, or is no cassette of this version.
    """
    try:
        return _exchanges(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise CassetteError(
            f"There is no cassette at {path}. Record it, with the network and a real key: pytest --ams-record=once"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CassetteError(
            f"The cassette {path} cannot be read: {error}. Record it anew: pytest --ams-record=all"
        ) from None


def write_exchanges(
    path: Path, documents: Sequence[Any], credentials: Sequence[str], answers: Sequence[str] = ()
) -> None:
    """Write a cassette, all of it or nothing.

    Args:
        path: the file; its folders are made.
        documents: the exchanges as JSON values.
        credentials: what must not be in them in any spelling.
        answers: the bodies of the answers as texts, which are searched beside the documents.

    Raises:
        SecretInCassetteError: they hold a secret.
        CassetteError: the disk does not take it.
    """
    document = {"ams_cassette": _VERSION, "recorded_with": f"ams-sdk {__version__}", "exchanges": list(documents)}
    found = secrets_in(document, credentials)
    known = {place for place in found if ".response." in place}
    for number, answer in enumerate(answers):
        place = f"exchanges[{number}].response"
        if not any(one.startswith(f"{place}.") for one in known):
            found += [f"{place}: {why}" for why in _secrets_of(answer, credentials)]
    if found:
        told = "\n".join(f"  {place}" for place in found[:_MOST_TOLD])
        raise SecretInCassetteError(
            f"What was recorded for {path} is not written. It holds what must not get into a repository:\n{told}\n"
            "Replace it before it is recorded: ams_cassette.replace(pattern, replacement)."
        )
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise CassetteError(f"The cassette {path} cannot be written: {error}.") from error


def _exchanges(document: Any) -> list[Exchange]:  # noqa: ANN401 -- JSON
    if document["ams_cassette"] != _VERSION:
        raise ValueError(f"it has version {document['ams_cassette']!r}, and {_VERSION} can be read")
    return [Exchange.read(entry) for entry in document["exchanges"]]


def _secrets_of(answer: str, credentials: Sequence[str]) -> list[str]:
    return [one.partition(": ")[2] for one in secrets_in([answer], credentials)]
