"""What a segment says of itself: which range, its files, tables and tree, and what came before."""

import re
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec

from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import base64_text, canonical_json
from ledger.evidence.envelope import EnvelopeBroken, Signature, decode_as, encode_as, pae
from ledger.evidence.keys import SERVICE, KeyHistory
from ledger.evidence.merkle import Edge
from ledger.evidence.tlog_tiles import TILE_WIDTH, Tile
from ledger.store.signed_lists import File, is_signed
from ledger.store.signing import ServiceSigner

PAYLOAD_TYPE = "application/vnd.nuanzhang.segment+json"
MANIFEST = "manifest.json"
FORMAT = "nuanzhang segment 1"
DIGITS = 12
PARQUET = ".parquet"

_FOLDER = re.compile(rf"[0-9]{{{DIGITS}}}-[0-9]{{{DIGITS}}}")
_TABLE = re.compile(r"[a-z][a-z_]{0,62}")


class SegmentsNone(LedgerError):
    """There is no sealed segment in this folder."""

    code = "segment.none"
    kind = Kind.ABSENT

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} holds no sealed segment; `nuanzhang segments seal` makes them")


class SegmentBroken(LedgerError):
    """A segment is not as it was sealed: a file, a row, or what it says of itself."""

    code = "segment.broken"
    kind = Kind.BROKEN

    def __init__(self, segment: str, place: str, cause: str) -> None:
        super().__init__(f"segment {segment}: {place}: {cause}")
        self.arguments = (segment, place, cause)
        self.place = place

    def __reduce__(self) -> tuple[type["SegmentBroken"], tuple[str, str, str]]:
        """Travel whole from a worker process, or another machine."""
        return type(self), self.arguments


class TableSealed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a segment: its file is `name` with `.parquet`; columns by name, in their order."""

    name: str
    rows: int
    columns: tuple[tuple[str, str, bool], ...]
    """Name, kind (`id`, `bytes`, `text`, `number`) and whether it may be null."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One segment: the log's positions from `start` up to `stop`, and all that proves them."""

    format: str
    origin: str
    founding_key_id: str
    number: int
    """In the chain, from 1 on."""
    start: int
    stop: int
    edge: str
    """Right edge of the tree over all entries up to `stop`, base64."""
    checkpoint: str
    """The first note of the ledger that covers `stop` entries or more."""
    consistency: tuple[str, ...]
    """From the tree of `stop` entries to the checkpoint's (RFC 9162, section 2.1.4), base64."""
    keys: tuple[int, ...]
    """Where key events stand in the range, and the founding one."""
    previous: str | None
    """SHA-256 of the payload of the segment before, hex."""
    written_by: str
    """The library that wrote the Parquet files: another one may write other bytes."""
    tables: tuple[TableSealed, ...]
    files: tuple[File, ...]
    """All but this one, by name."""

    @property
    def folder(self) -> str:
        return folder_name(self.start, self.stop)

    @property
    def tree(self) -> Edge:
        return Edge.from_bytes(b64decode(self.edge, validate=True))

    @property
    def payload(self) -> bytes:
        return canonical_json(msgspec.to_builtins(self))

    @property
    def sha256(self) -> str:
        """What the next segment names it by; it does not hang on who signed, or how often."""
        return sha256(self.payload).hexdigest()


class Sealed(NamedTuple):
    """A segment's manifest, and its bytes as they stand in the file."""

    manifest: Manifest
    written: bytes


def folder_name(start: int, stop: int) -> str:
    return f"{start:0{DIGITS}}-{stop:0{DIGITS}}"


def is_folder_name(name: str) -> bool:
    return _FOLDER.fullmatch(name) is not None


def write_manifest(manifest: Manifest, signer: ServiceSigner) -> bytes:
    """Sign what a segment says of itself.

    Source: DSSE v1.0.2, with a payload type of its own, so that no event can be taken for it.
    """
    payload = manifest.payload
    signature = signer.sign(pae(PAYLOAD_TYPE, payload))
    return encode_as(PAYLOAD_TYPE, payload, [Signature(signer.public_key.key_id, signature)])


def read_manifest(folder: Path) -> Sealed:
    """Return what a segment says of itself; nothing is verified but that it can be understood.

    Raises:
        SegmentBroken: It cannot be, or contradicts itself.
    """
    try:
        written = (folder / MANIFEST).read_bytes()
        payload = decode_as(PAYLOAD_TYPE, written).payload
        manifest = msgspec.json.decode(payload, type=Manifest)
        edge = manifest.tree
    except OSError:
        raise SegmentBroken(folder.name, MANIFEST, "missing, or cannot be read") from None
    except (EnvelopeBroken, msgspec.MsgspecError, ValueError, LedgerError):
        raise SegmentBroken(folder.name, MANIFEST, "is none") from None
    if manifest.format != FORMAT:
        cause = f"written in format {manifest.format}, not {FORMAT}"
        raise SegmentBroken(folder.name, MANIFEST, cause)
    if manifest.payload != payload:
        raise SegmentBroken(folder.name, MANIFEST, "not written in its one form")
    length = manifest.stop - manifest.start
    if not _is_length(length) or manifest.start % length or manifest.folder != folder.name:
        raise SegmentBroken(folder.name, MANIFEST, "says another range than its folder's name")
    if edge.size != manifest.stop:
        raise SegmentBroken(folder.name, MANIFEST, f"its tree has {edge.size} entries")
    _require_names(manifest)
    return Sealed(manifest, written)


def read_chain(folder: Path) -> list[Sealed]:
    """Return all segments of a folder in their order: each names the one before by its hash.

    Raises:
        SegmentBroken: One is missing in between, stands twice, or goes on from another.
    """
    names = sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []
    chain: list[Sealed] = []
    for name in filter(is_folder_name, names):
        sealed = read_manifest(folder / name)
        manifest = sealed.manifest
        if not chain:
            if manifest.start or manifest.number != 1 or manifest.previous is not None:
                raise SegmentBroken(name, MANIFEST, "the segments before it are missing")
        else:
            before = chain[-1].manifest
            if manifest.start != before.stop or manifest.number != before.number + 1:
                cause = f"expected to begin at {before.stop} as number {before.number + 1}"
                raise SegmentBroken(name, MANIFEST, cause)
            if manifest.previous != before.sha256:
                raise SegmentBroken(name, MANIFEST, "goes on from another segment than is here")
            for member in ("origin", "founding_key_id", "tables"):
                one, other = (_likeness(each, member) for each in (manifest, before))
                if one != other:
                    raise SegmentBroken(name, MANIFEST, f"{member} differ from the one before")
        chain.append(sealed)
    return chain


def require_chain(folder: Path) -> list[Sealed]:
    """Return the segments of a folder that is to have some.

    Raises:
        SegmentsNone: It has none.
        SegmentBroken: As `read_chain` says.
    """
    chain = read_chain(folder)
    if not chain:
        raise SegmentsNone(folder)
    return chain


def require_signed(sealed: Sealed, keys: KeyHistory) -> None:
    """Check that the ledger's own key signed a manifest, one that had not ended by its range.

    A key that came after the range may sign: it is on record in a later segment.

    Raises:
        SegmentBroken: None did.
    """
    manifest = sealed.manifest
    envelope = decode_as(PAYLOAD_TYPE, sealed.written)
    places = {
        max(manifest.stop - 1, record.valid_from)
        for each in envelope.signatures
        if (record := keys.records.get(each.keyid)) is not None and record.owner == SERVICE
    }
    if not any(is_signed(envelope, PAYLOAD_TYPE, keys, each) for each in places):
        raise SegmentBroken(manifest.folder, MANIFEST, "no key of the ledger signed it")


def edge_text(edge: Edge) -> str:
    return base64_text(edge.to_bytes())


def _is_length(length: int) -> bool:
    return length >= TILE_WIDTH and length & (length - 1) == 0


def _likeness(manifest: Manifest, member: str) -> object:
    found = getattr(manifest, member)
    return [(each.name, each.columns) for each in found] if member == "tables" else found


def _require_names(manifest: Manifest) -> None:
    """Check that it names its tables' files and tiles, each once, and no others."""
    names = [each.name for each in manifest.files]
    tables = [each.name for each in manifest.tables]
    wanted = {f"{name}{PARQUET}" for name in tables} | set(_tile_names(manifest))
    if not all(_TABLE.fullmatch(name) for name in tables) or len(set(tables)) != len(tables):
        raise SegmentBroken(manifest.folder, MANIFEST, "names a table that is none")
    if names != sorted(wanted):
        raise SegmentBroken(manifest.folder, MANIFEST, "names other files than a segment has")


def _tile_names(manifest: Manifest) -> list[str]:
    return [tile.path() for tile in tiles_in(manifest.start, manifest.stop)]


def tiles_in(start: int, stop: int) -> list[Tile]:
    """Return the tiles of hashes that became full in a range, from the lowest level up."""
    found: list[Tile] = []
    level, width = 0, TILE_WIDTH
    while stop // width > start // width:
        found += [Tile(level, index) for index in range(start // width, stop // width)]
        level, width = level + 1, width * TILE_WIDTH
    return found
