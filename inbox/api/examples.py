"""Examples for the API's description, made from the schemas: a sample for each name, else one for each type."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_ID = "6920a1f4c3b7e85d90f1a234"
_SAMPLES: Mapping[str, Any] = {
    "id": _ID,
    "contact": _ID,
    "conversation": _ID,
    "account": "6920a1f4c3b7e85d90f1a101",
    "accounts": ["6920a1f4c3b7e85d90f1a101"],
    "team": "6920a1f4c3b7e85d90f1a0c2",
    "teams": ["6920a1f4c3b7e85d90f1a0c2"],
    "assignee": "6920a1f4c3b7e85d90f1a077",
    "agent": "6920a1f4c3b7e85d90f1a077",
    "owner": "6920a1f4c3b7e85d90f1a077",
    "reply_to": None,
    "mentions": [],
    "further": [],
    "name": "Ana Rojas",
    "text": "Sí, la tenemos en azul.",
    "phone": "+573001112233",
    "email": "ana@example.org",
    "channel": "whatsapp",
    "kind": "whatsapp",
    "labels": ["pedido"],
    "tags": ["mayorista"],
    "fields": {"ciudad": "Cali"},
    "language": "es",
    "country": "CO",
    "content": {"type": "text", "text": "Sí, la tenemos en azul."},
    "consent": {},
    "mime": "image/jpeg",
    "size": 48213,
    "url": f"/api/v1/media/{_ID}",
    "next": None,
    "platform_id": "wamid.HBgMNTcz",
    "error": None,
    "problem": None,
    "snoozed_until": None,
    "resolved_at": None,
    "role": "agent",
    "colour": "green",
    "category": "UTILITY",
    "reason": "",
    "header": "",
    "header_kind": "",
    "footer": "",
    "body": "Hola {{1}}, su pedido está listo.",
    "buttons": [],
    "counts": {"messages": 214, "files": 12, "journal": 230},
    "scope": "everywhere",
    "value": "573001112233",
    "external_id": "106540352242922",
    "quality": "",
}
_ONE_OF_EACH = frozenset({"items", "identities", "media"})
_OFTEN_NULL = frozenset({"error", "problem", "snoozed_until", "resolved_at"})
_BY_TYPE: Mapping[str, Any] = {
    "string": "…", "integer": 1, "number": 1.5, "boolean": False, "array": [], "object": {}, "null": None,
}  # fmt: skip
_TIME = "2026-11-21T15:04:05.678000Z"


def example(schema: Schema, schemas: Mapping[str, Schema], name: str = "") -> Any:
    """A value that fits `schema`. `schemas` are those that a reference may name."""
    if schema.get("examples"):
        return schema["examples"][0]
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rpartition("/")[2]], schemas, name)
    if schema.get("type") == "object" and "properties" in schema:
        return {key: example(inner, schemas, key) for key, inner in schema["properties"].items()}
    if schema.get("type") == "array" and name in _ONE_OF_EACH:
        return [example(schema["items"], schemas)]
    return _plain(schema, schemas, name)


def _plain(schema: Schema, schemas: Mapping[str, Schema], name: str) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    if schema.get("format") == "date-time":
        return _TIME
    branches = schema.get("anyOf") or ()
    inner = next((branch for branch in branches if "$ref" in branch or branch.get("format")), None)
    if inner and name not in _OFTEN_NULL:
        return example(inner, schemas, name)
    if name in _SAMPLES:
        return _SAMPLES[name]
    return example(branches[0], schemas, name) if branches else _BY_TYPE[schema.get("type", "string")]
