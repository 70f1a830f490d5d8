"""A parameter with the name of a secret keeps its schema, and loses what its schema holds of values."""

import json

import pytest

from ams_sdk._capture import REDACTED, redact_attributes, render, render_text
from ams_sdk._capture.json_text import redact_json
from ams_sdk._capture.schemas import described, is_schema

SECRET = "hunter2"
SCHEMAS = [
    {"type": "string", "description": "of the account", "minLength": 8},
    {"type": ["string", "null"], "title": "Password"},
    {"type": "STRING"},
    {"$ref": "#/$defs/Password"},
    {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
    {"type": "array", "items": {"type": "string"}, "maxItems": 3},
    {"type": "object", "properties": {"user": {"type": "string"}, "token": {"type": "string"}}, "required": ["user"]},
]
HOLDING = [
    ({"type": "string", "default": SECRET}, {"type": "string", "default": REDACTED}),
    ({"const": SECRET}, {"const": REDACTED}),
    ({"enum": [SECRET, "b"]}, {"enum": [REDACTED]}),
    (
        {"type": "string", "examples": [SECRET], "x": {"a": SECRET}},
        {"type": "string", "examples": [REDACTED], "x": REDACTED},
    ),
    ({"anyOf": [{"type": "null"}, {"const": SECRET}]}, {"anyOf": [{"type": "null"}, {"const": REDACTED}]}),
    (
        {"type": "object", "properties": {"user": {"type": "string", "example": SECRET}, "other": SECRET}},
        {"type": "object", "properties": {"user": {"type": "string", "example": REDACTED}}},
    ),
]
NONE = [SECRET, {}, {"value": SECRET}, {"type": SECRET}, {"type": [SECRET]}, [SECRET], {"type": 7}]


def tool_with(schema):
    return {"type": "object", "properties": {"password": schema}, "required": ["password", "token"]}


def ways(value):
    """Every way in which a value is written, each read again."""
    yield json.loads(render(value))
    yield json.loads(redact_json(json.dumps(value)))
    yield json.loads(render_text(json.dumps(value, indent=2)))
    yield json.loads(json.loads(render({"text": json.dumps([value])}))["text"])[0]
    yield json.loads(redact_attributes({"gen_ai.tool.definitions": json.dumps([value])})["gen_ai.tool.definitions"])[0]
    yield json.loads(json.dumps(redact_attributes({"a": value})["a"]))


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_a_schema_stays(schema):
    assert described(schema) is schema
    for left in ways(tool_with(schema)):
        assert left == tool_with(schema)


@pytest.mark.parametrize(("schema", "expected"), HOLDING, ids=str)
def test_what_it_holds_is_masked(schema, expected):
    assert described(schema) == expected
    assert described(expected) is expected
    for left in ways(tool_with(schema)):
        assert left == tool_with(expected)


@pytest.mark.parametrize("value", NONE, ids=str)
def test_what_is_no_schema_is_masked_by_its_name(value):
    assert not is_schema(value)
    for left in ways(tool_with(value)):
        assert SECRET not in str(left)


def test_outside_of_properties_a_name_tells():
    for left in ways({"password": {"type": "string"}, "required": {"token": "a"}}):
        assert left["password"] == REDACTED


def test_a_schema_that_is_deeper_than_any_is_masked():
    schema = {"const": SECRET}
    for _ in range(20):
        schema = {"type": "array", "items": schema}
    assert SECRET not in str(described(schema))


def test_no_code_of_a_value_runs():
    class Hostile:
        def __eq__(self, other):
            raise AssertionError

        __hash__ = None

    assert described({"default": Hostile(), "examples": [Hostile()]}) == {"default": REDACTED, "examples": [REDACTED]}
