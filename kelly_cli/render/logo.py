"""The logo: a file that is proven to be a picture before a document carries it.

PNG and JPEG are read by a decoder; an SVG must be one drawing that names nothing outside itself.
"""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING

from kelly_cli.errors import ConfigError
from kelly_cli.render.paper import Logo

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1024 * 1024
_MEDIA = {"PNG": "image/png", "JPEG": "image/jpeg"}
_MAX_PIXELS = 25_000_000
_OUTSIDE = re.compile(
    rb"""(?:href|src)\s*=\s*["']\s*(?!\#|data:)|url\(\s*["']?\s*(?!\#|data:)|@import""",
    re.IGNORECASE,
)
_ACTIVE = re.compile(rb"<\s*(?:script|foreignobject|!entity)|\son\w+\s*=", re.IGNORECASE)


def read_logo(path: Path) -> Logo:
    """Read the picture at ``path``.

    Raises:
        ConfigError: ``bad_logo``: it is missing, too large, or no PNG, JPEG or SVG.
    """
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
    except OSError as error:
        raise _bad(path, f"cannot be read: {error.strerror or error}") from error
    if not data:
        raise _bad(path, "is empty, or larger than 1 MiB")
    if b"<svg" in data[:4096]:
        return _svg(path, data)
    return _picture(path, data)


def _picture(path: Path, data: bytes) -> Logo:
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its size is judged here
            with Image.open(io.BytesIO(data), formats=list(_MEDIA)) as picture:
                if picture.width * picture.height > _MAX_PIXELS:
                    raise _bad(path, f"has {picture.width} x {picture.height} pixels, too many")
                picture.load()
                return Logo(_MEDIA[picture.format or ""], data)
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise _bad(path, "is no PNG, JPEG or SVG picture") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise _bad(path, f"is broken: {error}") from error


def _svg(path: Path, data: bytes) -> Logo:
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]
    from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

    if _OUTSIDE.search(data) or _ACTIVE.search(data):
        raise _bad(path, "is an SVG with scripts, or with parts outside itself")
    try:
        root = fromstring(data)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise _bad(path, f"is broken: {error}") from error
    if root.tag != "{http://www.w3.org/2000/svg}svg":
        raise _bad(path, "is no SVG picture")
    return Logo("image/svg+xml", data)


def _bad(path: Path, what: str) -> ConfigError:
    return ConfigError(
        f"business.logo: {path} {what}",
        hint="Give a PNG, JPEG or SVG file: kelly config set business.logo FILE",
        code="bad_logo",
    )
