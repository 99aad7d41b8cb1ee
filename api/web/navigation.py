"""What leads where: the pages in the menu, and for whom they are there."""

from collections.abc import Collection
from dataclasses import dataclass

from api.callers import READERS, Caller
from api.web.language import N_
from ledger.commands.batches import HANDLERS
from ledger.commands.officers import SYSTEM


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu. Nobody is shown a way to what would be refused to them.

    `within` are other addresses whose pages are found through this one.
    """

    path: str
    label: str
    roles: Collection[str] = READERS
    within: tuple[str, ...] = ()

    def leads_to(self, path: str) -> bool:
        """Say whether a page is this entry's, or one below it."""
        return any(
            path == each or path.startswith(f"{each}/") for each in (self.path, *self.within)
        )


MENU = (
    Entry("/overview", N_("总览")),
    Entry("/organisations", N_("组织")),
    Entry("/flow", N_("流向")),
    Entry("/ledger", N_("台账")),
    Entry("/batches", N_("批次"), within=("/imports", "/archive")),
    Entry("/notices", N_("公示")),
    Entry("/search", N_("溯源"), within=("/trace", "/receipts", "/verify")),
    Entry("/jobs", N_("任务"), HANDLERS | SYSTEM),
)


def menu(caller: Caller | None) -> list[Entry]:
    """Return the menu of an officer, or of nobody."""
    return [] if caller is None else [each for each in MENU if caller.holds_any(each.roles)]
