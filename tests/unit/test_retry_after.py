"""Retry-After in every notation that a service may use."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_ext._response import LONGEST_RETRY_AFTER, retry_after_of

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
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
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("1_0", None),
        ("7 s", None),
        ("Mon, 01 Jan 99999999999999 00:00:00 GMT", None),
        ("2026-02-03", None),
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
def test_no_text_breaks_it(text):
    seconds = seconds_of(text)
    assert seconds is None or 0 <= seconds <= LONGEST_RETRY_AFTER
