# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.
"""One run at the disk: look, compare, change, read back, and say what lies there now when that went wrong."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable

from . import render
from .disk import locked, make_folder
from .errors import BundleError, WriteError
from .pair import Pair, Place
from .write import Target, Writer, tidy


def clean(place: Place) -> None:
    """Take away what a killed run left, whatever will come of this one."""
    if not place.store.is_dir() or place.store.is_symlink():
        return
    try:
        with locked(place.folder):
            tidy(place)
    except OSError as error:
        raise disk_error(place, error, None) from error


def install(place: Place, target_for: Callable[[Pair], Target], check_mode: bool) -> dict:
    """Bring the place to its target; in check mode only compare. Raises BundleError.

    target_for: from what is there, asked while nobody else may change it.
    """
    writer = there = None
    with contextlib.ExitStack() as stack:
        try:
            if not check_mode:
                make_folder(place.folder)
                stack.enter_context(locked(place.folder))
            there = place.look()
            target = target_for(there)
            differences = target.differences(there)
            writer = Writer(place, target)
            if not check_mode:
                if differences:
                    writer.write()
                else:
                    writer.tidy()
        except OSError as error:
            if writer:
                with contextlib.suppress(BundleError, OSError):
                    writer.tidy()
            raise disk_error(place, error, there) from error
        if differences and not check_mode:
            _read_back(place, target)
    result = {
        "changed": bool(differences),
        "differences": differences,
        "version": None if check_mode and differences else place.current_version(),
        "backup_directory": str(writer.replaced) if writer.replaced else None,
    }
    if differences:
        result["diff"] = {"before": render.text(place, there), "after": render.text(place, target.pair)}
    return result


def _read_back(place: Place, target: Target) -> None:
    left = target.differences(place.look())
    if left:
        raise WriteError(
            f"{place.certificate} and {place.key} are not as they were written ({', '.join(left)}).",
            "Does something else write there, or does the file system not keep modes and owners?",
            "Look at them and run it again.",
        )


def disk_error(place: Place, error: OSError, before: Pair | None) -> WriteError:
    """What went wrong on the disk, and what lies there now."""
    where = f" ({error.filename})" if error.filename else ""
    try:
        state = _state(place, place.look(), before)
    except (BundleError, OSError):
        state = "What is there now cannot be read."
    cause = "Is the disk full, or the file system mounted read-only?"
    if isinstance(error, PermissionError):
        cause = "Does the task run as root?"
    if error.errno == errno.EBUSY:
        cause = "Is one of the two files a mount of its own? Mount the folder instead."
    return WriteError(
        f"The pair {place.name} could not be written to {place.folder}: {error.strerror}{where}. {state}",
        cause,
        "Remove the cause and run it again: it goes on from here.",
    )


def _state(place: Place, pair: Pair, before: Pair | None) -> str:
    """What lies there after something went wrong."""
    if pair.empty:
        return f"{place.folder} holds no pair."
    if before is None or pair.contents == before.contents:
        return "What was there before is in place."
    return "The new pair is in place." if pair.complete else "Half of a pair is there; nothing mismatches."
