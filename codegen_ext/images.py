"""Images for a prompt, as the data URIs (RFC 2397) that the service takes."""

from __future__ import annotations

import base64
import mimetypes
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from .errors import invalid_argument
from .redact import shown

Image = str | bytes | bytearray | memoryview | os.PathLike[str] | BinaryIO
"""A data URI, the path of a file, a file's content, or a file that is open for reading bytes."""

_DATA_URI = re.compile(r"data:image/[\w.+-]+(;[^,]*)?,.", re.IGNORECASE)
_SIGNATURE = re.compile(
    rb"(?P<png>\x89PNG\r\n\x1a\n)|(?P<jpeg>\xff\xd8\xff)|(?P<gif>GIF8)|(?P<webp>RIFF....WEBP)|(?P<bmp>BM)", re.DOTALL
)


def encode_images(images: Iterable[Image] | None) -> list[str] | None:
    """Turn paths, contents, open files and data URIs into data URIs.

    Raises:
        ValidationError: for a file that cannot be read or whose kind is not known, naming its position.

    """
    if images is None:
        return None
    if isinstance(images, str | bytes | bytearray | os.PathLike) or not isinstance(images, Iterable):
        hint = "; a repository is named by repository=" if isinstance(images, str) else ""
        raise invalid_argument("images", f"expected a list of images, got {shown(images)}{hint}")
    if hasattr(images, "read"):
        raise invalid_argument("images", "expected a list of images, got an open file")
    return [_encode(f"images.{position}", image) for position, image in enumerate(images)]


def _encode(field: str, image: Image) -> str:
    if isinstance(image, str) and image[:5].lower() == "data:":
        if not _DATA_URI.match(image):
            raise invalid_argument(field, "expected a data URI such as data:image/png;base64,iVBORw0…")
        return image
    if isinstance(image, str) and image.lower().startswith(("http://", "https://")):
        raise invalid_argument(
            field, f"{image.partition(':')[0]} addresses are not fetched; pass the image's content or path"
        )
    if isinstance(image, bytes | bytearray | memoryview):
        return _data_uri(field, bytes(image), None)
    try:
        if isinstance(image, str | os.PathLike):
            path = Path(image).expanduser()
            return _data_uri(field, path.read_bytes(), mimetypes.guess_type(path.name)[0])
        content = image.read() if hasattr(image, "read") else None
    except (OSError, ValueError, RuntimeError) as error:
        raise invalid_argument(field, f"cannot read the file: {error}") from error
    if not isinstance(content, bytes):
        kind = "a file that is open as text" if isinstance(content, str) else type(image).__name__
        raise invalid_argument(
            field, f"expected a path, bytes, a file open for reading bytes, or a data URI, got {kind}"
        )
    return _data_uri(field, content, mimetypes.guess_type(str(getattr(image, "name", "")))[0])


def _data_uri(field: str, content: bytes, named: str | None) -> str:
    signature = _SIGNATURE.match(content)
    kind = f"image/{signature.lastgroup}" if signature else named
    is_unlike = signature is None and kind is not None and kind[6:] in _SIGNATURE.groupindex
    if kind is None or not kind.startswith("image/") or is_unlike or not content:
        raise invalid_argument(field, "not an image in a known format (PNG, JPEG, GIF, WebP, BMP, SVG)")
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
