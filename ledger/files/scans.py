"""Scanned signature sheets: what stands in the box of each row, found by the row's own code."""

import math
import struct
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from io import BytesIO
from typing import NamedTuple

import zxingcpp
from PIL import Image, ImageFilter, UnidentifiedImageError

from ledger.errors import Kind, LedgerError
from ledger.files import pdf_pages
from ledger.files.sheet import (
    PAGE_CODE_CENTRES_MM,
    PAGE_CODE_MM,
    PAGE_MM,
    ROW_CODE_MM,
    ROWS_A_PAGE,
    row_code_centre,
    signature_box,
)
from ledger.files.sheet_codes import PAGE_ITSELF, SheetCode, read_code

QR = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])

BYTES_MAX = 40 * 1024 * 1024
PAGES_MAX = 30
"""A sheet of 240 rows; a longer one is handed in in parts, so that nobody waits for minutes."""

PIXELS_MAX = 36_000_000
"""A4 at 600 dots an inch: more than any code or signature needs, and what memory bears."""

LAYERS_MAX = 3
"""Of pictures on a page of a PDF: writing, colour and mask, as scanners press pages into them."""

RENDER_DPI = 200
SIDE_POINTS_MAX = 2000
"""Longer than the longer side of A3 (1191), in case somebody scans two pages at once."""

COARSE_SIDE_PIXELS = 2_000
"""A sheet on its side at 170 dots an inch. Below that a code's dots blur into one another."""
ENLARGED_BY = 3
SHARPER = ImageFilter.UnsharpMask(radius=4, percent=200, threshold=0)
"""Of pages at 110 dots an inch, blurred and noisy, that a first look finds a third of the codes on,
the second finds nine tenths; it takes half a second."""

CODES_A_PAGE = ROWS_A_PAGE + len(PAGE_CODE_CENTRES_MM)

INSET_MM = 1.0
"""Left out along the edges of a box: its ruling is no ink."""

CROP_DOTS_A_MM = 5
GREYS = 16
"""A box cut out so is at most 14 KB: sealed, it fits an entry of the log."""

PAPER_SHARE = 0.5
INK_DARKER_BY = 70
"""Of 255 steps of grey. Pencil is some 100 darker than paper, a print showing through some 30."""

INK_DOTS_SOME = 40
"""Some 3 mm of pen line: what is less is dust, or a code's edge."""
INK_DOTS_SIGNED = 250
"""Some 20 mm of pen line: no name is shorter."""
INK_MM_SIGNED = (8.0, 3.0)
"""As wide and as high as the smallest name that people write in a box of 90 by 14 mm."""


EDGE_MM = 1.5
"""So much of a box may lie beyond the edge of the picture: its ruling, and no more."""

MISFIT_MM = 0.5
"""So far from where they were printed may codes lie, all in all. Those of a scan or a photograph of
a flat sheet are within 0.15 mm; those of a crumpled one, or pasted over others, are not."""

SPAN_MM = (150.0, 80.0)
"""Codes that are no further apart do not say whether the sheet was looked at aslant."""

Pair = tuple[tuple[float, float], tuple[float, float]]
"""A point in millimetres on the sheet, and the same in pixels of the picture."""


class Ink(StrEnum):
    """What stands in a box. Doubtful: something, which a person has to look at."""

    SIGNED = "signed"
    DOUBTFUL = "doubtful"
    EMPTY = "empty"
    CUT = "cut"  # part of the box is not on the picture


class ScanUnreadable(LedgerError):
    """The file is no PDF, PNG or JPEG, or is damaged."""

    code = "scan.unreadable"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("this is no PDF, PNG or JPEG that can be read")


class ScanTooLarge(LedgerError):
    """More than a sheet of paper takes: bytes, pages or pixels."""

    code = "scan.too_large"
    kind = Kind.INVALID

    def __init__(self, what: str, most: int) -> None:
        super().__init__(f"a scan has at most {most} {what}")


@dataclass(frozen=True, slots=True)
class ScannedRow:
    """A row whose code was found: its box as a picture (PNG), and what stands in it."""

    code: SheetCode
    page: int
    ink: Ink
    image: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ScannedPage:
    """A page of the file, and the codes on it; `foreign` counts those that we did not make.

    `bent` says that the codes do not lie to one another as they were printed.
    """

    page: int
    codes: Sequence[SheetCode]
    foreign: int
    bent: bool
    rows: Sequence[ScannedRow]


@dataclass(frozen=True, slots=True)
class Scan:
    sha256: str
    pages: Sequence[ScannedPage]


class Found(NamedTuple):
    """A code on a page, with its four corners in pixels."""

    code: SheetCode
    corners: Sequence[tuple[int, int]]


class Lead(NamedTuple):
    """Leads from millimetres on the sheet to pixels.

    x = (a·X + b·Y + c) / (g·X + h·Y + 1), y = (d·X + e·Y + f) / (g·X + h·Y + 1). Of a sheet that
    lay flat on the glass g and h are 0; a camera looks at it aslant.
    """

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float
    g: float = 0.0
    h: float = 0.0

    def to(self, x: float, y: float) -> tuple[float, float]:
        under = self.g * x + self.h * y + 1
        return (
            (self.a * x + self.b * y + self.c) / under,
            (self.d * x + self.e * y + self.f) / under,
        )

    def dots_a_mm(self) -> float:
        """Return the scale in the middle of the sheet."""
        x, y = PAGE_MM[0] / 2, PAGE_MM[1] / 2
        return math.dist(self.to(x, y), self.to(x + 1, y))


def read_scan(data: bytes, key: bytes) -> Scan:
    """Read a scan of printed sheets.

    Args:
        data: The file: a PDF, or one picture.
        key: What the sheets' codes were made with.

    Raises:
        ScanUnreadable, ScanTooLarge: As they say.
    """
    if len(data) > BYTES_MAX:
        raise ScanTooLarge("bytes", BYTES_MAX)
    with closing(_pictures(data)) as pictures:
        pages = [_read_page(picture, page, key) for page, picture in enumerate(pictures, 1)]
    return Scan(sha256(data).hexdigest(), tuple(pages))


def judged(box: Image.Image) -> Ink:
    """Say whether somebody wrote in a box, as `cut_out` gives it."""
    histogram = box.histogram()
    paper = brightness_of_paper(histogram, box.width * box.height)
    ink = box.point([255 if grey < paper - INK_DARKER_BY else 0 for grey in range(256)])
    dots = ink.histogram()[255]
    around = ink.getbbox()
    if dots < INK_DOTS_SOME or around is None:
        return Ink.EMPTY
    width, height = (around[2] - around[0], around[3] - around[1])
    wide, high = (side * CROP_DOTS_A_MM for side in INK_MM_SIGNED)
    signed = dots >= INK_DOTS_SIGNED and width >= wide and height >= high
    return Ink.SIGNED if signed else Ink.DOUBTFUL


def cut_out(page: Image.Image, lead: Lead, box: tuple[float, float, float, float]) -> Image.Image:
    """Cut a box out of a page, straight and to scale however the page lay on the glass."""
    left, top, right, bottom = (
        box[0] + INSET_MM,
        box[1] + INSET_MM,
        box[2] - INSET_MM,
        box[3] - INSET_MM,
    )
    size = (round((right - left) * CROP_DOTS_A_MM), round((bottom - top) * CROP_DOTS_A_MM))
    a, b, c, d, e, f, g, h = lead
    step = 1 / CROP_DOTS_A_MM
    parts = (
        a * step,
        b * step,
        a * left + b * top + c,
        d * step,
        e * step,
        d * left + e * top + f,
        g * step,
        h * step,
    )
    under = g * left + h * top + 1
    return page.transform(
        size,
        Image.Transform.PERSPECTIVE,
        [each / under for each in parts],
        resample=Image.Resampling.BICUBIC,
        fillcolor=255,
    )


def fitted(pairs: Sequence[Pair]) -> Lead:
    """Return what leads from points of the sheet to pixels, with the least squared error.

    Args:
        pairs: Millimetres and pixels of at least four points that are not on one line. Where they
            span little of the sheet, nothing is made of how they differ in size.
    """
    aslant = _span_enough(pairs)
    rows, right = [], []
    for (x, y), (across, down) in pairs:
        for pixel, at in ((across, 0), (down, 3)):
            row = [0.0] * (8 if aslant else 6)
            row[at : at + 3] = [x, y, 1.0]
            if aslant:
                row[6:] = [-x * pixel, -y * pixel]
            rows.append(row)
            right.append(float(pixel))
    count = len(rows[0])
    sums = [[sum(row[i] * row[j] for row in rows) for j in range(count)] for i in range(count)]
    feet = [
        sum(row[i] * value for row, value in zip(rows, right, strict=True)) for i in range(count)
    ]
    return Lead(*_solved(sums, feet))


def _span_enough(pairs: Sequence[Pair]) -> bool:
    return all(
        max(place[axis] for place, _ in pairs) - min(place[axis] for place, _ in pairs) >= least
        for axis, least in enumerate(SPAN_MM)
    )


def _solved(sums: list[list[float]], feet: list[float]) -> list[float]:
    """Solve equations by elimination, the largest first; rows are scaled to their diagonal."""
    count = len(feet)
    scale = [math.sqrt(sums[i][i]) or 1.0 for i in range(count)]
    lines = [
        [sums[i][j] / scale[i] / scale[j] for j in range(count)] + [feet[i] / scale[i]]
        for i in range(count)
    ]
    for i in range(count):
        best = max(range(i, count), key=lambda at: abs(lines[at][i]))
        lines[i], lines[best] = lines[best], lines[i]
        for at in range(i + 1, count):
            share = lines[at][i] / lines[i][i]
            lines[at] = [
                mine - share * other for mine, other in zip(lines[at], lines[i], strict=True)
            ]
    solved = [0.0] * count
    for i in reversed(range(count)):
        rest = sum(lines[i][j] * solved[j] for j in range(i + 1, count))
        solved[i] = (lines[i][count] - rest) / lines[i][i]
    return [each / by for each, by in zip(solved, scale, strict=True)]


def _read_page(picture: Image.Image, page: int, key: bytes) -> ScannedPage:
    found, foreign = _codes(picture, key)
    # Two sheets may lie on one glass, and each lies as it lies.
    sheets: dict[tuple[bytes, int], list[Found]] = {}
    for each in found:
        sheets.setdefault((each.code.batch_tag, each.code.page), []).append(each)
    rows: list[ScannedRow] = []
    bent = False
    for codes in sheets.values():
        pairs = [pair for each in codes for pair in _corner_pairs(each)]
        lead = fitted(pairs)
        unsure = not _span_enough(pairs) or _misfit_mm(lead, pairs) > MISFIT_MM
        bent = bent or unsure
        for code, _ in codes:
            if code.number != PAGE_ITSELF:
                box, ink = _looked_at(picture, lead, signature_box(code.place))
                if unsure and ink is Ink.SIGNED:
                    ink = Ink.DOUBTFUL
                rows.append(ScannedRow(code, page, ink, _png(box)))
    return ScannedPage(page, tuple(each.code for each in found), foreign, bent, tuple(rows))


def _looked_at(
    picture: Image.Image, lead: Lead, box: tuple[float, float, float, float]
) -> tuple[Image.Image, Ink]:
    cut = cut_out(picture, lead, box)
    left, top, right, bottom = box
    slack = EDGE_MM * lead.dots_a_mm()
    for x, y in ((left, top), (right, top), (right, bottom), (left, bottom)):
        across, down = lead.to(x, y)
        whole = -slack <= across <= picture.width + slack
        if not (whole and -slack <= down <= picture.height + slack):
            return cut, Ink.CUT
    return cut, judged(cut)


def _misfit_mm(lead: Lead, pairs: Sequence[Pair]) -> float:
    """Return how far points lie from where they should, as the root of the mean square."""
    off = [math.dist(lead.to(*place), pixel) ** 2 for place, pixel in pairs]
    return math.sqrt(sum(off) / len(off)) / lead.dots_a_mm()


def _codes(picture: Image.Image, key: bytes) -> tuple[list[Found], int]:
    """Return the codes on a page, and how many are not ours.

    A coarse picture in which some are missing is looked at again, larger and sharpened.
    """
    found, foreign = _codes_once(picture, key, 1)
    if max(picture.size) < COARSE_SIDE_PIXELS and len(found) < CODES_A_PAGE:
        again, more = _codes_once(_enlarged(picture), key, ENLARGED_BY)
        found, foreign = {**again, **found}, max(foreign, more)
    return list(found.values()), foreign


def _enlarged(picture: Image.Image) -> Image.Image:
    size = (picture.width * ENLARGED_BY, picture.height * ENLARGED_BY)
    return picture.resize(size, Image.Resampling.BICUBIC).filter(SHARPER)


def _codes_once(picture: Image.Image, key: bytes, scale: int) -> tuple[dict[SheetCode, Found], int]:
    found: dict[SheetCode, Found] = {}
    foreign = 0
    for barcode in zxingcpp.read_barcodes(picture, formats=QR):
        code = read_code(key, barcode.text)
        if code is None:
            foreign += 1
            continue
        at = barcode.position
        corners = [
            (round(corner.x / scale), round(corner.y / scale))
            for corner in (at.top_left, at.top_right, at.bottom_right, at.bottom_left)
        ]
        found.setdefault(code, Found(code, corners))
    return found, foreign


def _corner_pairs(
    found: Found,
) -> Iterator[Pair]:
    """Pair the corners of a code with where they stand on the sheet."""
    if found.code.number == PAGE_ITSELF:
        centre, size = PAGE_CODE_CENTRES_MM[found.code.place], PAGE_CODE_MM
    else:
        centre, size = row_code_centre(found.code.place), ROW_CODE_MM
    half = size / 2
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    for (across, down), corner in zip(signs, found.corners, strict=True):
        yield (centre[0] + across * half, centre[1] + down * half), corner


def brightness_of_paper(histogram: Sequence[int], dots: int) -> int:
    """Return how bright most of a box is: nobody fills half of it with ink."""
    seen = 0
    for grey in range(255, -1, -1):
        seen += histogram[grey]
        if seen >= dots * PAPER_SHARE:
            return grey
    return 0


def _png(box: Image.Image) -> bytes:
    written = BytesIO()
    box.quantize(GREYS).save(written, "PNG", optimize=True)
    return written.getvalue()


def _pictures(data: bytes) -> Generator[Image.Image, None, None]:
    """Yield the pages of a file in grey, one after another, so that one at a time is in memory."""
    if data.startswith(b"%PDF-"):
        yield from _drawn(data)
        return
    try:
        picture = Image.open(BytesIO(data), formats=("PNG", "JPEG"))
        _require_pixels(picture.width, picture.height)
        picture.load()
        yield _grey(picture)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise ScanUnreadable from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ScanTooLarge("pixels a page", PIXELS_MAX) from None


def _grey(picture: Image.Image) -> Image.Image:
    """Return a picture in 256 greys, lying on white paper where it can be seen through."""
    if picture.mode.startswith("I;16"):
        return picture.point(lambda grey: grey / 256).convert("L")
    # Not `has_transparency_data`: of a palette picture that lacks its palette it falls over.
    if picture.mode not in ("LA", "PA", "RGBA") and "transparency" not in picture.info:
        return picture.convert("L")
    layers = picture.convert("RGBA")
    grey, paper = layers.convert("L"), Image.new("L", layers.size, 255)
    return Image.composite(grey, paper, layers.getchannel("A"))


def _drawn(data: bytes) -> Iterator[Image.Image]:
    """Yield the pages of a PDF as a process of its own draws them."""
    limits = (RENDER_DPI, PAGES_MAX, PIXELS_MAX, LAYERS_MAX, SIDE_POINTS_MAX)
    script = [sys.executable, "-I", pdf_pages.__file__, *map(str, limits)]
    piped = subprocess.PIPE
    with subprocess.Popen(  # noqa: S603 - our own script, with numbers of ours
        script, stdin=piped, stdout=piped, stderr=subprocess.DEVNULL
    ) as drawing:
        if drawing.stdin is None or drawing.stdout is None:
            raise ScanUnreadable
        with suppress(BrokenPipeError):  # it has ended already, and says below how
            drawing.stdin.write(data)
            drawing.stdin.close()
        while head := drawing.stdout.read(struct.calcsize(pdf_pages.HEAD)):
            size = struct.unpack(pdf_pages.HEAD, head)
            dots = drawing.stdout.read(size[0] * size[1])
            if len(dots) < size[0] * size[1]:
                break
            yield Image.frombytes("L", size, dots)
    if drawing.returncode == pdf_pages.UNREADABLE:
        raise ScanUnreadable
    if drawing.returncode != 0:
        raise ScanTooLarge("pages, pixels or bytes unpacked", PIXELS_MAX)


def _require_pixels(width: int, height: int) -> None:
    if width * height > PIXELS_MAX:
        raise ScanTooLarge("pixels a page", PIXELS_MAX)
