"""Draws what answers cost over the size of the log, both in powers of ten."""

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
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("events in the log")
    axes.set_ylabel("ms an answer, median")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False)
    figure.tight_layout()
    figure.savefig(folder / f"{results.stem}.svg", metadata={"Date": None})
    plt.close(figure)


main()
