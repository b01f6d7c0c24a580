"""What goes into a prompt about code."""

import asyncio
import sys
import textwrap
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from codegen_ext import ConfigurationError, ValidationError
from codegen_ext.providers import AsyncCodebase, Codebase

from ..conftest import Flavour
from ..support.loopback import Loopback

SHOP = '''
"""A shop."""
import json
import os
from decimal import Decimal

from .money import rounded, unused

TAX = Decimal("0.2")
OTHER = 5


class Basket:
    """Items to buy."""

    limit = 10

    def __init__(self):
        self.items = []

    def total(self):
        """Sum it up."""
        return with_tax(sum(self.items))


def with_tax(amount):
    return rounded(amount * (1 + TAX))


def unrelated():
    return os.getcwd() + json.dumps(OTHER)
'''


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    package = tmp_path / "little_shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "shop.py").write_text(SHOP.lstrip())
    (package / "money.py").write_text("def rounded(amount):\n    return amount\n\n\nunused = None\n")
    (package / "notes.txt").write_text("one\ntwo\nthree\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("little_shop")]:
        del sys.modules[name]


@pytest.fixture
def shop(root: Path) -> Any:
    return import_module("little_shop.shop")


def headings(prompt: str) -> list[str]:
    return [line.removeprefix("## ") for line in prompt.splitlines() if line.startswith("## ")]


def test_a_function_and_what_it_needs(root: Path, shop: Any) -> None:
    prompt = Codebase(root).build_prompt("Explain", shop.with_tax)
    assert prompt.startswith("Explain\n\n## Target: with_tax (little_shop/shop.py)\n```\ndef with_tax(amount):\n")
    assert headings(prompt)[1:] == ["Needed: imports of shop.py"]
    assert "from .money import rounded, unused" in prompt
    assert "def unused" not in prompt
    assert "import os" not in prompt
    assert "unrelated" not in prompt


def test_a_method_and_the_class_around_it(root: Path, shop: Any) -> None:
    prompt = Codebase(root).build_prompt("Explain", shop.Basket.total)
    assert headings(prompt) == ["Target: Basket.total (little_shop/shop.py)", "Needed: the class around it, Basket"]
    assert "limit = 10" in prompt
    assert "def __init__(self):\n        ..." in prompt
    assert "self.items = []" not in prompt


@pytest.mark.parametrize("target", ["class", "module", "path", "text path"])
def test_other_targets(target: str, root: Path, shop: Any) -> None:
    targets = {"class": shop.Basket, "module": shop, "path": root / "little_shop" / "shop.py"}
    prompt = Codebase(root).build_prompt("Explain", targets.get(target, "little_shop/shop.py"))
    assert "def total(self):" in prompt
    assert prompt.count("def with_tax") == (target != "class")


@pytest.mark.parametrize("target", ["little_shop/shop.py:25-26", ("little_shop/shop.py", 25, 26)])
def test_a_line_range(target: Any, root: Path) -> None:
    prompt = Codebase(root).build_prompt("Explain", target)
    assert (
        "## Target: little_shop/shop.py, lines 25 to 26\n```\n"
        + textwrap.dedent("""\
        def with_tax(amount):
            return rounded(amount * (1 + TAX))
        ```""")
        in prompt
    )
    assert headings(prompt)[1:] == ["Needed: imports of shop.py"]


def test_a_folder_and_a_text_file(root: Path) -> None:
    codebase = Codebase(root)
    assert [line for line in headings(codebase.build_prompt("x", "little_shop")) if line.startswith("Target")] == [
        "Target: little_shop/money.py",
        "Target: little_shop/shop.py",
    ]
    assert "## Target: little_shop/notes.txt, lines 2 to 2\n```\ntwo\n```" in codebase.build_prompt(
        "x", "little_shop/notes.txt:2"
    )


@pytest.mark.parametrize("is_method", [False, True])
def test_an_object_with_source_as_graph_sitter_has_them(is_method: bool, root: Path) -> None:
    """Such as a Symbol: source, name, filepath, and its dependencies, which have a source too."""
    helper = SimpleNamespace(source="def helper(): ...", name="helper")
    needed: Any = (lambda: [helper, object()]) if is_method else [helper, object()]
    target = SimpleNamespace(source="def f(): helper()", name="f", filepath="a.py", dependencies=needed)
    prompt = Codebase(root).build_prompt("Explain", target)
    assert headings(prompt) == ["Target: f (a.py)", "Needed: used by f (a.py)"]
    assert "def helper(): ..." in prompt


def test_context(root: Path, shop: Any) -> None:
    codebase = Codebase(root)
    assert codebase.build_prompt("x", context="Mind the tax.") == "x\n\n## Context\n```\nMind the tax.\n```"
    named = codebase.build_prompt("x", context={"rule": "Round up.", "caller": shop.unrelated})
    assert headings(named)[:2] == ["Context: rule", "Context: caller"]
    listed = codebase.build_prompt("x", shop.with_tax, [shop.unrelated, "Mind."])
    assert headings(listed)[:3] == [
        "Target: with_tax (little_shop/shop.py)",
        "Context: unrelated (little_shop/shop.py)",
        "Context",
    ]


@pytest.mark.parametrize("budget", [1, 12, 60, 100, 400])
def test_the_budget_holds(budget: int, root: Path, shop: Any) -> None:
    prompt = Codebase(root, token_budget=budget).build_prompt("Explain", "little_shop/shop.py", [shop.with_tax] * 2)
    assert len(prompt) <= len("Explain") + budget * 4 + 2 * prompt.count("## ")
    assert prompt.startswith("Explain")
    assert ("more lines are left out)" in prompt) == (budget in (60, 100))


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("../secret.py", "outside the code base"),
        ("/etc/passwd", "outside the code base"),
        ("link.py", "outside the code base"),
        ("little_shop/none.py", "does not exist"),
        ("little_shop/notes.txt:3-9", "which has 3"),
        ("little_shop/notes.txt:2-1", "not within"),
        (len, "has no source"),
        (5, "has no source"),
    ],
)
def test_what_cannot_be_a_target(target: Any, problem: str, root: Path) -> None:
    (root.parent / "secret.py").write_text("x")
    (root / "link.py").symlink_to("/etc/hostname")
    with pytest.raises(ValidationError, match=problem) as caught:
        Codebase(root).build_prompt("x", target)
    assert caught.value.field == "target"


def test_broken_python_has_no_source_context(root: Path) -> None:
    (root / "broken.py").write_text("def f(:\n")
    assert headings(Codebase(root).build_prompt("x", "broken.py")) == ["Target: broken.py"]


def test_a_codebase_needs_a_folder_and_a_prompt(root: Path) -> None:
    with pytest.raises(ConfigurationError, match="is no folder"):
        Codebase(root / "nothing")
    with pytest.raises(ConfigurationError, match="token_budget"):
        Codebase(root, token_budget=0)
    with pytest.raises(ValidationError, match="blank"):
        Codebase(root).ai(" ")


def test_ai_returns_text(
    root: Path, shop: Any, flavour: Flavour, options: dict[str, Any], openai_service: Loopback
) -> None:
    chosen = {"clock": options["clock"], "openai": options["openai"], "validate_on_creation": False}
    built: Any = flavour._wrap(AsyncCodebase(root, **chosen)) if flavour.is_async else Codebase(root, **chosen)
    with built as codebase:
        assert codebase.ai("Improve this", target=shop.with_tax, context="Be brief.") == "From OpenAI"
    (request,) = openai_service.requests
    content = request.json()["messages"][-1]["content"]
    assert "def with_tax" in content
    assert "Be brief." in content


def test_prompts_at_the_same_time_share_a_client(root: Path, options: dict[str, Any], openai_service: Loopback) -> None:
    async def scene() -> list[str]:
        async with AsyncCodebase(root, clock=options["clock"], openai=options["openai"]) as codebase:
            return await asyncio.gather(codebase.ai("Hi"), codebase.ai("Hello"))

    assert asyncio.run(scene()) == ["From OpenAI"] * 2
    assert [request.method for request in openai_service.requests] == ["POST", "POST"]


def test_a_client_may_be_brought_along(root: Path, named: Callable[..., Any], flavour: Flavour) -> None:
    client = named("openai")
    inner = client._target if flavour.is_async else client
    built: Any = flavour._wrap(AsyncCodebase(root, client=inner)) if flavour.is_async else Codebase(root, client=inner)
    assert built.ai("Hi") == "From OpenAI"
    built.close()
    assert client.generate_response("Hi").content == "From OpenAI"
