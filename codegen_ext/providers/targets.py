"""What a prompt may be about: functions, classes, modules, paths, line ranges, and objects with `.source`."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from ..errors import ValidationError

_RANGE = re.compile(r"(?P<path>.+?):(?P<first>\d+)(?:-(?P<last>\d+))?$")


@frozen
class Excerpt:
    """A piece of source. `path` and lines (from 1) are known where it lies in a file; `beside` stands by itself."""

    title: str
    source: str
    path: Path | None = None
    first: int = 1
    beside: tuple[str, ...] = ()
    """Sources that it needs, as its owner knows them."""

    @property
    def last(self) -> int:
        """The last line."""
        return self.first + max(len(self.source.splitlines()) - 1, 0)


def resolve(root: Path, target: Any) -> list[Excerpt]:
    """Return the pieces of source that a target means; a folder means all its Python files.

    Raises:
        ValidationError: for a path outside the code base or that does not exist, a line range outside the file, and
            anything that has no source.

    """
    if isinstance(source := getattr(target, "source", None), str):
        return [_of_source(target, source)]
    if isinstance(target, str | os.PathLike):
        return list(_of_path(root, os.fspath(target)))
    if isinstance(target, tuple) and len(target) == 3:
        path, first, last = target
        return list(_of_path(root, f"{os.fspath(path)}:{first}-{last}"))
    return [_of_object(root, target)]


def _of_source(target: Any, source: str) -> Excerpt:
    name = str(getattr(target, "name", None) or type(target).__name__)
    where = getattr(target, "filepath", None)
    # A property in some versions of graph-sitter, and what it returns may be called in others.
    needed = getattr(target, "dependencies", None) or ()
    beside = [
        text
        for item in (needed() if callable(needed) else needed)
        if isinstance(text := getattr(item, "source", None), str) and text != source
    ]
    return Excerpt(f"{name} ({where})" if where else name, source, beside=tuple(dict.fromkeys(beside)))


def _of_path(root: Path, text: str) -> Iterator[Excerpt]:
    lines = _RANGE.match(text)
    path = _inside(root, lines["path"] if lines and not (root / text).exists() else text)
    if path.is_dir():
        for file in sorted(path.rglob("*.py")):
            if not any(part.startswith(".") or part == "__pycache__" for part in file.relative_to(path).parts):
                yield Excerpt(_shown(root, file), read(file), file)
        return
    source = read(path)
    if lines is None or (root / text).exists():
        yield Excerpt(_shown(root, path), source, path)
        return
    first, last = int(lines["first"]), int(lines["last"] or lines["first"])
    rows = source.splitlines(keepends=True)
    if not 1 <= first <= last <= len(rows):
        raise refused(f"lines {first} to {last} are not within {_shown(root, path)}, which has {len(rows)}")
    yield Excerpt(f"{_shown(root, path)}, lines {first} to {last}", "".join(rows[first - 1 : last]), path, first)


def _of_object(root: Path, target: Any) -> Excerpt:
    unwrapped = inspect.unwrap(target) if callable(target) else target
    if isinstance(unwrapped, property):
        unwrapped = unwrapped.fget
    try:
        rows, first = inspect.getsourcelines(unwrapped)
        path = Path(inspect.getsourcefile(unwrapped) or "").resolve()
    except (TypeError, OSError) as error:
        expected = "a function, class, module, path, path:first-last, or an object with .source"
        raise refused(f"{type(target).__name__} has no source; expected {expected}") from error
    name = getattr(unwrapped, "__qualname__", None) or getattr(unwrapped, "__name__", type(target).__name__)
    return Excerpt(f"{name} ({_shown(root, path)})", "".join(rows), path, max(first, 1))


def _inside(root: Path, text: str) -> Path:
    path = (root / text).resolve()
    if not path.is_relative_to(root):
        raise refused(f"{text} lies outside the code base {root}")
    if not path.exists():
        raise refused(f"{text} does not exist in the code base {root}")
    return path


def _shown(root: Path, path: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else path.name


def read(path: Path) -> str:
    """Return the text of a file; raises ValidationError when it is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise refused(f"{path.name} cannot be read as text: {error}") from error


def refused(problem: str) -> ValidationError:
    """Return the error for a target that cannot be used."""
    return ValidationError(f"target: {problem}", field_errors={"target": [problem]})
