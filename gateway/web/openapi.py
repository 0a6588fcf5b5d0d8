"""/openapi.json, made from the list of addresses and the models of the bodies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from gateway.web.routes import Entry, Who

CONVERTER = re.compile(r"{(\w+)(?::\w+)?}")
PROBLEM = {
    "description": "RFC 9457: why not, and what to do next.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def document(entries: Iterable[Entry], base_url: str, version: str) -> dict[str, Any]:
    """OpenAPI 3.1 of the entries that programs use; a foreign dialect is described by those who own it."""
    schemas: dict[str, Any] = {
        "Problem": {
            "type": "object",
            "required": ["type", "title", "status", "code", "detail"],
            "properties": {
                "type": {"type": "string", "format": "uri"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "code": {"type": "string"},
                "detail": {"type": "string"},
            },
        }
    }
    paths: dict[str, Any] = {}
    for entry in entries:
        if entry.page or entry.refuse is not None:
            continue
        where = paths.setdefault(CONVERTER.sub(r"{\1}", entry.path), {})
        for method in entry.methods:
            where[method.lower()] = _operation(entry, method, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "hubgate", "version": version},
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _operation(entry: Entry, method: str, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": entry.about,
        "responses": {"2XX": {"description": "Done."}, "4XX": PROBLEM, "5XX": PROBLEM},
    }
    names = CONVERTER.findall(entry.path)
    if names:
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "integer" if name == "n" else "string"}}
            for name in names
        ]
    if entry.who is Who.SIGNED_IN:
        operation["security"] = [{"token": []}, {"basic": []}]
    elif entry.who is Who.OWN_KEY:
        operation["security"] = [{"basic": []}]
    if entry.body is not None:
        schema = entry.body.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[entry.body.__name__] = schema
        reference = {"$ref": f"#/components/schemas/{entry.body.__name__}"}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": reference}}}
    return operation
