"""Agents and tasks."""

from .agent import *
from .task import *
