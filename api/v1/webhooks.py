"""Webhooks: whom the service tells that something was recorded; kept by system administrators."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import Field

from api.background.addresses import URL_LENGTH_MAX
from api.background.running import TheBackground
from api.callers import KEEP_SYSTEM, TheCaller
from api.dependencies import TheLedger, TheServed
from api.edge.one_thread import InOneThread
from api.problems import RESPONSES
from api.v1.forms import Form
from api.v1.models import Answer, Id, Position
from ledger.store.application import NoSuchPosition

router = APIRouter(
    route_class=InOneThread, prefix="/webhooks", tags=["webhooks"], responses=RESPONSES
)

WebhookId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", examples=["0f3c5a7e9b1d2f4a"])]
TOPICS_MAX = 100


class WebhookForm(Form):
    """Where to post, and what: names of events (`batch.approved`) or nouns (`batch`); none: all.

    Begins with what is recorded next, or at `from_position`.
    """

    url: str = Field(
        min_length=1, max_length=URL_LENGTH_MAX, examples=["https://hooks.example.org/nuanzhang"]
    )
    topics: list[Annotated[str, Field(max_length=100)]] = Field(
        default=[], max_length=TOPICS_MAX, examples=[["batch.approved", "disbursement"]]
    )
    from_position: int | None = Field(default=None, ge=0, lt=2**53, strict=True)


class Webhook(Answer):
    """`paused_because` says what came of the last try, when nothing is delivered any more."""

    subscription_id: str
    url: str
    topics: list[str]
    made_by: Id
    made_at_s: int
    next_position: Position
    paused_because: str | None = Field(examples=["answered 500"])
    failures: int
    last_outcome: str | None = Field(examples=["answered 204"])
    last_tried_s: int | None


class MadeWebhook(Webhook):
    secret: str = Field(
        description="Shown this once; signs what is delivered (Standard Webhooks, v1).",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )


class WebhookList(Answer):
    items: list[Webhook]


@router.get("", dependencies=[KEEP_SYSTEM])
def list_webhooks(working: TheBackground) -> WebhookList:
    """List who is told of what, how far, and what came of the last try."""
    return WebhookList(
        items=[Webhook.model_validate(each) for each in working.subscriptions.list_all()]
    )


@router.post("", status_code=201, dependencies=[KEEP_SYSTEM])
def make_webhook(
    form: WebhookForm,
    caller: TheCaller,
    found: TheServed,
    the_ledger: TheLedger,
    working: TheBackground,
) -> MadeWebhook:
    """Have events posted to an address, one by one and in order, until it takes them."""
    size = the_ledger.size()
    start = size if form.from_position is None else form.from_position
    if start > size:
        raise NoSuchPosition(start)
    made, secret = working.subscriptions.make(
        form.url, form.topics, caller.officer_id, start, found.clock.now_s()
    )
    return MadeWebhook(**Webhook.model_validate(made).model_dump(), secret=secret)


@router.get("/{webhook_id}", dependencies=[KEEP_SYSTEM])
def show_webhook(webhook_id: WebhookId, working: TheBackground) -> Webhook:
    """Show how far a webhook is, and what came of the last try."""
    return Webhook.model_validate(working.subscriptions.find(webhook_id))


@router.post("/{webhook_id}/resumption", dependencies=[KEEP_SYSTEM])
def resume_webhook(webhook_id: WebhookId, working: TheBackground) -> Webhook:
    """Go on from the event that was not taken, at once."""
    return Webhook.model_validate(working.subscriptions.resume(webhook_id))


@router.delete("/{webhook_id}", status_code=204, dependencies=[KEEP_SYSTEM])
def end_webhook(webhook_id: WebhookId, working: TheBackground) -> Response:
    """Tell it nothing more, and forget its secret."""
    working.subscriptions.end(webhook_id)
    return Response(status_code=204)
