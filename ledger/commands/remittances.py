"""Money between ledgers: sent, taken in on the sender's proof, acknowledged on the receiver's.

The proof is an evidence pack of the remittance, which holds without the ledger that made it. So no
ledger asks another anything, and a file may travel by any way.
"""

from dataclasses import dataclass
from typing import TypeVar

from ledger.commands.duties import acting_officer, require_approver, require_post, require_role
from ledger.commands.funds import CASHIERS, account_for
from ledger.commands.refusals import recorded
from ledger.commands.signed_acts import perform_signed
from ledger.domain.aggregate import Event
from ledger.domain.events import committing_topics
from ledger.domain.fund import FundInsufficient, fund_id
from ledger.domain.known_ledger import (
    KnownLedger,
    LedgerUnknown,
    OwnLedger,
    known_ledger_id,
)
from ledger.domain.officer import Role
from ledger.domain.organisation import Organisation, organisation_id
from ledger.domain.remittance import (
    EntryElsewhere,
    Remittance,
    RemittanceAmountDiffers,
    RemittanceForOthers,
    RemittanceProofDiffers,
    RemittanceTaken,
    remittance_id,
)
from ledger.domain.values import Money, is_fiscal_year
from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import base64_text
from ledger.evidence.envelope import EnvelopeBroken, decode
from ledger.evidence.merkle import leaf_hash
from ledger.evidence.pack import Pack, PackBroken
from ledger.evidence.pack_check import CheckedPack, check_pack
from ledger.evidence.verify import Rules
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Decide, Ledger, Work
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
class Acquaintance:
    """A ledger to be known here: its founding key id and log name, learned from its owners."""

    key_id: str
    origin: str
    name: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Sending:
    """Money for an organisation of another ledger."""

    from_code: str
    earmark: str
    to_key_id: str
    to_code: str
    document: str
    amount_fen: int


def register_ledger(ledger: Ledger, act: CommandAct, order: Acquaintance) -> Answer:
    """Have another ledger known here, on an approver's own signature.

    Raises:
        FoundingKeyMisspelt, LedgerAlreadyKnown, OwnLedger: As they say.
        OfficerRequired, RoleMissing, OfficerSignatureMissing: It is not for this actor to do.
    """
    decide = _register(act, order)
    id_ = known_ledger_id(order.key_id)
    return perform_signed(ledger, act, "known_ledger.register", order, id_, decide)


def prepare_register(ledger: Ledger, act: CommandAct, order: Acquaintance) -> bytes:
    """Return the payload that the officer is to sign."""
    return ledger.prepare(act, _register(act, order))[0]


def strike_off_ledger(ledger: Ledger, act: CommandAct, key_id: str, reason: str) -> Answer:
    """Have it known no longer, on an approver's own signature.

    Raises:
        LedgerUnknown: It is not.
        OfficerRequired, RoleMissing, OfficerSignatureMissing: It is not for this actor to do.
    """
    decide = _strike_off(act, key_id, reason)
    id_ = known_ledger_id(key_id)
    return perform_signed(ledger, act, "known_ledger.strike_off", (key_id, reason), id_, decide)


def prepare_strike_off(ledger: Ledger, act: CommandAct, key_id: str, reason: str) -> bytes:
    """Return the payload that the officer is to sign."""
    return ledger.prepare(act, _strike_off(act, key_id, reason))[0]


def send_remittance(ledger: Ledger, act: CommandAct, order: Sending) -> Answer:
    """Send money to another ledger; signed by the giver's approver. Too little is put on record.

    Raises:
        LedgerUnknown, OwnLedger: It goes to no other ledger that is registered here.
        OfficerRequired, RoleMissing, OfficerSignatureMissing: It is not for this actor to do.
    """
    giver = fund_id(organisation_id(order.from_code), order.earmark)
    return perform_signed(ledger, act, "remittance.send", order, giver, _send(act, order))


def prepare_remittance(ledger: Ledger, act: CommandAct, order: Sending) -> bytes:
    """Return the payload that the officer is to sign."""
    return ledger.prepare(act, _send(act, order))[0]


def receive_remittance(ledger: Ledger, act: CommandAct, pack: Pack, amount_fen: int) -> Answer:
    """Take in what another ledger sent, on its proof. Sources, documents and vintages are kept.

    Args:
        ledger: The receiver's.
        act: Who and when; a cashier or accountant of the organisation that it is for.
        pack: The sender's pack of the remittance, which is checked here.
        amount_fen: What arrived in the bank; the pack has to say the same.

    Raises:
        LedgerUnknown: The sender is not registered here, or under another name.
        PackBroken: The proof does not hold.
        NotOfRemittance, RemittanceForOthers, RemittanceAmountDiffers: As they say.
        RemittanceTaken: It was taken in before.
        NotOnRecord: There is no such organisation here.
    """
    proof = _Proof.of(pack)
    position, sent = proof.first(Remittance.Sent, "sender's file of a remittance")
    _require_sound(sent)

    def decide(work: Work) -> None:
        proof.require_known(work)
        id_ = sent.originator_id
        if sent.to_key_id != ledger.founding_key_id():
            raise RemittanceForOthers(id_, f"the ledger that key {sent.to_key_id} founded")
        organisation = work.get(Organisation, organisation_id(sent.to_code))
        require_post(work, act, CASHIERS, organisation.id)
        if work.find(Remittance, id_) is not None:
            raise RemittanceTaken(id_)
        if sent.amount_fen != amount_fen:
            raise RemittanceAmountDiffers(id_, sent.amount_fen, Money(amount_fen))
        account = account_for(work, act, organisation.id, sent.earmark)
        remittance = Remittance.receive(
            act,
            id_,
            organisation_id=organisation.id,
            fund_id=account.id,
            earmark=sent.earmark,
            from_code=sent.from_code,
            document=sent.document,
            amount=sent.amount_fen,
            sent=proof.entry(position),
            received_by=acting_officer(act),
        )
        account.receive_remittance(act, remittance_id=id_, document=sent.document, parts=sent.parts)
        work.save(remittance, account)
        work.result.update(remittance_id=str(id_), fund_id=str(account.id))

    request = (pack.subject, pack.checkpoint, amount_fen)
    return ledger.perform(act, "remittance.receive", request, decide)


def acknowledge_remittance(ledger: Ledger, act: CommandAct, pack: Pack) -> Answer:
    """Take in the receiver's proof that it has what was sent from here.

    Args:
        ledger: The sender's.
        act: Who and when; a cashier or accountant of the organisation that sent it.
        pack: The receiver's pack of the remittance, which is checked here.

    Raises:
        LedgerUnknown: The receiver is not registered here, or under another name.
        PackBroken: The proof does not hold.
        NotOfRemittance, RemittanceForOthers, RemittanceAmountDiffers: As they say.
        RemittanceProofDiffers: It was taken in on another entry than the one that stands here.
        RemittanceAcknowledged: That was recorded before.
        NotOnRecord: No such remittance was sent from here.
    """
    proof = _Proof.of(pack)
    position, received = proof.first(Remittance.Received, "receiver's file of a remittance")

    def decide(work: Work) -> None:
        proof.require_known(work)
        remittance = work.get(Remittance, received.originator_id)
        require_post(work, act, CASHIERS, remittance.organisation_id)
        named = received.sent
        if named.key_id != ledger.founding_key_id():
            raise RemittanceForOthers(remittance.id, f"the ledger that key {named.key_id} founded")
        own = ledger.log.select_entries(named.position, 1) if named.position >= 0 else ()
        if not own or base64_text(leaf_hash(own[0][3])) != named.leaf_hash:
            raise RemittanceProofDiffers(remittance.id, "what it names does not stand here")
        remittance.acknowledge(
            act,
            amount=received.amount_fen,
            received=proof.entry(position),
            acknowledged_by=acting_officer(act),
        )
        work.save(remittance)

    request = (pack.subject, pack.checkpoint)
    return ledger.perform(act, "remittance.acknowledge", request, decide)


@dataclass(frozen=True, slots=True)
class _Proof:
    """Another ledger's pack, which holds if its founding key is the one that is registered."""

    checked: CheckedPack
    key_id: str

    @classmethod
    def of(cls, pack: Pack) -> "_Proof":
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
        known = require_known(work, self.key_id)
        if known.origin != self.checked.pack.origin:
            raise LedgerUnknown(self.key_id)


def require_known(work: Work, key_id: str) -> KnownLedger:
    """Return another ledger.

    Raises:
        OwnLedger: It is this one.
        LedgerUnknown: It is not registered here.
    """
    if key_id == work.ledger.founding_key_id():
        raise OwnLedger(key_id)
    known = work.find(KnownLedger, known_ledger_id(key_id))
    if known is None or not known.is_known:
        raise LedgerUnknown(key_id)
    return known


def _require_sound(sent: Remittance.Sent) -> None:
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


def _register(act: CommandAct, order: Acquaintance) -> Decide:
    def decide(work: Work) -> None:
        require_approver(work, act)
        if order.key_id == work.ledger.founding_key_id():
            raise OwnLedger(order.key_id)
        known = work.find(KnownLedger, known_ledger_id(order.key_id))
        if known is None:
            known = KnownLedger.register(
                act,
                key_id=order.key_id,
                origin=order.origin,
                name=order.name,
                address=order.address,
            )
        else:
            known.register_again(act, origin=order.origin, name=order.name, address=order.address)
        work.save(known)

    return decide


def _strike_off(act: CommandAct, key_id: str, reason: str) -> Decide:
    def decide(work: Work) -> None:
        require_approver(work, act)
        known = require_known(work, key_id)
        known.strike_off(act, reason=reason)
        work.save(known)

    return decide


def _send(act: CommandAct, order: Sending) -> Decide:
    def decide(work: Work) -> None:
        giver_id = organisation_id(order.from_code)
        require_role(work, acting_officer(act), Role.APPROVER, giver_id, act.happened_on)
        require_post(work, act, {Role.APPROVER}, giver_id)
        require_known(work, order.to_key_id)
        account = account_for(work, act, giver_id, order.earmark)
        own, version = work.ledger.founding_key_id(), account.version + 1
        id_ = remittance_id(own, account.id, version)
        amount = Money(order.amount_fen)
        try:
            parts = account.remit(act, remittance_id=id_, amount=amount)
        except FundInsufficient as refusal:
            work.save(recorded(act, "remittance.send", refusal, giver_id))
            work.refuse(refusal)
            return
        remittance = Remittance.send(
            act,
            id_,
            organisation_id=giver_id,
            fund_id=account.id,
            from_code=order.from_code,
            earmark=order.earmark,
            to_key_id=order.to_key_id,
            to_code=order.to_code,
            document=order.document,
            amount=amount,
            parts=parts,
        )
        work.save(account, remittance)
        work.result["remittance_id"] = str(id_)

    return decide
