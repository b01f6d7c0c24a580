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
    ClientConfig,
    CodegenAPIError,
    CodegenClient,
    CodegenConfig,
    CodexClient,
    ConfigPresets,
    WebhookHandler,
    chatserver,
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
from .pages import ROOT, table

DOCS = ROOT / "docs"
CONTRACT = load.load(load.GENERATED / "contract.json")
CONFIGURATION = table(DOCS / "configuration.md", "Field", "Environment", "Default")
PRESETS = table(DOCS / "configuration.md", "Field", "development")
ERRORS = table(DOCS / "errors.md", "Error", "Kind of", "Status")


def public(thing):
    return {name for name in dir(thing) if not name.startswith("_")}


def arguments(function):
    return [name for name in inspect.signature(function).parameters if name != "self"]


def public_errors():
    found = {name: getattr(codegen_ext, name) for name in codegen_ext.__all__}
    return {name: kind for name, kind in found.items() if isinstance(kind, type) and issubclass(kind, CodegenAPIError)}


def policy_keys(things):
    return {key for thing in things for key in thing.get("x-codegen", ())}


def agent():
    config = ConfigPresets.testing()
    config.api_token = "token"
    return Agent(323, config=config)


LISTS = [
    ("configuration.md", ["Field", "Environment", "Default"], list(settings())),
    ("errors.md", ["Error", "Kind of", "Status"], set(public_errors())),
    ("agents.md", ["Agent"], lambda: public(agent())),
    ("agents.md", ["Task"], lambda: public(agent().run("Show yourself"))),
    ("agents.md", ["Argument"], arguments(Agent.run)),
    ("testing.md", ["Fault"], public(Fault) - {field.name for field in fields(Fault)}),
    ("testing.md", ["Script"], [field.name for field in fields(Script)]),
    ("testing.md", ["Sandbox"], public(Sandbox())),
    ("testing.md", ["Argument"], arguments(Sandbox)),
    ("webhooks.md", ["Event"], list(EVENTS)),
    ("webhooks.md", ["Argument"], arguments(WebhookHandler)),
    ("webhooks.md", ["Method"], public(WebhookHandler)),
    ("health.md", ["Method"], public(HealthMonitor) - {"after_fork"}),
    ("chatserver.md", ["Error", "Status"], {name for name in chatserver.__all__ if name.endswith("Error")}),
    ("chatserver.md", ["ChatStream"], public(chatserver.ChatStream) | {"for piece in stream"}),
    ("contract.md", ["Key of an operation"], policy_keys(call for _, _, call in load.each_operation(CONTRACT))),
    ("contract.md", ["Key of a schema"], policy_keys(CONTRACT["components"]["schemas"].values())),
    ("codex.md", ["Argument", "Environment", "Default"], arguments(CodexClient)),
    ("enhanced-ai-providers.md", ["Provider", "Credentials"], set(provider_names())),
    ("enhanced-ai-providers.md", ["Field"], [field.name for field in attrs.fields(AIResponse)]),
]
"""Tables and what their first column lists, in this order where it is a list."""


@pytest.mark.parametrize(("page", "head", "things"), LISTS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_table_lists_all_there_is_and_nothing_else(page, head, things):
    things = things() if callable(things) else things
    cells = [name for row in table(DOCS / page, *head) for name in row[head[0]].code]
    found = [name.removeprefix("Fault.").partition("(")[0] for name in cells]
    if isinstance(things, set):
        found, things = sorted(found), sorted(things)
    assert found == things


@pytest.mark.parametrize("row", CONFIGURATION, ids=lambda row: row["Field"].name)
def test_configuration_of_a_field(row):
    variables, default = settings()[row["Field"].name]
    assert row["Environment"].code == variables
    assert ast.literal_eval(row["Default"].name) == default
    for alias in row["Other name"].code:
        value = default + type(default)(1)
        config = CodegenConfig(**{alias: value})
        assert (getattr(config, alias), getattr(config, row["Field"].name)) == (value, value)


def test_configuration_lists_every_other_name():
    assert {name for row in CONFIGURATION for name in row["Other name"].code} == set(CodegenConfig.aliases)


@pytest.mark.parametrize("preset", ["development", "production", "high_performance", "testing"])
def test_presets(preset):
    plain, made = ClientConfig(), getattr(ConfigPresets, preset)()
    differing = {name: value for name in settings() if (value := getattr(made, name)) != getattr(plain, name)}
    listed = {row["Field"].name: ast.literal_eval(row[preset].name) for row in PRESETS if row[preset].code}
    if preset == "testing":
        assert differing.pop("base_url") == Sandbox().base_url
        assert differing.pop("transport")
    assert listed == differing


@pytest.mark.parametrize("row", ERRORS, ids=lambda row: row["Error"].name)
def test_an_error(row):
    kind = public_errors()[row["Error"].name]
    assert row["Kind of"].code == [base.__name__ for base in kind.__bases__]
    inherited = set[str]().union(*(public(base("text")) for base in kind.__bases__))
    assert set(row["Attributes"].code) == public(kind("text")) - inherited


STATUSES = [(int(status.replace("x", "0")), row["Error"].name) for row in ERRORS for status in row["Status"].code]


@pytest.mark.parametrize(("status", "name"), STATUSES)
def test_the_status_of_an_error(status, name):
    sandbox = Sandbox()
    sandbox.inject("get_current_user", Fault.status(status))
    config = ClientConfig(
        api_token=sandbox.token, base_url=sandbox.base_url, transport=sandbox.transport(), max_retries=0
    )
    with CodegenClient(config) as client, pytest.raises(CodegenAPIError) as caught:
        client.get_current_user()
    assert type(caught.value).__name__ == name


def test_events_and_refusals_of_webhooks_have_their_statuses():
    page = DOCS / "webhooks.md"
    assert [row["Status in the data"].name for row in table(page, "Event")] == list(RUN_EVENTS.values())
    assert {row["Reason"].name: int(row["Status"].name) for row in table(page, "Reason", "Status")} == STATUS_OF


def test_arguments_and_defaults_of_codex_are_listed():
    rows = table(DOCS / "codex.md", "Argument", "", "What happens")
    listed = [row["Argument"].name for row in rows if row[""].text != "ignored"]
    assert sorted(listed) == sorted(["messages", "stream", *get_type_hints(HonoredArguments)])
    rows = table(DOCS / "codex.md", "Argument", "Environment", "Default")
    defaults = [parameter.default for parameter in inspect.signature(CodexClient).parameters.values()]
    assert [ast.literal_eval(row["Default"].name) for row in rows] == defaults


def test_what_providers_cost_and_hand_over_is_listed():
    page = DOCS / "enhanced-ai-providers.md"
    for row in table(page, "Provider", "Credentials"):
        assert (row["Costs a run"].text == "yes") is build(row["Provider"].name, {}).features["creates_runs"]
    for row in table(page, "Failure", "Error"):
        if row["Error"].name:
            assert getattr(providers, row["Error"].name).hands_over is (row["The next provider is asked"].text == "yes")
