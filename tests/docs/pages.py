"""The pages of the documentation, as a Markdown parser reads them."""

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_PARSER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Block:
    """A code block; `line` is the first line of its content, counted from 1, `tab` the title of its tab if any."""

    language: str
    content: str
    line: int
    tab: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text, and the pieces of code in it."""

    text: str
    code: list[str]

    @property
    def name(self) -> str:
        """The first piece of code, empty without one."""
        return self.code[0] if self.code else ""


@functools.cache
def _tokens(page: Path) -> list[Token]:
    return _PARSER.parse("\n".join(line for line, _ in _without_tabs(page)))


def _without_tabs(page: Path) -> list[tuple[str, str]]:
    """Move the content of tabs to the margin, which CommonMark does not know; each line comes with its tab."""
    lines, tab = [], ""
    for line in page.read_text(encoding="utf-8").split("\n"):
        if title := re.match(r'=== "(.+)"$', line):
            tab = title[1]
            lines.append(("", tab))
            continue
        tab = tab if not line or line.startswith("    ") else ""
        lines.append((line[4:] if tab else line, tab))
    return lines


def blocks(page: Path) -> list[Block]:
    """Return every code block of a page, in order; an indented one has no language."""
    tabs = [tab for _, tab in _without_tabs(page)]
    found = []
    for token in _tokens(page):
        if token.type in ("fence", "code_block"):
            start = (token.map or [0])[0]
            line = start + (2 if token.type == "fence" else 1)
            found.append(Block(token.info.strip(), token.content, line, tabs[start]))
    return found


def _inline(page: Path, kind: str) -> list[Token]:
    return [found for token in _tokens(page) for found in token.children or () if found.type == kind]


def spans(page: Path) -> list[str]:
    """Return every piece of code within a sentence or a table."""
    return [token.content for token in _inline(page, "code_inline")]


def links(page: Path) -> list[str]:
    """Return where the links of a page lead."""
    return [str(token.attrs["href"]) for token in _inline(page, "link_open")]


def table(page: Path, *headings: str) -> list[dict[str, Cell]]:
    """Return the rows of the table whose head begins with `headings`; each row is a dict by heading."""
    rows: list[list[Cell]] = []
    for token in _tokens(page):
        if token.type == "table_open":
            rows = []
        elif token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and token.level >= 4 and rows:
            code = [child.content for child in token.children or () if child.type == "code_inline"]
            rows[-1].append(Cell(token.content, code))
        elif token.type == "table_close":
            head = [cell.text for cell in rows[0]]
            if head[: len(headings)] == list(headings):
                return [dict(zip(head, row, strict=True)) for row in rows[1:]]
    raise LookupError(f"{page.name} has no table with the head {headings}")
