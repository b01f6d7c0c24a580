"""A client whose service is the test: for algorithms that are tried against many services."""

from collections.abc import Callable
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

from codegen_api.types import Response

from codegen_ext import ClientConfig
from codegen_ext._request import Deadline
from codegen_ext.testing import FakeClock


def answer(parsed: Any, **headers: str) -> Response[Any]:
    """Return what a successful request returns."""
    return Response(HTTPStatus.OK, b"", headers, parsed)


class StubClient:
    """As much of a client as the algorithms above it use; `service` gets operation, arguments and deadline."""

    def __init__(self, service: Callable[[Any], Any], clock: FakeClock | None = None, **settings: Any) -> None:
        self.service = service
        self.clock = clock or FakeClock()
        self.config = ClientConfig(**settings)

    def deadline(self) -> Deadline:
        return Deadline.after(self.clock, self.config.total_timeout)

    def perform(self, operation: Any, arguments: Any, options: Any = None, **more: Any) -> Any:
        return self.service(SimpleNamespace(operation=operation, arguments=arguments, options=options, **more))
