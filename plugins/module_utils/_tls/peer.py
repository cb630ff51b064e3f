# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""A certificate as a server sent it, readable or not."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime

from .._x509.certificate import Certificate
from .._x509.errors import MaterialError
from .._x509.names import Names, names_of
from .._x509.render import moment, serial
from .view import CertificateView, read_certificate


@dataclasses.dataclass(frozen=True)
class Peer:
    """One certificate of a chain.

    certificate: None when it cannot be read as X.509; then view holds what could be, error says why.
    """

    certificate: Certificate | None
    view: CertificateView | None = None
    error: str = ""

    @property
    def subject(self) -> str:
        if self.certificate:
            return self.certificate.subject
        return self.view.subject or f"unreadable, SHA-256 {self.view.sha256}"

    @property
    def text(self) -> str:
        """In short, for evidence."""
        if self.certificate:
            return self.certificate.subject
        if self.view.reader == "raw":
            return f"one that nothing here can read, SHA-256 {self.view.sha256}"
        return f"{self.view.subject or 'no subject'} (as {self.view.reader} reads it, SHA-256 {self.view.sha256})"

    def row(self, now: datetime.datetime) -> dict:
        """As the module returns it. Empty texts and null where nothing could be read."""
        if self.certificate is None:
            return _view_row(self.view, now)
        one = self.certificate
        return {
            "subject": one.subject,
            "issuer": one.issuer,
            "serial": serial(one),
            "not_before": moment(one.not_before),
            "not_after": moment(one.not_after),
            "days_left": days(one.not_after, now),
            "fingerprint": one.fingerprint,
            "names": listed(names_of(one)),
        }


def listed(names: Names) -> list[str]:
    """Each name as it stands in texts."""
    kinds = (
        ("", names.dns),
        ("IP ", names.ip),
        ("SRV-ID ", names.srv),
        ("xmppAddr ", names.xmpp),
        ("e-mail ", names.email),
        ("URI ", names.uri),
    )
    return [f"{kind}{value}" for kind, values in kinds for value in values]


def read_all(chain: collections.abc.Iterable[bytes]) -> list[Peer]:
    """All that a server sent. The openssl command is a process each time, so it is asked about one only."""
    found: list[Peer] = []
    for number, der in enumerate(chain, start=1):
        found.append(read(der, number, all(peer.certificate for peer in found)))
    return found


def read(der: bytes, number: int, use_openssl: bool = True) -> Peer:
    """Never fails: what the library cannot read is given to the openssl command, and at the end there is its hash."""
    try:
        certificate = Certificate.load(der, f"number {number} as sent")
        names_of(certificate)
        return Peer(certificate)
    except MaterialError as error:
        return Peer(None, read_certificate(der, use_openssl), str(error.__cause__ or error.what))
    except Exception as error:  # a peer may send anything
        return Peer(None, read_certificate(der, use_openssl), str(error))


def days(end: datetime.datetime, now: datetime.datetime) -> int:
    """Whole days left; negative ones when it is over."""
    return (end - now) // datetime.timedelta(days=1)


def _view_row(view: CertificateView, now: datetime.datetime) -> dict:
    def when(seconds: float | None) -> datetime.datetime | None:
        return None if seconds is None else datetime.datetime.fromtimestamp(seconds, datetime.UTC)

    start, end = when(view.not_before), when(view.not_after)
    return {
        "subject": view.subject,
        "issuer": view.issuer,
        "serial": view.serial.upper(),
        "not_before": moment(start) if start else "",
        "not_after": moment(end) if end else "",
        "days_left": days(end, now) if end else None,
        "fingerprint": view.sha256,
        "names": list(view.names),
    }
