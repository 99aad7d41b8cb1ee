"""Looks at people: what is shown masked is confirmed by no guessing that nobody sees."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from api import trials
from api.looking import SEARCHES_A_DAY_MAX
from ledger.domain.officer import Role, officer_id
from ledger.vault.masking import mask_phone
from tests.api.service import AUDIT, EARLY, Service, service_at
from tests.api.test_campaign_over_http import roster_csv
from tests.world import CAMPAIGN, CARD_CLASS, EARMARK, Person, roster_row

ONE, TWO = Person(1), Person(2)
HTML = {"accept": "text/html"}
READER = "R-X01"
"""Reviews lists, and reads nobody in clear."""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_at(tmp_path) as found:
        world = found.world
        world.appoint_without_key("J-X02", "X02", Role.INSPECTOR, EARLY)
        world.receive("X01", 1_000_000)
        world.file(ONE, TWO)
        world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 80_000))
        yield found


def person_id(service: Service, person: Person) -> str:
    return str(service.world.ledger.vault.subject_id("id_number", person.id_number))


def looks(service: Service, staff: str = AUDIT) -> list[dict[str, Any]]:
    entries = service.get(staff, "/v1/access-journal", limit=500)["items"]
    return [each for each in entries if each["what"].startswith(("search.", "trial."))]


def test_a_search_by_a_whole_value_is_on_record_with_whom_it_found(service: Service) -> None:
    service.done(READER, "/v1/searches", {"phone": ONE.phone})
    service.done(READER, "/v1/searches", {"card_number": "6217000000000000000"})
    page = service.browser(READER).post("/search", data={"kind": "name", "value": TWO.name})
    masked = {"name_masked": f"{ONE.name[0]}*"}
    service.done(READER, "/v1/searches", masked)

    told = [(each["what"], each["officer_id"], each["people"]) for each in looks(service)]

    me, (one, two) = str(officer_id(READER)), (person_id(service, each) for each in (ONE, TWO))
    assert page.status_code == 200
    assert told == [
        ("search.phone", me, [one]),
        ("search.card_number", me, []),
        ("search.name", me, [two]),
    ]
    everything = Path(service.world.home.access).read_bytes()
    assert ONE.phone.encode() not in everything
    assert TWO.name.encode() not in everything


def test_nobody_guesses_longer_than_a_day_allows_and_that_is_seen(service: Service) -> None:
    guesses = [
        service.post(READER, "/v1/searches", {"phone": f"170{number:08}"})
        for number in range(SEARCHES_A_DAY_MAX)
    ]
    right = service.post(READER, "/v1/searches", {"phone": ONE.phone})
    on_page = service.browser(READER).post(
        "/search", data={"kind": "phone", "value": ONE.phone}, headers=HTML
    )
    masked = service.done(READER, "/v1/searches", {"name_masked": f"{ONE.name[0]}*"})
    clerk = service.done("H-X01", "/v1/searches", {"phone": ONE.phone})
    service.clock.today = service.clock.today.replace(day=service.clock.today.day + 1)
    next_day = service.done(READER, "/v1/searches", {"phone": ONE.phone})

    assert {each.status_code for each in guesses} == {200}
    assert (right.status_code, right.json()["code"]) == (429, "access.too_many_looks")
    assert "今天按完整姓名、号码查人或试算名单的次数已用完" in on_page.text
    assert person_id(service, ONE) not in on_page.text
    assert len(masked["people"]) == 2
    assert len(clerk["people"]) == len(next_day["people"]) == 1
    assert [each["what"] for each in looks(service)].count("search.refused") == 2


def test_looks_are_shown_where_unmaskings_are_to_those_who_watch(service: Service) -> None:
    one = person_id(service, ONE)
    service.done(READER, "/v1/searches", {"id_number": ONE.id_number})

    shown = {
        staff: service.browser(staff).get(path, params={"kind": "look"}, headers=HTML).text
        for staff in (AUDIT, "J-C01", "J-X02")
        for path in ("/admin/disclosures", "/admin/disclosures.csv")
    }
    pages = [
        service.browser(staff).get("/admin/disclosures", params={"kind": "look"}, headers=HTML).text
        for staff in (AUDIT, "J-C01", "J-X02")
    ]
    of_union = service.browser(AUDIT).get(
        "/admin/disclosures", params={"kind": "look", "organisation": "X02"}, headers=HTML
    )

    assert [one in each and "按完整身份证号查人" in each for each in pages] == [True, True, False]
    assert [one in each for each in shown.values()] == [True, True, False]
    assert one not in of_union.text
    assert UUID(one)


def archive_row(person: Person, number: str, union: str = "X02") -> dict[str, Any]:
    return {
        "file_number": number,
        "organisation_code": union,
        "category": CARD_CLASS,
        "opened_on": "2015-01-01",
        "name": "某某",
        "id_number": person.id_number,
    }


def test_whoever_files_a_number_sees_their_own_file_and_no_other(service: Service) -> None:
    other_file = service.done("H-X02", "/v1/archive/files", archive_row(ONE, "DA1"))
    service.done("H-X02", "/v1/archive/files", archive_row(ONE, "Z1"))
    seeking = {"kind": "id_number", "value": ONE.id_number}

    pages = {
        staff: (
            service.browser(staff).post("/search", data=seeking, headers=HTML).text
            + service.browser(staff).get(f"/trace/people/{person_id(service, ONE)}").text
        )
        for staff in ("H-X02", "H-X01", "H-C01")
    }

    assert [each["code"] for each in other_file["result"]["refused"]] == ["archive.file_elsewhere"]
    shown = [(mask_phone(ONE.phone) in each, "某*" in each) for each in pages.values()]
    assert shown == [(False, True), (True, False), (True, False)]
    service.world.check_log()


def tried(service: Service, staff: str, *people: Person) -> Any:
    form = {
        "code": "TRY",
        "campaign_code": CAMPAIGN,
        "organisation_code": staff.partition("-")[2],
        "earmark": EARMARK,
        "channel": "银行卡",
        "bank_format": "unionpay-df",
        "dry_run": "true",
    }
    files = {"roster": ("r.csv", roster_csv(*people))}
    return service.browser(staff).post("/v1/batches", data=form, files=files)


def test_a_list_that_is_only_tried_tells_nothing_of_others_people_unseen(
    service: Service,
) -> None:
    service.world.file(Person(3), union="X02")
    own = tried(service, "H-X01", ONE)
    nobody_looked = looks(service)
    answer = tried(service, "H-X02", ONE, Person(3), Person(4))
    as_job = service.browser("H-X02").post(
        "/v1/jobs/archive",
        data={"dry_run": "true"},
        files={"workbook": ("a.csv", archive_csv(ONE))},
    )
    waited_for(service, as_job.json()["job_id"])

    assert (own.status_code, nobody_looked) == (201, [])
    assert [each["code"] for each in answer.json()["result"]["refused"]] == [
        "person.duplicate_in_campaign",
        "archive.not_on_file",
    ]
    me, one = str(officer_id("H-X02")), person_id(service, ONE)
    assert [(each["what"], each["officer_id"], each["people"]) for each in looks(service)] == [
        ("trial.roster", me, [one]),
        ("trial.archive", me, [one]),
    ]


def test_numbers_are_tried_so_often_a_day(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "TOLD_A_DAY_MAX", 3)
    first = tried(service, "H-X02", *map(Person, range(10, 13)))
    refused = tried(service, "H-X02", ONE)
    own = tried(service, "H-X01", ONE, TWO)

    assert (first.status_code, own.status_code) == (201, 201)
    assert (refused.status_code, refused.json()["code"]) == (429, "access.too_many_looks")
    assert [each["what"] for each in looks(service)] == ["trial.roster", "trial.refused"]


def archive_csv(person: Person) -> bytes:
    """Return an archive with the number of a file that another union has."""
    title = "档案编号,单位编码,姓名,身份证号码,类别,建档日期"
    row = f"DA{person.serial},X02,某某,{person.id_number},{CARD_CLASS},2015-01-01"
    return f"{title}\n{row}\n".encode()


def waited_for(service: Service, job_id: str) -> None:
    for _ in range(200):
        if service.get("H-X02", f"/v1/jobs/{job_id}")["state"] == "done":
            return
        time.sleep(0.05)
    raise AssertionError("the job did not end")
