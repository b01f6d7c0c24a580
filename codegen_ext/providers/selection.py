"""In which order providers are asked. Nothing here sends anything."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ..errors import ConfigurationError

ORDER_VARIABLE = "CODEGEN_PROVIDER_ORDER"


def preference(names: Iterable[str], *, prefer_codegen: bool = True, order: str | None = None) -> list[str]:
    """Return all names, in the order of preference.

    Those that `order` lists, separated by commas, stand first; the others follow as they are. Without
    `prefer_codegen`, codegen is the last.

    Raises:
        ConfigurationError: when `order` lists a name that is none.

    """
    known = list(names)
    wanted = [name.strip() for name in (order or "").split(",") if name.strip()]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        problem = f"{ORDER_VARIABLE} lists {unknown[0]!r}, which is no provider; there are {', '.join(known)}"
        raise ConfigurationError(problem, config_key=ORDER_VARIABLE)
    ordered = list(dict.fromkeys([*wanted, *known]))
    return ordered if prefer_codegen else sorted(ordered, key=lambda name: name == "codegen")


def order_in_environment() -> str | None:
    """Return what CODEGEN_PROVIDER_ORDER says."""
    return os.environ.get(ORDER_VARIABLE)
