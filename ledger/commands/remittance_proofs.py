"""What ledgers show one another of remittances: packs, checked before anything is decided."""

from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from ledger.domain.aggregate import Event
from ledger.domain.events import committing_topics
from ledger.domain.fund import FundAccount
from ledger.domain.known_ledger import KnownLedger, LedgerUnknown, OwnLedger, known_ledger_id
from ledger.domain.remittance import EntryElsewhere, Remittance, remittance_id
from ledger.domain.values import is_fiscal_year
from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import base64_text
from ledger.evidence.envelope import EnvelopeBroken, decode
from ledger.evidence.merkle import leaf_hash
from ledger.evidence.pack import Pack, PackBroken
from ledger.evidence.pack_check import CheckedPack, check_pack
from ledger.evidence.verify import Rules
from ledger.store.application import Work
from ledger.store.mapper import EventUnreadable, event_of

TEvent = TypeVar("TEvent", bound=Event)

KIND = "remittance"
"""Of the packs that ledgers exchange."""


class NotOfRemittance(LedgerError):
    """The file proves something else, or the remittance as the other side has it."""

    code = "remittance.wrong_file"
    kind = Kind.INVALID

    def __init__(self, expected: str) -> None:
        super().__init__(f"this file is no {expected}")


@dataclass(frozen=True, slots=True)
class Proof:
    """Another ledger's pack, which holds if its founding key is the one that is registered."""

    checked: CheckedPack
    key_id: str

    @classmethod
    def of(cls, pack: Pack) -> "Proof":
        """Check a pack.

        Raises:
            NotOfRemittance: It is of something else.
            PackBroken: It does not hold.
        """
        if pack.kind != KIND:
            raise NotOfRemittance("file of a remittance")
        try:
            key_id = decode(pack.entries[0]).signatures[0].keyid
        except (KeyError, IndexError, EnvelopeBroken):
            raise PackBroken("the founding event is missing") from None
        *_, checked = check_pack(pack, Rules(pack.origin, committing_topics(), key_id))
        assert isinstance(checked, CheckedPack)  # noqa: S101 - the last that is yielded
        return cls(checked, key_id)

    def first(self, kind: type[TEvent], expected: str) -> tuple[int, TEvent]:
        """Return where and how the remittance came to be in that ledger.

        Raises:
            NotOfRemittance: It is the other side's file, or says nothing that can be read here.
        """
        events = self.checked.stream(self.checked.pack.subject)
        if not events or events[0].type != kind.TOPIC:
            raise NotOfRemittance(expected)
        position = events[0].position
        try:
            event = event_of(kind.TOPIC, self.checked.pack.entries[position])
        except EventUnreadable:
            raise NotOfRemittance(expected) from None
        assert isinstance(event, kind)  # noqa: S101 - its topic was looked at
        return position, event

    def sent(self) -> tuple[int, Remittance.Sent]:
        """Return where and how it was sent, checked as the decision of another program.

        Raises:
            NotOfRemittance: It is not the sender's file, or what it says cannot be.
        """
        position, sent = self.first(Remittance.Sent, "sender's file of a remittance")
        require_sound(sent)
        self.require_its_own(sent)
        return position, sent

    def entry(self, position: int) -> EntryElsewhere:
        """Return what is kept here of the entry and of the checkpoint that proves it."""
        checkpoint = self.checked.checkpoint
        return EntryElsewhere(
            key_id=self.key_id,
            position=position,
            leaf_hash=base64_text(leaf_hash(self.checked.pack.entries[position])),
            checkpoint_size=checkpoint.size,
            checkpoint_root=base64_text(checkpoint.root),
        )

    def require_known(self, work: Work) -> None:
        """Check that the ledger which made the proof is registered here.

        Raises:
            LedgerUnknown: It is not, or under another name.
        """
        self._require_named(require_known(work, self.key_id))

    def require_met(self, work: Work) -> None:
        """Check the same, or that it was registered before it was struck off.

        What had been sent there by then still wants an answer.

        Raises:
            LedgerUnknown: It never was, or under another name.
        """
        self._require_named(require_met(work, self.key_id))

    def require_its_own(self, sent: Remittance.Sent) -> None:
        """Check that a remittance's id is one that its ledger can give, and not another's.

        Otherwise whoever has a ledger could use up the id of what somebody else sends.

        Raises:
            NotOfRemittance: It does not follow from the founding key and the account's event.
        """
        ids = {
            remittance_id(self.key_id, sent.fund_id, int(each.payload["version"]))
            for each in self.checked.concerning(self.checked.pack.subject)
            if each.type == FundAccount.Remitted.TOPIC
            and each.payload["stream"] == str(sent.fund_id)
        }
        if sent.originator_id not in ids:
            raise NotOfRemittance("remittance of the ledger that made it")

    def _require_named(self, known: KnownLedger) -> None:
        if known.origin != self.checked.pack.origin:
            raise LedgerUnknown(self.key_id)


@dataclass(frozen=True, slots=True)
class Said:
    """What a ledger's file says of a remittance: that it sent, took in, or refused it."""

    proof: Proof
    position: int
    event: Remittance.Sent | Remittance.Received | Remittance.Refused


def said_by(pack: Pack) -> Said:
    """Check another ledger's file, and return what it says; on nothing is decided yet.

    Raises:
        NotOfRemittance: It is of something else.
        PackBroken: It does not hold.
    """
    proof = Proof.of(pack)
    expected = "file of a remittance"
    for kind in (Remittance.Sent, Remittance.Received, Remittance.Refused):
        with suppress(NotOfRemittance):
            position, event = proof.first(kind, expected)
            assert isinstance(event, kind)  # noqa: S101 - for who reads types
            return Said(proof, position, event)
    raise NotOfRemittance(expected)


def require_known(work: Work, key_id: str) -> KnownLedger:
    """Return another ledger.

    Raises:
        OwnLedger: It is this one.
        LedgerUnknown: It is not registered here.
    """
    known = require_met(work, key_id)
    if not known.is_known:
        raise LedgerUnknown(key_id)
    return known


def require_met(work: Work, key_id: str) -> KnownLedger:
    """Return another ledger, also one that was struck off.

    Raises:
        OwnLedger: It is this one.
        LedgerUnknown: It was never registered here.
    """
    if key_id == work.ledger.founding_key_id():
        raise OwnLedger(key_id)
    known = work.find(KnownLedger, known_ledger_id(key_id))
    if known is None:
        raise LedgerUnknown(key_id)
    return known


def require_sound(sent: Remittance.Sent) -> None:
    """Check what another program decided: it may be another one than ours.

    Raises:
        NotOfRemittance: Its pieces are none, or do not come to the amount.
    """
    amounts = [part.amount_fen for part in sent.parts]
    years = [part.vintage for part in sent.parts]
    if not amounts or min(amounts) <= 0 or sum(amounts) != sent.amount_fen:
        raise NotOfRemittance("remittance whose pieces come to its amount")
    if not all(map(is_fiscal_year, years)):
        raise NotOfRemittance("remittance of money of known years")
