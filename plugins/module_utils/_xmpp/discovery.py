# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Finds the servers of a domain as a client does: SRV records, their order, their targets' addresses."""

from __future__ import annotations

import asyncio
import collections.abc
import dataclasses
import random
import socket
import traceback

try:
    import dns.asyncresolver
    import dns.exception
    import dns.name
    import dns.resolver

    DNSPYTHON_ERROR = None
except ImportError:  # the module reports it with missing_required_lib
    DNSPYTHON_ERROR = traceback.format_exc()

from .settings import Endpoint, Service

FOUND = "found"
ABSENT = "absent"
DECLINED = "declined"  # the only record has the target ".": "this service is decidedly not available" (RFC 2782)
ERROR = "error"


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the DNS said about one SRV name."""

    name: str
    status: str
    services: tuple[Service, ...] = ()
    error: str = ""


@dataclasses.dataclass(frozen=True)
class Target:
    """What the DNS said about the host of one SRV record."""

    service: Service
    addresses: tuple[str, ...] = ()
    alias: str = ""
    error: str = ""

    @property
    def endpoints(self) -> list[Endpoint]:
        return [Endpoint(self.service.target, self.service.port, address) for address in self.addresses]


def in_order(
    services: collections.abc.Iterable[Service], pick: collections.abc.Callable[[int], int] | None = None
) -> list[Service]:
    """Services in the order in which a client tries them (RFC 2782): by priority, then drawn by weight.

    pick(n) gives a number from 0 to n, both included; it is random unless a test says otherwise.
    """
    draw = pick or (lambda top: random.randint(0, top))  # noqa: S311 (spreads load, keeps no secret)
    result: list[Service] = []
    # Weight 0 first within a priority, as RFC 2782 asks, so that it has a small chance.
    rest = sorted(services, key=lambda s: (s.priority, s.weight, s.target, s.port))
    while rest:
        group = [s for s in rest if s.priority == rest[0].priority]
        number = draw(sum(s.weight for s in group))
        running = 0
        for service in group:
            running += service.weight
            if running >= number:
                result.append(service)
                rest.remove(service)
                break
    return result


class Resolver:
    """DNS with a deadline for each question."""

    def __init__(self, nameservers: collections.abc.Sequence[str], timeout: float) -> None:
        self._timeout = timeout
        self._resolver = dns.asyncresolver.Resolver(configure=not nameservers)
        if nameservers:
            self._resolver.nameservers = list(nameservers)
        self._resolver.lifetime = timeout

    async def services(self, name: str) -> Answer:
        """The SRV records at this name."""
        try:
            answer = await self._resolver.resolve(dns.name.from_text(name), "SRV")
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return Answer(name, ABSENT)
        except (dns.exception.DNSException, OSError) as error:
            return Answer(name, ERROR, error=_one_line(error))
        services = tuple(
            Service(record.priority, record.weight, record.port, record.target.to_text(omit_final_dot=True))
            for record in answer
        )
        # "." without its final dot is the empty name, or stays "." in other releases of dnspython.
        offered = tuple(service for service in services if service.target not in ("", ".", "@"))
        return Answer(name, FOUND if offered else DECLINED, offered)

    async def target(self, service: Service) -> Target:
        """The addresses of one SRV record's host, IPv6 first as getaddrinfo would."""
        name = dns.name.from_text(service.target)
        addresses: list[str] = []
        alias = error = ""
        for kind in ("AAAA", "A"):
            try:
                answer = await self._resolver.resolve(name, kind, raise_on_no_answer=False)
            except dns.resolver.NXDOMAIN:
                error = "this name does not exist"
                break
            except (dns.exception.DNSException, OSError) as problem:
                error = _one_line(problem)
                continue
            if answer.canonical_name != name:
                alias = answer.canonical_name.to_text(omit_final_dot=True)
            if answer.rrset is not None:
                addresses += [record.address for record in answer]
        if not addresses and not error:
            error = "this name has neither an A nor an AAAA record"
        return Target(service, tuple(addresses), alias, "" if addresses else error)


async def system_target(service: Service, timeout: float) -> Target:
    """The addresses of a host that the user named, as the system resolves it (hosts file included)."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            infos = await loop.getaddrinfo(service.target, service.port, type=socket.SOCK_STREAM)
    except TimeoutError:
        return Target(service, error=f"the resolver did not answer within {timeout:g} s")
    except OSError as error:
        return Target(service, error=_one_line(error))
    return Target(service, tuple(dict.fromkeys(info[4][0] for info in infos)))


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
