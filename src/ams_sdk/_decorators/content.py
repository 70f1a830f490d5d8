"""Arguments and results as span attributes, in the JSON shapes of the GenAI conventions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ams_sdk import _semconv
from ams_sdk._capture import is_secret_name, render, render_text
from ams_sdk._decorators.definition import AgentDefinition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ams_sdk._decorators.definition import Definition

__all__ = ["arguments", "result"]


def arguments(definition: Definition, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[str, str]:
    """The name and the value of the attribute that holds a call's arguments, as they are now."""
    named = _named(definition, args, kwargs)
    if not isinstance(definition, AgentDefinition):
        return _semconv.TOOL_ARGUMENTS, render(named)
    if len(named) == 1:
        ((name, text),) = named.items()
        if type(text) is str and not is_secret_name(name):
            return _semconv.INPUT_MESSAGES, _message("user", text)
    return _semconv.AMS_INPUT, render(named)


def result(definition: Definition, value: object) -> tuple[str, str]:
    """The name and the value of the attribute that holds a call's result."""
    if not isinstance(definition, AgentDefinition):
        return _semconv.TOOL_RESULT, render(value)
    if type(value) is str:
        return _semconv.OUTPUT_MESSAGES, _message("assistant", value)
    return _semconv.AMS_OUTPUT, render(value)


def _message(role: str, text: str) -> str:
    message = {"role": role, "parts": [{"type": "text", "content": render_text(text)}]}
    return json.dumps([message], ensure_ascii=False, separators=(",", ":"))


def _named(definition: Definition, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    given = args[definition.skipped :]
    names = definition.positional
    named = dict(zip(names, given, strict=False))
    if len(given) > len(names):
        named["*args"] = given[len(names) :]
    for name, value in kwargs.items():
        # A positional-only parameter and an item of **kwargs may have one name.
        named[f"**{name}" if name in named else name] = value
    return named
