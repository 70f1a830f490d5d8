"""What a test may want to be different, as the marker and ``Kit`` are given it."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from typing import cast

from ams_sdk import _lifecycle
from ams_sdk._errors import ConfigurationError

__all__ = ["check_wishes"]


def check_wishes(*, strict: object, seed: object, faults: object, network: object, configure: object) -> None:
    """Check that these can be used.

    Raises:
        ConfigurationError: one of them cannot; the text says what to write.
    """
    for name, value in (("strict", strict), ("network", network)):
        if not isinstance(value, bool):
            raise ConfigurationError(f"{name}={value!r:.60} cannot be used: write True or False.")
    for name, value in (("seed", seed), ("faults", faults)):
        if not isinstance(value, list | tuple):
            raise ConfigurationError(f"{name}={value!r:.60} cannot be used: write a list, {name}=[…].")
    if configure is not None and not isinstance(configure, Mapping):
        raise ConfigurationError(f"configure={configure!r:.60} cannot be used: write {{'capture_content': False}}.")
    known = list(inspect.signature(_lifecycle.configure).parameters)
    for name in map(str, cast("Mapping[object, object]", configure or {})):
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(
                f"configure={{{name!r}: …}}: ams_sdk.configure has no such argument.{hint} "
                f"There are: {', '.join(known)}."
            )
