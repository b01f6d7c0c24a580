"""The pages that users know from before, as they stand, and the code in them."""

from pathlib import Path

from ..docs.pages import Block

SEEDS = Path(__file__).parent


def code_blocks(page: Path, language: str = "python") -> list[Block]:
    """Return the blocks of a language.

    A fence that names a language begins a block, even within one that somebody forgot to close, which a Markdown
    parser would read on.
    """
    blocks: list[tuple[str, int, list[str]]] = []
    inside = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(keepends=True), 1):
        fence = line.strip()
        if fence.startswith("```"):
            inside = fence != "```" or not inside
            if inside:
                blocks.append((fence.removeprefix("```"), number + 1, []))
        elif inside:
            blocks[-1][2].append(line)
    return [Block(name, "".join(lines), start) for name, start, lines in blocks if name == language]
