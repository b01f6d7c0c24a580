"""OpenTelemetry spans of a client's calls and attempts. Needs the extra `[opentelemetry]`.

Names of attributes are those of the semantic conventions for HTTP client spans, stable since 1.23:
https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
from codegen_api.operations import OPERATIONS

from .._version import __version__
from ..base import BaseClient
from ..clock import SYSTEM_CLOCK
from ..errors import ConfigurationError
from ..redact import Redactor
from ..transport.extensions import ATTEMPT, CACHED, OPERATION, REDACT
from ..transport.steps import Send, SteppedTransport, Steps

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer, TracerProvider

C = TypeVar("C", bound=BaseClient)

_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})


def instrument(client: C, tracer_provider: TracerProvider | None = None) -> C:
    """Trace a client, and all that share its connections, from now on; return it. A second time changes nothing.

    Args:
        client: A client of any service, sync or async.
        tracer_provider: Where spans go; the global one where none is given.

    Raises:
        ConfigurationError: when the extra is missing.

    """
    try:
        from opentelemetry import trace
    except ImportError as error:
        raise ConfigurationError("OpenTelemetry needs an extra: pip install 'codegen-sdk[opentelemetry]'") from error
    http: Any = client._http
    if not isinstance(http._transport, CallSpans):
        tracer = trace.get_tracer("codegen_ext", __version__, tracer_provider)
        innermost = http._transport
        while hasattr(innermost._wrapped, "_wrapped"):
            innermost = innermost._wrapped
        innermost._wrapped = AttemptSpans(innermost._wrapped, tracer)
        http._transport = CallSpans(http._transport, tracer)
    return client


class CallSpans(SteppedTransport):
    """Makes one internal span of each call, named like its operation, around cache, retries and waits."""

    def __init__(self, wrapped: Any, tracer: Tracer) -> None:
        super().__init__(wrapped, SYSTEM_CLOCK)
        self._tracer = tracer

    def steps(self, request: httpx.Request) -> Steps:
        """Send within a span."""
        from opentelemetry.trace import SpanKind

        operation = request.extensions.get(OPERATION)
        attributes = {"codegen.operation": operation} if operation else {}
        with _span(self._tracer, operation or _method(request), SpanKind.INTERNAL, attributes) as span:
            response: httpx.Response = yield Send(request)
            if CACHED in response.extensions:
                span.set_attribute("codegen.cached", True)
            _end(span, response)
        return response


class AttemptSpans(SteppedTransport):
    """Makes one client span of each request that travels, and tells the service its trace."""

    def __init__(self, wrapped: Any, tracer: Tracer) -> None:
        super().__init__(wrapped, SYSTEM_CLOCK)
        self._tracer = tracer

    def steps(self, request: httpx.Request) -> Steps:
        """Send within a span, with the headers that carry its context."""
        from opentelemetry.propagate import inject
        from opentelemetry.trace import SpanKind

        operation = OPERATIONS.get(request.extensions.get(OPERATION) or "")
        method = _method(request)
        name = f"{method} {operation.path}" if operation else method
        with _span(self._tracer, name, SpanKind.CLIENT, _attributes(request)) as span:
            if operation:
                span.set_attribute("url.template", operation.path)
            inject(request.headers)
            response: httpx.Response = yield Send(request)
            _end(span, response)
        return response


@contextmanager
def _span(tracer: Tracer, name: str, kind: Any, attributes: dict[str, Any]) -> Iterator[Span]:
    """Make a span the current one; its failure is a type, because a message may hold anything."""
    with tracer.start_as_current_span(
        name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except GeneratorExit:
            _fail(span, "cancelled")
            raise
        except Exception as error:
            _fail(span, f"{type(error).__module__}.{type(error).__qualname__}")
            raise


def _attributes(request: httpx.Request) -> dict[str, Any]:
    redact: Redactor = request.extensions.get(REDACT) or Redactor()
    url = request.url
    attributes: dict[str, Any] = {
        "http.request.method": _method(request, "_OTHER"),
        "server.address": url.host,
        "server.port": url.port or {"https": 443}.get(url.scheme, 80),
        "url.full": redact.url(str(url)),
    }
    if request.method not in _METHODS:
        attributes["http.request.method_original"] = redact(request.method)
    attempt = request.extensions.get(ATTEMPT, 1)
    if attempt > 1:
        attributes["http.request.resend_count"] = attempt - 1
    return attributes


def _method(request: httpx.Request, other: str = "HTTP") -> str:
    return request.method if request.method in _METHODS else other


def _end(span: Span, response: httpx.Response) -> None:
    span.set_attribute("http.response.status_code", response.status_code)
    if response.status_code >= 400:
        _fail(span, str(response.status_code))


def _fail(span: Span, kind: str) -> None:
    from opentelemetry.trace import Status, StatusCode

    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))
