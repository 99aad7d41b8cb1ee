"""Signatures that look alike: clusters of payments, their pairs, and the pictures on record."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from api.acting import TheActing
from api.alike import SeenSide, pairs_seen, shown_of
from api.callers import READ, UNMASK, TheReach
from api.dependencies import TheLedger, TheReadModel
from api.edge.one_thread import InOneThread
from api.problems import RESPONSES
from api.v1 import forms
from api.v1.models import Answer, Day, Id, Payee, Position
from ledger.commands.comparing import show_signatures
from projections.signature_clusters import cluster_list

router = APIRouter(
    route_class=InOneThread, prefix="/signature-clusters", tags=["findings"], responses=RESPONSES
)

Number = Annotated[int, Path(ge=0, lt=2**53, description="Number of the cluster.")]


class ClusterView(Answer):
    """Payments that hang together by pairs of signatures. `by`: `strokes`, `image`, `same`."""

    number: int
    pair_count: int
    by: list[str]
    since: Day


class ClusterList(Answer):
    items: list[ClusterView]


class SideView(Answer):
    disbursement_id: Id
    organisation_id: Id
    batch_id: Id
    batch_code: str
    number: int
    sha256: str
    payee: Payee


class PairView(Answer):
    """Two signatures: a doubt, no proof. A side that is null lies beyond the caller's reach.

    `distance`: bits of 198 for `image`, thousandths of the signature's size for `strokes`.
    """

    position: Position
    one: SideView | None
    other: SideView | None
    by: str
    distance: int
    happened_on: Day


class PairList(Answer):
    items: list[PairView]


class ShownForm(forms.Form):
    reason: forms.Text = Field(examples=["核对笔迹"])


class ShownSignature(Answer):
    """A picture: `drawn` is SVG, `scanned` is PNG in base64."""

    disbursement_id: Id
    sha256: str
    manner: str
    content: str


class ShownSignatures(Answer):
    items: list[ShownSignature]


@router.get("", dependencies=[READ])
def list_clusters(model: TheReadModel, reach: TheReach) -> ClusterList:
    """List clusters of which a side is within reach, the largest first: five hundred at most."""
    found = cluster_list(model, sorted(reach.ids))
    return ClusterList(items=[ClusterView.model_validate(each) for each in found])


@router.get("/{number}", dependencies=[READ])
def show_cluster(
    number: Number, model: TheReadModel, reach: TheReach, the_ledger: TheLedger
) -> PairList:
    """Show a cluster pair by pair, with people masked; two hundred pairs at most."""
    return PairList(
        items=[
            PairView(
                position=each.pair.position,
                one=_side(each.one),
                other=_side(each.other),
                by=each.pair.by,
                distance=each.pair.distance,
                happened_on=each.pair.happened_on,
            )
            for each in pairs_seen(model, the_ledger, reach, number)
        ]
    )


@router.post("/{number}/unmaskings", status_code=201, dependencies=[UNMASK])
def unmask_cluster(
    number: Number,
    form: ShownForm,
    acting: TheActing,
    model: TheReadModel,
    reach: TheReach,
    the_ledger: TheLedger,
) -> ShownSignatures:
    """Show the pictures of a cluster's signatures; who looked at whose and why is an event each."""
    wanted = shown_of(pairs_seen(model, the_ledger, reach, number))
    pictures = show_signatures(the_ledger, acting.act(), wanted, form.reason)
    return ShownSignatures(
        items=[
            ShownSignature(
                disbursement_id=id_, sha256=digest, manner=each.manner, content=each.content
            )
            for (id_, digest), each in pictures.items()
        ]
    )


def _side(seen: SeenSide | None) -> SideView | None:
    if seen is None:
        return None
    fields = {name: getattr(seen.side, name) for name in seen.side.__slots__}
    return SideView(payee=seen.payee, **fields)
