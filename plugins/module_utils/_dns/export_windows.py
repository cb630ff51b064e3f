# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Record sets as commands for a Windows DNS server: PowerShell or dnscmd, to be read and run by its administrator.

None of this was run on Windows. It follows the documented interface:
https://learn.microsoft.com/powershell/module/dnsserver/add-dnsserverresourcerecord (and get-, set-, remove-) of Windows
Server 2022, https://learn.microsoft.com/windows-server/administration/windows-commands/dnscmd, and for the TTL and the forms
of a node name https://learn.microsoft.com/previous-versions/windows/it-pro/windows-server-2003/cc756116(v=ws.10).
The fields of RecordData: https://learn.microsoft.com/previous-versions/windows/desktop/dnsserverpsprov/ (classes
dnsserverresourcerecordsrv, -txt, -tlsa ...). How DescriptiveText separates several strings when read is not said there.
That RecordData.Data holds the bytes of an unknown type in hexadecimal is not documented there; published scripts rely on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ansible_collections.onprem.chat.plugins.module_utils._dns.entries import caa_wire, txt_bytes
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError
from ansible_collections.onprem.chat.plugins.module_utils._dns.export import in_order, relative, set_of
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import DEFAULT_TTL, Intent
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import is_no_service_value, srv_parts

# A line of a TXT record has at most 254 characters there.
_LINE = 254
# One command may have 8,191 characters.
_COMMAND = 8000
_USAGES = ("CAConstraint", "ServiceCertificateConstraint", "TrustAnchorAssertion", "DomainIssuedCertificate")
_SELECTORS = ("FullCertificate", "SubjectPublicKeyInfo")
_MATCHINGS = ("ExactMatch", "Sha256Hash", "Sha512Hash")
_BARE = re.compile(r"[A-Za-z0-9_.:*@][A-Za-z0-9_.:*@/-]*")
_BY_NUMBER = {"CAA": 257}


class _NotSayable(Exception):
    """No documented way to write this."""


def _line(value: str) -> list[str]:
    """The text of a TXT value in pieces for Windows."""
    text = txt_bytes(value).decode("latin-1")
    if not (text.isascii() and text.isprintable()):
        raise _NotSayable("the text is not printable ASCII")
    return [text[start : start + _LINE] for start in range(0, len(text), _LINE)] or [""]


def _check_names(intent: Intent) -> None:
    """How Windows tools want what DNS writes with a backslash is not documented."""
    names = [intent.key.name, *(intent.values if intent.key.type in ("CNAME", "PTR", "SRV") else ())]
    if any("\\" in name for name in names):
        raise _NotSayable("the name has an escape")


def _by_hand(intent: Intent, mark: str, why: object) -> list[str]:
    what = (
        set_of(intent).lines if intent.state != "absent" else [f"remove {value}" for value in intent.values or ("all",)]
    )
    return [f"{mark} {intent.key}: not written here, {why}. By hand:", *(f"{mark}   {line}" for line in what)]


# -- PowerShell -------------------------------------------------------------------------------------------------------


def powershell(intents: Iterable[Intent], zone: str, server: str | None = None) -> str:
    """A script for PowerShell 5 with the module DnsServer. Running it twice does no harm."""
    where = f"ZoneName = {_single(zone.rstrip('.'))}"
    if server:
        where += f"; ComputerName = {_single(server.rstrip('.'))}"
    lines = [
        f"# Zone {zone.rstrip('.')}. Read this before you run it. Running it twice does no harm.",
        "$ErrorActionPreference = 'Stop'",
        f"$zone = @{{ {where} }}",
        "# Stops here when the server cannot be reached or has no such zone.",
        f"$null = Get-DnsServerZone {where.replace('ZoneName =', '-Name').replace('; ComputerName =', ' -ComputerName')}",
    ]
    for intent in in_order(intents):
        try:
            block = _block(intent, relative(intent.key.name, zone))
        except _NotSayable as why:
            block = _by_hand(intent, "#", why)
        lines += ["", *block]
    return "".join(f"{line}\n" for line in lines)


def _single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _block(intent: Intent, name: str) -> list[str]:
    _check_names(intent)
    kind = intent.key.type
    matches = [_match(kind, value) for value in intent.values]
    what = f"Type = {_BY_NUMBER[kind]}" if kind in _BY_NUMBER else f"RRType = '{kind}'"
    lines = [
        f"# {intent.key} {intent.state}",
        f"$set = @{{ Name = {_single(name)}; {what}; Node = $true }}",
        "$old = @(Get-DnsServerResourceRecord @zone @set -ErrorAction SilentlyContinue)",
    ]
    if intent.state == "absent":
        gone = [_slot(kind, value) for value in intent.values]
        return [*lines, _remove(" -or ".join(gone))]
    seconds = DEFAULT_TTL if intent.ttl is None else intent.ttl
    ttl = f"New-TimeSpan -Seconds {seconds}"
    if intent.ttl is None:
        ttl = f"if ($old) {{ $old[0].TimeToLive }} else {{ {ttl} }}"
    lines.append(f"$ttl = {ttl}")
    remove = _others(intent, matches)
    add = [
        f"if (-not ($old | Where-Object {{ {match} }})) "
        f"{{ Add-DnsServerResourceRecord @zone -Name {_single(name)} {_parameters(kind, value)} -TimeToLive $ttl }}"
        for value, match in zip(intent.values, matches, strict=True)
    ]
    # A second CNAME is refused, so the first has to go before. Everywhere else nothing is missing at any moment.
    lines += [*remove, *add] if kind == "CNAME" else [*add, *remove]
    if intent.ttl is not None:
        lines.append(
            "Get-DnsServerResourceRecord @zone @set | Where-Object { $_.TimeToLive -ne $ttl } | ForEach-Object { "
            "$new = [ciminstance]::new($_); $new.TimeToLive = $ttl; "
            "Set-DnsServerResourceRecord @zone -OldInputObject $_ -NewInputObject $new }"
        )
    return lines


def _remove(condition: str) -> str:
    which = f"Where-Object {{ {condition} }} | " if condition else ""
    return f"$old | {which}Remove-DnsServerResourceRecord @zone -Force"


def _others(intent: Intent, matches: list[str]) -> list[str]:
    """What has to go next to the values of an intent; see plan.wanted()."""
    kind = intent.key.type
    kept = f"-not {matches[0]}" if len(matches) == 1 else f"-not ({' -or '.join(matches)})"
    if (
        intent.state == "exact"
        or kind == "CNAME"
        or any(map(is_no_service_value, intent.values) if kind == "SRV" else ())
    ):
        return [_remove(kept)]
    if kind == "SRV":
        slots = [_slot(kind, value) for value in (*intent.values, "0 0 0 .")]
        return [_remove(f"{kept} -and ({' -or '.join(slots)})")]
    return []


def _name_is(field: str, name: str) -> str:
    return f"\"$($_.RecordData.{field})\".TrimEnd('.') -eq {_single(name.rstrip('.'))}"


def _slot(kind: str, value: str) -> str:
    """A condition for the record that stands in the place of a value; see plan.slot()."""
    if kind != "SRV":
        return _match(kind, value)
    parts = srv_parts(value)
    return f"({_name_is('DomainName', parts['target'])} -and $_.RecordData.Port -eq {parts['port']})"


def _match(kind: str, value: str) -> str:
    """A condition for the record with this value."""
    if kind in ("A", "AAAA"):
        field = "IPv4Address" if kind == "A" else "IPv6Address"
        return f'([ipaddress]"$($_.RecordData.{field})" -eq [ipaddress]{_single(value)})'
    if kind in ("CNAME", "PTR"):
        return f"({_name_is('HostNameAlias' if kind == 'CNAME' else 'PtrDomainName', value)})"
    if kind == "SRV":
        parts = srv_parts(value)
        rank = f"$_.RecordData.Priority -eq {parts['priority']} -and $_.RecordData.Weight -eq {parts['weight']}"
        return f"({_slot(kind, value)[1:-1]} -and {rank})"
    if kind == "TXT":
        return f"(($_.RecordData.DescriptiveText -replace '\\r?\\n', '') -ceq {_single(''.join(_line(value)))})"
    if kind == "CAA":
        return f"($_.RecordData.Data -eq '{caa_wire(value).hex().upper()}')"
    words = dict(_tlsa_words(value))
    return "(" + " -and ".join(f"$_.RecordData.{field} -eq '{word}'" for field, word in words.items()) + ")"


def _tlsa_words(value: str) -> list[tuple[str, str]]:
    usage, selector, matching, data = value.split(" ")
    try:
        return [
            ("CertificateUsage", _USAGES[int(usage)]),
            ("Selector", _SELECTORS[int(selector)]),
            ("MatchingType", _MATCHINGS[int(matching)]),
            ("CertificateAssociationData", data),
        ]
    except IndexError:
        raise _NotSayable("the cmdlet has no words for these numbers") from None


def _parameters(kind: str, value: str) -> str:
    """How Add-DnsServerResourceRecord is told a value."""
    if kind in ("A", "AAAA"):
        return f"-{kind} {'-IPv4Address' if kind == 'A' else '-IPv6Address'} {_single(value)}"
    if kind == "CNAME":
        return f"-CName -HostNameAlias {_single(value)}"
    if kind == "PTR":
        return f"-Ptr -PtrDomainName {_single(value)}"
    if kind == "SRV":
        parts = srv_parts(value)
        rank = f"-Priority {parts['priority']} -Weight {parts['weight']} -Port {parts['port']}"
        return f"-Srv -DomainName {_single(parts['target'])} {rank}"
    if kind == "TXT":
        # A line break separates the strings of the record.
        pieces = ' + "`r`n" + '.join(map(_single, _line(value)))
        return f"-Txt -DescriptiveText ({pieces})"
    if kind == "CAA":
        # Unknown to this server, but it takes the bytes of any type (RFC 3597; from Windows Server 2016 on).
        return f"-Type {_BY_NUMBER[kind]} -RecordData '{caa_wire(value).hex().upper()}'"
    return "-TLSA " + " ".join(f"-{field} '{word}'" for field, word in _tlsa_words(value))


# -- dnscmd -----------------------------------------------------------------------------------------------------------


def dnscmd(intents: Iterable[Intent], zone: str, server: str | None = None) -> str:
    """A batch file. Adding what is there and removing what is not there only gives a message."""
    lines = [
        f"rem Zone {zone.rstrip('.')}. Read this before you run it. Running it twice does no harm: what is there already,",
        "rem or not there any more, gives a message and changes nothing. dnscmd cannot change a TTL: remove the record first.",
    ]
    try:
        command = f"dnscmd {_argument(server.rstrip('.'))}" if server else "dnscmd"
    except _NotSayable as why:
        raise InputError(
            f"server {server!r} cannot stand in a command: {why}.", action="Give its plain host name."
        ) from why
    for intent in in_order(intents):
        try:
            lines += _commands(intent, zone, command)
        except _NotSayable as why:
            lines += [line.replace("%", "%%") for line in _by_hand(intent, "rem", why)]
    return "".join(f"{line}\n" for line in lines)


def _commands(intent: Intent, zone: str, command: str) -> list[str]:
    _check_names(intent)
    kind = intent.key.type
    if kind in ("CAA", "TLSA"):
        raise _NotSayable(f"dnscmd has no {kind}, take PowerShell")
    node = _argument(relative(intent.key.name, zone) if intent.key.name == zone else intent.key.name)
    place = f"{_argument(zone.rstrip('.'))} {node}"
    if intent.state == "absent":
        lines = [f"{command} /RecordDelete {place} {kind} {_data(kind, value)} /f" for value in intent.values]
        note = ["rem dnscmd removes this only with the same priority and weight."] if kind == "SRV" and lines else []
        return [*note, *(lines or [f"{command} /RecordDelete {place} {kind} /f"])]
    records = set_of(intent)
    lines = [f"{command} /RecordAdd {place} {records.ttl} {kind} {_data(kind, value)}" for value in records.values]
    if max(map(len, lines)) > _COMMAND:
        raise _NotSayable("the command would be too long, take PowerShell")
    if intent.state == "exact" or kind == "CNAME":
        note = f"rem {intent.key}: removes all and adds again, so for a moment there is none. PowerShell does without."
        return [note, f"{command} /RecordDelete {place} {kind} /f", *lines]
    if kind == "SRV":
        return [f"rem {intent.key}: remove by hand what is there for the same target with another rank.", *lines]
    return lines


def _data(kind: str, value: str) -> str:
    if kind == "TXT":
        return " ".join(map(_argument, _line(value)))
    return " ".join(map(_argument, value.split(" ")))


def _argument(text: str) -> str:
    if _BARE.fullmatch(text):
        return text
    if '"' in text or text.startswith("/") or not text.isascii():
        raise _NotSayable("cmd cannot pass it on safely, take PowerShell")
    # In a batch file % is doubled; backslashes before the closing quote, too.
    stripped = text.rstrip("\\")
    text = stripped + "\\" * 2 * (len(text) - len(stripped))
    return '"' + text.replace("%", "%%") + '"'
