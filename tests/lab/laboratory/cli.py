"""lab up | down | reset | reboot | status | exec: for everything or for one part."""

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

from . import acme, desktops, mts_link, nameservers, paths
from .errors import LabError
from .machine import Machine
from .network import Network
from .parts import PARTS as COMPANY
from .parts import MeetingsHost

PARTS = (*COMPANY, *nameservers.PARTS, *acme.PARTS, MeetingsHost, *mts_link.PARTS, *desktops.PARTS)
PLAIN = [part.name for part in COMPANY]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lab", description="A small company on one machine. ONPREM_CHAT_LAB names the instance (default: main)."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    names = [part.name for part in PARTS]
    for command, text in (
        ("up", "start what does not run; cleans what a killed run left"),
        ("down", "stop and remove"),
        ("reset", "back to the state before anything was done to it, and start"),
        ("status", "what runs"),
    ):
        sub = commands.add_parser(command, help=text)
        sub.add_argument(
            "parts",
            nargs="*",
            choices=[*names, []],
            metavar="PART",
            help=f"{', '.join(names)}; default: {', '.join(PLAIN)} and (but for up) what else was started",
        )
    sub = commands.add_parser("reboot", help="restart one host; its file system stays, /run and /tmp are empty then")
    sub.add_argument("part", choices=[part.name for part in PARTS if issubclass(part, Machine)])
    sub.add_argument("--hard", action="store_true", help="as if the power had failed")
    sub = commands.add_parser("exec", help="run a command in a part: lab exec PART -- COMMAND …")
    sub.add_argument("part", choices=names)
    sub.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser


def main() -> int:
    """Returns the exit code; `exec` never returns."""
    options = _parser().parse_args()
    try:
        if os.geteuid() != 0:
            raise LabError("The laboratory makes network namespaces and containers: run it as root.")
        if os.environ.get("ONPREM_CHAT_LAB_OUTSIDE") and options.command != "exec":
            _leave_users_part()
        return Lab(paths.instance_name()).run(options)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


def _leave_users_part() -> None:
    """Called from inside `lab exec users` (molecule does): mounts and links belong to the machine, not to that place."""
    outside = os.environ.pop("ONPREM_CHAT_LAB_OUTSIDE")
    os.execvp(
        "nsenter", ["nsenter", "-t", outside, "--mount", "--net", f"--wd={Path.cwd()}", sys.executable, *sys.argv]
    )


class Lab:
    """One instance with its network and parts."""

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self.network = Network(instance)
        self.parts = [part(instance, self.network.name) for part in PARTS]

    def run(self, options: argparse.Namespace) -> int:
        """Do what the command line says."""
        if options.command == "exec":
            arguments = options.arguments[1:] if options.arguments[:1] == ["--"] else options.arguments
            command = next(part for part in self.parts if part.name == options.part).command(arguments or ["bash"])
            os.execvp(command[0], command)
        if options.command == "status":
            return self.status(self._chosen(options))
        # What is written into a root file system is for its services, too, whatever this machine's administrator keeps to himself.
        os.umask(0o022)
        with paths.locked(paths.cache() / "labs" / f"{self.instance}.lock"):
            if options.command == "reboot":
                self.reboot(options.part, options.hard)
                return 0
            getattr(self, options.command)(self._chosen(options), whole=not options.parts)
        return 0

    def _chosen(self, options: argparse.Namespace) -> list:
        return [part for part in self.parts if part.name in (options.parts or self._usual(options.command))]

    def _usual(self, command: str) -> list[str]:
        """What is meant when no part is named: the company; except for `up` also whatever else was started."""
        return [part.name for part in self.parts if part.name in PLAIN or (command != "up" and part.folder.exists())]

    def up(self, chosen: list, whole: bool) -> None:
        """Network first, then each part after those that it needs, each until it answers."""
        started = time.monotonic()
        self.network.up()
        for part in self.parts:
            if part in chosen or any(part.name in needy.needs for needy in chosen):
                part.up()
        print(
            f"lab: {self.instance} is up ({', '.join(part.name for part in chosen)}) after {time.monotonic() - started:.1f} s"
        )

    def down(self, chosen: list, whole: bool) -> None:
        """Parts in reverse order; with the last of them the network and the instance's folder go too."""
        for part in reversed(chosen):
            part.down()
        if whole:
            self.network.down()
            shutil.rmtree(paths.state(self.instance))
        print(f"lab: {self.instance} is down ({', '.join(part.name for part in chosen)})")

    def reset(self, chosen: list, whole: bool) -> None:
        """Forget what was done to the parts, and to those that run and are built upon them."""
        names = [part.name for part in chosen]
        chosen = [
            part
            for part in self.parts
            if part in chosen or (part.leader() and any(name in part.needs for name in names))
        ]
        for part in reversed(chosen):
            part.down()
        self.up(chosen, whole)

    def reboot(self, name: str, hard: bool) -> None:
        """Restart one machine; what it is built upon, and what is built upon it, goes on."""
        started = time.monotonic()
        next(part for part in self.parts if part.name == name).reboot(hard)
        print(f"lab: {name} was restarted in {time.monotonic() - started:.1f} s")

    def status(self, chosen: list) -> int:
        """A line for each part; exit code 3 when one of them does not run, as systemctl does."""
        running = [bool(self.network.is_up() and part.leader()) for part in chosen]
        for part, runs in zip(chosen, running, strict=True):
            print(f"{part.name:<8} {part.address:<14} {'running' if runs else 'stopped'}")
        return 0 if all(running) else 3
