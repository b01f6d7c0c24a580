"""One setting: how it is declared, read from the environment, brought into its form, and checked."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any, TypeVar
from urllib.parse import urlsplit

from attrs import Factory, field

from .errors import ConfigurationError

T = TypeVar("T")


class UnsetStr(str):
    """A default that nobody chose."""


class UnsetInt(int):
    """A default that nobody chose."""


def as_text(value: object) -> str:
    """Return a value as text, None as none."""
    return "" if value is None else str(value)


def as_level(value: object) -> str:
    """Return a level's name; other programs, which may share LOG_LEVEL, also write "warn", "fatal" and numbers."""
    text = str(value).upper()
    number = int(text) if text.isdecimal() else logging.getLevelNamesMapping().get(text)
    return text if number is None else logging.getLevelName(number)


def as_list(value: Any) -> Any:
    """Return what can be iterated as a list, and leave the rest for the check."""
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | bytes) else value


def boolean(text: str) -> bool:
    """Return what a word says; raises KeyError for any other word."""
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    return words[text.strip().lower()]


def read(variables: tuple[str, ...], parse: Callable[[str], T], default: T) -> T:
    """Return what the first of these environment variables says that is set, and otherwise the default.

    Raises:
        ConfigurationError: naming the variable that cannot be read.

    """
    for variable in variables:
        text = os.environ.get(variable)
        if text:
            try:
                return parse(text)
            except (KeyError, ValueError):
                expected = {boolean: "true or false", float: "a number", int: "a whole number"}.get(
                    parse, "another value"
                )
                raise ConfigurationError(
                    f"the environment variable {variable} must be {expected}", config_key=variable
                ) from None
    return default


def setting(default: T, *variables: str, parse: Callable[[str], Any] = str, repr: Any = True) -> T:
    """Declare a setting that reads the first of `variables` that is set."""
    declared: T = field(default=Factory(lambda: read(variables, parse, default)), repr=repr)
    return declared


_KINDS: dict[str, tuple[Any, str]] = {
    "bool": (bool, "true or false"),
    "float": (int | float, "a number"),
    "int": (int, "a whole number"),
    "list[int]": (list, "a list of whole numbers"),
    "str": (str, "text"),
    "str | None": (str | None, "text"),
}


def check_kind(name: str, annotation: object, value: object) -> None:
    """Raise ConfigurationError when a value is not of the type with which its setting is annotated."""
    kind, words = _KINDS.get(str(annotation), (object, ""))
    fits = isinstance(value, kind) and (kind in (bool, object) or not isinstance(value, bool))
    if isinstance(value, list):
        fits = fits and all(type(item) is int for item in value)
    if not fits or (isinstance(value, float) and not isfinite(value)):
        raise ConfigurationError(f"{name} must be {words}", config_key=name)


def is_address(url: str) -> bool:
    """Whether this is http or https, a host, and at most a path."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not {*"?# "} & {*url} and url.isprintable()
