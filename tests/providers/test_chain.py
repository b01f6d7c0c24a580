"""Decisions of a chain and of its breakers, on a fake clock, for any sequence of outcomes."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_ext import ClientClosedError
from codegen_ext.providers import (
    AIProviderError,
    AIResponse,
    CircuitBreaker,
    FallbackProvider,
    ProviderAuthenticationError,
    ProviderRateLimitError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    TextStream,
)
from codegen_ext.providers._sync.registered import RegisteredProvider
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..support.loopback import Loopback, reply
from .conftest import ANSWER, MODELS, Build, refusal

FAILURES: dict[str, Callable[[], AIProviderError]] = {
    "unavailable": lambda: ProviderUnavailableError("x"),
    "refused": lambda: ProviderAuthenticationError("x", 401),
    "limited": lambda: ProviderRateLimitError("x"),
    "timeout": lambda: ProviderTimeoutError("x"),
    "wrong": lambda: AIProviderError("x"),
    "effect": lambda: ProviderTimeoutError("x", may_have_effect=True),
    "mid-stream": lambda: ProviderUnavailableError("x"),
}
FINAL = {"answer", "wrong", "effect", "mid-stream"}


class Scripted:
    """A registered provider that does what it is told to."""

    is_available = True

    def __init__(self, name: str, outcome: str, seconds: float, clock: FakeClock) -> None:
        self.name, self.outcome, self.seconds, self.clock = name, outcome, seconds, clock
        self.asked_for: float | None = None

    def stream_response(self, prompt: str, timeout: float) -> TextStream:
        self.asked_for = timeout
        return TextStream(self.items())

    def items(self) -> Iterator[str | AIResponse]:
        self.clock.advance(self.seconds)
        if self.outcome in ("answer", "mid-stream"):
            yield "piece"
        if self.outcome != "answer":
            raise FAILURES[self.outcome]()
        yield AIResponse("piece", self.name, None)


plans = st.lists(st.tuples(st.sampled_from(["answer", *FAILURES]), st.floats(0, 50)), max_size=6)


@settings(max_examples=60)
@given(plans, st.floats(1, 100))
def test_which_provider_is_asked_and_with_how_much_time(plan: list[tuple[str, float]], timeout: float) -> None:
    clock = FakeClock()
    providers = [Scripted(str(index), *step, clock) for index, step in enumerate(plan)]
    chain = FallbackProvider([RegisteredProvider(one, clock=clock) for one in providers], clock=clock)
    stream = chain.stream_response("hi", timeout=timeout)
    error = None
    try:
        assert list(stream) == ["piece"]
    except AIProviderError as caught:
        error = caught

    expected, left = [], timeout
    for index, (outcome, _) in enumerate(plan):
        if left <= 0:
            break
        is_last = index == len(plan) - 1
        expected.append((str(index), pytest.approx(max(left if is_last else left * 0.75, 0.001))))
        left = timeout - sum(step[1] for step in plan[: index + 1])
        if outcome in FINAL:
            break
    assert [(one.name, one.asked_for) for one in providers if one.asked_for is not None] == expected
    last = plan[len(expected) - 1][0] if expected else None
    assert (stream.response is not None) == (last == "answer")
    tried = stream.response.metadata["tried"] if stream.response else error.tried  # type: ignore[union-attr]
    assert [entry["provider"] for entry in tried] == [name for name, _ in expected][: len(tried)]
    assert len(tried) == len(expected) - (last == "answer")
    if error is not None:
        assert type(error) is (type(FAILURES[last]()) if last else ProviderUnavailableError)


@pytest.mark.parametrize(
    ("script", "state"),
    [
        ("asks fails asks fails asks", "closed"),
        ("fails fails succeeded fails fails asks", "closed"),
        ("fails fails fails refused +29 refused", "open"),
        ("fails fails fails +30", "half-open"),
        ("fails fails fails +30 asks refused", "half-open"),
        ("fails fails fails +30 asks released asks", "half-open"),
        ("fails fails fails +30 asks succeeded asks asks", "closed"),
        ("fails fails fails +30 asks fails refused +29", "open"),
        ("fails:90 refused +89", "open"),
        ("fails:90 fails:10 +89", "open"),
        ("fails:10 fails:90 +89", "open"),
        ("fails:90 +90 asks succeeded fails fails asks", "closed"),
        ("fails:90 +90 asks fails refused +30 asks", "half-open"),
    ],
)
def test_a_breaker(script: str, state: str, clock: FakeClock) -> None:
    """What happens to it, seconds that pass, and whether a request is allowed."""
    breaker = CircuitBreaker(clock, failures=3, cooldown=30)
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


def test_a_failing_provider_is_kept_out_and_probed(chain: Build, sandbox: Sandbox, clock: FakeClock) -> None:
    sandbox.inject("create_chat_completion", Fault.status(503))
    client = chain("chatserver", "openai", breaker_failures=2, breaker_cooldown=60)

    def asked() -> int:
        before = len(sandbox.requests)
        assert client.generate_response("hi", model="gpt-4o").provider_name == "openai"
        return len(sandbox.requests) - before

    assert [asked() for _ in range(4)] == [1, 1, 0, 0]
    assert client.get_enhanced_stats()["providers"]["chatserver"]["breaker"] == "open"
    clock.advance(61)
    assert [asked() for _ in range(2)] == [1, 0]  # one probe, which failed
    clock.advance(61)
    sandbox.clear_faults()
    assert client.generate_response("hi", model="gpt-4o").provider_name == "chatserver"
    assert client.get_enhanced_stats()["providers"]["chatserver"]["breaker"] == "closed"


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [(Fault.status(429, retry_after=200), 200), (Fault.status(401), 300)],
    ids=["limit", "refusal"],
)
def test_how_long_one_refusal_keeps_a_provider_out(
    fault: Fault, seconds: float, chain: Build, sandbox: Sandbox, clock: FakeClock
) -> None:
    sandbox.inject("create_agent_run", fault, times=1)
    client = chain("codegen", "openai")
    assert client.generate_response("hi").provider_name == "openai"
    clock.advance(seconds - 1)
    tried = client.generate_response("hi").metadata["tried"]
    assert tried[0] == {"provider": "codegen", "outcome": "skipped", "reason": "kept out after failures"}
    clock.advance(2)
    assert client.generate_response("hi").provider_name == "codegen"


@pytest.mark.parametrize("status", [403, 404])
def test_a_model_that_is_refused_keeps_no_provider_out(status: int, chain: Build, openai_service: Loopback) -> None:
    openai_service.answers = [*[refusal(status)] * 4, ANSWER]
    client = chain("openai", "chatserver")
    names = [client.generate_response("hi", model="claude-3-haiku").provider_name for _ in range(5)]
    assert names == ["chatserver"] * 4 + ["openai"]


def test_a_stream_that_is_left_frees_the_probe(chain: Build, sandbox: Sandbox, clock: FakeClock) -> None:
    sandbox.inject("create_chat_completion", Fault.status(503), times=1)
    client = chain("chatserver", breaker_failures=1)
    with pytest.raises(ProviderUnavailableError):
        client.generate_response("hi")
    clock.advance(31)
    stream = client.stream_response("Hello there")
    assert next(stream)
    (stream.aclose if hasattr(stream, "aclose") else stream.close)()
    assert stream.response is None
    assert client.generate_response("hi").provider_name == "chatserver"


def test_a_stream_that_has_begun_has_all_the_time(chain: Build, clock: FakeClock) -> None:
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
def test_the_model_of_each_provider(
    model: Any, sent: str, chain: Build, openai_service: Loopback, sandbox: Sandbox
) -> None:
    sandbox.inject("create_agent_run", Fault.status(402))
    client = chain("codegen", "openai", "chatserver")
    assert sandbox.requests == openai_service.requests == []  # nothing is asked before the first prompt
    assert client.generate_response("Hi", model=model).provider_name == "openai"
    assert openai_service.requests[0].json()["model"] == sent


def test_models_of_all_that_list_them(chain: Build, openai_service: Loopback) -> None:
    openai_service.answers = [MODELS, reply(status=500), reply(status=404)]
    models = chain("codegen", "openai", "chatserver").get_available_models()
    assert models[:2] == ["codegen-agent", "gpt-4o"]
    assert "claude-3-haiku" in models
    alone = chain("openai")
    with pytest.raises(ProviderUnavailableError):
        alone.get_available_models()
    assert alone.get_available_models() == []


@pytest.mark.parametrize("name", [None, "codegen", "openai", "chatserver"])
def test_nothing_works_after_close(
    name: str | None, chain: Build, named: Build, sandbox: Sandbox, openai_service: Loopback
) -> None:
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


def test_without_fallback_no_other_takes_over(chain: Build, sandbox: Sandbox, openai_service: Loopback) -> None:
    sandbox.inject("create_agent_run", Fault.status(401))
    with pytest.raises(ProviderAuthenticationError):
        chain("codegen", "openai", fallback_enabled=False).generate_response("hi")
    assert openai_service.requests == []


def test_a_chain_answers_for_its_first(chain: Build) -> None:
    client = chain("chatserver", "codegen")
    assert client.get_default_model() is None  # until the server is asked
    assert client.validate_credentials() is True
    assert client.is_available
    assert client.get_default_model() == "claude-3-haiku"
