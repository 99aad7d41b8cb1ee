"""Traces: where a payment's money came from, and all that happened to it, each with its proof."""

from collections.abc import Collection
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from api.callers import READ, TheReach
from api.crossing import crossings
from api.dependencies import TheLedger, ThePage, TheReadModel
from api.payees import payment_of
from api.web.screen import TheScreen
from api.web.timeline import Node, Reader
from api.web.words import TERMS
from api.within import payment_within
from ledger.domain.disbursement import Status
from ledger.domain.policy import Channel
from projections.batches import Batch, batch_list, statements_of
from projections.disbursements import Disbursement
from projections.disclosures import files_of
from projections.flows import trace_back
from projections.histories import positions_of
from projections.notices import notice_list
from projections.organisations import staff_numbers, tree_on

router = APIRouter(include_in_schema=False)

OF_THE_PERSON = (
    "recipient.unmasked",
    "recipient.restricted",
    "recipient.restriction_lifted",
    "recipient.erased",
)
"""What was done with the data of the person who is paid, whichever payment was looked at."""

NO_IMAGE = "0" * 64


@router.get("/trace/payments/{disbursement_id}", dependencies=[READ])
def trace_payment(
    disbursement_id: UUID,
    screen: TheScreen,
    model: TheReadModel,
    page: ThePage,
    reach: TheReach,
    the_ledger: TheLedger,
) -> Response:
    """Show a payment's way from its sources to its recipient, and every event of it."""
    payment = payment_within(model, reach, disbursement_id)
    batch = batch_list(model, batch_id=payment.batch_id)[0]
    reader = Reader(the_ledger, model, tree_on(model), reach)
    positions, further = reader.positions([disbursement_id], page)
    nodes = reader.nodes(positions, page, whole=True)
    if page.after < 0:
        beside = _of_batch(model, batch) | set(files_of(model, [batch.batch_id]))
        beside = {each for each in beside - set(positions) if each <= page.at}
        nodes += reader.nodes(sorted(beside), page, whole=True)
        of_person = [each for each in positions_of(model, payment.person_id) if each <= page.at]
        whole = reader.sees_all_of(payment.person_id)
        nodes += reader.nodes(of_person, page, whole=whole, only=OF_THE_PERSON)
    strands = trace_back(model, disbursement_id)
    return screen.show(
        "trace/payment.html",
        payment=payment_of(the_ledger, payment),
        tree=reader.tree,
        reach=reach,
        strands=strands,
        crossings=crossings(the_ledger, model, [each.origin.lot_id for each in strands]),
        staff={str(id_): number for id_, number in staff_numbers(model).items()},
        nodes=sorted(nodes, key=lambda node: node.event.position),
        next=further,
        absent=[] if further else absent_evidence(payment, batch, nodes),
        field_names=set(TERMS["of_event"]),
    )


def _of_batch(model: Connection, batch: Batch) -> set[int]:
    """Return where the log tells of the payment's batch as a whole, its files and its notices."""
    found = {batch.position, *(step.position for step in batch.steps)}
    found |= {each.position for each in statements_of(model, batch.batch_id)}
    for notice in notice_list(model, batch_id=batch.batch_id):
        found |= {notice.position} | ({notice.ended_at} if notice.ended_at is not None else set())
    return found


def absent_evidence(payment: Disbursement, batch: Batch, nodes: Collection[Node] = ()) -> list[str]:
    """Return what should be on record of a payment as it stands, and is not.

    `review`: somebody else looked at the list. `bank_file`, `bank_answer`, `bank_line`: a card
    payment was sent in a file, answered, and answered by a line or total of a return file.
    `signature`, `signature_image`: a sheet was signed by the recipient in person.
    """
    done = {step.step for step in batch.steps}
    absent = [] if "reviewed" in done else ["review"]
    waiting = payment.status == Status.IN_TRANSIT
    if payment.channel == Channel.SIGNATURE_SHEET:
        if waiting:
            return [*absent, "signature"]
        signed = [each.event.data for each in nodes if each.event.type == "disbursement.signed"]
        images = [data.get("image_sha256") or NO_IMAGE for data in signed]
        missing = payment.status == Status.SIGNED and all(each == NO_IMAGE for each in images)
        return [*absent, "signature_image"] if missing else absent
    if payment.status == Status.WITHDRAWN:
        return absent
    absent += [] if batch.bank_files else ["bank_file"]
    if waiting:
        return [*absent, "bank_answer"]
    answered = any(each.event.type == "statement.line_matched" for each in nodes)
    return absent if answered else [*absent, "bank_line"]
