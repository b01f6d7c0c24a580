"""Old import names: the same objects, one warning each, and no fight with packages that own these names."""

import importlib
import subprocess
import sys
import types
import warnings
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from codegen_ext import oldnames
from tools import compat

from ..docs.pages import ROOT, table
from ..support.old_names import forget

NAMES = [
    (module, home, name)
    for module, homes in compat.MODULES.items()
    for home, names in homes.items()
    for name in sorted(set(names.split()))
]
LISTED = (
    "codegen codegen.agents.agent codegen.agents.task codegen.client.sync_client codegen.client.async_client "
    "codegen.models.enums codegen.models.responses codegen.config.client_config codegen.exceptions.errors "
    "codegen.utils.rate_limiter codegen.utils.cache codegen.utils.metrics codegen.agent codegen.task backend.api "
    "backend.api.testing claif_cod chatserver_sdk chatserver_sdk.exceptions"
)


@pytest.fixture(autouse=True)
def owners() -> Iterator[None]:
    oldnames._owners.cache_clear()
    yield
    oldnames._owners.cache_clear()


def test_the_tree_is_what_the_table_makes() -> None:
    assert compat.differences() == [], "run `make generate`"
    assert set(LISTED.split()) <= set(compat.MODULES)


def test_the_table_is_documented() -> None:
    rows = table(ROOT / "docs" / "old-names.md", "Old module")
    listed = {row["Old module"].name: row["Lives now in"].code for row in rows}
    assert listed == {module: list(homes) for module, homes in compat.MODULES.items()}


@pytest.mark.parametrize("module", compat.MODULES)
def test_a_module_offers_the_same_objects(quiet_old_names: None, module: str) -> None:
    found = importlib.import_module(module)
    homes = compat.MODULES[module]
    expected = {name: home for home, names in homes.items() for name in names.split()}
    assert dir(found) == sorted(expected)
    assert set(expected) - set(found.__all__) == set(compat._OPTIONAL) & set(expected), "`import *` needs no extra"
    for name, home in expected.items():
        assert getattr(found, name) is getattr(importlib.import_module(home), name)
    with pytest.raises(AttributeError, match=f"{module!r} has no attribute 'Nothing'"):
        _ = found.Nothing
    assert Path(found.__file__ or "").is_relative_to(compat.TREE)


@pytest.mark.parametrize("module", compat.MODULES)
def test_a_module_only_re_exports(module: str) -> None:
    path = compat.TREE.joinpath(*module.split("."))
    source = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
    assert "class " not in source
    assert "def " not in source


def test_isinstance_works_across_names(quiet_old_names: None) -> None:
    from codegen.agents.agent import Agent  # type: ignore[import-not-found]
    from codegen.exceptions import ValidationError  # type: ignore[import-not-found]

    import codegen_ext
    from codegen_ext.testing import MockCodegenClient

    with MockCodegenClient() as client:
        assert isinstance(Agent(323, client=client), codegen_ext.Agent)
        assert isinstance(codegen_ext.Agent(323, client=client), Agent)
        with pytest.raises(ValidationError):
            client.get_agent_run(323, "no number")


def test_a_warning_names_the_new_import_once(old_names: None) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            exec("from codegen.agents.agent import Agent\nfrom codegen.agents import Agent as Same\n", {})
        exec("import codegen.client\ncodegen.client.CodegenClient\n", {})
    assert [(str(one.message), one.category) for one in caught] == [
        (
            f"{module} is an old name; write `from codegen_ext import {module.rpartition('.')[2]}`",
            DeprecationWarning,
        )
        for module in ("codegen.agents.agent.Agent", "codegen.agents.Agent", "codegen.client.CodegenClient")
    ]
    assert {one.filename for one in caught} == {"<string>"}, "it points to who wrote the old name"


def test_importing_a_module_alone_warns_of_nothing(old_names: None) -> None:
    for module in compat.MODULES:
        importlib.import_module(module)


@pytest.mark.parametrize(
    ("package", "module"),
    [("codegen", "codegen.agents"), ("backend", "backend.api"), ("claif_cod", ""), ("chatserver_sdk", "")],
)
def test_another_owner_of_a_name_is_named(
    old_names: None, package: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = {package: ["codegen-sdk-compat", "somebodys-package"], "other": ["other"]}
    monkeypatch.setattr(metadata, "packages_distributions", lambda: table)
    with pytest.raises(ImportError, match=rf"'{package}' belongs to somebodys-package .*uninstall") as caught:
        importlib.import_module(module or package)
    assert caught.value.name == package
    forget()
    oldnames._owners.cache_clear()
    table[package] = ["codegen-sdk-compat"]
    importlib.import_module(module or package)


def test_a_backend_of_ones_own_stays(old_names: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "models.py").write_text("mine = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert importlib.import_module("backend.models").mine
    assert importlib.import_module("backend.api").__all__


def test_editors_know_the_names(tmp_path: Path) -> None:
    (tmp_path / "use.py").write_text(
        "from backend.api import CodegenClient, MockCodegenClient\n"
        "from codegen.agents.agent import Agent\n"
        "from codegen.config import ConfigPresets\n"
        "reveal_type(Agent)\n"
        "reveal_type(ConfigPresets.production())\n"
        "reveal_type(MockCodegenClient().calls)\n"
        "CodegenClient(3)\n"
        "from codegen.agents import Nobody\n"
    )
    # The repository's cache, because a new one takes many seconds to fill.
    options = ["--strict", "--no-error-summary", "--show-error-codes", f"--cache-dir={ROOT / '.mypy_cache'}"]
    command = [sys.executable, "-m", "mypy", *options, "use.py"]
    path = {"MYPYPATH": str(compat.TREE), "PATH": "/usr/bin"}
    done = subprocess.run(command, cwd=tmp_path, env=path, capture_output=True, text=True, check=False)
    assert "agent.Agent" in done.stdout
    assert '"codegen_ext.config.ClientConfig"' in done.stdout
    assert "codegen_ext.testing.mock.MockCall" in done.stdout
    errors = [line.rpartition("[")[2] for line in done.stdout.splitlines() if ": error:" in line]
    assert errors == ["arg-type]", "attr-defined]"], done.stdout


class Providers(types.ModuleType):
    """Stands for what the providers offer, so that this test needs none of them."""

    __all__ = ("get_ai_client",)

    @staticmethod
    def get_ai_client() -> str:
        return "a client"


@pytest.fixture
def offered(old_names: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "codegen_ext.providers", Providers("codegen_ext.providers"))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    oldnames.offer_graph_sitter()
    yield
    oldnames.withdraw_graph_sitter()


def test_graph_sitter_is_not_there_unasked(old_names: None) -> None:
    for module in ("graph_sitter", "graph_sitter.ai.client", "graph_sitter.ai.providers"):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(module)
    assert not (compat.TREE / "graph_sitter").exists()


def test_graph_sitter_when_asked_for(offered: None) -> None:
    oldnames.offer_graph_sitter()
    finders = [finder for finder in sys.meta_path if type(finder).__module__ == oldnames.__name__]
    assert finders == [sys.meta_path[-1]], "once, and at the end"
    with pytest.warns(DeprecationWarning, match=r"write `from codegen_ext\.providers import get_ai_client`"):
        exec("from graph_sitter.ai.client import get_ai_client\nassert get_ai_client() == 'a client'", {})
    with pytest.warns(DeprecationWarning, match=r"graph_sitter\.ai\.providers\.get_ai_client"):
        exec("from graph_sitter.ai.providers import *\nassert get_ai_client", {})
    with pytest.raises(ImportError):
        exec("from graph_sitter.ai.client import nobody", {})
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("graph_sitter.other")
    oldnames.withdraw_graph_sitter()
    oldnames.withdraw_graph_sitter()
    forget()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("graph_sitter.ai.client")


def test_an_installed_graph_sitter_goes_first(offered: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "graph_sitter" / "ai").mkdir(parents=True)
    (tmp_path / "graph_sitter" / "__init__.py").write_text("real = True\n")
    (tmp_path / "graph_sitter" / "ai" / "__init__.py").write_text("")
    (tmp_path / "graph_sitter" / "ai" / "client.py").write_text("get_ai_client = 'theirs'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert importlib.import_module("graph_sitter").real
    assert importlib.import_module("graph_sitter.ai.client").get_ai_client == "theirs"
    with pytest.warns(DeprecationWarning, match="is an old name"):
        assert importlib.import_module("graph_sitter.ai.providers").get_ai_client() == "a client"
