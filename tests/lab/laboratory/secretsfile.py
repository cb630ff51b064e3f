"""secrets.json of an instance: everything that was drawn for it. The controller, the tests and the canaries read it."""

import json
import os
from pathlib import Path


def read(state: Path) -> dict:
    """What is known so far."""
    try:
        return json.loads((state / "secrets.json").read_text())
    except FileNotFoundError:
        return {}


def update(state: Path, values: dict) -> None:
    """Add or replace some; the others stay. Root only, and whole at any moment."""
    file = state / "secrets.json"
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        json.dump({**read(state), **values}, handle, indent=1)
    new.replace(file)
