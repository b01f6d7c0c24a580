"""Enums and responses."""

from .enums import *
from .responses import *
