"""Whether a picture of a signature is known again when it was saved, turned or scaled anew."""

from collections.abc import Callable
from io import BytesIO
from random import Random

import pytest
from PIL import Image, ImageDraw, ImageFilter

from ledger.domain import outline
from ledger.domain.strokes import Strokes
from ledger.files.pictures import ink_of
from tests.hands import form_of, written

BOX = (440, 60)
HANDS = 60

Change = Callable[[Image.Image], Image.Image]


def picture(strokes: Strokes) -> Image.Image:
    """Draw a signature as a scanned box shows it, twice as large as it is kept."""
    points = [point for stroke in strokes for point in stroke]
    left, top = min(each.x for each in points), min(each.y for each in points)
    wide = max(each.x for each in points) - left
    high = max(each.y for each in points) - top
    scale = 2 * min(BOX[0] * 0.75 / wide, BOX[1] * 0.75 / high)
    across, down = BOX[0] - wide * scale / 2, BOX[1] - high * scale / 2
    drawn = Image.new("L", (BOX[0] * 2, BOX[1] * 2), 250)
    pen = ImageDraw.Draw(drawn)
    for stroke in strokes:
        way = [((p.x - left) * scale + across, (p.y - top) * scale + down) for p in stroke]
        pen.line(way, fill=40, width=6)
    return drawn


def saved(image: Image.Image, **how: object) -> bytes:
    file = BytesIO()
    image.resize(BOX, Image.Resampling.LANCZOS).save(file, **{"format": "PNG", **how})  # type: ignore[arg-type]
    return file.getvalue()


def hash_of(content: bytes) -> bytes:
    return outline.hashed(outline.products(ink_of(content)))


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    return [
        picture(written(form_of(f"name {number}", f"hand {number}"), Random(number)))
        for number in range(HANDS)
    ]


def turned(image: Image.Image) -> Image.Image:
    return image.rotate(2, Image.Resampling.BICUBIC, fillcolor=250)


def smaller(image: Image.Image) -> Image.Image:
    small = image.resize((image.width * 7 // 10, image.height * 7 // 10), Image.Resampling.LANCZOS)
    onto = Image.new("L", image.size, 250)
    onto.paste(small, (60, 12))
    return onto


def blurred(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(2))


@pytest.mark.parametrize("change", [turned, smaller, blurred])
def test_a_picture_is_known_again(pictures: list[Image.Image], change: Change) -> None:
    far = [
        outline.distance(hash_of(saved(each)), hash_of(saved(change(each)))) for each in pictures
    ]

    assert sum(each <= outline.ALIKE_MAX for each in far) >= 0.95 * HANDS


def test_a_picture_saved_again_as_jpeg_is_the_same(pictures: list[Image.Image]) -> None:
    for each in pictures[:20]:
        again = saved(each, format="JPEG", quality=50)
        assert outline.distance(hash_of(saved(each)), hash_of(again)) <= outline.ALIKE_MAX


def test_pictures_of_different_hands_are_not_alike(pictures: list[Image.Image]) -> None:
    hashes = [hash_of(saved(each)) for each in pictures]

    alike = [
        (one, other)
        for one in range(HANDS)
        for other in range(one)
        if outline.distance(hashes[one], hashes[other]) <= outline.ALIKE_MAX
    ]

    assert len(alike) <= 1


def test_a_box_without_ink_has_no_dots() -> None:
    assert ink_of(saved(Image.new("L", (880, 120), 250))) == []
