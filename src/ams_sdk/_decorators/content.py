"""Arguments and results as span attributes, in the JSON shapes of the GenAI conventions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ams_sdk import _semconv
from ams_sdk._capture import is_secret_name, quoted, render, render_atom, render_text
from ams_sdk._decorators.definition import AgentDefinition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ams_sdk._decorators.definition import Definition

__all__ = ["arguments", "atomic_arguments", "atomic_result", "result"]


def arguments(definition: Definition, given: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[str, str]:
    """The name and the value of the attribute that holds a call's arguments, as they are now.

    Args:
        definition: what was called.
        given: the positional arguments, without ``self``.
        kwargs: the others.
    """
    named = _named(definition, given, kwargs)
    if not isinstance(definition, AgentDefinition):
        return _semconv.TOOL_ARGUMENTS, render(named)
    if len(named) == 1:
        ((name, text),) = named.items()
        if type(text) is str and not is_secret_name(name):
            return _semconv.INPUT_MESSAGES, _message("user", text)
    return _semconv.AMS_INPUT, render(named)


def atomic_arguments(definition: Definition, given: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[str, str]:
    """The same as ``arguments``, sooner, for a call all of whose arguments are atoms."""
    shown = definition.shown
    if len(given) > len(shown) or (kwargs and not kwargs.keys().isdisjoint(definition.positional[: len(given)])):
        return arguments(definition, given, kwargs)
    if isinstance(definition, AgentDefinition):
        if len(given) + len(kwargs) == 1:
            return arguments(definition, given, kwargs)  # one text is a message, and anything else is cheap
        attribute = _semconv.AMS_INPUT
    else:
        attribute = _semconv.TOOL_ARGUMENTS
    entries = [name + render_atom(value, secret=secret) for (name, secret), value in zip(shown, given, strict=False)]
    if kwargs:
        entries += [
            f"{quoted(name)}:{render_atom(value, secret=is_secret_name(name))}" for name, value in kwargs.items()
        ]
    return attribute, f"{{{','.join(entries)}}}"


def result(definition: Definition, value: object) -> tuple[str, str]:
    """The name and the value of the attribute that holds a call's result."""
    if not isinstance(definition, AgentDefinition):
        return _semconv.TOOL_RESULT, render(value)
    if type(value) is str:
        return _semconv.OUTPUT_MESSAGES, _message("assistant", value)
    return _semconv.AMS_OUTPUT, render(value)


def atomic_result(definition: Definition, value: object) -> tuple[str, str]:
    """The same as ``result``, sooner, for an atom."""
    if isinstance(definition, AgentDefinition):
        return result(definition, value)
    return _semconv.TOOL_RESULT, render_atom(value)


def _message(role: str, text: str) -> str:
    return f'[{{"role":"{role}","parts":[{{"type":"text","content":{quoted(render_text(text))}}}]}}]'


def _named(definition: Definition, given: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    names = definition.positional
    named = dict(zip(names, given, strict=False))
    if len(given) > len(names):
        named["*args"] = given[len(names) :]
    for name, value in kwargs.items():
        # A positional-only parameter and an item of **kwargs may have one name.
        named[f"**{name}" if name in named else name] = value
    return named
