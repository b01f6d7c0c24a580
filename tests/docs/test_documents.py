"""What the pages show happens: Python blocks run, their output is what stands below them, and commands exist."""

import logging
import random
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from codegen_ext import Agent, ChatServerClient, CodegenClient
from codegen_ext.clock import SystemClock
from codegen_ext.testing import FakeClock, Sandbox
from codegen_ext.testing.sandbox import cli
from tools.contract import document

from .facts import environment_variables, extras
from .pages import PAGES, ROOT, Block, blocks, links, spans

LANGUAGES = {"python", "bash", "text", "yaml"}
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.fixture
def fake_time(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Clients and sandboxes that choose no clock, and `time.sleep`, share a fake one."""
    for name in ("time", "monotonic", "sleep", "sleep_async"):
        monkeypatch.setattr(SystemClock, name, staticmethod(getattr(clock, name)))
    monkeypatch.setattr(time, "sleep", clock.sleep)
    return clock


@pytest.fixture
def service(fake_time: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The sandbox that the environment names; it takes any token, since the pages say `your-api-token`."""
    with Sandbox(rate_limits=False, run_seconds=10, token=None) as sandbox:
        monkeypatch.setenv("CODEGEN_API_TOKEN", sandbox.token)
        monkeypatch.setenv("CODEGEN_ORG_ID", str(sandbox.org_id))
        monkeypatch.setenv("CODEGEN_BASE_URL", sandbox.base_url)
        yield sandbox


@pages
def test_every_block_says_its_language(page: Path) -> None:
    assert {block.language for block in blocks(page)} <= LANGUAGES
    for first, second in pairwise([Block("", "", 0), *blocks(page)]):
        assert second.language != "text" or first.language == "python", f"line {second.line} is nobody's output"


@pages
def test_python_blocks_run(page: Path, service: Sandbox, request: pytest.FixtureRequest) -> None:
    namespace: dict[str, Any] = {"__name__": f"page_{page.stem}"}
    output = ""
    handlers = logging.getLogger("codegen_ext").handlers[:]
    try:
        for block in blocks(page):
            if block.language == "python":
                output = run(block, page, namespace, request.getfixturevalue)
            elif block.language == "text":
                assert output == block.content, f"output of the block before line {block.line}"
    finally:
        logging.getLogger("codegen_ext").handlers[:] = handlers
        for value in namespace.values():
            if isinstance(value, Agent | CodegenClient | ChatServerClient):
                value.close()


def run(block: Block, page: Path, namespace: dict[str, Any], fixture: Callable[[str], Any]) -> str:
    """Run a block, and the tests that it defines; return what it printed."""
    code = compile("\n" * (block.line - 1) + block.content, str(page), "exec", dont_inherit=True)
    before = dict(namespace)
    random.seed(0)  # pauses between polls are random
    with redirect_stdout(StringIO()) as printed:
        exec(code, namespace)
        for name, value in list(namespace.items()):
            if name.startswith("test_") and before.get(name) is not value:
                arguments = value.__code__.co_varnames[: value.__code__.co_argcount]
                value(**{argument: fixture(argument) for argument in arguments})
    return printed.getvalue()


@pages
def test_commands_exist(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = [line for block in blocks(page) if block.language == "bash" for line in block.content.splitlines()]
    shown += [span for span in spans(page) if span.startswith(("make ", "codegen-sandbox ", ".venv/bin/"))]
    for line in shown:
        check_command(shlex.split(line, comments=True), capsys)


def check_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    match words:
        case []:
            pass
        case ["make", *targets]:
            assert {target for target in targets if "=" not in target} <= make_targets()
        case ["git", "diff" | "push", *_]:
            pass
        case ["export", assignment]:
            assert assignment.partition("=")[0] in environment_variables()
        case ["pip", "install", "codegen-sdk" | "." as requirement]:
            pass
        case ["pip", "install", requirement] | ["pip", "install", "-e", requirement]:
            name, _, extra = requirement.removesuffix("]").partition("[")
            assert name in ("codegen-sdk", ".")
            assert set(extra.split(",")) <= extras()
        case ["codegen-sandbox" | ".venv/bin/codegen-sandbox", *options]:
            with pytest.raises(SystemExit, match="0"):
                cli.main([*options, "--help"])
            usage = capsys.readouterr().out
            assert {option for option in options if option.startswith("--")} <= set(usage.replace("]", " ").split())
        case [".venv/bin/python", "-m", "pytest", "-q", target, *_]:
            assert (ROOT / target).exists()
        case [".venv/bin/python", script, *_]:
            assert (ROOT / script).is_file()
        case _:
            pytest.fail(f"nobody checks that this command exists: {shlex.join(words)}")


def make_targets() -> set[str]:
    """Return the targets that `make help` lists."""
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    return {line.partition(":")[0] for line in lines if "## " in line and not line.startswith(("\t", "#"))}


@pages
def test_contract_excerpts_stand_in_the_contract(page: Path) -> None:
    files = (document.CONTRACT, document.OVERLAY)
    contract = [line.strip() for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    for block in blocks(page):
        if block.language == "yaml":
            excerpt = [line.strip() for line in block.content.splitlines()]
            starts = range(len(contract) - len(excerpt) + 1)
            assert any(contract[start : start + len(excerpt)] == excerpt for start in starts), f"line {block.line}"


@pages
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if "://" not in link:
            target = link.partition("#")[0]
            assert not target or (page.parent / target).exists(), link
