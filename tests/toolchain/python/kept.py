"""Where the toolchain keeps between runs what Ansible makes again in each one: folders named after everything that it depends on."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
from pathlib import Path

import ansible
import jinja2
from ansible import constants

CACHE = Path(os.environ.get("ONPREM_CHAT_CACHE", "/nowhere"))
DAY = 24 * 3600


def stamp() -> str:
    """Of Python, ansible-core, Jinja, where the collection lies, and the size and time of each file of its plugins."""
    versions = f"{ansible.__file__} {ansible.__version__} {jinja2.__version__} {sys.version}"
    digest = hashlib.sha256(versions.encode())
    for path in constants.COLLECTIONS_PATHS:
        plugins = Path(path, "ansible_collections/onprem/chat/plugins").resolve()
        for file in sorted(plugins.rglob("*.py")):
            status = file.stat()
            digest.update(f"{file} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def folder(kind: str, name: str) -> Path:
    """The folder for one kind of thing, made when it is missing; those that nobody used for a day go. Raises OSError."""
    place = CACHE / kind / name
    if not place.exists():
        place.mkdir(mode=0o700, parents=True)
        for other in (CACHE / kind).iterdir():
            if other.stat().st_mtime < time.time() - DAY:
                shutil.rmtree(other, ignore_errors=True)
    os.utime(place)
    return place
