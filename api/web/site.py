"""All pages of the service."""

from api.web import assets
from api.web.pages import (
    batches,
    flow,
    imports,
    integrity,
    jobs,
    ledger,
    lots,
    my_key,
    notices,
    organisations,
    overview,
    receipts,
    search,
    sign_in,
    signing,
    trace,
    verify,
)

PAGES = (
    assets.router,
    sign_in.router,
    overview.router,
    integrity.router,
    organisations.router,
    flow.router,
    ledger.router,
    # Before the batches: `/batches/new` is no batch.
    imports.router,
    batches.router,
    jobs.router,
    signing.router,
    notices.router,
    my_key.router,
    search.router,
    trace.router,
    lots.router,
    verify.router,
    receipts.router,
)
