"""Derive every `_sync/` folder from the `_async/` folder beside it, or check that it was derived."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

TOKENS = [
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAsyncGenerator\[(.+), None\]", r"Generator[\1, None, None]"),
    (r"\bAsyncByteStream\b", "SyncByteStream"),
    (r"\b(_?)Async(?=[A-Z])", r"\1"),
    (r"\bStopAsyncIteration\b", "StopIteration"),
    (r"\b__a(enter|exit|iter|next)__\b", r"__\1__"),
    (r"\ba(close|closing|read|next|iter|iter_bytes)\b", r"\1"),
    (r"\benter_async_context\b", "enter_context"),
    (r"\bhandle_async_request\b", "handle_request"),
    (r"\b(get|create)_async_(?=ai_)", r"\1_"),
    (r"\bis_async=True\b", "is_async=False"),
    (r"\basynchronous(?=\b|_)", "synchronous"),
    (r"\b_async\b", "_sync"),
]
LEFT = re.compile(r"\b(await|awaited|awaitable|async)\b")


def derive(text: str) -> str:
    """Return the sync form of async source code, docstrings and examples included."""
    for name in ("Awaitable", "Coroutine"):
        text = _unwrap(text, name)
    for pattern, replacement in TOKENS:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


def _unwrap(text: str, name: str) -> str:
    """Replace `Awaitable[X]` and `Coroutine[Any, Any, X]` by X."""
    while found := re.search(rf"\b{name}\[", text):
        depth, end = 1, found.end()
        while depth:
            depth += {"[": 1, "]": -1}.get(text[end], 0)
            end += 1
        inner = text[found.end() : end - 1].removeprefix("Any, Any, ")
        text = text[: found.start()] + inner + text[end:]
    return re.sub(rf"\n    {name},|\b{name}, |, {name}\b", "", text)


def outputs() -> dict[Path, str]:
    """Return the text of every derived file by its path."""
    found = {}
    for folder in sorted({*ROOT.glob("codegen_ext/_async"), *ROOT.glob("codegen_ext/*/_async")}):
        for source in sorted(folder.glob("*.py")):
            target = folder.with_name("_sync") / source.name
            header = f"# Generated from {source.relative_to(ROOT).as_posix()} by make generate; edit there.\n"
            text = header + derive(source.read_text(encoding="utf-8"))
            if left := LEFT.search(text):
                line = text[: left.start()].count("\n") + 1
                sys.exit(
                    f"{target.relative_to(ROOT)}:{line}: {left.group()!r} is left; reword {source.relative_to(ROOT)}"
                )
            found[target] = _tidy(text, target)
    return found


def _tidy(text: str, path: Path) -> str:
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check", "--fix-only", "--quiet", "--select", "I,F811,PYI016,UP037"], ["format", "--quiet"]):
        arguments = [*ruff, *command, "--stdin-filename", str(path), "-"]
        text = subprocess.run(arguments, input=text, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return text


def main() -> None:
    """Write the derived files, or with `--check` name those that differ."""
    wanted = outputs()
    folders = {path.parent for path in wanted}
    extra = [path for folder in folders for path in folder.glob("*.py") if path not in wanted]
    if "--check" in sys.argv:
        wrong = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
        for path in sorted([*wrong, *extra]):
            print(f"{path.relative_to(ROOT)} differs from its _async/ source: edit that and run make generate")
        sys.exit(bool(wrong or extra))
    for path in extra:
        path.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
