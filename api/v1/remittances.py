"""Remittances: money to and from other ledgers, on each other's proofs; which ledgers are known."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, File, Query, Response, UploadFile
from fastapi import Form as FormField

from api.acting import Prepared, Signed, TheActing, prepared
from api.callers import APPROVE, CASH, READ, SIGNED_IN, TheCaller, TheReach
from api.dependencies import Served, TheLedger, TheMoment, ThePage, TheReadModel, served
from api.edge.one_thread import InOneThread
from api.file_answer import ZIP, file_answer
from api.problems import RESPONSES
from api.remitting import proof_of, read_proof
from api.v1 import forms, models
from api.v1.models import Answer, Day, Fen, Id, Position
from api.v1.written import (
    ArrivedRemittance,
    NamedRemittance,
    Nothing,
    Written,
    written,
)
from api.within import remittance_within
from ledger.commands.remittances import (
    Acquaintance,
    Sending,
    acknowledge_remittance,
    prepare_refusal,
    prepare_register,
    prepare_remittance,
    prepare_strike_off,
    receive_remittance,
    refuse_remittance,
    register_ledger,
    send_remittance,
    strike_off_ledger,
    take_back_remittance,
)
from ledger.domain.remittance import REASON_CHARACTERS_MAX, State
from ledger.store.act import CommandAct
from projections.remittances import known_ledgers, remittance_list

router = APIRouter(
    route_class=InOneThread, prefix="/remittances", tags=["remittances"], responses=RESPONSES
)
ledgers = APIRouter(
    route_class=InOneThread, prefix="/known-ledgers", tags=["remittances"], responses=RESPONSES
)

ProofFile = Annotated[UploadFile, File(description="The other ledger's file, a ZIP.")]


class SignedRemittance(forms.Form):
    remittance: forms.RemittanceForm
    signed: Signed


class SignedKnownLedger(forms.Form):
    ledger: forms.KnownLedgerForm
    signed: Signed


class SignedStrikingOff(forms.Form):
    reason: forms.Text
    signed: Signed


SignedPayload = Annotated[
    str, FormField(max_length=200_000, description="Base64, as the preparation gave it.")
]
SignedKeyId = Annotated[str, FormField(max_length=100)]
SignatureMade = Annotated[
    str, FormField(max_length=10_000, description="Base64, over the bytes in `to_sign`.")
]
Reason = Annotated[
    str,
    FormField(
        min_length=1,
        max_length=REASON_CHARACTERS_MAX,
        description="Why it is refused: the other ledger reads it, and it names nobody.",
    ),
]


class StrikingOff(forms.Form):
    reason: forms.Text


class RemittanceView(Answer):
    """Money to another ledger (`out`) or from one (`in`).

    `state` of what was sent is `on_its_way`, `acknowledged` or `taken_back`; of what came from
    elsewhere, `received` or `refused`, and then it has no `fund_id`. `answered_at` is where the
    other side's entry stands in its own log; it is null until the receiver's proof was taken in
    here. `reason` is why the receiver refused it.
    """

    remittance_id: Id
    direction: str
    organisation_id: Id
    fund_id: Id | None
    key_id: str
    ledger_name: str
    other_code: str
    document: str
    amount_fen: Fen
    happened_on: Day
    position: Position
    state: str
    acknowledged_on: str | None
    taken_back_on: str | None
    reason: str | None
    answered_at: int | None


class KnownLedgerView(Answer):
    key_id: str
    origin: str
    name: str
    address: str
    is_known: bool
    since: Day


class KnownLedgers(Answer):
    items: list[KnownLedgerView]


@router.get("", dependencies=[READ])
def list_remittances(
    model: TheReadModel,
    page: ThePage,
    moment: TheMoment,
    reach: TheReach,
    organisation_id: UUID | None = None,
    state: forms.RemittanceState | None = None,
    origin_id: Annotated[
        UUID | None, Query(description="The lot that some of their money first came in by.")
    ] = None,
) -> models.Listed[RemittanceView]:
    """List remittances that organisations within reach sent, received or refused."""
    found = remittance_list(
        model,
        moment,
        organisation_ids=reach.within(organisation_id),
        state=None if state is None else State(state),
        origin_id=origin_id,
        after=page.after,
        limit=page.limit + 1,
    )
    shown, further = page.cut(found)
    return models.Listed(
        items=[RemittanceView.model_validate(each) for each in shown],
        next=further,
        at=page.at,
    )


@router.get("/{remittance_id}", dependencies=[READ])
def show_remittance(
    remittance_id: UUID, model: TheReadModel, moment: TheMoment, reach: TheReach
) -> RemittanceView:
    """Show a remittance as it stood at the moment."""
    found = remittance_within(model, reach, remittance_id, moment)
    return RemittanceView.model_validate(found)


@router.get(
    "/{remittance_id}/proof",
    dependencies=[READ],
    response_class=Response,
    responses={
        200: {
            "description": "An evidence pack, a ZIP file: the proof for the other ledger.",
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
def show_proof(
    remittance_id: UUID,
    model: TheReadModel,
    found: Annotated[Served, Depends(served)],
    caller: TheCaller,
    reach: TheReach,
) -> Response:
    """Make the file that the other ledger takes in. It holds without this server; nobody is named.

    It stands under the last published checkpoint.
    """
    remittance_within(model, reach, remittance_id)
    act = CommandAct(str(caller.officer_id), found.clock.today(), found.clock.now())
    file = proof_of(found.ledger, found.maps, found.anchors, act, remittance_id)
    return file_answer(file, ZIP, f"remittance-{remittance_id}.zip")


@router.post("/preparations", dependencies=[APPROVE])
def prepare(form: forms.RemittanceForm, acting: TheActing, the_ledger: TheLedger) -> Prepared:
    """Prepare a remittance: what the giver's approver is to sign. Nothing is written."""
    return prepared(prepare_remittance(the_ledger, acting.act(), _order(form)))


@router.post("", status_code=201, dependencies=[APPROVE])
def create_remittance(
    form: SignedRemittance, acting: TheActing, the_ledger: TheLedger, response: Response
) -> Written[NamedRemittance]:
    """Send money to another ledger, as prepared and signed. Too little money is put on record."""
    answer = send_remittance(the_ledger, acting.signed(form.signed), _order(form.remittance))
    return written(the_ledger, response, answer, NamedRemittance)


@router.post("/arrivals", status_code=201, dependencies=[CASH])
def take_in(
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
    amount_fen: Annotated[Fen, FormField(description="What arrived in the bank.")],
    file: ProofFile,
) -> Written[ArrivedRemittance]:
    """Take in what another ledger sent, on its proof; sources, documents and vintages are kept."""
    answer = receive_remittance(the_ledger, acting.act(), read_proof(file), amount_fen)
    return written(the_ledger, response, answer, ArrivedRemittance)


@router.post("/acknowledgements", status_code=201, dependencies=[CASH])
def acknowledge(
    acting: TheActing, the_ledger: TheLedger, response: Response, file: ProofFile
) -> Written[Nothing]:
    """Take in the receiver's proof that it has what was sent from here."""
    answer = acknowledge_remittance(the_ledger, acting.act(), read_proof(file))
    return written(the_ledger, response, answer, Nothing)


@router.post("/refusals/preparations", dependencies=[APPROVE])
def prepare_refusing(
    acting: TheActing, the_ledger: TheLedger, reason: Reason, file: ProofFile
) -> Prepared:
    """Prepare to refuse what another ledger sent: what an approver is to sign."""
    return prepared(prepare_refusal(the_ledger, acting.act(), read_proof(file), reason))


@router.post("/refusals", status_code=201, dependencies=[APPROVE])
def refuse(
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
    reason: Reason,
    payload: SignedPayload,
    key_id: SignedKeyId,
    signature: SignatureMade,
    file: ProofFile,
) -> Written[NamedRemittance]:
    """Refuse what another ledger sent, for good, as prepared and signed: it is never taken in here.

    The proof of the refusal lets the sender take the money back.
    """
    act = acting.signed(Signed(payload=payload, key_id=key_id, signature=signature))
    answer = refuse_remittance(the_ledger, act, read_proof(file), reason)
    return written(the_ledger, response, answer, NamedRemittance)


@router.post("/taking-back", status_code=201, dependencies=[CASH])
def take_back(
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
    amount_fen: Annotated[Fen, FormField(description="What came back in the bank.")],
    file: ProofFile,
) -> Written[ArrivedRemittance]:
    """Put money back into the lots it came from, on the receiver's proof that it was refused."""
    answer = take_back_remittance(the_ledger, acting.act(), read_proof(file), amount_fen)
    return written(the_ledger, response, answer, ArrivedRemittance)


@ledgers.get("", dependencies=[SIGNED_IN])
def list_known_ledgers(model: TheReadModel) -> KnownLedgers:
    """List the other ledgers that were ever registered here, as they stand."""
    return KnownLedgers(
        items=[KnownLedgerView.model_validate(each) for each in known_ledgers(model)]
    )


@ledgers.post("/preparations", dependencies=[APPROVE])
def prepare_known_ledger(
    form: forms.KnownLedgerForm, acting: TheActing, the_ledger: TheLedger
) -> Prepared:
    """Prepare to register another ledger: what an approver is to sign. Nothing is written."""
    return prepared(prepare_register(the_ledger, acting.act(), _acquaintance(form)))


@ledgers.post("", status_code=201, dependencies=[APPROVE])
def register_known_ledger(
    form: SignedKnownLedger, acting: TheActing, the_ledger: TheLedger, response: Response
) -> Written[Nothing]:
    """Register another ledger, so that money may go there and come from there."""
    order = _acquaintance(form.ledger)
    answer = register_ledger(the_ledger, acting.signed(form.signed), order)
    return written(the_ledger, response, answer, Nothing)


@ledgers.post("/{key_id}/striking-off/preparations", dependencies=[APPROVE])
def prepare_striking_off(
    key_id: forms.KeyId, form: StrikingOff, acting: TheActing, the_ledger: TheLedger
) -> Prepared:
    """Prepare to strike a ledger off: what an approver is to sign. Nothing is written."""
    return prepared(prepare_strike_off(the_ledger, acting.act(), key_id, form.reason))


@ledgers.post("/{key_id}/striking-off", status_code=201, dependencies=[APPROVE])
def strike_off_known_ledger(
    key_id: forms.KeyId,
    form: SignedStrikingOff,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Strike a ledger off: no money goes there or comes from there any more."""
    act = acting.signed(form.signed)
    answer = strike_off_ledger(the_ledger, act, key_id, form.reason)
    return written(the_ledger, response, answer, Nothing)


def _order(form: forms.RemittanceForm) -> Sending:
    return Sending(
        form.from_code,
        form.earmark,
        form.to_key_id,
        form.to_code,
        form.document,
        form.amount_fen,
    )


def _acquaintance(form: forms.KnownLedgerForm) -> Acquaintance:
    return Acquaintance(form.key_id, form.origin, form.name, form.address)
