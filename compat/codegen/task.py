"""Tasks."""

from .agents.task import *
