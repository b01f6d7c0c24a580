"""What a piece of Python needs around it: the class it stands in, its imports, the definitions that it uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from .targets import Excerpt

_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITION = (*_FUNCTION, ast.ClassDef)


class Module:
    """A parsed file: who defines and who imports which name at its top."""

    def __init__(self, path: Path, source: str) -> None:
        """Parse it; raises SyntaxError or ValueError when it is not Python."""
        self.path = path
        self.tree = ast.parse(source)
        self._rows = source.splitlines(keepends=True)
        self.definitions: dict[str, ast.stmt] = {}
        self.imports: dict[str, ast.Import | ast.ImportFrom] = {}
        for statement in self.tree.body:
            if isinstance(statement, _DEFINITION):
                self.definitions[statement.name] = statement
            elif isinstance(statement, ast.Import | ast.ImportFrom):
                for alias in statement.names:
                    self.imports[alias.asname or alias.name.partition(".")[0]] = statement
            else:
                for name in _stored(statement):
                    self.definitions.setdefault(name, statement)

    def source_of(self, node: ast.stmt) -> str:
        """Return the lines of a statement, decorators included."""
        return "".join(self._rows[_first(node) - 1 : node.end_lineno])

    def header_of(self, node: ast.ClassDef) -> str:
        """Return a class without the bodies of its methods."""
        last = node.body[0].lineno - 1 if node.body[0].lineno > node.lineno else node.lineno
        lines = ["".join(self._rows[_first(node) - 1 : max(last, node.lineno)])]
        for statement in node.body:
            if isinstance(statement, _FUNCTION):
                end = max(statement.body[0].lineno - 1, statement.lineno)
                lines.append("".join(self._rows[statement.lineno - 1 : end]).rstrip() + " ...\n")
            elif not _is_text(statement):
                lines.append("".join(self._rows[statement.lineno - 1 : statement.end_lineno]))
        return "".join(lines)


def needed(root: Path, excerpt: Excerpt) -> Iterator[tuple[str, str]]:
    """Yield title and source of what an excerpt needs, the nearest first; nothing for what is not Python.

    First the class around it and the imports that it uses, then the definitions that it uses, of its own file and of
    others below `root`, and then what those use.
    """
    yield from ((f"used by {excerpt.title}", text) for text in excerpt.beside)
    if excerpt.path is None or excerpt.path.suffix != ".py":
        return
    module = _module(excerpt.path)
    if module is None:
        return
    inside = [node for node in ast.walk(module.tree) if _overlaps(node, excerpt)]
    for node in inside:
        if isinstance(node, ast.ClassDef) and (node.lineno < excerpt.first or (node.end_lineno or 0) > excerpt.last):
            yield f"the class around it, {node.name}", module.header_of(node)
    used = _names(node for node in inside if getattr(node, "lineno", 0) >= excerpt.first)
    imports = {module.imports[name] for name in used if name in module.imports}
    ordered = [node for node in module.tree.body if node in imports and not _overlaps(node, excerpt)]
    if ordered:
        yield f"imports of {excerpt.path.name}", "".join(map(module.source_of, ordered))
    yield from _definitions(root, module, used, excerpt)


def _definitions(root: Path, module: Module, used: list[str], excerpt: Excerpt) -> Iterator[tuple[str, str]]:
    waiting = [(module, name) for name in used]
    seen: set[tuple[Path, int]] = set()
    modules: dict[Path, Module | None] = {module.path: module}
    while waiting:
        home, name = waiting.pop(0)
        node = home.definitions.get(name)
        if node is None:
            waiting += _imported(root, home, name, modules)
            continue
        place = (home.path, node.lineno)
        if place in seen or (home is module and _overlaps(node, excerpt)):
            continue
        seen.add(place)
        yield f"{name} ({home.path.name})", home.source_of(node)
        waiting += [(home, other) for other in _names(ast.walk(node)) if other != name]


def _imported(root: Path, home: Module, name: str, modules: dict[Path, Module | None]) -> Iterator[tuple[Module, str]]:
    """Yield the module below the root that defines an imported name, and its name there."""
    statement = home.imports.get(name)
    if not isinstance(statement, ast.ImportFrom):
        return
    original = next(alias.name for alias in statement.names if (alias.asname or alias.name) == name)
    if statement.level:
        folder = home.path.parents[statement.level - 1]
        bases = [folder]
    else:
        bases = [root, root / "src"]
    parts = (statement.module or "").split(".") if statement.module else []
    for base in bases:
        for path in (
            base.joinpath(*parts).with_suffix(".py") if parts else base / "__init__.py",
            base.joinpath(*parts, "__init__.py"),
        ):
            resolved = path.resolve()
            if resolved.is_relative_to(root) and resolved.is_file():
                found = modules.setdefault(resolved, _module(resolved))
                if found is not None and original in {*found.definitions, *found.imports}:
                    yield found, original
                    return


def _module(path: Path) -> Module | None:
    try:
        return Module(path, path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None


def _first(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _overlaps(node: ast.AST, excerpt: Excerpt) -> bool:
    first, last = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
    return first is not None and last is not None and first <= excerpt.last and last >= excerpt.first


def _names(nodes: object) -> list[str]:
    """Return the names that are read, in order, each once."""
    found = [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]  # type: ignore[attr-defined]
    return list(dict.fromkeys(found))


def _stored(statement: ast.stmt) -> list[str]:
    return [node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
