"""What was carried out to others last, and who vouches for it."""

from dataclasses import dataclass

from api.dependencies import Served
from ledger.anchoring.publications import latest
from ledger.anchoring.witnesses import Witnessed, witnessed


@dataclass(frozen=True, slots=True)
class Published:
    """The last checkpoint that was carried out to others, and who cosigned it."""

    size: int
    at: str
    witnessed: Witnessed


def last_published(found: Served) -> Published | None:
    """Return the last published checkpoint with its witnesses, if there ever was one."""
    published = latest(found.ledger)
    if published is None:
        return None
    standing = witnessed(found.ledger, found.anchors, published)
    return Published(published.size, published.announced.event.recorded_at, standing)
