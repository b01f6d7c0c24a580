"""Documents of the service as it published them, without prose, and edited copies of them."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.contract import canonical, document, overlay, reading

CURRENT = document.UPSTREAM / "current.json"
HISTORY = sorted(path for path in document.UPSTREAM.glob("*.json") if path != CURRENT)
ACTIONS = overlay.load()
_DATA = json.loads(CURRENT.read_text(encoding="utf-8"))


def current() -> dict[str, Any]:
    return copy.deepcopy(_DATA)


def edited(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    data = current()
    change(data)
    return data


def written(folder: Path, data: Any) -> str:
    path = folder / "upstream.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return str(path)


def imported(upstream: dict[str, Any], actions: list[overlay.Action] | None = None) -> tuple[dict[str, Any], list[str]]:
    reading.refuse_unsafe(upstream)
    importing = canonical.Import(ACTIONS if actions is None else actions)
    return importing.run(upstream), importing.notes


def operation(data: dict[str, Any], operation_id: str) -> dict[str, Any]:
    return next(item for _, _, item in document.each_operation(data) if item["operationId"] == operation_id)


def new_operation(**operation: Any) -> dict[str, Any]:
    plain = {
        "tags": ["things"],
        "responses": {"200": {"description": "", "content": {"application/json": {"schema": {}}}}},
    }
    return edited(lambda data: data["paths"].update({"/v1/organizations/{org_id}/things": {"get": plain | operation}}))
