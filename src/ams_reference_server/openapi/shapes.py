"""The schemas of all bodies: those of the models on the wire by pydantic, and those of OTLP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from ams_reference_server.openapi.calls import CALLS
from ams_reference_server.openapi.otlp_messages import otlp_schemas
from ams_sdk.wire import Problem

if TYPE_CHECKING:
    from pydantic import BaseModel, JsonValue
    from pydantic.json_schema import JsonSchemaMode

    from ams_reference_server.openapi.calls import Content

__all__ = ["SchemasWithoutTitles", "Shapes"]

_TEMPLATE = "#/components/schemas/{model}"


class SchemasWithoutTitles(GenerateJsonSchema):
    """Pydantic's schemas, but a field has no title that only repeats its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 -- pydantic asks with it
        """Never."""
        return False


class Shapes:
    """The schemas of every body that the table of calls names.

    What is sent is described as it is checked, and what is answered as it is written: there, every field is present.
    """

    def __init__(self) -> None:
        wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(Problem, "validation"): None}
        for call in CALLS:
            wanted |= dict.fromkeys((model, "validation") for model in _models(call.body))
            for answer in call.answers:
                wanted |= dict.fromkeys((model, "serialization") for model in _models(answer.content))
        self._references, definitions = models_json_schema(
            list(wanted), ref_template=_TEMPLATE, schema_generator=SchemasWithoutTitles
        )
        self.schemas: dict[str, JsonValue] = dict(sorted((definitions["$defs"] | otlp_schemas()).items()))

    def content(self, content: Content, mode: JsonSchemaMode) -> dict[str, JsonValue]:
        """A ``content`` object: each content type with its schema."""
        return {media_type: self._media(shape, mode) for media_type, shape in content.items()}

    def _media(self, shape: type[BaseModel] | str | None, mode: JsonSchemaMode) -> dict[str, JsonValue]:
        if shape is None:
            return {}  # OpenAPI 3.1 describes bytes by saying nothing about them
        if isinstance(shape, str):
            return {"schema": {"$ref": _TEMPLATE.format(model=shape)}}
        return {"schema": self._references[shape, mode]}


def _models(content: Content) -> list[type[BaseModel]]:
    return [shape for shape in content.values() if shape is not None and not isinstance(shape, str)]
