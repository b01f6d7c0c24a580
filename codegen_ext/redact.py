"""Take credentials out of what may be read: log records, errors, spans."""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from .errors import kind_of

MASK = "[redacted]"
PIECE = 8
"""Characters of a credential in a row that are too many to show."""
# The expressions are compiled when they are first used, since most programs show nothing that they are for.
_SENSITIVE_NAME = (
    r"(?i)token|secret|passw|credential|authorization|cookie|signature|^sig$|api[-_]?key|access[-_]?key"
    r"|private[-_]?key|^env([-_]|$|ironment)"
)
_SCHEMES = ("basic", "bearer", "digest", "token")
_BEARER = rf"(?i)\b(bearer|authorization[\"']?\s*[=:]\s*[\"']?(?:{'|'.join(_SCHEMES)}))\s+[^\s\"'<>,;\\]+"
_COOKIE = r"(?i)\b(cookie\s*+:)[^\r\n\"']++"
# Possessive, because a body may be one word of a million letters.
_ASSIGNMENT = r"(?<![\w-])([\w-]++)(?:\\?[\"'])?\s*+[=:]\s*+(?:\\?[\"'])?"
_VALUE = r"(?:[^\s\"'&<>,;\\]|\\(?![\"']))++"
_USER = r"(\w://)[^/?#\s@\"']*@"


class Redactor:
    """Takes one credential out of strings, whole or in pieces of eight characters and more; shows nothing of it."""

    def __init__(self, secret: str = "") -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return "Redactor()"

    def __reduce__(self) -> tuple[type[Redactor], tuple[()]]:
        return Redactor, ()  # a pickle may go anywhere

    @cached_property
    def _pieces(self) -> list[str]:
        return [self._secret[at : at + PIECE] for at in range(len(self._secret) - PIECE + 1)]

    @cached_property
    def _run(self) -> re.Pattern[str]:
        # Every character at which a piece begins, and the rest of the last one.
        return re.compile(f"(?:(?={'|'.join(map(re.escape, self._pieces))}).)+.{{{PIECE - 1}}}")

    def __call__(self, text: str) -> str:
        """Return a string without the credential."""
        # `in` is many times as quick as the expression, and nearly always enough.
        return self._run.sub(MASK, text) if any(piece in text for piece in self._pieces) else text

    def within(self, data: Any) -> Any:
        """Return parsed JSON without the credential."""
        if isinstance(data, str):
            return self(data)
        if isinstance(data, dict):
            return {self(key): self.within(value) for key, value in data.items()}
        return [self.within(item) for item in data] if isinstance(data, list) else data

    def body(self, text: str) -> str:
        """Return a body without this credential and without what names and forms say is another one."""
        try:
            data = json.loads(text)
            secrets: set[str] = set()
            data = _without_secrets(data, secrets)
            text = json.dumps(data, ensure_ascii=False)
        except (ValueError, RecursionError):
            text = _plain(text)
        else:
            # What one field calls a secret may stand in the sentence of another.
            for secret in sorted(secrets, key=len, reverse=True):
                text = text.replace(json.dumps(secret, ensure_ascii=False)[1:-1], MASK)
        return self(text)

    def url(self, url: str) -> str:
        """Return a URL without user information and without query values that their names say are secret."""
        bare, mark, query = without_user(url).partition("?")
        pairs = [pair.partition("=") for pair in query.split("&")]
        shown = [f"{name}{sign}{MASK if is_secret_name(name) else value}" for name, sign, value in pairs]
        whole = f"{bare}{mark}{'&'.join(shown)}"
        plain = unquote(whole)
        clean = self(plain)
        return whole if clean == plain else clean


def shown(value: object) -> str:
    """Return a short value for a message, else its type: what was passed at the wrong place may be a credential."""
    try:
        text = repr(value)
    except ValueError:  # a number with more digits than Python writes
        return kind_of(value)
    if len(text) < PIECE + len("''"):
        return text
    return "a longer string" if isinstance(value, str) else kind_of(value)


def without_user(url: str) -> str:
    """Return a URL without user information, which may hold a password."""
    return re.sub(_USER, r"\1", url)


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds something secret."""
    return re.search(_SENSITIVE_NAME, name) is not None


def _without_secrets(data: Any, secrets: set[str], secret: bool = False) -> Any:
    """Return JSON with masks for the strings below secret names, and add those strings, when long enough, to a set."""
    if isinstance(data, dict):
        return {key: _without_secrets(value, secrets, secret or is_secret_name(key)) for key, value in data.items()}
    if isinstance(data, list):
        return [_without_secrets(item, secrets, secret) for item in data]
    if secret and isinstance(data, str):
        if len(data) >= PIECE:
            secrets.add(data)
        return MASK
    return _plain(data) if isinstance(data, str) else data


def _plain(text: str) -> str:
    """Return a string without what stands after the names of secrets, and without user information in URLs."""
    for pattern, masked in ((_USER, rf"\1{MASK}@"), (_COOKIE, rf"\1 {MASK}"), (_BEARER, rf"\1 {MASK}")):
        text = re.sub(pattern, masked, text)
    shown: list[str] = []
    end = 0
    value_pattern = re.compile(_VALUE)
    for name in re.finditer(_ASSIGNMENT, text):
        if name.start() < end or not is_secret_name(name[1]):
            continue
        value = value_pattern.match(text, name.end())
        if value and value[0].lower() not in _SCHEMES:  # what follows a scheme is masked already
            shown += text[end : name.end()], MASK
            end = value.end()
    return "".join([*shown, text[end:]])
