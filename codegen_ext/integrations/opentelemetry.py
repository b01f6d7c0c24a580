"""OpenTelemetry spans of a client's calls and attempts. Needs the extra `[opentelemetry]`.

Names of attributes are those of the semantic conventions for HTTP client spans, stable since 1.23:
https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from .._client_of import client_of
from .._request import ATTEMPT, CACHED, call_of
from .._version import __version__
from ..errors import needs_extra

if TYPE_CHECKING:
    import httpx
    from opentelemetry.trace import Span, Tracer, TracerProvider

C = TypeVar("C")

_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})


def instrument(client: C, tracer_provider: TracerProvider | None = None) -> C:
    """Trace a client, and all that share its connections, from now on; return it. A second time replaces the first.

    Args:
        client: A client of any service, sync or async, or an agent.
        tracer_provider: Where spans go; the global one where none is given.

    Raises:
        ConfigurationError: when the extra is missing, or for what is no client.

    """
    with needs_extra("opentelemetry", "OpenTelemetry"):
        from opentelemetry import trace
    tracer = trace.get_tracer("codegen_ext", __version__, tracer_provider)
    client_of(client, "trace_with").trace_with(_SpanTracing(tracer))
    return client


class _SpanTracing:
    """One internal span for each call, around cache, retries and waits, and one client span for each attempt."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def call(self, request: httpx.Request) -> Iterator[Callable[[httpx.Response], None]]:
        """Make a span of a call, named like its operation."""
        from opentelemetry.trace import SpanKind

        operation = call_of(request).operation
        attributes = {"codegen.operation": operation.id} if operation else {}
        name = operation.id if operation else _method(request)
        with _span(self._tracer, name, SpanKind.INTERNAL, attributes) as span:

            def ended(response: httpx.Response) -> None:
                if CACHED in response.extensions:
                    span.set_attribute("codegen.cached", True)
                _end(span, response)

            yield ended

    @contextmanager
    def attempt(self, request: httpx.Request) -> Iterator[Callable[[httpx.Response], None]]:
        """Make a span of a request that travels, and add the headers that carry its context."""
        from opentelemetry.propagate import inject
        from opentelemetry.trace import SpanKind

        operation, method = call_of(request).operation, _method(request)
        name = f"{method} {operation.path}" if operation else method
        with _span(self._tracer, name, SpanKind.CLIENT, _attributes(request)) as span:
            if operation:
                span.set_attribute("url.template", operation.path)
            inject(request.headers)
            yield lambda response: _end(span, response)


@contextmanager
def _span(tracer: Tracer, name: str, kind: Any, attributes: dict[str, Any]) -> Iterator[Span]:
    """Make a span the current one; its failure is a type, because a message may hold anything."""
    with tracer.start_as_current_span(
        name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except BaseException as error:
            is_failure = isinstance(error, Exception)
            _fail(span, f"{type(error).__module__}.{type(error).__qualname__}" if is_failure else "cancelled")
            raise


def _attributes(request: httpx.Request) -> dict[str, Any]:
    redact, url = call_of(request).redact, request.url
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
