"""Spans of calls and attempts, as the SDK exports them, and the trace that the service is told."""

import asyncio
import sys

import pytest
from codegen_api.operations import OPERATIONS
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from codegen_ext import Agent, AsyncCodegenClient, ClientConfig, CodegenAPIError, CodegenClient, ConfigurationError
from codegen_ext.integrations.opentelemetry import instrument

from ..conftest import TOKEN
from ..support.blocking import real
from ..support.loopback import CLOSE, HANG, reply
from ..support.waiting import until_async


@pytest.fixture
def traced(connect, spans):
    def build(*args, **settings):
        client = connect(*args, **settings)
        assert instrument(real(client), spans.provider) is real(client)
        return client

    return build


def test_a_call_is_a_span_with_a_child_for_each_attempt_which_the_service_is_told(traced, spans, serve):
    server = serve(reply({}, 503), CLOSE, reply({"items": [], "total": 0, "page": 1, "size": 5, "pages": 0}))
    traced(server.base_url, max_retries=3).get_users(323, limit=5)
    (call,), attempts = spans.calls, spans.attempts
    assert (call.name, call.parent) == ("get_users", None)
    assert dict(call.attributes) == {"codegen.operation": "get_users", "http.response.status_code": 200}
    path = OPERATIONS["get_users"].path
    common = {
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "server.port": int(server.base_url.rpartition(":")[2]),
        "url.full": f"{server.base_url}{path.format(org_id=323)}?skip=0&limit=5",
        "url.template": path,
    }
    assert [dict(span.attributes) for span in attempts] == [
        {**common, "http.response.status_code": 503, "error.type": "503"},
        {**common, "http.request.resend_count": 1, "error.type": "httpx.RemoteProtocolError"},
        {**common, "http.request.resend_count": 2, "http.response.status_code": 200},
    ]
    assert [span.status.status_code.name for span in (call, *attempts)] == ["UNSET", "ERROR", "ERROR", "UNSET"]
    assert not [span for span in attempts if span.status.description or span.events]  # which may hold anything
    assert {(span.name, span.instrumentation_scope.name) for span in attempts} == {(f"GET {path}", "codegen_ext")}
    assert {span.parent.span_id for span in attempts} == {call.context.span_id}
    assert call.start_time <= attempts[0].start_time <= attempts[2].end_time <= call.end_time
    told = [request.headers["traceparent"].split("-")[1:3] for request in server.requests]
    assert told == [[f"{call.context.trace_id:032x}", f"{span.context.span_id:016x}"] for span in attempts]


def test_spans_belong_to_the_callers_span(spans, sandbox):
    config = ClientConfig(api_token=TOKEN, base_url=sandbox.base_url)

    async def call():
        async with AsyncCodegenClient(config) as client:
            instrument(client, spans.provider)
            await asyncio.gather(*(client.get_users(323, skip=number) for number in range(3)))

    with spans.provider.get_tracer("test").start_as_current_span("mine", kind=SpanKind.SERVER) as mine:
        with CodegenClient(config) as client:
            instrument(client, spans.provider).get_current_user()
        asyncio.run(call())
        assert trace.get_current_span() is mine
    assert [span.parent.span_id for span in spans.calls] == [mine.get_span_context().span_id] * 4
    assert {span.parent.span_id for span in spans.attempts} == {span.context.span_id for span in spans.calls}


def test_a_request_that_the_contract_does_not_know(traced, spans, serve, sandbox):
    server = serve(reply({}))
    traced(server.base_url).request("GET", "/new", params={"api_key": "hush-hush", "page": 1})
    with pytest.raises(CodegenAPIError):
        traced().request("BREW", "/v1/users/me")
    known, unknown = spans.attempts
    for span in (spans.calls[1], unknown):
        assert (span.attributes["error.type"], span.status.status_code) == ("405", StatusCode.ERROR)
    assert [span.name for span in (*spans.calls, known, unknown)] == ["GET", "HTTP", "GET", "HTTP"]
    assert known.attributes["url.full"] == f"{server.base_url}/new?api_key=[redacted]&page=1"
    assert "url.template" not in known.attributes
    assert unknown.attributes["http.request.method"] == "_OTHER"
    assert unknown.attributes["http.request.method_original"] == "BREW"


def test_an_answer_from_the_cache_has_no_attempt(traced, spans):
    client = traced(enable_caching=True)
    instrument(real(client), spans.provider)
    instrument(real(client.with_options(timeout=5)), spans.provider)
    client.get_current_user()
    client.with_options(timeout=5).get_current_user()
    assert [span.attributes.get("codegen.cached", False) for span in spans.calls] == [False, True]
    assert len(spans.attempts) == 1


async def test_a_cancelled_call_is_a_failed_span(serve, spans):
    server = serve(HANG)
    async with AsyncCodegenClient(ClientConfig(api_token=TOKEN, base_url=server.base_url)) as client:
        instrument(client, spans.provider)
        task = asyncio.create_task(client.get_current_user())
        await until_async(lambda: server.requests)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not trace.get_current_span().get_span_context().is_valid
    assert [span.attributes["error.type"] for span in (*spans.calls, *spans.attempts)] == ["cancelled"] * 2


def test_agents_are_traced_by_the_global_provider(spans, sandbox, monkeypatch):
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: spans.provider)
    with Agent(323, TOKEN, sandbox.base_url) as agent:
        assert instrument(agent) is agent
        agent.list_tasks()
        assert [span.name for span in spans.calls] == ["list_agent_runs"]
        monkeypatch.setitem(sys.modules, "opentelemetry", None)
        with pytest.raises(ConfigurationError, match=r"codegen-sdk\[opentelemetry\]"):
            instrument(agent)
    monkeypatch.undo()
    with pytest.raises(ConfigurationError, match="expected a client or an agent"):
        instrument(7)
