"""A folder's codes as its ledger knows them: ledgers of before took them in as they were typed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from api.folder import Folder
from ledger.domain.aggregate import Root
from ledger.domain.batch import Batch, batch_id
from ledger.domain.officer import Officer, officer_id
from ledger.domain.organisation import Organisation, organisation_id
from ledger.store.application import Ledger


@dataclass(frozen=True, slots=True)
class Spelling:
    """Codes written plainly, and how a ledger writes those that it knows otherwise."""

    unions: Mapping[str, str]
    officers: Mapping[str, str]
    batches: Mapping[str, str]


def spelling_of(ledger: Ledger, folder: Folder) -> Spelling:
    """Return what the ledger holds in full width, or with spaces in it, as the folder has it."""
    unions = ((row.code, row.written) for row in folder.organisations)
    officers = ((row.staff_number, row.written) for row in folder.officers)
    batches = ((row.code, row.written) for row in folder.batches)
    return Spelling(
        _known(ledger, Organisation, organisation_id, unions),
        _known(ledger, Officer, officer_id, officers),
        _known(ledger, Batch, batch_id, batches),
    )


def spelt(folder: Folder, as_known: Spelling) -> Folder:
    """Call unions, officers and batches as the ledger does, which would else take them in again."""

    def place(code: str) -> str:
        return as_known.unions.get(code, code)

    def staff(number: str) -> str:
        return as_known.officers.get(number, number)

    return replace(
        folder,
        organisations=[
            replace(
                row,
                code=place(row.code),
                parent_code=None if row.parent_code is None else place(row.parent_code),
            )
            for row in folder.organisations
        ],
        officers=[
            replace(
                row,
                staff_number=staff(row.staff_number),
                organisation_code=place(row.organisation_code),
            )
            for row in folder.officers
        ],
        funds=[
            replace(row, organisation_code=place(row.organisation_code)) for row in folder.funds
        ],
        allocations=[
            replace(row, from_code=place(row.from_code), to_code=place(row.to_code))
            for row in folder.allocations
        ],
        batches=[
            replace(
                row,
                code=as_known.batches.get(row.code, row.code),
                organisation_code=place(row.organisation_code),
                drafted_by=staff(row.drafted_by),
                reviewed_by=staff(row.reviewed_by),
                approved_by=staff(row.approved_by),
            )
            for row in folder.batches
        ],
        archive=replace(
            folder.archive,
            rows=tuple(
                replace(row, organisation_code=place(row.organisation_code))
                for row in folder.archive.rows
            ),
        ),
    )


def _known(
    ledger: Ledger,
    kind: type[Root],
    id_of: Callable[[str], UUID],
    written: Iterable[tuple[str, str]],
) -> Mapping[str, str]:
    """Return what the ledger holds under the spelling of a file, and not under the plain one."""
    return {
        plain: as_typed
        for plain, as_typed in dict.fromkeys(written)
        if plain != as_typed
        and ledger.load(kind, id_of(plain)) is None
        and ledger.load(kind, id_of(as_typed)) is not None
    }
