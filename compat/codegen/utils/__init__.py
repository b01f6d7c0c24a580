"""The old name of `codegen_ext`; written by tools/compat.py."""

from typing import TYPE_CHECKING

from codegen_ext.oldnames import moved

if TYPE_CHECKING:
    from codegen_ext import CacheManager as CacheManager
    from codegen_ext import MetricsCollector as MetricsCollector
    from codegen_ext import RateLimiter as RateLimiter

_HOMES = {
    "codegen_ext": """
        CacheManager MetricsCollector RateLimiter
    """,
}

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = moved(__name__, _HOMES)
