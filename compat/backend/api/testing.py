"""The old name of `codegen_ext.testing`; written by tools/compat.py."""

from typing import TYPE_CHECKING

from codegen_ext.oldnames import moved

if TYPE_CHECKING:
    from codegen_ext.testing import AsyncMockCodegenClient as AsyncMockCodegenClient
    from codegen_ext.testing import CodegenTestCase as CodegenTestCase
    from codegen_ext.testing import MockCodegenClient as MockCodegenClient

_HOMES = {
    "codegen_ext.testing": """
        AsyncMockCodegenClient CodegenTestCase MockCodegenClient
    """,
}

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = moved(__name__, _HOMES)
