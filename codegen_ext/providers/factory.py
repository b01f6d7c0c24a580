"""Building a provider, or a chain of them, from arguments and environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ConfigurationError
from .credentials import build, build_each, unfit
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
    candidates = _built(provider_name, prefer_codegen, kwargs, is_async=False)
    chain = None if provider_name is not None else FallbackProvider
    client: Provider | FallbackProvider = run(
        _selected(candidates, chain, fallback_enabled, validate_on_creation, kwargs)
    )
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
    candidates = _built(provider_name, prefer_codegen, kwargs, is_async=True)
    chain = None if provider_name is not None else AsyncFallbackProvider
    client: AsyncProvider | AsyncFallbackProvider = await run_async(
        _selected(candidates, chain, fallback_enabled, validate_on_creation, kwargs)
    )
    return client


create_async_ai_provider = get_async_ai_client


def _built(name: str | None, prefer_codegen: bool, options: Mapping[str, Any], *, is_async: bool) -> list[Any]:
    """Return the provider of a name, or all in the order of preference."""
    if name is not None:
        return [build(name, options, is_async=is_async)]
    known = {*specs(), *_CHAIN, *_SHARED}
    unknown = sorted(set(options) - known)
    if unknown:
        problem = f"{unknown[0]} is no option; without provider_name there are {', '.join(sorted(known))}"
        raise ConfigurationError(problem, config_key=unknown[0])
    ordered = preference(specs(), prefer_codegen=prefer_codegen, order=order_in_environment())
    built = build_each(options, ordered, is_async=is_async)
    return list(built.values())


def _selected(
    candidates: list[Any], chain: Any, fallback: bool, validate: bool, options: Mapping[str, Any]
) -> Steps[Any]:
    """Return a chain that begins with the first candidate that is fit; without `chain` the one candidate itself."""
    kept: list[Any] = []
    reasons: dict[str, str] = {}
    try:
        for candidate in candidates:
            reason = yield from unfit(candidate, validate=validate)
            if reason is None:
                log("provider %s is chosen", candidate.name)
                kept = candidates if chain and fallback else [candidate]
                limits = {name: options[name] for name in (*_CHAIN, "clock") if name in options}
                return chain(kept, validate=validate, **limits) if chain else candidate
            reasons[candidate.name] = reason
            log("provider %s is not chosen: %s", candidate.name, reason)
    finally:
        for candidate in candidates:
            if candidate not in kept:
                yield Call(candidate.close)
    if chain:
        said = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise ProviderUnavailableError(f"no provider can be used: {said}")
    ((name, reason),) = reasons.items()
    is_refused = "credential" in reason and "not accepted" in reason
    raise (ProviderAuthenticationError if is_refused else ProviderUnavailableError)(reason, provider_name=name)
