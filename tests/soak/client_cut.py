"""Interrupts an installation by win_client at every one of its requests; the next run converges, the installer is started once.

    ONPREM_CHAT_LAB=NAME tests/toolchain/with python tests/soak/client_cut.py [--desktop win1] [--kinds msi exe system]
        [--hows reset_before reset_after truncate kill_before kill_after] [--every N] [--from N] [--hives]

The connection is cut before a request is executed, after it, or within the answer; or the controller is killed before a request is
sent, or when it was executed and the answer did not come. A request is one of the installation as it runs without being
interrupted; of several Receives in a row, of which there are more or fewer each time, the first counts. They are numbered as they
are done, so that a loop that was ended goes on with --from (the first kind only; the next ones are taken whole).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

from client_cuts import HOWS, KILLED, KINDS, Tally, Victim, spread
from conftest import Lab
from lab_desktops import Desktop


def numbers(verbs: list[str], every: int, first: int = 1) -> list[int]:
    """Every so manyth request from the first on, but no Receive behind another one."""
    return [number for number, _how in spread(verbs, len(verbs), ("",))][::every][first - 1 :]


def interrupt(victim: Victim, hows: list[str], every: int, first: int) -> int:
    """All of one kind; how many went wrong."""
    verbs = victim.requests()
    chosen = numbers(verbs, every, first)
    print(f"{victim.kind}: {len(verbs)} requests, {len(chosen)} to be cut in {len(hows)} ways", flush=True)
    tally, wrong, started = Tally(), 0, time.monotonic()
    for place, number in enumerate(chosen, first):
        for how in hows:
            try:
                victim.interrupt(number, how, tally)
            except AssertionError as problem:
                wrong += 1
                print(f"{victim.kind}: {how} at {number} ({verbs[number - 1]}): {problem}", flush=True)
        print(f"{victim.kind}: {place}. request {number} ({verbs[number - 1]}); {tally}", flush=True)
    if set(hows) & set(KILLED):
        victim.forget_shells()
        victim.look("after the last shell")
    verdict = f"{wrong} went wrong" if wrong else "every next run converged, every installer was started once"
    print(f"{victim.kind}: {tally}; {verdict}; {time.monotonic() - started:.0f} s", flush=True)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--desktop", default="win1")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--hows", nargs="+", choices=[*HOWS, *KILLED], default=[*HOWS, *KILLED])
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument(
        "--from", dest="first", type=int, default=1, help="go on with the so manyth of the requests to be cut"
    )
    parser.add_argument("--hives", action="store_true", help="settings of all users, too")
    given = parser.parse_args()
    lab = Lab()
    lab.up("users", given.desktop)
    wrong = 0
    for kind in given.kinds:
        first = given.first if kind == given.kinds[0] else 1
        with (
            tempfile.TemporaryDirectory(dir=lab.state) as folder,
            Victim(Desktop(lab, given.desktop), Path(folder), kind, given.hives).ready() as victim,
        ):
            wrong += interrupt(victim, given.hows, given.every, first)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
