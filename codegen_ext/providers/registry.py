"""Which providers there are, and in which order they are asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..errors import ConfigurationError
from ..redact import shown
from .base import NAMES

ORDER_VARIABLE = "CODEGEN_PROVIDER_ORDER"
SHARED = ("clock", "prices")
_REGISTERED: dict[str, tuple[Callable[..., Any], Callable[..., Any] | None]] = {}
"""What makes the sync and the async form of a provider, by its name."""


def register_provider(name: str, create: Callable[..., Any], create_async: Callable[..., Any] | None = None) -> None:
    """Add a provider in this process; one of the same name that was registered before is replaced.

    Args:
        name: The provider's name, which its answers have too.
        create: Takes the provider's own options and returns a provider with `name`, `is_available`,
            `generate_response`, `validate_credentials` and `close`.
        create_async: The same for asyncio; without it the provider is in no asynchronous chain.

    Raises:
        ConfigurationError: for the name of a built-in provider.

    """
    if name in NAMES:
        raise ConfigurationError(f"{name} is a built-in provider; choose another name", config_key=name)
    _REGISTERED[name] = (create, create_async)


def unregister_provider(name: str) -> None:
    """Take back what `register_provider` did."""
    _REGISTERED.pop(name, None)


def names() -> list[str]:
    """Return all providers: those of this package, then those that were registered."""
    return [*NAMES, *_REGISTERED]


def maker(name: str, *, is_async: bool) -> Callable[..., Any] | None:
    """Return what makes a registered provider, None without that form; raises ConfigurationError for another name."""
    if name not in _REGISTERED:
        raise ConfigurationError(
            f"provider_name must be one of {', '.join(names())}, got {shown(name)}", "provider_name"
        )
    return _REGISTERED[name][is_async]


def shared(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that all providers share."""
    return {name: options[name] for name in SHARED if name in options}


def preference(known: Iterable[str], *, prefer_codegen: bool = True) -> list[str]:
    """Return all names in the order of preference.

    Those that CODEGEN_PROVIDER_ORDER lists, separated by commas, stand first; the others follow as they are. Without
    `prefer_codegen`, codegen is the last.

    Raises:
        ConfigurationError: when the variable lists a name that is none.

    """
    all_names = list(known)
    wanted = [name.strip() for name in os.environ.get(ORDER_VARIABLE, "").split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in all_names]:
        problem = f"{ORDER_VARIABLE} lists {unknown[0]!r}, which is no provider; there are {', '.join(all_names)}"
        raise ConfigurationError(problem, config_key=ORDER_VARIABLE)
    ordered = list(dict.fromkeys([*wanted, *all_names]))
    return ordered if prefer_codegen else sorted(ordered, key=lambda name: name == "codegen")
