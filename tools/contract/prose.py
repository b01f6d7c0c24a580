"""The words of an imported document: one line each, and made from names where the service gives none."""

from __future__ import annotations

import http
import re
from typing import Any

from tools.contract import document

Data = dict[str, Any]


def describe(data: Data) -> None:
    """Every operation, answer, parameter, schema and field has words; those missing are made from its name."""
    for _, _, operation in document.each_operation(data):
        words = operation["operationId"].replace("_", " ").capitalize()
        operation.setdefault("summary", words)
        operation["description"] = _sentence(operation.get("description") or operation["summary"])
        for status, response in operation["responses"].items():
            if "$ref" not in response and not response.get("description"):
                code = int(status) if status.isdigit() else 0
                phrase = http.HTTPStatus(code).phrase if code in set(http.HTTPStatus) else "answer"
                response["description"] = _sentence(f"{phrase.capitalize()}")
        for parameter in operation.get("parameters", ()):
            if "$ref" not in parameter:
                _say(parameter, parameter["name"])
    for name, parameter in data["components"]["parameters"].items():
        _say(parameter, name)
    for name, schema in data["components"]["schemas"].items():
        _say(schema, name)
        for field, node in schema.get("properties", {}).items():
            _say(node, field)


def line(text: object) -> str:
    """The first paragraph, as one line without control characters."""
    words = " ".join(str(text).strip().partition("\n\n")[0].split())
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]", "", words)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _say(node: Data, name: str) -> None:
    text = node.get("description") or " ".join(name.replace("_", " ").split()).capitalize()
    node["description"] = _sentence(line(text))
