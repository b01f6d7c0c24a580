"""Which calls are refused, and how."""

import base64
import copy
import hashlib
import hmac
import json
import pickle
from typing import Any

import httpx
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from starlette.datastructures import Headers as StarletteHeaders
from werkzeug.datastructures import Headers as WerkzeugHeaders

from codegen_ext import ConfigurationError, ValidationError, WebhookError, WebhookHandler, webhooks
from codegen_ext.testing import FakeClock, webhook_call
from codegen_ext.testing.webhooks import signed_headers

from .conftest import BODY, SECRET, START, Handle, Make, envelope, refusal, signed

HEADERS = signed(BODY)
ASYMMETRIC = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
ENCODED = base64.b64encode(b"0123456789 and more").decode()
LEGACY = "X-Codegen-Signature"


def legacy(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {LEGACY: "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def test_unwrap_returns_the_event_of_a_genuine_call() -> None:
    body, headers = webhook_call(SECRET, "agent_run.completed", {"id": 7, "result": "ok"}, message_id="msg_1")
    event = webhooks.unwrap(body, headers, ["a-newer-secret", SECRET])
    assert (event.id, event.type, event.data["id"], event.data["result"]) == ("msg_1", "agent_run.completed", 7, "ok")
    with pytest.raises(WebhookError, match="older than 300 s"):
        webhooks.unwrap(BODY, HEADERS, SECRET)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (envelope(id=8), HEADERS),
        (BODY, {**HEADERS, "webhook-id": "msg_2"}),
        (BODY, {**HEADERS, "webhook-signature": ASYMMETRIC}),
        (b"", HEADERS),
        (json.dumps(json.loads(BODY), indent=1).encode(), HEADERS),
        (b"\xff\xfe", HEADERS),
    ],
)
def test_a_forged_call(handler: WebhookHandler, body: bytes, headers: dict[str, str]) -> None:
    assert refusal(handler.handle_request, body, headers) == ("signature", 401)
    with pytest.raises(WebhookError, match="no signature matches"):
        webhooks.unwrap(body, headers, SECRET, clock=FakeClock())
    assert not handler.handle_request(BODY, HEADERS).duplicate, "what was refused is not remembered"


@pytest.mark.parametrize(("age", "reason"), [(300, None), (301, "expired"), (-300, None), (-301, "future")])
def test_the_time_window(handler: WebhookHandler, age: int, reason: str | None) -> None:
    headers = signed(BODY, at=START - age)
    if reason is None:
        assert handler.unwrap(BODY, headers).id == "msg_1"
    else:
        assert refusal(handler.unwrap, BODY, headers) == (reason, 401)


def test_an_oversized_body_is_neither_verified_nor_parsed(make: Make) -> None:
    handler = make(max_body_bytes=len(BODY))
    assert handler.unwrap(BODY, HEADERS).id == "msg_1"
    assert refusal(handler.unwrap, BODY + b" ", signed(BODY + b" ")) == ("oversized", 413)
    assert refusal(make().unwrap, b"\xff" * 1_048_577, {}) == ("oversized", 413)


def test_a_body_that_is_no_event(handler: WebhookHandler) -> None:
    for body in (
        *(b"", b"{", b"[]", b"null", b'"text"', b"{}", b"[" * 100_000, b"\xff\xfe", BODY + b"\xc3\x28"),
        *(
            f'{{"type": {name}, "timestamp": {timestamp}, "data": {data}}}'.encode()
            for name, timestamp, data in (
                *(('"agent_run.completed"', "null", data) for data in ("[]", "{}", '{"id": "7"}', '{"id": true}')),
                ('"agent_run.completed"', "7", '{"id": 7}'),
                *((name, "null", '{"id": 7}') for name in ("7", '""', '"a\\nb"')),
            )
        ),
    ):
        headers = signed_headers(SECRET, body, "msg_1", START)
        assert refusal(handler.handle_request, body, headers) == ("body", 400), body[:99]
    assert not handler.handle_request(BODY, HEADERS).duplicate, "the id of a refused call is not remembered"


@pytest.mark.parametrize(
    ("problem", "secrets"),
    [
        ("missing or blank", [None, "", b"", " ", "\t\n", b" ", [], [""], ["right", " "], [None]]),
        ("must be text", [7, [7]]),
        ("must be base64", ["whsec_", "whsec_???", "whsec_a"]),
    ],
)
def test_a_secret_that_is_none(problem: str, secrets: list[Any]) -> None:
    for secret in secrets:
        for use in (WebhookHandler, lambda secret: webhooks.unwrap(BODY, HEADERS, secret)):
            with pytest.raises(ConfigurationError, match=problem):
                use(secret)


@pytest.mark.parametrize(
    ("secret", "signed_with", "is_genuine"),
    [
        (f"whsec_{ENCODED}", f"whsec_{ENCODED}", True),
        (f"whsec_{ENCODED.rstrip('=')}", f"whsec_{ENCODED}", True),
        (f"whsec_{ENCODED}".encode(), f"whsec_{ENCODED}", True),
        (ENCODED, ENCODED.encode(), True),  # base64 without the prefix is not decoded
        (ENCODED, f"whsec_{ENCODED}", False),
        (["new", "old"], b"old", True),
        (["new", "old"], b"new", True),
        (["new"], b"old", False),
    ],
)
def test_secrets(make: Make, secret: Any, signed_with: Any, is_genuine: bool) -> None:
    headers = signed(BODY, secret=signed_with)
    if is_genuine:
        assert make(secret).unwrap(BODY, headers).id == "msg_1"
    else:
        assert refusal(make(secret).unwrap, BODY, headers) == ("signature", 401)


def test_headers_of_every_framework(handler: WebhookHandler) -> None:
    for headers in (
        *({change(name): value for name, value in HEADERS.items()} for change in (str.title, str.upper)),
        *(kind({**HEADERS, "content-type": "x"}) for kind in (httpx.Headers, StarletteHeaders, WerkzeugHeaders)),
        list(HEADERS.items()),
        [(name.encode(), value.encode()) for name, value in HEADERS.items()],
        {name: [value] for name, value in HEADERS.items()},
        {**HEADERS, "webhook-signature": f"{ASYMMETRIC} v1,AAAA {HEADERS['webhook-signature']}"},
    ):
        assert handler.unwrap(BODY, headers).id == "msg_1"


@pytest.mark.parametrize("name", list(HEADERS))
def test_a_header_that_is_missing_malformed_or_comes_twice(handler: WebhookHandler, name: str) -> None:
    twice = [*HEADERS.items(), (name.title(), HEADERS[name])]
    missing = {key: value for key, value in HEADERS.items() if key != name}
    values = ["", " ", "x y", "\x00", "é", "1" * 300, [HEADERS[name]] * 2]
    if name == "webhook-timestamp":  # another notation of the same
        values += [f"{START}.0", f"0{START}", f"+{START}", f" {START}", f"{START}e0", "1_700_000_000", "nan", "-1"]
    for headers in (missing, twice, dict(twice), WerkzeugHeaders(twice), *({**HEADERS, name: one} for one in values)):
        assert refusal(handler.unwrap, BODY, headers) == ("headers", 400)


def test_arguments_of_other_types(handler: WebhookHandler) -> None:
    for kind in (bytearray, memoryview, bytes.decode):
        assert handler.unwrap(kind(BODY), HEADERS).id == "msg_1"  # type: ignore[operator]
    with pytest.raises(ValidationError, match="body: must be the bytes"):
        handler.unwrap(json.loads(BODY), HEADERS)
    for headers in (None, 7, "webhook-id"):
        with pytest.raises(ValidationError, match="headers: must be a mapping"):
            handler.unwrap(BODY, headers)  # type: ignore[arg-type]


def test_the_legacy_signature(handle: Handle, make: Make) -> None:
    handler = make([SECRET, "old"], accept_legacy_signatures=True)
    for headers in (legacy(BODY), legacy(BODY), legacy(BODY, "old")):  # it cannot stop replays
        result = handle(handler, BODY, headers)
        assert (result.event.id, result.ok, result.duplicate) == (None, True, False)
        assert refusal(make().unwrap, BODY, headers) == ("headers", 400), "it is off unless asked for"
    for body, headers, expected in (
        (BODY, legacy(BODY, "another"), "signature"),
        (BODY[:-1], legacy(BODY), "signature"),
        *((BODY, {LEGACY: value}, "signature") for value in ("", "sha256=", "é", legacy(BODY)[LEGACY].upper())),
        # It does not stand in for a wrong one of the standard.
        (BODY, {**signed(BODY, secret=b"another"), **legacy(BODY)}, "signature"),
        (BODY, {**signed(BODY, at=1), **legacy(BODY)}, "expired"),
    ):
        assert refusal(handler.unwrap, body, headers) == (expected, 401)


def test_no_secret_in_repr_or_pickle(make: Make) -> None:
    handler = make([SECRET, "another-secret"])
    assert SECRET not in repr(handler) + repr(vars(handler))
    for dump in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot pickle"):
            dump(handler)


def test_the_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEGEN_ENABLE_WEBHOOKS", "false")
    with pytest.raises(ConfigurationError, match="enable_webhooks"):
        WebhookHandler(SECRET)


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, str]:
    """Return a part of the call with what it is changed to."""
    call = {"body": BODY.decode(), **HEADERS}
    part = draw(st.sampled_from(sorted(call)))
    text = call[part]
    where = draw(st.integers(0, len(text)))
    until = draw(st.integers(where, min(len(text), where + 3)))
    changed = text[:where] + draw(st.text(st.characters(codec="utf-8"), max_size=3)) + text[until:]
    assume(changed != text)
    return part, changed


@given(mutations())
@example(("webhook-signature", HEADERS["webhook-signature"].replace("=", "!=")))
@example(("webhook-signature", HEADERS["webhook-signature"] + " "))
def test_any_change_is_refused(mutation: tuple[str, str]) -> None:
    part, changed = mutation
    call = {"body": BODY.decode(), **HEADERS, part: changed}
    body = call.pop("body").encode()
    with pytest.raises(WebhookError) as caught:
        webhooks.unwrap(body, call, SECRET, clock=FakeClock())
    assert caught.value.reason in ("headers", "signature")


@given(st.binary(max_size=200), st.lists(st.tuples(st.text(max_size=20), st.text(max_size=50)), max_size=5))
def test_any_other_call_is_refused_by_a_webhook_error(body: bytes, headers: list[tuple[str, str]]) -> None:
    for given_headers in (headers, {**HEADERS, **dict(headers)}):
        with pytest.raises(WebhookError):
            webhooks.unwrap(body, given_headers, SECRET, clock=FakeClock())
