"""Kills `make demo` at a list of moments and starts it again: each time it must end well.

    python tests/soak/interrupt.py [--moments N]

A moment is a line of the demo's output; SIGKILL and SIGINT take turns. Each round starts with nothing: the laboratory of the
former round is removed. SIGKILL hits the whole process group, as a closed terminal or the kernel's memory killer would.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INSTANCE = "soak"
ENVIRONMENT = {**os.environ, "ONPREM_CHAT_LAB": INSTANCE}
# Spread over the whole demo: the more moments are asked for, the more of them are used, the most telling ones first.
MOMENTS = [
    r"TASK \[onprem\.chat\.ejabberd : Install \|.*(ejabberd|package)",
    r"TASK \[onprem\.chat\.host : .*(nftables|firewall|ruleset)",
    r"TASK \[onprem\.chat\.certificates : .*(certificate|chain|Sign)",
    r"TASK \[onprem\.chat\.ejabberd : .*(load|Load|start|Start)",
    r"A company on this machine",
    r"TASK \[onprem\.chat\.dns : ",
    r"The same again",
    r"TASK \[onprem\.chat\.verify : Ask",
]


def demo() -> subprocess.Popen:
    return subprocess.Popen(
        [ROOT / "tests/lab/demo"],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def interrupt(moment: str, how: signal.Signals) -> str:
    """Start the demo, kill it at the moment; the line at which it was killed."""
    process = demo()
    for line in process.stdout:
        if re.search(moment, line):
            os.killpg(process.pid, how)
            process.stdout.close()
            process.wait()
            return line.strip()
    raise SystemExit(f"soak: the demo ended without a line that matches {moment!r}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", type=int, default=5, help=f"how many, at most {len(MOMENTS)}")
    options = parser.parse_args()
    failed = 0
    for number, moment in enumerate(MOMENTS[: options.moments]):
        subprocess.run([ROOT / "tests/lab/lab", "down"], env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)
        how = (signal.SIGKILL, signal.SIGINT)[number % 2]
        line = interrupt(moment, how)
        process = demo()
        output, _nothing = process.communicate()
        well = process.returncode == 0
        failed += not well
        print(f"soak interrupt {how.name} at {line!r}: second demo {'ended well' if well else 'FAILED'}", flush=True)
        if not well:
            print("\n".join(output.splitlines()[-60:]), flush=True)
    subprocess.run([ROOT / "tests/lab/lab", "down"], env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
