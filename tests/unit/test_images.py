"""Images become data URIs, or a refusal that names their position."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_ext import ValidationError
from codegen_ext.images import encode_images

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
    [b"", b"text", b"RIFF\0\0\0\0WAVEfmt ", "no/such/file.png", "", "\0", 5, None, "a\ud800b.png", Path("/"), __file__],
)
def test_a_bad_image_is_refused_with_its_position(bad):
    with pytest.raises(ValidationError, match=r"images\.1") as caught:
        encode_images([PNG, bad])
    assert list(caught.value.field_errors) == ["images.1"]


@pytest.mark.parametrize("bad", ["picture.png", PNG, Path("picture.png"), 5])
def test_something_else_than_a_list_is_refused(bad):
    with pytest.raises(ValidationError, match="expected a list"):
        encode_images(bad)


@given(st.binary(max_size=64))
def test_no_content_breaks_it(content):
    try:
        (encoded,) = encode_images([content]) or []
    except ValidationError:
        return
    assert base64.b64decode(encoded.partition(",")[2]) == content
