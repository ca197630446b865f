"""The description says what is served: it is whole, and nothing in it hangs in the air."""

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from pydantic import TypeAdapter

from inbox.api.openapi import document, operations
from inbox.api.routes import DOCUMENT, ROUTES
from inbox.api.table import OPERATIONS

TYPES = {"string", "integer", "number", "boolean", "array", "object", "null"}


async def test_it_is_served_to_anybody(api):
    answer = await api.client.get(DOCUMENT)
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert (await answer.json()) == orjson.loads(orjson.dumps(document()))


def test_every_route_is_described_once_with_its_places_and_its_answers():
    described = {
        (method.upper(), "/api/v1" + path): operation
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }
    assert set(described) == {(row.method, row.path) for row in ROUTES if row.path != DOCUMENT}
    ids = [operation["operationId"] for operation in described.values()]
    assert len(set(ids)) == len(ids)
    for (_, path), operation in described.items():
        places = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert places == set(re.findall(r"\{(\w+)\}", path))
        assert {"400", "401", "403"} < set(operation["responses"])
        assert any(code.startswith("2") for code in operation["responses"])
        assert all(answer["description"] for answer in operation["responses"].values())


def test_every_reference_leads_somewhere_and_every_schema_is_used():
    whole = document()
    schemas = whole["components"]["schemas"]
    references = {node["$ref"] for node in _nodes(whole) if "$ref" in node}
    assert references == {f"#/components/schemas/{name}" for name in schemas}


def test_schemas_use_the_words_of_json_schema():
    for schema in _schemas(document()):
        kind = schema.get("type", "string")
        assert set([kind] if isinstance(kind, str) else kind) <= TYPES
        assert set(schema.get("required", ())) <= set(schema.get("properties", {}))
        assert schema.get("type") != "array" or "items" in schema
        for word in ("anyOf", "oneOf", "allOf", "enum"):
            assert schema.get(word, [1]), schema


def test_document_says_its_version_and_how_to_be_known():
    whole = document()
    assert whole["openapi"] == "3.1.0"
    assert whole["info"]["title"]
    assert whole["info"]["version"]
    assert whole["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}
    assert whole["security"] == [{"token": []}]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_the_examples_on_the_page_are_what_the_models_accept(operation):
    (shown,) = [
        one for one in operations(str) if (one["method"], one["path"]) == (operation.method, operation.path)
    ]
    if shown["body"]:
        operation.body.model_validate_json(shown["body"])
    if shown["answer"]:
        TypeAdapter(operation.answer).validate_json(shown["answer"])
    assert shown["permission"] == str(operation.permission)


def test_the_page_is_in_the_language_of_its_reader():
    assert operations(str.upper)[0]["summary"].isupper()


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _nodes(inner)


def _schemas(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for schema in whole["components"]["schemas"].values():
        yield from (node for node in _nodes(schema) if "type" in node and isinstance(node["type"], str | list))
