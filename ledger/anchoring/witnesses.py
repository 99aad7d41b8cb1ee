"""Collects cosignatures of published checkpoints, and tells how the witnesses stand.

Source: C2SP tlog-witness, from the log's side.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import httpx2

from ledger.anchoring.anchors import Anchors, Asked
from ledger.anchoring.publications import NeverPublished, Published, published_at
from ledger.commands.witnesses import WitnessRefusal, record_witness_refusal
from ledger.domain.witness import Witness, Witnesses, witnesses_id
from ledger.errors import Kind, LedgerError
from ledger.evidence.checkpoint import open_note
from ledger.evidence.cosignature import (
    CosignatureKey,
    QuorumMissing,
    cosignatures,
    require_quorum,
    with_lines,
)
from ledger.evidence.merkle import consistency_path
from ledger.evidence.note import NoteBroken, NoteKey, SignatureLine, split_note
from ledger.store.act import CommandAct
from ledger.store.application import Ledger
from ledger.witness.witnessing import Status, Submission

ANSWER_BYTES_MAX = 64 * 1024
TIMEOUT_S = 20.0
TRIES = 3
SIZE_TYPE = "text/x.tlog.size"

COSIGNED, UNREACHABLE, REFUSED, NO_ADDRESS = "cosigned", "unreachable", "refused", "no address"

Sleep = Callable[[float], None]
"""Waits so many seconds."""


class CosignatureForeign(LedgerError):
    """The lines are of no witness that is appointed, or of no published checkpoint."""

    code = "witness.cosignature_foreign"
    kind = Kind.INVALID

    def __init__(self, cause: str) -> None:
        super().__init__(cause)


class NeverCosigned(LedgerError):
    """No published checkpoint, signed with the ledger's present key, was cosigned by enough."""

    code = "witness.none_cosigned"
    kind = Kind.ABSENT

    def __init__(self, needed: int, by: str) -> None:
        among = f", {by} among them," if by else ""
        super().__init__(
            f"no published checkpoint has the cosignatures of {needed} witnesses{among} under the"
            " ledger's present key; `nuanzhang anchor` collects them, `witnesses import` takes"
            " them in"
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """How a witness stands: what it cosigned last, and what came of asking it last.

    `behind` is how many entries of the last published checkpoint it has not cosigned.
    """

    name: str
    url: str | None
    last_size: int | None
    last_time_s: int | None
    last_asked_at: str | None
    last_outcome: str | None
    behind: int


@dataclass(frozen=True, slots=True)
class Witnessed:
    """How a published checkpoint stands with its witnesses."""

    size: int
    needed: int
    names: tuple[str, ...]
    standings: tuple[Standing, ...]

    @property
    def is_enough(self) -> bool:
        return len(self.names) >= self.needed


def appointed(ledger: Ledger) -> tuple[Sequence[Witness], int]:
    """Return the witnesses that are appointed, and how many of them have to cosign."""
    found = ledger.load(Witnesses, witnesses_id())
    return ([], 0) if found is None else (list(found.appointed.values()), found.needed)


def cosigned_note(anchors: Anchors, published: Published) -> str:
    """Return the note of a published checkpoint with the cosignatures that it has by now."""
    return with_lines(published.note, _lines_kept(anchors, published).values())


def newest_cosigned(ledger: Ledger, anchors: Anchors, by: str = "") -> Published:
    """Return the newest published checkpoint that enough witnesses cosigned, with what they wrote.

    One at least has to, also where nobody agreed on how many.

    Args:
        ledger: The log.
        anchors: Where cosignatures are kept.
        by: Name of a witness that has to be among them; of any, if empty.

    Raises:
        NeverCosigned: There is none; one that a key signed which the ledger no longer uses carries
            nothing that is signed now.
    """
    witnesses, needed = appointed(ledger)
    keys = [CosignatureKey.from_vkey(each.vkey) for each in witnesses]
    needed = max(needed, 1)
    present = NoteKey(ledger.origin, ledger.signer.public_key)
    for size in anchors.sizes_cosigned():
        # Kept lines are looked at again: a ledger that was put back went on another way.
        with suppress(NeverPublished, NoteBroken, QuorumMissing):
            published = published_at(ledger, size)
            note = cosigned_note(anchors, published)
            open_note(note, [present])
            found = require_quorum(note, keys, needed)
            if not by or by in {key.name for key in found}:
                return replace(published, note=note)
    raise NeverCosigned(needed, by)


def collect(
    ledger: Ledger,
    anchors: Anchors,
    act: CommandAct,
    published: Published,
    client: httpx2.Client,
    sleep: Sleep,
) -> Witnessed:
    """Ask every witness that has not cosigned a checkpoint yet; return how it stands then.

    No answer is believed before its cosignature is verified. A witness that refuses leaves a
    finding in the log, once for each checkpoint and cause.

    Args:
        ledger: The log.
        anchors: Where cosignatures are kept.
        act: Who asks, and when.
        published: The checkpoint.
        client: Over which the witnesses are asked; it follows no redirects.
        sleep: Waits between tries.
    """
    for witness in appointed(ledger)[0]:
        if not _has_cosigned(anchors, published, witness):
            outcome = NO_ADDRESS
            if witness.url is not None:
                outcome = _Asking(ledger, anchors, act, published, witness).ask(client, sleep)
            anchors.add_asked(Asked(witness.name, published.size, act.recorded_at, outcome))
    return witnessed(ledger, anchors, published)


def witnessed(ledger: Ledger, anchors: Anchors, published: Published) -> Witnessed:
    """Tell how a published checkpoint stands with its witnesses, and each of them with the log."""
    witnesses, needed = appointed(ledger)
    standings = []
    for each in witnesses:
        last, asked = anchors.last_cosigned(each.name), anchors.last_asked(each.name)
        standings.append(
            Standing(
                each.name,
                each.url,
                None if last is None else last.size,
                None if last is None else last.time_s,
                None if asked is None else asked.at,
                None if asked is None else asked.outcome,
                max(published.size - (last.size if last else 0), 0),
            )
        )
    names = tuple(each.name for each in witnesses if _has_cosigned(anchors, published, each))
    return Witnessed(published.size, needed, names, tuple(standings))


def take_in(ledger: Ledger, anchors: Anchors, published: Published, text: str) -> list[str]:
    """Take in cosignature lines that came as a file; return the names of the witnesses.

    Args:
        ledger: The log.
        anchors: Where cosignatures are kept.
        published: The checkpoint that they are under.
        text: The lines, or the whole note with them.

    Raises:
        CosignatureForeign: None of them is by an appointed witness under this checkpoint.
        NoteBroken: They cannot be read, or one that claims to be by a witness does not hold.
    """
    body, _ = split_note(published.note)
    note = text if _is_note_of(text, body) else f"{body}\n{text}"
    keys = [CosignatureKey.from_vkey(each.vkey) for each in appointed(ledger)[0]]
    found = cosignatures(note, keys)
    if not found:
        raise CosignatureForeign(
            f"no appointed witness cosigned the checkpoint of {published.size} entries in it"
        )
    known = set(_lines_kept(anchors, published))
    for line in split_note(note)[1]:
        for key, time_s in found.items():
            by = line.name, line.key_hash
            # One of each is enough: more of them, and nobody could open the note.
            if by == (key.name, key.key_hash) and by not in known:
                known.add(by)
                anchors.add_cosignature(published.size, line, time_s)
    return sorted({key.name for key in found})


def _is_note_of(text: str, body: str) -> bool:
    """Say whether a text is a whole note over this very body, and not over one that goes on."""
    try:
        return split_note(text)[0] == body
    except NoteBroken:
        return False


def _has_cosigned(anchors: Anchors, published: Published, witness: Witness) -> bool:
    key = CosignatureKey.from_vkey(witness.vkey)
    return (key.name, key.key_hash) in _lines_kept(anchors, published)


def _lines_kept(anchors: Anchors, published: Published) -> dict[tuple[str, bytes], SignatureLine]:
    """Return the last line of each witness under a checkpoint, by whose it is."""
    return {
        (each.line.name, each.line.key_hash): each.line
        for each in anchors.cosignatures(published.size)
    }


class _Asking:
    """One witness being asked for one checkpoint."""

    def __init__(
        self,
        ledger: Ledger,
        anchors: Anchors,
        act: CommandAct,
        published: Published,
        witness: Witness,
    ) -> None:
        self._ledger = ledger
        self._anchors = anchors
        self._act = act
        self._published = published
        self._witness = witness

    def ask(self, client: httpx2.Client, sleep: Sleep) -> str:
        """Post the checkpoint; return what came of it."""
        last = self._anchors.last_cosigned(self._witness.name)
        old_size = min(last.size if last else 0, self._published.size)
        wait_s = 0.0
        for _ in range(TRIES):
            if wait_s:
                sleep(wait_s)
            answer = self._post(client, old_size)
            if answer is None or answer[0] >= 500:  # noqa: PLR2004 - it suffered, not decided
                wait_s = 2 * wait_s or 2.0
                continue
            status, kind, text = answer
            if status == Status.COSIGNED:
                return self._taken(text)
            held = _size(text) if status == Status.OTHER_SIZE and kind == SIZE_TYPE else None
            if held is None or held == old_size:
                return self._refused(status, held, text)
            if held > self._published.size:
                return self._refused(status, held, "it holds more than this log has published")
            old_size, wait_s = held, 0.0
        return UNREACHABLE

    def _post(self, client: httpx2.Client, old_size: int) -> tuple[int, str, str] | None:
        size, log = self._published.size, self._ledger.log
        proof = consistency_path(old_size, size, log.subtree_hash) if old_size else []
        body = Submission(old_size, tuple(proof), self._published.note).text()
        url = f"{(self._witness.url or '').rstrip('/')}/add-checkpoint"
        try:
            with client.stream("POST", url, content=body.encode(), timeout=TIMEOUT_S) as answer:
                content = b""
                for chunk in answer.iter_bytes():
                    content += chunk
                    if len(content) > ANSWER_BYTES_MAX:
                        return None
                kind = answer.headers.get("content-type", "").partition(";")[0].strip()
                return answer.status_code, kind, content.decode(errors="replace")
        except (httpx2.HTTPError, httpx2.InvalidURL):
            return None

    def _taken(self, text: str) -> str:
        try:
            names = take_in(self._ledger, self._anchors, self._published, text)
        except LedgerError as cause:
            return self._refused(Status.COSIGNED, None, f"its answer does not hold: {cause}")
        if self._witness.name not in names:
            return self._refused(Status.COSIGNED, None, "its answer is another witness's")
        return COSIGNED

    def _refused(self, status: int, held_size: int | None, cause: str) -> str:
        """Leave the finding, unless it stands in the log for this checkpoint already."""
        key = f"witness-refused:{self._witness.name}:{self._published.size}:{int(status)}"
        act = CommandAct(
            self._act.actor, self._act.happened_on, self._act.recorded_at, idempotency_key=key
        )
        said = "".join(char if char.isprintable() else " " for char in cause)[:200].strip()
        refusal = WitnessRefusal(
            self._witness.name, self._published.size, int(status), held_size, said
        )
        try:
            record_witness_refusal(self._ledger, act, refusal)
        except LedgerError as known:
            if known.code != "idempotency.key_reused":
                raise
        return REFUSED


def _size(text: str) -> int | None:
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 20 else None  # noqa: PLR2004 - what 8 bytes hold
