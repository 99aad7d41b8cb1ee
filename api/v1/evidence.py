"""Proofs under published checkpoints: that nothing is left out, and figures with their inputs."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response
from sqlalchemy import Connection

from api.acting import TheActing
from api.callers import OBSERVE, READ, SIGNED_IN, OutsideReach, Reach, TheCaller, TheReach
from api.dependencies import Served, TheLedger, TheReadModel, served
from api.edge.one_thread import InOneThread
from api.file_answer import ZIP, file_answer
from api.problems import RESPONSES
from api.v1 import forms, models
from api.within import is_wholly_within
from ledger.anchoring.publications import (
    Published,
    all_published,
    prove_head,
    published_at,
    require_latest,
)
from ledger.domain.aggregate import Root
from ledger.domain.batch import Batch
from ledger.domain.disbursement import Disbursement
from ledger.domain.fund import FundAccount
from ledger.domain.officer import OBSERVERS
from ledger.domain.remittance import Remittance
from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import canonical_json
from ledger.evidence.checkpoint import Checkpoint
from ledger.evidence.note import NoteBroken, split_note
from ledger.evidence.verifiable_map import subject_key
from ledger.packs.contents import LEDGER, require_on_record
from ledger.packs.handing_over import PackOrder, hand_over
from ledger.packs.making import make_bare_pack
from ledger.store.application import Ledger

router = APIRouter(
    route_class=InOneThread, prefix="/evidence", tags=["evidence"], responses=RESPONSES
)

POSITIONS_MAX = 10_000


class KeptUnreadable(LedgerError):
    """What was kept is handed in as it was answered: a signed note, with its line breaks."""

    code = "request.checkpoint"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("`since` is no checkpoint: three lines, a blank one, and its signatures")


def published(
    the_ledger: TheLedger,
    checkpoint: Annotated[
        int | None,
        Query(ge=1, lt=2**53, description="Size of a published checkpoint; the last unless given."),
    ] = None,
) -> Published:
    """Return the published checkpoint that is asked for."""
    if checkpoint is None:
        return require_latest(the_ledger)
    return published_at(the_ledger, checkpoint)


ThePublished = Annotated[Published, Depends(published)]


@router.get("/publications", dependencies=[SIGNED_IN])
def list_publications(the_ledger: TheLedger) -> list[models.Publication]:
    """List the published checkpoints, oldest first."""
    return [
        models.Publication(
            size=each.size,
            checkpoint=each.note,
            map_root=each.map_root,
            published_at=each.announced.event.recorded_at,
        )
        for each in all_published(the_ledger)
    ]


@router.get("/subjects/{subject}", dependencies=[READ])
def show_subject(
    subject: Annotated[UUID, Path(description="Id of anything that events name.")],
    found: Annotated[Served, Depends(served)],
    under: ThePublished,
    topic: Annotated[
        str | None,
        Query(max_length=100, description="For one type of event alone, e.g. fund.opened."),
    ] = None,
) -> models.SubjectProof:
    """Prove how many events concern a subject, and which: none is left out, at the end neither.

    A subject that no event names is proved absent. `positions` are the first of them; the chain in
    the head is over all (FORMAT.md, "Map").
    """
    proof = prove_head(found.ledger, found.maps, under, subject, topic)
    positions = found.maps.positions(under.position, subject_key(str(subject), topic))
    return models.SubjectProof(
        subject=subject,
        topic=topic,
        checkpoint=under.note,
        map_position=under.position,
        map_root=under.map_root,
        proof=proof.to_json(),
        count=len(positions),
        positions=positions[:POSITIONS_MAX],
    )


@router.get(
    "/packs/{kind}/{subject}",
    dependencies=[READ],
    response_class=Response,
    responses={
        200: {
            "description": "`pack.json` as FORMAT.md describes it, in canonical JSON.",
            "content": {"application/json": {}},
        }
    },
)
def show_pack(
    kind: Annotated[
        str, Path(description="fund, batch, payment, person, organisation or remittance.")
    ],
    subject: Annotated[UUID, Path(description="Its id.")],
    found: Annotated[Served, Depends(served)],
    under: ThePublished,
    reach: TheReach,
    caller: TheCaller,
    model: TheReadModel,
) -> Response:
    """Return figures with all that proves them: a balance, a surplus ratio, what a batch paid.

    Nothing personal stands in it but sealed. Any program that follows FORMAT.md computes the same
    figures from it, to the fen; `nuanzhang pack` writes the same as a file, with a readable page.
    """
    require_on_record(found.ledger, kind, subject)
    _require_within(found.ledger, model, reach, caller, kind, subject)
    pack = make_bare_pack(found.ledger, found.maps, under, kind, subject)
    return Response(canonical_json(pack.to_json()), media_type="application/json")


@router.post(
    "/packs",
    dependencies=[OBSERVE],
    response_class=Response,
    responses={
        200: {
            "description": "An evidence pack, a ZIP file.",
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
def make_pack(
    form: forms.PackForm,
    acting: TheActing,
    found: Annotated[Served, Depends(served)],
    under: ThePublished,
    reach: TheReach,
    model: TheReadModel,
) -> Response:
    """Make an evidence pack to carry away.

    With `opened` it shows people in clear: for whom and why, and the file's hash, are an event
    before anybody has it.
    """
    require_on_record(found.ledger, form.kind, form.subject)
    _require_within(found.ledger, model, reach, acting.caller, form.kind, form.subject)
    order = PackOrder(
        form.kind,
        form.subject,
        opened=form.opened,
        reason=form.reason,
        made_for=form.made_for,
        since=None if form.since is None else _kept(form.since),
    )
    file = hand_over(found.ledger, found.maps, under, acting.act(), order)
    return file_answer(file, ZIP, f"{form.kind}-{form.subject}.zip")


def _kept(note: str) -> Checkpoint:
    try:
        return Checkpoint.from_body(split_note(note)[0])
    except NoteBroken:
        raise KeptUnreadable from None


def _require_within(
    ledger: Ledger, model: Connection, reach: Reach, caller: TheCaller, kind: str, subject: UUID
) -> None:
    """Check that what a pack is of is within reach; of a person, observers of all of it ask."""
    if kind == LEDGER:
        raise OutsideReach(subject)  # it is for whoever runs the ledger: `nuanzhang pack ledger`
    if kind == "organisation":
        reach.require(subject)
        return
    found = None if kind == "person" else ledger.load(Root, subject)
    if isinstance(found, FundAccount | Batch | Disbursement | Remittance):
        reach.require(found.organisation_id)
        return
    within = kind != "person" or is_wholly_within(ledger, model, reach, subject)
    if not within or not caller.holds_any(OBSERVERS):
        raise OutsideReach(subject)
