"""The web application: version 1 of the interface, read only, for this machine alone."""

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from api import problems, tlog
from api.dependencies import Served
from api.v1 import (
    appropriations,
    balances,
    batches,
    disbursements,
    evidence,
    fund_accounts,
    log,
    organisations,
)
from ledger.anchoring.anchors import Anchors
from ledger.store.application import Ledger
from ledger.store.home import Home
from ledger.store.map_store import MapStore

LOOPBACK_NAMES = ["127.0.0.1", "localhost", "[::1]"]

DESCRIPTION = """\
An audit ledger for relief funds. Every figure can be asked for as of a day (`as_of`) and as known
at a position of the log (`at`); every history comes with signatures and proofs that hold for the
checkpoint it names. Amounts are whole fen. Errors are RFC 9457 problems with a public code.
There are no access rules yet: the server answers on the loopback address only.
"""

ROUTERS = (
    organisations,
    fund_accounts,
    appropriations,
    batches,
    disbursements,
    balances,
    log,
    evidence,
)

START = """\
<!doctype html><html lang="zh"><meta charset="utf-8"><title>暖账</title>
<style>body{font:16px/1.6 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}
code{background:#f3f3f3;padding:.1rem .3rem}li{margin:.3rem 0}</style>
<h1>暖账 Nuanzhang</h1>
<p>送温暖资金审计账本。此服务只在本机应答。<br>An audit ledger for relief funds, answering on this
machine only.</p>
<ul>
<li><a href="/v1/organisations">组织 Organisations</a></li>
<li><a href="/v1/balances">余额与试算平衡 Balances and trial balance</a></li>
<li><a href="/v1/appropriations">拨款及其去向 Appropriations, traced forward</a></li>
<li><a href="/v1/batches">批次 Batches</a></li>
<li><a href="/v1/disbursements?status=returned">退回的发放 Payments that came back</a></li>
<li><a href="/v1/log">日志检查点与公钥 Checkpoint and verifier key</a></li>
<li><a href="/openapi.json">OpenAPI</a></li>
</ul>
<p>每一笔都可追溯 Every payment is traced back under <code>/v1/disbursements/{id}/trace</code>, and
its proofs are under <code>/v1/disbursements/{id}/history</code>.</p></html>
"""


def create_app(home: Home, ledger: Ledger) -> FastAPI:
    """Make the application over an open ledger."""
    app = FastAPI(
        title="暖账 Nuanzhang",
        version="1",
        description=DESCRIPTION,
        # The usual pages load their scripts from elsewhere; this machine may not reach it.
        docs_url=None,
        redoc_url=None,
    )
    app.state.served = Served(home, ledger, MapStore(home.map), Anchors(home.anchors))
    # A page from elsewhere must not read the ledger through a name that it had point here.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=LOOPBACK_NAMES)
    problems.install(app)
    for module in ROUTERS:
        app.include_router(module.router, prefix="/v1")
    app.include_router(tlog.router)

    @app.get("/", include_in_schema=False)
    def start() -> HTMLResponse:
        return HTMLResponse(START)

    return app
