# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What is asked about: value types without behaviour."""

from __future__ import annotations

import dataclasses

CLIENT_PORT = 5222
SERVER_PORT = 5269


@dataclasses.dataclass(frozen=True)
class Account:
    """A user who logs in. The password never appears in its repr."""

    jid: str
    password: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Settings:
    """The questions of one run.

    host and port, when given, replace the SRV records. nameservers, when given, replace the system's resolver.
    timeout is the deadline in seconds of every single question.
    """

    domain: str
    users: tuple[Account, ...] = ()
    disabled_user: Account | None = None
    ca_path: str | None = None
    nameservers: tuple[str, ...] = ()
    host: str | None = None
    port: int = CLIENT_PORT
    expect_s2s: bool = False
    timeout: float = 10.0
    check_archive: bool = True

    @property
    def secrets(self) -> tuple[Account, ...]:
        """Every account whose password must not appear anywhere."""
        return (*self.users, *([self.disabled_user] if self.disabled_user else []))


@dataclasses.dataclass(frozen=True)
class Service:
    """One SRV record."""

    priority: int
    weight: int
    port: int
    target: str


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """One address on which a server may listen."""

    host: str
    port: int
    address: str

    def __str__(self) -> str:
        if self.host == self.address:
            return f"{self.host}:{self.port}"
        return f"{self.host}:{self.port} ({self.address})"
