"""`codegen-sdk`: agent runs from a shell."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what it exits with is listed in docs/command-line.md."""
    try:
        from .commands import app
    except ImportError as error:
        sys.stderr.write(f"codegen-sdk: this needs more: pip install 'codegen-sdk[cli]' ({error})\n")
        return 2
    from ..errors import CodegenAPIError, ConfigurationError, ValidationError

    try:
        app(args=arguments, prog_name="codegen-sdk")
    except CodegenAPIError as error:
        sys.stderr.write(f"codegen-sdk: {error}\n")
        return 2 if isinstance(error, ConfigurationError | ValidationError) else 4
    return 0
