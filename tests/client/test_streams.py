"""Streams of the client: runs page after page, and logs."""

from typing import Any

import pytest

from codegen_ext import ConfigurationError, NotFoundError, ServerError, ValidationError
from codegen_ext.testing import Fault, Sandbox


def test_runs_are_filtered_by_the_service(client: Any, sandbox: Sandbox) -> None:
    client.create_agent_run(323, "hello")
    client.generate_setup_commands(323, 107)
    assert [run.id for run in client.stream_all_agent_runs(323, source_type="SETUP_COMMANDS")] == [2]
    assert [run.id for run in client.stream_all_agent_runs(323, user_id="1")] == [2, 1]
    assert list(client.stream_all_agent_runs(323, user_id=99)) == []


def test_a_failure_in_a_stream_comes_out(client: Any, sandbox: Sandbox) -> None:
    client.create_agent_run(323, "hello")
    sandbox.inject("list_agent_runs", Fault.status(503))
    with pytest.raises(ServerError):
        next(client.stream_all_agent_runs(323))
    with pytest.raises(ValidationError, match="org_id"):
        next(client.stream_all_agent_runs("x"))


def test_a_log_is_streamed_to_its_present_end(client: Any, sandbox: Sandbox) -> None:
    run = client.create_agent_run(323, "[[seconds=0 logs=130]]")
    entries = list(client.stream_logs(323, run.id, follow=False))
    assert len(entries) == 130
    assert entries[0].message_type == "USER_MESSAGE"
    assert entries[-1].message_type == "FINAL_ANSWER"
    assert [entry.created_at for entry in entries] == sorted(entry.created_at for entry in entries)
    going = client.create_agent_run(323, "[[seconds=100 logs=100]]")
    assert len(list(client.stream_logs(323, going.id, follow=False))) == 1


def test_a_log_is_followed_to_the_end_of_its_run(client: Any) -> None:
    run = client.create_agent_run(323, "[[seconds=30 logs=20]]")
    entries = list(client.stream_logs(323, run.id, poll_interval=3))
    assert len(entries) == 20
    assert entries[-1].message_type == "FINAL_ANSWER"


def test_a_log_that_cannot_be_read_is_an_error_followed_or_not(client: Any) -> None:
    for follow in (False, True):
        with pytest.raises(NotFoundError):
            next(client.stream_logs(323, 99, follow=follow))


@pytest.mark.parametrize("interval", [0, -1, "5"])
def test_an_interval_that_makes_no_sense_is_refused_at_once(client: Any, interval: Any) -> None:
    with pytest.raises(ConfigurationError, match="poll_interval"):
        client.stream_logs(323, 1, follow=True, poll_interval=interval)
