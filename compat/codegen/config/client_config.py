"""The old name of `codegen_ext`; written by tools/compat.py."""

from typing import TYPE_CHECKING

from codegen_ext.oldnames import moved

if TYPE_CHECKING:
    from codegen_ext import ClientConfig as ClientConfig
    from codegen_ext import CodegenConfig as CodegenConfig
    from codegen_ext import ConfigPresets as ConfigPresets

_HOMES = {
    "codegen_ext": """
        ClientConfig CodegenConfig ConfigPresets
    """,
}

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = moved(__name__, _HOMES)
