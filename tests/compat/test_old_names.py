"""Old import names: the same objects, one warning a package, and an error beside packages that own these names."""

import importlib
import warnings
from pathlib import Path

import pytest

from codegen_ext import oldnames, providers

from ..conftest import COMPAT
from ..docs.pages import ROOT, table
from ..typing.test_typing import checked

MODULES = {
    row["Old module"].name: row["Lives now in"].code for row in table(ROOT / "docs" / "old-names.md", "Old module")
}
NAMES = {
    "codegen.agent codegen.agents.agent": "Agent AsyncAgent",
    "codegen.task codegen.agents.task": "AsyncTask Task",
    "codegen.client.sync_client": "CodegenClient",
    "codegen.client.async_client": "AsyncCodegenClient",
    "codegen.models.enums": "AgentRunStatus MessageType SourceType",
    "codegen.models.responses": "AgentRunResponse AgentRunsResponse UserResponse UsersResponse RepositoriesResponse",
    "codegen.config.client_config": "ClientConfig CodegenConfig ConfigPresets",
    "codegen.exceptions.errors": "BulkOperationError CodegenAPIError RateLimitError TimeoutError WebhookError",
    "codegen.utils.rate_limiter": "RateLimiter",
    "codegen.utils.cache": "CacheManager",
    "codegen.utils.metrics": "MetricsCollector",
    "backend.api": "CodegenClient get_codegen_client retry_on_error WebhookHandler MockCodegenClient",
    "backend.api.testing": "AsyncMockCodegenClient CodegenTestCase MockCodegenClient",
    "claif_cod.client": "AsyncCodexClient CodexClient",
    "chatserver_sdk.client": "AsyncChatServerClient ChatServerClient ChatSession ChatStream create_client",
    "chatserver_sdk.models": "AdminResponse ChatCompletionRequest ChatCompletionResponse Message UsageInfo",
    "chatserver_sdk.exceptions": "ChatServerError NotFoundError UnauthorizedError StreamInterruptedError",
}
"""Names by module; any other is a package, which has the names of its modules."""
NAMES = {module: names.split() for modules, names in NAMES.items() for module in modules.split()}


def names_of(module):
    return NAMES.get(module) or [name for inner in NAMES if inner.startswith(f"{module}.") for name in NAMES[inner]]


def test_every_module_is_documented():
    paths = [path.relative_to(COMPAT).with_suffix("") for path in COMPAT.rglob("*.py")]
    assert {".".join(path.parts).removesuffix(".__init__") for path in paths} == set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_the_same_objects(old_names, module):
    found = importlib.import_module(module)
    homes = [importlib.import_module(home) for home in MODULES[module]]
    names = names_of(module)
    assert names
    for name in {*names, *(name for name in dir(found) if name[:1].isupper())}:
        assert any(getattr(found, name) is getattr(home, name, None) for home in homes), name
    assert Path(found.__file__ or "").is_relative_to(COMPAT)
    namespace = {}
    exec(f"from {module} import *", namespace)
    assert {name for name in names if name[0].isupper()} <= set(namespace)


def test_a_warning_names_the_new_import_once(old_names):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            exec("from codegen.agents.agent import Agent\nimport codegen.client, backend.api, claif_cod.client", {})
    homes = {"codegen": "codegen_ext", "backend.api": "codegen_ext", "claif_cod": "codegen_ext.codex"}
    assert [(str(one.message), one.category, one.filename) for one in caught] == [
        (f"{old} is an old name; import from {new}", DeprecationWarning, "<string>") for old, new in homes.items()
    ]


@pytest.mark.parametrize(("package", "listing"), [("codegen", "top_level.txt"), ("chatserver_sdk", "RECORD")])
def test_another_owner_of_a_name_is_named(old_names, package, listing, tmp_path, monkeypatch):
    for name, owned in (("codegen-sdk-compat", package), ("another-package", package), ("other", f"{package}s")):
        (info := tmp_path / f"{name}-1.0.dist-info").mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / listing).write_text(f"{owned}\n" if listing == "top_level.txt" else f"a.py,,\n{owned}/b.py,,\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ImportError, match=rf"'{package}' belongs to another-package .*uninstall") as caught:
        importlib.import_module(package)
    assert caught.value.name == package


def test_a_backend_of_ones_own_stays(old_names, tmp_path, monkeypatch):
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "models.py").write_text("mine = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert importlib.import_module("backend.models").mine
    assert importlib.import_module("backend.api").CodegenClient


USES = """
from typing import assert_type

import codegen_ext
from backend.api import CodegenClient, MockCodegenClient
from chatserver_sdk.models import Message
from codegen import ConfigPresets
from codegen.agents import Nobody  # type: ignore[attr-defined]
from codegen.agents.agent import Agent
from codegen_ext.testing.mock import MockCall

assert_type(ConfigPresets.production(), codegen_ext.ClientConfig)
assert_type(MockCodegenClient().calls, list[MockCall])
CodegenClient(3)  # type: ignore[arg-type]
Agent.nothing  # type: ignore[attr-defined]
"""


@pytest.mark.slow
def test_editors_know_the_names(tmp_path, monkeypatch):
    (tmp_path / "uses.py").write_text(USES)
    monkeypatch.setenv("MYPYPATH", str(COMPAT))
    # The repository's cache, because a new one takes many seconds to fill.
    done = checked("mypy", f"--cache-dir={ROOT / '.mypy_cache'}", "uses.py", cwd=tmp_path)
    assert done.returncode == 0, done.stdout


def test_graph_sitter_only_when_asked_for_and_not_installed(old_names, tmp_path, monkeypatch):
    oldnames.offer_graph_sitter()
    assert importlib.import_module("graph_sitter.ai.client").get_ai_client is providers.get_ai_client
    oldnames.withdraw_graph_sitter()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("graph_sitter.ai.client")

    (folder := tmp_path / "graph_sitter" / "ai").mkdir(parents=True)
    for path in (folder.parent / "__init__.py", folder / "__init__.py", folder / "client.py"):
        path.write_text("get_ai_client = 'theirs'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    oldnames.offer_graph_sitter()
    assert importlib.import_module("graph_sitter.ai.client").get_ai_client == "theirs"
    assert importlib.import_module("graph_sitter.ai.providers").get_ai_client is providers.get_ai_client
    oldnames.withdraw_graph_sitter()
    assert importlib.import_module("graph_sitter.ai.client").get_ai_client == "theirs"
