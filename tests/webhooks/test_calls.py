"""Which calls are accepted, and how others are refused: by the handler, and over real HTTP."""

import base64
import hashlib
import hmac
import json
import socket
from io import BytesIO
from unittest.mock import AsyncMock
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from starlette.datastructures import Headers as StarletteHeaders
from werkzeug.datastructures import Headers as WerkzeugHeaders

from codegen_ext import ConfigurationError, ValidationError, WebhookError, webhooks
from codegen_ext.testing import FakeClock
from codegen_ext.testing.sandbox.state import WEBHOOK_SECRET
from codegen_ext.testing.webhooks import signed_headers

from ..conftest import once
from ..support import serving
from ..support.loopback import HANG, reply
from ..support.serving import ask
from ..support.text import any_text
from ..support.waiting import until
from .conftest import BODY, HEADERS, SECRET, START, answer, envelope, signed

ASYMMETRIC = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
ENCODED = base64.b64encode(b"0123456789 and more").decode()
LEGACY = "X-Codegen-Signature"
NO_EVENTS = [
    *(b"", b"{", b"[]", b"null", b'"text"', b"{}", b"[" * 100_000, b"\xff\xfe", BODY + b"\xc3\x28"),
    *(
        f'{{"type": {name}, "timestamp": {timestamp}, "data": {data}}}'.encode()
        for name, timestamp, data in (
            *(('"agent_run.completed"', "null", data) for data in ("[]", "{}", '{"id": "7"}', '{"id": true}')),
            ('"agent_run.completed"', "7", '{"id": 7}'),
            *((name, "null", '{"id": 7}') for name in ("7", '""', '"a\\nb"')),
        )
    ),
]
REFUSED = {
    "oversized 413": [(b"\xff" * 1_048_577, {})],
    "signature 401": [
        *(
            (body, HEADERS)
            for body in (envelope(id=8), b"", b"\xff\xfe", json.dumps(json.loads(BODY), indent=1).encode())
        ),
        (BODY, {**HEADERS, "webhook-id": "msg_2"}),
        (BODY, {**HEADERS, "webhook-signature": ASYMMETRIC}),
    ],
    "expired 401": [(BODY, signed(BODY, at=START - 301))],
    "future 401": [(BODY, signed(BODY, at=START + 301))],
    "body 400": [(body, signed_headers(SECRET, body, "msg_1", START)) for body in NO_EVENTS],
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_refused_is_not_remembered(handler, reason):
    for body, headers in REFUSED[reason]:
        assert answer(handler.handle_request, body, headers) == reason, body[:99]
    assert answer(handler.handle_request, BODY, HEADERS) == "accepted"


def test_a_secret_that_is_none():
    problems = {
        "missing or blank": [None, "", b"", " ", "\t\n", b" ", [], [""], ["right", " "], [None]],
        "must be text": [7, [7]],
        "must be base64": ["whsec_", "whsec_???", "whsec_a"],
    }
    for problem, secrets in problems.items():
        for secret in secrets:
            with pytest.raises(ConfigurationError, match=problem):
                webhooks.unwrap(BODY, HEADERS, secret)


def test_secrets(make):
    for secret, signed_with, expected in (
        (f"whsec_{ENCODED}", f"whsec_{ENCODED}", "accepted"),
        (f"whsec_{ENCODED.rstrip('=')}", f"whsec_{ENCODED}", "accepted"),
        (f"whsec_{ENCODED}".encode(), f"whsec_{ENCODED}", "accepted"),
        (ENCODED, ENCODED.encode(), "accepted"),  # base64 without the prefix is not decoded
        (ENCODED, f"whsec_{ENCODED}", "signature 401"),
        (["new", "old"], b"old", "accepted"),
        (["new", "old"], b"new", "accepted"),
        (["new"], b"old", "signature 401"),
    ):
        handler = make(secret)
        assert answer(handler.unwrap, BODY, signed(BODY, secret=signed_with)) == expected
        assert ENCODED not in repr(handler) + repr(vars(handler))


def test_what_is_accepted(make):
    handler = make(max_body_bytes=len(BODY))
    for headers in (
        *({change(name): value for name, value in HEADERS.items()} for change in (str.title, str.upper)),
        *(kind({**HEADERS, "content-type": "x"}) for kind in (httpx.Headers, StarletteHeaders, WerkzeugHeaders)),
        list(HEADERS.items()),
        [(name.encode(), value.encode()) for name, value in HEADERS.items()],
        {name: [value] for name, value in HEADERS.items()},
        {**HEADERS, "webhook-signature": f"{ASYMMETRIC} v1,AAAA {HEADERS['webhook-signature']}"},
        *(signed(BODY, at=START - age) for age in (300, -300)),
    ):
        assert handler.unwrap(BODY, headers).id == "msg_1"
    for kind in (bytearray, memoryview, bytes.decode):
        assert handler.unwrap(kind(BODY), HEADERS).id == "msg_1"
    assert answer(handler.unwrap, BODY + b" ", signed(BODY + b" ")) == "oversized 413"


@pytest.mark.parametrize("name", list(HEADERS))
def test_a_header_that_is_missing_malformed_or_comes_twice(handler, name):
    twice = [*HEADERS.items(), (name.title(), HEADERS[name])]
    missing = {key: value for key, value in HEADERS.items() if key != name}
    values = ["", " ", "x y", "\x00", "é", "1" * 300, [HEADERS[name]] * 2]
    if name == "webhook-timestamp":  # another notation of the same
        values += [f"{START}.0", f"0{START}", f"+{START}", f" {START}", f"{START}e0", "1_700_000_000", "nan", "-1"]
    for headers in (missing, twice, dict(twice), WerkzeugHeaders(twice), *({**HEADERS, name: one} for one in values)):
        assert answer(handler.unwrap, BODY, headers) == "headers 400"


def test_arguments_of_other_types(handler):
    with pytest.raises(ValidationError, match="body: must be the bytes"):
        handler.unwrap(json.loads(BODY), HEADERS)
    for headers in (None, 7, "webhook-id"):
        with pytest.raises(ValidationError, match="headers: must be a mapping"):
            handler.unwrap(BODY, headers)


def legacy(body, secret=SECRET):
    return {LEGACY: "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def test_the_legacy_signature(call, make):
    handler = make([SECRET, "old"], accept_legacy_signatures=True)
    for headers in (legacy(BODY), legacy(BODY), legacy(BODY, "old")):  # it cannot stop replays
        result = call(handler, headers=headers)
        assert (result.event.id, result.ok, result.duplicate) == (None, True, False)
        assert answer(make().unwrap, BODY, headers) == "headers 400", "it is off unless asked for"
    for body, headers, expected in (
        (BODY, legacy(BODY, "another"), "signature"),
        (BODY[:-1], legacy(BODY), "signature"),
        *((BODY, {LEGACY: value}, "signature") for value in ("", "sha256=", "é", legacy(BODY)[LEGACY].upper())),
        # It does not stand in for a wrong one of the standard.
        (BODY, {**signed(BODY, secret=b"another"), **legacy(BODY)}, "signature"),
        (BODY, {**signed(BODY, at=1), **legacy(BODY)}, "expired"),
    ):
        assert answer(handler.unwrap, body, headers) == f"{expected} 401"


@given(st.sampled_from(["body", *HEADERS]), st.floats(0, 1), st.integers(0, 3), any_text(max_size=3))
@example("webhook-signature", 1, 0, " ")
@example("webhook-signature", 0.97, 0, "!")
def test_any_change_is_refused(part, where, removed, added):
    call = {"body": BODY.decode(), **HEADERS}
    text = call[part]
    at = round(where * len(text))
    call[part] = text[:at] + added + text[at + removed :]
    assume(call[part] != text)
    body = call.pop("body").encode()
    with pytest.raises(WebhookError) as caught:
        webhooks.unwrap(body, call, SECRET, clock=FakeClock())
    assert caught.value.reason in ("headers", "signature")


@pytest.fixture(params=["asgi", "wsgi"])
def address(request, handler):
    app = handler.asgi_app() if request.param == "asgi" else handler.wsgi_app()
    with getattr(serving, request.param)(app) as address:
        yield address


def test_calls_are_taken_at_any_path_and_refused_with_a_reason(address, handler):
    seen = []
    handler.on("*")(lambda payload: seen.append(payload["id"]))

    @handler.on("*")
    async def also(payload):
        seen.append("async")
        if payload["id"] > 7:
            raise WebhookError("a private word", {8: None, 9: 403, 10: 499}[payload["id"]])

    def post(path, body, **headers):
        answer = ask("POST", address + path, content=body, headers={**signed(body, f"msg_{path}"), **headers})
        return answer.status_code, answer.json()

    for path in ("", "/", "/hooks/codegen?a=b"):
        assert post(path, BODY) == (200, {"status": "accepted"})
    assert post("/", BODY) == (200, {"status": "duplicate"})
    assert seen == [7, "async"] * 3
    for run_id, status in ((8, 500), (9, 403), (10, 499)):
        assert post(f"/{run_id}", envelope(id=run_id)) == (status, {"error": "handler"})
    for body, headers, status, reason in (
        (BODY[:-1], HEADERS, 401, "signature"),
        (BODY, {"webhook-id": ""}, 400, "headers"),
        (envelope(result="x" * 1_048_576), {}, 413, "oversized"),
    ):
        found, answer = post("/refused", body, **headers)
        assert (found, answer["error"], bool(answer["message"])) == (status, reason, True)
    for method in ("GET", "PUT"):
        refused = ask(method, address)
        assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


def test_a_body_that_is_cut_changes_nothing(address, handler):
    seen = []
    handler.on("*")(seen.append)
    lines = [f"{name}: {value}" for name, value in HEADERS.items()]
    head = "\r\n".join(["POST / HTTP/1.1", "host: x", f"content-length: {len(BODY)}", *lines, "", ""])
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(head.encode() + BODY[:-1])
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(30)
        assert b" 200 " not in connection.recv(1_000)
    assert seen == []
    assert ask("POST", address, content=BODY, headers=HEADERS).json() == {"status": "accepted"}


async def test_a_flood_is_not_read_to_its_end(handler):
    receive = AsyncMock(side_effect=[{"type": "http.request", "body": bytes(600_000), "more_body": True}] * 99)
    send = AsyncMock()
    await handler.asgi_app()({"type": "http", "method": "POST", "headers": []}, receive, send)
    assert (receive.await_count, send.await_args_list[0].args[0]["status"]) == (2, 413)


def test_a_body_without_length(handler):
    with serving.asgi(handler.asgi_app()) as address:
        assert ask("POST", address, content=iter([BODY[:9], BODY[9:]]), headers=HEADERS).status_code == 200
    environ = {"REQUEST_METHOD": "POST", "WEBHOOK_ID": "from the machine's environment"}
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in HEADERS.items()}
    for length, terminated, status in (("", True, 200), ("", False, 401), ("x", False, 401)):
        request = {"wsgi.input": BytesIO(BODY), "CONTENT_LENGTH": length, "wsgi.input_terminated": terminated}
        statuses = []
        handler.wsgi_app()({**environ, **request}, lambda line, headers, found=statuses: found.append(line))
        assert statuses[0].startswith(str(status))


@once
def test_runs_report_their_changes_and_what_fails_is_sent_three_times(agent, sandbox, clock, serve, make):
    receiver = serve(reply(status=500), reply(status=503), reply(status=204))
    agent.run("Fix the bug", metadata={"ticket": 7}, webhook_url=receiver.base_url + "/hook")
    until(lambda: sandbox.deliveries and sandbox.deliveries[0].status == 204)
    assert sandbox.deliveries[0].attempts == 3
    assert {request.path for request in receiver.requests} == {"/hook"}
    task = agent.run("Ask me [[outcome=paused seconds=0]]", webhook_url=receiver.base_url)
    task.resume("Go on [[outcome=never]]")
    task.cancel()
    clock.advance(10)
    for script in ("status=TIMEOUT seconds=0", "states=ODD_WORD:0,COMPLETE:0", "outcome=never"):
        agent.run(f"Hello [[{script}]]", webhook_url=receiver.base_url)
    until(lambda: any(one.run_id == 5 and one.status for one in sandbox.deliveries))
    events = [make(WEBHOOK_SECRET).unwrap(request.body, request.headers) for request in receiver.requests]
    assert len({event.id for event in events[:3]}) == 1, "it is the same call"
    told = {number: [one.type[10:] for one in events[2:] if one.data["id"] == number] for number in (1, 2, 3, 4)}
    assert told == {
        1: ["created", "running", "completed"],
        2: ["created", "running", "paused", "running", "cancelled"],
        3: ["created", "running", "failed"],
        4: ["completed"],
    }
    (completed,) = (one.data for one in events if one.type == "agent_run.completed" and one.data["id"] == 1)
    assert (completed["status"], completed["raw_status"]) == ("completed", "COMPLETE")
    assert completed["result"] == "Done: Fix the bug"
    assert completed["metadata"] == {"ticket": 7, "webhook_url": receiver.base_url + "/hook"}
    assert (events[0].data["result"], completed["organization_id"]) == (None, sandbox.org_id)
    (failed,) = (one.data for one in events if one.type == "agent_run.failed")
    assert failed["error"] == "The run ended with TIMEOUT."


@once
def test_a_receiver_that_is_away_or_hangs_does_not_hold_the_sandbox(agent, sandbox, serve):
    agent.run("Hello [[seconds=0]]", webhook_url="http://127.0.0.1:9/")
    until(lambda: sandbox.deliveries and sandbox.deliveries[0].attempts)
    assert sandbox.deliveries[0].status is None
    receiver = serve(HANG)
    task = agent.run("Hello [[seconds=0]]", webhook_url=receiver.base_url)
    until(lambda: receiver.requests)
    assert task.wait().status == "completed"
    for url in (7, "ftp://x", "", "http://", "http://[", None):
        assert agent.run("Hello [[seconds=0]]", metadata={"webhook_url": url}).wait().status == "completed"
