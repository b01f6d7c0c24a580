"""What goes into a prompt about code."""

import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from codegen_ext import ClientClosedError, ConfigurationError, ValidationError
from codegen_ext.providers import AsyncCodebase, Codebase

from ..support.blocking import real

SHOP = """
import os

from .money import rounded, unused


class Basket:
    limit = 10

    def total(self):
        return with_tax(10)

    @property
    def size(self):
        return len(self.items)


def with_tax(amount):
    return rounded(amount)


def unrelated():
    return os.getcwd()
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    package = tmp_path / "little_shop"
    package.mkdir()
    (package / "__init__.py").write_text("")  # of which nothing is shown
    (package / "shop.py").write_text(SHOP.lstrip())
    (package / "money.py").write_text("def rounded(amount):\n    return amount\n\n\nunused = None\n")
    (package / "notes.txt").write_text("one\ntwo\nthree\n")
    (package / "broken.py").write_text("def f(:\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("little_shop")]:
        del sys.modules[name]


@pytest.fixture
def shop(root):
    return import_module("little_shop.shop")


def headings(prompt):
    return [line.removeprefix("## ") for line in prompt.splitlines() if line.startswith("## ")]


FILE, CLASS, IMPORTS = "little_shop/shop.py", "the class around it, Basket", "imports of shop.py"
LINES = "```\ndef with_tax(amount):\n    return rounded(amount)\n```"


@pytest.mark.parametrize(
    ("target", "title", "needed", "part"),
    [
        (lambda shop: shop.with_tax, f"with_tax ({FILE})", IMPORTS, LINES),
        (lambda shop: shop.with_tax, f"with_tax ({FILE})", IMPORTS, "```\nfrom .money import rounded, unused\n```"),
        (lambda shop: shop.Basket.total, f"Basket.total ({FILE})", CLASS, "def size(self):\n        ..."),
        (lambda shop: shop.Basket.size, f"Basket.size ({FILE})", CLASS, "return len(self.items)"),
        (lambda shop: shop.Basket, f"Basket ({FILE})", None, "limit = 10"),
        (lambda shop: shop, f"little_shop.shop ({FILE})", None, "def unrelated"),
        (Path(FILE), FILE, None, "def unrelated"),
        (f"{FILE}:17-18", f"{FILE}, lines 17 to 18", IMPORTS, LINES),
        ((FILE, 17, 18), f"{FILE}, lines 17 to 18", IMPORTS, LINES),
        ("little_shop/notes.txt:2", "little_shop/notes.txt, lines 2 to 2", None, "```\ntwo\n```"),
        ("little_shop/broken.py", "little_shop/broken.py", None, "def f(:"),
    ],
)
def test_a_target_and_what_it_needs(target, title, needed, part, root, shop):
    prompt = Codebase(root).build_prompt("x", target(shop) if callable(target) else target)
    assert prompt.startswith("x\n\n## Target: ")
    assert headings(prompt) == [f"Target: {title}", *([f"Needed: {needed}"] if needed else [])]
    assert part in prompt
    assert ("unrelated" in prompt) is ("import os" in prompt) is (part == "def unrelated")


def test_folders_contexts_and_objects_of_graph_sitter(root, shop):
    codebase = Codebase(root)
    titles = headings(codebase.build_prompt("x", "little_shop"))
    assert titles[:3] == [f"Target: little_shop/{name}.py" for name in ("broken", "money", "shop")]
    assert codebase.build_prompt("x", context="Mind the tax.") == "x\n\n## Context\n```\nMind the tax.\n```"
    named = codebase.build_prompt("x", context={"rule": "Round up.", "caller": shop.unrelated})
    assert headings(named)[:2] == ["Context: rule", "Context: caller"]
    listed = headings(codebase.build_prompt("x", "little_shop/notes.txt", [shop.unrelated, "Mind."]))
    assert listed[:3] == ["Target: little_shop/notes.txt", "Context: unrelated (little_shop/shop.py)", "Context"]
    helper = SimpleNamespace(source="def helper(): ...", name="helper")
    for needed in ([helper, object()], lambda: [helper]):
        target = SimpleNamespace(source="def f(): helper()", name="f", filepath="a.py", dependencies=needed)
        prompt = codebase.build_prompt("Explain", target)
        assert headings(prompt) == ["Target: f (a.py)", "Needed: used by f (a.py)"]
        assert "def helper(): ..." in prompt


@pytest.mark.parametrize(("budget", "is_cut"), [(1, False), (12, False), (60, True), (80, True), (400, False)])
def test_the_budget_holds(budget, is_cut, root, shop):
    prompt = Codebase(root, token_budget=budget).build_prompt("Explain", FILE, [shop.with_tax] * 2)
    assert len(prompt) <= len("Explain") + budget * 4 + 2 * prompt.count("## ")
    assert prompt.startswith("Explain")
    assert ("more lines are left out)" in prompt) is is_cut


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("../secret.py", "outside the code base"),
        ("link.py", "outside the code base"),
        ("little_shop/none.py", "does not exist"),
        ("little_shop/notes.txt:3-9", "which has 3"),
        ("little_shop/notes.txt:2-1", "not within"),
        (len, "has no source"),
    ],
)
def test_what_cannot_be_a_target(target, problem, root):
    (root.parent / "secret.py").write_text("x")
    (root / "link.py").symlink_to("/etc/hostname")
    with pytest.raises(ValidationError, match=problem) as caught:
        Codebase(root).build_prompt("x", target)
    assert caught.value.field == "target"


def test_a_codebase_needs_a_folder_and_a_budget(root):
    for path, budget, problem in ((root / "nothing", 1, "is no folder"), (root, 0, "token_budget")):
        with pytest.raises(ConfigurationError, match=problem):
            Codebase(path, token_budget=budget)


def test_ai_returns_text_and_closes_what_it_made(root, shop, flavour, named, options, openai_service):
    chosen = {"clock": options["clock"], "openai": options["openai"]}
    kind = AsyncCodebase if flavour.is_async else Codebase
    with flavour._wrap(kind(root, **chosen)) as codebase:
        assert codebase.ai("Improve this", target=shop.with_tax, context="Be brief.") == "From OpenAI"
        with pytest.raises(ValidationError, match="blank"):
            codebase.ai(" ")
    content = openai_service.requests[0].json()["messages"][-1]["content"]
    assert "def with_tax" in content
    assert "Be brief." in content
    with pytest.raises(ClientClosedError):
        codebase.ai("Improve this")
    client = named("openai")  # one that is brought along stays open
    with flavour._wrap(kind(root, client=real(client))) as other:
        assert other.ai("Hi") == "From OpenAI"
    assert client.generate_response("Hi").content == "From OpenAI"
