"""Where the tests find the real Codex CLI, which `make codex` installs outside the tree."""

import os
import shutil
from pathlib import Path

import pytest


def find_codex() -> str | None:
    """Return the CLI: CODEGEN_TEST_CODEX, then `make codex`'s, then the one on PATH."""
    named = os.environ.get("CODEGEN_TEST_CODEX")
    cached = sorted((Path.home() / ".cache" / "codegen-sdk").glob("codex-*/node_modules/.bin/codex"))
    return next(
        (path for path in (named, *map(str, cached[-1:]), shutil.which("codex")) if path and Path(path).exists()), None
    )


def require_codex() -> str:
    """Return the CLI; skip without it, but fail where all tests are wanted."""
    found = find_codex()
    if found is None and os.environ.get("CODEGEN_TEST_ALL"):
        pytest.fail("the Codex CLI is missing: make codex")
    if found is None:
        pytest.skip("the Codex CLI is missing: make codex")
    return found
