"""Personal data at the edge: masked, found by what is known, restricted and erased by two."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from httpx2 import Response
from msgspec import structs

from api.v1.people import PEOPLE_MAX
from ledger.anchoring.publications import announce
from ledger.commands.batches import Draft, draft_batch
from ledger.commands.policies import CampaignOpening, adopt_policy, open_campaign
from ledger.domain.batch import batch_id
from ledger.domain.campaign import campaign_id
from ledger.domain.officer import officer_id
from ledger.domain.organisation import organisation_id
from ledger.domain.policy import Channel
from ledger.domain.recipient import Recipient
from ledger.packs.file import read_pack
from tests.api.service import EARLY, Service, service_at
from tests.world import (
    CAMPAIGN,
    EARMARK,
    SHEET_CLASS,
    Person,
    roster,
    roster_row,
    settled,
    terms,
)

ONE, TWO = Person(1), Person(2)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_at(tmp_path) as found:
        world = found.world
        world.receive("X01", 1_000_000)
        world.file(ONE, TWO)
        world.pay("B1", roster_row(1, ONE, 80_000), roster_row(2, TWO, 80_000))
        yield found


def person_id(service: Service, person: Person) -> UUID:
    return service.world.ledger.vault.subject_id("id_number", person.id_number)


def found(service: Service, staff: str = "H-X01", **known: str) -> list[str]:
    answer = service.done(staff, "/v1/searches", known)
    return [each["person_id"] for each in answer["people"]]


def test_payees_are_shown_masked_and_found_by_what_is_known(service: Service) -> None:
    one = str(person_id(service, ONE))
    listed = service.get("H-X01", "/v1/disbursements")["items"]
    payee = next(each["payee"] for each in listed if each["person_id"] == one)

    assert payee == {
        "state": "kept",
        "name": f"{ONE.name[0]}*",
        "id_number": f"3401**********{ONE.id_number[-4:]}",
        "phone": f"170****{ONE.phone[-4:]}",
        "card_number": f"**** {ONE.card[-4:]}",
    }
    for clear in (ONE.id_number, ONE.card, ONE.phone, ONE.name):
        assert clear not in str(listed)
    for known in (
        {"id_number": ONE.id_number},
        {"card_number": ONE.card},
        {"phone": ONE.phone},
        {"name": ONE.name},
        {"id_number_masked": payee["id_number"], "name_masked": payee["name"]},
        {"card_number_masked": payee["card_number"], "phone": ONE.phone},
    ):
        assert found(service, **known) == [one], known
    assert found(service, phone=ONE.phone, card_number=TWO.card) == []
    assert found(service, staff="H-X02", name=ONE.name) == []
    assert service.post("H-X01", "/v1/searches").json()["code"] == "search.nothing_asked"


def test_unmasking_needs_a_post_there_and_a_reason_and_is_an_event(service: Service) -> None:
    listed = service.get("K-X01", "/v1/disbursements")["items"]
    path = f"/v1/disbursements/{listed[0]['disbursement_id']}/unmaskings"
    form = {"fields": ["name", "card_number"], "reason": "核对退回"}

    shown = service.done("K-X01", path, form)

    assert shown == {"fields": {"name": ONE.name, "card_number": ONE.card}}
    assert service.world.types()[-1] == "recipient.unmasked"
    assert service.post("H-X02", path, form).json()["code"] == "access.outside_reach"
    assert service.post("K-X01", path, {"fields": ["name"], "reason": " "}).status_code == 422


def test_restriction_is_asked_by_one_and_decided_by_another(service: Service) -> None:
    path = f"/v1/people/{person_id(service, ONE)}"
    asked = {"change": "restrict", "reason": "本人要求"}
    service.done("H-X01", f"{path}/change-requests", asked)
    service.done("A-X01", f"{path}/changes", {"change": "restrict"})

    shown = service.get("U-C01", path)

    assert (shown["restricted"], shown["requested"]) == (True, [])
    [payment] = shown["payments"]
    assert payment["payee"]["state"] == "restricted"
    assert payment["payee"]["name"] is None
    unmasking = f"/v1/disbursements/{payment['disbursement_id']}/unmaskings"
    refused = service.post("K-X01", unmasking, {"fields": ["name"], "reason": "核对"})
    assert (refused.status_code, refused.json()["code"]) == (409, "vault.person_restricted")
    again = service.post("A-X01", f"{path}/changes", {"change": "restrict"})
    assert again.json()["code"] == "recipient.not_requested"

    service.done("H-X01", f"{path}/change-requests", {**asked, "change": "lift"})
    service.done("A-X01", f"{path}/changes", {"change": "lift"})
    assert service.done("K-X01", unmasking, {"fields": ["name"], "reason": "核对"})
    service.world.check_log()


def test_no_union_decides_alone_on_somebody_whom_another_pays(service: Service) -> None:
    paid = Person(8)
    service.world.sheet("S1", paid)  # of whom there is no file
    path = f"/v1/people/{person_id(service, paid)}"
    row = {
        "file_number": "Z1",
        "organisation_code": "X02",
        "category": "建档困难职工",
        "opened_on": "2017-02-20",
        "name": paid.name,
        "id_number": paid.id_number,
    }
    service.done("H-X02", "/v1/archive/files", row)
    erase = {"change": "erase", "reason": "本人要求", "overriding": "公函1号"}
    restrict = {"change": "restrict", "reason": "本人要求"}

    refused = [
        service.post(staff, f"{path}/change-requests", form).json().get("code")
        for staff in ("H-X02", "H-X01")
        for form in (restrict, erase)
    ]
    service.done("H-C01", f"{path}/change-requests", restrict)
    below = service.post("A-X02", f"{path}/changes", {"change": "restrict"})
    service.done("A-C01", f"{path}/changes", {"change": "restrict"})

    assert refused == ["duty.role_missing"] * 4
    assert below.json()["code"] == "duty.role_missing"
    assert service.get("H-X01", path)["restricted"]


def test_a_union_that_only_listed_somebody_has_them_too(service: Service) -> None:
    listed = Person(8)
    service.world.file(listed, union="X02")
    service.world.draft("B2", roster_row(1, listed, 80_000))
    path = f"/v1/people/{person_id(service, listed)}"

    form = {"change": "restrict", "reason": "本人要求"}
    refused = service.post("H-X02", f"{path}/change-requests", form)

    assert (refused.status_code, refused.json()["code"]) == (403, "duty.role_missing")


def test_restricted_people_are_not_found_by_what_is_kept_of_them(service: Service) -> None:
    one = str(person_id(service, ONE))
    kept = {"name": ONE.name, "phone": ONE.phone, "card_number": ONE.card}
    masked = {"id_number_masked": f"3401**********{ONE.id_number[-4:]}"}
    known = [*({kind: value} for kind, value in kept.items()), masked]
    path = f"/v1/people/{one}"

    service.done("H-X01", f"{path}/change-requests", {"change": "restrict", "reason": "要求"})
    assert all(found(service, **each) == [one] for each in known)
    service.done("A-X01", f"{path}/changes", {"change": "restrict"})

    assert [found(service, **each) for each in known] == [[]] * len(known)
    assert found(service, id_number=ONE.id_number) == [one]
    assert found(service, id_number=ONE.id_number, name=ONE.name) == []
    service.done("H-X01", f"{path}/change-requests", {"change": "lift", "reason": "要求"})
    service.done("A-X01", f"{path}/changes", {"change": "lift"})
    assert all(found(service, **each) == [one] for each in known)


def test_who_is_within_reach_is_found_however_many_others_share_a_name(service: Service) -> None:
    strangers = [Person(number) for number in range(1000, 1000 + PEOPLE_MAX + 40)]
    service.world.file(*strangers, union="X02")
    shared = {"name_masked": f"{ONE.name[0]}*"}
    both = sorted(str(person_id(service, each)) for each in (ONE, TWO))

    near = service.done("H-X01", "/v1/searches", shared)
    all_of_them = service.done("H-C01", "/v1/searches", shared)

    assert ([each["person_id"] for each in near["people"]], near["cut"]) == (both, False)
    assert (len(all_of_them["people"]), all_of_them["cut"]) == (PEOPLE_MAX, True)


def test_a_request_counts_no_more_once_its_asker_has_left(service: Service) -> None:
    path = f"/v1/people/{person_id(service, ONE)}"
    asked = {"change": "restrict", "reason": "本人要求"}
    service.done("R-X01", f"{path}/change-requests", asked)
    left = {"organisation_id": str(organisation_id("X01")), "role": "复核"}
    service.done("SEC", f"/v1/officers/{officer_id('R-X01')}/post-endings", left)

    refused = service.post("A-X01", f"{path}/changes", {"change": "restrict"})
    service.done("H-X01", f"{path}/change-requests", asked)
    decided = service.post("A-X01", f"{path}/changes", {"change": "restrict"})

    assert (refused.status_code, refused.json()["code"]) == (409, "recipient.requester_left")
    assert decided.status_code == 201
    service.world.check_log()


def test_what_was_read_is_decided_and_no_later_request(service: Service) -> None:
    path = f"/v1/people/{person_id(service, ONE)}"
    asked = {"change": "restrict", "reason": "本人要求"}
    service.done("H-X01", f"{path}/change-requests", asked)
    [read] = service.get("A-X01", "/v1/change-requests")["items"]
    service.done("R-X01", f"{path}/change-requests", {**asked, "reason": "另有原因"})

    refused = [
        service.post("A-X01", f"{path}/changes", {"change": "restrict", "request": position})
        for position in (read["position"], 0, 2**40)
    ]
    [now] = service.get("A-X01", "/v1/change-requests")["items"]
    page = service.browser("A-X01").get("/admin/people", headers={"accept": "text/html"})
    service.done("A-X01", f"{path}/changes", {"change": "restrict", "request": now["position"]})

    codes = {(each.status_code, each.json()["code"]) for each in refused}
    assert codes == {(409, "recipient.request_changed")}
    assert f'name="request" value="{now["position"]}"' in page.text
    service.world.check_log()


def test_nobody_decides_on_their_own_request(service: Service) -> None:
    service.world.appoint_without_key("H-X01", "X01", "审批")
    path = f"/v1/people/{person_id(service, ONE)}"
    service.done("H-X01", f"{path}/change-requests", {"change": "restrict", "reason": "要求"})

    refused = service.post("H-X01", f"{path}/changes", {"change": "restrict"})

    assert (refused.status_code, refused.json()["code"]) == (403, "recipient.same_person")


def test_erasure_waits_for_retention_or_an_order_and_people_stay_countable(
    service: Service,
) -> None:
    path = f"/v1/people/{person_id(service, ONE)}"
    service.done("H-X01", f"{path}/change-requests", {"change": "erase", "reason": "本人要求"})
    early = service.post("A-X01", f"{path}/changes", {"change": "erase"})
    assert (early.status_code, early.json()["code"]) == (409, "recipient.retention_runs")
    order = {"change": "erase", "reason": "本人要求", "overriding": "（2017）皖01行终1号"}
    service.done("H-X01", f"{path}/change-requests", order)
    unpaid = service.post("A-X01", f"{path}/changes", {"change": "erase"})
    assert (unpaid.status_code, unpaid.json()["code"]) == (409, "recipient.payment_on_its_way")
    service.world.answer("B1", settled(1, ONE, 80_000), settled(2, TWO, 80_000))
    before = service.get("U-C01", "/v1/balances")["items"]

    service.done("A-X01", f"{path}/changes", {"change": "erase"})

    shown = service.get("U-C01", path)
    assert shown["erased"]
    assert [each["payee"]["state"] for each in shown["payments"]] == ["erased"]
    assert found(service, name=ONE.name) == []
    assert found(service, id_number=ONE.id_number) == [str(person_id(service, ONE))]
    assert service.get("U-C01", "/v1/balances")["items"] == before
    assert len(service.get("U-C01", f"/v1/batches/{batch_id('B1')}")["rows"]) == 2
    service.world.check_log()


def test_what_is_due_is_handed_in_late_sent_back_and_missed(service: Service) -> None:
    campaign = str(campaign_id(CAMPAIGN))
    for number, union in enumerate(("X01", "X01-01", "X02"), 91):
        service.world.receive(union, 100_000)
        service.world.sheet(f"S-{union}", Person(number), union=union)
    form = {
        "campaign_code": CAMPAIGN,
        "organisation_code": "X01",
        "name": "签字表",
        "document_sha256": "ab" * 32,
    }
    unknown = service.post("H-X01", "/v1/filings", {**form, "name": "总结"})
    assert unknown.json()["code"] == "filing.deadline_unknown"
    filing = service.done("H-X01", "/v1/filings", form)["result"]["filing_id"]
    assert service.post("H-X01", "/v1/filings", form).json()["code"] == "filing.handed_in"

    listed = service.get("U-C01", "/v1/filings", campaign_id=campaign)

    [view] = listed["items"]
    assert (view["filing_id"], view["days_late"], view["due_on"]) == (filing, 24, "2017-02-05")
    late = {each["organisation_id"]: each["days_late"] for each in listed["missing"]}
    assert late == {str(organisation_id(code)): 24 for code in ("X01-01", "X02")}

    back = f"/v1/filings/{filing}/sendings-back"
    own = service.post("R-X01", back, {"reason": "缺页"})
    assert own.json()["code"] == "duty.role_missing"
    service.done("R-C01", back, {"reason": "缺页"})
    listed = service.get("U-C01", "/v1/filings", campaign_id=campaign)
    assert [each["sent_back"] for each in listed["items"]] == ["缺页"]
    assert len(listed["missing"]) == 3
    service.done("H-X01", "/v1/filings", form)
    service.world.check_log()


def test_what_is_missing_is_asked_of_who_has_a_part_by_the_deadline_that_counts(
    service: Service,
) -> None:
    world, january, later = service.world, date(2017, 1, 5), date(2017, 2, 15)

    def adopted(on: date, due: date) -> None:
        usual = terms(on)
        sheets = structs.replace(usual.deadlines[0], due_on=due)
        of = structs.replace(usual, code="own", deadlines=(sheets,))
        adopt_policy(world.ledger, world.act("A-X01", on), of)

    adopted(january, date(2017, 2, 10))
    opening = CampaignOpening("own", "本级", january, date(2017, 2, 11), 2017, "own")
    open_campaign(world.ledger, world.act(day=january), opening, "X01")
    for number, union in enumerate(("X01", "X01-01"), 1):
        world.receive(union, 100_000)
        code, rows = f"S-{union}", roster(roster_row(1, Person(number), 30_000, SHEET_CLASS))
        channel = Channel.SIGNATURE_SHEET
        order = Draft(code, "own", union, EARMARK, channel, None, f"H-{union}", rows)
        draft_batch(world.ledger, world.act(f"H-{union}"), order)
        world.review(code, f"R-{union}")
        world.approve(code, f"A-{union}")
    adopted(later, date(2017, 3, 20))

    listed = service.get("U-C01", "/v1/filings", campaign_id=str(campaign_id("own")))

    assert {(each["organisation_id"], each["due_on"]) for each in listed["missing"]} == {
        (str(organisation_id(code)), "2017-02-10") for code in ("X01", "X01-01")
    }


def test_nobody_takes_away_people_in_clear_whom_another_union_has(service: Service) -> None:
    service.world.appoint_without_key("J-X02", "X02", "纪检", EARLY)
    announce(service.world.ledger, service.served.maps, service.world.act())
    one, batch = str(person_id(service, ONE)), str(batch_id("B1"))
    wanted = {"opened": True, "reason": "核查", "made_for": "纪委"}

    def ask(staff: str, kind: str, subject: str) -> int:
        body = {"kind": kind, "subject": subject, **wanted}
        return service.post(staff, "/v1/evidence/packs", body).status_code

    assert [ask("J-X02", "person", one), ask("J-X02", "batch", batch)] == [403, 403]
    masked = {"kind": "person", "subject": one, "opened": False}
    assert service.post("J-X02", "/v1/evidence/packs", masked).status_code == 403
    assert [ask("J-C01", "person", one), ask("J-C01", "batch", batch)] == [200, 200]


def test_nobody_takes_away_a_person_whom_another_union_listed_though_it_never_paid(
    service: Service,
) -> None:
    world = service.world
    world.appoint_without_key("J-X01", "X01", "纪检", EARLY)
    announce(world.ledger, service.served.maps, world.act())
    one = {"kind": "person", "subject": str(person_id(service, ONE)), "opened": False}

    assert service.post("J-X01", "/v1/evidence/packs", one).status_code == 200
    world.draft("B9", roster_row(1, ONE, 70_000), union="X02")
    announce(world.ledger, service.served.maps, world.act())
    assert service.post("J-X01", "/v1/evidence/packs", one).status_code == 403
    assert service.post("J-C01", "/v1/evidence/packs", one).status_code == 200


def test_a_pack_shows_that_it_goes_on_from_what_somebody_kept(service: Service) -> None:
    ledger, maps = service.world.ledger, service.served.maps
    kept = announce(ledger, maps, service.world.act())
    service.world.register("X01-09", "X01")
    announce(ledger, maps, service.world.act())
    wanted = {"kind": "batch", "subject": str(batch_id("B1"))}

    with_it = service.post("J-C01", "/v1/evidence/packs", {**wanted, "since": kept.note})
    without = service.post("J-C01", "/v1/evidence/packs", wanted)
    wrong = service.post("J-C01", "/v1/evidence/packs", {**wanted, "since": "no checkpoint"})
    of_other_entries = kept.note.replace(f"\n{kept.size}\n", f"\n{kept.size - 1}\n")
    other = service.post("J-C01", "/v1/evidence/packs", {**wanted, "since": of_other_entries})

    def entries(answer: Response) -> set[int]:
        return set(read_pack(answer.content).pack.entries)

    assert kept.position in entries(with_it)
    assert kept.position not in entries(without)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "request.checkpoint")
    assert (other.status_code, other.json()["code"]) == (404, "publication.none")


def test_a_file_of_another_union_is_not_closed_by_its_number(service: Service) -> None:
    world = service.world
    theirs = Person(7)
    world.file(theirs, union="X02")
    known = world.ledger.load(Recipient, person_id(service, theirs))
    assert known is not None
    [number] = known.files
    row = {
        "file_number": number,
        "organisation_code": "X01",
        "category": known.files[number].category,
        "opened_on": "2016-01-01",
        "closed_on": "2017-02-01",
        "name": theirs.name,
        "id_number": theirs.id_number,
    }

    answer = service.done("H-X01", "/v1/archive/files", row)

    again = world.ledger.load(Recipient, person_id(service, theirs))
    assert again is not None
    assert again.files[number].closed_on is None, answer


def test_no_reason_names_somebody_by_a_number(service: Service) -> None:
    listed = service.get("K-X01", "/v1/disbursements")["items"]
    unmasking = f"/v1/disbursements/{listed[0]['disbursement_id']}/unmaskings"
    path = f"/v1/people/{person_id(service, ONE)}/change-requests"
    announce(service.world.ledger, service.served.maps, service.world.act())
    pack = {"kind": "batch", "subject": str(batch_id("B1")), "opened": True}
    size = service.world.ledger.size()

    refused = [
        service.post(staff, to, form)
        for number in (ONE.id_number, ONE.card, "138 1234 5678", "１３８１２３４５６７８")
        for staff, to, form in (
            ("K-X01", unmasking, {"fields": ["name"], "reason": f"核对 {number}"}),
            ("H-X01", path, {"change": "restrict", "reason": f"本人 {number} 要求"}),
            ("H-X01", path, {"change": "erase", "reason": "要求", "overriding": number}),
            ("J-C01", "/v1/evidence/packs", {**pack, "reason": number, "made_for": "纪委"}),
            ("J-C01", "/v1/evidence/packs", {**pack, "reason": "核查", "made_for": number}),
        )
    ]

    assert {(each.status_code, each.json()["code"]) for each in refused} == {
        (422, "case.personal_data")
    }
    assert service.world.ledger.size() == size
