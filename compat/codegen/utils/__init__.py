"""Limiter, cache and metrics."""

from .cache import *
from .metrics import *
from .rate_limiter import *
