"""Which calls are refused, and how."""

import base64
import copy
import hashlib
import hmac
import json
import pickle
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from starlette.datastructures import Headers as StarletteHeaders
from werkzeug.datastructures import Headers as WerkzeugHeaders

from codegen_ext import ClientConfig, ConfigurationError, ValidationError, WebhookError, WebhookHandler, webhooks
from codegen_ext.testing import FakeClock, webhook_call
from codegen_ext.testing.webhooks import signed_headers

from .calls import SECRET, START, envelope, signed
from .conftest import Handle

BODY = envelope()


def refusal(handle: Handle, handler: WebhookHandler, body: Any, headers: Any) -> tuple[str | None, int | None]:
    with pytest.raises(WebhookError) as caught:
        handle(handler, body, headers)
    assert SECRET not in str(caught.value)
    return caught.value.reason, caught.value.status_code


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (envelope(id=8), signed(BODY)),
        (BODY, {**signed(BODY), "webhook-id": "msg_2"}),
        (BODY, signed(BODY, secret=b"another")),
        (b"", signed(BODY)),
        (BODY[:-1], signed(BODY)),
        (json.dumps(json.loads(BODY), indent=1).encode(), signed(BODY)),
        (b"{no json", signed(BODY)),
        (b"\xff\xfe", signed(BODY)),
    ],
)
def test_a_forged_call(handle: Handle, handler: WebhookHandler, body: bytes, headers: dict[str, str]) -> None:
    assert refusal(handle, handler, body, headers) == ("signature", 401)
    with pytest.raises(WebhookError, match="no signature matches"):
        webhooks.unwrap(body, headers, SECRET, clock=FakeClock())
    assert not handle(handler, BODY, signed(BODY)).duplicate, "what was refused is not remembered"


def test_unwrap_returns_the_event_of_a_genuine_call() -> None:
    body, headers = webhook_call(SECRET, "agent_run.completed", {"id": 7, "result": "ok"}, message_id="msg_1")
    event = webhooks.unwrap(body, headers, ["a-newer-secret", SECRET])
    assert (event.id, event.type, event.data["id"], event.data["result"]) == ("msg_1", "agent_run.completed", 7, "ok")
    with pytest.raises(WebhookError, match="older than 300 s"):
        webhooks.unwrap(BODY, signed(BODY), SECRET)


@pytest.mark.parametrize(
    ("age", "reason"), [(300, None), (301, "expired"), (86_400, "expired"), (-300, None), (-301, "future")]
)
def test_the_time_window(handle: Handle, handler: WebhookHandler, age: int, reason: str | None) -> None:
    headers = signed(BODY, at=START - age)
    if reason is None:
        assert handle(handler, BODY, headers).ok
    else:
        assert refusal(handle, handler, BODY, headers) == (reason, 401)


def test_an_oversized_body_is_neither_verified_nor_parsed(handle: Handle, make: Callable[..., WebhookHandler]) -> None:
    handler = make(max_body_bytes=len(BODY))
    assert handle(handler, BODY, signed(BODY)).ok
    assert refusal(handle, handler, BODY + b" ", signed(BODY + b" ")) == ("oversized", 413)
    assert refusal(handle, handler, b"\xff" * (len(BODY) + 1), {}) == ("oversized", 413)
    assert refusal(handle, make(), b"x" * 1_048_577, {}) == ("oversized", 413)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nothing",
        b"[]",
        b"7",
        b"null",
        b'"text"',
        b"{}",
        b"[" * 100_000,
        b'{"type": "agent_run.completed"}',
        b'{"type": "agent_run.completed", "data": []}',
        b'{"type": "agent_run.completed", "data": {}}',
        b'{"type": "agent_run.completed", "data": {"id": "7"}}',
        b'{"type": "agent_run.completed", "data": {"id": true}}',
        b'{"type": 7, "data": {"id": 7}}',
        b'{"type": "", "data": {"id": 7}}',
        b'{"type": "a\\nb", "data": {"id": 7}}',
        b'{"type": "agent_run.completed", "timestamp": 7, "data": {"id": 7}}',
        b"\xff\xfe",
        BODY[:-1] + b"\xc3\x28",
    ],
)
def test_a_body_that_is_no_event(handle: Handle, handler: WebhookHandler, body: bytes) -> None:
    assert refusal(handle, handler, body, signed_headers(SECRET, body, "msg_1", START)) == ("body", 400)
    assert not handle(handler, BODY, signed(BODY)).duplicate, "the id of a refused call is not remembered"


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        *(
            (missing, "missing or blank")
            for missing in (None, "", b"", " ", "\t\n", b" ", [], [""], ["right", " "], [None])
        ),
        *((other, "must be text") for other in (7, [7])),
        *((malformed, "must be base64") for malformed in ("whsec_", "whsec_???", "whsec_a")),
    ],
)
def test_a_secret_that_is_none(secret: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        WebhookHandler(secret)
    with pytest.raises(ConfigurationError, match=problem):
        webhooks.unwrap(BODY, signed(BODY), secret)


def test_a_secret_is_base64_after_its_prefix_and_bytes_otherwise(
    handle: Handle, make: Callable[..., WebhookHandler]
) -> None:
    encoded = base64.b64encode(b"0123456789 and more").decode()
    for secret in (f"whsec_{encoded}", f"whsec_{encoded.rstrip('=')}", f"whsec_{encoded}".encode()):
        assert handle(make(secret), BODY, signed(BODY, secret=f"whsec_{encoded}")).ok
    # Valid base64 without the prefix is not decoded.
    assert handle(make(encoded), BODY, signed(BODY, secret=encoded.encode())).ok
    assert refusal(handle, make(encoded), BODY, signed(BODY, secret=f"whsec_{encoded}")) == ("signature", 401)


def test_several_secrets_while_one_replaces_another(handle: Handle, make: Callable[..., WebhookHandler]) -> None:
    for used in ("old", "new"):
        assert handle(make(["new", "old"]), BODY, signed(BODY, secret=used.encode())).ok
    assert refusal(handle, make(["new"]), BODY, signed(BODY, secret=b"old")) == ("signature", 401)


def test_several_signatures_in_one_header(handle: Handle, handler: WebhookHandler) -> None:
    headers = signed(BODY)
    other = signed(BODY, secret=b"old")["webhook-signature"]
    asymmetric = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
    headers["webhook-signature"] = f"{asymmetric} {other} {headers['webhook-signature']}"
    assert handle(handler, BODY, headers).ok
    assert refusal(handle, handler, BODY, {**headers, "webhook-signature": asymmetric}) == ("signature", 401)


def test_names_of_headers_in_any_case(handle: Handle, make: Callable[..., WebhookHandler]) -> None:
    for change in (str.title, str.upper, str.swapcase):
        headers = {change(name): value for name, value in signed(BODY).items()}
        assert handle(make(), BODY, headers).ok


@pytest.mark.parametrize("kind", [dict, list, httpx.Headers, StarletteHeaders, WerkzeugHeaders])
def test_headers_of_every_framework(handle: Handle, handler: WebhookHandler, kind: Any) -> None:
    pairs = {**signed(BODY), "content-type": "application/json"}
    assert handle(handler, BODY, kind(list(pairs.items()) if kind is list else pairs)).ok


def test_headers_as_asgi_has_them(handle: Handle, handler: WebhookHandler) -> None:
    assert handle(handler, BODY, [(name.encode(), value.encode()) for name, value in signed(BODY).items()]).ok


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_comes_twice(handle: Handle, handler: WebhookHandler, name: str) -> None:
    headers = signed(BODY)
    twice = [*headers.items(), (name.title(), headers[name])]
    for given_headers in (twice, dict(twice), WerkzeugHeaders(twice), {**headers, name: [headers[name]] * 2}):
        assert refusal(handle, handler, BODY, given_headers) == ("headers", 400)
    joined = {**headers, name: f"{headers[name]},{headers[name]}"}
    assert refusal(handle, handler, BODY, joined)[0] in ("headers", "signature")
    assert handle(handler, BODY, {**headers, name: [headers[name]]}).ok


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", [None, "", " ", "x y", "\x00", "é", "1" * 300])
def test_a_header_that_is_missing_or_malformed(
    handle: Handle, handler: WebhookHandler, name: str, value: str | None
) -> None:
    headers = signed(BODY)
    headers.pop(name)
    if value is not None:
        headers[name] = value
    assert refusal(handle, handler, BODY, headers) == ("headers", 400)


@pytest.mark.parametrize("change", ["{}.0", "{}.9", "0{}", "+{}", " {}", "{} ", "{}e0", "1_700_000_000", "nan", "-1"])
def test_another_notation_of_the_timestamp(handle: Handle, handler: WebhookHandler, change: str) -> None:
    headers = {**signed(BODY), "webhook-timestamp": change.format(START)}
    assert refusal(handle, handler, BODY, headers) == ("headers", 400)


def test_arguments_of_other_types(handle: Handle, handler: WebhookHandler) -> None:
    with pytest.raises(ValidationError, match="body must be the bytes"):
        handle(handler, json.loads(BODY), signed(BODY))
    for headers in (None, 7, "webhook-id"):
        with pytest.raises(ValidationError, match="headers must be a mapping"):
            handle(handler, BODY, headers)


@pytest.mark.parametrize("kind", [bytearray, memoryview, bytes.decode])
def test_other_kinds_of_bytes(handle: Handle, handler: WebhookHandler, kind: Any) -> None:
    assert handle(handler, kind(BODY), signed(BODY)).ok


def legacy(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Codegen-Signature": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def test_the_legacy_signature_is_off_unless_asked_for(handle: Handle, make: Callable[..., WebhookHandler]) -> None:
    assert refusal(handle, make(), BODY, legacy(BODY)) == ("headers", 400)
    handler = make(accept_legacy_signatures=True)
    result = handle(handler, BODY, legacy(BODY))
    assert (result.ok, result.event.id) == (True, None)
    assert handle(handler, BODY, legacy(BODY)).ok, "it cannot stop replays"
    assert refusal(handle, handler, BODY, legacy(BODY, "another")) == ("signature", 401)
    assert refusal(handle, handler, BODY[:-1], legacy(BODY)) == ("signature", 401)
    for value in ("", "sha256=", "é", legacy(BODY)["X-Codegen-Signature"].upper()):
        assert refusal(handle, handler, BODY, {"X-Codegen-Signature": value}) == ("signature", 401)


def test_a_legacy_signature_does_not_stand_in_for_a_wrong_one(
    handle: Handle, make: Callable[..., WebhookHandler]
) -> None:
    handler = make(accept_legacy_signatures=True)
    wrong = signed(BODY, secret=b"another")
    assert refusal(handle, handler, BODY, {**wrong, **legacy(BODY)}) == ("signature", 401)
    assert refusal(handle, handler, BODY, {**signed(BODY, at=1), **legacy(BODY)}) == ("expired", 401)


def test_several_secrets_with_legacy_signatures(handle: Handle, make: Callable[..., WebhookHandler]) -> None:
    handler = make(["new", "old"], accept_legacy_signatures=True)
    for secret in ("new", "old"):
        assert handle(handler, BODY, legacy(BODY, secret)).ok


def test_the_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="enable_webhooks") as caught:
        WebhookHandler(SECRET, config=ClientConfig(enable_webhooks=False))
    assert caught.value.config_key == "enable_webhooks"
    monkeypatch.setenv("CODEGEN_ENABLE_WEBHOOKS", "false")
    with pytest.raises(ConfigurationError, match="enable_webhooks"):
        WebhookHandler(SECRET)


def test_no_secret_in_repr_or_pickle(make: Callable[..., WebhookHandler]) -> None:
    handler = make([SECRET, "another-secret"])
    assert SECRET not in repr(handler)
    assert SECRET not in repr(vars(handler))
    for dump in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match=r"not pickled|cannot pickle"):
            dump(handler)


# Each part of a call, changed anywhere.
CHARACTERS = st.characters(codec="utf-8")


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, str]:
    """Return a part of the call with what it is changed to."""
    call = {"body": BODY.decode(), **signed(BODY)}
    part = draw(st.sampled_from(sorted(call)))
    text = call[part]
    where = draw(st.integers(0, len(text)))
    until = draw(st.integers(where, min(len(text), where + 3)))
    changed = text[:where] + draw(st.text(CHARACTERS, max_size=3)) + text[until:]
    assume(changed != text)
    return part, changed


@given(mutations())
@example(("webhook-timestamp", f"{START}.5"))
@example(("webhook-signature", signed(BODY)["webhook-signature"].replace("=", "!=")))
@example(("webhook-signature", signed(BODY)["webhook-signature"] + " "))
def test_any_change_is_refused(mutation: tuple[str, str]) -> None:
    part, changed = mutation
    call = {"body": BODY.decode(), **signed(BODY), part: changed}
    handler = WebhookHandler(SECRET, clock=FakeClock())
    body = call.pop("body").encode()
    with pytest.raises(WebhookError) as caught:
        handler.handle_request(body, call)
    assert caught.value.reason in ("headers", "signature")


@given(st.binary(max_size=200), st.lists(st.tuples(st.text(max_size=20), st.text(max_size=50)), max_size=5))
def test_whatever_comes_is_refused_in_order(body: bytes, headers: list[tuple[str, str]]) -> None:
    with pytest.raises(WebhookError):
        WebhookHandler(SECRET, clock=FakeClock()).handle_request(body, headers)
    with pytest.raises(WebhookError):
        WebhookHandler(SECRET, clock=FakeClock()).handle_request(body, {**signed(BODY), **dict(headers)})
