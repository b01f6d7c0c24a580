"""A service that speaks OpenAI's API only nearly: what makes no sense is a provider's error, never a raw exception."""

from collections.abc import Callable
from typing import Any

import pytest

from codegen_ext.providers import ProviderUnavailableError

from ..support.loopback import Loopback, reply
from .conftest import chunk, streamed


@pytest.mark.parametrize("body", [b"<html>", b"null", b"{}", b"7", b'{"data": null}', b'{"data": [7]}'])
def test_no_list_of_models(body: bytes, named: Callable[..., Any], openai_service: Loopback) -> None:
    openai_service.answers = [reply(body)]
    provider = named("openai")
    with pytest.raises(ProviderUnavailableError, match="the answer is no"):
        provider.get_available_models()
    assert provider.validate_credentials() is (body != b"<html>")  # an address that has no API


def test_a_bare_list_of_models(named: Callable[..., Any], openai_service: Loopback) -> None:
    """Some services send it without the object around it."""
    openai_service.answers = [reply([{"id": "one"}, {"id": "two"}])]
    provider = named("openai")
    assert provider.get_available_models() == ["one", "two"]
    assert provider.validate_credentials() is True


@pytest.mark.parametrize(
    "body", [None, 7, {}, {"choices": []}, {"choices": [7]}, {"choices": [{"message": {"content": 7}}]}]
)
def test_no_completion(body: Any, named: Callable[..., Any], openai_service: Loopback) -> None:
    openai_service.answers = [reply(body)]
    with pytest.raises(ProviderUnavailableError, match="the answer is no chat completion"):
        named("openai").generate_response("Hi")


@pytest.mark.parametrize(
    "data",
    [
        "null",
        "7",
        '{"choices": null}',
        '{"choices": [7]}',
        '{"choices": [{"index": 0, "delta": null}]}',
        '{"choices": [{"index": 0, "delta": {"content": 7}}]}',
    ],
)
def test_no_chunk(data: str, named: Callable[..., Any], openai_service: Loopback) -> None:
    openai_service.answers = [streamed(chunk("From "), data, chunk(None, "stop"), "[DONE]")]
    with pytest.raises(ProviderUnavailableError, match="the answer is no stream of chunks") as caught:
        list(named("openai").stream_response("Hi"))
    assert caught.value.partial == "From "
