"""The mock clients of a ChatServer: its operations and streams, checked against the contract, and recorded."""

import pytest

from codegen_ext import ConfigurationError, RateLimitError, ValidationError
from codegen_ext.chatserver import ChatServerError, NotFoundError
from codegen_ext.chatserver import RateLimitError as ChatRateLimitError
from codegen_ext.testing import AsyncMockChatServerClient, MockCall, MockChatServerClient

SAID = {
    "choices": [{"message": {"content": "Hi there"}}],
    "system_fingerprint": "s1",
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}


@pytest.fixture
def mock(monkeypatch):
    """A mock that takes no settings from outside."""
    monkeypatch.setenv("CHATSERVER_BASE_URL", "https://chat.example.com")
    monkeypatch.setenv("CHATSERVER_API_KEY", "a real key")
    with MockChatServerClient() as client:
        yield client


def test_answers_make_sense_without_being_told(mock):
    assert mock.config.api_token == "mock-token"
    answer = mock.create_completion("m", ["Hello"])
    (choice,) = answer.choices
    assert (answer.object, answer.model, choice.index) == ("chat.completion", "m", 0)
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", "content", "stop")
    assert (len(mock.list_models().data), mock.list_admins()["count"]) == (1, 1)
    mock.set_mock_response("list_admins", {"admins": []})
    assert mock.list_admins() == {"admins": [], "count": 0}


async def test_a_stream_says_what_a_whole_completion_says():
    async with AsyncMockChatServerClient() as client:
        client.set_mock_response("create_completion", SAID)
        stream = await client.create_completion("m", ["Hello"], stream=True)
        assert [piece async for piece in stream] == ["Hi", " there"]
    assert (stream.metadata["system_fingerprint"], stream.metadata["finish_reason"]) == ("s1", "stop")
    assert stream.response.usage.total_tokens == 3
    assert client.calls_to("create_completion")[0]["stream"] is True


def test_lists_come_in_pages(mock):
    mock.set_mock_response("list_sessions", [{"title": str(number)} for number in range(145)])
    page = mock.list_sessions("u1", page=2)
    assert (page.sessions[0].title, page.total, page.page, page.page_size, page.has_more) == ("20", 145, 2, 20, True)
    assert mock.calls == [MockCall("list_sessions", {"user_id": "u1", "page": 2, "page_size": 20})]
    assert mock.list_sessions("u1", page=8).has_more is False
    assert mock.list_sessions("u1", page=8).sessions[-1].id == "145"
    mock.set_mock_response("get_audit_log", [{"action": str(number)} for number in range(120)])
    assert (mock.get_audit_log(offset=100).offset, len(list(mock.iter_audit_log()))) == (100, 120)


@pytest.mark.parametrize("error", [RateLimitError("slow down", 429, retry_after=7), ChatRateLimitError])
def test_errors_are_the_chatservers(mock, error):
    for stream in (False, True):
        mock.set_mock_response("create_completion", [error, {}])
        with pytest.raises(ChatServerError) as caught:
            mock.create_completion("m", ["Hello"], stream=stream)
        assert isinstance(caught.value, ChatRateLimitError)
    mock.set_mock_response("get_session", NotFoundError("gone"))
    with pytest.raises(NotFoundError, match="gone"):
        mock.get_session("s1", user_id="u1")
    assert len(mock.calls) == 3, "nothing is repeated"


def test_a_wrong_field_and_an_operation_of_the_other_service_are_refused(mock):
    with pytest.raises(ValidationError, match=r"choices\.0\.mesage: is not a field of the contract; did you mean"):
        mock.set_mock_response("create_completion", {"choices": [{"mesage": {}}]})
    with pytest.raises(ConfigurationError, match="list_sessions"):
        mock.set_mock_response("get_agent_run", {})
