"""The old name of `codegen_ext`; written by tools/compat.py."""

from typing import TYPE_CHECKING

from codegen_ext.oldnames import moved

if TYPE_CHECKING:
    from codegen_ext import Agent as Agent
    from codegen_ext import AsyncAgent as AsyncAgent
    from codegen_ext import AsyncTask as AsyncTask
    from codegen_ext import Task as Task

_HOMES = {
    "codegen_ext": """
        Agent AsyncAgent AsyncTask Task
    """,
}

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = moved(__name__, _HOMES)
