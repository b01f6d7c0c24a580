"""Which providers there are: the four of this package, and those of others, by entry point or by a call."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from attrs import field, frozen

from ..clock import SYSTEM_CLOCK
from ..errors import ConfigurationError
from .log import log

ENTRY_POINTS = "codegen_sdk.providers"
BUILT_IN = ("codegen", "openai", "codex", "chatserver")


def _no_options() -> frozenset[str]:
    return frozenset()


@frozen
class ProviderSpec:
    """How a provider is built; an entry point in the group `codegen_sdk.providers` names an object of this class.

    `create` and `create_async` take the provider's own options by name and return an `AIProvider` or `AsyncAIProvider`.
    """

    name: str
    create: Callable[..., Any]
    create_async: Callable[..., Any] | None = None
    options: Callable[[], frozenset[str]] = _no_options
    """Names of the further arguments that requests take."""
    features: dict[str, Any] = field(factory=dict)
    """What `get_provider_comparison` shows of it."""


def _built_in(name: str, class_name: str, **features: Any) -> ProviderSpec:
    def backend() -> Any:
        return getattr(import_module(f".{name}", __package__), class_name)

    def build(kind: str, **settings: Any) -> Any:
        from . import provider

        own = {key: value for key in ("clock", "prices") if (value := settings.pop(key, None)) is not None}
        built = backend()(own.get("clock", SYSTEM_CLOCK), settings)
        return getattr(provider, kind)(built, **own)

    return ProviderSpec(
        name,
        lambda **settings: build("Provider", **settings),
        lambda **settings: build("AsyncProvider", **settings),
        lambda: frozenset(backend().options()),
        features,
    )


_SPECS = {
    spec.name: spec
    for spec in (
        _built_in("codegen", "CodegenBackend", kind="agent runs", streams="log", tools=False, creates_runs=True),
        _built_in("openai", "OpenAIBackend", kind="completions", streams="text", tools=True, creates_runs=False),
        _built_in("codex", "CodexBackend", kind="local agent", streams="text", tools=False, creates_runs=False),
        _built_in(
            "chatserver", "ChatServerBackend", kind="completions", streams="text", tools=False, creates_runs=False
        ),
    )
}
_REGISTERED: dict[str, ProviderSpec] = {}
_LOCK = threading.Lock()


def register_provider(spec: ProviderSpec) -> None:
    """Add a provider in this process; one of the same name that was registered before is replaced.

    Raises:
        ConfigurationError: for the name of a built-in provider.

    """
    if spec.name in BUILT_IN:
        raise ConfigurationError(f"{spec.name} is a built-in provider; choose another name", config_key=spec.name)
    with _LOCK:
        _REGISTERED[spec.name] = spec


def unregister_provider(name: str) -> None:
    """Take back what `register_provider` did."""
    with _LOCK:
        _REGISTERED.pop(name, None)


@cache
def _installed() -> dict[str, ProviderSpec]:
    """Return the providers of other packages; building one that cannot be had says why."""
    found: dict[str, ProviderSpec] = {}
    for entry in entry_points(group=ENTRY_POINTS):
        if entry.name in BUILT_IN:
            log("an entry point %s is left out: %s is a built-in provider", entry.value, entry.name)
            continue
        try:
            spec = entry.load()
        except Exception as error:  # noqa: BLE001 - somebody else's package must not break this one
            spec = _broken(entry.name, f"cannot be imported: {type(error).__name__}: {error}")
        if not isinstance(spec, ProviderSpec) or spec.name != entry.name:
            spec = _broken(entry.name, "must be a ProviderSpec of the entry point's name")
        found[entry.name] = spec
    return found


def _broken(name: str, problem: str) -> ProviderSpec:
    def refuse(**settings: Any) -> Any:  # noqa: ARG001 - whatever it would have been built with
        raise ConfigurationError(f"the provider {name} {problem}", config_key="provider_name")

    log("provider %s of an entry point is broken: %s", name, problem)
    return ProviderSpec(name, refuse, refuse)


def specs() -> dict[str, ProviderSpec]:
    """Return all providers by name: the built-in ones, then the others by name."""
    others = {**_installed(), **_REGISTERED}
    return {**_SPECS, **{name: others[name] for name in sorted(others)}}


def spec_of(name: str) -> ProviderSpec:
    """Return a provider's spec; raises ConfigurationError for a name that is none."""
    known = specs()
    if name not in known:
        raise ConfigurationError(f"no provider is called {name!r}; there are {', '.join(known)}", "provider_name")
    return known[name]


def known_options() -> frozenset[str]:
    """Return the names of the further arguments that some provider's requests take."""
    return frozenset[str]().union(*(spec.options() for spec in specs().values()))
