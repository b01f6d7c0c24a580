"""Find the source that a prompt is about: functions, classes, modules, paths, line ranges, objects with `.source`."""

from __future__ import annotations

import ast
import inspect
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from ..errors import ValidationError

_RANGE = re.compile(r"(?P<path>.+?):(?P<first>\d+)(?:-(?P<last>\d+))?$")


@frozen
class Excerpt:
    """A piece of source. `path` and lines (from 1) are known where it lies in a file."""

    title: str
    source: str
    path: Path | None = None
    first: int = 1
    beside: tuple[str, ...] = ()
    """Sources that it needs, as the object that it came from knows them."""


def targets(root: Path, target: Any) -> Iterator[Excerpt]:
    """Yield the pieces of source that a target means; a folder means all its Python files.

    Raises:
        ValidationError: for a path outside the code base or that does not exist, a line range outside the file, and
            anything that has no source.

    """
    if isinstance(source := getattr(target, "source", None), str):
        yield _of_source(target, source)
    elif isinstance(target, str | os.PathLike):
        yield from _of_path(root, os.fspath(target))
    elif isinstance(target, tuple) and len(target) == 3:
        path, first, last = target
        yield from _of_path(root, f"{os.fspath(path)}:{first}-{last}")
    elif target is not None:
        yield _of_object(root, target)


def contexts(root: Path, context: Any) -> Iterator[Excerpt]:
    """Yield pieces of context: a text stands for itself, a dict gives titles, anything else is a target."""
    if isinstance(context, str):
        yield Excerpt("", context)
    elif isinstance(context, Mapping):
        for name, item in context.items():
            yield from (evolve(excerpt, title=str(name)) for excerpt in contexts(root, item))
    elif isinstance(context, list | set | frozenset):
        for item in context:
            yield from contexts(root, item)
    else:
        yield from targets(root, context)


def needed(excerpt: Excerpt) -> Iterator[Excerpt]:
    """Yield what stands around an excerpt of a Python file: its class, and the imports that it uses."""
    yield from (Excerpt(f"used by {excerpt.title}", text) for text in excerpt.beside)
    if excerpt.path is None or excerpt.path.suffix != ".py":
        return
    try:
        tree = ast.parse(excerpt.path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return
    lines = range(excerpt.first, excerpt.first + len(excerpt.source.splitlines()))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.lineno in lines}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.lineno < lines.start <= (node.end_lineno or 0):
            yield Excerpt(f"the class around it, {node.name}", _header_of(node))
    imports = [
        ast.unparse(node)
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and node.lineno not in lines
        and used & {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    ]
    if imports:
        yield Excerpt(f"imports of {excerpt.path.name}", "\n".join(imports))


def _header_of(node: ast.ClassDef) -> str:
    """Return a class without the bodies of its methods."""
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            statement.body = [ast.Expr(ast.Constant(...))]
    return ast.unparse(node)


def _of_source(target: Any, source: str) -> Excerpt:
    name = str(getattr(target, "name", None) or type(target).__name__)
    where = getattr(target, "filepath", None)
    beside = getattr(target, "dependencies", None) or ()
    if callable(beside):  # in some versions of graph-sitter it is a method
        beside = beside()
    texts = (getattr(item, "source", None) for item in beside)
    used = dict.fromkeys(text for text in texts if isinstance(text, str) and text != source)
    return Excerpt(f"{name} ({where})" if where else name, source, beside=tuple(used))


def _of_path(root: Path, text: str) -> Iterator[Excerpt]:
    lines = None if (root / text).exists() else _RANGE.match(text)
    text = lines["path"] if lines else text
    path = (root / text).resolve()
    if not path.is_relative_to(root):
        raise _refused(f"{text} lies outside the code base {root}")
    if not path.exists():
        raise _refused(f"{text} does not exist in the code base {root}")
    if path.is_dir():
        for file in sorted(path.rglob("*.py")):
            if not any(part.startswith(".") or part == "__pycache__" for part in file.relative_to(path).parts):
                yield Excerpt(_shown(root, file), _read(file), file)
        return
    source = _read(path)
    if lines is None:
        yield Excerpt(_shown(root, path), source, path)
        return
    first, last = int(lines["first"]), int(lines["last"] or lines["first"])
    rows = source.splitlines(keepends=True)
    if not 1 <= first <= last <= len(rows):
        raise _refused(f"lines {first} to {last} are not within {_shown(root, path)}, which has {len(rows)}")
    yield Excerpt(f"{_shown(root, path)}, lines {first} to {last}", "".join(rows[first - 1 : last]), path, first)


def _of_object(root: Path, target: Any) -> Excerpt:
    unwrapped = inspect.unwrap(getattr(target, "fget", target))  # of a property, its function
    try:
        rows, first = inspect.getsourcelines(unwrapped)
        path = Path(inspect.getsourcefile(unwrapped) or "").resolve()
    except (TypeError, OSError) as error:
        expected = "a function, class, module, path, path:first-last, or an object with .source"
        raise _refused(f"{type(target).__name__} has no source; expected {expected}") from error
    name = getattr(unwrapped, "__qualname__", None) or unwrapped.__name__
    return Excerpt(f"{name} ({_shown(root, path)})", "".join(rows), path, max(first, 1))


def _shown(root: Path, path: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else path.name


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _refused(f"{path.name} cannot be read as text: {error}") from error


def _refused(problem: str) -> ValidationError:
    return ValidationError(f"target: {problem}", field_errors={"target": [problem]})
