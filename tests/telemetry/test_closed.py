"""A client that was closed says so, whatever is called on it."""

import pytest

from codegen_ext import ClientClosedError, CodegenAPIError

CALLS = [
    lambda client: client.create_agent_run(323, "x"),
    lambda client: client.wait_for_completion(323, 1),
    lambda client: client.with_options(timeout=5).request("GET", "/v1/users/me"),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_call_on_a_closed_client_is_a_typed_error(client, sandbox, call):
    client.close()
    client.close()
    with pytest.raises(ClientClosedError, match="the client is closed") as caught:
        call(client)
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
