"""Injected faults, over a real connection too where sockets take other code, and arguments that are refused."""

import inspect
import json
from functools import partial

import httpx
import pytest

from codegen_ext import ConfigurationError
from codegen_ext.testing import FakeClock, Fault, MockChatServerClient, MockCodegenClient, Sandbox, Script

QUESTION = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
PIECES = ["", "Echo:", " Hi", None, "[DONE]"]


@pytest.mark.parametrize("operation_id", ["create_agent_run", "*"])
def test_a_reset_before_leaves_no_trace_and_one_after_leaves_the_run(either, operation_id):
    either.sandbox.inject(operation_id, Fault.reset_before(), times=1)
    with pytest.raises(httpx.ReadError):
        either.create()
    assert (either.sandbox.runs, either.sandbox.requests[0].status) == ([], None)
    either.sandbox.inject("create_agent_run", Fault.reset_after(), times=1)
    with pytest.raises(httpx.ReadError):
        either.create()
    assert [run.status for run in either.sandbox.runs] == ["PENDING"]
    assert either.create() == 2


def test_an_answer_that_is_truncated_or_drips(either):
    whole = either.call("get_current_user").content
    for keep in (0, 1, len(whole) - 1):
        either.sandbox.inject("get_current_user", Fault.truncate(keep), times=1)
        with either.client.stream("GET", either.url("get_current_user")) as response:
            assert response.headers["content-length"] == str(len(whole))
            with pytest.raises(httpx.RemoteProtocolError):
                response.read()
    either.sandbox.inject("get_current_user", Fault.truncate(len(whole)), times=1)
    assert either.status("get_current_user") == 200
    either.sandbox.inject("get_current_user", Fault.drip(10, 0.5), times=1)
    assert either.call("get_current_user").content == whole
    assert either.clock.slept == [0.5] * -(-len(whole) // 10)


def test_a_status_or_another_body_comes_instead_of_the_answer(api):
    def create(fault):
        api.sandbox.inject("create_agent_run", fault, times=1)
        return api.call("create_agent_run", prompt="x", check=False)

    response = create(Fault.status(429, retry_after=7))
    assert (response.status_code, response.headers["retry-after"], api.sandbox.runs) == (429, "7", [])
    assert "429" in response.json()["message"]
    response = create(Fault.status(503, {"oops": 1}, {"X-Odd": "1"}, processed=True))
    assert (response.status_code, response.json(), response.headers["x-odd"]) == (503, {"oops": 1}, "1")
    assert response.headers["x-request-id"]
    response = create(Fault.invalid_body("{", "text/plain"))
    assert (response.status_code, response.text, response.headers["content-type"]) == (200, "{", "text/plain")
    response = create(Fault.empty_body())
    assert (response.status_code, response.content, response.headers["content-length"]) == (200, b"", "0")
    assert len(api.sandbox.runs) == 3


def test_faults_strike_in_their_order_before_the_rate_limit_and_latency_lets_others_follow(serve):
    api = serve(rate_limits=True)
    api.sandbox.inject("create_agent_run", Fault.status(500), times=12)
    api.sandbox.inject("create_agent_run", Fault.status(502), times=1)
    statuses = [api.status("create_agent_run", prompt="x", check=False) for _ in range(14)]
    assert statuses == [500] * 12 + [502, 200]
    api.sandbox.inject("*", Fault.status(500))
    api.sandbox.clear_faults()
    assert api.status("get_current_user") == 200
    api.sandbox.inject("get_current_user", Fault.latency(3))
    api.sandbox.inject("get_current_user", Fault.status(500), times=1)
    assert [api.status("get_current_user", check=False) for _ in range(2)] == [500, 200]
    assert api.clock.slept == [3, 3]
    api.sandbox.inject("create_agent_run", Fault.latency(1, processed=True))
    api.sandbox.inject("create_agent_run", Fault.reset_before())
    api.sandbox.inject("create_agent_run", Fault.status(500, processed=True))
    with pytest.raises(httpx.ReadError):
        api.create()
    assert (api.clock.slept, len(api.sandbox.runs)) == ([3, 3, 1], 1)


def test_chance_and_ids_are_decided_by_the_seed(serve):
    def answers(seed):
        api = serve(seed=seed)
        first = api.ask("Hi").content
        api.sandbox.inject("*", Fault.status(503), rate=0.4)
        return first, [api.status("get_current_user", check=False) for _ in range(50)]

    first, second, third = answers(1), answers(1), answers(2)
    assert first == second
    assert first[0] != third[0]
    assert first[1] != third[1]
    assert 10 < third[1].count(503) < 30


ERROR = {"message": "no", "type": "server_error", "code": 503}
BROKEN = httpx.RemoteProtocolError
KEPT = [": keep-alive"] * 2


def piece(line):
    data = line.removeprefix("data: ")
    if data in ("[DONE]", ": keep-alive", "event: ping", '{"id": ', "5"):
        return data
    event = json.loads(data)
    return event.get("error") or event["choices"][0]["delta"].get("content")


@pytest.mark.parametrize(
    ("fault", "expected", "expected_error", "slept"),
    [
        (Fault.cut(2), PIECES[:2], BROKEN, []),
        (Fault.cut(0), [], BROKEN, []),
        (Fault.truncate(0), [], BROKEN, []),
        (Fault.malformed_event(), [*PIECES[:1], '{"id": ', *PIECES[1:]], None, []),
        (Fault.malformed_event(1, "5", "ping"), [*PIECES[:1], "event: ping", "5", *PIECES[1:]], None, []),
        (Fault.error_event(2, "no", 503), [*PIECES[:2], ERROR], None, []),
        (Fault.keep_alive(1, 2, 0.5), [*PIECES[:1], *KEPT, *PIECES[1:]], None, [0.5] * 2),
        (Fault.slow_events(2), PIECES, None, [2] * 5),
        (Fault.stall(1, 4), PIECES, None, [4]),
    ],
)
def test_faults_of_a_stream(either, fault, expected, expected_error, slept):
    either.sandbox.inject("create_chat_completion", fault, times=1)
    pieces, error = [], None
    with either.client.stream("POST", either.url("create_chat_completion"), json=QUESTION) as response:
        try:
            pieces.extend(piece(line) for line in response.iter_lines() if line)
        except httpx.HTTPError as caught:
            error = type(caught)
    assert (pieces, error) == (expected, expected_error)
    assert either.clock.slept == slept
    assert either.json("get_platform_stats")["total_requests"] == 1, "recorded, however its stream ends"


def test_a_client_waits_no_longer_than_its_timeout(api):
    sandbox, client = api.sandbox, api.client
    create, me = api.url("create_agent_run"), api.url("get_current_user")
    client.timeout = httpx.Timeout(5)
    sandbox.inject("create_agent_run", Fault.latency(4))
    sandbox.inject("create_agent_run", Fault.latency(60), times=1)
    with pytest.raises(httpx.ReadTimeout):
        client.post(create, json={"prompt": "x"})
    assert api.clock.slept == [4, 1]
    assert len(sandbox.runs) == 1, "the service has not noticed that the client has left"
    assert client.post(create, json={"prompt": "x"}, timeout=None).status_code == 200
    sandbox.inject("get_current_user", Fault.drip(20, 4), times=1)
    sandbox.inject("get_current_user", Fault.drip(20, 6), times=1)
    assert client.get(me).json()["github_username"] == "octocat", "each part of a body has its own time-out"
    with pytest.raises(httpx.ReadTimeout):
        client.get(me)
    assert api.clock.slept[-2:] == [4, 5]


SANDBOX = Sandbox()
FAULTS = [
    getattr(Fault, name) for name, made in vars(Fault).items() if isinstance(made, classmethod) and name[0] != "_"
]
OTHERS = [Sandbox, SANDBOX.inject, SANDBOX.script, Script, MockCodegenClient, MockChatServerClient, FakeClock]
REQUIRED = {"code": 503, "content": "", "chunk_bytes": 1, "fault": Fault.cut(), "keep_bytes": 1, "operation": "*"}
REQUIRED |= {"pause_seconds": 1, "seconds": 1}
OUT_OF_RANGE = [
    (Sandbox, {"run_seconds": float("nan"), "org_id": True, "port": 65536, "speed": float("inf"), "seed": 1.5}),
    (Script, {"outcome": "running", "logs": 10**9}),
    *((Script, {"states": states}) for states in ([], [5], [("COMPLETE",)], [("COMPLETE", -1)])),
    (SANDBOX.script, {"times": 0, "seconds": -1}),
    (partial(SANDBOX.inject, "*", Fault.cut()), {"times": 0, "rate": 2}),
    (Fault.status, {"code": 42}),
    *((partial(Fault.status, 503), {"headers": headers}) for headers in ({"x": 1}, {"x": "1\r\ny: 2"})),
    (Fault.truncate, {"keep_bytes": -1}),
    (FakeClock().advance, {"seconds": -1}),
]


@pytest.mark.parametrize("use", [*FAULTS, *OTHERS])
def test_every_argument_is_checked_where_it_is_given(use):
    parameters = {name: one for name, one in inspect.signature(use).parameters.items() if one.kind != one.VAR_KEYWORD}
    needed = {name: REQUIRED[name] for name, one in parameters.items() if one.default is one.empty}
    for name in parameters:
        with pytest.raises(ConfigurationError, match=name) as caught:
            use(**{**needed, name: object()})
        assert caught.value.config_key == name


@pytest.mark.parametrize(("use", "given"), OUT_OF_RANGE)
def test_a_value_out_of_range_is_refused(use, given):
    for name, value in given.items():
        with pytest.raises(ConfigurationError, match=name):
            use(**{name: value})
