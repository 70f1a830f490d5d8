"""Arguments and results as span attributes, in the JSON shapes of the GenAI conventions."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from ams_sdk import _semconv
from ams_sdk._capture import (
    HIDDEN,
    CutText,
    is_secret_name,
    quoted,
    render,
    render_atom,
    render_secret_atom,
    render_text,
)
from ams_sdk._decorators.definition import ALL_OTHERS, REST, RESULT
from ams_sdk._decorators.streamed import Streamed

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
    if definition.speaks and len(named) == 1:
        ((name, text),) = named.items()
        if (type(text) is str or type(text) is CutText) and not is_secret_name(name):
            return _semconv.INPUT_MESSAGES, _message("user", render_text(text))
    return definition.input_name, render(named)


def atomic_arguments(definition: Definition, given: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[str, str]:
    """The same as ``arguments``, sooner, for a call all of whose arguments are atoms."""
    count, templates = len(given), definition.templates or definition.resolve()
    template = templates[count] if count < len(templates) else None
    is_special = definition.speaks and count + len(kwargs) == 1  # one text is a message, and anything else is cheap
    named = _named_atoms(kwargs, definition.hidden) if kwargs else ""
    if (
        template is None
        or named is None
        or is_special
        or (kwargs and not kwargs.keys().isdisjoint(definition.positional[:count]))
    ):
        return arguments(definition, given, kwargs)
    text = template % tuple(map(render_atom, given))
    if named:
        text = f"{text[:-1]}{',' if count else ''}{named}}}"
    return definition.input_name, text


def _named_atoms(kwargs: Mapping[str, Any], hidden: frozenset[str]) -> str | None:
    """The entries of a JSON object, or None if a name is not shown as it is, a value is hidden, or there are many."""
    if len(kwargs) > _MOST_NAMED or (hidden and (ALL_OTHERS in hidden or not hidden.isdisjoint(kwargs))):
        return None
    entries: list[str] = []
    for name, value in kwargs.items():
        opening, secret = _opening(name) if type(name) is str and len(name) <= _LONGEST_NAME else ("", False)
        if not opening:
            return None
        entries.append(opening + (render_secret_atom(value) if secret else render_atom(value)))
    return ",".join(entries)


_MOST_NAMED: Final = 32
_LONGEST_NAME: Final = 64


@lru_cache(maxsize=1_024)  # the same few names come back at every call
def _opening(name: str) -> tuple[str, bool]:
    """What stands before the value, nothing if the name is not shown as it is; whether the name is one of a secret."""
    return (f"{quoted(name)}:" if render_text(name) == name else ""), is_secret_name(name)


def result(definition: Definition, value: object) -> tuple[str, str]:
    """The name and the value of the attribute that holds a call's result."""
    if not definition.templates:
        definition.resolve()
    if RESULT in definition.hidden and value is not None:
        return definition.output_name, render(HIDDEN)
    streamed = value if type(value) is Streamed else None
    if definition.speaks:
        text = streamed.text if streamed is not None else _text(value)
        if text is not None:
            return _semconv.OUTPUT_MESSAGES, _message("assistant", text)
    return definition.output_name, render(value) if streamed is None else streamed.render()


def _text(value: object) -> str | None:
    if type(value) is str or type(value) is CutText:
        return render_text(value)
    return None


def atomic_result(definition: Definition, value: object) -> tuple[str, str]:
    """The same as ``result``, sooner, for an atom."""
    if definition.speaks or definition.hidden or not definition.templates:
        return result(definition, value)
    return definition.output_name, render_atom(value)


def _message(role: str, text: str) -> str:
    return f'[{{"role":"{role}","parts":[{{"type":"text","content":{quoted(text)}}}]}}]'


def _named(definition: Definition, given: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    names = definition.positional
    named = dict(zip(names, given, strict=False))
    if len(given) > len(names):
        named[REST] = given[len(names) :]
    for name, value in kwargs.items():
        # A positional-only parameter and an item of **kwargs may have one name.
        named[f"**{name}" if name in named else name] = value
    if not definition.templates:
        definition.resolve()
    return _hidden(definition, named) if definition.hidden else named


def _hidden(definition: Definition, named: dict[str, Any]) -> dict[str, Any]:
    """The same without the values of hidden parameters; that there is one, or none, may be seen."""
    hidden = definition.hidden & named.keys()
    if ALL_OTHERS in definition.hidden:
        hidden |= named.keys() - definition.declared()
    return {name: HIDDEN if name in hidden and value is not None else value for name, value in named.items()}
