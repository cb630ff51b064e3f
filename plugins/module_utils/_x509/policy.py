# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What is wanted of a bundle: names, purposes, time, and what a product asks for."""

from __future__ import annotations

import dataclasses

from .errors import InputError
from .names import a_label, as_address

PROFILES = frozenset({"server", "xmpp", "mts_link"})


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a bundle must be good for.

    profile: server, xmpp or mts_link: where the defaults came from.
    dns, ip: host names (A-labels) and addresses that users connect with.
    xmpp_domains: domains of JIDs.
    days: for so many days every link must still be valid; fewer is a warning.
    skew: seconds by which the clock of a client may be slow.
    purposes: server, client: what the leaf must be usable for (client: server to server with SASL EXTERNAL).
    root: include (must be there), exclude (should not), any.
    order: strict (leaf, intermediates, root; anything else fails), any (only the leaf must be first).
    trust: system (a delivered root that the trust store does not know is a warning) or given (it fails).
    keys: kinds of key without a word: rsa, ec, ed25519, ed448.
    min_rsa: bits. curves: in the words of cryptography.
    accept: ids of checks whose failure is only a warning.
    """

    profile: str = "server"
    dns: tuple[str, ...] = ()
    ip: tuple[str, ...] = ()
    xmpp_domains: tuple[str, ...] = ()
    days: int = 30
    skew: int = 300
    purposes: tuple[str, ...] = ("server",)
    root: str = "any"
    order: str = "any"
    trust: str = "system"
    keys: tuple[str, ...] = ("rsa", "ec")
    min_rsa: int = 2048
    curves: tuple[str, ...] = ("secp256r1", "secp384r1", "secp521r1")
    accept: tuple[str, ...] = ()


# What differs from the above. Neither ejabberd nor MTS Link is named by the code that judges.
_DEFAULTS = {
    "server": {},
    "xmpp": {},
    # "Full chain in the order leaf, intermediate, root", checked by the installer itself.
    "mts_link": {"root": "include", "order": "strict"},
}
_CHOICES = {
    "root": ("include", "exclude", "any"),
    "order": ("strict", "any"),
    "trust": ("system", "given"),
}
# The option of the modules, and the most that makes sense: 100 years, a day, what libraries take.
_BOUNDS = {"days": ("valid_days", 36500), "skew": ("clock_skew", 86400), "min_rsa": ("min_rsa", 16384)}
_LISTS = {"purposes": ("server", "client"), "keys": ("rsa", "ec", "ed25519", "ed448")}


def wanted(profile: str = "server", *, complete: bool = False, **overrides: object) -> Wanted:
    """The profile with what the caller says otherwise; None means as in the profile. Raises InputError.

    complete: everything that the profile is about must be named, as for a pair that is to be installed.
    """
    if profile not in PROFILES:
        raise InputError(f"There is no profile {profile!r}.", action=f"Known: {', '.join(sorted(PROFILES))}.")
    values = dict(_DEFAULTS[profile])
    values.update({name: value for name, value in overrides.items() if value is not None})
    for name, value in values.items():
        if isinstance(value, (list, set, frozenset)):
            values[name] = tuple(value)
    for name, known in _CHOICES.items():
        if name in values and values[name] not in known:
            raise InputError(f"{name} {values[name]!r} is unknown.", action=f"Known: {', '.join(known)}.")
    for name, known in _LISTS.items():
        for value in values.get(name, ()):
            if value not in known:
                raise InputError(f"{name} {value!r} is unknown.", action=f"Known: {', '.join(known)}.")
    for name, (option, most) in _BOUNDS.items():
        if not 0 <= int(values.get(name, 0)) <= most:
            raise InputError(f"{option} {values[name]} makes no sense.", action=f"Expected 0 to {most}.")
    if complete and profile == "xmpp" and not values.get("xmpp_domains"):
        raise InputError(
            "The profile xmpp needs xmpp_domains.",
            "Clients compare with the domain of the JID, not with the name of the host.",
            "Name the domains, or take the profile server.",
        )
    return Wanted(profile=profile, **_normal_names(values))


def _normal_names(values: dict) -> dict:
    """Names in the form of certificates; an address among the DNS names is one of the addresses."""
    dns, ip = [], []
    for name in (*values.get("dns", ()), *values.get("ip", ())):
        address = as_address(str(name))
        if address is not None:
            ip.append(address)
        elif name in values.get("ip", ()):
            raise InputError(f"{name!r} is no IP address.", "Is it a host name?", "Names belong to the DNS names.")
        else:
            dns.append(_wildcard_or_name(str(name)))
    domains = [a_label(str(name)) for name in values.get("xmpp_domains", ())]
    return values | {
        "dns": tuple(dict.fromkeys(dns)),
        "ip": tuple(dict.fromkeys(ip)),
        "xmpp_domains": tuple(dict.fromkeys(domains)),
    }


def _wildcard_or_name(name: str) -> str:
    """A wildcard may be wanted as such: then it must be in the certificate as it is."""
    return f"*.{a_label(name[2:])}" if name.startswith("*.") else a_label(name)
