"""What a backup says of itself: whose log, how far, and each file with its hash, signed."""

import re
from base64 import b64decode
from pathlib import Path

import msgspec

from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import base64_text, canonical_json
from ledger.evidence.envelope import EnvelopeBroken, Signature, decode_as, encode_as, pae
from ledger.evidence.keys import KeyHistory
from ledger.evidence.merkle import Edge
from ledger.store.signed_lists import File, fault_of, is_signed
from ledger.store.signing import ServiceSigner

PAYLOAD_TYPE = "application/vnd.nuanzhang.backup+json"
MANIFEST = "backup.json"
FORMAT = 1

OURS = re.compile(r"(?:log|vault|access|anchors|keys)-[0-9]{6}\.(?:sqlite|sealed)")
"""How files of a backup are called: what they hold, and which run made them."""
OURS_OR_DRAFT = re.compile(OURS.pattern + r"(?:\.new(?:-journal|-wal|-shm)?)?")
"""What a run that was cut off may leave beside them."""


class BackupMissing(LedgerError):
    """There is no backup in this folder, or its first one was never finished."""

    code = "backup.missing"
    kind = Kind.ABSENT

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} holds no finished backup")


class ManifestBroken(LedgerError):
    """What the backup says of itself cannot be read, or no key of its ledger signed it."""

    code = "backup.manifest_broken"
    kind = Kind.BROKEN

    def __init__(self, cause: str) -> None:
        super().__init__(f"{MANIFEST}: {cause}")


class BackupTorn(LedgerError):
    """A file of the backup is missing, or is not the one that was written."""

    code = "backup.torn"
    kind = Kind.BROKEN

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"{name}: {cause}; nothing was restored")


class Segment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The log's positions from `start` up to `stop`; its file is never written again."""

    file: File
    start: int
    stop: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One backup, whole: earlier segments and those that are new."""

    format: int
    origin: str
    founding_key_id: str
    store: str
    number: int
    """Of the run that made it, from 1 on."""
    taken_at: str
    size: int
    edge: str
    """Right edge of the tree over all entries, in base64."""
    checkpoint: str
    segments: tuple[Segment, ...]
    parts: dict[str, File]
    """`vault`, `access`, `anchors`, and `keys` where they are in it."""
    totals: dict[str, int | str]
    """Control totals as the service's read models had them at this size."""

    @property
    def tree(self) -> Edge:
        return Edge.from_bytes(b64decode(self.edge))

    def files(self) -> list[File]:
        return [*(each.file for each in self.segments), *self.parts.values()]


def write_manifest(manifest: Manifest, signer: ServiceSigner) -> bytes:
    """Sign what a backup says of itself.

    Source: DSSE v1.0.2, with a payload type of its own, so that no event can be taken for it.
    """
    payload = canonical_json(msgspec.to_builtins(manifest))
    signature = signer.sign(pae(PAYLOAD_TYPE, payload))
    return encode_as(PAYLOAD_TYPE, payload, [Signature(signer.public_key.key_id, signature)])


def read_manifest(folder: Path) -> tuple[Manifest, bytes]:
    """Return what a backup says of itself, and the bytes that say it; nothing is verified.

    Raises:
        BackupMissing: There is none.
        ManifestBroken: It cannot be read.
    """
    try:
        written = (folder / MANIFEST).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise BackupMissing(folder) from None
    try:
        payload = decode_as(PAYLOAD_TYPE, written).payload
        manifest = msgspec.json.decode(payload, type=Manifest)
        edge = manifest.tree
    except (EnvelopeBroken, msgspec.MsgspecError, ValueError, LedgerError):
        raise ManifestBroken("cannot be read") from None
    if manifest.format != FORMAT:
        raise ManifestBroken(f"written in format {manifest.format}, not {FORMAT}")
    if not all(OURS.fullmatch(each.name) for each in manifest.files()):
        raise ManifestBroken("names a file that is none of a backup's")
    if edge.size != manifest.size:
        raise ManifestBroken(f"its tree has {edge.size} entries, not {manifest.size}")
    return manifest, written


def require_signed(manifest: Manifest, written: bytes, keys: KeyHistory) -> None:
    """Check that the ledger's own key signed the manifest, one that was in force at its size.

    Raises:
        ManifestBroken: It was not.
    """
    envelope = decode_as(PAYLOAD_TYPE, written)
    if not is_signed(envelope, PAYLOAD_TYPE, keys, manifest.size - 1):
        raise ManifestBroken("no key of the ledger signed it")


def require_whole(folder: Path, file: File, *, hashed: bool = True) -> None:
    """Check that a file is there as it was written.

    Args:
        folder: The backup.
        file: As its manifest has it.
        hashed: False to look at its length alone.

    Raises:
        BackupTorn: It is not.
    """
    fault = fault_of(folder, file, hashed=hashed)
    if fault is not None:
        raise BackupTorn(file.name, fault)


def edge_text(edge: Edge) -> str:
    return base64_text(edge.to_bytes())
