"""Where the laboratory keeps things: layers in the cache, one folder for each running instance."""

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path

IMAGES = Path(__file__).resolve().parent.parent / "images"
NAMESERVERS = IMAGES.parent / "nameservers"
ACME = IMAGES.parent / "acme"
DESKTOPS = IMAGES.parent / "desktops"
MTS_LINK = IMAGES.parent / "standins" / "mts_link"


def cache() -> Path:
    """Root file systems outlive a checkout: they lie outside it."""
    base = os.environ.get("ONPREM_CHAT_CACHE")
    if not base:
        base = str(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "onprem-chat")
    path = Path(base)
    path.mkdir(parents=True, exist_ok=True)
    return path


def instance_name() -> str:
    """Several instances run side by side; each has the same addresses inside and no way to the others."""
    return os.environ.get("ONPREM_CHAT_LAB") or "main"


def state(name: str) -> Path:
    """Folder of one instance: upper layers, keys and secrets. Root only."""
    path = cache() / "labs" / name
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


@contextmanager
def locked(path: Path):
    """Hold an exclusive lock on a file; the kernel releases it when the process dies, however it dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
