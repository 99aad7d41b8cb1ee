"""Makes packs, alters them, and has both verifiers judge them."""

import contextlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from ledger.anchoring.publications import Published
from ledger.domain.events import committing_topics
from ledger.errors import LedgerError
from ledger.evidence.canonical import canonical_json
from ledger.evidence.envelope import Signature, encode_as, pae
from ledger.evidence.keys import Signer
from ledger.evidence.pack import Pack
from ledger.evidence.verify import Rules
from ledger.packs import verify_pack as plain
from ledger.packs.contents import subject_of
from ledger.packs.file import MANIFEST, MANIFEST_TYPE, PACK, check_files, read_pack, write_pack
from ledger.packs.making import make_pack
from ledger.store.application import Ledger
from ledger.store.home import Home
from ledger.store.map_store import MapStore

Files = dict[str, bytes]


@dataclass
class Packing:
    home: Home
    ledger: Ledger
    maps: MapStore
    published: Published

    def __repr__(self) -> str:
        return "Packing()"

    @cached_property
    def rules(self) -> Rules:
        return Rules(self.ledger.origin, committing_topics(), self.ledger.founding_key_id())

    def make(self, kind: str, name: str, *, opened: bool = False) -> Pack:
        subject = subject_of(self.ledger, kind, name)
        return make_pack(self.ledger, self.maps, self.published, kind, subject, opened=opened)

    def write(self, kind: str, name: str, *, opened: bool = False) -> bytes:
        return write_pack(self.make(kind, name, opened=opened), self.rules, self.ledger.signer)

    def first(self, topic: str) -> Any:
        return next(
            each.event for each in self.ledger.read(0, 100_000) if topic == each.event.TOPIC
        )


def unzipped(data: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


def altered(data: bytes, change: Callable[[Any], object], signer: Signer | None = None) -> bytes:
    """Return the file with its `pack.json` changed; with a signer, the manifest signed anew."""
    files = unzipped(data)
    said = json.loads(files[PACK])
    change(said)
    files[PACK] = canonical_json(said)
    return zipped(files if signer is None else signed_anew(files, signer))


def signed_anew(files: Files, signer: Signer) -> Files:
    """Do as an operator would who wants altered files to look like the ledger's."""
    files = {name: content for name, content in files.items() if name != MANIFEST}
    origin = json.loads(files[PACK])["origin"]
    hashes = {name: sha256(content).hexdigest() for name, content in files.items()}
    payload = canonical_json({"origin": origin, "files": hashes})
    signature = Signature(signer.public_key.key_id, signer.sign(pae(MANIFEST_TYPE, payload)))
    return {**files, MANIFEST: encode_as(MANIFEST_TYPE, payload, [signature])}


def judged(data: bytes, rules: Rules) -> str | None:
    """Have our verifier judge; return None if all holds, else what it said."""
    try:
        list(check_files(read_pack(data), rules))
    except LedgerError as cause:
        return f"{cause.code}: {cause}"
    return None


def judged_plainly(data: bytes, key_id: str | None, folder: Path) -> tuple[int, str]:
    """Have the second verifier judge; return its exit status and what it printed."""
    path = folder / "pack.zip"
    path.write_bytes(data)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        status = plain.main(str(path), key_id)
    return status, printed.getvalue()


def write_unchecked(pack: Pack, signer: Signer) -> bytes:
    """Write a pack as an operator would who does not want it checked first."""
    files = dict.fromkeys(("statement.html", "statement.pdf", "verify_pack.py", "README.txt"), b"-")
    return zipped(signed_anew({**files, PACK: canonical_json(pack.to_json())}, signer))
