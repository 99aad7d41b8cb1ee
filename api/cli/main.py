"""`nuanzhang`: the commands by name."""

import logging
from collections import UserDict
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from api.cli.drafts import path_refusal
from api.cli.printing import fail
from ledger.errors import LedgerError

COMMANDS = {
    "init": "service.init",
    "migrate": "service.migrate",
    "load": "campaigns.load",
    "report": "campaigns.report",
    "serve": "service.serve",
    "verify": "evidence.verify",
    "anchor": "anchor.anchor",
    "publish": "publish.publish",
    "verify-publication": "publish.verify_publication",
    "pack": "packs.pack",
    "verify-pack": "packs.verify_pack",
    "verify-sample": "samples.verify_sample",
    "explain": "explanations.explain_payment",
    "findings": "findings.list_findings",
    "rebuild": "read_models.rebuild_read_model",
    "bank-file": "campaigns.bank_file",
    "bank-formats": "campaigns.list_formats",
    "check-file": "campaigns.check",
    "erase": "service.erase",
    "witnesses": "anchor.app",
    "admin": "admin.app",
    "backup": "backups.app",
    "bank": "bank.app",
    "cases": "cases.app",
    "export": "exports.app",
    "key": "keys.app",
    "lists": "lists.app",
    "province": "province.app",
    "remit": "remittances.app",
    "segments": "segments.app",
    "signatures": "signatures.app",
    "timestamp": "timestamps.app",
    "witness": "witness.app",
}
"""Where each command stands, or those that share its first word."""


class Commands(UserDict[str, Any]):
    """The commands, each imported when it is asked for.

    Each needs a part of what all of them need, and importing is most of what a short one takes.
    """

    def __getitem__(self, name: str) -> Any:
        module, attribute = self.data[name].split(".")
        found = getattr(import_module(f"api.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            group = get_group(found)
            group.name = name
            return group
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(name=name)(found)
        return get_command(alone)


class ByName(TyperGroup):
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = Commands(COMMANDS)


app = typer.Typer(
    cls=ByName,
    help="暖账 Nuanzhang: an audit ledger for relief funds. State lives in NUANZHANG_HOME.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def nuanzhang() -> None:
    """Take any command; what it does stands with it."""


def main() -> None:
    """Run a command; a refusal is one line, `code: message`, and exit status 1."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    try:
        app()
    except LedgerError as refusal:
        fail(f"{refusal.code}: {refusal}")
    except OSError as cause:
        refused = path_refusal(cause)
        if refused is None:
            raise
        fail(f"{refused.code}: {refused}")
