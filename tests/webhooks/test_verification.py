"""Which calls are refused, and how."""

import base64
import copy
import hashlib
import hmac
import json
import pickle

import httpx
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from starlette.datastructures import Headers as StarletteHeaders
from werkzeug.datastructures import Headers as WerkzeugHeaders

from codegen_ext import ConfigurationError, ValidationError, WebhookError, WebhookHandler, webhooks
from codegen_ext.testing import FakeClock
from codegen_ext.testing.webhooks import signed_headers

from ..support.text import any_text
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
            for use in (WebhookHandler, lambda secret: webhooks.unwrap(BODY, HEADERS, secret)):
                with pytest.raises(ConfigurationError, match=problem):
                    use(secret)


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
        assert answer(make(secret).unwrap, BODY, signed(BODY, secret=signed_with)) == expected


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


def test_no_secret_in_repr_or_pickle(make):
    handler = make([SECRET, "another-secret"])
    assert SECRET not in repr(handler) + repr(vars(handler))
    for dump in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot pickle"):
            dump(handler)


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


@given(st.binary(max_size=200), st.lists(st.tuples(any_text(max_size=20), any_text(max_size=50)), max_size=5))
def test_any_other_call_is_refused_by_a_webhook_error(body, headers):
    for given_headers in (headers, {**HEADERS, **dict(headers)}):
        with pytest.raises(WebhookError):
            webhooks.unwrap(body, given_headers, SECRET, clock=FakeClock())
