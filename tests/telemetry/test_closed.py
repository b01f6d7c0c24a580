"""A client that was closed says so, whatever is called on it."""

import pytest

from codegen_ext import ClientClosedError, CodegenAPIError

CALLS = {
    "create": lambda client: client.create_agent_run(323, "x"),
    "unmarked": lambda client: client.resume_agent_run(323, agent_run_id=1, prompt="x"),
    "other": lambda client: client.request("GET", "/v1/users/me"),
    "wait": lambda client: client.wait_for_completion(323, 1),
    "stream": lambda client: list(client.stream_all_agent_runs(323)),
    "derived": lambda client: client.with_options(timeout=5).get_current_user(),
    "chat": lambda client: list(client.stream_chat_completion("gpt-4o", [{"role": "user", "content": "Hi"}])),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_on_a_closed_client_is_a_typed_error(client, flavour, sandbox, name):
    if name == "chat":
        client = flavour.chat(sandbox.token, sandbox.base_url)
    client.close()
    client.close()
    with pytest.raises(ClientClosedError, match="the client is closed") as caught:
        CALLS[name](client)
    assert caught.value.operation
    assert isinstance(caught.value, CodegenAPIError)
    assert isinstance(caught.value, RuntimeError)
    assert sandbox.requests == []


def test_other_runtime_errors_are_not_hidden(client, monkeypatch):
    def broken(*args, **options):
        raise RuntimeError("something else")

    monkeypatch.setattr(client.session, "send_direct", broken)
    with pytest.raises(RuntimeError, match="something else") as caught:
        client.get_current_user()
    assert not isinstance(caught.value, CodegenAPIError)
