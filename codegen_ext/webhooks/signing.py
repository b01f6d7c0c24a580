"""Signatures of webhook calls: Standard Webhooks, and the plain HMAC of an older client.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import ConfigurationError, invalid_argument
from .errors import refused

Secret = str | bytes
Headers = Mapping[str, Any] | Iterable[tuple[str | bytes, str | bytes]]

TOLERANCE = 300
"""Seconds by which a call may be older or newer than now."""
LEGACY = "x-codegen-signature"
_SIGNATURE = r"v[0-9]+[a-z]*,[A-Za-z0-9+/=]+"
STANDARD = {
    "webhook-id": (re.compile(r"[\x21-\x7e]{1,256}"), "1 to 256 printable characters"),
    "webhook-timestamp": (re.compile(r"0|[1-9][0-9]{0,10}"), "whole seconds since the epoch"),
    "webhook-signature": (re.compile(f"{_SIGNATURE}( {_SIGNATURE}){{0,19}}"), "up to 20 of v1,<base64>"),
}
_PREFIX = b"whsec_"


class Secrets:
    """The secrets that a call may be signed with.

    Raises:
        ConfigurationError: without a secret, or with one that is blank, malformed or of another type.

    """

    def __init__(self, secret: Secret | Sequence[Secret] | None) -> None:
        is_one = isinstance(secret, str | bytes) or not isinstance(secret, Iterable)
        secrets: list[Any] = [secret] if is_one else list(secret or ())
        if not secrets or any(item is None or (hasattr(item, "strip") and not item.strip()) for item in secrets):
            raise ConfigurationError("the webhook secret is missing or blank", config_key="secret")
        if not all(isinstance(item, str | bytes) for item in secrets):
            raise ConfigurationError("secret must be text, bytes or a list of them", config_key="secret")
        self._raw = [item.encode() if isinstance(item, str) else item for item in secrets]
        self._keys = [decode_secret(item) for item in self._raw]

    def hide(self, text: str) -> str:
        """Replace these secrets within a text."""
        for raw in self._raw:
            text = text.replace(raw.decode(errors="replace"), "[secret]")
        return text

    def verify(self, body: bytes, headers: Headers, now: float, *, accept_legacy: bool) -> str | None:
        """Return the message id of a genuine call, None for one with a legacy signature.

        `now` is in seconds since the epoch.

        Raises:
            WebhookError: with reason "headers", "signature", "expired" or "future".

        """
        given = _signature_headers(headers)
        if accept_legacy and LEGACY in given and not any(name in given for name in STANDARD):
            self._verify_legacy(body, given[LEGACY])
            return None
        for name, (pattern, words) in STANDARD.items():
            if not pattern.fullmatch(given.get(name, "")):
                raise refused("headers", f"the header {name} is missing, or not {words}")
        message_id, timestamp, signature = (given[name] for name in STANDARD)
        sent_at = int(timestamp)
        expected = [sign(key, message_id, sent_at, body) for key in self._keys]
        # All pairs are compared, so that the time tells nothing about which secret or signature matched.
        if not sum(hmac.compare_digest(ours, theirs) for ours in expected for theirs in signature.split()):
            raise refused("signature", "no signature matches: wrong secret, or the call was changed on its way")
        if sent_at < now - TOLERANCE:
            raise refused("expired", f"the call is older than {TOLERANCE} s")
        if sent_at > now + TOLERANCE:
            raise refused("future", f"the call is dated more than {TOLERANCE} s ahead")
        return message_id

    def _verify_legacy(self, body: bytes, signature: str) -> None:
        expected = ["sha256=" + hmac.new(raw, body, hashlib.sha256).hexdigest() for raw in self._raw]
        if not sum(hmac.compare_digest(ours.encode(), signature.encode()) for ours in expected):
            raise refused("signature", f"{LEGACY} does not match: wrong secret, or the body was changed on its way")


def decode_secret(secret: Secret) -> bytes:
    """Return the key of a secret: base64 after `whsec_`, otherwise the secret's own bytes.

    Raises:
        ConfigurationError: when what follows `whsec_` is not base64.

    """
    raw = secret.encode() if isinstance(secret, str) else secret
    if not raw.startswith(_PREFIX):
        return raw
    encoded = raw.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(encoded + b"=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        key = b""
    if not key:
        raise ConfigurationError("what follows whsec_ in a webhook secret must be base64", config_key="secret")
    return key


def sign(key: bytes, message_id: str, sent_at: int, body: bytes) -> str:
    """Return the signature of a message sent at `sent_at` (seconds since the epoch), such as `v1,…`."""
    digest = hmac.new(key, f"{message_id}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _signature_headers(headers: Headers) -> dict[str, str]:
    """Return the headers of a signature by lower-case name; one that comes twice is refused."""
    found: dict[str, str] = {}
    for name, value in _pairs(headers):
        key = _text(name).lower()
        if key in STANDARD or key == LEGACY:
            values = list(value) if isinstance(value, list | tuple) else [value]
            if key in found or len(values) != 1:
                raise refused("headers", f"the header {key} must come once")
            found[key] = _text(values[0])
    return found


def _pairs(headers: Any) -> list[tuple[Any, Any]]:
    # httpx joins equal names in items(); other mappings with several values yield each.
    listing = getattr(headers, "multi_items", None) or getattr(headers, "items", None)
    try:
        return [(name, value) for name, value in (listing() if listing else headers)]
    except (TypeError, ValueError):
        raise invalid_argument("headers", "must be a mapping, or pairs of name and value") from None


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
