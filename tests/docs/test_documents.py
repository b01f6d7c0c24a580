"""What the pages show happens: Python blocks and examples run and print what is promised, and commands exist."""

import logging
import os
import re
import shlex
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from codegen_ext import Agent, ChatServerClient, ClientConfig, CodegenClient, CodexClient
from codegen_ext import cli as command_line
from codegen_ext.codex import command
from codegen_ext.codex.errors import INSTALL_COMMAND
from codegen_ext.providers import __main__ as providers_command
from codegen_ext.testing.sandbox import __main__ as sandbox_program
from tools import load

from ..codex.responses import Responses
from ..support.programs import require_codex
from .conftest import run
from .pages import PAGES, ROOT, blocks, links, spans

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
VARIABLES = {"CODEGEN_LOG", *(name for declared in ClientConfig.settings.values() for name in declared.variables)}
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
def test_python_blocks_run(page, request):
    request.getfixturevalue("codex_service" if page.name == "codex.md" else "codegen_service")
    namespace = {"__name__": f"page_{page.stem}"}
    output = ""
    handlers = logging.getLogger("codegen_ext").handlers[:]
    try:
        for before, block in pairwise([None, *blocks(page)]):
            assert block.language in LANGUAGES
            if block.language == "text":
                assert before.language == "python", f"line {block.line} is the output of nothing"
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


@pytest.mark.slow
@pages
def test_async_tabs_are_whole_programs_with_the_same_output(page, request):
    request.getfixturevalue("codex_service" if page.name == "codex.md" else "codegen_service")
    shown = [block.content for block in blocks(page) if block.tab == "Sync" and block.language == "text"]
    for program, output in pairwise(blocks(page)):
        if program.tab == "Async" and program.language == "python":
            printed = run(program, page, {"__name__": f"page_{page.stem}"}, request.getfixturevalue)
            assert printed == output.content
            assert printed in shown


@pages
def test_commands_exist(page, capsys):
    shown = [line for block in blocks(page) if block.language == "bash" for line in block.content.splitlines()]
    shown += [span for span in spans(page) if span.startswith(("make ", "codegen-sandbox ", "codegen-sdk "))]
    for line in shown:
        check_command(shlex.split(line, comments=True), capsys)


PROGRAMS = {
    "python -m codegen_ext.providers": providers_command.main,
    "codegen-sdk": command_line.main,
    "codegen-sandbox": sandbox_program.main,
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
        case [] | ["git", "diff" | "push", *_] | ["uv", "add", "codegen-sdk"]:
            pass
        case ["make", *targets]:
            assert {target for target in targets if "=" not in target} <= TARGETS
        case ["export", assignment]:
            assert assignment.partition("=")[0] in VARIABLES
        case ["pip" | "pipx", "install", requirement] | ["pip", "install", "-e", requirement]:
            name, _, extra = requirement.removesuffix("]").partition("[")
            assert name in ("codegen-sdk", ".")
            assert not extra or set(extra.split(",")) <= set(PROJECT["optional-dependencies"])
        case ["npm", *_]:
            assert line == INSTALL_COMMAND
        case _:
            pytest.fail(f"nobody checks that this command exists: {line}")


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
    site, sources = PROJECT["urls"]["Documentation"], PROJECT["urls"]["Homepage"] + "/blob/main/"
    for link in links(ROOT / "README.md"):
        assert link.startswith("https://"), link
        if link.startswith(sources):
            assert (ROOT / link.removeprefix(sources)).exists(), link
        elif link.startswith(site):
            assert (ROOT / "docs" / f"{link.removeprefix(site).strip('/') or 'index'}.md").exists(), link


# Applications are started and called in tests/integrations.
EXAMPLES = [path.name for path in (ROOT / "examples").glob("*.py") if not path.stem.endswith("_app")]
EXPECTED = {
    "first_run.py": [
        r"listens on http://127\.0\.0\.1:\d+",
        r"created .* is pending",
        r"log +USER_MESSAGE: Add a --version option",
        r"log +ACTION: Step 1",
        r"log +FINAL_ANSWER: The task is done\.",
        r"result +Done: Add a --version option to the command line",
        r"the run took \d+\.\d s and \d+ HTTP requests",
    ],
    "async_run.py": [
        r"run \d created: ",
        r"run \d .*-> completed\n",
        r"run \d result: Done: Write the release notes\n",
        r"run \d result: Done: Find the flaky test\n",
        r"run \d error: No such version\n",
    ],
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_prints_what_it_promises(name):
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / name), "0.15"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert re.search(".*".join(EXPECTED[name]), finished.stdout, re.DOTALL), finished.stdout
    if name == "first_run.py":
        assert re.findall(r"status +\w+ -> (\w+)\n", finished.stdout)[-1] == "completed"
