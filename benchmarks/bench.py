"""bench.py NAME … | all: compares with real peers, side by side in one run.

Prints one line a figure and nothing else on stdout:

    bench <name> <value> <unit> peer <peer> <value> ratio <r> goal <=|>= <number> met|missed

The same, with the raw numbers and the versions of all peers, goes to build/bench/<name>.json. A missed goal is printed and the
command still ends 0: people decide whether it is good enough.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

NAMES = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).resolve().parent.glob("bench_*.py"))
OUTPUT = Path(__file__).resolve().parent.parent / "build" / "bench"


def report(figure: dict) -> str:
    """One line for one figure: medians of the rounds, and the ratio peer / ours."""
    ours, peer = statistics.median(figure["ours"]), statistics.median(figure["peer"])
    ratio = peer / ours
    met = ratio >= figure["goal"] if figure["goal_is"] == ">=" else ratio <= figure["goal"]
    return (
        f"bench {figure['name']} {ours:.2f} {figure['unit']} peer {figure['peer_name']} {peer:.2f} "
        f"ratio {ratio:.1f} goal {figure['goal_is']} {figure['goal']} {'met' if met else 'missed'}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("names", nargs="+", choices=[*NAMES, "all"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder for the JSON files")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for name in NAMES if "all" in options.names else options.names:
        figures = importlib.import_module(f"bench_{name}").measure(options.rounds)
        (options.output / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n")
        for figure in figures:
            print(report(figure), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
