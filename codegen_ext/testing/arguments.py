"""Checks of the arguments that tests pass."""

import sys
from typing import Any, get_args

from codegen_ext.errors import ConfigurationError


def check(
    kinds: Any, /, *, least: float = -sys.float_info.max, most: float = sys.float_info.max, **arguments: object
) -> None:
    """Raise ConfigurationError, which names the argument, for a value of another type or a number out of range."""
    for name, value in arguments.items():
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in (kinds, *get_args(kinds))):
            wanted = getattr(kinds, "__name__", kinds)
            raise ConfigurationError(f"{name} must be {wanted}, not {type(value).__name__}", config_key=name)
        if isinstance(value, int | float) and not least <= value <= most:
            wanted = f"from {least:g} to {most:g}" if most < sys.float_info.max else f"finite and at least {least:g}"
            raise ConfigurationError(f"{name} must be {wanted}: {value:g}", config_key=name)
