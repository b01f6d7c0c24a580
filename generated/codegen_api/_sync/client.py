"""Clients that perform the operations over bare httpx."""

from __future__ import annotations

from typing import Any

from ..options import RequestOptions
from ..table import Operation
from .base import BaseClient
from .chatserver import ChatserverMethods, RawChatserverMethods
from .codegen import CodegenMethods, RawCodegenMethods


class ChatServerClient(BaseClient, ChatserverMethods):
    """Client of the chatserver service without retries, limits or cache; synchronous.

    `base_url` is the address of the service, with or without `/v1`, and `token` its bearer token. A status of failure
    raises UnexpectedStatus, an argument that does not fit InvalidArguments, a body that does not fit InvalidModel.
    """

    @property
    def with_raw_response(self) -> RawChatserverMethods:
        """The same operations, each returning status, headers and body with the model in `parsed`."""
        return _RawChatserver(self)


class _RawChatserver(RawChatserverMethods):
    def __init__(self, client: ChatServerClient) -> None:
        self._client = client

    def _perform(self, operation: Operation[Any], arguments: dict[str, Any], options: RequestOptions) -> Any:
        return self._client.send(operation, arguments, options)


class Client(BaseClient, CodegenMethods):
    """Client of the codegen service without retries, limits or cache; synchronous.

    `base_url` is the address of the service, with or without `/v1`, and `token` its bearer token. A status of failure
    raises UnexpectedStatus, an argument that does not fit InvalidArguments, a body that does not fit InvalidModel.
    """

    @property
    def with_raw_response(self) -> RawCodegenMethods:
        """The same operations, each returning status, headers and body with the model in `parsed`."""
        return _RawCodegen(self)


class _RawCodegen(RawCodegenMethods):
    def __init__(self, client: Client) -> None:
        self._client = client

    def _perform(self, operation: Operation[Any], arguments: dict[str, Any], options: RequestOptions) -> Any:
        return self._client.send(operation, arguments, options)
