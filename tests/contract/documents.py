"""The service's document and edited copies of it."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools import load, overlay

Data = dict[str, Any]

HISTORY = sorted((Path(__file__).parent / "upstream").glob("*.json"))
KITCHEN_SINK = load.load(Path(__file__).with_name("kitchen_sink.yaml"))
# The contract as `make check` holds it to openapi.yaml, which takes 0.4 s to read.
OURS = load.load(load.GENERATED / "contract.json")
_FACTS = load.load(load.FACTS)


def facts(change: Callable[[Data], object]) -> Data:
    data = copy.deepcopy(_FACTS)
    change(data)
    return data


def written(folder: Path, data: Data) -> str:
    path = folder / "published.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return str(path)


def actions(entries: str) -> list[overlay.Action]:
    """Return the actions of an overlay, one a line."""
    lines = "".join(f"  - {line}\n" for line in entries.splitlines())
    return overlay.parse(load.parse(f"overlay: 1.0.0\nactions:\n{lines}"))


def answering(schema: Any) -> Data:
    return {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}
