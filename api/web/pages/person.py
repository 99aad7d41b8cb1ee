"""All about one person: files, payments of all campaigns, refused rows, and who read their data."""

from uuid import UUID

from fastapi import APIRouter, Response

from api.callers import READ, OutsideReach, TheReach
from api.dependencies import TheLedger, ThePage, TheReadModel
from api.payees import payments_of
from api.web.screen import TheScreen
from api.web.timeline import Reader
from api.web.words import TERMS
from ledger.commands.searching import KEPT, masked_person
from ledger.domain.recipient import Recipient
from ledger.store.application import NotOnRecord
from projections.batches import campaign_list
from projections.disbursements import disbursement_list
from projections.disclosures import files_of
from projections.histories import positions_of
from projections.organisations import staff_numbers, tree_on

router = APIRouter(include_in_schema=False)

SHOWN = ("name", "id_number", "phone", "card_number")
NOTHING: dict[str, str] = {}
REFUSED = ("batch.row_refused", "batch.row_withdrawn")


@router.get("/trace/people/{person_id}", dependencies=[READ])
def trace_person(
    person_id: UUID,
    screen: TheScreen,
    model: TheReadModel,
    page: ThePage,
    reach: TheReach,
    the_ledger: TheLedger,
) -> Response:
    """Show what within reach concerns a person, masked; of one who was erased, that they were.

    Raises:
        NotOnRecord: Nothing in the log concerns them.
        OutsideReach: Nothing within reach does.
    """
    if not positions_of(model, person_id, limit=1):
        raise NotOnRecord("recipient", person_id)
    recipient = the_ledger.load(Recipient, person_id)
    files = [] if recipient is None else list(recipient.files.values())
    payments = disbursement_list(model, person_ids=[person_id])
    within = [each for each in payments if each.organisation_id in reach.ids]
    reader = Reader(the_ledger, model, tree_on(model), reach)
    subjects = [person_id, *(each.disbursement_id for each in within)]
    files_made = files_of(model, {each.batch_id for each in within})
    positions, further = reader.positions(subjects, page, beside=files_made)
    nodes = reader.nodes(positions, page, whole=reader.sees_all_of(person_id))
    files = [each for each in files if each.organisation_id in reach.ids]
    if not (files or within or any(node.place for node in nodes)):
        raise OutsideReach(person_id)
    shown = payments_of(the_ledger, within)
    state, known = KEPT, NOTHING
    if recipient is not None:
        state, known = masked_person(the_ledger, recipient, reach.ids)
    if shown and not known:
        state = shown[-1].payee.state
        known = shown[-1].payee.model_dump(exclude={"state"}, exclude_none=True)
    return screen.show(
        "trace/person.html",
        state=state,
        known={name: known.get(name) for name in SHOWN},
        files=sorted(files, key=lambda file: file.opened_on),
        payments=shown,
        refused=[node for node in nodes if node.event.type in REFUSED],
        nodes=nodes,
        next=further,
        at=page.at,
        tree=reader.tree,
        staff={str(id_): number for id_, number in staff_numbers(model).items()},
        campaigns={each.campaign_id: each.name for each in campaign_list(model)},
        field_names=set(TERMS["of_event"]),
    )
