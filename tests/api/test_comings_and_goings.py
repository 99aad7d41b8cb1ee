"""Who watches how officers come and go: where they watch, and nobody else's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.domain.officer import Role, officer_id
from ledger.domain.organisation import organisation_id
from tests.api.service import AUDIT, EARLY, SECURITY, Service, service_at

HTML = {"accept": "text/html"}
LAST_CAME = "最近登录"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Officers of two unions and somebody unknown at the door, and an observer of one union."""
    with service_at(tmp_path) as found:
        found.world.appoint_without_key("J-X02", "X02", Role.INSPECTOR, EARLY)
        for staff in ("A-X01", "A-X02"):
            code = found.served.door.invite(
                officer_id(staff), staff, officer_id(SECURITY), found.clock.now_s
            )
            joining = {"code": code, "password": "seven quiet herons at dawn"}
            assert found.browser().post("/v1/session/invitation", json=joining).is_success
        nobody = {"staff_number": "NOBODY", "password": "seven quiet herons at dawn"}
        found.browser().post("/v1/session", json=nobody)
        yield found


def journal(service: Service, staff: str) -> set[str | None]:
    entries = service.get(staff, "/v1/access-journal")["items"]
    return {each["officer_id"] for each in entries}


def test_an_observer_of_one_union_reads_of_no_other_who_came(service: Service) -> None:
    here, elsewhere = (str(officer_id(staff)) for staff in ("A-X02", "A-X01"))

    assert journal(service, "J-X02") == {here}
    for staff in ("J-C01", AUDIT):
        assert journal(service, staff) == {here, elsewhere, None}
    page = service.browser("J-X02").get("/admin/access", headers=HTML).text
    asked = {"staff_number": "A-X01"}
    of_another = service.browser("J-X02").get("/admin/access", params=asked, headers=HTML).text
    assert (here in page, elsewhere in page, elsewhere in of_another) == (True, False, False)
    assert elsewhere in service.browser("U-C01").get("/admin/access", headers=HTML).text


def test_who_left_is_watched_on(service: Service) -> None:
    post = {"organisation_id": str(organisation_id("X02")), "role": "审批"}
    service.done(SECURITY, f"/v1/officers/{officer_id('A-X02')}/post-endings", post)

    assert journal(service, "J-X02") == {str(officer_id("A-X02"))}


@pytest.mark.parametrize(
    ("staff", "of_x01", "of_x02"),
    [
        ("H-X02", False, False),
        ("A-X02", False, True),  # themselves
        ("J-X02", False, True),
        ("U-C01", True, True),
        (SECURITY, True, True),
    ],
)
def test_when_somebody_came_is_shown_to_who_watches_them_and_to_themselves(
    service: Service,
    staff: str,
    of_x01: bool,
    of_x02: bool,
) -> None:
    shown = []
    for other in ("A-X01", "A-X02"):
        page = service.browser(staff).get(f"/admin/officers/{officer_id(other)}", headers=HTML)
        found = {"staff_number": other}
        listed = service.browser(staff).get("/admin/officers", params=found, headers=HTML)
        assert (LAST_CAME in page.text) is ("✓ 已启用" in listed.text)
        shown.append(LAST_CAME in page.text)

    assert shown == [of_x01, of_x02]
