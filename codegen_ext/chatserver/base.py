"""What the sync and the async client of a ChatServer share: settings, and the flows that both run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from codegen_api import operations

from .. import paging
from ..base import BaseClient
from ..config import ClientConfig
from ..errors import ConfigurationError
from ..flow import Flow, Perform
from ..settings import UnsetInt
from .errors import BadRequestError

if TYPE_CHECKING:
    from codegen_api.models import AuditLogEntry, ChatSessionSummary


class _Default(str):
    """An address that nobody chose, so that the environment may."""


DEFAULT_BASE_URL: str = _Default("http://localhost:3284")


class ChatServerBase(BaseClient):
    """Settings of a client, and what takes more than one request."""

    _service = "chatserver"

    def _check(self) -> None:
        try:
            self.config.validate(needs_token=False)
        except ConfigurationError as error:
            if error.config_key != "api_token":
                raise
            raise ConfigurationError(error.message.replace("api_token", "api_key"), config_key="api_key") from None

    def _all_sessions(self, user_id: str) -> Flow[ChatSessionSummary, None]:
        self.config.require("streaming")
        return paging.items(operations.LIST_SESSIONS, {"user_id": user_id})

    def _whole_audit_log(self) -> Flow[AuditLogEntry, None]:
        self.config.require("streaming")
        return paging.items(operations.GET_AUDIT_LOG, {})


def configuration(
    api_key: str | None, base_url: str | None, timeout: float, settings: Mapping[str, Any]
) -> ClientConfig:
    """Return what was given, else the ChatServer's environment, else the defaults."""
    if api_key is None:
        api_key = os.environ.get("CHATSERVER_API_KEY", "")
    if base_url is None or isinstance(base_url, _Default):
        base_url = os.environ.get("CHATSERVER_BASE_URL") or str(DEFAULT_BASE_URL)
    # The environment's cap is for the Codegen API.
    settings = {"rate_limit_requests_per_period": UnsetInt(60), **settings}
    config = ClientConfig(api_token=api_key, org_id="", base_url=base_url, timeout=timeout, **settings)
    if "total_timeout" not in settings and isinstance(timeout, int | float):
        config.total_timeout = max(config.total_timeout, timeout)
    return config


def model_of(user_id: str, session_id: str | None) -> Flow[Any, str]:
    """Return the model of a stored session, or else the first one that the server offers.

    Raises:
        BadRequestError: when the server offers none.

    """
    if session_id is not None:
        found = yield Perform(operations.GET_SESSION, {"session_id": session_id, "user_id": user_id})
        model: str | None = found.parsed.session.model
        if model:
            return model
    offered = (yield Perform(operations.LIST_MODELS, {})).parsed.data
    if not offered:
        raise BadRequestError("the server offers no model; name one with model=")
    name: str = offered[0].id
    return name
