"""What the pages show happens: Python blocks run, their output is what stands below them, and commands exist."""

import logging
import os
import re
import shlex
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from codegen_ext import Agent, ChatServerClient, CodegenClient, CodexClient
from codegen_ext import cli as command_line
from codegen_ext.codex import command
from codegen_ext.codex.errors import INSTALL_COMMAND
from codegen_ext.providers import __main__ as providers_command
from codegen_ext.testing.sandbox import __main__ as sandbox_program
from tools import load

from ..codex.responses import Responses
from ..support.programs import require_codex
from .facts import environment_variables, extras
from .pages import PAGES, ROOT, Block, blocks, links, spans
from .running import run

LANGUAGES = {"python", "bash", "text", "yaml", "yml"}
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.fixture
def codex_service(monkeypatch, tmp_path):
    """The service that the Codex CLI asks, on loopback; time is real, since a process runs."""
    monkeypatch.chdir(tmp_path)
    program = require_codex()
    with Responses() as service:
        monkeypatch.setattr(command, "DEFAULT_BASE_URL", service.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "your-api-key")
        monkeypatch.setenv("PATH", str(Path(program).parent), prepend=os.pathsep)
        yield


@pages
def test_every_block_says_its_language(page):
    assert {block.language for block in blocks(page)} <= LANGUAGES
    for first, second in pairwise([Block("", "", 0), *blocks(page)]):
        assert second.language != "text" or first.language == "python", f"line {second.line} is nobody's output"


@pages
def test_python_blocks_run(page, request):
    request.getfixturevalue("codex_service" if page.name == "codex.md" else "codegen_service")
    namespace = {"__name__": f"page_{page.stem}"}
    output = ""
    handlers = logging.getLogger("codegen_ext").handlers[:]
    try:
        for block in blocks(page):
            if block.tab == "Async":
                continue
            if block.language == "python":
                output = run(block, page, namespace, request.getfixturevalue)
            elif block.language == "text":
                assert output == block.content, f"output of the block before line {block.line}"
    finally:
        logging.getLogger("codegen_ext").handlers[:] = handlers
        for value in namespace.values():
            if isinstance(value, Agent | CodegenClient | ChatServerClient | CodexClient):
                value.close()


ASYNC = [(page, first, second) for page in PAGES for first, second in pairwise(blocks(page)) if first.tab == "Async"]
"""The programs in tabs for asyncio, each with what stands below it."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "program", "output"),
    [row for row in ASYNC if row[1].language == "python"],
    ids=lambda value: value.name if isinstance(value, Path) else getattr(value, "line", None),
)
def test_async_tabs_are_whole_programs_with_the_same_output(page, program, output, request):
    request.getfixturevalue("codex_service" if page.name == "codex.md" else "codegen_service")
    assert run(program, page, {"__name__": f"page_{page.stem}"}, request.getfixturevalue) == output.content
    shown = [block.content for block in blocks(page) if block.tab == "Sync" and block.language == "text"]
    assert output.content in shown


@pages
def test_commands_exist(page, capsys):
    shown = [line for block in blocks(page) if block.language == "bash" for line in block.content.splitlines()]
    shown += [
        span for span in spans(page) if span.startswith(("make ", "codegen-sandbox ", "codegen-sdk ", ".venv/bin/"))
    ]
    for line in shown:
        check_command(shlex.split(line, comments=True), capsys)


PROGRAMS = {
    "python -m codegen_ext.providers": providers_command.main,
    "codegen-sdk": command_line.main,
    "codegen-sandbox": sandbox_program.main,
    ".venv/bin/codegen-sandbox": sandbox_program.main,
}


def check_command(words, capsys):
    line = shlex.join(words)
    for name, main in PROGRAMS.items():
        if line.startswith(name):
            arguments = words[len(name.split()) :]
            with pytest.raises(SystemExit, match="0"):
                main([*arguments, "--help"])
            usage = capsys.readouterr().out
            assert {option for option in arguments if option.startswith("--")} <= set(re.split(r"[\s,\]]+", usage))
            return
    match words:
        case []:
            pass
        case ["make", *targets]:
            assert {target for target in targets if "=" not in target} <= make_targets()
        case ["git", "diff" | "push", *_]:
            pass
        case ["export", assignment]:
            assert assignment.partition("=")[0] in environment_variables()
        case ["uv", "add", "codegen-sdk"]:
            pass
        case ["pip" | "pipx", "install", requirement] | ["pip", "install", "-e", requirement]:
            name, _, extra = requirement.removesuffix("]").partition("[")
            assert name in ("codegen-sdk", ".")
            assert not extra or set(extra.split(",")) <= extras()
        case ["npm", *_]:
            assert line == INSTALL_COMMAND
        case [".venv/bin/python", "-m", "pytest", "-q", target, *_] | [".venv/bin/python", target, *_]:
            assert (ROOT / target).exists()
        case _:
            pytest.fail(f"nobody checks that this command exists: {line}")


def make_targets():
    """Return the targets that `make help` lists."""
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    return {line.partition(":")[0] for line in lines if "## " in line and not line.startswith(("\t", "#"))}


@pages
def test_contract_excerpts_stand_in_the_contract(page):
    files = (load.CONTRACT, load.CHATSERVER, load.OVERLAY)
    contract = [line.strip() for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    for block in blocks(page):
        if block.language == "yaml":
            excerpt = [line.strip() for line in block.content.splitlines()]
            starts = range(len(contract) - len(excerpt) + 1)
            assert any(contract[start : start + len(excerpt)] == excerpt for start in starts), f"line {block.line}"


def test_links_of_the_package_page_are_absolute_and_lead_somewhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    site, sources = project["Documentation"], project["Homepage"] + "/blob/main/"
    for link in links(ROOT / "README.md"):
        assert link.startswith("https://"), link
        if link.startswith(sources):
            assert (ROOT / link.removeprefix(sources)).exists(), link
        elif link.startswith(site):
            assert (ROOT / "docs" / f"{link.removeprefix(site).strip('/') or 'index'}.md").exists(), link
