"""The recorder: what runs of a service did, runs of a sandbox do again; nothing secret is written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codegen_ext import ClientConfig, CodegenClient, ConfigurationError, InvalidResponseError, PaymentRequiredError
from codegen_ext.testing import FakeClock, Fault, Recorder, Sandbox, Script, replay

from ..conftest import TOKEN


@pytest.fixture
def replayed(clock: FakeClock) -> Any:
    """A second sandbox on the same clock, with a client of its own."""
    sandbox = Sandbox(run_seconds=0, rate_limits=False, clock=clock)
    config = ClientConfig(api_token=sandbox.token, base_url=sandbox.base_url, transport=sandbox.transport())
    with CodegenClient(config, clock=clock) as client:
        yield sandbox, client


def test_runs_do_again_what_they_did(
    client: Any, flavour: Any, sandbox: Sandbox, clock: FakeClock, tmp_path: Path, replayed: Any
) -> None:
    recorder = Recorder()
    recorder.watch(client._target if flavour.is_async else client)
    sandbox.script("failed", seconds=30, result="No such version", logs=3)
    sandbox.script(states=[("QUEUED", 5), ("ODD_WORD", 10), ("STOPPED", 0)])
    sandbox.script(seconds=20, pull_request=True)
    begin = clock.monotonic()
    took = []
    for prompt in ("first", "second", "third"):
        run = client.create_agent_run(323, prompt)
        client.wait_for_completion(323, run.id, poll_interval=1)
        client.get_agent_run_logs(323, run.id)
        took.append(clock.monotonic() - begin)
    sandbox.credits = 0
    with pytest.raises(PaymentRequiredError):
        client.create_agent_run(323, "too many")
    path = tmp_path / "runs.json"
    recorder.save(path)
    assert [run.prompt for run in recorder.runs] == ["first", "second", "third", "too many"]
    assert recorder.runs[0].script.logs == 3

    again, other = replayed
    assert replay(path, again) == ["first", "second", "third", "too many"]
    begin = clock.monotonic()
    ends = []
    for number in range(3):
        run = other.create_agent_run(323, "anything")
        done = other.wait_for_completion(323, run.id, poll_interval=1)
        original = client.get_agent_run(323, number + 1)
        assert (done.raw_status, done.result) == (original.raw_status, original.result)
        assert bool(done.github_pull_requests) == bool(original.github_pull_requests)
        ends.append(clock.monotonic() - begin)
    assert ends == pytest.approx(took, abs=10)
    with pytest.raises(PaymentRequiredError):
        other.create_agent_run(323, "anything")


def test_runs_that_are_only_listed(client: Any, flavour: Any, sandbox: Sandbox) -> None:
    for outcome in ("failed", "completed"):
        client.create_agent_run(323, f"x [[outcome={outcome} seconds=0]]")
    recorder = Recorder()
    recorder.watch(client._target if flavour.is_async else client)
    client.list_agent_runs(323)
    words = [run.script.states for run in recorder.runs]
    assert words == [[("FAILED", 0.0)], [("COMPLETE", 0.0)]]
    assert "2" in repr(recorder)


def test_no_credential_is_written(connect: Callable[..., Any], flavour: Any, sandbox: Sandbox, tmp_path: Path) -> None:
    client = connect()
    recorder = Recorder(secrets=["hunter2-hunter2"])
    recorder.watch(client._target if flavour.is_async else client)
    secrets = [TOKEN, "hunter2-hunter2", "ghp_0123456789abcdefABCDEF", "sk-proj-0123456789abcdef", "s3cr3tw0rd"]
    header = "Authorization: Bearer abcdefghijkl"
    text = f"Use {TOKEN} and hunter2-hunter2, {secrets[2]} {secrets[3]} password=s3cr3tw0rd {header}"
    sandbox.script(seconds=0, result=text)
    run = client.create_agent_run(323, text, metadata={"token": "in-metadata"})
    client.get_agent_run(323, run.id)
    path = tmp_path / "runs.json"
    recorder.save(path)
    written = path.read_text()
    for secret in [*secrets, "abcdefghijkl", "in-metadata", "codegen_sdk"]:
        assert secret not in written
        assert secret not in repr(recorder.runs)
    assert written.count("Use [redacted] and [redacted], ") == 2
    assert set(json.loads(written)["runs"][0]) <= {"prompt", *Script.__slots__}


@pytest.mark.parametrize("body", [b"[]", b"null", b'{"id": 1}', b'{"items": [3]}', b"no JSON"])
def test_an_answer_that_is_none_stays_the_callers_matter(
    client: Any, flavour: Any, sandbox: Sandbox, body: bytes
) -> None:
    recorder = Recorder()
    recorder.watch(client._target if flavour.is_async else client)
    sandbox.inject("*", Fault.invalid_body(body, "application/json"))
    for name, given in (("get_agent_run", (323, 1)), ("list_agent_runs", (323,))):
        with pytest.raises(InvalidResponseError):
            getattr(client, name)(*given)
    assert recorder.runs == []


def test_a_secret_must_be_long_enough() -> None:
    with pytest.raises(ConfigurationError, match="at least 8"):
        Recorder(secrets=["abc"])


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"runs": [{}]}', '{"runs": [{"prompt": "x", "odd": 1}]}', '{"runs": 3}']
)
def test_what_is_no_recording_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "runs.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match="is no recording"):
        replay(path, Sandbox())
