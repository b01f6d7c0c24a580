"""Words and timestamps of the service: all that are known, and all that are not."""

import datetime
from typing import Any

import pytest
from codegen_api import models
from codegen_api.codec import parse_timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_ext import AgentRunStatus, MessageType

WORDS = {
    "ACTIVE": "running",
    "RUNNING": "running",
    "EVALUATION": "running",
    "PENDING": "pending",
    "QUEUED": "pending",
    "COMPLETE": "completed",
    "ERROR": "failed",
    "FAILED": "failed",
    "TIMEOUT": "failed",
    "MAX_ITERATIONS_REACHED": "failed",
    "OUT_OF_TOKENS": "failed",
    "CANCELLED": "cancelled",
    "STOPPED": "cancelled",
    "PAUSED": "paused",
}
TERMINAL = {"completed", "failed", "cancelled"}
RUN = {"id": 1, "organization_id": 323}
CARRIERS: dict[str, dict[str, Any]] = {
    "AgentRunResponse": RUN,
    "AgentRunWithLogsResponse": {
        **RUN,
        "logs": [],
        "total_logs": 0,
        "created_at": None,
        "web_url": None,
        "result": None,
        "page": 1,
        "size": 1,
        "pages": 1,
    },
    "SetupCommandsResponse": {"agent_run_id": 1, "url": "http://x"},
    "AnalyzeLogsResponse": {"agent_run_id": 1, "message": "x"},
}


def carrier(name: str, word: Any) -> Any:
    return getattr(models, name).from_dict({**CARRIERS[name], "status": word})


def test_every_model_with_a_runs_status_is_tested_here() -> None:
    kinds = [getattr(models, name) for name in models.__all__]
    assert {kind.__name__ for kind in kinds if hasattr(kind, "raw_status")} == set(CARRIERS)


@pytest.mark.parametrize("name", CARRIERS)
@pytest.mark.parametrize(("word", "status"), [*WORDS.items(), ("Complete", "completed"), ("completed", "completed")])
def test_a_status_word_is_normalised_and_the_raw_word_is_kept(name: str, word: str, status: str) -> None:
    model = carrier(name, word)
    assert model.status == status
    assert isinstance(model.status, AgentRunStatus)
    assert model.raw_status == word
    assert model.status.is_terminal is (status in TERMINAL)
    assert f"{model.status}" == status
    assert model.dict()["status"] == status
    assert model.to_dict()["status"] == word


@pytest.mark.parametrize("name", CARRIERS)
@settings(max_examples=20)
@given(word=st.none() | st.text().filter(lambda text: text.upper() not in {*WORDS, "COMPLETED"}))
def test_an_unknown_word_and_null_survive_as_they_are(name: str, word: str | None) -> None:
    model = carrier(name, word)
    assert model.status == word
    assert model.raw_status == word
    assert not isinstance(model.status, AgentRunStatus)
    assert model.dict()["status"] == word


def test_a_status_in_a_list_is_normalised() -> None:
    listing = {"items": [{**RUN, "status": "ACTIVE"}, {**RUN, "status": "NEW"}], "total": 2}
    page = models.AgentRunsResponse.from_dict({**listing, "page": 1, "size": 2, "pages": 1})
    assert [run.status for run in page.items] == ["running", "NEW"]
    assert [run.raw_status for run in page.items] == ["ACTIVE", "NEW"]


@pytest.mark.parametrize(("word", "status"), WORDS.items())
def test_a_status_equals_the_words_of_the_service_that_mean_it(word: str, status: str) -> None:
    member = AgentRunStatus(status)
    assert member == word == member == status
    assert (member != word) is False
    assert [other for other in AgentRunStatus if other == word] == [member]
    assert {member: 1}[status] == 1  # type: ignore[index]
    assert member not in ("", "done", 5, None)


def test_a_status_that_is_given_to_the_class_is_normalised_too() -> None:
    run = models.AgentRunResponse(id=1, organization_id=323, status="COMPLETE")
    assert run.status is AgentRunStatus.COMPLETED


def log(word: Any) -> models.AgentRunLogResponse:
    entry = {"agent_run_id": 1, "created_at": "2026-01-01T00:00:00Z", "message_type": word}
    return models.AgentRunLogResponse.from_dict(entry)


@given(st.text())
def test_an_unknown_message_type_and_source_survive(word: str) -> None:
    known = word.upper() in set(MessageType)
    assert log(word).message_type == (word.upper() if known else word)
    run = models.AgentRunResponse.from_dict({**RUN, "source_type": word})
    assert run.source_type == word
    assert run.dict()["source_type"] == word


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-03T04:05:06Z",
        "2026-02-03T04:05:06+00:00",
        "2026-02-03 04:05:06",
        "2026-02-03T05:05:06+01:00",
        "20260203T040506Z",
        "Tue, 03 Feb 2026 04:05:06 GMT",
        "Feb 3 2026 4:05:06 AM",
    ],
)
def test_a_timestamp_in_any_notation_is_the_same_aware_moment(text: str) -> None:
    assert parse_timestamp(text) == datetime.datetime(2026, 2, 3, 4, 5, 6, tzinfo=datetime.UTC)


@settings(max_examples=30)
@given(st.datetimes(timezones=st.timezones()))
def test_every_iso_timestamp_is_read_back(moment: datetime.datetime) -> None:
    assert parse_timestamp(moment.isoformat()) == datetime.datetime.fromisoformat(moment.isoformat())


@given(st.text(max_size=30))
def test_an_unreadable_timestamp_is_an_error_of_its_value(text: str) -> None:
    try:
        moment = parse_timestamp(text)
    except (ValueError, OverflowError):  # dateutil's own errors are of these two kinds
        return
    assert moment.tzinfo is not None
