"""The rules for operations: what the import makes of an upstream operation before the overlay has its say."""

from __future__ import annotations

import re
from typing import Any

from tools.contract import document

STANDARD_LIMIT = {"requests": 60, "seconds": 30, "group": "standard"}
"""What holds for an operation whose description states no limit."""

_LIMIT = re.compile(
    r"rate limit(?:s|ed)?\W*(?:(?:of|is|to) +)?(?P<requests>\d[\d,]*)\W+(?:requests?|calls?)\W*"
    r"(?:per|every|an?)?\s*(?P<count>\d+)?\s*(?P<unit>s|m|h|d)(?:ec|econd|in|inute|our|ay)?s?\b",
    re.IGNORECASE,
)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def stated_limit(operation: dict[str, Any]) -> dict[str, Any] | None:
    """Read the limit out of `x-rate-limit` or out of prose such as "Rate limit: 60 requests per 30 seconds."."""
    extension = operation.get("x-rate-limit")
    if isinstance(extension, dict) and all(
        isinstance(extension.get(key), int) and extension[key] > 0 for key in ("requests", "seconds")
    ):
        return {"requests": extension["requests"], "seconds": extension["seconds"]}
    found = _LIMIT.search(_prose(operation))
    if found is None:
        return None
    seconds = int(found["count"] or 1) * _SECONDS[found["unit"].lower()]
    requests = int(found["requests"].replace(",", ""))
    return {"requests": requests, "seconds": seconds} if requests and seconds else None


def speaks_of_a_limit(operation: dict[str, Any]) -> bool:
    """Whether the prose mentions a rate limit, which `stated_limit` may not have understood."""
    return re.search(r"rate.?limit", _prose(operation), re.IGNORECASE) is not None


def _prose(operation: dict[str, Any]) -> str:
    return " ".join(str(operation.get(key, "")) for key in ("summary", "description"))


def without_limit(text: str) -> str:
    """Prose without the sentence that states the limit, which `x-codegen` says."""
    return re.sub(rf"\*{{0,2}}{_LIMIT.pattern}\.?\*{{0,2}}", "", text, flags=re.IGNORECASE).strip()


def derived_id(path: str, method: str, *, whole: bool = False) -> str:
    """Make an operation id from path and method: `get_repos_check_suite_settings`.

    The version and the organization at the head of a path, which most paths share, are left out unless `whole`.
    """
    parts = [part for part in path.split("/") if part]
    if not whole:
        while len(parts) > 1 and re.fullmatch(r"v\d+|alpha|beta", parts[0]):
            parts.pop(0)
        if len(parts) > 2 and parts[:2] == ["organizations", "{org_id}"]:
            parts = parts[2:]
    words = [method, *(part for part in parts if not part.startswith("{"))]
    if parts and parts[-1].startswith("{"):
        words += ["by", parts[-1].strip("{}")]
    return re.sub(r"\W+|_+", "_", "_".join(words)).strip("_").lower()[:80].rstrip("_")


def slug(tag: str) -> str:
    """A tag that is safe as the name of a folder."""
    return re.sub(r"[^a-z0-9]+", "-", tag.lower()).strip("-") or "other"


def template_names(path: str) -> list[str]:
    """The names of a path's parameters, in order."""
    return re.findall(r"\{(\w+)\}", path)


def parameters(
    path: str, declared: list[dict[str, Any]], known: dict[str, dict[str, Any]], notes: list[str], where: str
) -> list[dict[str, Any]]:
    """Return the parameters that a client has to give: path parameters in the order of the path, then the others."""
    in_path, others = dict[str, dict[str, Any]](), list[dict[str, Any]]()
    for parameter in declared:
        name, location = str(parameter.get("name")), parameter.get("in")
        shaped = {"name": name, "in": location, "required": bool(parameter.get("required", False))}
        shaped |= {key: parameter[key] for key in ("description", "deprecated", "style", "explode") if key in parameter}
        schema = parameter.get("schema")
        shaped["schema"] = schema if schema else {"type": "string"}
        if location == "path" and name in template_names(path):
            in_path[name] = {**shaped, "required": True}
        elif location == "path":
            others.append({**shaped, "in": "query"})
            notes.append(f"{where}: {name} is declared for the path, which lacks it; it is a query parameter now")
        elif location == "query":
            others.append(shaped)
        elif name.lower() != "authorization":
            notes.append(f"{where}: the {location} parameter {name} is left out; clients send no such parameter")
    for name in template_names(path):
        if name not in in_path:
            in_path[name] = known.get(
                name, {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            )
            notes.append(f"{where}: {name} is in the path without a declaration; it is declared now")
    return [*(in_path[name] for name in template_names(path)), *others]


def names_something(path: str, operation: dict[str, Any], document_: dict[str, Any]) -> bool:
    """Whether a call says what it is about, so that this may be missing (404) or forbidden (403)."""
    names = template_names(path) + [str(parameter.get("name")) for parameter in operation.get("parameters", ())]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    names += list(document.resolve(document_, body).get("required", ()))
    return "{" in path or any(name.endswith("_id") for name in names)


def paginated(operation: dict[str, Any], document_: dict[str, Any]) -> dict[str, Any] | None:
    """How a list with `skip`, `limit`, `items` and `total`, as the service writes them, is read in parts."""
    names = {parameter.get("name") for parameter in operation.get("parameters", ())}
    answer = operation.get("responses", {}).get("200", {}).get("content", {}).get("application/json", {})
    fields = document.resolve(document_, answer.get("schema", {})).get("properties", {})
    if {"skip", "limit"} <= names and {"items", "total"} <= fields.keys():
        return {"style": "offset", "start": "skip", "size": "limit", "items": "items", "total": "total"}
    return None
