"""The configuration."""

from .client_config import *
