"""Settings of a ChatServer's client: arguments, then its own environment, then defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..config import ClientConfig
from ..errors import ConfigurationError


class _Unset(str):
    """Address that was not given, so that the environment may name one."""


DEFAULT_BASE_URL: str = _Unset("http://localhost:3284")


def configuration(
    api_key: str | None, base_url: str | None, timeout: float, settings: Mapping[str, Any]
) -> ClientConfig:
    """Return the configuration of a client; what the environment says of the Codegen API does not count.

    Raises ConfigurationError, which calls the token `api_key`.
    """
    if api_key is None:
        api_key = settings.get("api_token") or settings.get("token") or os.environ.get("CHATSERVER_API_KEY", "")
    if base_url is None or isinstance(base_url, _Unset):
        base_url = os.environ.get("CHATSERVER_BASE_URL") or str(DEFAULT_BASE_URL)
    others = {name: value for name, value in settings.items() if name not in ("api_token", "token")}
    try:
        config = ClientConfig(
            **{"api_token": api_key, "org_id": "", "base_url": base_url, "timeout": timeout, **others}
        )
        config.validate(needs_token=False)
    except ConfigurationError as error:
        if error.config_key != "api_token":
            raise
        raise ConfigurationError(error.message.replace("api_token", "api_key"), config_key="api_key") from None
    if "rate_limit_requests_per_period" not in others and "rate_limit_requests" not in others:
        config.unset("rate_limit_requests_per_period")
    if "total_timeout" not in others:
        config.total_timeout = max(config.total_timeout, timeout)
    return config
