"""All pages of the service."""

from api.web import assets
from api.web.pages import (
    batches,
    flow,
    integrity,
    ledger,
    lots,
    my_key,
    organisations,
    overview,
    receipts,
    search,
    sign_in,
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
    batches.router,
    my_key.router,
    search.router,
    trace.router,
    lots.router,
    verify.router,
    receipts.router,
)
