"""The errors."""

from .errors import *
