"""The job that makes a package for an inspector, from the ledger as it is when its turn comes."""

from contextlib import closing
from typing import Any

import msgspec

from api.background.jobs import Job
from api.background.packages import Packages
from api.background.work import InspectionWork
from api.background.worker import Handler, Report
from api.clock import Clock
from api.inspection.package import InspectionOrder, Made, Maker
from ledger.anchoring.publications import announce
from ledger.domain.aggregate import OPERATOR
from ledger.store.act import CommandAct
from ledger.store.application import Ledger
from ledger.store.home import Home
from ledger.store.map_store import MapStore
from projections.runner import catch_up


def inspecting(home: Home, ledger: Ledger, clock: Clock, packages: Packages) -> Handler:
    """Return who makes packages."""

    def make(job: Job, request: bytes, report: Report) -> dict[str, Any]:
        asked = msgspec.msgpack.decode(request, type=InspectionWork)
        act = CommandAct(str(job.officer_id), clock.today(), clock.now(), signed_in=True)
        order = InspectionOrder(
            asked.organisation_id,
            asked.year,
            asked.encoding,
            asked.opened,
            asked.reason,
            asked.made_for,
        )
        out = packages.workplace(job.job_id)
        with closing(MapStore(home.map)) as maps:
            operator = CommandAct(OPERATOR, clock.today(), clock.now())
            published = announce(ledger, maps, operator)
            with catch_up(ledger, home.read_models).asking() as model:
                made = Maker(ledger, model, maps, published).make(act, order, out, report.progress)
        packages.keep(job.job_id, out)
        return _told(asked, made)

    return make


def _told(asked: InspectionWork, made: Made) -> dict[str, Any]:
    return {
        "result": {
            "organisation_id": str(asked.organisation_id),
            "organisation_code": asked.organisation_code,
            "year": asked.year,
            "sha256": made.sha256,
            "files": made.files,
            "payments": made.payments,
            "people": made.people,
            "agrees": made.agrees,
        },
        "first_position": None,
        "last_position": None,
        "replayed": False,
        "dry_run": False,
    }
