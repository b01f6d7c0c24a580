"""Decisions of a chain and of its breakers, on a fake clock."""

from contextlib import nullcontext

import pytest

from codegen_ext import ClientClosedError, providers
from codegen_ext.testing import Fault

from ..support.loopback import reply
from .conftest import ANSWER, HANGS, MODELS, refusal


@pytest.mark.parametrize(
    ("names", "seconds"), [(("chatserver", "openai"), 75), (("chatserver",), 100), (("codegen", "openai"), 100)]
)
def test_a_quarter_of_the_time_is_kept_for_later_providers_where_the_first_has_no_effect(
    names, seconds, chain, options, sandbox, clock
):
    sandbox.inject("*", HANGS)
    options["chatserver"]["timeout"] = 900
    client = chain(*names, timeout=100)
    with nullcontext() if seconds == 75 else pytest.raises(providers.AIProviderError):
        assert client.generate_response("hi", model="m").provider_name == "openai"
    assert clock.monotonic() == pytest.approx(seconds)


def test_the_time_counts_from_the_call_on(chain, clock):
    stream = chain("chatserver", "openai").stream_response("hi", timeout=5)
    clock.advance(6)
    with pytest.raises(providers.ProviderTimeoutError, match="no provider was asked in time") as caught:
        next(stream)
    assert caught.value.timeout_duration == 5


@pytest.mark.parametrize(
    ("script", "state"),
    [
        ("asks fails asks fails asks", "closed"),
        ("fails fails succeeded fails fails asks", "closed"),
        ("fails fails fails refused +29 refused", "open"),
        ("fails fails fails +30 asks refused", "half-open"),
        ("fails fails fails +30 asks released asks", "half-open"),
        ("fails fails fails +30 asks succeeded asks asks", "closed"),
        ("fails fails fails +30 asks fails refused +29", "open"),
        ("fails:90 fails:10 +89", "open"),
        ("fails:10 fails:90 +89", "open"),
    ],
)
def test_a_breaker(script, state, clock):
    """What happens to it, seconds that pass, and whether a request is allowed."""
    breaker = providers.CircuitBreaker(clock, failures=3, cooldown=30)
    for step in script.split():
        what, _, seconds = step.partition(":")
        if step.startswith("+"):
            clock.advance(float(step))
        elif step in ("asks", "refused"):
            assert breaker.allow_request() is (step == "asks"), step
        elif what == "fails":
            breaker.failed(float(seconds) if seconds else None)
        else:
            getattr(breaker, step)()
    assert breaker.state == state


@pytest.mark.parametrize(("status", "seconds"), [(503, 60), (429, 200), (401, 300), (403, 0), (404, 0)])
def test_how_long_a_failure_keeps_a_provider_out(status, seconds, chain, openai_service, clock):
    openai_service.answers = [refusal(status, retry_after="200"), ANSWER]
    client = chain("openai", "chatserver", breaker_failures=1, breaker_cooldown=60)
    assert client.generate_response("hi").provider_name == "chatserver"
    if seconds:
        clock.advance(seconds - 1)
        tried = client.generate_response("hi").metadata["tried"]
        assert tried == [{"provider": "openai", "outcome": "skipped", "reason": "kept out after failures"}]
        assert client.get_enhanced_stats()["providers"]["openai"]["breaker"] == "open"
        clock.advance(2)
    assert client.generate_response("hi").provider_name == "openai"


def test_a_stream_that_is_left_frees_the_probe(chain, sandbox, clock):
    sandbox.inject("create_chat_completion", Fault.status(503), times=1)
    client = chain("chatserver", breaker_failures=1)
    with pytest.raises(providers.ProviderUnavailableError):
        client.generate_response("hi")
    clock.advance(31)
    stream = client.stream_response("Hello there")
    assert next(stream)
    (stream.aclose if hasattr(stream, "aclose") else stream.close)()
    assert stream.response is None
    assert client.generate_response("hi").provider_name == "chatserver"


def test_a_stream_that_has_begun_has_all_the_time(chain, clock):
    stream = chain("chatserver", "openai").stream_response("a b", timeout=40)
    assert next(stream) == "Echo:"
    clock.advance(35)  # more than the share of one behind which another stands
    assert "".join(stream) == " a b"


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        ("openai/o3", "o3"),
        ({"openai": "o3", "codegen": "claude"}, "o3"),
        ({"codegen": "claude"}, "gpt-4o"),
        ("other/o3", "other/o3"),
    ],
)
def test_the_model_of_each_provider(model, sent, chain, openai_service, sandbox):
    sandbox.inject("create_agent_run", Fault.status(402))
    client = chain("codegen", "openai", "chatserver")
    assert sandbox.requests == openai_service.requests == []  # nothing is asked before the first prompt
    assert client.generate_response("Hi", model=model).provider_name == "openai"
    assert openai_service.requests[0].json()["model"] == sent


def test_models_of_all_that_list_them(chain, openai_service):
    openai_service.answers = [MODELS, reply(status=500), reply(status=404)]
    models = chain("codegen", "openai", "chatserver").get_available_models()
    assert models[:2] == ["codegen-agent", "gpt-4o"]
    assert "claude-3-haiku" in models
    alone = chain("openai")
    with pytest.raises(providers.ProviderUnavailableError):
        alone.get_available_models()
    assert alone.get_available_models() == []


@pytest.mark.parametrize("name", [None, "codegen", "openai", "chatserver"])
def test_nothing_works_after_close(name, chain, named, sandbox, openai_service):
    client = named(name) if name else chain("codegen", "openai", "chatserver")
    client.generate_response("Hi")
    client.close()
    client.close()
    before = len(sandbox.requests) + len(openai_service.requests)
    for call in (
        lambda: client.generate_response("Hi"),
        lambda: list(client.stream_response("Hi")),
        client.validate_credentials,
        client.get_available_models,
    ):
        with pytest.raises(ClientClosedError):
            call()
    assert len(sandbox.requests) + len(openai_service.requests) == before


def test_without_fallback_no_other_takes_over(chain, sandbox, openai_service):
    sandbox.inject("create_agent_run", Fault.status(401))
    with pytest.raises(providers.ProviderAuthenticationError):
        chain("codegen", "openai", fallback_enabled=False).generate_response("hi")
    assert openai_service.requests == []
