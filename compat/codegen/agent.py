"""Agents."""

from .agents.agent import *
