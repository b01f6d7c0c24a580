"""The service's document and edited copies of it."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools import load, normalize, overlay

Data = dict[str, Any]

HISTORY = sorted((Path(__file__).parent / "upstream").glob("*.json"))
ACTIONS = overlay.read()
CHATSERVER = load.load(load.CHATSERVER)
_FACTS = load.load(load.FACTS)


def facts(change: Callable[[Data], object] = lambda data: None) -> Data:
    data = copy.deepcopy(_FACTS)
    change(data)
    return data


def written(folder: Path, data: Any) -> str:
    path = folder / "published.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return str(path)


def normalized(published: Data, *more: overlay.Action) -> normalize.Normalized:
    found, notes = load.facts(published)
    made = normalize.normalize(found, CHATSERVER, [*ACTIONS, *more])
    return made._replace(notes=[*notes, *made.notes])


def operation(data: Data, operation_id: str) -> Data:
    return next(item for _, _, item in load.each_operation(data) if item["operationId"] == operation_id)


def with_operation(path: str = "/v1/organizations/{org_id}/things", method: str = "get", **keywords: Any) -> Data:
    answer = {"200": {"description": "", "content": {"application/json": {"schema": {}}}}}
    return facts(
        lambda data: data["paths"].update({path: {method: {"tags": ["things"], "responses": answer, **keywords}}})
    )
