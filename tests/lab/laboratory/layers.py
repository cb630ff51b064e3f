"""Root file systems as a chain of overlay layers in the cache.

A layer is the difference that one script makes to the layer below it. Its name is a hash over everything that went into
it (the script, its input files, the layer below, the package sources), so that a changed step is never hidden by the cache.
"""

import contextlib
import fcntl
import functools
import hashlib
import shutil
import subprocess
import time
from pathlib import Path

from . import paths
from .errors import LabError, run

DESKTOP = (
    "tools",
    "logon",
    "packages",
    "endpoint/launcher.c",
    "endpoint/endpoint.service",
    "wine_run.py",
    "wine.env",
    "windows.service",
    "laboratory.reg",
)
# name -> (layer below, further inputs: files beside the script, or folders of files)
LAYERS = {
    "debian": (None, ["packages.txt"]),
    "chat": ("debian", ["keep_bytecode.py"]),
    "dc-packages": ("debian", []),
    "dc": ("dc-packages", ["company.py"]),
    "branch": ("dc-packages", []),
    "bind": ("debian", []),
    "knot": ("debian", []),
    "acme": ("debian", []),
    "debian13": (None, ["debian.sh", "packages.txt"]),
    "wine": ("debian13", []),
    "desktop": ("wine", [f"../desktops/{part}" for part in DESKTOP]),
}
# What the base layers are made of.
SUITES = {"debian": "bookworm", "debian13": "trixie"}
OLD = 14 * 24 * 3600
# A machine's folder has a file of this name: the layers that it was started on, a line each.
NOTE = "layers"


@functools.cache
def sources_list(suite: str = "bookworm") -> str:
    """This machine's own Debian 12 package sources, as a sources.list: what it can reach, its containers can reach.

    Another suite lies on the same servers.
    """
    query = run(
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI) $(RELEASE) $(COMPONENT)",
        "Origin: Debian",
        "Created-By: Packages",
    )
    lines = sorted(
        {
            line
            for line in query.stdout.splitlines()
            if line.split()[1].startswith("bookworm") and line.endswith(" main")
        }
    )
    if not any(line.split()[1] == "bookworm" for line in lines):
        raise LabError(
            "No package source for Debian 12 (bookworm) is known here. Run `apt-get update`; the laboratory needs a Debian 12 machine."
        )
    return "".join(f"deb {line}\n" for line in lines).replace("bookworm", suite)


@functools.cache
def _apt_proxy() -> str:
    dump = run("apt-config", "dump", "Acquire::http::Proxy").stdout
    return "\n".join(line for line in dump.splitlines() if line.startswith("Acquire::http::Proxy "))


def key(name: str) -> str:
    """Hash over everything that makes this layer."""
    below, inputs = LAYERS[name]
    digest = hashlib.sha256()
    digest.update((key(below) if below else sources_list(SUITES[name]) + _apt_proxy()).encode())
    for file in (f"{name}.sh", *inputs):
        found = paths.IMAGES / file
        for part in sorted(found.iterdir()) if found.is_dir() else [found]:
            digest.update(part.read_bytes())
    return digest.hexdigest()[:16]


def _folder(name: str) -> Path:
    return paths.cache() / "layers" / f"{name}-{key(name)}"


def chain(name: str) -> list[Path]:
    """The folders of a layer and all layers below it, topmost first."""
    below = LAYERS[name][0]
    return [_folder(name), *(chain(below) if below else [])]


def build(name: str) -> None:
    """Make a layer and everything below it, where missing."""
    below = LAYERS[name][0]
    if below:
        build(below)
    final = _folder(name)
    with paths.locked(final.with_suffix(".lock")):
        if final.is_dir():
            return
        print(f"lab: building the layer {name} …", flush=True)
        work = final.with_suffix(".new")
        # A killed build leaves a mount and a half-made folder.
        subprocess.run(["umount", "-R", work / "root"], capture_output=True, check=False)
        shutil.rmtree(work, ignore_errors=True)
        try:
            if below:
                with overlay(chain(below), work):
                    _in_container(name, work / "root")
            else:
                _debootstrap(name, work / "root")
            if _folder(name) != final:
                raise LabError(f"What the layer {name} is made of was changed while it was built. Start it again.")
            (work / ("upper" if below else "root")).rename(final)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        _forget_old(final.parent)


def _forget_old(folder: Path) -> None:
    """Remove layers that nothing asked for in two weeks: a change of a script leaves its former layer behind.

    Never one that a laboratory runs on, or was started on and is about to be restarted. Whoever starts one touches the lock first.
    """
    for lock in folder.glob("*.lock"):
        layer = lock.with_suffix("")
        if not layer.is_dir() or not _old(lock):
            continue
        with lock.open("a") as handle, contextlib.suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _old(lock) and not _in_use(layer):
                shutil.rmtree(layer, ignore_errors=True)


def _old(lock: Path) -> bool:
    return time.time() - lock.stat().st_mtime > OLD


def _in_use(layer: Path) -> bool:
    if str(layer) in Path("/proc/mounts").read_text():
        return True
    return any(layer in used(note.parent) for note in (paths.cache() / "labs").glob(f"*/*/{NOTE}"))


def _debootstrap(name: str, root: Path) -> None:
    root.mkdir(parents=True)
    suite = SUITES[name]
    mirror = next(line.split()[1] for line in sources_list(suite).splitlines() if line.split()[2] == suite)
    packages = ",".join((paths.IMAGES / "packages.txt").read_text().split())
    run("debootstrap", "--variant=minbase", f"--include={packages}", suite, str(root), mirror)
    (root / "etc/apt/sources.list").write_text(sources_list(suite))
    if _apt_proxy():
        (root / "etc/apt/apt.conf.d/10proxy").write_text(_apt_proxy() + "\n")
    _in_container(name, root)


def _in_container(name: str, root: Path) -> None:
    """Run the layer's script in the file system that it changes, with this machine's network for apt."""
    run(
        "systemd-nspawn", "--register=no", "--keep-unit", "--quiet", "--pipe", "--resolv-conf=replace-host",
        f"--machine=build-{name}", f"--bind-ro={paths.IMAGES}:/mnt", f"--bind-ro={paths.DESKTOPS}:/srv/desktops",
        "-D", str(root), "/bin/bash", f"/mnt/{name}.sh",
    )  # fmt: skip


@contextlib.contextmanager
def overlay(lower: list[Path], folder: Path):
    """Mount the layers at folder/root with folder/upper on top, for the time of a with block."""
    mount(lower, folder)
    try:
        yield
    finally:
        run("umount", "-R", str(folder / "root"))


def mount(lower: list[Path], folder: Path) -> None:
    """Mount the layers at folder/root with folder/upper on top."""
    for part in ("upper", "work", "root"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    # Left by the kernel with mode 000; a remount after a crash wants it gone.
    shutil.rmtree(folder / "work" / "work", ignore_errors=True)
    (folder / NOTE).write_text("".join(f"{layer}\n" for layer in lower))
    stack = ":".join(str(layer) for layer in lower)
    options = f"lowerdir={stack},upperdir={folder / 'upper'},workdir={folder / 'work'}"
    try:
        run("mount", "-t", "overlay", "overlay", "-o", options, str(folder / "root"))
    except LabError as error:
        raise LabError(
            f"{error}\nIs the cache {paths.cache()} on a file system that overlayfs can write to (ext4, xfs)?"
        ) from error


def used(folder: Path) -> list[Path]:
    """What was mounted there last, topmost first: whatever became of the scripts since. Empty when nothing was."""
    note = folder / NOTE
    return [Path(line) for line in note.read_text().splitlines()] if note.exists() else []
