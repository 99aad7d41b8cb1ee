"""Administrators let in, sign out and vouch for those alone whom they administer everywhere."""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from ledger.domain.officer import Role, officer_id
from ledger.domain.organisation import organisation_id
from ledger.evidence.keys import Ed25519Signer
from tests.api.service import HOST, SECURITY, SYSTEM, Service, service_at

COUNTY, SECOND = "SX2", "SEC2"
PASSWORD = "seven quiet herons at dawn"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_at(tmp_path) as found:
        for staff, code in ((COUNTY, "X02"), (SECOND, "C01")):
            register(found, staff)
            give(found, staff, code, Role.SECURITY_ADMINISTRATOR)
        yield found


def register(service: Service, staff: str) -> None:
    service.done(SYSTEM, "/v1/officers", {"staff_number": staff, "name": "某某"})


def give(service: Service, staff: str, code: str, role: Role, by: str = SECURITY) -> None:
    path = f"/v1/officers/{officer_id(staff)}/posts"
    form = {"organisation_id": str(organisation_id(code)), "role": role.value}
    prepared = service.done(by, f"{path}/preparation", form)
    service.done(by, path, {"post": form, "signed": service.signed(by, prepared)})


def end(service: Service, staff: str, code: str, role: Role) -> None:
    form = {"organisation_id": str(organisation_id(code)), "role": role.value}
    service.done(SECURITY, f"/v1/officers/{officer_id(staff)}/post-endings", form)


def code_of(service: Service, by: str, path: str, body: Any = None) -> str:
    answer = service.post(by, path, body)
    assert answer.status_code in (403, 409), answer.text
    return str(answer.json()["code"])


def pass_by(service: Service, seconds: int = 60) -> None:
    """Let time pass, at the door and in the ledger."""
    hands = service.clock
    hands.now_s += seconds
    moment = datetime.fromtimestamp(hands.now_s, UTC)
    hands.now = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def enter(service: Service, code: str) -> TestClient:
    """Come in with the code of an invitation, in a browser of one's own."""
    browser = TestClient(service.app, base_url=HOST, headers={"origin": HOST})
    browser.portal = service.loop
    form = {"code": code, "password": PASSWORD}
    assert browser.post("/v1/session/invitation", json=form).status_code == 200
    return browser


def hand_in(browser: TestClient, officer: UUID) -> str:
    """Hand in a new key as its owner; return its id."""
    signer, path = Ed25519Signer.generate(), f"/v1/officers/{officer}"
    key = {"algorithm": "ed25519", "public_key": b64encode(signer.public_key.raw).decode()}
    proof = browser.post(f"{path}/key-proofs", json=key).json()
    signature = b64encode(signer.sign(b64decode(proof["to_sign"]))).decode()
    handed_in = browser.post(f"{path}/keys", json={**key, "proof": signature})
    assert handed_in.status_code == 201, handed_in.text
    return signer.public_key.key_id


@pytest.mark.parametrize("staff", ["U-C01", "A-X01", SYSTEM])
def test_a_countys_administrator_becomes_nobody_who_acts_elsewhere(
    service: Service, staff: str
) -> None:
    path = f"/v1/officers/{officer_id(staff)}"
    size, own = service.world.ledger.size(), service.world.officers[staff].public_key.key_id
    ending, pages = f"{path}/keys/{own}/ending", f"/admin/officers/{officer_id(staff)}"

    for asked, body in (
        (f"{path}/invitations", None),
        (f"{path}/sign-outs", None),
        (f"{path}/keys/none/confirmation/preparation", None),
        (ending, {"reason": "遗失"}),
        (ending, {"reason": "被盗", "compromised_from": size - 1}),
    ):
        assert code_of(service, COUNTY, asked, body) == "duty.role_missing", asked
    for act in ("invitations", "sign-outs"):
        form = {"key": uuid4().hex}
        answer = service.browser(COUNTY).post(f"{pages}/{act}", data=form)
        assert answer.json()["code"] == "duty.role_missing", act

    assert service.world.ledger.size() == size
    shown = service.browser(COUNTY).get(pages).text
    for absent in ("/invitations", "/sign-outs", "/ending", "/post-endings"):
        assert f'{pages}{absent}"' not in shown
    assert "须由管理此人全部在任岗位所在单位的管理员进行" in shown
    assert f'{pages}/invitations"' in service.browser(SECURITY).get(pages).text


def test_a_way_in_is_made_by_who_shows_who_they_are_and_never_for_oneself(
    service: Service,
) -> None:
    path = f"/v1/officers/{officer_id('A-X02')}/invitations"
    own = f"/v1/officers/{officer_id(SECURITY)}/invitations"
    assert code_of(service, SECURITY, own) == "officer.invites_oneself"
    service.clock.now_s += 601
    assert code_of(service, SECURITY, path) == "access.presence_not_proved"


def test_a_countys_administrator_administers_their_own(service: Service) -> None:
    path = f"/v1/officers/{officer_id('A-X02')}"
    own = service.world.officers["A-X02"].public_key.key_id
    shown = service.browser(COUNTY).get(f"/admin/officers/{officer_id('A-X02')}").text
    for there in ("/invitations", "/sign-outs", "/ending", "/post-endings"):
        assert f'{there}"' in shown

    browser = enter(service, service.done(COUNTY, f"{path}/invitations")["code"])
    assert service.post(COUNTY, f"{path}/sign-outs").status_code == 204
    assert browser.get("/v1/session").status_code == 401
    service.done(COUNTY, f"{path}/keys/{own}/ending", {"reason": "遗失"})
    service.world.check_log()


def test_a_post_that_begins_later_counts_and_one_that_has_ended_does_not(service: Service) -> None:
    invitations = f"/v1/officers/{officer_id('A-X02')}/invitations"
    later = date(2017, 3, 20)
    service.world.appoint_without_key("A-X02", "X01", Role.APPROVER, later)

    assert code_of(service, COUNTY, invitations) == "duty.role_missing"
    service.done(SECURITY, invitations)
    pass_by(service, 20 * 24 * 3600)
    service.clock.today = later + timedelta(days=1)
    service.browsers.clear()
    assert code_of(service, COUNTY, invitations) == "duty.role_missing"
    end(service, "A-X02", "X01", Role.APPROVER)
    service.done(COUNTY, invitations)


def test_who_holds_no_post_is_let_in_from_the_top_or_once_they_have_one(service: Service) -> None:
    register(service, "N1")
    invitations = f"/v1/officers/{officer_id('N1')}/invitations"

    assert code_of(service, COUNTY, invitations) == "duty.role_missing"
    service.done(SECURITY, invitations)
    give(service, "N1", "X02", Role.HANDLER)
    service.done(COUNTY, invitations)
    end(service, "N1", "X02", Role.HANDLER)
    assert code_of(service, COUNTY, invitations) == "duty.role_missing"


def test_a_union_that_leaves_the_tree_is_not_its_top(service: Service) -> None:
    register(service, "N1")
    invitations = f"/v1/officers/{officer_id('N1')}/invitations"
    move = {"parent_code": None, "reason": "区划"}
    service.done(SYSTEM, f"/v1/organisations/{organisation_id('X02')}/moves", move)

    assert code_of(service, COUNTY, invitations) == "duty.role_missing"
    service.done(SECURITY, invitations)


def test_nobody_takes_their_own_union_out_from_under_those_above(service: Service) -> None:
    register(service, "N1")
    give(service, "N1", "X02", Role.SYSTEM_ADMINISTRATOR)
    move = {"parent_code": None, "reason": "区划"}
    path = f"/v1/organisations/{organisation_id('X02')}/moves"

    assert code_of(service, "N1", path, move) == "duty.role_missing"
    assert code_of(service, "N1", path, {**move, "parent_code": "X01"}) == "duty.role_missing"


def test_whoever_was_in_as_an_officer_confirms_no_key_of_theirs(service: Service) -> None:
    officer = officer_id("A-C01")
    path = f"/v1/officers/{officer}"
    posing = enter(service, service.done(SECURITY, f"{path}/invitations")["code"])
    pass_by(service)
    code = service.done(SECOND, f"{path}/invitations")["code"]
    pass_by(service)
    planted = f"{path}/keys/{hand_in(posing, officer)}/confirmation/preparation"

    for inviter in (SECURITY, SECOND):
        assert code_of(service, inviter, planted) == "officer.inviter_confirms"
    pass_by(service)
    own = enter(service, code)
    for anybody in (SECURITY, SECOND, SYSTEM):
        assert code_of(service, anybody, planted) == "officer.key_handed_in_before"
    pass_by(service)
    confirmed = f"{path}/keys/{hand_in(own, officer)}/confirmation/preparation"
    assert code_of(service, SECOND, confirmed) == "officer.inviter_confirms"
    service.done(SECURITY, confirmed)  # whose way in has ended
    service.done(SECURITY, f"{path}/invitations")
    assert code_of(service, SECURITY, confirmed) == "officer.inviter_confirms"
