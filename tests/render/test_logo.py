"""A logo is a picture that was proven to be one, or a clear refusal."""

import io

import pytest
from PIL import Image

from kelly_cli.errors import ConfigError
from kelly_cli.render.logo import MAX_BYTES, read_logo

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{}</svg>'


def picture(form, **options):
    held = io.BytesIO()
    Image.new("RGB", (30, 20), "green").save(held, form, **options)
    return held.getvalue()


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (picture("PNG"), "image/png"),
        (picture("JPEG"), "image/jpeg"),
        (SVG.format('<rect width="9" height="9"/>').encode(), "image/svg+xml"),
        (b'<?xml version="1.0"?>' + SVG.format("").encode(), "image/svg+xml"),
    ],
)
def test_png_jpeg_and_svg_are_read_whatever_the_name(tmp_path, data, media_type):
    file = tmp_path / "logo.bin"
    file.write_bytes(data)
    logo = read_logo(file)
    assert (logo.media_type, logo.data) == (media_type, data)
    assert logo.data_uri.startswith(f"data:{media_type};base64,")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "cannot be read"),
        (b"", "is empty"),
        (b"x" * (MAX_BYTES + 1), "larger than 1 MiB"),
        (b"no picture", "is no PNG, JPEG or SVG picture"),
        (picture("GIF"), "is no PNG, JPEG or SVG picture"),
        (picture("PNG")[:60], "is broken"),
        (picture("JPEG")[:300], "is broken"),
        (b"<svg", "is broken"),
        (b"<html><svg></svg></html>", "is no SVG picture"),
        (SVG.format("<script>alert(1)</script>").encode(), "scripts"),
        (SVG.format('<rect onload="alert(1)"/>').encode(), "scripts"),
        (SVG.format('<image href="http://x/y.png"/>').encode(), "outside"),
        (SVG.format('<image xlink:href="/etc/passwd"/>').encode(), "outside"),
        (SVG.format("<style>@import 'x'</style>").encode(), "outside"),
        (SVG.format('<rect fill="url(http://x)"/>').encode(), "outside"),
        (b'<!DOCTYPE svg [<!ENTITY a "aa">]>' + SVG.format("&a;").encode(), "scripts"),
    ],
)
def test_anything_else_is_refused_with_its_reason(tmp_path, data, words):
    file = tmp_path / "logo.png"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(ConfigError) as refused:
        read_logo(file)
    assert words in refused.value.message
    assert str(file) in refused.value.message
    assert refused.value.code == "bad_logo"
