"""All pages of the service."""

from api.web import assets
from api.web.pages import batches, my_key, organisations, overview, receipts, sign_in, trace, verify

PAGES = (
    assets.router,
    sign_in.router,
    overview.router,
    organisations.router,
    batches.router,
    my_key.router,
    trace.router,
    verify.router,
    receipts.router,
)
