"""A pack as one file: a ZIP of what machines check, what people read, and a second verifier."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cryptography.x509 import Certificate

from ledger.anchoring.timestamps import TimestampBroken, verify_timestamp
from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import Json, NotCanonical, canonical_json, parse_canonical
from ledger.evidence.cosignature import CosignatureKey, QuorumMissing, require_quorum
from ledger.evidence.envelope import EnvelopeBroken, Signature, decode_as, encode_as, pae
from ledger.evidence.keys import Signer
from ledger.evidence.note import NoteBroken, split_note
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

WITNESS_STEP, TIMESTAMP_STEP = 12, 13

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


def check_files(read: PackFiles, rules: Rules) -> Iterable[Step]:
    """Check a pack and all its files; yield each step that has held.

    Raises:
        PackBroken: At the first step that does not hold.
    """
    checked: CheckedPack | None = None
    number = 0
    for step in check_pack(read.pack, rules):
        if isinstance(step, CheckedPack):
            checked = step
        else:
            number = step.number
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
    yield Step(number + 1, "files", f"{len(found)} files are as the ledger wrote them")
    yield Step(number + 2, "statement", _statement_shown(checked, read.files[HTML]))


def check_witnesses(read: PackFiles, keys: Sequence[CosignatureKey], needed: int) -> Iterable[Step]:
    """Check that enough of the witnesses one trusts cosigned the pack's checkpoint.

    Without any, nothing is checked: the ledger might then show others another history.

    Raises:
        PackBroken: Fewer did, or a line that claims to be by one of them does not hold.
    """
    if not keys and not needed:
        return
    try:
        found = require_quorum(read.pack.checkpoint, keys, needed)
    except (NoteBroken, QuorumMissing) as cause:
        raise PackBroken(str(cause)) from None
    said = ", ".join(
        f"{name} at {datetime.fromtimestamp(time_s, UTC).isoformat()}"
        for name, time_s in sorted({key.name: when for key, when in found.items()}.items())
    )
    yield Step(WITNESS_STEP, "witnesses", f"cosigned by {said}")


def check_timestamps(read: PackFiles, roots: Sequence[Certificate]) -> Iterable[Step]:
    """Check that an authority one trusts stamped the pack's checkpoint; without any, nothing is.

    Raises:
        PackBroken: There is no time-stamp by one of them.
    """
    if not roots:
        return
    body, _ = split_note(read.pack.checkpoint)
    cause = "no time-stamp stands in it"
    for token in read.pack.timestamps:
        try:
            moment = verify_timestamp(body, token, roots)
        except TimestampBroken as broken:
            cause = str(broken)
        else:
            yield Step(TIMESTAMP_STEP, "time-stamp", f"the checkpoint stood by {moment}")
            return
    raise PackBroken(cause)


def _statement_shown(checked: CheckedPack, html: bytes) -> str:
    """Compare the readable page with one made anew; only our own edition of it can be."""
    if EDITION.encode() not in html:
        return f"{HTML} is of another edition and was not compared; the figures above were"
    if to_html(statement_of(checked)).encode() != html:
        raise PackBroken(f"{HTML} says something else than the events do")
    return f"{HTML} says what the events say, made anew from them"


def _readable(checked: CheckedPack) -> Iterable[tuple[str, bytes]]:
    statement = statement_of(checked)
    announced = checked.seen(checked.checkpoint.size - 1)
    published_at = datetime.fromisoformat(str(announced.payload["recorded_at"]))
    yield HTML, to_html(statement).encode()
    yield PDF, to_pdf(statement, published_at)
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
