"""A scenario folder: a whole campaign as the files that people really have."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec

from ledger.files.archive import Archive, read_archive
from ledger.files.campaign import CampaignFile, read_campaign
from ledger.files.faults import Fault, FileRefused, refuse
from ledger.files.registers import (
    AllocationRow,
    BatchRow,
    FundRow,
    OfficerRow,
    OrganisationRow,
    read_allocations,
    read_batches,
    read_funds,
    read_officers,
    read_organisations,
)


@dataclass(frozen=True, slots=True)
class Folder:
    """What stands at the top of the folder, read; rosters and returns are read when needed."""

    path: Path
    campaign: CampaignFile
    organisations: list[OrganisationRow]
    officers: list[OfficerRow]
    funds: list[FundRow]
    allocations: list[AllocationRow]
    batches: list[BatchRow]
    archive: Archive

    def read(self, name: str) -> bytes:
        """Read a file of the folder.

        Raises:
            FileRefused: `file.missing`; a name that leads out of the folder is no file of it.
        """
        return _read(self.path, name)

    def require_past(self, today: date) -> None:
        """Check that nothing in the registers of money and lists has still to come.

        Raises:
            FileRefused: `date.implausible`, with each row.
        """
        days = [
            *(("funds.csv", row.line, "日期", row.on) for row in self.funds),
            *(("allocations.csv", row.line, "日期", row.on) for row in self.allocations),
            *(("batches.csv", row.line, "审批日期", row.approved_on) for row in self.batches),
            *(
                ("batches.csv", row.line, "回盘或签字日期", row.returned_on)
                for row in self.batches
                if row.returned_on is not None
            ),
        ]
        faults = [
            Fault(file, line, column, "date.implausible")
            for file, line, column, day in days
            if day > today
        ]
        if faults:
            raise FileRefused(*faults)

    def given_as_of(self) -> date | None:
        """Return the day for which the folder's own reckoning (`expected.json`) was made."""
        try:
            expected = msgspec.json.decode(self.read("expected.json"), type=_Expected)
        except (FileRefused, msgspec.MsgspecError):
            return None
        return expected.as_of


class _Expected(msgspec.Struct):
    as_of: date | None = None


def open_folder(path: Path) -> Folder:
    """Read the files at the top of a scenario folder.

    Raises:
        FileRefused: One is missing or cannot be read, with all that is wrong with it.
    """

    def content(name: str) -> tuple[str, bytes]:
        return name, _read(path, name)

    return Folder(
        path,
        read_campaign(*content("campaign.toml")),
        read_organisations(*content("organisations.csv")),
        read_officers(*content("officers.csv")),
        read_funds(*content("funds.csv")),
        read_allocations(*content("allocations.csv")),
        read_batches(*content("batches.csv")),
        read_archive(*content("archive.xlsx")),
    )


def _read(folder: Path, name: str) -> bytes:
    try:
        path = (folder / name).resolve()
        if path.is_relative_to(folder.resolve()) and path.is_file():
            return path.read_bytes()
    except OSError:  # no name that a file could have, or not for us to read
        pass
    raise refuse(name, "file.missing")
