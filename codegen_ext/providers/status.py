"""Tell what is known of providers: whether there are credentials, whether they are accepted, how providers compare.

Nothing here shows any part of a credential, nor its length: there is one, or there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any

from .attempts import missing
from .factory import availability_of, build, build_all, names, preference


def each(options: Mapping[str, Any], chosen: Iterable[str] | None = None) -> Iterator[tuple[str, Any]]:
    """Yield name and provider, of all or those chosen; each is closed when the next is asked for."""
    for name, built in build_all(options, names() if chosen is None else chosen).items():
        with closing(built) as provider:
            yield name, provider


def problem_of(provider: Any) -> str | None:
    """Say why a provider cannot be asked, None when it can; costs one cheap request, which has no effect."""
    if (reason := missing(provider)) is not None:
        return reason
    try:
        accepted = provider.validate_credentials()
    except Exception as error:  # noqa: BLE001 - one that is broken must not keep the others out
        return f"the validation failed: {type(error).__name__}: {error}"
    return None if accepted else getattr(provider, "last_validation_error", None) or "the credentials are not accepted"


def detect_available_credentials(**options: Any) -> dict[str, bool]:
    """Return for each provider whether there are credentials for it; sends nothing.

    Args:
        options: As for `get_ai_client`.

    """
    return {name: availability_of(provider).has_credentials for name, provider in each(options)}


def get_available_providers(**options: Any) -> list[str]:
    """Return the names of the providers that have credentials and what they need on this machine; sends nothing."""
    return [name for name, provider in each(options, preference(names())) if provider.is_available]


def validate_provider_credentials(name: str, **options: Any) -> bool:
    """Whether the service accepts the credentials: one cheap request, which never creates a run.

    Args:
        name: The provider.
        options: The provider's own options, as for `create_ai_provider(name, ...)`.

    Raises:
        ConfigurationError: for a name that is no provider.

    """
    with closing(build(name, options)) as provider:
        return problem_of(provider) is None


def _statuses(options: Mapping[str, Any]) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    for name, provider in each(options):
        has_credentials, reason = availability_of(provider).has_credentials, problem_of(provider)
        error = {} if reason is None else {"error": reason}
        yield name, provider, {"is_available": reason is None, "has_credentials": has_credentials, **error}


def get_provider_status(**options: Any) -> dict[str, dict[str, Any]]:
    """Return for each provider is_available, has_credentials and, where something is wrong, error.

    Costs one cheap request for each provider that has credentials.
    """
    return {name: status for name, _, status in _statuses(options)}


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
    rows: dict[str, Any] = {}
    for name, provider, status in _statuses(options):
        default_model = getattr(provider, "get_default_model", lambda: None)()
        rows[name] = {**getattr(provider, "features", {}), "default_model": default_model, **status}
    summary = {
        "recommended_provider": _recommended(rows, prefer_codegen),
        "available_providers": [name for name, row in rows.items() if row["is_available"]],
        "total_providers": len(rows),
    }
    return {"providers": rows, "summary": summary}
