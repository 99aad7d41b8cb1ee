"""Scenes for attacks: posts given and ended, a batch that awaits its approval."""

from typing import Any

from ledger.commands import officers
from ledger.domain.officer import officer_id
from ledger.domain.organisation import organisation_id
from tests.api.service import EARLY, SECURITY, Service
from tests.world import Person, roster_row


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def end_post(service: Service, staff: str, code: str, role: str) -> None:
    form = {"organisation_id": str(organisation_id(code)), "role": role}
    service.done(SECURITY, f"/v1/officers/{officer_id(staff)}/post-endings", form)


def also(service: Service, staff: str, code: str, role: str) -> None:
    """Give an officer a further post."""
    world = service.world
    order = officers.Appointment(staff, "某某", code, role)
    officers.appoint_officer(world.ledger, world.act(day=EARLY), order)


def batch_for_approval(service: Service, code: str = "B1", serial: int = 1) -> str:
    world, person = service.world, Person(serial)
    if serial == 1:
        world.receive("C01", 1_000_000)
        world.allocate("C01", "X01", 1_000_000)
    world.file(person)
    world.draft(code, roster_row(1, person, 80_000))
    world.review(code)
    return batch_of(service, code)


def batch_of(service: Service, code: str) -> str:
    shown = service.get("A-X01", "/v1/batches")["items"]
    return next(str(each["batch_id"]) for each in shown if each["code"] == code)
