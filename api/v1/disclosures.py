"""Disclosures: files in clear that were handed out, and unmaskings, for those who watch."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from api.callers import WATCH_ACCESS, TheWatched
from api.dependencies import TheReadModel
from api.problems import RESPONSES
from api.v1.models import Answer, Day, Id, Position
from projections.disclosures import Question, disclosure_list

router = APIRouter(prefix="/disclosures", tags=["disclosures"], responses=RESPONSES)


class Disclosure(Answer):
    """Who saw personal data, of what, and why; the data itself stands nowhere here."""

    kind: str = Field(
        description="unmasked, or what the file is: bank_file, pack.fund …", examples=["bank_file"]
    )
    officer_id: UUID | None = Field(description="Null where the operator did it.")
    subject_id: Id
    organisation_id: UUID | None
    batch_code: str | None
    people: int
    fields: list[str]
    file_sha256: str | None
    reason: str
    made_for: str | None
    happened_on: Day
    recorded_at: str
    position: Position


class DisclosureList(Answer):
    """The last first; `before` of the next page is the last position here, null at the end."""

    items: list[Disclosure]
    before: int | None


@router.get("", dependencies=[WATCH_ACCESS])
def list_disclosures(
    model: TheReadModel,
    watched: TheWatched,
    organisation_id: UUID | None = None,
    officer_id: UUID | None = None,
    files: Annotated[bool | None, Query(description="Files alone, or unmaskings alone.")] = None,
    since: date | None = None,
    until: date | None = None,
    before: Annotated[int | None, Query(ge=0, lt=2**53)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> DisclosureList:
    """List files in clear that were handed out, and unmaskings, of what the caller watches."""
    asked = Question(watched.within(organisation_id), officer_id, files, since, until)
    found = disclosure_list(model, asked, before=before, limit=limit + 1)
    shown = found[:limit]
    return DisclosureList(
        items=[Disclosure.model_validate(each) for each in shown],
        before=shown[-1].position if len(found) > limit else None,
    )
