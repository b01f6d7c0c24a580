"""JSON object with any keys and values."""

from typing import Any

FreeFormObject = dict[str, Any]
