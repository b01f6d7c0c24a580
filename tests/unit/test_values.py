"""Values of both sides: status words, timestamps and Retry-After in any notation, images as data URIs."""

import base64
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest
from codegen_api import models
from codegen_api.codec import parse_timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_ext import AgentRunStatus, ValidationError
from codegen_ext._response import LONGEST_RETRY_AFTER, retry_after_of
from codegen_ext.images import encode_images

from ..support.text import any_text

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
WORDS_OF = {
    "running": ["ACTIVE", "RUNNING", "EVALUATION"],
    "pending": ["PENDING", "QUEUED"],
    "completed": ["COMPLETE", "Complete", "completed"],
    "failed": ["ERROR", "FAILED", "TIMEOUT", "MAX_ITERATIONS_REACHED", "OUT_OF_TOKENS"],
    "cancelled": ["CANCELLED", "STOPPED"],
    "paused": ["PAUSED"],
}
WORDS = {word: status for status, words in WORDS_OF.items() for word in words}
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
    entry = models.AgentRunLogResponse.from_dict({"agent_run_id": 1, "message_type": word})
    assert entry.message_type == word


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
    assert parse_timestamp(text) == NOW


@settings(max_examples=30)
@given(st.datetimes(timezones=st.timezones()), any_text(max_size=30))
def test_every_iso_timestamp_is_read_back_and_another_text_is_an_error_of_its_value(moment, text):
    assert parse_timestamp(moment.isoformat()) == datetime.fromisoformat(moment.isoformat())
    try:
        found = parse_timestamp(text)
    except (ValueError, OverflowError):  # dateutil's own errors are of these two kinds
        return
    assert found.tzinfo is not None


DATE = {"date": format_datetime(NOW, usegmt=True)}


def seconds_of(text, headers=DATE):
    return retry_after_of(httpx.Response(429, headers={**headers, "retry-after": text}))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        (" 7 ", 7),
        ("0.25", 0.25),
        ("1e2", 100),
        ("-5", 0),
        ("1767225600", 86400),
        ("11, 12", 11),
        ("Tue, 03 Feb 2026 04:06:06 GMT", 60),
        ("Tuesday, 03-Feb-26 04:06:06 GMT", 60),
        ("Tue Feb  3 04:06:06 2026", 60),
        ("Tue, 03 Feb 2026 05:06:06 +0100", 60),
        ("Tue, 03 Feb 2026 04:05:00 GMT", 0),
        *((text, None) for text in ("", "soon", "nan", "1e999", "1_0", "7 s")),
    ],
)
def test_seconds_and_dates_of_http_count_from_the_responses_own_date(text, seconds):
    assert seconds_of(text) == seconds
    assert retry_after_of(httpx.Response(429, headers=DATE)) is None


@pytest.mark.parametrize("sent", [{}, {"date": "yesterday"}])
def test_a_date_counts_from_now_in_a_response_without_a_date(sent):
    wait = seconds_of(format_datetime(datetime.now(UTC) + timedelta(seconds=3600), usegmt=True), sent)
    assert wait == pytest.approx(3600, abs=60)


@settings(max_examples=20)
@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**8), 10**8))
def test_any_number_and_any_date_is_read_and_never_negative(number, seconds):
    assert seconds_of(repr(number)) == min(max(0.0, number), LONGEST_RETRY_AFTER)
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert seconds_of(date) == min(max(0, seconds), LONGEST_RETRY_AFTER)


DISTORTED_DATES = st.builds(
    "{}, {} {} {} {} {}".format,
    st.sampled_from(["Mon", "Tue", "", "X"]),
    st.integers(-(10**20), 10**20),
    st.sampled_from(["Jan", "Feb", "Foo", "13"]),
    st.integers(-(10**20), 10**20),
    st.sampled_from(["00:00:00", "99:99:99", "1:2", ":", "0000000000000000000000000:00:00"]),
    st.sampled_from(["GMT", "+0000", "+99999999999999999999", "-2500", "PST", ""]),
)


@settings(max_examples=60)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)) | DISTORTED_DATES)
def test_no_text_breaks_the_reading_of_retry_after(text):
    seconds = seconds_of(text)
    assert seconds is None or 0 <= seconds <= LONGEST_RETRY_AFTER


PNG = b"\x89PNG\r\n\x1a\n....."


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0....", "image/jpeg"),
        (b"GIF89a....", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"BM......", "image/bmp"),
        (b"<svg/>", "image/svg+xml"),
    ],
)
def test_a_file_is_known_by_its_content_or_else_by_its_name(tmp_path, content, kind):
    path = tmp_path / "picture.svg"
    path.write_bytes(content)
    encoded = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    assert encode_images(iter([path, str(path), encoded])) == [encoded] * 3
    assert encode_images(None) is None


@pytest.mark.parametrize(
    "bad",
    [
        "empty.png",
        "text.png",
        b"",
        b"RIFF\0\0\0\0WAVEfmt ",
        "no/such.png",
        "\0",
        "a\ud800b.png",
        Path("/"),
        __file__,
        None,
        "data:image/png,",
    ],
)
def test_a_bad_image_is_refused_with_its_position(bad, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("empty.png").touch()
    Path("text.png").write_text("no picture")
    with pytest.raises(ValidationError, match=r"images\.1") as caught:
        encode_images([PNG, bad])
    assert list(caught.value.field_errors) == ["images.1"]
