"""Tell what is known of providers: whether there are credentials, whether they are accepted, how providers compare.

Nothing here shows any part of a credential, nor its length: there is one, or there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any

from ._sync.factory import build, build_all
from ._sync.service import ServiceProvider
from .registry import names, preference


def statuses(
    options: Mapping[str, Any], chosen: Iterable[str] = ()
) -> Iterator[tuple[ServiceProvider, dict[str, Any]]]:
    """Yield providers, of these names or all, each with its status; it is closed when the next is asked for.

    Costs one cheap request, which has no effect, for each provider that has what it needs.
    """
    for provider in _each(options, chosen or names()):
        reason = provider.unavailable_because or provider.validation_error()
        error = {} if reason is None else {"error": reason}
        yield provider, {"is_available": reason is None, "has_credentials": provider.has_credentials, **error}


def _each(options: Mapping[str, Any], chosen: Iterable[str]) -> Iterator[ServiceProvider]:
    for built in build_all(options, chosen):
        with closing(built) as provider:
            yield provider


def detect_available_credentials(**options: Any) -> dict[str, bool]:
    """Return for each provider whether there are credentials for it; sends nothing.

    Args:
        options: As for `get_ai_client`.

    """
    return {provider.name: provider.has_credentials for provider in _each(options, names())}


def get_available_providers(**options: Any) -> list[str]:
    """Return the names of the providers that have credentials and what they need on this machine; sends nothing."""
    return [provider.name for provider in _each(options, preference(names())) if provider.is_available]


def validate_provider_credentials(name: str, **options: Any) -> bool:
    """Whether the service accepts the credentials: one cheap request, which never creates a run.

    Args:
        name: The provider.
        options: The provider's own options, as for `create_ai_provider(name, ...)`.

    Raises:
        ConfigurationError: for a name that is no provider.

    """
    with closing(build(name, options)) as provider:
        return provider.is_available and provider.validate_credentials()


def get_provider_status(**options: Any) -> dict[str, dict[str, Any]]:
    """Return for each provider is_available, has_credentials and, where something is wrong, error.

    Costs one cheap request for each provider that has credentials.
    """
    return {provider.name: status for provider, status in statuses(options)}


def get_recommended_provider(*, prefer_codegen: bool = True, **options: Any) -> str | None:
    """Return the first provider that can be used, None when there is none; requests as for the status."""
    return _recommended(get_provider_status(**options), prefer_codegen)


def _recommended(status: Mapping[str, Any], prefer_codegen: bool) -> str | None:
    ordered = preference(status, prefer_codegen=prefer_codegen)
    return next((name for name in ordered if status[name]["is_available"]), None)


def get_provider_comparison(*, prefer_codegen: bool = True, **options: Any) -> dict[str, Any]:
    """Return `providers` (features, default model and status of each) and `summary`.

    The summary has recommended_provider (None without one), available_providers and total_providers.
    """
    rows = {
        provider.name: {**provider.features, "default_model": provider.get_default_model(), **status}
        for provider, status in statuses(options)
    }
    summary = {
        "recommended_provider": _recommended(rows, prefer_codegen),
        "available_providers": [name for name, row in rows.items() if row["is_available"]],
        "total_providers": len(rows),
    }
    return {"providers": rows, "summary": summary}
