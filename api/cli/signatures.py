"""Commands about signatures that look alike: compare again, and list them."""

import typer

from api import bootstrap
from api.cli.printing import AsJson, print_json, say
from ledger.commands.likeness import compare_again
from ledger.domain.aggregate import OPERATOR
from ledger.store.act import CommandAct
from projections.organisations import tree_on
from projections.runner import catch_up
from projections.signature_clusters import captured_payments, cluster_list

app = typer.Typer(help="Signatures, held against one another.", no_args_is_help=True)


@app.command()
def compare() -> None:
    """Hold signatures against all others that never were; those that were are left alone."""
    place = bootstrap.home()
    with bootstrap.opened(place) as ledger:
        with catch_up(ledger, place.read_models).asking() as model:
            payments = captured_payments(model)
        before = ledger.size()
        act = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
        compared = sum(
            bool(compare_again(ledger, act, each).result["compared"]) for each in payments
        )
        say(f"{compared} signatures compared, {ledger.size() - before} pairs found alike")


@app.command()
def alike(*, as_json: AsJson = False) -> None:
    """List clusters of payments whose signatures look alike; nobody is named."""
    place = bootstrap.home()
    with (
        bootstrap.opened(place) as ledger,
        catch_up(ledger, place.read_models).asking() as model,
    ):
        found = cluster_list(model, sorted(tree_on(model).by_id))
    if as_json:
        print_json(
            {
                "clusters": [
                    {
                        "number": each.number,
                        "pair_count": each.pair_count,
                        "by": list(each.by),
                        "since": each.since,
                    }
                    for each in found
                ]
            }
        )
        return
    for each in found:
        say(f"{each.number}: {each.pair_count} pairs by {', '.join(each.by)}, since {each.since}")
    if not found:
        say("no signatures look alike")
