"""Older places of names, until the core that is being rebuilt has moved."""

from .codec import Model, parse_timestamp
from .reserved import RESERVED_METADATA, only_reserved, with_reserved, without_reserved

__all__ = ["RESERVED_METADATA", "Model", "only_reserved", "parse_timestamp", "with_reserved", "without_reserved"]
