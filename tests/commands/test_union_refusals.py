"""What is refused of unions, officers, keys, policies and campaigns."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from msgspec import structs

from ledger.commands import funds, officer_keys, officers, organisations, policies
from ledger.domain.officer import Role, officer_id
from ledger.domain.organisation import organisation_id
from ledger.evidence.keys import Ed25519Signer
from tests.commands.refusing import Attempt, nothing_more
from tests.world import CAMPAIGN, DAY, EARMARK, POLICY, World, terms


def register(world: World, code: str, parent: str | None) -> Attempt:
    order = organisations.Registration(code, "工会", "县区", parent)
    return lambda: organisations.register_organisation(world.ledger, world.act(), order)


def move(world: World, code: str, parent: str | None, day: date = DAY) -> Attempt:
    order = organisations.Move(code, parent, "调整")
    return lambda: organisations.move_organisation(world.ledger, world.act(day=day), order)


def appoint(world: World, code: str, role: str) -> Attempt:
    order = officers.Appointment("S9", "某某", code, role)
    return lambda: officers.appoint_officer(world.ledger, world.act(), order)


def end(world: World, staff: str, code: str, role: str) -> Attempt:
    order = officers.Post(officer_id(staff), organisation_id(code), role)
    return lambda: officers.end_role(world.ledger, world.act(), order)


def hand_in_key(world: World, staff: str) -> Attempt:
    key = Ed25519Signer.generate().public_key
    order = officer_keys.KeyRegistration(staff, key, officer_keys.CUSTODY_OFFICER)
    return lambda: officer_keys.register_key(world.ledger, world.act(), order)


def revoke(world: World, staff: str, key_id: str) -> Attempt:
    order = officer_keys.KeyRevocation(staff, key_id, "遗失")
    return lambda: officer_keys.revoke_key(world.ledger, world.act(), order)


def campaign(world: World, code: str, policy: str = POLICY, ends: date = DAY) -> Attempt:
    order = policies.CampaignOpening(code, "两节", date(2016, 12, 15), ends, 2017, policy)
    return lambda: policies.open_campaign(world.ledger, world.act(), order)


@pytest.mark.parametrize(
    ("code", "attempt"),
    [
        ("organisation.known", lambda w: register(w, "X01", "C01")),
        ("ledger.not_on_record", lambda w: register(w, "X09", "X99")),
        ("ledger.not_on_record", lambda w: move(w, "X99", "C01")),
        ("ledger.not_on_record", lambda w: move(w, "X01", "X99")),
        ("organisation.parent_not_later", lambda w: move(w, "X01", "X02", date(2016, 12, 1))),
        ("organisation.circle", lambda w: move(w, "X01", "X01")),
        ("organisation.circle", lambda w: move(w, "C01", "X01-01")),
        ("officer.role_unknown", lambda w: appoint(w, "X01", "主席")),
        ("ledger.not_on_record", lambda w: appoint(w, "X99", Role.CASHIER)),
        ("ledger.not_on_record", lambda w: end(w, "S9", "X01", Role.CASHIER)),
        ("duty.role_missing", lambda w: end(w, "A-X01", "X01", Role.CASHIER)),
        ("duty.role_missing", lambda w: end(w, "A-X01", "X02", Role.APPROVER)),
        ("ledger.not_on_record", lambda w: hand_in_key(w, "S9")),
        ("officer.key_unknown", lambda w: revoke(w, "A-X01", "none")),
        ("campaign.known", lambda w: campaign(w, CAMPAIGN)),
        ("ledger.not_on_record", lambda w: campaign(w, "c2", "none")),
        ("campaign.period_backwards", lambda w: campaign(w, "c2", ends=date(2016, 12, 14))),
        (
            "policy.rule_twice",
            lambda w: (
                lambda: policies.adopt_policy(
                    w.ledger,
                    w.act("A-C01"),
                    structs.replace(terms(), deadlines=terms().deadlines * 2),
                )
            ),
        ),
        (
            "duty.officer_required",
            lambda w: lambda: policies.adopt_policy(w.ledger, w.act(), terms()),
        ),
        (
            "signature.officer_missing",
            lambda w: (
                lambda: policies.adopt_policy(
                    w.ledger, replace(w.act("A-C01"), signer=None), terms()
                )
            ),
        ),
    ],
)
def test_unions_officers_and_policies(
    world: World, code: str, attempt: Callable[[World], Attempt]
) -> None:
    assert nothing_more(world, attempt(world)).code == code


def test_a_move_that_would_close_a_circle_later_is_refused_today(world: World) -> None:
    """X01 goes under X02 on the 20th, so X02 cannot be put under X01 from the 10th on."""
    move(world, "X01", "X02", date(2017, 1, 20))()

    refusal = nothing_more(world, move(world, "X02", "X01", date(2017, 1, 10)))

    assert refusal.code == "organisation.circle"


def test_a_move_is_allowed_where_the_circle_would_be_over(world: World) -> None:
    move(world, "X01", "X02", date(2017, 1, 20))()
    move(world, "X01", "C01", date(2017, 1, 25))()

    move(world, "X02", "X01", date(2017, 1, 25))()

    world.receive("X01", 100)
    with pytest.raises(funds.NotBelow):
        world.allocate("X01", "X02", 1)  # on the 10th
    act = world.act("A-X01", date(2017, 1, 25))
    funds.allocate(world.ledger, act, funds.Allocation("X01", "X02", EARMARK, "文", 1))
    world.check_log()
