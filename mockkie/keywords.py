"""Every keyword of OpenAPI 3.1 and JSON Schema 2020-12 that mockkie understands. Data only.

A value is the kind of what stands below the keyword: None (free JSON), a type (a leaf of it), a
kind, `[kind]` (a list of it) or `{"*": kind}` (a mapping of names to it).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockkie.quirks import TOP

Child = str | type | list[str] | dict[str, str] | None


def _each(names: str, child: Child = None) -> dict[str, Child]:
    return dict.fromkeys(names.split(), child)


_ANNOTATIONS: Final = _each("summary description")

_SCHEMA: Final[dict[str, Child]] = {
    **_each(
        "$ref $comment type enum const default examples example title "
        "description deprecated readOnly writeOnly format contentMediaType contentEncoding "
        "minLength maxLength pattern minimum maximum exclusiveMinimum exclusiveMaximum "
        "multipleOf minItems maxItems uniqueItems minContains maxContains minProperties "
        "maxProperties required dependentRequired externalDocs"
    ),
    **_each("$defs properties patternProperties dependentSchemas", {"*": "schema"}),
    **_each("allOf anyOf oneOf prefixItems", ["schema"]),
    **_each(
        "not if then else items contains additionalProperties propertyNames "
        "unevaluatedItems unevaluatedProperties contentSchema",
        "schema",
    ),
}

KEYWORDS: Final[Mapping[str, Mapping[str, Child]]] = {
    "document": {
        "openapi": None,
        "jsonSchemaDialect": None,
        "info": "info",
        "servers": ["server"],
        "paths": {"*": "path"},
        "components": "components",
        "security": list,
        "tags": ["tag"],
        "externalDocs": None,
        "x-mockkie": "settings",
    },
    "info": {**_ANNOTATIONS, **_each("title version termsOfService contact license")},
    "server": {**_ANNOTATIONS, "url": str, "variables": {"*": "serverVariable"}},
    "serverVariable": {"description": None, "default": str, "enum": list},
    "tag": {**_ANNOTATIONS, "name": None, "externalDocs": None},
    "reference": {**_ANNOTATIONS, "$ref": None},
    "components": {
        "schemas": {"*": "schema"},
        "responses": {"*": "response"},
        "parameters": {"*": "parameter"},
        "examples": {"*": "example"},
        "requestBodies": {"*": "body"},
        "headers": {"*": "header"},
        "securitySchemes": {"*": "securityScheme"},
        "links": {"*": "link"},
        "pathItems": {"*": "path"},
    },
    "path": {
        **_ANNOTATIONS,
        **_each("get put post delete options head patch trace", "operation"),
        "servers": ["server"],
        "parameters": ["parameter"],
    },
    "operation": {
        **_ANNOTATIONS,
        **_each("tags deprecated externalDocs"),
        "operationId": str,
        "security": list,
        "parameters": ["parameter"],
        "requestBody": "body",
        "responses": {"*": "response"},
        "servers": ["server"],
    },
    "parameter": {
        **_each("description deprecated example"),
        **_each("name in", str),
        "required": bool,
        "schema": "schema",
        "examples": {"*": "example"},
        "x-mockkie": "parameterSettings",
    },
    "header": {
        **_each("description deprecated example"),
        "required": bool,
        "schema": "schema",
        "examples": {"*": "example"},
    },
    "body": {"description": None, "required": bool, "content": {"*": "mediaType"}},
    "response": {
        **_ANNOTATIONS,
        "headers": {"*": "header"},
        "content": {"*": "mediaType"},
        "links": {"*": "link"},
    },
    "mediaType": {"schema": "schema", "example": None, "examples": {"*": "example"}},
    "example": {**_ANNOTATIONS, "value": None, "x-mockkie": "exampleSettings"},
    "link": _each("description operationRef operationId parameters requestBody server"),
    "securityScheme": {
        "description": None,
        **_each("type scheme bearerFormat name in", str),
    },
    "schema": _SCHEMA,
    "parameterSettings": {"spansSlashes": bool},
    "exampleSettings": {"parameter": str},
    "settings": {
        **dict.fromkeys((*TOP, "tasks", "profiles")),
        "claims": {"*": "claim"},
    },
    "claim": _each("level source says verified"),
}

EXPLAINED: Final[Mapping[str, str]] = {
    "nullable": "it is OpenAPI 3.0; write `type: [string, 'null']`",
    "discriminator": "leave `oneOf` or `anyOf` to tell the cases apart by their schemas",
    "xml": "mockkie speaks JSON and forms",
    "encoding": "mockkie tells the parts of a form apart by their schemas",
    "callbacks": "mockkie calls nobody back",
    "webhooks": "mockkie calls nobody back",
    "externalValue": "mockkie reads one file; write the example under `value`",
    "style": "only the default style is understood",
    "explode": "only the default style is understood",
    "allowReserved": "only the default style is understood",
    "allowEmptyValue": "it is deprecated; an empty text is a value",
    "content": "describe a parameter with `schema`",
    "$dynamicRef": "only plain references are understood",
    "$dynamicAnchor": "only plain references are understood",
    "$vocabulary": "only JSON Schema 2020-12 is understood",
    "flows": "security of type http bearer and apiKey is understood",
    "openIdConnectUrl": "security of type http bearer and apiKey is understood",
    "definitions": "JSON Schema 2020-12 calls it `$defs`",
    "dependencies": "JSON Schema 2020-12 has `dependentRequired` and `dependentSchemas`",
    "additionalItems": "JSON Schema 2020-12 has `items` beside `prefixItems`",
}
"""What to do about keywords that people bring along; the rest is taken for a slip of the pen."""
