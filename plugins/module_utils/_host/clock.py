# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What the kernel says about its clock."""

from __future__ import annotations

import dataclasses
import struct

_UNSYNC = 0x0040  # STA_UNSYNC of adjtimex(2)
# systemd takes the same: the kernel lets its estimate grow by 0.5 ms a second until it gives up at 16 s.
_GIVES_UP = 16.0


@dataclasses.dataclass(frozen=True)
class KernelClock:
    """synchronised: whether something disciplines the clock; error: its greatest possible error in seconds."""

    synchronised: bool
    error: float


def kernel_clock() -> KernelClock | None:
    """Asks by adjtimex(2) without setting anything; None where it cannot be asked."""
    try:
        import ctypes

        buffer = ctypes.create_string_buffer(512)  # struct timex, modes = 0: only read
        state = ctypes.CDLL(None).adjtimex(buffer)
    except (OSError, AttributeError, ImportError):
        return None
    return None if state < 0 else read_timex(buffer.raw)


def read_timex(raw: bytes) -> KernelClock:
    """A struct timex: modes, offset, freq, maxerror (microseconds), esterror, status."""
    _modes, _offset, _frequency, error, _estimate, status = struct.unpack_from("@Illlli", raw)
    seconds = error / 1e6
    return KernelClock(not status & _UNSYNC and seconds < _GIVES_UP, seconds)
