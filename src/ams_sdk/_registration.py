"""What the platform is told about an agent: its interface, its tools, and a fingerprint of their code."""

from __future__ import annotations

import hashlib
import inspect
import logging
import sys
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from pydantic import JsonValue, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from ams_sdk._capture import redact_text
from ams_sdk._decorators import ToolDefinition, definition_of
from ams_sdk._decorators.annotations import annotations_of
from ams_sdk._guard import guard
from ams_sdk._version import __version__
from ams_sdk.wire import AgentRegistration, AgentTool

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, ModuleType

    from pydantic.json_schema import JsonSchemaWarningKind
    from pydantic_core import core_schema

    from ams_sdk._decorators import AgentDefinition, Definition

__all__ = ["registration_of"]

logger = logging.getLogger("ams_sdk")

_UNTYPED: Final = {"self", "cls"}

_T = TypeVar("_T")


def registration_of(agent: AgentDefinition) -> AgentRegistration:
    """The record of an agent."""
    tools = sorted(_tools_of(agent), key=lambda tool: tool.name)
    input_schema, output_schema = _schemas(agent)
    return AgentRegistration(
        name=agent.name,
        version=agent.version,
        description=_masked(agent.description),
        fingerprint=_fingerprint(agent, tools),
        input_schema=input_schema,
        output_schema=output_schema,
        tools=[
            AgentTool(name=tool.name, description=_masked(tool.description), input_schema=_schemas(tool)[0])
            for tool in tools
        ],
        sdk=f"ams-sdk/{__version__}",
    )


def _tools_of(agent: AgentDefinition) -> tuple[ToolDefinition, ...]:
    if agent.tools is not None:
        return agent.tools
    module = sys.modules.get(getattr(agent.owner or agent.function, "__module__", None) or "")
    places = [module, agent.owner or _class_of(agent, module)]
    values = [value for place in places if place is not None for value in list(vars(place).values())]
    found = [definition for value in values if (definition := _definition_in(value)) is not None]
    # A dictionary: a tool that has two names in its module is one tool, and two tools of one name would be ambiguous.
    return tuple({tool.name: tool for tool in found if isinstance(tool, ToolDefinition)}.values())


def _definition_in(value: object) -> Definition | None:
    with guard("looking through an agent's module"):
        return definition_of(value)
    return None


def _class_of(agent: AgentDefinition, module: ModuleType | None) -> type | None:
    """The class whose method the agent is, if its module has it by its name."""
    place: object = module
    for name in str(getattr(agent.function, "__qualname__", "")).split(".")[:-1]:
        place = inspect.getattr_static(place, name, None)
    return place if isinstance(place, type) else None


def _schemas(definition: Definition) -> tuple[dict[str, JsonValue] | None, dict[str, JsonValue] | None]:
    """JSON Schema of the arguments and of the result, None where the annotations do not say."""
    annotations = _annotations(definition.function)
    takes = None
    with guard(f"{definition.name}: describing its arguments"):
        takes = _input_schema(definition, annotations)
    gives = _describable(annotations["return"]) if "return" in annotations else None
    return _masked(takes), _masked(gives)


def _masked(value: _T) -> _T:
    """The same without what looks like a secret in its texts, as in a docstring or a field's example.

    Not by names: the schema of a parameter called ``password`` is no secret.
    """
    found: object = value
    if isinstance(value, str):
        found = redact_text(value)
    elif isinstance(value, list):
        found = [_masked(item) for item in cast("list[object]", value)]
    elif isinstance(value, dict):
        found = {name: _masked(item) for name, item in cast("dict[str, object]", value).items()}
    return cast("_T", found)


def _annotations(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations that can be evaluated: some name types that only a type checker imports."""
    found: dict[str, Any] = {}
    scope = getattr(inspect.unwrap(function), "__globals__", {})
    for name, annotation in annotations_of(function).items():
        try:
            found[name] = eval(annotation, scope) if isinstance(annotation, str) else annotation  # noqa: S307 -- the program's own code
        except Exception:  # any expression may stand there
            logger.debug("ams_sdk: the annotation %r of %s cannot be evaluated", annotation, function, exc_info=True)
    return found


def _input_schema(definition: Definition, annotations: dict[str, Any]) -> dict[str, JsonValue]:
    signature = inspect.signature(definition.function)
    properties: dict[str, JsonValue] = {}
    required: list[JsonValue] = []
    for position, (name, parameter) in enumerate(signature.parameters.items()):
        variadic = parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
        if variadic or (position == 0 and name in _UNTYPED):
            continue
        schema = _describable(annotations.get(name, Any))
        properties[name] = {} if schema is None else schema
        if parameter.default is parameter.empty:
            required.append(name)
    return {"type": "object", "properties": properties, "required": required}


class _Schema(GenerateJsonSchema):
    """JSON Schema without default values, which may be anything, a key perhaps, and without warnings."""

    def emit_warning(self, kind: JsonSchemaWarningKind, detail: str) -> None:
        """Say nothing: it would be said in the middle of the program's own output."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        """The schema of a value that may be left out."""
        return self.generate_inner(schema["schema"])


def _describable(annotation: Any) -> dict[str, JsonValue] | None:  # noqa: ANN401 -- whatever stands in an annotation
    try:
        return TypeAdapter(annotation).json_schema(schema_generator=_Schema)
    except Exception:  # noqa: BLE001 -- many types have no JSON form, and pydantic says so in many ways
        return None


def _fingerprint(agent: AgentDefinition, tools: list[ToolDefinition]) -> str:
    """SHA-256 over the source of the agent and its tools; it changes when their code does, and only then."""
    digest = hashlib.sha256()
    for definition in (agent, *tools):
        digest.update(_code_of(definition))
        digest.update(b"\0")
    return f"sha256:{digest.hexdigest()}"


def _code_of(definition: Definition) -> bytes:
    code = definition.code
    try:
        # "<string>", "<stdin>": several pieces of code share the name, and from Python 3.13 one of them has a source.
        if code is not None and not code.co_filename.startswith("<"):
            return inspect.getsource(definition.owner or code).encode("utf-8", "surrogateescape")
    except Exception:  # noqa: BLE001, S110 -- shipped without sources, or edited since it was imported
        pass
    return _instructions(code) if code is not None else definition.name.encode()


def _instructions(code: CodeType) -> bytes:
    constants = [_instructions(one) if inspect.iscode(one) else _constant(one) for one in code.co_consts]
    return b"\0".join([code.co_code, repr(code.co_names).encode(), *constants])


def _constant(value: object) -> bytes:
    # ``x in {"a", "b"}`` is compiled to a frozenset, whose order is another one in each process.
    if isinstance(value, frozenset):
        return repr(sorted(map(repr, cast("frozenset[object]", value)))).encode()
    return repr(value).encode()
