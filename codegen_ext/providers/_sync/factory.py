# Generated from codegen_ext/providers/_async/factory.py by make generate; edit there.
"""Build a provider, or a chain of them, from arguments and environment. Nothing here sends anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..._request import check_flag
from ...errors import ConfigurationError
from .. import registry
from ..base import logger
from ..errors import AIProviderError, ProviderUnavailableError
from .base import AIProvider
from .chatserver import ChatServerProvider
from .codegen import CodegenProvider
from .codex import CodexProvider
from .fallback import FallbackProvider
from .openai import OpenAIProvider
from .registered import RegisteredProvider
from .service import ServiceProvider

_CHAIN = ("timeout", "breaker_failures", "breaker_cooldown")
_CLASSES: dict[str, type[ServiceProvider]] = {
    kind.name: kind for kind in (CodegenProvider, OpenAIProvider, CodexProvider, ChatServerProvider)
}


def build(name: str, options: Mapping[str, Any]) -> ServiceProvider:
    """Build one provider with its own options, `clock` and `prices`.

    Raises:
        ConfigurationError: for an unknown provider or option, and for one that has no synchronous form.

    """
    if name in _CLASSES:
        return _CLASSES[name](**options)
    create = registry.maker(name, is_async=False)
    if create is None:
        raise ConfigurationError(f"the provider {name} has no synchronous form", config_key="provider_name")
    shared = registry.shared(options)
    return RegisteredProvider(create(**{key: options[key] for key in options if key not in shared}), **shared)


def build_all(options: Mapping[str, Any], names: Iterable[str]) -> list[ServiceProvider]:
    """Build providers by name, each with its own dict of the options, and with those that all share."""
    shared = registry.shared(options)
    chosen = [name for name in names if name in _CLASSES or registry.maker(name, is_async=False)]
    for name in chosen:
        if not isinstance(options.get(name), Mapping | None):
            raise ConfigurationError(f"{name} must be a dict of the provider's options", config_key=name)
    return [build(name, {**shared, **(options.get(name) or {})}) for name in chosen]


def create_client(
    provider_name: str | None = None,
    prefer_codegen: bool = True,
    fallback_enabled: bool = True,
    validate_on_creation: bool = True,
    **options: Any,
) -> AIProvider:
    """Return what `get_ai_client` returns."""
    check_flag("prefer_codegen", prefer_codegen)
    check_flag("fallback_enabled", fallback_enabled)
    check_flag("validate_on_creation", validate_on_creation)
    if provider_name is not None:
        provider = build(provider_name, options)
        if validate_on_creation:
            provider.connected()
        return provider
    known = {*registry.names(), *_CHAIN, *registry.SHARED}
    if unknown := sorted(set(options) - known):
        problem = f"{unknown[0]} is no option; without provider_name there are {', '.join(sorted(known))}"
        raise ConfigurationError(problem, config_key=unknown[0])
    providers = build_all(options, registry.preference(registry.names(), prefer_codegen=prefer_codegen))
    first = _first_usable(providers) if validate_on_creation else providers[0]
    chosen = {name: options[name] for name in (*_CHAIN, "clock") if name in options}
    return FallbackProvider(providers if fallback_enabled else [first], **chosen)


def _first_usable(providers: Iterable[ServiceProvider]) -> ServiceProvider:
    """Return the first provider that has what it needs; raises ProviderUnavailableError when none has."""
    problems = []
    for provider in providers:
        try:
            provider.connected()
        except AIProviderError as error:
            logger.info("provider %s is not chosen: %s", provider.name, error.message)
            problems.append(error.message)
        else:
            return provider
    raise ProviderUnavailableError(f"no provider can be used: {'; '.join(problems)}")


def get_ai_client(
    provider_name: str | None = None,
    prefer_codegen: bool = True,
    fallback_enabled: bool = True,
    validate_on_creation: bool = True,
    **kwargs: Any,
) -> AIProvider:
    """Return the provider of a name, or all of them as one, of which the first that can answers.

    Args:
        provider_name: Exactly this provider, without any other that takes over.
        prefer_codegen: Whether codegen is asked first; otherwise last. CODEGEN_PROVIDER_ORDER, names with commas
            between, says which others stand first.
        fallback_enabled: Whether the next provider answers where one cannot.
        validate_on_creation: Whether there must be credentials and right settings. Nothing is sent for that: whether a
            service accepts a credential shows with the first answer, or with `validate_credentials`.
        kwargs: With a name, the options of that provider; without one, a dict of options for each provider by its name
            (`openai={"model": "gpt-4o"}`), `timeout` (seconds for an answer, all providers together, 600),
            `breaker_failures` (3) and `breaker_cooldown` (30 seconds). In both cases `prices`, a dict of `Price` by
            `provider/model`, model or provider, and `clock`.

    Raises:
        ProviderUnavailableError: when no provider can be used; the message says why each cannot.
        ConfigurationError: for an unknown provider or option, and for a number of the chain that is wrong.

    """
    return create_client(provider_name, prefer_codegen, fallback_enabled, validate_on_creation, **kwargs)


create_ai_provider = get_ai_client
