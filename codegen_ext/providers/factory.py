"""Building a provider, or a chain of them, from arguments and environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ConfigurationError
from .credentials import build, settings_for
from .errors import ProviderAuthenticationError, ProviderUnavailableError
from .fallback import AsyncFallbackProvider, FallbackProvider
from .log import log
from .provider import AsyncProvider, Provider
from .registry import specs
from .selection import order_in_environment, preference
from .steps import Call, Steps, run, run_async

_CHAIN = ("timeout", "breaker_failures", "breaker_cooldown")
_SHARED = ("clock", "prices")


def get_ai_client(
    provider_name: str | None = None,
    prefer_codegen: bool = True,
    fallback_enabled: bool = True,
    validate_on_creation: bool = True,
    **kwargs: Any,
) -> Provider | FallbackProvider:
    """Return the provider of a name, or the first that is fit with those behind it that may take its place.

    Args:
        provider_name: Exactly this provider, without any other in its place.
        prefer_codegen: Whether codegen is asked first; otherwise last. CODEGEN_PROVIDER_ORDER, names with commas
            between, says which others stand first.
        fallback_enabled: Whether the next provider answers where one cannot.
        validate_on_creation: Whether credentials must be accepted: one cheap request for each provider until one is
            fit, whose outcome is kept for five minutes. Without it nothing is sent before the first prompt, and no
            provider is validated later.
        kwargs: With a name, the options of that provider; without one, a dict of options for each provider by its name
            (`openai={"model": "gpt-4o"}`), `timeout` (seconds for an answer, all providers together, 600),
            `breaker_failures` (3) and `breaker_cooldown` (30 seconds). In both cases `prices`, a dict of `Price` by
            `provider/model`, model or provider, and `clock`.

    Raises:
        ProviderUnavailableError: when no provider is fit; the message says why each is not.
        ProviderAuthenticationError: when the named one's credentials are not accepted.
        ConfigurationError: for an unknown provider or option.

    """
    chosen, candidates = _built(provider_name, prefer_codegen, kwargs, is_async=False)
    steps = _selected(chosen, candidates, fallback_enabled, validate_on_creation, kwargs, FallbackProvider)
    client: Provider | FallbackProvider = run(steps)
    return client


create_ai_provider = get_ai_client


async def get_async_ai_client(
    provider_name: str | None = None,
    prefer_codegen: bool = True,
    fallback_enabled: bool = True,
    validate_on_creation: bool = True,
    **kwargs: Any,
) -> AsyncProvider | AsyncFallbackProvider:
    """Return a provider for asyncio; otherwise as `get_ai_client`."""
    chosen, candidates = _built(provider_name, prefer_codegen, kwargs, is_async=True)
    steps = _selected(chosen, candidates, fallback_enabled, validate_on_creation, kwargs, AsyncFallbackProvider)
    client: AsyncProvider | AsyncFallbackProvider = await run_async(steps)
    return client


create_async_ai_provider = get_async_ai_client


def _built(
    provider_name: str | None, prefer_codegen: bool, options: Mapping[str, Any], *, is_async: bool
) -> tuple[Any, list[Any]]:
    if provider_name is not None:
        return build(provider_name, options, is_async=is_async), []
    known = {*specs(), *_CHAIN, *_SHARED}
    unknown = sorted(set(options) - known)
    if unknown:
        problem = f"{unknown[0]} is no option; without provider_name there are {', '.join(sorted(known))}"
        raise ConfigurationError(problem, config_key=unknown[0])
    ordered = preference(specs(), prefer_codegen=prefer_codegen, order=order_in_environment())
    usable = [name for name in ordered if not is_async or specs()[name].create_async]
    return None, [build(name, settings_for(name, options), is_async=is_async) for name in usable]


def _selected(
    chosen: Any, candidates: list[Any], fallback: bool, validate: bool, options: Mapping[str, Any], chain: Any
) -> Steps[Any]:
    if chosen is not None:
        yield from _fit_or_closed(chosen, validate)
        log("provider %s was named", chosen.name)
        return chosen
    reasons: dict[str, str] = {}
    first = None
    for position, candidate in enumerate(candidates):
        reason = yield from _unfit(candidate, validate)
        if reason is None:
            first = position
            break
        reasons[candidate.name] = reason
        log("provider %s is not chosen: %s", candidate.name, reason)
    if first is None:
        for candidate in candidates:
            yield Call(candidate.close)
        said = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise ProviderUnavailableError(f"no provider can be used: {said}")
    log("provider %s is chosen", candidates[first].name)
    kept = candidates if fallback else [candidates[first]]
    for candidate in candidates:
        if candidate not in kept:
            yield Call(candidate.close)
    limits = {name: options[name] for name in (*_CHAIN, "clock") if name in options}
    return chain(kept, validate=validate, **limits)


def _unfit(provider: Any, validate: bool) -> Steps[str | None]:
    if not provider.is_available:
        return getattr(provider, "unavailable_because", None) or "not available"
    if validate and not (yield Call(provider.validate_credentials)):
        return getattr(provider, "last_validation_error", None) or "the credentials are not accepted"
    return None


def _fit_or_closed(provider: Any, validate: bool) -> Steps[None]:
    reason = yield from _unfit(provider, validate)
    if reason is not None:
        yield Call(provider.close)
        kind = ProviderAuthenticationError if "credential" in reason and "not accepted" in reason else None
        raise (kind or ProviderUnavailableError)(reason, provider_name=provider.name)
