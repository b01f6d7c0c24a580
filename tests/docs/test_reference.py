"""The pages say what the package has: tables, no less and no more, and sentences, with the same names and values."""

import ast
import inspect
import re
from collections import defaultdict
from dataclasses import fields
from typing import get_type_hints

import attrs
import pytest
from codegen_api.operations import OPERATIONS

import codegen_ext
from codegen_ext import CodegenAPIError, chatserver, integrations, providers, retry, run_watch, testing, webhooks
from codegen_ext._sync.health import HealthMonitor
from codegen_ext.codex.arguments import HonoredArguments
from codegen_ext.integrations import celery, django, fastapi, flask
from codegen_ext.providers import AIResponse
from codegen_ext.providers._sync.factory import build
from codegen_ext.providers.registry import names as provider_names
from codegen_ext.testing import Fault, Sandbox, Script
from codegen_ext.testing import webhooks as calls
from codegen_ext.webhooks import EVENTS, signing
from codegen_ext.webhooks.errors import STATUSES as STATUS_OF
from codegen_ext.webhooks.events import RUN_EVENTS
from tools import load

from .pages import PAGES, ROOT, spans, table

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
DOCS = ROOT / "docs"
CONTRACT = load.load(load.GENERATED / "contract.json")
CONFIGURATION = table(DOCS / "configuration.md", "Field", "Environment", "Default")
PRESETS = table(DOCS / "configuration.md", "Field", "development")
ERRORS = table(DOCS / "errors.md", "Error", "Kind of", "Status")


def public(thing):
    return {name for name in dir(thing) if not name.startswith("_")}


def arguments(function):
    return [name for name in inspect.signature(function).parameters if name != "self"]


def policy_keys(things):
    return {key for thing in things for key in thing.get("x-codegen", ())}


def agent():
    config = codegen_ext.ConfigPresets.testing()
    config.api_token = "token"
    return codegen_ext.Agent(323, config=config)


LISTS = [
    ("configuration.md", ["Field", "Environment", "Default"], list(codegen_ext.ClientConfig.settings)),
    ("errors.md", ["Error", "Kind of", "Status"], {name for name in codegen_ext.__all__ if name.endswith("Error")}),
    ("agents.md", ["Agent"], lambda: public(agent())),
    ("agents.md", ["Task"], lambda: public(agent().run("Show yourself"))),
    ("agents.md", ["Argument"], arguments(codegen_ext.Agent.run)),
    ("testing.md", ["Fault"], public(Fault) - {field.name for field in fields(Fault)}),
    ("testing.md", ["Script"], [field.name for field in fields(Script)]),
    ("testing.md", ["Sandbox"], public(Sandbox())),
    ("testing.md", ["Argument"], arguments(Sandbox)),
    ("webhooks.md", ["Event"], list(EVENTS)),
    ("webhooks.md", ["Argument"], arguments(codegen_ext.WebhookHandler)),
    ("webhooks.md", ["Method"], public(codegen_ext.WebhookHandler)),
    ("health.md", ["Method"], public(HealthMonitor) - {"after_fork"}),
    ("chatserver.md", ["Error", "Status"], {name for name in chatserver.__all__ if name.endswith("Error")}),
    ("chatserver.md", ["ChatStream"], public(chatserver.ChatStream) | {"for piece in stream"}),
    ("contract.md", ["Key of an operation"], policy_keys(call for _, _, call in load.each_operation(CONTRACT))),
    ("contract.md", ["Key of a schema"], policy_keys(CONTRACT["components"]["schemas"].values())),
    ("codex.md", ["Argument", "Environment", "Default"], arguments(codegen_ext.CodexClient)),
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
    declared = codegen_ext.ClientConfig.settings[row["Field"].name]
    assert row["Environment"].code == list(declared.variables)
    assert ast.literal_eval(row["Default"].name) == declared.default
    for alias in row["Other name"].code:
        value = declared.default + type(declared.default)(1)
        config = codegen_ext.CodegenConfig(**{alias: value})
        assert (getattr(config, alias), getattr(config, row["Field"].name)) == (value, value)


def test_configuration_lists_every_other_name():
    assert {name for row in CONFIGURATION for name in row["Other name"].code} == set(codegen_ext.CodegenConfig.aliases)


@pytest.mark.parametrize("preset", ["development", "production", "high_performance", "testing"])
def test_presets(preset):
    plain, made = codegen_ext.ClientConfig(), getattr(codegen_ext.ConfigPresets, preset)()
    differing = {name: getattr(made, name) for name in made.settings if getattr(made, name) != getattr(plain, name)}
    listed = {row["Field"].name: ast.literal_eval(row[preset].name) for row in PRESETS if row[preset].code}
    if preset == "testing":
        assert differing.pop("base_url") == Sandbox().base_url
        assert differing.pop("transport")
    assert listed == differing


@pytest.mark.parametrize("row", ERRORS, ids=lambda row: row["Error"].name)
def test_an_error(row):
    kind = getattr(codegen_ext, row["Error"].name)
    assert row["Kind of"].code == [base.__name__ for base in kind.__bases__]
    inherited = set[str]().union(*(public(base("text")) for base in kind.__bases__))
    assert set(row["Attributes"].code) == public(kind("text")) - inherited


STATUSES = [(int(status.replace("x", "0")), row["Error"].name) for row in ERRORS for status in row["Status"].code]


@pytest.mark.parametrize(("status", "name"), STATUSES)
def test_the_status_of_an_error(status, name):
    sandbox = Sandbox()
    sandbox.inject("get_current_user", Fault.status(status))
    config = codegen_ext.ClientConfig(
        api_token=sandbox.token, base_url=sandbox.base_url, transport=sandbox.transport(), max_retries=0
    )
    with codegen_ext.CodegenClient(config) as client, pytest.raises(CodegenAPIError) as caught:
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
    defaults = [parameter.default for parameter in inspect.signature(codegen_ext.CodexClient).parameters.values()]
    assert [ast.literal_eval(row["Default"].name) for row in rows] == defaults


def test_what_providers_cost_and_hand_over_is_listed():
    page = DOCS / "enhanced-ai-providers.md"
    for row in table(page, "Provider", "Credentials"):
        assert (row["Costs a run"].text == "yes") is build(row["Provider"].name, {}).features["creates_runs"]
    for row in table(page, "Failure", "Error"):
        if row["Error"].name:
            assert getattr(providers, row["Error"].name).hands_over is (row["The next provider is asked"].text == "yes")


# Sentences

SUFFIXES = (".py", ".yaml", ".json", ".jinja")
SOURCES = ("codegen_ext", "generated", "compat", "spec", "tools", "examples", "benchmarks")
OF_OTHERS = {  # settings and arguments of Celery, httpx, openai, uvicorn, GitHub Actions and the operating system
    *("acks_late", "broker_transport_options", "visibility_timeout", "worker_prefetch_multiplier", "prefork"),
    *("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_DIR", "SSL_CERT_FILE", "UPSTREAM_SPEC"),
    *("dependency_overrides", "stream_options"),
    *("get_things_by_thing_id", "sub_application", "ODD_WORD"),  # invented by an example
}
"""Names that a page may mention though no file of ours has them."""

MODULES = (codegen_ext, chatserver, providers, testing, webhooks, integrations, celery, django, fastapi, flask, calls)
FILES = [path for folder in SOURCES for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
FILES += [ROOT / "Makefile", ROOT / "pyproject.toml"]
WORDS = OF_OTHERS.union(*(re.findall(r"[A-Za-z_]\w*", path.read_text(encoding="utf-8")) for path in FILES))


def callables():
    """Return the public functions, classes and methods by name."""
    found = defaultdict(list)
    for module in MODULES:
        for name in {*getattr(module, "__all__", ()), *public(module)}:
            value = getattr(module, name)
            if not str(getattr(value, "__module__", "")).startswith("codegen"):
                continue
            members = public(value) if isinstance(value, type) else ()
            for each, function in [(name, value), *((member, getattr(value, member)) for member in members)]:
                if callable(function):
                    found[each].append(function)
    return found


CALLABLES = callables()


@pages
def test_names_exist(page):
    missing = {
        span
        for span in spans(page)
        for word in re.findall(r"(?<![\w.:/-])[A-Za-z]\w*", re.sub(r"'[^']*'|\"[^\"]*\"", "", span))
        if ("_" in word or re.fullmatch(r"(?:[A-Z][a-z]+){2,}", word))
        # The Prometheus client adds the ending to the name of a counter.
        and word.removesuffix("_total") not in WORDS
    }
    assert missing == set()


def test_the_example_of_an_environment_names_what_is_read_and_holds_no_credential():
    lines = re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    assert {name for name, _ in lines} <= WORDS
    assert {value[:5] for name, value in lines if name.endswith(("_TOKEN", "_KEY"))} == {"your-"}


@pages
def test_arguments_exist_and_defaults_are_right(page):
    for span in spans(page):
        try:
            call = ast.parse(span.replace("…", "...").removeprefix("await "), mode="eval").body
        except SyntaxError:
            continue
        if not isinstance(call, ast.Call) or not call.keywords:
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        matches = [inspect.signature(function).parameters for function in CALLABLES.get(name, ())]
        keywords = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        takes_all = [found for found in matches if keywords.keys() <= {*found, *codegen_ext.ClientConfig.settings}]
        assert takes_all or not matches, f"{span}: no {name} takes {sorted(keywords)}"
        bare = {argument.id for argument in call.args if isinstance(argument, ast.Name)}
        defined = [found for found in takes_all if bare <= found.keys()]
        if not bare or not defined:
            continue  # a call, whose values are not defaults
        shown = {key: ast.literal_eval(value) for key, value in keywords.items() if isinstance(value, ast.Constant)}
        defaults = [{key: found[key].default for key in shown if key in found} for found in defined]
        assert shown in defaults, f"{span}: the defaults are {defaults}"


READS = OPERATIONS["get_agent_run"].rate_limit
CREATES = OPERATIONS["create_agent_run"].rate_limit
MODELS = OPERATIONS["list_models"]
NUMBERS = [
    ("waiting.md", r"when it stays the\s+same for an hour \((\d+) s\)", run_watch.PATIENCE),
    ("waiting.md", r"a service that is unavailable for an hour \((\d+) s\)", run_watch.PATIENCE),
    ("waiting.md", r"Pauses then double\s+from (\d+) s to `poll_interval`", run_watch.FIRST_PAUSE),
    ("waiting.md", r"the documented limit \((\d+) reads in", READS.requests),
    ("waiting.md", r"reads in (\d+) s\)", READS.seconds),
    ("streams.md", r"for an hour \((\d+) s\)", run_watch.PATIENCE),
    ("chatserver.md", r"The list of models is \[kept\]\(cache.md\) for (\d+) s", MODELS.cache_seconds),
    ("limits.md", r"for the limit of create_agent_run \((\d+) per", CREATES.requests),
    ("limits.md", r"of create_agent_run \(\d+ per (\d+) s\)", CREATES.seconds),
    ("reliability.md", r"repetition, never more than (\d+) s", retry.LONGEST_PAUSE),
    ("webhooks.md", r"older than 5 minutes \((\d+) s\)", signing.TOLERANCE),
]


@pytest.mark.parametrize(("page", "pattern", "value"), NUMBERS)
def test_numbers_are_those_of_the_code(page, pattern, value):
    found = re.findall(pattern, (ROOT / "docs" / page).read_text(encoding="utf-8"))
    assert [float(number) for number in found] == [value]
