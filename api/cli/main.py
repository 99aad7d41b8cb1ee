"""`nuanzhang`: the commands by name."""

import logging

import typer

from api.cli import (
    admin,
    anchor,
    bank,
    campaigns,
    evidence,
    exports,
    keys,
    packs,
    publish,
    samples,
    service,
    timestamps,
    witness,
)
from api.cli.printing import fail
from ledger.errors import LedgerError

app = typer.Typer(
    help="暖账 Nuanzhang: an audit ledger for relief funds. State lives in NUANZHANG_HOME.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

app.command()(service.init)
app.command()(campaigns.load)
app.command()(campaigns.report)
app.command()(service.serve)
app.command()(evidence.verify)
app.command()(anchor.anchor)
app.add_typer(anchor.app, name="witnesses")
app.add_typer(admin.app, name="admin")
app.add_typer(bank.app, name="bank")
app.add_typer(exports.app, name="export")
app.add_typer(keys.app, name="key")
app.add_typer(timestamps.app, name="timestamp")
app.add_typer(witness.app, name="witness")
app.command()(publish.publish)
app.command(name="verify-publication")(publish.verify_publication)
app.command()(packs.pack)
app.command(name="verify-pack")(packs.verify_pack)
app.command(name="verify-sample")(samples.verify_sample)
app.command(name="rebuild")(service.rebuild_read_model)
app.command(name="bank-file")(campaigns.bank_file)
app.command(name="check-file")(campaigns.check)
app.command()(service.erase)


def main() -> None:
    """Run a command; a refusal is one line, `code: message`, and exit status 1."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    try:
        app()
    except LedgerError as refusal:
        fail(f"{refusal.code}: {refusal}")
