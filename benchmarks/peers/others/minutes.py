"""Draws a soak by the minute: how long answers took, and what was in memory."""

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "benchmarks"
mpl.rcParams["svg.fonttype"] = "none"
from matplotlib import pyplot as plt  # noqa: E402 - after the choice of what draws

PANELS = (
    ("ms an answer", {"p50_ms": "half within", "p99_ms": "99 of 100 within"}),
    ("MiB", {"service_mib": "service", "database_mib": "database"}),
)


def main() -> None:
    results, folder = Path(sys.argv[1]), Path(sys.argv[2])
    minutes = json.loads(results.read_text())["minutes"]
    figure, panels = plt.subplots(len(PANELS), figsize=(8, 6), sharex=True)
    for axes, (unit, curves) in zip(panels, PANELS, strict=True):
        for name, label in curves.items():
            values = [each[name] for each in minutes]
            if any(values):
                axes.plot(range(1, len(values) + 1), values, marker=".", label=label)
        axes.set_ylabel(unit)
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(fontsize=8, frameon=False)
    panels[-1].set_xlabel("minute")
    figure.tight_layout()
    figure.savefig(folder / f"{results.stem}.svg", metadata={"Date": None})
    plt.close(figure)


main()
