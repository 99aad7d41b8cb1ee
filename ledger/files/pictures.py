"""Pictures of signatures: where their ink lies."""

from io import BytesIO

from PIL import Image

from ledger.files.scans import INK_DARKER_BY, brightness_of_paper

DOTS_MAX = 4_000
"""Of so many the outline is as good as of all."""


def ink_of(picture: bytes) -> list[tuple[float, float]]:
    """Return the dots of a picture that are ink: darker than its paper, as scans are judged by."""
    with Image.open(BytesIO(picture)) as opened:
        grey = opened.convert("L")
    paper = brightness_of_paper(grey.histogram(), grey.width * grey.height)
    ink = grey.point([255 if each < paper - INK_DARKER_BY else 0 for each in range(256)])
    dots = [
        (float(at % ink.width), float(at // ink.width))
        for at, dot in enumerate(ink.tobytes())
        if dot
    ]
    return dots[:: -(-len(dots) // DOTS_MAX) or 1]
