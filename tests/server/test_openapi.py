from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema_rs
import pytest
import schemathesis
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from ams_reference_server import openapi
from ams_reference_server.accounts.bearer import OPEN_PATHS
from ams_reference_server.app import create_app
from ams_reference_server.errors import RequestError
from ams_reference_server.openapi import otlp_messages

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"


@pytest.fixture(scope="module")
def document():
    return openapi.document()


def operations(document):
    return {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def inner(value):
    """The value and everything in it that is an object."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from inner(part)


def found(document, reference):
    assert reference.startswith("#/")
    for name in reference.removeprefix("#/").split("/"):
        document = document[name]
    return document


def test_the_committed_document_is_what_the_server_says():
    same = COMMITTED.read_bytes() == openapi.encoded()
    assert same, "docs/openapi.json is old. Run: python -m ams_reference_server.openapi > docs/openapi.json"


def test_the_command_writes_the_document():
    command = [sys.executable, "-m", "ams_reference_server.openapi"]
    assert subprocess.run(command, capture_output=True, timeout=30, check=True).stdout == openapi.encoded()


def test_what_is_encoded_is_the_document(document):
    assert json.loads(openapi.encoded()) == document


def test_every_route_and_method_is_documented_and_no_other(document, settings):
    served = {
        (method, route.path) for route in create_app(settings).router.routes for method in route.methods - {"HEAD"}
    }
    assert served == operations(document).keys()


def test_what_needs_no_credential_is_what_the_server_lets_through(document):
    assert {path for (_, path), said in operations(document).items() if said.get("security") == []} == OPEN_PATHS
    assert document["security"] == [{"bearer": []}]
    for (_, path), said in operations(document).items():
        assert ("Unauthenticated" in str(said["responses"].get("401"))) == (path not in OPEN_PATHS)


def test_every_refusal_is_documented_with_its_status_and_code(document):
    kinds, waiting = [], [RequestError]
    while waiting:
        kinds += (below := waiting.pop().__subclasses__())
        waiting += below
    said = {
        (schema["properties"]["status"]["const"], code)
        for schema in inner(document["components"]["responses"])
        if "const" in schema.get("properties", {}).get("status", {})
        for code in schema["properties"]["code"]["enum"]
    }
    # Under /v1/ there are no codes: a google.rpc.Status has only a text.
    otlp_only = {(413, "body_excessive")}
    assert {(kind.status, kind.code) for kind in kinds} - said == otlp_only


def test_every_reference_and_every_link_leads_somewhere(document):
    names = [said["operationId"] for said in operations(document).values()]
    assert len(set(names)) == len(names)
    references = {part["$ref"] for part in inner(document) if isinstance(part.get("$ref"), str)}
    assert references
    for reference in references:
        assert isinstance(found(document, reference), dict), reference
    shared = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert shared == {reference for reference in references if "/schemas/" in reference}
    linked = [link for part in inner(document["paths"]) for link in part.get("links", {}).values()]
    assert {link["operationId"] for link in linked} <= set(names)


def test_the_document_is_openapi_3_1(document):
    schemathesis.openapi.from_dict(document).validate()
    with pytest.raises(jsonschema_rs.ValidationError, match="title"):
        schemathesis.openapi.from_dict(document | {"info": {}}).validate()


def test_every_schema_is_a_schema(document):
    schemas = [part["schema"] for part in inner(document) if isinstance(part.get("schema"), dict)]
    for schema in [*schemas, *document["components"]["schemas"].values()]:
        jsonschema_rs.Draft202012Validator(schema | {"components": document["components"]})


def test_every_part_of_a_path_is_a_parameter(document):
    for path, methods in document["paths"].items():
        for operation in methods.values():
            said = {entry["name"] for entry in operation.get("parameters", []) if entry["in"] == "path"}
            assert said == set(re.findall(r"\{(\w+)\}", path))


def test_an_error_names_its_headers(document):
    for (_, path), operation in operations(document).items():
        for status, said in operation["responses"].items():
            response = found(document, said["$ref"]) if "$ref" in said else said
            headers = response["headers"].keys()
            assert {"X-Request-ID", "X-Content-Type-Options"} <= headers
            assert ("Cache-Control" in headers) == path.startswith("/api/")
            assert ("WWW-Authenticate" in headers) == (status == "401")
            assert ("Retry-After" in headers) == (status in {"429", "503"})


def messages(descriptor, known):
    if descriptor.full_name not in known:
        known[descriptor.full_name] = descriptor
        for field in descriptor.fields:
            if field.message_type is not None:
                messages(field.message_type, known)
    return known


def test_the_messages_of_otlp_are_protobufs():
    schemas = otlp_messages.otlp_schemas()
    known = messages(ExportTraceServiceRequest.DESCRIPTOR, {})
    messages(ExportTraceServiceResponse.DESCRIPTOR, known)
    by_name = {
        "Otlp" + re.sub(r"^opentelemetry\.proto\.[a-z.]+\.v1\.", "", name).replace(".", ""): descriptor
        for name, descriptor in known.items()
    }
    described = {name: schema for name, schema in schemas.items() if name != otlp_messages.STATUS}
    assert described.keys() <= by_name.keys()
    for name, schema in described.items():
        fields = {field.json_name: field for field in by_name[name].fields}
        for json_name, said in schema["properties"].items():
            field = fields[json_name]
            inner_schema = said["items"] if said.get("type") == "array" else said
            target = inner_schema.get("$ref", "").rpartition("/")[2]
            assert by_name.get(target) is field.message_type, (name, json_name)
