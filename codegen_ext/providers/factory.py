"""Build a provider, or a chain of them, from arguments and environment. Nothing here sends anything."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ConfigurationError
from .attempts import missing
from .base import Availability, log
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
}
_CHAIN = ("timeout", "breaker_failures", "breaker_cooldown")
_SHARED = ("clock", "prices")


class _Registered(NamedTuple):
    create: Callable[..., Any]
    create_async: Callable[..., Any] | None


_REGISTERED: dict[str, _Registered] = {}


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
    _REGISTERED[name] = _Registered(create, create_async)


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


def _class(module: str, name: str, *, is_async: bool) -> Any:
    """Return a class of the synchronous or the asynchronous form, imported when it is first needed."""
    found = import_module(f".{'_async' if is_async else '_sync'}.{module}", __package__)
    return getattr(found, f"Async{name}" if is_async else name)


def build(name: str, options: Mapping[str, Any], *, is_async: bool = False) -> Any:
    """Build one provider with its own options.

    Raises:
        ConfigurationError: for an unknown provider or option, and for one that has no asynchronous form.

    """
    if name in NAMES:
        return _class(name, _CLASSES[name], is_async=is_async)(**options)
    if name not in _REGISTERED:
        raise ConfigurationError(f"no provider is called {name!r}; there are {', '.join(names())}", "provider_name")
    registered = _REGISTERED[name]
    create = registered.create_async if is_async else registered.create
    if create is None:
        raise ConfigurationError(f"the provider {name} has no asynchronous form", config_key="provider_name")
    return create(**options)


def build_all(options: Mapping[str, Any], chosen: Iterable[str], *, is_async: bool = False) -> dict[str, Any]:
    """Build providers by name, each with its own dict of the options, and clock and prices, which all share."""
    built: dict[str, Any] = {}
    for name in chosen:
        registered = _REGISTERED.get(name)
        if is_async and registered is not None and registered.create_async is None:
            continue
        shared = {key: options[key] for key in _SHARED if key in options and name in NAMES}
        try:
            built[name] = build(name, {**shared, **(options.get(name) or {})}, is_async=is_async)
        except Exception as error:
            if registered is None:
                raise
            # Another package's failure must not keep the others out.
            problem = f"cannot be built: {type(error).__name__}: {error}"
            built[name] = _class("base", "Unbuilt", is_async=is_async)(name, problem)
    return built


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
        if validate_on_creation and (error := _problem(provider)) is not None:
            raise error
        return provider
    known = {*names(), *_CHAIN, *_SHARED}
    if unknown := sorted(set(options) - known):
        problem = f"{unknown[0]} is no option; without provider_name there are {', '.join(sorted(known))}"
        raise ConfigurationError(problem, config_key=unknown[0])
    order = preference(names(), prefer_codegen=prefer_codegen)
    candidates = list(build_all(options, order, is_async=is_async).values())
    first = _first_usable(candidates) if validate_on_creation else candidates[0]
    chain = _class("fallback", "FallbackProvider", is_async=is_async)
    return chain(
        candidates if fallback_enabled else [first],
        **{name: options[name] for name in (*_CHAIN, "clock") if name in options},
    )


def _first_usable(candidates: Iterable[Any]) -> Any:
    """Return the first provider that can be used; raises ProviderUnavailableError when none can."""
    problems = []
    for provider in candidates:
        if (error := _problem(provider)) is None:
            log("provider %s is chosen", provider.name)
            return provider
        log("provider %s is not chosen: %s", provider.name, error.message)
        problems.append(error.message)
    raise ProviderUnavailableError(f"no provider can be used: {'; '.join(problems)}")


def _problem(provider: Any) -> AIProviderError | None:
    """Return what is wrong with a provider as far as it can be told without a request."""
    if (reason := missing(provider)) is not None:
        return ProviderUnavailableError(f"{provider.name}: {reason}", provider_name=provider.name)
    try:
        if hasattr(provider, "connected"):
            provider.connected()
    except AIProviderError as error:
        return error
    return None


def availability_of(provider: Any) -> Availability:
    """Tell what can be told of a provider without a request."""
    known = getattr(provider, "availability", None)
    return known() if known else Availability(bool(provider.is_available))


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
