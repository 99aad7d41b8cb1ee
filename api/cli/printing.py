"""What the commands print, and how."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ledger.evidence.keys import Doubt

AsJson = Annotated[bool, typer.Option("--json", help="Print one machine-readable object.")]

REFUSED = 1
"""Exit status of a refusal, and of a check that found something."""


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say_aside(lines: Iterable[str]) -> None:
    """Say what is for people, where programs read what is printed."""
    sys.stderr.write("".join(f"{each}\n" for each in lines))
    sys.stderr.flush()


def print_json(value: Any) -> None:
    say(json.dumps(value, ensure_ascii=False, indent=1))


def say_doubts(doubts: Sequence[Doubt]) -> None:
    """Say which entries rest on a key that somebody else had, and what is to be done."""
    for doubt in doubts:
        say(
            f"IN DOUBT 存疑: what key {doubt.key_id} signed from position {doubt.start} to"
            f" {doubt.stop - 1}; somebody else had it. Compare with what witnesses hold; two"
            " approvers then `nuanzhang key recover`."
        )


def doubts_json(doubts: Sequence[Doubt]) -> list[dict[str, Any]]:
    return [{"key_id": each.key_id, "from": each.start, "until": each.stop} for each in doubts]


def fail(text: str) -> NoReturn:
    sys.stderr.write(text + "\n")
    raise SystemExit(REFUSED)


@contextmanager
def bar(what: str, unit: str) -> Iterator[Callable[[int, int], None] | None]:
    """Draw a progress bar on a terminal; elsewhere there is nobody to look at one."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
    )
    # Drawn when it moves, not by a thread: verification forks, which threads make unsafe.
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False) as progress:
        task = progress.add_task(what, total=None)

        def update(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)
            progress.refresh()

        yield update
