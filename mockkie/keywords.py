"""Every keyword of OpenAPI 3.1 and JSON Schema 2020-12 that mockkie understands. Data only.

A value is the kind of what stands below the keyword: None (a leaf, or free JSON), a kind,
`[kind]` (a list of it) or `{"*": kind}` (a mapping of names to it).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Child = str | list[str] | dict[str, str] | None

_ANNOTATIONS: Final[dict[str, Child]] = {"summary": None, "description": None}

_SCHEMA: Final[dict[str, Child]] = {
    **dict.fromkeys(
        (
            "$ref $comment type enum const default examples example title "
            "description deprecated readOnly writeOnly format contentMediaType contentEncoding "
            "minLength maxLength pattern minimum maximum exclusiveMinimum exclusiveMaximum "
            "multipleOf minItems maxItems uniqueItems minContains maxContains minProperties "
            "maxProperties required dependentRequired externalDocs"
        ).split()
    ),
    **dict.fromkeys(
        ("$defs", "properties", "patternProperties", "dependentSchemas"), {"*": "schema"}
    ),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), ["schema"]),
    **dict.fromkeys(
        (
            "not if then else items contains additionalProperties propertyNames "
            "unevaluatedItems unevaluatedProperties contentSchema"
        ).split(),
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
        "security": None,
        "tags": ["tag"],
        "externalDocs": None,
        "x-mockkie": "settings",
    },
    "info": {
        **_ANNOTATIONS,
        **dict.fromkeys(("title", "version", "termsOfService", "contact", "license")),
    },
    "server": {**_ANNOTATIONS, "url": None, "variables": None},
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
        **dict.fromkeys(
            ("get", "put", "post", "delete", "options", "head", "patch", "trace"), "operation"
        ),
        "servers": ["server"],
        "parameters": ["parameter"],
    },
    "operation": {
        **_ANNOTATIONS,
        **dict.fromkeys(("operationId", "tags", "deprecated", "externalDocs", "security")),
        "parameters": ["parameter"],
        "requestBody": "body",
        "responses": {"*": "response"},
        "servers": ["server"],
    },
    "parameter": {
        "description": None,
        **dict.fromkeys(("name", "in", "required", "deprecated", "example")),
        "schema": "schema",
        "examples": {"*": "example"},
        "x-mockkie": "parameterSettings",
    },
    "header": {
        "description": None,
        **dict.fromkeys(("required", "deprecated", "example")),
        "schema": "schema",
        "examples": {"*": "example"},
    },
    "body": {"description": None, "required": None, "content": {"*": "mediaType"}},
    "response": {
        **_ANNOTATIONS,
        "headers": {"*": "header"},
        "content": {"*": "mediaType"},
        "links": {"*": "link"},
    },
    "mediaType": {"schema": "schema", "example": None, "examples": {"*": "example"}},
    "example": {**_ANNOTATIONS, "value": None, "x-mockkie": "exampleSettings"},
    "link": {
        "description": None,
        **dict.fromkeys(("operationRef", "operationId", "parameters", "requestBody", "server")),
    },
    "securityScheme": {
        "description": None,
        **dict.fromkeys(("type", "scheme", "bearerFormat", "name", "in")),
    },
    "schema": _SCHEMA,
    "parameterSettings": {"spansSlashes": None},
    "exampleSettings": {"parameter": None},
    "settings": {
        **dict.fromkeys(
            (
                "retention links expiredLink unknownLink errorTransport edgeSlashes urlName "
                "cacheControl extraData cors limits urlUpload"
            ).split()
        ),
        "profiles": None,
        "claims": {"*": "claim"},
    },
    "claim": dict.fromkeys(("level", "source", "says", "verified")),
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
    "<<": "YAML merge keys are not JSON; write the members out, or use $ref",
}
"""What to do about keywords that people bring along; the rest is taken for a slip of the pen."""
