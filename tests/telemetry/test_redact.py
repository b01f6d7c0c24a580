"""Taking credentials out of texts."""

import pickle
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_ext.redact import MASK, Redactor, is_secret_name

SECRET = "sk-Zq8Rv2Lw7Xk4Np9Tj6Hb3"
PIECES = [SECRET[at : at + 8] for at in range(len(SECRET) - 7)]
redact = Redactor(SECRET)
others = st.text('ace =:/\n"ü😀')


@given(before=others, after=others, start=st.integers(0, 16), length=st.integers(8, 24))
def test_no_piece_of_eight_characters_is_left(before, after, start, length):
    text = redact(before + SECRET[start : start + length] + after)
    assert text == before + MASK + after


@given(st.lists(st.sampled_from([*PIECES, SECRET, *SECRET, " "])).map("".join))
def test_pieces_may_touch_and_overlap(text):
    assert not [piece for piece in PIECES if piece in redact(text)]


def test_shorter_pieces_and_short_credentials_stay():
    assert redact(f"{SECRET[:7]}…") == f"{SECRET[:7]}…"
    assert Redactor("right")("all right") == "all right"
    assert Redactor()("anything") == "anything"


@settings(max_examples=30)
@given(
    st.recursive(
        st.sampled_from([SECRET, f"Bearer {SECRET}", "x", 1, None, True]),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["a", "token", "env"]), inner),
        max_leaves=8,
    )
)
def test_parsed_json_is_freed_of_it(data):
    cleaned = redact.within(data)
    assert not [piece for piece in PIECES if piece in repr(cleaned)]
    assert type(cleaned) is type(data)


def test_it_shows_and_pickles_nothing():
    redact("")
    assert repr(redact) == "Redactor()"
    assert SECRET.encode() not in pickle.dumps(redact)


SECRET_NAMES = (
    "token api_token access_token TOKEN x-api-key apiKey api_key client_secret password passwd Authorization Set-Cookie"
    " env environment env_vars credential private_key signature sig"
)
OTHER_NAMES = "id status prompt message envelope design signal key author page result"


def test_names_of_secrets():
    names = f"{SECRET_NAMES} {OTHER_NAMES}".split()
    assert [name for name in names if is_secret_name(name)] == SECRET_NAMES.split()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/a?page=1", "https://host/a?page=1"),
        ("https://user:pass@host/a", "https://host/a"),
        ("https://host/a?token=abc&page=1&flag", f"https://host/a?token={MASK}&page=1&flag"),
        (f"https://host/{SECRET}/b", f"https://host/{MASK}/b"),
        (f"https://host/?q={SECRET[:4]}%{ord(SECRET[4]):02x}{SECRET[5:]}", f"https://host/?q={MASK}"),
    ],
)
def test_urls(url, shown):
    assert redact.url(url) == shown


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ('{"token": "abc", "n": 1}', f'{{"token": "{MASK}", "n": 1}}'),
        ('{"env": {"A": ["b"]}}', f'{{"env": {{"A": ["{MASK}"]}}}}'),
        ('{"token": "abcdefgh", "text": "use abcdefgh"}', f'{{"token": "{MASK}", "text": "use {MASK}"}}'),
        ('"Authorization: Basic abc"', f'"Authorization: Basic {MASK}"'),
        ('"Basic rules apply"', '"Basic rules apply"'),
        ('"Authorization: Bearer abc"', f'"Authorization: Bearer {MASK}"'),
        ("Authorization: Bearer abc", f"Authorization: Bearer {MASK}"),
        ("-H 'authorization: token abc'", f"-H 'authorization: token {MASK}'"),
        ("Cookie: a=b; c=d\nnext", f"Cookie: {MASK}\nnext"),
        ("export API_TOKEN='abc' x", f"export API_TOKEN='{MASK}' x"),
        ("see https://host/a?n=1&token=abc&b=2", f"see https://host/a?n=1&token={MASK}&b=2"),
        ('{\\"token\\": \\"abc\\"} broken', f'{{\\"token\\": \\"{MASK}\\"}} broken'),
        ('{"text": "run with token=abc", "max_tokens": 5}', f'{{"text": "run with token={MASK}", "max_tokens": 5}}'),
        ('{"url": "https://host/a?token=abc"}', f'{{"url": "https://host/a?token={MASK}"}}'),
        ("token=abc&page=1", f"token={MASK}&page=1"),
        ('{"token": "abc", broken', f'{{"token": "{MASK}", broken'),
        (f"you sent {SECRET}!", f"you sent {MASK}!"),
        (f'"{SECRET[:4]}\\u{ord(SECRET[4]):04x}{SECRET[5:]}"', f'"{MASK}"'),
    ],
)
def test_bodies(body, shown):
    assert redact.body(body) == shown


@given(st.binary() | st.text('{}[]":,\\ =token\nü').map(str.encode), st.integers(0, 50))
def test_any_body_can_be_shown(content, at):
    text = (content[:at] + SECRET.encode() + content[at:]).decode("utf-8", "replace")
    assert not [piece for piece in PIECES if piece in redact.body(text)]


@pytest.mark.parametrize("text", ["a", "a ", "a" + " " * 9, "a://", '"', "a:"])
def test_long_bodies_take_no_longer_than_their_length(text):
    long = (text * 150_000)[:150_000]
    start = time.process_time()
    assert redact.body(long) == long
    assert time.process_time() - start < 5  # of which a quadratic expression would take many times as much
