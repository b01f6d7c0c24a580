"""Documents of the service as it published them, without prose, and edited copies of them."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.contract import document

CURRENT = document.UPSTREAM / "current.json"
HISTORY = sorted(path for path in document.UPSTREAM.glob("*.json") if path != CURRENT)
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
