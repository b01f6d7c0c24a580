"""What is known of providers: whether there are credentials, whether they are accepted, how the providers compare.

Nothing here shows any part of a credential, nor its length: there is one, or there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .registry import broken_providers, spec_of, specs
from .selection import order_in_environment, preference

Options = Mapping[str, Any]


def build(name: str, options: Options, *, is_async: bool = False) -> Any:
    """Build one provider from what `get_ai_client` was given for it; it sends nothing.

    Raises:
        ConfigurationError: for an unknown provider or option, and for one without an async twin.

    """
    from ..errors import ConfigurationError

    spec = spec_of(name)
    create = spec.create_async if is_async else spec.create
    if create is None:
        raise ConfigurationError(f"the provider {name} has no async twin", config_key="provider_name")
    return create(**options)


def settings_for(name: str, options: Options) -> dict[str, Any]:
    """Return one provider's options out of those for all: its own dict, and clock and prices, which all share."""
    shared = {key: options[key] for key in ("clock", "prices") if key in options and name in _SHARING}
    return {**shared, **(options.get(name) or {})}


_SHARING = ("codegen", "openai", "codex", "chatserver")


def _each(options: Options) -> dict[str, Any]:
    return {name: build(name, settings_for(name, options)) for name in specs()}


def _close(providers: Mapping[str, Any]) -> None:
    for provider in providers.values():
        provider.close()


def detect_available_credentials(**options: Any) -> dict[str, bool]:
    """Return for each provider whether there are credentials for it; sends nothing.

    Args:
        options: As for `get_ai_client`.

    """
    found = {}
    for name, provider in _each(options).items():
        backend = getattr(provider, "_backend", None)
        found[name] = backend.availability().has_credentials if backend else provider.is_available
        provider.close()
    return found


def get_available_providers(**options: Any) -> list[str]:
    """Return the names of the providers that have credentials and what they need on this machine; sends nothing."""
    providers = _each(options)
    available = [name for name in preference(specs(), order=order_in_environment()) if providers[name].is_available]
    _close(providers)
    return available


def validate_provider_credentials(name: str, **options: Any) -> bool:
    """Whether the service accepts the credentials: one cheap request, kept for five minutes; it never creates a run.

    Args:
        name: The provider.
        options: The provider's own options, as for `create_ai_provider(name, ...)`.

    Raises:
        ConfigurationError: for a name that is no provider.

    """
    provider = build(name, options)
    try:
        return bool(provider.validate_credentials())
    finally:
        provider.close()


def get_provider_status(**options: Any) -> dict[str, dict[str, Any]]:
    """Return for each provider is_available, has_credentials and, where something is wrong, error.

    Costs one cheap request for each provider that has credentials, unless the last validation still counts.
    """
    status: dict[str, dict[str, Any]] = {}
    for name, provider in _each(options).items():
        backend = getattr(provider, "_backend", None)
        has_credentials = backend.availability().has_credentials if backend else provider.is_available
        is_valid = bool(provider.is_available and provider.validate_credentials())
        error = None
        if not is_valid:
            error = getattr(provider, "last_validation_error", None) or getattr(provider, "unavailable_because", None)
            error = error or "not available"
        provider.close()
        status[name] = {"is_available": is_valid, "has_credentials": has_credentials}
        if error is not None:
            status[name]["error"] = error
    for name, error in broken_providers().items():
        status[name] = {"is_available": False, "has_credentials": False, "error": error}
    return status


def get_recommended_provider(*, prefer_codegen: bool = True, **options: Any) -> str | None:
    """Return the provider that `get_ai_client` would ask first, None when there is none; requests as for the status."""
    return _recommended(get_provider_status(**options), prefer_codegen)


def _recommended(status: Mapping[str, Any], prefer_codegen: bool) -> str | None:
    ordered = preference(specs(), prefer_codegen=prefer_codegen, order=order_in_environment())
    return next((name for name in ordered if status[name]["is_available"]), None)


def get_provider_comparison(*, prefer_codegen: bool = True, **options: Any) -> dict[str, Any]:
    """Return `providers` (features, default model and status of each) and `summary`.

    The summary has recommended_provider (None without one), available_providers and total_providers.
    """
    status = get_provider_status(**options)
    rows: dict[str, Any] = {}
    for name, spec in specs().items():
        provider = build(name, settings_for(name, options))
        rows[name] = {**spec.features, "default_model": provider.get_default_model(), **status[name]}
        provider.close()
    available = [name for name, row in rows.items() if row["is_available"]]
    summary = {
        "recommended_provider": _recommended(status, prefer_codegen),
        "available_providers": available,
        "total_providers": len(rows),
    }
    return {"providers": rows, "summary": summary}
