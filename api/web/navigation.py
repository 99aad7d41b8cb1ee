"""What leads where: the pages in the menu, and for whom they are there."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from api.callers import READERS, WATCHERS, Caller
from api.web.language import N_
from ledger.commands.batches import HANDLERS
from ledger.commands.officers import SYSTEM
from ledger.domain.officer import Role


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


EVERYBODY = frozenset(Role)

MENU = (
    Entry("/overview", N_("总览"), within=("/deadlines",)),
    Entry("/organisations", N_("组织")),
    Entry("/flow", N_("流向"), within=("/remittances",)),
    Entry("/ledger", N_("台账")),
    Entry("/batches", N_("批次"), within=("/imports", "/archive")),
    Entry("/bank", N_("银行")),
    Entry("/notices", N_("公示")),
    Entry("/findings", N_("疑点"), within=("/samples", "/cases")),
    Entry("/reports", N_("报表")),
    Entry("/search", N_("溯源"), within=("/trace", "/receipts", "/verify")),
    Entry("/jobs", N_("任务"), HANDLERS | SYSTEM),
    Entry("/admin", N_("管理"), EVERYBODY),
)

SECTIONS = (
    Entry("/admin/organisations", N_("各级工会"), EVERYBODY),
    Entry("/admin/officers", N_("人员"), EVERYBODY),
    Entry("/admin/keys", N_("全部密钥"), EVERYBODY),
    Entry("/admin/policies", N_("政策"), EVERYBODY),
    Entry("/admin/campaigns", N_("送温暖活动"), EVERYBODY),
    Entry("/admin/disclosures", N_("导出与查看明文"), WATCHERS),
    Entry("/admin/people", N_("个人信息申请")),
    Entry("/admin/access", N_("登录日志"), WATCHERS),
    Entry("/admin/webhooks", N_("事件推送"), SYSTEM),
)
"""Parts of the administration: each asks of its caller what the interface asks for the same."""


def menu(caller: Caller | None) -> list[Entry]:
    """Return the menu of an officer, or of nobody."""
    return _open_to(caller, MENU)


def sections(caller: Caller | None) -> list[Entry]:
    """Return the parts of the administration that an officer's posts open."""
    return _open_to(caller, SECTIONS)


def home_of(caller: Caller) -> str:
    """Return what an officer sees first: their figures, or what they administer."""
    if caller.holds_any(READERS):
        return "/overview"
    return "/admin" if caller.posts else "/my-account"


def _open_to(caller: Caller | None, entries: Iterable[Entry]) -> list[Entry]:
    return [] if caller is None else [each for each in entries if caller.holds_any(each.roles)]
