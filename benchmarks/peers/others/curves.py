"""Draws what answers cost over the size of the log, both in powers of ten; or over something else.

Arguments: figures (name to x to y), folder, and for something else: label of x, label of y, scale.
"""

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "benchmarks"
mpl.rcParams["svg.fonttype"] = "none"
from matplotlib import pyplot as plt  # noqa: E402 - after the choice of what draws


def main() -> None:
    results, folder = Path(sys.argv[1]), Path(sys.argv[2])
    figure, axes = plt.subplots(figsize=(8, 5))
    for name, of in json.loads(results.read_text()).items():
        sizes = sorted(map(int, of))
        axes.plot(sizes, [of[str(size)] for size in sizes], marker="o", label=name)
    over, what, scale = sys.argv[3:] or ("events in the log", "ms an answer, median", "log")
    axes.set_xscale(scale)
    axes.set_yscale(scale)
    axes.set_xlabel(over)
    axes.set_ylabel(what)
    if scale == "linear":
        axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False)
    figure.tight_layout()
    figure.savefig(folder / f"{results.stem}.svg", metadata={"Date": None})
    plt.close(figure)


main()
