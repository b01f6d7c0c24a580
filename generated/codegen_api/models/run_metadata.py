"""Whatever the creator of a run wants to keep with it; what this package itself keeps there stands under one reserved key."""

from typing import Any

RunMetadata = dict[str, Any]
