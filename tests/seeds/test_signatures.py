"""The API reference of seed 0: classes that are only signatures, compared with what the package has."""

import ast
import inspect
import re
from collections.abc import Mapping

import pytest

from codegen_ext import (
    Agent,
    AgentRunStatus,
    AsyncAgent,
    AsyncCodegenClient,
    AsyncTask,
    ClientConfig,
    CodegenClient,
    Task,
)
from codegen_ext.metrics import Stats

from .reading import SEEDS, code_blocks

KINDS = {
    "Agent": [Agent, AsyncAgent],
    "Task": [Task, AsyncTask],
    "CodegenClient": [CodegenClient, AsyncCodegenClient],
}
OTHER_DEFAULTS = {("Agent", "base_url"): "None stands for the environment, and then for the address that it shows"}
NARROWER = {
    "get_stats": "a mapping with attributes beside its keys",
    "status": "a string enum",
    "stream_all_agent_runs": "an async iterator in the async client",
}
"""Methods that return something else than shown, which can be used as what is shown."""


def documented():
    found = {}
    for block in code_blocks(SEEDS / "0-codegen-sdk-v2.md"):
        if block.content.startswith("class "):
            (shown,) = ast.parse(re.sub(r"(?m)^( +def .*)$", r"\1: ...", block.content)).body
            assert isinstance(shown, ast.ClassDef)
            found[shown.name] = shown
    return found


METHODS = [
    pytest.param(kind, method, id=f"{kind.__name__}.{method.name}")
    for name, shown in documented().items()
    for kind in KINDS[name]
    for method in shown.body
    if isinstance(method, ast.FunctionDef)
]


def test_every_class_and_method_is_compared():
    assert set(documented()) == set(KINDS)
    assert len(METHODS) == 2 * 29


@pytest.mark.parametrize(("kind", "method"), METHODS)
def test_a_signature(kind, method):
    own = inspect.getattr_static(kind, method.name)
    if method.decorator_list:
        assert isinstance(own, property)
        own = own.fget
    shown = method.args.args[1:]
    real = list(inspect.signature(own).parameters.values())[1:]
    assert [parameter.name for parameter in real[: len(shown)]] == [argument.arg for argument in shown]
    defaults = [inspect.Parameter.empty] * (len(shown) - len(method.args.defaults))
    defaults += [ast.literal_eval(default) for default in method.args.defaults]
    for parameter, default in zip(real, defaults, strict=False):
        assert parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        if (kind.__name__.removeprefix("Async"), parameter.name) in OTHER_DEFAULTS:
            assert (parameter.default, default) == (None, ClientConfig().base_url)
        elif default is not inspect.Parameter.empty:
            assert parameter.default == default
    for parameter in real[len(shown) :]:
        is_optional = parameter.default is not parameter.empty or parameter.kind is inspect.Parameter.VAR_KEYWORD
        assert is_optional, "what is more can be left out"
    if method.returns and method.name not in NARROWER:
        returned = inspect.signature(own).return_annotation
        assert plain(str(returned)).replace("Async", "") == plain(ast.unparse(method.returns))


def plain(annotation):
    """Return an annotation as it is written today, without the packages of its names."""
    annotation = re.sub(r"Optional\[(.*)\]$", r"\1 | None", annotation)
    return re.sub(r"\b(?:List|Dict)\b", lambda found: found[0].lower(), annotation)


def test_what_is_narrower_can_be_used_as_shown():
    assert issubclass(Stats, Mapping)
    assert issubclass(AgentRunStatus, str)
    for kind, wanted in ((CodegenClient, "Iterator"), (AsyncCodegenClient, "AsyncIterator")):
        assert inspect.signature(kind.stream_all_agent_runs).return_annotation == f"{wanted}[AgentRunResponse]"
