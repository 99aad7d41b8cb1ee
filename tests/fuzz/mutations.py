"""Files as they come when something went wrong, or when somebody means ill: golden ones, changed.

What changes a file knows how such files are built (cells, elements, members of an archive, chunks
of a picture), so that what comes out is near enough to the real thing to get past the first check.
"""

import io
import json
import re
import struct
import zipfile
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from enum import Enum, auto
from random import Random
from typing import Any

BYTES_MAX = 200_000
"""What is larger takes long to read by right, and says no more; bombs are small when packed."""

CHARSETS = ("utf-8", "gb18030", "utf-16", "utf-8-sig", "big5", "latin-1")

WORDS = (
    "",
    "0",
    "-1",
    "00",
    "+1",
    "1_000",
    "1e5",
    "1e999999",
    "NaN",
    "Infinity",
    "-0.00",
    ".5",
    "1.",
    "0.001",
    "1,000.00",
    "1,00,0",
    "9" * 19,
    "9" * 400,
    "9" * 5000,
    "１２３",
    "٣",
    "²",
    "½",
    "0x10",
    "true",
    "null",
    "-",
    ".",
    "=1+1",
    "\x00",
    "\ufeff",
    "\u3000",
    "\u2028",
    "·",
    '"',
    "'",
    "<",
    "&",
    "|",
    ",",
    "\t",
    "合计",
    "序号",
    "姓名",
    "成功",
    "2017-02-30",
    "20170230",
    "2017-13-01",
    "0000-00-00",
    "99999999",
    "9999-12-31",
    "0001-01-01",
    "170230",
    "2017-01-01T25:00:00",
    "2017-01-01T00:00:00+99:99",
    "CNY",
    "USD",
    "C",
    "D",
    "RC",
    "NOTPROVIDED",
    "3401011978030700１X",
    "A" * 70_000,
    "一" * 3000,
    "\U00020000",
    "e\u0301" * 40,
    "﷽" * 500,
)

NUMBERS = (0, 1, -1, 255, 2**15, 2**31 - 1, 2**31, 2**32, 2**53, 2**63, 2**64, 10**30, 1_048_577)


class Shape(Enum):
    """How a kind of file is built."""

    TEXT = auto()
    XML = auto()
    JSON = auto()
    ARCHIVE = auto()
    PICTURE = auto()
    BYTES = auto()


def mutated(chance: Random, data: bytes, shape: Shape, others: Sequence[bytes]) -> bytes:
    """Change a file in one to four ways, a few of which do not ask how it is built.

    Args:
        chance: What decides.
        data: A file that is well.
        shape: How it is built.
        others: Files to splice with.
    """
    first = data
    for _ in range(chance.randint(1, 4)):
        of_shape = chance.randint(0, 9) > 0
        change = chance.choice(_CHANGES[shape] if of_shape else _BLIND)
        data = change(chance, data)[: max(BYTES_MAX, len(first))]
    if others and chance.randint(0, 19) == 0:
        data = _spliced(chance, data, chance.choice(others))
    return data


# Of any bytes.


def _spliced(chance: Random, data: bytes, other: bytes) -> bytes:
    return data[: _place(chance, data)] + other[_place(chance, other) :]


def _flip(chance: Random, data: bytes) -> bytes:
    at = _place(chance, data)
    return data[:at] + bytes([chance.randint(0, 255)]) + data[at + 1 :]


def _cut(chance: Random, data: bytes) -> bytes:
    return data[: _place(chance, data)]


def _leave_out(chance: Random, data: bytes) -> bytes:
    start, stop = sorted((_place(chance, data), _place(chance, data)))
    return data[:start] + data[stop:]


def _repeat(chance: Random, data: bytes) -> bytes:
    start = _place(chance, data)
    piece = data[start : start + chance.randint(1, 200)]
    return data[:start] + piece * _times(chance, piece, 2, 3, 50, 2000) + data[start:]


def _insert(chance: Random, data: bytes) -> bytes:
    at = _place(chance, data)
    return data[:at] + chance.choice(WORDS).encode(errors="ignore") + data[at:]


def _times(chance: Random, piece: bytes | str, *times: int) -> int:
    """Say how often to repeat a piece, so that it does not outgrow what is read."""
    return max(1, min(chance.choice(times), BYTES_MAX // (len(piece) or 1)))


def _place(chance: Random, data: Sequence[object] | bytes) -> int:
    return chance.randint(0, len(data))


# Of text: lines of cells, in whatever charset.


def _text(change: Callable[[Random, str], str]) -> Callable[[Random, bytes], bytes]:
    def of_bytes(chance: Random, data: bytes) -> bytes:
        for charset in ("utf-8", "gb18030"):
            try:
                text = data.decode(charset)
            except UnicodeDecodeError:
                continue
            return change(chance, text).encode(charset, "ignore")
        return change(chance, data.decode("latin-1")).encode("latin-1", "ignore")

    return of_bytes


def _recode(chance: Random, data: bytes) -> bytes:
    for charset in ("utf-8", "gb18030"):
        try:
            return data.decode(charset).encode(chance.choice(CHARSETS), "replace")
        except UnicodeDecodeError:
            continue
    return data


@_text
def _lines(chance: Random, text: str) -> str:
    """Leave out, double, swap or multiply lines, or end them otherwise."""
    lines = text.splitlines(keepends=True) or [""]
    at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randint(0, 5):
        case 0:
            del lines[at]
        case 1:
            lines.insert(other, lines[at])
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            lines[at:at] = [lines[at]] * _times(chance, lines[at], 10, 300, 3000)
        case 4:
            lines[at] = chance.choice(WORDS) + "\n"
        case _:
            end = chance.choice(("\n", "\r\n", "\r", "", "\x85", "\u2028"))
            lines = [line.rstrip("\r\n") + end for line in lines]
    return "".join(lines)


@_text
def _cells(chance: Random, text: str) -> str:
    """Change one cell of one line, or the number of its cells."""
    lines = text.splitlines(keepends=True) or [""]
    at = chance.randrange(len(lines))
    line = lines[at].rstrip("\r\n")
    between = max("|,\t;:/ ^", key=line.count)
    cells = line.split(between)
    place, other = chance.randrange(len(cells)), chance.randrange(len(cells))
    match chance.randint(0, 4):
        case 0 | 1:
            cells[place] = chance.choice(WORDS)
        case 2:
            del cells[place]
        case 3:
            cells[place], cells[other] = cells[other], cells[place]
        case _:
            cells[place:place] = [cells[other]] * _times(chance, cells[other], 1, 2, 200)
    lines[at] = between.join(cells) + lines[at][len(line) :]
    return "".join(lines)


@_text
def _figures(chance: Random, text: str) -> str:
    """Put another figure where one stands."""
    found = list(re.finditer(r"[0-9]+(?:[.,][0-9]+)?", text))
    if not found:
        return text + chance.choice(WORDS)
    one = chance.choice(found)
    near = str(int(one[0].translate({44: None, 46: None})[:40]) + chance.choice((-1, 1)))
    put = chance.choice((near, str(chance.choice(NUMBERS)), chance.choice(WORDS)))
    return text[: one.start()] + put + text[one.end() :]


# Of XML.

_TAG = re.compile(r"<(/?)([A-Za-z][\w:.]*)([^<>]*)>")
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_ENTITIES = (
    '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">'
    '<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;">'
    '<!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;"><!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;">]>'
)


@_text
def _elements(chance: Random, text: str) -> str:
    """Rename, double, empty, nest or leave out an element."""
    tags = list(_TAG.finditer(text))
    if not tags:
        return text + "<a/>"
    one, other = chance.choice(tags), chance.choice(tags)
    start, stop = sorted((one.start(), other.end()))
    match chance.randint(0, 6):
        case 0:
            return text[: one.start()] + text[one.end() :]
        case 1:
            return text[:start] + text[stop:]
        case 2:
            piece = text[start:stop]
            return text[:stop] + piece * _times(chance, piece, 1, 20, 300) + text[stop:]
        case 3:
            return text.replace(one[2], other[2], chance.choice((1, 2, -1)))
        case 4:
            deep = chance.choice((5, 300, 30_000))
            return text[:start] + "<n>" * deep + text[start:stop] + "</n>" * deep + text[stop:]
        case 5:
            put = chance.choice((' a="1"', ' a="1" a="1"', ' xmlns="urn:x"', ' Ccy="USD"'))
            end = one.end() - (2 if one[0].endswith("/>") else 1)
            return text[:end] + put + text[end:]
        case _:
            put = chance.choice(("<!-- c -->", "<![CDATA[1]]>", "<?p i?>", "&#0;", "&g;", "&#x1;"))
            return text[: one.end()] + put + text[one.end() :]


@_text
def _contents(chance: Random, text: str) -> str:
    """Say another thing between two tags."""
    found = list(re.finditer(r">([^<>]*)<", text))
    if not found:
        return text
    one = chance.choice(found)
    word = chance.choice(WORDS).replace("&", "&amp;").replace("<", "&lt;")
    return text[: one.start(1)] + word + text[one.end(1) :]


@_text
def _prologue(chance: Random, text: str) -> str:
    """Declare another charset, or entities that grow."""
    body = re.sub(r"^\s*<\?xml.*?\?>", "", text)
    charset = chance.choice(("GB18030", "UTF-16", "UTF-7", "ISO-8859-1", "x", "IDNA", "ZLIB"))
    return chance.choice(
        (
            _HEAD + _ENTITIES + body,
            _HEAD + '<!DOCTYPE a SYSTEM "file:///etc/hostname">' + body,
            _HEAD.replace("UTF-8", charset) + body,
            _HEAD.replace("1.0", "1.1") + body,
            body,
        )
    )


# Of JSON, and of what is base64 within it.


def _members(chance: Random, data: bytes) -> bytes:
    """Change one value somewhere in the tree, and write it as canonical JSON is written."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return _flip(chance, data)
    holder: list[Any] = [tree]
    at: Any = 0
    within: Any = holder
    while isinstance(within[at], dict | list) and within[at] and chance.randint(0, 5):
        within = within[at]
        at = chance.choice(sorted(within) if isinstance(within, dict) else range(len(within)))
    _put(chance, within, at)
    written = json.dumps(holder[0], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return written.encode("utf-8", "ignore")


def _put(chance: Random, within: Any, at: Any) -> None:
    was = within[at]
    match chance.randint(0, 6):
        case 0:
            within[at] = chance.choice(NUMBERS)
        case 1:
            within[at] = chance.choice(WORDS)
        case 2:
            within[at] = chance.choice((None, True, 0.5, [], {}, [[]], {"a": 1}, ""))
        case 3:
            within[at] = _deep(chance.choice((3, 400)))
        case 4 if isinstance(within, dict):
            del within[at]
        case 4:
            within[at:at] = [was] * chance.choice((1, 30))
        case 5 if isinstance(was, str):
            within[at] = _inside(chance, was)
        case 5 if isinstance(was, int):
            within[at] = was + chance.choice((-1, 1))
        case _:
            within[at] = [was, was]


def _deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def _inside(chance: Random, text: str) -> str:
    """Change a text, or what it is base64 of: an envelope's payload is JSON again."""
    try:
        raw = b64decode(text, validate=True)
    except ValueError:
        return _cells(chance, text.encode(errors="ignore")).decode("utf-8", "replace")
    change = _members if raw[:1] in (b"{", b"[") else _flip
    return b64encode(change(chance, raw)).decode()


@_text
def _json_text(chance: Random, text: str) -> str:
    """Write JSON as its grammar has it, but not as one should."""
    put = chance.choice(
        (
            '"\\ud800"',
            "NaN",
            "-Infinity",
            "1E400",
            "9" * 5000,
            "[" * 60_000,
            '{"a":' * 5_000,
            "\\u0000",
            "-0",
            "1.0",
        )
    )
    found = list(re.finditer(r'"[^"]*"|[0-9]+', text)) or list(re.finditer("", text))
    one = chance.choice(found)
    return text[: one.start()] + put + text[one.end() :]


# Of archives: workbooks and packs.


def _archive(chance: Random, data: bytes) -> bytes:
    """Change one member as its own kind is changed, or the list of members."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = [(name, archive.read(name)) for name in archive.namelist()]
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, RuntimeError):
        return _flip(chance, data)
    if not files:
        return data
    at = chance.randrange(len(files))
    name, content = files[at]
    match chance.randint(0, 11):
        case 0:
            del files[at]
        case 1:
            files.append((chance.choice((name, "content.xml", "../x", "xl/" + "a" * 300)), content))
        case 2:
            files[at] = (name, content + chance.choice((b" ", b"0", b"<c/>")) * 3_000_000)
        case 3:
            files[at] = (name, files[chance.randrange(len(files))][1])
        case _:
            shape = Shape.JSON if name.endswith(".json") else Shape.XML
            files[at] = (name, chance.choice(_CHANGES[shape])(chance, content))
    written = io.BytesIO()
    method = chance.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED))
    with zipfile.ZipFile(written, "w", method) as archive:
        names: set[str] = set()
        for each, content in files:
            if each in names and chance.randint(0, 3):
                continue
            names.add(each)
            archive.writestr(_twice(archive, each), content)
    return written.getvalue()


def _twice(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """Name a member so that the library does not warn of one that is there before."""
    archive.NameToInfo.pop(name, None)
    return zipfile.ZipInfo(name)


@_text
def _places(chance: Random, text: str) -> str:
    """Name other cells, rows and shared texts than there are (in a sheet's XML)."""
    found = list(re.finditer(r'(?<== ")|(?<=")[A-Z]{0,3}[0-9]+(?=")', text))
    if not found:
        return text
    one = chance.choice(found)
    put = chance.choice(
        ("A1", "XFD1048576", "A1048576", "XFD1", "AAA9999999", "A0", "", "BZ40000", "7", "-1")
    )
    return text[: one.start()] + put + text[one.end() :]


# Of pictures: chunks of PNG, segments of JPEG, objects of PDF.

_PNG = b"\x89PNG\r\n\x1a\n"


def _picture(chance: Random, data: bytes) -> bytes:
    if data.startswith(_PNG):
        return _chunks(chance, data)
    return _objects(chance, data)


def _chunks(chance: Random, data: bytes) -> bytes:
    """Change a chunk and put its check sum right."""
    chunks, at = [], len(_PNG)
    while at + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    if not chunks:
        return _flip(chance, data)
    at = chance.randrange(len(chunks))
    kind, body = chunks[at]
    match chance.randint(0, 5):
        case 0:
            wide, high = (chance.choice((0, 1, 7, 500, 6_000, 60_000, 2**31 - 1)) for _ in "wh")
            depth, colour = chance.choice((1, 8, 16, 3)), chance.choice((0, 2, 3, 4, 6, 9))
            head = struct.pack(">IIBBBBB", wide, high, depth, colour, 0, 0, chance.choice((0, 1)))
            chunks[0] = (b"IHDR", head)
        case 1:
            chunks[at] = (kind, _flip(chance, body))
        case 2:
            del chunks[at]
        case 3:
            text = zlib.compress(b"\0" * 3_000_000)
            named = chance.choice((b"zTXt", b"iCCP", b"iTXt"))
            chunks.insert(1, (named, b"k\0\0" + text))
        case 4:
            chunks[at] = (chance.choice((b"acTL", b"PLTE", b"tRNS", b"IEND", b"eXIf")), body)
        case _:
            raw = b"\xff" * chance.choice((10, 200_000, 4_000_000))
            chunks[at] = (b"IDAT", zlib.compress(raw))
    out = [_PNG]
    for kind, body in chunks:
        check = struct.pack(">I", zlib.crc32(kind + body))
        out += [struct.pack(">I", len(body)), kind, body, check]
    return b"".join(out)


def _objects(chance: Random, data: bytes) -> bytes:
    """Put another number where one stands in the readable part of a PDF, or double an object."""
    found = list(re.finditer(rb"(?<=[ \[/])[0-9]{1,6}(?=[ \]\n/>])", data[:400_000]))
    if not found or chance.randint(0, 3) == 0:
        return chance.choice(_BLIND)(chance, data)
    one = chance.choice(found)
    put = str(chance.choice((*NUMBERS, 3, 20_000))).encode()
    return data[: one.start()] + put + data[one.end() :]


_BLIND = (_flip, _cut, _leave_out, _repeat, _insert)
_OF_TEXT = (_lines, _cells, _cells, _figures, _figures, _recode)
_CHANGES: dict[Shape, tuple[Callable[[Random, bytes], bytes], ...]] = {
    Shape.TEXT: _OF_TEXT,
    Shape.XML: (_elements, _elements, _contents, _contents, _figures, _prologue, _places, _recode),
    Shape.JSON: (_members, _members, _members, _json_text),
    Shape.ARCHIVE: (_archive,),
    Shape.PICTURE: (_picture,),
    Shape.BYTES: _BLIND,
}
