"""Words and timestamps of the service: all that are known, and all that are not."""

import datetime

import pytest
from codegen_api import models
from codegen_api.codec import parse_timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_ext import AgentRunStatus, MessageType

from ..support.text import any_text

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
    "Complete": "completed",
    "completed": "completed",
}
TERMINAL = {"completed", "failed", "cancelled"}
RUN = {"id": 1, "organization_id": 323}
CARRIERS = {
    "AgentRunResponse": RUN,
    "AgentRunWithLogsResponse": RUN
    | {"logs": [], "total_logs": 0, "page": 1, "size": 1, "pages": 1}
    | {"created_at": None, "web_url": None, "result": None},
    "SetupCommandsResponse": {"agent_run_id": 1, "url": "http://x"},
    "AnalyzeLogsResponse": {"agent_run_id": 1, "message": "x"},
}


def carrier(name, word):
    return getattr(models, name).from_dict({**CARRIERS[name], "status": word})


@pytest.mark.parametrize("name", CARRIERS)
@pytest.mark.parametrize(("word", "status"), WORDS.items())
def test_a_status_word_is_normalised_and_the_raw_word_is_kept(name, word, status):
    model = carrier(name, word)
    assert model.status is AgentRunStatus(status)
    assert model.status.is_terminal is (status in TERMINAL)
    assert f"{model.status}" == model.dict()["status"] == status
    assert model.raw_status == model.to_dict()["status"] == word
    assert model.status == word.upper() == model.status
    assert [other for other in AgentRunStatus if other == word.upper()] == [model.status]
    assert {model.status: 1}[status] == 1
    assert model.status not in ("", "done", 5, None)


def test_every_model_with_a_runs_status_is_tested_here():
    kinds = [getattr(models, name) for name in models.__all__]
    assert {kind.__name__ for kind in kinds if hasattr(kind, "raw_status")} == set(CARRIERS)
    assert models.AgentRunResponse(id=1, organization_id=323, status="COMPLETE").status is AgentRunStatus.COMPLETED


@settings(max_examples=20)
@given(word=st.none() | any_text().filter(lambda text: text.upper() not in {*WORDS, "COMPLETED"}))
def test_an_unknown_word_and_null_survive_as_they_are(word):
    for name in CARRIERS:
        model = carrier(name, word)
        assert model.status == model.raw_status == model.dict()["status"] == word
        assert not isinstance(model.status, AgentRunStatus)


@given(any_text())
def test_an_unknown_message_type_and_source_survive(word):
    entry = {"agent_run_id": 1, "created_at": "2026-01-01T00:00:00Z", "message_type": word}
    known = word.upper() in set(MessageType)
    assert models.AgentRunLogResponse.from_dict(entry).message_type == (word.upper() if known else word)
    run = models.AgentRunResponse.from_dict({**RUN, "source_type": word})
    assert run.source_type == run.dict()["source_type"] == word


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-03T04:05:06Z",
        "2026-02-03 04:05:06",
        "2026-02-03T05:05:06+01:00",
        "20260203T040506Z",
        "Tue, 03 Feb 2026 04:05:06 GMT",
        "Feb 3 2026 4:05:06 AM",
    ],
)
def test_a_timestamp_in_any_notation_is_the_same_aware_moment(text):
    assert parse_timestamp(text) == datetime.datetime(2026, 2, 3, 4, 5, 6, tzinfo=datetime.UTC)


@settings(max_examples=30)
@given(st.datetimes(timezones=st.timezones()), any_text(max_size=30))
def test_every_iso_timestamp_is_read_back_and_another_text_is_an_error_of_its_value(moment, text):
    assert parse_timestamp(moment.isoformat()) == datetime.datetime.fromisoformat(moment.isoformat())
    try:
        found = parse_timestamp(text)
    except (ValueError, OverflowError):  # dateutil's own errors are of these two kinds
        return
    assert found.tzinfo is not None
