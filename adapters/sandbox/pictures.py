"""Pictures drawn here, so that no catalogue needs a file: an SVG for people, a PNG for sites.

Deterministic: the name is the picture.
"""

from __future__ import annotations

import hashlib
import io

from PIL import Image, ImageDraw

SIZE = 400


def _colours(name: str) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    digest = hashlib.sha256(name.encode()).digest()
    return (digest[0], digest[1], digest[2]), (255 - digest[0], digest[3], 255 - digest[2])


def png(name: str) -> bytes:
    """A PNG of 400 x 400 pixels that differs from every other name's."""
    ground, figure = _colours(name)
    picture = Image.new("RGB", (SIZE, SIZE), ground)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((80, 80, 320, 320), fill=figure)
    draw.text((20, 370), name, fill=(255, 255, 255))
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=6)
    return out.getvalue()


def svg(name: str) -> str:
    """The same picture as SVG."""
    ground, figure = ("#" + bytes(colour).hex() for colour in _colours(name))
    safe = "".join(c for c in name if c.isalnum() or c in "-_.")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}">'
        f'<rect width="{SIZE}" height="{SIZE}" fill="{ground}"/>'
        f'<circle cx="200" cy="200" r="120" fill="{figure}"/>'
        f'<text x="20" y="385" fill="#fff" font-family="sans-serif">{safe}</text></svg>'
    )
