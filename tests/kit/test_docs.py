"""The page on testing lists what the kit has."""

from codegen_ext import CodegenClient
from codegen_ext.chatserver import ChatServerClient
from codegen_ext.testing import (
    AsyncMockChatServerClient,
    AsyncMockCodegenClient,
    MockChatServerClient,
    MockCodegenClient,
    pytest_plugin,
)

from ..docs.pages import ROOT, table

PAGE = ROOT / "docs" / "testing.md"


def test_the_mock_client_is_listed() -> None:
    listed = [row["Mock client"].name.partition("(")[0] for row in table(PAGE, "Mock client")]
    own = {name for name in set(dir(MockCodegenClient)) - set(dir(CodegenClient)) if not name.startswith("_")}
    assert sorted(listed) == sorted(own)
    assert own <= set(dir(AsyncMockCodegenClient)) & set(dir(AsyncMockChatServerClient))
    assert own == {name for name in set(dir(MockChatServerClient)) - set(dir(ChatServerClient)) if name[0] != "_"}


def test_the_fixtures_are_listed() -> None:
    listed = [row["Fixture"].name for row in table(PAGE, "Fixture")]
    assert sorted(listed) == sorted(name for name in vars(pytest_plugin) if "codegen" in name)
