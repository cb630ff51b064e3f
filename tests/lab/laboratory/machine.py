"""One container with systemd, booted from its layers, on the laboratory's bridge."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from . import layers, paths
from .errors import LabError

CGROUPS = [
    path
    for path in (Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))
    if (path / "cgroup.procs").exists()
]

# systemd as PID 1 takes it for `systemctl poweroff` (systemd(1), Signals).
POWER_OFF = signal.SIGRTMIN + 4
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Machine:
    """Start, stop and enter one container. Subclasses say what is special about it."""

    name: str
    layer: str
    address: str
    domain = "corp.test"
    further_addresses: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    group: str
    # What the init of this machine gets told.
    boot_arguments: tuple[str, ...] = ()

    def __init__(self, instance: str, namespace: str) -> None:
        self.instance = instance
        self.namespace = namespace
        self.folder = paths.state(instance) / self.name
        self.root = self.folder / "root"
        self.log = self.folder / "console.log"
        self._pidfile = self.folder / "pid"

    def configure(self) -> None:
        """Write what differs between instances into the root file system, before it boots."""

    def put(self, file: Path, content: str | bytes, writable: bool = False) -> None:
        """Write a file that the service's group may read (or write) and nobody else."""
        file.unlink(missing_ok=True)
        mode = 0o660 if writable else 0o640
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as handle:
            handle.write(content.encode() if isinstance(content, str) else content)
        groups = (line.split(":") for line in (self.root / "etc/group").read_text().splitlines())
        os.chown(file, 0, next(int(words[2]) for words in groups if words[0] == self.group))
        file.chmod(mode)

    def ready(self) -> bool:
        """Whether the service for which this machine exists answers."""
        raise NotImplementedError

    def up(self) -> None:
        """Boot it unless it runs, and wait until it is ready."""
        if not self.leader():
            self._clean_up()
            layers.build(self.layer)
            self.folder.mkdir(parents=True, exist_ok=True)
            layers.mount(layers.chain(self.layer), self.folder)
            self._network_files()
            self.configure()
            self._boot()
        self._wait()

    def down(self) -> None:
        """Stop it and forget everything that was changed in it."""
        self._clean_up()
        shutil.rmtree(self.folder, ignore_errors=True)

    def reboot(self, hard: bool = False) -> None:
        """Boot it again with the file system that it has; /run and /tmp are empty afterwards. hard: as if the power had failed."""
        leader = self.leader()
        if not leader:
            raise LabError(f"{self.name} is not running. Start it with `lab up {self.name}`.")
        if not hard:
            os.kill(leader, POWER_OFF)
            supervisor = self.supervisor()
            _wait_until(lambda: not _alive(supervisor), 60)
        self._clean_up()
        layers.mount(layers.used(self.folder) or layers.chain(self.layer), self.folder)
        self._boot()
        self._wait()

    def supervisor(self) -> int:
        """Process id of systemd-nspawn, 0 if it does not run. Known by its cgroup: a number alone may be somebody else's."""
        try:
            pid = int(self._pidfile.read_text())
            mine = self._cgroups()[0].name in Path(f"/proc/{pid}/cgroup").read_text()
            dead = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return 0
        return pid if mine and not dead else 0

    def leader(self) -> int:
        """Process id of the container's init, seen from outside; 0 if it does not run."""
        pid = self.supervisor()
        if not pid:
            return 0
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except FileNotFoundError:
            return 0
        return int(children[0]) if children else 0

    def command(self, arguments: list[str]) -> list[str]:
        """The command that runs something in the container as root."""
        leader = self.leader()
        if not leader:
            raise LabError(f"{self.name} is not running. Start it with `lab up {self.name}`.")
        # env starts clean and in a folder that exists in there: nsenter would take this machine's.
        clean = ["env", "-i", "--chdir=/", f"PATH={PATH}", "HOME=/root", "LANG=C.UTF-8"]
        return [
            "nsenter",
            "-t",
            str(leader),
            "--mount",
            "--uts",
            "--ipc",
            "--net",
            "--pid",
            "--root",
            *clean,
            *arguments,
        ]

    def _boot(self) -> None:
        groups = self._make_cgroups()

        def join_cgroups() -> None:
            for group in groups:
                (group / "cgroup.procs").write_text(str(os.getpid()))

        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [
                    "nsenter", f"--net=/run/netns/{self.namespace}",
                    "systemd-nspawn", "--register=no", "--keep-unit", "--quiet", "--resolv-conf=off", "--timezone=off",
                    f"--machine={self._machine}", f"--hostname={self.name}", "-D", str(self.root), "--network-bridge=br0", "--console=pipe", "--boot",
                    *self.boot_arguments,
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, preexec_fn=join_cgroups,
            )  # fmt: skip
        self._pidfile.write_text(str(process.pid))

    def _wait(self, seconds: int = 90) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.supervisor():
                raise LabError(f"{self.name} ended while booting. Its console says:\n{self._tail()}")
            if self.leader() and self.ready():
                return
            time.sleep(0.2)
        raise LabError(f"{self.name} did not become ready within {seconds} s. Its console says:\n{self._tail()}")

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])

    def _clean_up(self) -> None:
        """Stop it at once: nothing in a root file system that is thrown away needs an orderly shutdown."""
        supervisor, leader = self.supervisor(), self.leader()
        if leader:
            # With its init gone, systemd-nspawn tidies up and ends by itself.
            _kill(leader)
            _wait_until(lambda: not _alive(supervisor), 10)
        # What is left: the children of a systemd-nspawn that was killed, or one that hangs.
        _wait_until(lambda: not [_kill(pid) for pid in self._processes()], 20)
        if self._processes():
            raise LabError(f"{self.name}: these processes do not end: {self._processes()}")
        subprocess.run(["umount", "-R", self.root], capture_output=True, check=False)
        for group in self._cgroups():
            for inner in sorted(group.glob("**/"), reverse=True):
                with contextlib.suppress(OSError):
                    inner.rmdir()
        for leftover in Path("/run/systemd/nspawn").glob(f"*/{self._machine}"):
            subprocess.run(["umount", leftover], capture_output=True, check=False)
            shutil.rmtree(leftover, ignore_errors=True)
        self._pidfile.unlink(missing_ok=True)

    @property
    def _machine(self) -> str:
        return f"{self.instance}-{self.name}".replace("_", "-")

    def _processes(self) -> list[int]:
        """Everything that runs in its cgroups."""
        pids: set[int] = set()
        for group in self._cgroups():
            for file in group.glob("**/cgroup.procs"):
                with contextlib.suppress(OSError):
                    pids.update(int(pid) for pid in file.read_text().split())
        return sorted(pids)

    def _cgroups(self) -> list[Path]:
        return [base / f"onprem-lab-{self.instance}-{self.name}" for base in CGROUPS]

    def _make_cgroups(self) -> list[Path]:
        """A cgroup of its own: two containers that share one would stop each other's services."""
        for group in self._cgroups():
            group.mkdir(exist_ok=True)
        return self._cgroups()

    def _network_files(self) -> None:
        from . import network

        etc = self.root / "etc"
        (etc / "hostname").write_text(f"{self.name}\n")
        (etc / "hosts").write_text(
            f"127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n{self.address} {self.name}.{self.domain} {self.name}\n"
        )
        (etc / "systemd/network/10-lab.network").write_text(
            f"[Match]\nName=host0\n[Network]\nAddress={self.address}/{network.SUBNET.prefixlen}\nGateway={network.GATEWAY}\n"
            "LinkLocalAddressing=no\nIPv6AcceptRA=no\n"
            # With a prefix of its own, so that it never becomes the source of what this machine asks.
            + "".join(f"Address={address}/32\n" for address in self.further_addresses)
        )

    def dig(self, kind: str, name: str) -> str:
        """What this machine's name server says, as `dig +short` prints it."""
        answer = subprocess.run(
            [
                "nsenter", f"--net=/run/netns/{self.namespace}", "dig", "+short", "+time=1", "+tries=1",
                f"@{self.address}", kind, name,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return answer.stdout.strip()

    def answers(self, port: int, address: str = "") -> bool:
        """Whether a TCP port of this machine (at its first address) accepts a connection from where users are."""
        probe = f"exec 3<>/dev/tcp/{address or self.address}/{port}"
        result = subprocess.run(
            ["nsenter", f"--net=/run/netns/{self.namespace}-users", "timeout", "2", "bash", "-c", probe],
            capture_output=True,
            check=False,
        )
        return result.returncode == 0


def _kill(pid: int) -> int:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return pid


def _alive(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # when it is a child of this very process
    return Path(f"/proc/{pid}").exists()


def _wait_until(condition: Callable[[], bool], seconds: int) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
