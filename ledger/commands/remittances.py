"""Money between ledgers: sent, and taken in or refused there, on each other's proofs.

What was taken in is acknowledged where it came from, what was refused is taken back there. Whoever
it is for says once which of the two it is, so that money is never in two ledgers.

The proof is an evidence pack of the remittance, which holds without the ledger that made it. So no
ledger asks another anything, and a file may travel by any way.
"""

from dataclasses import dataclass
from uuid import UUID

from ledger.commands.duties import (
    acting_officer,
    approving_place,
    require_approver,
    require_post,
    require_role,
)
from ledger.commands.funds import CASHIERS, account_for
from ledger.commands.opening_surplus import bring_forward_again
from ledger.commands.refusals import recorded
from ledger.commands.remittance_proofs import Proof, require_known
from ledger.commands.signed_acts import perform_signed
from ledger.domain.fund import FundAccount, FundInsufficient, fund_id
from ledger.domain.known_ledger import KnownLedger, OwnLedger, known_ledger_id
from ledger.domain.officer import Role
from ledger.domain.organisation import Organisation, organisation_id
from ledger.domain.remittance import (
    Remittance,
    RemittanceAmountDiffers,
    RemittanceForOthers,
    RemittanceProofDiffers,
    remittance_id,
)
from ledger.domain.values import Money
from ledger.evidence.canonical import base64_text
from ledger.evidence.merkle import leaf_hash
from ledger.evidence.pack import Pack
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Decide, Ledger, Work


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
        RemittanceTaken, RemittanceRefused: It was taken in, or refused, before.
        NotOnRecord: There is no such organisation here.
    """
    proof = Proof.of(pack)
    position, sent = proof.sent()

    def decide(work: Work) -> None:
        proof.require_known(work)
        id_ = sent.originator_id
        if sent.to_key_id != ledger.founding_key_id():
            raise RemittanceForOthers(id_, f"the ledger that key {sent.to_key_id} founded")
        organisation = work.get(Organisation, organisation_id(sent.to_code))
        require_post(work, act, CASHIERS, organisation.id)
        if (met := work.find(Remittance, id_)) is not None:
            met.require_new()
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
        RemittanceAcknowledged, RemittanceTakenBack: That was recorded before, or the contrary.
        NotOnRecord: No such remittance was sent from here.
    """
    proof = Proof.of(pack)
    position, received = proof.first(Remittance.Received, "receiver's file of a remittance")

    def decide(work: Work) -> None:
        remittance = _sent_here(work, act, proof, received)
        remittance.acknowledge(
            act,
            amount=received.amount_fen,
            received=proof.entry(position),
            acknowledged_by=acting_officer(act),
        )
        work.save(remittance)

    request = (pack.subject, pack.checkpoint)
    return ledger.perform(act, "remittance.acknowledge", request, decide)


def refuse_remittance(ledger: Ledger, act: CommandAct, pack: Pack, reason: str) -> Answer:
    """Refuse what another ledger sent, for good, on an approver's own signature.

    The sender's ledger need not be known here: what is refused moves nothing.

    Args:
        ledger: The receiver's.
        act: Who and when; an approver of the organisation that it is for, or where no such
            organisation is here, any approver.
        pack: The sender's pack of the remittance, which is checked here.
        reason: Why, in words that the sender reads; it names nobody.

    Raises:
        OwnLedger: It was sent from here.
        PackBroken: The proof does not hold.
        NotOfRemittance, RemittanceForOthers, RefusalReasonUnfit: As they say.
        RemittanceTaken, RemittanceRefused: It was taken in, or refused, before.
        OfficerRequired, RoleMissing, OfficerSignatureMissing: It is not for this actor to do.
    """
    decide = _refuse(ledger, act, pack, reason)
    request = (pack.subject, pack.checkpoint, reason)
    return perform_signed(ledger, act, "remittance.refuse", request, UUID(pack.subject), decide)


def prepare_refusal(ledger: Ledger, act: CommandAct, pack: Pack, reason: str) -> bytes:
    """Return the payload that the officer is to sign."""
    return ledger.prepare(act, _refuse(ledger, act, pack, reason))[0]


def take_back_remittance(ledger: Ledger, act: CommandAct, pack: Pack, amount_fen: int) -> Answer:
    """Put money back into the lots it came from, on the receiver's proof that it was refused.

    What was on its way when the year began, and so stood in no opening surplus, is brought forward
    as part of it; with its whole lot, where that stands in no opening yet.

    Args:
        ledger: The sender's.
        act: Who and when; a cashier or accountant of the organisation that sent it.
        pack: The receiver's pack of the remittance, which is checked here.
        amount_fen: What came back in the bank; all of it, or it is not taken back.

    Raises:
        LedgerUnknown: The receiver was never registered here, or under another name.
        PackBroken: The proof does not hold.
        NotOfRemittance, RemittanceForOthers, RemittanceAmountDiffers: As they say.
        RemittanceProofDiffers: Another entry was refused than the one that stands here.
        RemittanceAcknowledged, RemittanceTakenBack: The receiver has it, or that was recorded.
        NotOnRecord: No such remittance was sent from here.
    """
    proof = Proof.of(pack)
    position, refused = proof.first(Remittance.Refused, "receiver's refusal of a remittance")

    def decide(work: Work) -> None:
        remittance = _sent_here(work, act, proof, refused)
        if refused.amount_fen != amount_fen:
            raise RemittanceAmountDiffers(remittance.id, refused.amount_fen, Money(amount_fen))
        parts = remittance.take_back(
            act,
            amount=refused.amount_fen,
            reason=refused.reason,
            refused=proof.entry(position),
            taken_back_by=acting_officer(act),
        )
        assert remittance.fund_id is not None  # noqa: S101 - it was sent from one
        account = work.get(FundAccount, remittance.fund_id)
        account.take_remittance_back(act, remittance_id=remittance.id, parts=parts)
        work.save(remittance, account)
        bring_forward_again(work, act, account, remittance, refused.sent.position)
        work.result.update(remittance_id=str(remittance.id), fund_id=str(account.id))

    request = (pack.subject, pack.checkpoint, amount_fen)
    return ledger.perform(act, "remittance.take_back", request, decide)


def _sent_here(
    work: Work, act: CommandAct, proof: Proof, told: Remittance.Received | Remittance.Refused
) -> Remittance:
    """Return what the other ledger speaks of, if it is the very entry that stands here.

    Raises:
        LedgerUnknown: The other ledger was never registered here, or under another name.
        RemittanceForOthers, RemittanceProofDiffers: It is another entry.
        NotOnRecord, OfficerRequired, RoleMissing: As they say.
    """
    proof.require_met(work)
    remittance = work.get(Remittance, told.originator_id)
    require_post(work, act, CASHIERS, remittance.organisation_id)
    ledger, named = work.ledger, told.sent
    if named.key_id != ledger.founding_key_id():
        raise RemittanceForOthers(remittance.id, f"the ledger that key {named.key_id} founded")
    (_, sent_at), *_ = ledger.log.select_stream_positions(remittance.id)
    ((_, _, _, sent),) = ledger.log.select_entries(sent_at, 1)
    if (named.position, named.leaf_hash) != (sent_at, base64_text(leaf_hash(sent))):
        raise RemittanceProofDiffers(remittance.id, "what it names does not stand here")
    return remittance


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


def _refuse(ledger: Ledger, act: CommandAct, pack: Pack, reason: str) -> Decide:
    proof = Proof.of(pack)
    position, sent = proof.sent()

    def decide(work: Work) -> None:
        own = ledger.founding_key_id()
        if proof.key_id == own:
            raise OwnLedger(own)
        if sent.to_key_id != own:
            whose = f"the ledger that key {sent.to_key_id} founded"
            raise RemittanceForOthers(sent.originator_id, whose)
        addressed = work.find(Organisation, organisation_id(sent.to_code))
        if addressed is None:
            place = approving_place(work, act)
        else:
            place = addressed.id
            require_role(work, acting_officer(act), Role.APPROVER, place, act.happened_on)
            require_post(work, act, {Role.APPROVER}, place)
        if (met := work.find(Remittance, sent.originator_id)) is not None:
            met.require_new()
        remittance = Remittance.refuse(
            act,
            sent.originator_id,
            organisation_id=place,
            from_code=sent.from_code,
            to_code=sent.to_code,
            document=sent.document,
            amount=sent.amount_fen,
            reason=reason,
            sent=proof.entry(position),
        )
        work.save(remittance)
        work.result["remittance_id"] = str(remittance.id)

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
