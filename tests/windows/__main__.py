# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the acceptance suite of the collection's Windows part against a real Windows host: docs/windows.md, "Prove it on your Windows".

Exit code: 0 all checks passed (or were skipped, with the reason); 1 some failed, or something could not be taken away again;
2 parameters; 3 the host lets nobody in; 130 interrupted.

The checks run in a process of its own, so that this one cleans up whatever becomes of them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
import typing as t
from pathlib import Path

import parameters
import report
from parameters import Parameters, WrongParameters

PATIENCE = 5.0
"""Seconds after which a process that was interrupted by somebody else is told so."""


class Interruption:
    """Ctrl-C and SIGTERM are noted here. The terminal tells them to the checks, too; a kill of this process does not."""

    def __init__(self) -> None:
        self.since: float | None = None
        self.told = False
        signal.signal(signal.SIGINT, self._note)
        signal.signal(signal.SIGTERM, self._note)

    def _note(self, _number: int, _frame: object) -> None:
        if self.since is None:
            self.since = time.monotonic()
            report.say("\nInterrupted. What was made on the host is now taken away; please wait.")

    def pass_on(self, process: multiprocessing.process.BaseProcess) -> None:
        if self.since is not None and not self.told and time.monotonic() - self.since > PATIENCE and process.pid:
            self.told = True
            os.kill(process.pid, signal.SIGINT)


def main() -> int:
    try:
        chosen = parameters.read(sys.argv[1:], os.environ)
        # Not imported before the parameters are right: it is slow.
        import cleanup
        import packages

        report.say(f"This tests the collection on the Windows host {chosen.host}.\n\n{cleanup.plan()}\n")
        if not chosen.yes and not _confirmed(chosen.host):
            return 2
        chosen = parameters.with_password(chosen, os.environ)
    except WrongParameters as error:
        report.say(str(error), sys.stderr)
        return 2
    folder = packages.build(Path(os.environ["ONPREM_CHAT_CACHE"]))
    found = report.Report(chosen)
    interruption = Interruption()
    _run(chosen, folder, found, interruption)
    if found.touched:
        report.say("\nTaking away what was made …")
        found.problems += _clean(chosen, folder)
    found.interrupted = interruption.since is not None
    return found.finish()


def _confirmed(host: str) -> bool:
    try:
        answer = input(f"Go on with {host}? Type yes: ") if sys.stdin.isatty() else ""
    except (EOFError, KeyboardInterrupt):
        answer = ""
    if answer.strip().lower() == "yes":
        return True
    report.say("Nothing was done. Type yes, or give YES=1.", sys.stderr)
    return False


def _run(chosen: Parameters, folder: Path, found: report.Report, interruption: Interruption) -> None:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_checks, args=(chosen, folder, sender), name="checks")
    process.start()
    sender.close()
    alive = True
    while alive:
        interruption.pass_on(process)
        try:
            while receiver.poll(0.5):
                found.hear(*receiver.recv())
        except EOFError:
            alive = False
    process.join()
    found.ended(process.exitcode)


def _checks(chosen: Parameters, folder: Path, sender: t.Any) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    import checks

    sys.exit(checks.run(chosen, folder, lambda *message: sender.send(message)))


def _clean(chosen: Parameters, folder: Path) -> list[str]:
    import cleanup
    from ansible_tasks import Host
    from machine import Machine, Unreachable

    try:
        return cleanup.clean(Machine(Host(chosen.host, chosen.inventory, chosen.variables, shielded=True), folder))
    except Unreachable as error:
        return [f"the host could not be reached for that ({error}); run it again, which begins with it"]


if __name__ == "__main__":
    sys.exit(main())
