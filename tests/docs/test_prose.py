"""Names, arguments and defaults that sentences of the pages mention exist, and numbers are those of the code."""

import ast
import inspect
import re
from collections import defaultdict

import pytest
from codegen_api.operations import OPERATIONS

import codegen_ext
from codegen_ext import chatserver, integrations, providers, retry, run_watch, testing, webhooks
from codegen_ext.integrations import celery, django, fastapi, flask
from codegen_ext.testing import webhooks as calls
from codegen_ext.webhooks import signing

from .facts import environment_variables, settings
from .pages import PAGES, ROOT, spans

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)

SOURCES = ("codegen_ext", "generated", "compat", "spec", "tools", "examples", "benchmarks")
OF_OTHERS = {  # settings and arguments of Celery, httpx, openai, uvicorn, GitHub Actions and the operating system
    *("acks_late", "broker_transport_options", "visibility_timeout", "worker_prefetch_multiplier", "prefork"),
    *("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_DIR", "SSL_CERT_FILE", "UPSTREAM_SPEC"),
    *("dependency_overrides", "stream_options"),
    *("get_things_by_thing_id", "sub_application", "ODD_WORD"),  # invented by an example
}
"""Names that a page may mention though no file of ours has them."""

MODULES = (codegen_ext, chatserver, providers, testing, webhooks, integrations, celery, django, fastapi, flask, calls)


def words():
    """Return every word of the sources."""
    files = [
        path
        for folder in SOURCES
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".yaml", ".json", ".jinja")
    ]
    files += [ROOT / "Makefile", ROOT / "pyproject.toml"]
    return {word for path in files for word in re.findall(r"[A-Za-z_]\w*", path.read_text(encoding="utf-8"))}


def callables():
    """Return the public functions, classes and methods by name."""
    found = defaultdict(list)
    for module in MODULES:
        for name in [*getattr(module, "__all__", ()), *vars(module)]:
            value = getattr(module, name)
            if name.startswith("_") or not str(getattr(value, "__module__", "")).startswith("codegen"):
                continue
            found[name].append(value)
            if isinstance(value, type):
                for member in dir(value):
                    if not member.startswith("_") and callable(getattr(value, member)):
                        found[member].append(getattr(value, member))
    return {name: [function for function in group if callable(function)] for name, group in found.items()}


WORDS = words() | OF_OTHERS
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
    assert {name for name, _ in lines} <= environment_variables() | WORDS | {"OPENAI_BASE_URL"}
    assert {value[:5] for name, value in lines if name.endswith(("_TOKEN", "_KEY"))} == {"your-"}


def signatures(page):
    """Return the pieces of code that call one of our functions by its bare name, or by that of an object of ours."""
    for span in spans(page):
        try:
            call = ast.parse(span.replace("…", "...").removeprefix("await "), mode="eval").body
        except SyntaxError:
            continue
        if isinstance(call, ast.Call):
            yield span, call


@pages
def test_arguments_exist_and_defaults_are_right(page):
    for span, call in signatures(page):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name not in CALLABLES or not call.keywords:
            continue
        matches = [inspect.signature(function).parameters for function in CALLABLES[name]]
        keywords = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        takes_all = [found for found in matches if keywords.keys() <= found.keys() | settings().keys()]
        assert takes_all, f"{span}: no {name} takes {sorted(keywords)}"
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
