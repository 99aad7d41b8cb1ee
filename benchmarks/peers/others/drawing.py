"""Draws the bars of a results file: one picture a group, longest bar for whoever did most."""

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "benchmarks"
mpl.rcParams["svg.fonttype"] = "none"
from matplotlib import pyplot as plt  # noqa: E402 - after the choice of what draws

OURS, THEIRS, FLOOR = "#0b6e4f", "#8d99ae", "#d8dbe2"


def main() -> None:
    results, folder = Path(sys.argv[1]), Path(sys.argv[2])
    for group in json.loads(results.read_text()):
        rows = sorted(group["rows"], key=lambda row: row["value"])
        figure, axes = plt.subplots(figsize=(8, 0.8 + 0.4 * len(rows)))
        colours = [{"ours": OURS, "floor": FLOOR}.get(row["kind"], THEIRS) for row in rows]
        bars = axes.barh(
            [row["who"] for row in rows], [row["value"] for row in rows], color=colours
        )
        axes.bar_label(bars, [f"{row['value']:,.0f}" for row in rows], padding=4)
        axes.set_title(f"{group['title']} ({group['unit']})", loc="left", fontsize=10)
        axes.margins(x=0.15)
        axes.spines[["top", "right"]].set_visible(False)
        figure.tight_layout()
        figure.savefig(folder / f"{group['name']}.svg", metadata={"Date": None})
        plt.close(figure)


main()
