"""A pack as one file: a ZIP of what machines check, what people read, and a second verifier."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import Json, NotCanonical, canonical_json, parse_canonical
from ledger.evidence.envelope import EnvelopeBroken, Signature, decode_as, encode_as, pae
from ledger.evidence.keys import Signer
from ledger.evidence.pack import Pack, PackBroken
from ledger.evidence.pack_check import CheckedPack, Step, check_manifest, check_pack
from ledger.evidence.verify import Rules
from ledger.packs.statement import statement_of
from ledger.packs.typesetting import EDITION, to_html, to_pdf

MANIFEST_TYPE = "application/vnd.nuanzhang.pack-manifest+json"
PACK, HTML, PDF, VERIFIER, README, MANIFEST = (
    "pack.json",
    "statement.html",
    "statement.pdf",
    "verify_pack.py",
    "README.txt",
    "manifest.json",
)
NAMES = frozenset({PACK, HTML, PDF, VERIFIER, README, MANIFEST})

BYTES_MAX = 2_000_000_000
"""Of all files together: more than any pack needs, and less than would fill a disk."""

SMALL, SMALL_BYTES_MAX = frozenset({VERIFIER, README, MANIFEST}), 1_000_000
"""Files of which we know that they are small, and what each may come to."""

VALUES_FREE, BYTES_PER_VALUE_MIN = 1_000, 16
"""A pack is mostly long texts. Many short values would take fifty times their bytes to read."""

PAGES = frozenset({HTML, PDF})

RELEASED: frozenset[str] = frozenset()
"""SHA-256 (hex) of each `verify_pack.py` and `README.txt` that an earlier release enclosed."""

FILES_STEP, STATEMENT_STEP, ENCLOSED_STEP = 10, 11, 12

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that a ZIP can tell; a file's date would make equal packs differ."""


class PackUnreadable(LedgerError):
    """The file is no pack, or not a whole one."""

    code = "pack.unreadable"
    kind = Kind.INVALID

    def __init__(self, cause: str) -> None:
        super().__init__(f"this is no evidence pack: {cause}")


class PackTooLarge(PackUnreadable):
    """It is larger, or comes to more when it is read, than a pack may."""

    code = "pack.too_large"

    def __init__(self, bytes_max: int) -> None:
        super().__init__(
            f"it comes to more than {bytes_max} bytes, or to more pieces than a pack of that size"
            " has"
        )


@dataclass(frozen=True, slots=True)
class PackFiles:
    """The files of a pack by their names, and the pack that they say."""

    pack: Pack
    files: Mapping[str, bytes]


def write_pack(pack: Pack, rules: Rules, signer: Signer) -> bytes:
    """Check a pack once more, say it in words, and put all of it into one file.

    Args:
        pack: To be carried away.
        rules: Of the ledger that it is of.
        signer: The ledger's own key, which signs the list of files.

    Raises:
        PackBroken: It does not hold, so it is not handed out.
    """
    written = canonical_json(pack.to_json())
    # Read back first: what is said in words is what will be read, in its order.
    *_, checked = check_pack(Pack.from_json(parse_canonical(written)), rules)
    assert isinstance(checked, CheckedPack)  # noqa: S101 - the last that is yielded
    files = {PACK: written, **dict(_readable(checked))}
    manifest: Json = {
        "origin": pack.origin,
        "files": {name: sha256(content).hexdigest() for name, content in files.items()},
    }
    payload = canonical_json(manifest)
    signature = Signature(signer.public_key.key_id, signer.sign(pae(MANIFEST_TYPE, payload)))
    files[MANIFEST] = encode_as(MANIFEST_TYPE, payload, [signature])
    return _zipped(files)


def unpacked_bytes(data: bytes) -> int:
    """Return how much the parts of a pack that was just written come to together."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return sum(each.file_size for each in archive.infolist())


def read_pack(data: bytes, bytes_max: int = BYTES_MAX) -> PackFiles:
    """Read a pack's file; nothing is checked yet but that it can be read.

    Args:
        data: The file.
        bytes_max: How much its parts may come to together.

    Raises:
        PackUnreadable: It is no such file.
        PackBroken: Its `pack.json` is not written as it must be.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            names = [info.filename for info in infos]
            if set(names) != NAMES or len(names) != len(NAMES):
                raise PackUnreadable(f"it holds {', '.join(sorted(names)) or 'nothing'}")
            small = [each.file_size for each in infos if each.filename in SMALL]
            if sum(each.file_size for each in infos) > bytes_max or max(small) > SMALL_BYTES_MAX:
                raise PackTooLarge(bytes_max)
            files = {each.filename: _unpacked(archive, each) for each in infos}
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
    ):
        raise PackUnreadable("it is no whole ZIP file") from None
    values = sum(map(files[PACK].count, (b"{", b"[", b",")))
    if values > VALUES_FREE + len(files[PACK]) // BYTES_PER_VALUE_MIN:
        raise PackTooLarge(bytes_max)
    try:
        return PackFiles(Pack.from_json(parse_canonical(files[PACK])), files)
    except NotCanonical as cause:
        raise PackBroken(f"{PACK}: {cause}") from None


def check_files(read: PackFiles, rules: Rules) -> Iterator[Step | CheckedPack]:
    """Check a pack and all its files; yield each step that has held, and the checked pack.

    Raises:
        PackBroken: At the first step that does not hold.
    """
    checked: CheckedPack | None = None
    for step in check_pack(read.pack, rules):
        if isinstance(step, CheckedPack):
            checked = step
        else:
            yield step
    assert checked is not None  # noqa: S101 - the last that is yielded
    try:
        manifest = decode_as(MANIFEST_TYPE, read.files[MANIFEST])
        said = parse_canonical(manifest.payload)
    except (EnvelopeBroken, NotCanonical) as cause:
        raise PackBroken(f"{MANIFEST}: {cause}") from None
    message = pae(MANIFEST_TYPE, manifest.payload)
    check_manifest(checked, [(each.keyid, each.sig) for each in manifest.signatures], message)
    found = {
        name: sha256(content).hexdigest()
        for name, content in read.files.items()
        if name != MANIFEST
    }
    if said != {"origin": read.pack.origin, "files": found}:
        raise PackBroken("a file of it was altered, added or taken out since the ledger wrote it")
    yield Step(FILES_STEP, "files", f"{len(found)} files are as the ledger wrote them")
    yield _pages(checked, read.files)
    yield _enclosed(read.files)
    yield checked


def _pages(checked: CheckedPack, files: Mapping[str, bytes]) -> Step:
    """Hold what people read against what is made anew; only our own edition of it can be.

    A page says itself of which edition it is, so one of another edition may say anything. So may a
    PDF that differs: another version of the typesetter writes the same words as other bytes.
    """
    html, pdf = _read(checked)
    unchecked: list[str] = []
    said = f"{HTML} and {PDF} say what the events say, made anew from them"
    if html != files[HTML]:
        if EDITION.encode() in files[HTML]:
            raise PackBroken(f"{HTML} says something else than the events do")
        unchecked.append(HTML)
    if pdf != files[PDF]:
        unchecked.append(PDF)
    if unchecked:
        said = (
            f"{' and '.join(unchecked)} NOT compared: of another edition or typesetter than"
            f" {EDITION} here, so it may say anything; the figures above hold"
        )
    return Step(STATEMENT_STEP, "statement", said, tuple(unchecked))


def _enclosed(files: Mapping[str, bytes]) -> Step:
    """Hold what is enclosed to be run and followed against what this program encloses."""
    unchecked = tuple(
        name
        for name, own in _enclosures()
        if files[name] != own and sha256(files[name]).hexdigest() not in RELEASED
    )
    said = f"{VERIFIER} and {README} are those of this program"
    if unchecked:
        said = f"{' and '.join(unchecked)} NOT known here: get the verifier from whom you trust"
    return Step(ENCLOSED_STEP, "enclosed", said, unchecked)


def _readable(checked: CheckedPack) -> Iterable[tuple[str, bytes]]:
    html, pdf = _read(checked)
    yield HTML, html
    yield PDF, pdf
    yield from _enclosures()


def _read(checked: CheckedPack) -> tuple[bytes, bytes]:
    """Set in type what a checked pack says, as HTML and as PDF."""
    statement = statement_of(checked)
    published_at = datetime.fromisoformat(checked.published_at)
    return to_html(statement).encode(), to_pdf(statement, published_at)


def _enclosures() -> Iterable[tuple[str, bytes]]:
    here = Path(__file__).parent
    yield VERIFIER, (here / VERIFIER).read_bytes()
    yield README, (here / "templates" / README).read_bytes()


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Unpack one file, no further than it says that it goes."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # The others are unpacked in one go, however much it comes to.
        raise PackUnreadable(f"{info.filename} is packed in another way than packs are")
    size = info.file_size
    # One byte more is asked for: what is longer would be cut off here, and not by other programs.
    info.file_size += 1
    with archive.open(info) as part:
        content = part.read(size + 1)
    if len(content) != size:
        raise PackUnreadable(f"{info.filename} is of another length than it says")
    return content


def _zipped(files: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return written.getvalue()
