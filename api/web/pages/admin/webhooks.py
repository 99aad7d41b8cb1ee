"""Webhooks: which systems are told of new entries, how far they are, making one and ending one."""

from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from api.background.running import Background, TheBackground
from api.background.webhooks import Subscription
from api.callers import KEEP_SYSTEM
from api.dependencies import TheReadModel, TheServed
from api.v1.webhooks import WebhookForm, WebhookId
from api.web.given import Given, TheFields, formed
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.refused import show_above
from api.web.screen import TheScreen
from ledger.errors import LedgerError
from ledger.store.application import NoSuchPosition
from projections.organisations import staff_numbers

router = APIRouter(include_in_schema=False)

PAGE = "admin/webhooks.html"
HERE = "/admin/webhooks"


@router.get(HERE, dependencies=[KEEP_SYSTEM])
def show_webhooks(screen: TheScreen, model: TheReadModel, working: TheBackground) -> Response:
    """List who is told of what, and what came of the last try."""
    return screen.show(PAGE, code=None, given=Given(), **_shown(working, model))


@router.post(HERE, dependencies=[KEEP_SYSTEM])
def make(
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    model: TheReadModel,
    found: TheServed,
    working: TheBackground,
) -> Response:
    """Have events posted to an address; the secret that signs them is shown this once."""
    try:
        typed = {**given, "topics": given["topics"].replace(",", " ").split()}
        form = formed(WebhookForm, typed, screen.language)
        size = found.ledger.size()
        start = size if form.from_position is None else form.from_position
        if start > size:
            raise NoSuchPosition(start)
        made = working.subscriptions.make(
            form.url, form.topics, acting.caller.officer_id, start, found.clock.now_s()
        )
    except LedgerError as refusal:
        return show_above(screen, refusal, PAGE, given=given, **_shown(working, model))
    return screen.show(PAGE, code=None, given=Given(), **_shown(working, model, made))


@router.post(f"{HERE}/{{webhook_id}}/resumption", dependencies=[KEEP_SYSTEM])
def resume(
    webhook_id: WebhookId, screen: TheScreen, _: TheActingOnPage, working: TheBackground
) -> Response:
    """Go on from the event that was not taken."""
    working.subscriptions.resume(webhook_id)
    return screen.go(HERE, N_("推送将从未送达的一条继续。"))


@router.post(f"{HERE}/{{webhook_id}}/ending", dependencies=[KEEP_SYSTEM])
def end(
    webhook_id: WebhookId, screen: TheScreen, _: TheActingOnPage, working: TheBackground
) -> Response:
    """Tell it nothing more, and forget its secret."""
    working.subscriptions.end(webhook_id)
    return screen.go(HERE, N_("推送已取消。"))


def _shown(
    working: Background, model: Connection, made: tuple[Subscription, str] | None = None
) -> dict[str, Any]:
    """Return what the page shows; of one just made, its secret too."""
    webhooks = working.subscriptions.list_all()
    return {"webhooks": webhooks, "staff": staff_numbers(model), "made": made}
