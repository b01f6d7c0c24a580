"""Pictures for a prompt, as the data URIs (RFC 2397) that the service takes."""

from __future__ import annotations

import base64
import mimetypes
import os
import re
from collections.abc import Iterable
from pathlib import Path

from ..errors import ValidationError

Image = str | bytes | os.PathLike[str]
"""A data URI, the path of a file, or a file's content."""

_DATA_URI = re.compile(r"data:image/[\w.+-]+(;[^,]*)?,.", re.IGNORECASE)
_SIGNATURE = re.compile(
    rb"(?P<png>\x89PNG\r\n\x1a\n)|(?P<jpeg>\xff\xd8\xff)|(?P<gif>GIF8)|(?P<webp>RIFF....WEBP)|(?P<bmp>BM)", re.DOTALL
)


def encode_images(images: Iterable[Image] | None) -> list[str] | None:
    """Turn paths, bytes and data URIs into data URIs.

    Raises:
        ValidationError: for a file that cannot be read or whose kind is not known, naming its position.

    """
    if images is None:
        return None
    if isinstance(images, str | bytes | os.PathLike) or not isinstance(images, Iterable):
        raise ValidationError("images: expected a list", field_errors={"images": ["expected a list"]})
    return [_encode(position, image) for position, image in enumerate(images)]


def _encode(position: int, image: Image) -> str:
    if isinstance(image, str) and image.startswith("data:"):
        if not _DATA_URI.match(image):
            raise _refused(position, "expected a data URI such as data:image/png;base64,iVBORw0…")
        return image
    if isinstance(image, bytes):
        return _data_uri(position, image, None)
    if not isinstance(image, str | os.PathLike):
        raise _refused(position, f"expected a path, bytes or a data URI, got {type(image).__name__}")
    path = Path(image)
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise _refused(position, f"cannot read the file: {error}") from error
    return _data_uri(position, content, mimetypes.guess_type(path.name)[0])


def _data_uri(position: int, content: bytes, named: str | None) -> str:
    signature = _SIGNATURE.match(content)
    kind = f"image/{signature.lastgroup}" if signature else named
    if kind is None or not kind.startswith("image/"):
        raise _refused(position, "not a picture in a known format (PNG, JPEG, GIF, WebP, BMP, SVG)")
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _refused(position: int, problem: str) -> ValidationError:
    return ValidationError(f"images.{position}: {problem}", field_errors={f"images.{position}": [problem]})
