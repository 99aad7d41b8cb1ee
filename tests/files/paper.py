"""Paper: sheets laid on the glass, signed with a pen that draws lines, and scanned."""

from collections.abc import Sequence
from io import BytesIO
from time import gmtime

import pypdfium2
from PIL import Image, ImageDraw

from ledger.files.scans import fitted
from ledger.files.sheet import signature_box

DPI = 200
DOTS_A_MM = DPI / 25.4


def on_the_glass(pdf: bytes, dpi: int = DPI) -> list[Image.Image]:
    """Return the printed pages as a scanner sees them."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.render(scale=dpi / 72).to_pil().convert("L") for page in document]
    finally:
        document.close()


def write_name(page: Image.Image, place: int, *, shift: float = 0, ink: int = 40) -> None:
    """Write two characters into the box of a page's row."""
    left, top, _, bottom = signature_box(place)
    for character in range(2):
        x = left + 15 + shift + 11 * character
        for across in (0.25, 0.5, 0.75):
            y = top + (bottom - top) * across
            line(page, (x, y), (x + 8, y + 0.6), ink=ink)
        line(page, (x + 4, top + 3), (x + 3, bottom - 3), ink=ink)


def line(
    page: Image.Image, start: tuple[float, float], end: tuple[float, float], *, ink: int = 40
) -> None:
    """Draw a line of half a millimetre from point to point, in millimetres."""
    dots = [value * DOTS_A_MM for value in (*start, *end)]
    ImageDraw.Draw(page).line(dots, fill=ink, width=4)


def turned(page: Image.Image, degrees: float) -> Image.Image:
    return page.rotate(degrees, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)


def seen_by_a_camera(page: Image.Image, corners: Sequence[tuple[float, float]]) -> Image.Image:
    """Return a page as a camera sees it that puts its corners there, clockwise from upper left."""
    wide, high = page.size
    sheet = [(0.0, 0.0), (wide * 1.0, 0.0), (wide * 1.0, high * 1.0), (0.0, high * 1.0)]
    lead = fitted([(seen, at) for seen, at in zip(corners, sheet, strict=True)])
    return page.transform(page.size, Image.Transform.PERSPECTIVE, lead, fillcolor=255)


def as_pdf(pages: Sequence[Image.Image]) -> bytes:
    written = BytesIO()
    # Dated as the epoch: the same pages are the same file.
    dated = {"creationDate": gmtime(0), "modDate": gmtime(0)}
    more = {"save_all": True, "append_images": pages[1:], "resolution": DPI}
    pages[0].save(written, "PDF", **dated, **more)
    return written.getvalue()


def as_picture(page: Image.Image, kind: str = "JPEG") -> bytes:
    written = BytesIO()
    page.save(written, kind)
    return written.getvalue()
