"""The reference tables list what the package has: no less, no more, and with the same values."""

import ast
import inspect
from dataclasses import fields
from typing import get_type_hints

import attrs
import pytest

import codegen_ext
from codegen_ext import (
    Agent,
    AsyncAgent,
    AsyncTask,
    ClientConfig,
    CodegenAPIError,
    CodegenClient,
    CodegenConfig,
    CodexClient,
    ConfigPresets,
    Task,
    WebhookHandler,
    providers,
)
from codegen_ext._sync.health import HealthMonitor
from codegen_ext.codex.arguments import HonoredArguments
from codegen_ext.providers import AIResponse
from codegen_ext.providers._sync.factory import build
from codegen_ext.providers.registry import names as provider_names
from codegen_ext.testing import Fault, Sandbox, Script
from codegen_ext.webhooks import EVENTS
from codegen_ext.webhooks.errors import STATUSES as STATUS_OF
from codegen_ext.webhooks.events import RUN_EVENTS
from tools import load

from .facts import settings
from .pages import ROOT, Cell, table

DOCS = ROOT / "docs"
CONFIGURATION = table(DOCS / "configuration.md", "Field", "Environment", "Default")
PRESETS = table(DOCS / "configuration.md", "Field", "development")
ERRORS = table(DOCS / "errors.md", "Error", "Kind of", "Status")


def names(rows: list[dict[str, Cell]], heading: str) -> list[str]:
    return [row[heading].name for row in rows]


def public(thing: object) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def test_configuration_lists_every_field_in_order() -> None:
    assert names(CONFIGURATION, "Field") == list(settings())


@pytest.mark.parametrize("row", CONFIGURATION, ids=lambda row: row["Field"].name)
def test_configuration_of_a_field(row: dict[str, Cell]) -> None:
    variables, default = settings()[row["Field"].name]
    assert row["Environment"].code == variables
    assert ast.literal_eval(row["Default"].name) == default
    for alias in row["Other name"].code:
        value = default + type(default)(1)
        config = CodegenConfig(**{alias: value})
        assert (getattr(config, alias), getattr(config, row["Field"].name)) == (value, value)


def test_configuration_lists_every_other_name() -> None:
    assert {name for row in CONFIGURATION for name in row["Other name"].code} == set(CodegenConfig.aliases)


@pytest.mark.parametrize("preset", ["development", "production", "high_performance", "testing"])
def test_presets(preset: str) -> None:
    plain, made = ClientConfig(), getattr(ConfigPresets, preset)()
    differing = {name: value for name in settings() if (value := getattr(made, name)) != getattr(plain, name)}
    listed = {row["Field"].name: ast.literal_eval(row[preset].name) for row in PRESETS if row[preset].code}
    if preset == "testing":
        assert differing.pop("base_url") == Sandbox().base_url
        assert differing.pop("transport")
    assert listed == differing


def public_errors() -> dict[str, type[CodegenAPIError]]:
    found = {name: getattr(codegen_ext, name) for name in codegen_ext.__all__}
    return {name: kind for name, kind in found.items() if isinstance(kind, type) and issubclass(kind, CodegenAPIError)}


def test_errors_lists_every_public_error() -> None:
    assert sorted(names(ERRORS, "Error")) == sorted(public_errors())


@pytest.mark.parametrize("row", ERRORS, ids=lambda row: row["Error"].name)
def test_an_error(row: dict[str, Cell]) -> None:
    kind = public_errors()[row["Error"].name]
    assert row["Kind of"].code == [base.__name__ for base in kind.__bases__]
    inherited = set[str]().union(*(public(base("text")) for base in kind.__bases__))
    assert set(row["Attributes"].code) == public(kind("text")) - inherited


STATUSES = [(int(status.replace("x", "0")), row["Error"].name) for row in ERRORS for status in row["Status"].code]


@pytest.mark.parametrize(("status", "name"), STATUSES)
def test_the_status_of_an_error(status: int, name: str) -> None:
    sandbox = Sandbox()
    sandbox.inject("get_current_user", Fault.status(status))
    config = ClientConfig(api_token=sandbox.token, base_url=sandbox.base_url, transport=sandbox.transport())
    with CodegenClient(config) as client, pytest.raises(CodegenAPIError) as caught:
        client.get_current_user()
    assert type(caught.value).__name__ == name


@pytest.mark.parametrize(
    ("page", "heading", "kind", "twin"),
    [
        ("agents.md", "Agent", Agent, AsyncAgent),
        ("agents.md", "Task", Task, AsyncTask),
    ],
)
def test_a_class_is_listed_whole(page: str, heading: str, kind: type, twin: type) -> None:
    listed = [name.partition("(")[0] for row in table(DOCS / page, heading) for name in row[heading].code]
    config = ConfigPresets.testing()
    config.api_token = "token"
    with Agent(323, config=config) as agent:
        instance = agent if kind is Agent else agent.run("Show yourself")
    assert sorted(listed) == sorted(public(instance))
    assert public(kind) == public(twin)


def test_the_arguments_of_run_are_listed() -> None:
    parameters = [name for name in inspect.signature(Agent.run).parameters if name != "self"]
    assert names(table(DOCS / "agents.md", "Argument"), "Argument") == parameters


def test_faults_and_scripts_are_listed() -> None:
    rows = table(DOCS / "testing.md", "Fault")
    listed = [row["Fault"].name.removeprefix("Fault.").partition("(")[0] for row in rows]
    assert sorted(listed) == sorted(public(Fault) - {field.name for field in fields(Fault)})
    assert names(table(DOCS / "testing.md", "Script"), "Script") == [field.name for field in fields(Script)]


def test_the_sandbox_is_listed() -> None:
    listed = [row["Sandbox"].name.partition("(")[0] for row in table(DOCS / "testing.md", "Sandbox")]
    assert sorted(listed) == sorted(public(Sandbox()))
    assert names(table(DOCS / "testing.md", "Argument"), "Argument") == list(inspect.signature(Sandbox).parameters)


def test_the_policy_keys_of_the_contract_are_listed() -> None:
    operations, schemas = set[str](), set[str]()
    contract = load.load()
    for item in contract["paths"].values():
        for method in load.METHODS:
            operations |= set(item.get(method, {}).get("x-codegen", ()))
    for schema in contract["components"]["schemas"].values():
        schemas |= set(schema.get("x-codegen", ()))
    assert set(names(table(DOCS / "contract.md", "Key of an operation"), "Key of an operation")) == operations
    assert set(names(table(DOCS / "contract.md", "Key of a schema"), "Key of a schema")) == schemas


def test_webhooks_are_listed() -> None:
    page = DOCS / "webhooks.md"
    assert names(table(page, "Event"), "Event") == list(EVENTS)
    assert [row["Status in the data"].name for row in table(page, "Event")] == list(RUN_EVENTS.values())
    assert {row["Reason"].name: int(row["Status"].name) for row in table(page, "Reason", "Status")} == STATUS_OF
    parameters = list(inspect.signature(WebhookHandler).parameters)
    assert names(table(page, "Argument"), "Argument") == parameters
    listed = [row["Method"].name.partition("(")[0] for row in table(page, "Method")]
    assert sorted(listed) == sorted(public(WebhookHandler))


def test_the_health_monitor_is_listed() -> None:
    listed = [row["Method"].name.partition("(")[0] for row in table(DOCS / "health.md", "Method")]
    assert sorted(listed) == sorted(public(HealthMonitor) - {"after_fork"})


def test_the_arguments_of_a_codex_completion_are_listed() -> None:
    rows = table(DOCS / "codex.md", "Argument", "", "What happens")
    listed = [row["Argument"].name for row in rows if row[""].text != "ignored"]
    assert sorted(listed) == sorted(["messages", "stream", *get_type_hints(HonoredArguments)])


def test_the_settings_of_the_codex_client_are_listed() -> None:
    rows = table(DOCS / "codex.md", "Argument", "Environment", "Default")
    parameters = list(inspect.signature(CodexClient).parameters.values())
    assert names(rows, "Argument") == [item.name for item in parameters]
    assert [ast.literal_eval(row["Default"].name) for row in rows] == [item.default for item in parameters]


def test_providers_are_listed() -> None:
    page = DOCS / "enhanced-ai-providers.md"
    rows = table(page, "Provider", "Credentials")
    assert {row["Provider"].name: row["Costs a run"].text == "yes" for row in rows} == {
        name: build(name, {}).features["creates_runs"] for name in provider_names()
    }
    assert names(table(page, "Field"), "Field") == [field.name for field in attrs.fields(AIResponse)]
    for row in table(page, "Failure", "Error"):
        if row["Error"].name:
            assert getattr(providers, row["Error"].name).hands_over is (row["The next provider is asked"].text == "yes")
