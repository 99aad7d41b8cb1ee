"""A post is held from a day until before another: who is let in and listed goes by the day."""

from datetime import date, timedelta
from uuid import uuid4

import pytest

from ledger.commands import officers
from ledger.domain.officer import Role, officer_id
from ledger.domain.organisation import organisation_id
from tests.api.service import SECURITY, SYSTEM, TODAY, Service
from tests.api.staging import refusal

NEW, ME = "N-X01", "/v1/session"
UNTIL = date(2017, 3, 10)
X01 = str(organisation_id("X01"))
PATH = f"/admin/officers/{officer_id(NEW)}"
HELD = "✓ 在任"


def given(service: Service, until: date | None = None) -> None:
    """Put somebody on the register, and give them a cashier's post, signed until a day."""
    made = service.done(SYSTEM, "/v1/officers", {"staff_number": NEW, "name": "某某"})
    posts = f"/v1/officers/{made['result']['officer_id']}/posts"
    post = {"organisation_id": X01, "role": Role.CASHIER}
    post |= {} if until is None else {"until": until.isoformat()}
    prepared = service.done(SECURITY, f"{posts}/preparation", post)
    service.done(SECURITY, posts, {"post": post, "signed": service.signed(SECURITY, prepared)})


def page(service: Service, path: str) -> str:
    answer = service.browser(SECURITY).get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def listed(service: Service) -> bool:
    """Say whether the list of today's cashiers at X01 has them."""
    return NEW in page(service, "/admin/officers?organisation=X01&role=出纳")


def held(service: Service) -> bool:
    """Say whether they are let in; every page has to say the same."""
    answer = service.browser(NEW).get(ME)
    if answer.status_code == 200:
        [post] = answer.json()["posts"]
        assert (post["organisation_id"], post["role"]) == (X01, Role.CASHIER)
        assert HELD in service.browser(NEW).get("/my-account").text
    else:
        assert refusal(answer) == (401, "access.post_ended")
    is_held = bool(answer.status_code == 200)
    assert listed(service) == (HELD in page(service, PATH)) == is_held
    return is_held


def test_a_post_is_held_until_the_day_that_was_signed_with_it(service: Service) -> None:
    given(service, UNTIL)

    for days, is_held in ((0, True), (8, True), (9, False), (40, False)):
        service.clock.today = TODAY + timedelta(days=days)
        assert held(service) == is_held, service.clock.today


def test_a_post_whose_end_is_still_ahead_can_be_ended_earlier(service: Service) -> None:
    given(service, UNTIL)
    endings = f"{PATH}/post-endings"
    form = {"organisation_id": X01, "role": Role.CASHIER, "key": uuid4().hex}
    assert endings in page(service, PATH)

    ended = service.browser(SECURITY).post(endings, data=form, follow_redirects=False)

    assert ended.status_code == 303, ended.text
    assert not held(service)
    assert endings not in page(service, PATH)


@pytest.mark.parametrize("days", [1, 20])
def test_a_post_from_a_later_day_is_not_held_before(service: Service, days: int) -> None:
    world, since = service.world, TODAY + timedelta(days=days)
    order = officers.NewOfficer(NEW, "某某")
    officers.register_officer(world.ledger, world.act(), order)
    for role, day in ((Role.HANDLER, TODAY), (Role.CASHIER, since)):
        post = officers.Post(officer_id(NEW), organisation_id("X01"), role)
        officers.grant_role(world.ledger, world.act(SECURITY, day), post)

    for day, roles in ((since - timedelta(days=1), 1), (since, 2)):
        service.clock.today = day
        assert len(service.get(NEW, ME)["posts"]) == roles
        assert listed(service) == (roles > 1)
