"""What is known of providers: whether there are credentials, whether they are accepted, how the providers compare.

Nothing here shows any part of a credential, nor its length: there is one, or there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any

from ..errors import ConfigurationError
from .backend import Availability
from .registry import BUILT_IN, spec_of, specs
from .selection import order_in_environment, preference
from .steps import Call, Steps, run

Options = Mapping[str, Any]


class Unbuilt:
    """Stands in for a provider of another package that cannot be built; it is never available."""

    is_available = False

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        self.unavailable_because = problem

    def close(self) -> None:
        """Do nothing."""


def build(name: str, options: Options, *, is_async: bool = False) -> Any:
    """Build one provider from what `get_ai_client` was given for it; it sends nothing.

    Raises:
        ConfigurationError: for an unknown provider or option, and for one without an async twin.

    """
    spec = spec_of(name)
    create = spec.create_async if is_async else spec.create
    if create is None:
        raise ConfigurationError(f"the provider {name} has no async twin", config_key="provider_name")
    return create(**options)


def build_each(options: Options, names: Iterable[str] | None = None, *, is_async: bool = False) -> dict[str, Any]:
    """Build all providers, or those named, each with its own dict of the options.

    One of another package that cannot be built is `Unbuilt`; one that has no async twin is left out.
    """
    built: dict[str, Any] = {}
    for name in specs() if names is None else names:
        if is_async and spec_of(name).create_async is None:
            continue
        try:
            built[name] = build(name, settings_for(name, options), is_async=is_async)
        except Exception as error:
            if name not in specs() or name in BUILT_IN:
                raise
            built[name] = Unbuilt(name, f"cannot be built: {type(error).__name__}: {error}")
    return built


def each(options: Options, names: Iterable[str] | None = None) -> Iterator[tuple[str, Any]]:
    """Yield name and provider, as `build_each` builds them; each is closed when the next is asked for."""
    for name, built in build_each(options, names).items():
        with closing(built) as provider:
            yield name, provider


def settings_for(name: str, options: Options) -> dict[str, Any]:
    """Return one provider's options out of those for all: its own dict, and clock and prices, which all share."""
    shared = {key: options[key] for key in ("clock", "prices") if key in options and name in BUILT_IN}
    return {**shared, **(options.get(name) or {})}


def availability_of(provider: Any) -> Availability:
    """Tell what can be told of a provider without a request."""
    known = getattr(provider, "availability", None)
    return known() if known else Availability(bool(provider.is_available))


def unfit(provider: Any, *, validate: bool = True, **limits: Any) -> Steps[str | None]:
    """Say why a provider cannot be asked, None when it can; `limits` go to `validate_credentials`."""
    if not provider.is_available:
        return getattr(provider, "unavailable_because", None) or "not available"
    if not validate:
        return None
    try:
        accepted = yield Call(lambda: provider.validate_credentials(**limits))
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
    available = {name for name, provider in each(options) if provider.is_available}
    return [name for name in preference(specs(), order=order_in_environment()) if name in available]


def validate_provider_credentials(name: str, **options: Any) -> bool:
    """Whether the service accepts the credentials: one cheap request, kept for five minutes; it never creates a run.

    Args:
        name: The provider.
        options: The provider's own options, as for `create_ai_provider(name, ...)`.

    Raises:
        ConfigurationError: for a name that is no provider.

    """
    with closing(build(name, options)) as provider:
        return bool(provider.validate_credentials())


def _statuses(options: Options) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    for name, provider in each(options):
        has_credentials = availability_of(provider).has_credentials
        reason = run(unfit(provider))
        error = {} if reason is None else {"error": reason}
        yield name, provider, {"is_available": reason is None, "has_credentials": has_credentials, **error}


def get_provider_status(**options: Any) -> dict[str, dict[str, Any]]:
    """Return for each provider is_available, has_credentials and, where something is wrong, error.

    Costs one cheap request for each provider that has credentials, unless the last validation still counts.
    """
    return {name: status for name, _, status in _statuses(options)}


def get_recommended_provider(*, prefer_codegen: bool = True, **options: Any) -> str | None:
    """Return the provider that `get_ai_client` would ask first, None when there is none; requests as for the status."""
    return _recommended(get_provider_status(**options), prefer_codegen)


def _recommended(status: Mapping[str, Any], prefer_codegen: bool) -> str | None:
    ordered = preference(status, prefer_codegen=prefer_codegen, order=order_in_environment())
    return next((name for name in ordered if status[name]["is_available"]), None)


def get_provider_comparison(*, prefer_codegen: bool = True, **options: Any) -> dict[str, Any]:
    """Return `providers` (features, default model and status of each) and `summary`.

    The summary has recommended_provider (None without one), available_providers and total_providers.
    """
    features = {name: spec.features for name, spec in specs().items()}
    rows: dict[str, Any] = {}
    for name, provider, status in _statuses(options):
        default_model = getattr(provider, "get_default_model", lambda: None)()
        rows[name] = {**features[name], "default_model": default_model, **status}
    summary = {
        "recommended_provider": _recommended(rows, prefer_codegen),
        "available_providers": [name for name, row in rows.items() if row["is_available"]],
        "total_providers": len(rows),
    }
    return {"providers": rows, "summary": summary}
