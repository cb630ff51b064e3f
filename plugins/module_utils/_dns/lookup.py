# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""One question to one DNS server and what it said. The only file of dns_info that touches the network or the clock.

Nothing here raises because of a server: what went wrong is a Reply, too.
"""

from __future__ import annotations

import collections.abc
import contextlib
import dataclasses
import importlib
import socket
import time

from ansible_collections.onprem.chat.plugins.module_utils._dns.lib import dns
from ansible_collections.onprem.chat.plugins.module_utils._dns.message import question, rcode_of, sets_in
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import Key, RecordSet

if dns is not None:
    importlib.import_module("dns.query")
    importlib.import_module("dns.resolver")

UDP_TRIES = 2

# Why there is no answer; what to do differs.
NO_ADDRESS = "no address"
SILENT = "silent"
BAD_KEY = "bad key"
BAD_ANSWER = "bad answer"


@dataclasses.dataclass(frozen=True)
class Soa:
    """What the start of a zone says."""

    name: str
    ttl: int
    mname: str
    serial: int
    minimum: int

    @property
    def negative_ttl(self) -> int:
        """For how long a resolver may keep that something does not exist (RFC 2308 5)."""
        return min(self.ttl, self.minimum)


@dataclasses.dataclass(frozen=True)
class Reply:
    """One answer. ``rcode`` is "" when there is none; ``problem`` and ``error`` then say why.

    sets: the record sets at exactly the name that was asked for, a CNAME among them.
    addresses: all addresses in the answer, also those behind a CNAME.
    soa: the SOA record of the answer or, in a negative one, of its authority section.
    """

    rcode: str = ""
    aa: bool = False
    ra: bool = False
    sets: collections.abc.Mapping[Key, RecordSet] = dataclasses.field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    soa: Soa | None = None
    over: str = ""
    udp_error: str = ""
    problem: str = ""
    error: str = ""

    @property
    def answered(self) -> bool:
        return bool(self.rcode)

    @property
    def usable(self) -> bool:
        """Whether it says that something is there or not there."""
        return self.rcode in ("NOERROR", "NXDOMAIN")


def reply_from(message, key: Key, over: str, udp_error: str = "") -> Reply:
    """The parts of a DNS message that matter here."""
    addresses = [
        rdata.address
        for rrset in message.answer
        if rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
        for rdata in rrset
    ]
    return Reply(
        rcode=rcode_of(message),
        aa=bool(message.flags & dns.flags.AA),
        ra=bool(message.flags & dns.flags.RA),
        sets=sets_in(message, key),
        addresses=tuple(addresses),
        soa=_soa(message),
        over=over,
        udp_error=udp_error,
    )


def _soa(message) -> Soa | None:
    for rrset in (*message.answer, *message.authority):
        if rrset.rdtype == dns.rdatatype.SOA:
            rdata = rrset[0]
            name, mname = rrset.name.to_text().lower(), rdata.mname.to_text().lower()
            return Soa(name, rrset.ttl, mname, rdata.serial, rdata.minimum)
    return None


class Network:
    """Asks servers: over UDP, twice, then over TCP; a truncated answer is asked for again over TCP."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def own_resolvers(self) -> list[str]:
        """The resolvers of the host where the module runs."""
        try:
            return [str(server) for server in dns.resolver.Resolver().nameservers]
        except (dns.exception.DNSException, OSError):
            return []

    def addresses(self, name: str) -> list[str]:
        """The addresses of a host as the system knows them, IPv4 first."""
        try:
            infos = socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError):
            return []
        ordered = sorted(infos, key=lambda info: info[0] != socket.AF_INET)
        return list(dict.fromkeys(info[4][0] for info in ordered))

    def ask(self, address: str, port: int, key: Key, recursive: bool = False, signer=None) -> Reply:
        """One question. ``signer`` is a signing.Tsig or None."""
        message = question(key)
        if recursive:
            message.flags |= dns.flags.RD
        if signer is not None:
            signer.sign(message)
        deadline = self.now() + self.timeout
        udp_error = ""
        for _number in range(UDP_TRIES):
            limit = max(0.1, min(2.0, self.timeout / 3, deadline - self.now()))
            try:
                answer = self._udp(message, address, port, limit, signer is not None)
                return self._checked(answer, key, signer, "UDP")
            except dns.message.Truncated:
                udp_error = ""
                break
            except dns.tsig.PeerError as error:
                return _refused_key(error, signer)
            except dns.exception.Timeout:
                udp_error = f"no answer within {limit * UDP_TRIES:.1f} s"
            except (dns.exception.DNSException, OSError, ValueError) as error:
                udp_error = _words(error)
                break
        return self._tcp(message, address, port, key, signer, deadline, udp_error)

    @staticmethod
    def _udp(message, address: str, port: int, limit: float, signed: bool):
        # What is no answer to this question (another id, not DNS) is ignored, as it may come from anybody. A signed
        # question wants to hear about a bad signature, so there it ends the attempt and TCP decides.
        return dns.query.udp(
            message,
            address,
            limit,
            port,
            ignore_unexpected=True,
            raise_on_truncation=True,
            ignore_errors=not signed,
            ignore_trailing=True,
        )

    def _tcp(self, message, address: str, port: int, key: Key, signer, deadline: float, udp_error: str) -> Reply:
        try:
            limit = max(0.5, deadline - self.now())
            answer = dns.query.tcp(message, address, limit, port, ignore_trailing=True)
            return self._checked(answer, key, signer, "TCP", udp_error)
        except dns.tsig.PeerError as error:
            return _refused_key(error, signer)
        except dns.exception.Timeout:
            return _silent(udp_error, f"no answer within {limit:.1f} s")
        except OSError as error:
            return _silent(udp_error, _words(error))
        except EOFError:
            return _silent(udp_error, "the connection was closed")
        except dns.tsig.BadSignature:
            error = f"an answer whose signature does not verify with {signer.label}"
            return Reply(problem=BAD_KEY, error=error, over="TCP")
        except (dns.exception.DNSException, ValueError) as error:
            # To a signed question, that it is not signed is the usual case (newer releases of dnspython find that).
            problem = BAD_ANSWER if signer is None else BAD_KEY
            return Reply(problem=problem, error=f"an answer that cannot be used: {_words(error)}", over="TCP")

    @staticmethod
    def _checked(message, key: Key, signer, over: str, udp_error: str = "") -> Reply:
        if signer is not None and not message.had_tsig:
            return Reply(problem=BAD_KEY, error="an answer that cannot be used: it has no TSIG", over=over)
        return reply_from(message, key, over, udp_error)

    def connect(self, address: str, port: int, limit: float) -> str:
        """Open a TCP connection and close it: "" when it was accepted, else why not."""
        try:
            connection = socket.create_connection((address, port), timeout=limit)
        except TimeoutError:
            return f"no answer within {limit:g} s"
        except OSError as error:
            return _words(error)
        with contextlib.suppress(OSError):
            connection.close()
        return ""


def _silent(udp_error: str, tcp_error: str) -> Reply:
    text = f"no answer (UDP: {udp_error}; TCP: {tcp_error})" if udp_error else f"no answer over TCP: {tcp_error}"
    return Reply(problem=SILENT, error=text)


def _refused_key(error, signer) -> Reply:
    codes = {dns.tsig.PeerBadKey: "BADKEY", dns.tsig.PeerBadSignature: "BADSIG", dns.tsig.PeerBadTime: "BADTIME"}
    code = codes.get(type(error), type(error).__name__)
    return Reply(problem=BAD_KEY, error=f"{code}: it does not accept {signer.label}")


def _words(error: BaseException) -> str:
    text = (error.strerror if isinstance(error, OSError) else "") or str(error)
    return " ".join(text.split()) or type(error).__name__
