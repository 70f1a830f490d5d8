"""What a decorator was put on: the name, the description and the function of an agent or a tool.

What is the same for all calls is worked out here, once: a call may cost a few microseconds in all.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from ams_sdk import _semconv
from ams_sdk._capture import is_secret_name, quoted
from ams_sdk._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["AgentDefinition", "Definition", "ToolDefinition", "checked_function", "definition_of", "name_for"]

MAX_NAME: Final = 128
MAX_DESCRIPTION: Final = 4_096
_NAME: Final = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9._-]{{0,{MAX_NAME - 1}}}")
_MOST_FILLED: Final = 16
_ATTRIBUTE: Final = "__ams_definition__"


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Definition:
    """A decorated function.

    Attributes:
        positional: the names of the parameters that positional arguments go to, without ``self`` or ``cls``.
        skipped: how many arguments come before them.
        templates: by the number of positional arguments, the JSON object of them, to be filled with their JSON texts by
            the operator ``%``; None if the name of one is that of a secret. Of many arguments there is none.
        span_name: what spans of its calls are called.
        attributes: what all those spans say.
        packed: where an encoder of spans keeps what it made of the two.
        is_agent: whether a call is a run.
    """

    is_agent: ClassVar[bool] = False

    name: str
    description: str | None
    function: Callable[..., Any]
    positional: tuple[str, ...] = field(init=False)
    skipped: int = field(init=False)
    templates: tuple[str | None, ...] = field(init=False)
    span_name: str = field(init=False)
    attributes: Mapping[str, str] = field(init=False)
    packed: dict[str, bytes] = field(init=False, default_factory=dict[str, bytes])

    def __post_init__(self) -> None:
        names = _positional_names(self.function)
        skipped = 1 if names[:1] in {("self",), ("cls",)} else 0
        attributes = {key: text for key, text in self._attributes().items() if text}
        filled = names[skipped:]
        found: dict[str, object] = {
            "positional": filled,
            "skipped": skipped,
            "templates": tuple(_template(filled[:count]) for count in range(min(len(filled), _MOST_FILLED) + 1)),
            "span_name": f"{attributes[_semconv.OPERATION_NAME]} {self.name}",
            "attributes": attributes,
        }
        for name, value in found.items():
            object.__setattr__(self, name, value)

    def attach(self, wrapper: Callable[..., Any]) -> None:
        """Make ``definition_of(wrapper)`` answer with this definition."""
        setattr(wrapper, _ATTRIBUTE, self)

    def _attributes(self) -> dict[str, str | None]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True, eq=False)
class ToolDefinition(Definition):
    """A function that an agent may call."""

    def _attributes(self) -> dict[str, str | None]:
        return {
            _semconv.OPERATION_NAME: _semconv.OPERATION_EXECUTE_TOOL,
            _semconv.TOOL_NAME: self.name,
            _semconv.TOOL_TYPE: _semconv.TOOL_TYPE_FUNCTION,
            _semconv.TOOL_DESCRIPTION: self.description,
        }


@dataclass(frozen=True, slots=True, eq=False)
class AgentDefinition(Definition):
    """An agent: each call of its function is one run."""

    is_agent: ClassVar[bool] = True

    version: str
    tools: tuple[ToolDefinition, ...] | None
    """The tools that were named; None means those of the agent's own module."""

    def _attributes(self) -> dict[str, str | None]:
        return {
            _semconv.OPERATION_NAME: _semconv.OPERATION_INVOKE_AGENT,
            _semconv.AGENT_NAME: self.name,
            _semconv.AMS_AGENT_VERSION: self.version,
            _semconv.AGENT_DESCRIPTION: self.description,
        }


def definition_of(value: object) -> Definition | None:
    """What the decorated function says of itself, or None if the value is not decorated."""
    found = inspect.getattr_static(value, _ATTRIBUTE, None)
    return found if isinstance(found, Definition) else None


def checked_function(value: object, decorator: str) -> Callable[..., Any]:
    """The value, if it is a sync or async function that can be wrapped.

    Raises:
        ConfigurationError: it is something else; the message says what to decorate instead.
    """
    if inspect.isgeneratorfunction(value) or inspect.isasyncgenfunction(value):
        raise ConfigurationError(
            f"@{decorator} cannot trace the generator {value.__qualname__!r} yet: decorate the function that reads it."
        )
    if inspect.isfunction(value):
        return value
    if isinstance(value, type):
        raise ConfigurationError(
            f"@{decorator} cannot be put on the class {value.__qualname__!r} yet: decorate its method."
        )
    if isinstance(value, staticmethod | classmethod | property):
        raise ConfigurationError(
            f"@{decorator} goes below @{type(cast('object', value)).__name__}, directly above the function."
        )
    if isinstance(value, str):
        raise ConfigurationError(f"Write @{decorator}(name={value!r}): the name is a keyword argument.")
    raise ConfigurationError(
        f"@{decorator} goes on a function that was written with def or async def, not on a {type(value).__name__}."
    )


def name_for(function: Callable[..., Any], given: str | None, decorator: str) -> str:
    """The given name if it is usable, or one made from the function's.

    Raises:
        ConfigurationError: the given name is empty, too long, or has characters that cannot stand in a URL.
    """
    if given is None:
        # A lambda or a name in another script is made to fit rather than refused: nobody chose it for the platform.
        return re.sub(r"[^A-Za-z0-9._-]+", "_", function.__name__)[:MAX_NAME].lstrip(".-") or "_"
    if not isinstance(given, str) or not _NAME.fullmatch(given):
        raise ConfigurationError(
            f"@{decorator}(name={given!r}): a name has 1 to {MAX_NAME} of A-Z a-z 0-9 _ . - "
            "and does not begin with a dot or a hyphen."
        )
    return given


def description_for(function: Callable[..., Any], given: str | None) -> str | None:
    """The given description, or the first paragraph of the docstring, bounded."""
    text = given if given is not None else inspect.getdoc(function)
    paragraph = (text or "").strip().split("\n\n", 1)[0]
    text = " ".join(paragraph.split())[:MAX_DESCRIPTION]
    return text.encode("utf-8", "replace").decode() or None  # a lone surrogate could not be sent


def _template(names: tuple[str, ...]) -> str | None:
    if any(map(is_secret_name, names)):
        return None
    entries = [quoted(name).replace("%", "%%") + ":%s" for name in names]
    return f"{{{','.join(entries)}}}"


def _positional_names(function: Callable[..., Any]) -> tuple[str, ...]:
    try:
        code = getattr(inspect.unwrap(function), "__code__", None)  # what a wrapper wraps need not be a function
    except ValueError:  # it claims to wrap itself
        code = function.__code__
    return code.co_varnames[: code.co_argcount] if code is not None else ()
