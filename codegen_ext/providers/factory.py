"""Build a provider, or a chain of them, from arguments and environment. Nothing here sends anything."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from .base import logger
from .errors import AIProviderError, ProviderUnavailableError
from .options import NAMES

if TYPE_CHECKING:
    from ._async.base import AsyncAIProvider
    from ._sync.base import AIProvider

ORDER_VARIABLE = "CODEGEN_PROVIDER_ORDER"
_CLASSES = {
    "codegen": "CodegenProvider",
    "openai": "OpenAIProvider",
    "codex": "CodexProvider",
    "chatserver": "ChatServerProvider",
    "fallback": "FallbackProvider",
    "registered": "RegisteredProvider",
}
_CHAIN = ("timeout", "breaker_failures", "breaker_cooldown")
_SHARED = ("clock", "prices")
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


def _class(module: str, *, is_async: bool) -> Any:
    """Return the class of a module in its sync or async form, imported when it is first needed."""
    found = import_module(f".{'_async' if is_async else '_sync'}.{module}", __package__)
    return getattr(found, f"{'Async' if is_async else ''}{_CLASSES[module]}")


def build(name: str, options: Mapping[str, Any], *, is_async: bool = False) -> Any:
    """Build one provider with its own options, `clock` and `prices`.

    Raises:
        ConfigurationError: for an unknown provider or option, and for one that has no asynchronous form.

    """
    if name in NAMES:
        return _class(name, is_async=is_async)(**options)
    if name not in _REGISTERED:
        raise ConfigurationError(f"no provider is called {name!r}; there are {', '.join(names())}", "provider_name")
    create = _REGISTERED[name][is_async]
    if create is None:
        raise ConfigurationError(f"the provider {name} has no asynchronous form", config_key="provider_name")
    shared = {key: options[key] for key in _SHARED if key in options}
    own = {key: value for key, value in options.items() if key not in shared}
    return _class("registered", is_async=is_async)(create(**own), **shared)


def build_all(options: Mapping[str, Any], chosen: Iterable[str], *, is_async: bool = False) -> list[Any]:
    """Build providers by name, each with its own dict of the options, and clock and prices, which all share."""
    shared = {key: options[key] for key in _SHARED if key in options}
    return [
        build(name, {**shared, **(options.get(name) or {})}, is_async=is_async)
        for name in chosen
        if name not in _REGISTERED or _REGISTERED[name][is_async]
    ]


def create_client(
    provider_name: str | None = None,
    prefer_codegen: bool = True,
    fallback_enabled: bool = True,
    validate_on_creation: bool = True,
    *,
    is_async: bool = False,
    **options: Any,
) -> Any:
    """Return what `get_ai_client` or `get_async_ai_client` returns."""
    if provider_name is not None:
        provider = build(provider_name, options, is_async=is_async)
        if validate_on_creation:
            provider.connected()
        return provider
    known = {*names(), *_CHAIN, *_SHARED}
    if unknown := sorted(set(options) - known):
        problem = f"{unknown[0]} is no option; without provider_name there are {', '.join(sorted(known))}"
        raise ConfigurationError(problem, config_key=unknown[0])
    order = preference(names(), prefer_codegen=prefer_codegen)
    providers = build_all(options, order, is_async=is_async)
    first = _first_usable(providers) if validate_on_creation else providers[0]
    chosen = {name: options[name] for name in (*_CHAIN, "clock") if name in options}
    return _class("fallback", is_async=is_async)(providers if fallback_enabled else [first], **chosen)


def _first_usable(providers: Iterable[Any]) -> Any:
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
        ConfigurationError: for an unknown provider or option.

    """
    client: AIProvider = create_client(provider_name, prefer_codegen, fallback_enabled, validate_on_creation, **kwargs)
    return client


create_ai_provider = get_ai_client


async def get_async_ai_client(
    provider_name: str | None = None,
    prefer_codegen: bool = True,
    fallback_enabled: bool = True,
    validate_on_creation: bool = True,
    **kwargs: Any,
) -> AsyncAIProvider:
    """Return a provider for asyncio; otherwise as `get_ai_client`."""
    client: AsyncAIProvider = create_client(
        provider_name, prefer_codegen, fallback_enabled, validate_on_creation, is_async=True, **kwargs
    )
    return client


create_async_ai_provider = get_async_ai_client
