"""Scans: each row's box is found however the sheet lay on the glass, and judged."""

import resource
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from io import BytesIO
from random import Random
from uuid import UUID

import pytest
import segno
from PIL import Image, ImageFilter

from ledger.errors import LedgerError
from ledger.files.scans import (
    PAGES_MAX,
    Ink,
    Scan,
    ScanTooLarge,
    ScanUnreadable,
    read_scan,
)
from ledger.files.sheet import (
    ROW_MM,
    ROWS_A_PAGE,
    Sheet,
    SheetFile,
    SheetRow,
    signature_box,
    write_sheet,
)
from tests.files.paper import (
    DOTS_A_MM,
    as_pdf,
    as_picture,
    line,
    on_the_glass,
    seen_by_a_camera,
    turned,
    write_name,
)

KEY = b"k" * 32
BATCH, OTHER = UUID(int=7 << 100), UUID(int=9 << 100)


def sheet(batch: UUID = BATCH, rows: int = ROWS_A_PAGE + 2, key: bytes = KEY) -> SheetFile:
    listed = [
        SheetRow(
            number=number,
            name="试某",
            id_number="340101197001010001",
            phone="17000000001",
            reason="",
            amount_fen=30_000,
        )
        for number in range(1, rows + 1)
    ]
    printed = Sheet(batch, "S1", "签字表", [("单位", "X01")], listed, "叁仟元整", "test.local/log")
    return write_sheet(printed, key, datetime(2017, 1, 20, tzinfo=UTC))


@pytest.fixture(scope="module")
def pages() -> list[Image.Image]:
    return on_the_glass(sheet().content)


def inks(scan: Scan) -> dict[int, str]:
    return {row.code.number: row.ink.value for page in scan.pages for row in page.rows}


def copies(pages: Sequence[Image.Image]) -> list[Image.Image]:
    return [page.copy() for page in pages]


@pytest.mark.parametrize("degrees", [0, 2, -3, 90, 181.5])
def test_boxes_are_found_however_the_sheet_lay(
    pages: Sequence[Image.Image], degrees: float
) -> None:
    one, two = copies(pages)
    for place in (0, 2, 7):
        write_name(one, place)
    write_name(two, 1, shift=40, ink=130)  # pencil
    left, top, *_ = signature_box(4)
    line(one, (left + 20, top + 6), (left + 25, top + 6.3))  # a slip of the pen

    scan = read_scan(as_pdf([turned(one, degrees), turned(two, -degrees)]), KEY)

    signed = {1, 3, 8, 10}
    expected = {n: Ink.SIGNED if n in signed else Ink.EMPTY for n in range(1, 11)}
    assert inks(scan) == expected | {5: Ink.DOUBTFUL}
    assert [(len(page.codes), page.foreign) for page in scan.pages] == [(11, 0), (5, 0)]
    assert all(len(row.image) < 14_000 for page in scan.pages for row in page.rows)


@pytest.mark.parametrize("dpi", [120, 300])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_pictures_of_other_resolutions_are_read(dpi: int, kind: str) -> None:
    [page] = on_the_glass(sheet(rows=3).content, dpi)

    assert inks(read_scan(as_picture(page, kind), KEY)) == dict.fromkeys((1, 2, 3), Ink.EMPTY)


def _sixteen_bits(page: Image.Image) -> Image.Image:
    deep = b"".join((grey * 257).to_bytes(2, "little") for grey in page.tobytes())
    return Image.frombytes("I;16", page.size, deep)


def _see_through(page: Image.Image) -> Image.Image:
    """Take the paper away: what is left is ink over nothing, and nothing counts as black."""
    black = Image.new("L", page.size, 0)
    return Image.merge("LA", (black, page.point(lambda grey: 255 - grey)))


def _palette_see_through(page: Image.Image) -> Image.Image:
    drawn = page.quantize(8)
    drawn.info["transparency"] = bytes([255] * 6)
    return drawn


@pytest.mark.parametrize("kept", [_sixteen_bits, _see_through, _palette_see_through])
def test_pictures_of_every_depth_and_without_paper_are_read(
    kept: Callable[[Image.Image], Image.Image],
) -> None:
    [page] = on_the_glass(sheet(rows=3).content)
    write_name(page, 1)

    seen = inks(read_scan(as_picture(kept(page), "PNG"), KEY))

    assert seen == {1: Ink.EMPTY, 2: Ink.SIGNED, 3: Ink.EMPTY}


@pytest.mark.parametrize(
    ("dpi", "blur", "noise"), [(110, 1.0, 0.02), (110, 0.6, 0.15), (90, 0.6, 0.02)]
)
def test_codes_of_a_coarse_and_noisy_scan_are_found(dpi: int, blur: float, noise: float) -> None:
    page = turned(on_the_glass(sheet().content, dpi)[0], 0.7)
    page = page.filter(ImageFilter.GaussianBlur(blur))
    grains = Random(1).randbytes(page.width * page.height)
    page = Image.blend(page, Image.frombytes("L", page.size, grains), noise)

    [read] = read_scan(as_picture(page), KEY).pages

    assert len({code.place for code in read.codes if code.number}) == ROWS_A_PAGE
    assert not read.bent
    assert {row.ink for row in read.rows} == {Ink.EMPTY}


def test_pages_are_numbered_and_dated_and_made_alike() -> None:
    assert sheet() == sheet()
    assert sheet().pages == 2
    assert sheet(rows=ROWS_A_PAGE).pages == 1


def test_long_names_and_reasons_run_over_nothing() -> None:
    row = {"id_number": "340101197001010001", "phone": "17000000001、" * 9, "amount_fen": 1}
    rows = [SheetRow(number=n, name="某" * 40, reason="病" * 400, **row) for n in (1, 2)]  # type: ignore[arg-type]
    printed = Sheet(BATCH, "S1", "签字表" * 60, [("单位", "某" * 300)], rows, "贰分", "x" * 60)

    [page] = on_the_glass(write_sheet(printed, KEY, datetime(2017, 1, 20, tzinfo=UTC)).content)

    [read] = read_scan(as_picture(page), KEY).pages
    assert (len(read.codes), read.bent) == (5, False)
    assert {row.ink for row in read.rows} == {Ink.EMPTY}


def test_codes_of_others_are_counted_and_lead_nowhere(pages: Sequence[Image.Image]) -> None:
    page = pages[0].copy()
    made_up = BytesIO()
    segno.make("https://elsewhere.example").save(made_up, kind="png", scale=4, border=4)
    page.paste(Image.open(made_up).convert("L"), (80, 1500))
    [forged] = on_the_glass(sheet(rows=3, key=b"f" * 32).content)
    [elsewhere] = on_the_glass(sheet(OTHER, rows=3).content)

    scan = read_scan(as_pdf([page, forged, elsewhere]), KEY)

    assert [each.foreign for each in scan.pages] == [1, 6, 0]
    assert [len(each.rows) for each in scan.pages] == [8, 0, 3]
    assert all(code.is_of(OTHER) for code in scan.pages[2].codes)


def test_two_sheets_on_one_glass_are_read_each_as_it_lies(pages: Sequence[Image.Image]) -> None:
    one, two = copies(pages)
    write_name(one, 0)
    write_name(two, 1)
    glass = Image.new("L", (one.width + 40, 2 * one.height + 40), 255)
    glass.paste(turned(one, 1), (0, 0))
    glass.paste(turned(two, 180), (30, one.height + 30))

    read = inks(read_scan(as_picture(glass), KEY))

    assert [number for number, ink in read.items() if ink == Ink.SIGNED] == [1, 10]
    assert len(read) == 10


def test_a_box_beyond_the_edge_is_not_said_to_be_empty(pages: Sequence[Image.Image]) -> None:
    page = pages[0].copy()
    write_name(page, 0)
    right_half = page.crop((1500, 0, page.width, page.height))

    [read] = read_scan(as_picture(right_half), KEY).pages

    assert {row.ink for row in read.rows} == {Ink.CUT}


def test_a_photograph_taken_aslant_is_read_like_a_scan(pages: Sequence[Image.Image]) -> None:
    page = pages[0].copy()
    for place in (0, 4, 7):
        write_name(page, place)
    wide, high = page.size

    for tilt in (40, 120):
        corners = [(tilt, tilt), (wide, 0), (wide - tilt, high - tilt), (0, high)]
        [photo] = read_scan(as_picture(seen_by_a_camera(page, corners)), KEY).pages

        assert not photo.bent
        read = {row.code.number: row.ink for row in photo.rows}
        assert read == {n: Ink.SIGNED if n in (1, 5, 8) else Ink.EMPTY for n in range(1, 9)}


def test_a_code_pasted_over_another_makes_its_page_doubtful(pages: Sequence[Image.Image]) -> None:
    page = pages[0].copy()
    write_name(page, 0)
    left, top, right, bottom = (round(value * DOTS_A_MM) for value in (268.5, 53.5, 284.5, 66.5))
    taken = page.crop((left, top, right, bottom))
    page.paste(255, (left, top, right, bottom))
    page.paste(taken, (left, top + round(5 * ROW_MM * DOTS_A_MM)))

    [read] = read_scan(as_picture(page, "PNG"), KEY).pages

    assert read.bent
    assert all(row.ink is not Ink.SIGNED for row in read.rows)


def bomb() -> bytes:
    """Return a picture that says to be a hundred thousand dots wide and high."""
    small = as_picture(Image.new("L", (1, 1)), "PNG")
    head = b"IHDR" + (100_000).to_bytes(4, "big") * 2 + small[24:29]
    return small[:12] + head + zlib.crc32(head).to_bytes(4, "big") + small[33:]


def unpacking_to(mebibytes: int) -> bytes:
    """Return a small PDF whose one page says "q Q" for so long, packed twice over."""
    packer = zlib.compressobj(9)
    once = b"".join(packer.compress(b"q Q " * 2**18) for _ in range(mebibytes)) + packer.flush()
    packed = zlib.compress(once, 9)
    length = str(len(packed)).encode()
    return (
        b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
        b"2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n"
        b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>\nendobj\n"
        b"4 0 obj\n<</Filter[/FlateDecode/FlateDecode]/Length " + length + b">>stream\n" + packed
    ) + b"\nendstream\nendobj\ntrailer<</Root 1 0 R>>\n%%EOF"


def test_a_small_file_that_unpacks_to_gigabytes_is_refused_at_little_cost() -> None:
    [page] = read_scan(unpacking_to(1), KEY).pages
    assert page.codes == ()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in KiB, of what ran here before too

    with pytest.raises(ScanTooLarge):
        read_scan(unpacking_to(900), KEY)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < max(most, 2**20) + 2**18


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"", ScanUnreadable),
        (b"not a scan", ScanUnreadable),
        (b"%PDF-1.7\nnothing", ScanUnreadable),
        (b"GIF89a" + bytes(100), ScanUnreadable),
        (as_picture(Image.new("L", (50, 50)))[:200], ScanUnreadable),
        (as_picture(Image.new("L", (50, 50)), "PNG")[:60], ScanUnreadable),
        (bomb(), ScanTooLarge),
        (as_picture(Image.new("1", (7000, 7000)), "PNG"), ScanTooLarge),
        (as_pdf([Image.new("1", (7000, 7000))]), ScanTooLarge),
        (as_pdf([Image.new("1", (60, 60))] * (PAGES_MAX + 1)), ScanTooLarge),
        (bytes(40 * 1024 * 1024 + 1), ScanTooLarge),
    ],
    ids=[
        "nothing",
        "text",
        "no pdf",
        "gif",
        "cut jpeg",
        "cut png",
        "bomb",
        "pixels",
        "pdf pixels",
        "pages",
        "bytes",
    ],
)
def test_what_is_no_scan_is_refused_in_words(data: bytes, refusal: type[LedgerError]) -> None:
    with pytest.raises(refusal):
        read_scan(data, KEY)


def test_a_blank_page_shows_no_code() -> None:
    [page] = read_scan(as_picture(Image.new("L", (1654, 2339), 255)), KEY).pages

    assert (page.codes, page.foreign, page.rows) == ((), 0, ())
