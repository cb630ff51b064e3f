# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts for sites without dynamic update, to the letter. The PowerShell and dnscmd ones were never run on Windows."""

from __future__ import annotations

import dns.rdata
import dns.zone
import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dns.entries import canonical
from ansible_collections.onprem.chat.plugins.module_utils._dns.export import bind_zone_lines, table
from ansible_collections.onprem.chat.plugins.module_utils._dns.export_windows import dnscmd, powershell
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import Intent
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import Key, value_text

ZONE = "corp.test."
SERVER = "dc1.corp.test"
DIGEST = "ab" * 32


def intent(name, kind, state, *entries, ttl=None):
    owner = ZONE if name == "@" else f"{name}.{ZONE}"
    values = entries if kind == "SRV" else (value_text(kind, entry, ZONE) for entry in entries)
    return Intent(Key(owner, kind), state, tuple(values), ttl)


CHAT = [
    intent("_xmpp-client._tcp", "SRV", "present", "5 0 5222 chat.corp.test.", ttl=86400),
    intent("chat", "A", "exact", "10.203.0.20", "10.203.0.21", ttl=86400),
    intent("www", "A", "present", "10.203.0.22"),
    intent("chat", "CNAME", "absent"),
    intent("_xmpp-client._tcp.old", "SRV", "absent", "5 0 5222 old.corp.test."),
    intent("old", "A", "absent", "10.203.0.9"),
]


def test_lines_of_a_zone_file():
    assert bind_zone_lines(CHAT, ZONE) == (
        "; Zone corp.test: lines for its file. All names are complete and all lines have their TTL, so that\n"
        "; $ORIGIN and $TTL of the file do not matter. Then raise the serial number of the SOA record and reload the zone.\n"
        "; remove: _xmpp-client._tcp.old.corp.test. IN SRV (any priority) (any weight) 5222 old.corp.test.\n"
        "; remove: chat.corp.test. IN CNAME (all)\n"
        "; remove: old.corp.test. IN A 10.203.0.9\n"
        "; _xmpp-client._tcp.corp.test. SRV: remove others with the same port and target\n"
        "_xmpp-client._tcp.corp.test. 86400 IN SRV 5 0 5222 chat.corp.test.\n"
        "; chat.corp.test. A: remove all others\n"
        "chat.corp.test. 86400 IN A 10.203.0.20\n"
        "chat.corp.test. 86400 IN A 10.203.0.21\n"
        "; www.corp.test. A: where there are some already, keep their TTL instead of 3600\n"
        "www.corp.test. 3600 IN A 10.203.0.22\n"
    )


def test_a_name_server_reads_the_lines():
    intents = [
        intent("@", "TXT", "exact", 'a "b" \\ ; c', "x" * 600, "ü", ttl=60),
        intent("@", "CAA", "exact", '0 issue ";"', '128 issuewild "ca.example; a=b"', ttl=60),
        intent("_443._tcp", "TLSA", "exact", "3 1 1 " + DIGEST, "3 0 0 " + "00" * 400, ttl=60),
        intent("*", "AAAA", "exact", "2001:db8::1", ttl=60),
        intent("20", "PTR", "exact", "chat.corp.test", ttl=60),
        intent("w", "CNAME", "exact", "chat", ttl=60),
        intent("_x._tcp", "SRV", "exact", "0 0 0 .", ttl=60),
    ]
    zone = dns.zone.from_text(
        bind_zone_lines(intents, ZONE), origin="elsewhere.test.", check_origin=False, relativize=False
    )
    assert not zone.nodes
    zone = dns.zone.from_text(bind_zone_lines(intents, ZONE), origin=ZONE, check_origin=False, relativize=False)
    read = {
        (name.to_text(), dns.rdatatype.to_text(rdataset.rdtype), rdataset.ttl, tuple(sorted(map(canonical, rdataset))))
        for name, rdataset in zone.iterate_rdatasets()
    }
    assert read == {(one.key.name, one.key.type, 60, tuple(sorted(one.values))) for one in intents}


def test_a_table_for_the_provider():
    assert table([*CHAT, intent("@", "TXT", "present", 'v="1"', "ü", ttl=60)], ZONE) == (
        "Zone corp.test. Names are relative to the zone, @ is the zone itself. Names in the last column are complete.\n"
        "add: this, next to what is there already (SRV: in place of the same port and target). only: this and no other of "
        "the\n"
        "same name and type. remove: not this.\n"
        "\n"
        "do      name                   TTL    type   priority  weight  port  value\n"
        "remove  _xmpp-client._tcp.old  any    SRV    any       any     5222  old.corp.test.\n"
        "remove  chat                   any    CNAME  -         -       -     (all)\n"
        "remove  old                    any    A      -         -       -     10.203.0.9\n"
        "add     _xmpp-client._tcp      86400  SRV    5         0       5222  chat.corp.test.\n"
        "only    chat                   86400  A      -         -       -     10.203.0.20\n"
        "only    chat                   86400  A      -         -       -     10.203.0.21\n"
        'add     @                      60     TXT    -         -       -     "\\195\\188"\n'
        'add     @                      60     TXT    -         -       -     v="1"\n'
        "add     www                    3600   A      -         -       -     10.203.0.22\n"
    )


HEAD = """\
# Zone corp.test. Read this before you run it. Running it twice does no harm.
$ErrorActionPreference = 'Stop'
$zone = @{ ZoneName = 'corp.test'; ComputerName = 'dc1.corp.test' }
# Stops here when the server cannot be reached or has no such zone.
$null = Get-DnsServerZone -Name 'corp.test' -ComputerName 'dc1.corp.test'

"""
OLD = "$old = @(Get-DnsServerResourceRecord @zone @set -ErrorAction SilentlyContinue)\n"
SAME_TTL = (
    "Get-DnsServerResourceRecord @zone @set | Where-Object { $_.TimeToLive -ne $ttl } | ForEach-Object { "
    "$new = [ciminstance]::new($_); $new.TimeToLive = $ttl; "
    "Set-DnsServerResourceRecord @zone -OldInputObject $_ -NewInputObject $new }\n"
)


def script(one):
    text = powershell([one], ZONE, SERVER)
    assert text.startswith(HEAD)
    return text.removeprefix(HEAD)


def test_powershell_without_a_server_is_for_the_server_itself():
    assert powershell([], ZONE) == (
        "# Zone corp.test. Read this before you run it. Running it twice does no harm.\n"
        "$ErrorActionPreference = 'Stop'\n"
        "$zone = @{ ZoneName = 'corp.test' }\n"
        "# Stops here when the server cannot be reached or has no such zone.\n"
        "$null = Get-DnsServerZone -Name 'corp.test'\n"
    )


def test_powershell_makes_a_set_exact():
    one = "([ipaddress]\"$($_.RecordData.IPv4Address)\" -eq [ipaddress]'10.203.0.20')"
    two = "([ipaddress]\"$($_.RecordData.IPv4Address)\" -eq [ipaddress]'10.203.0.21')"
    assert script(CHAT[1]) == (
        "# chat.corp.test. A exact\n"
        "$set = @{ Name = 'chat'; RRType = 'A'; Node = $true }\n"
        f"{OLD}"
        "$ttl = New-TimeSpan -Seconds 86400\n"
        f"if (-not ($old | Where-Object {{ {one} }})) {{ Add-DnsServerResourceRecord @zone -Name 'chat' "
        "-A -IPv4Address '10.203.0.20' -TimeToLive $ttl }\n"
        f"if (-not ($old | Where-Object {{ {two} }})) {{ Add-DnsServerResourceRecord @zone -Name 'chat' "
        "-A -IPv4Address '10.203.0.21' -TimeToLive $ttl }\n"
        f"$old | Where-Object {{ -not ({one} -or {two}) }} | Remove-DnsServerResourceRecord @zone -Force\n"
        f"{SAME_TTL}"
    )


def test_powershell_keeps_the_ttl_that_nobody_asked_to_change():
    one = "([ipaddress]\"$($_.RecordData.IPv6Address)\" -eq [ipaddress]'2001:db8::1')"
    assert script(intent("@", "AAAA", "present", "2001:db8::1")) == (
        "# corp.test. AAAA present\n"
        "$set = @{ Name = '@'; RRType = 'AAAA'; Node = $true }\n"
        f"{OLD}"
        "$ttl = if ($old) { $old[0].TimeToLive } else { New-TimeSpan -Seconds 3600 }\n"
        f"if (-not ($old | Where-Object {{ {one} }})) {{ Add-DnsServerResourceRecord @zone -Name '@' "
        "-AAAA -IPv6Address '2001:db8::1' -TimeToLive $ttl }\n"
    )


def test_powershell_replaces_an_srv_target_of_another_rank_and_leaves_the_others():
    target = "\"$($_.RecordData.DomainName)\".TrimEnd('.') -eq 'chat.corp.test' -and $_.RecordData.Port -eq 5222"
    same = f"({target} -and $_.RecordData.Priority -eq 5 -and $_.RecordData.Weight -eq 0)"
    none = "(\"$($_.RecordData.DomainName)\".TrimEnd('.') -eq '' -and $_.RecordData.Port -eq 0)"
    assert script(CHAT[0]) == (
        "# _xmpp-client._tcp.corp.test. SRV present\n"
        "$set = @{ Name = '_xmpp-client._tcp'; RRType = 'SRV'; Node = $true }\n"
        f"{OLD}"
        "$ttl = New-TimeSpan -Seconds 86400\n"
        f"if (-not ($old | Where-Object {{ {same} }})) {{ Add-DnsServerResourceRecord @zone -Name '_xmpp-client._tcp' "
        "-Srv -DomainName 'chat.corp.test.' -Priority 5 -Weight 0 -Port 5222 -TimeToLive $ttl }\n"
        f"$old | Where-Object {{ -not {same} -and (({target}) -or {none}) }} | "
        "Remove-DnsServerResourceRecord @zone -Force\n"
        f"{SAME_TTL}"
    )


def test_powershell_puts_no_service_in_place_of_all_targets():
    text = script(intent("_x._tcp", "SRV", "present", "0 0 0 ."))
    none = "\"$($_.RecordData.DomainName)\".TrimEnd('.') -eq '' -and $_.RecordData.Port -eq 0"
    rank = "$_.RecordData.Priority -eq 0 -and $_.RecordData.Weight -eq 0"
    assert (
        f"$old | Where-Object {{ -not ({none} -and {rank}) }} | Remove-DnsServerResourceRecord @zone -Force\n" in text
    )


def test_powershell_removes_a_cname_before_it_adds_one():
    same = "(\"$($_.RecordData.HostNameAlias)\".TrimEnd('.') -eq 'chat.corp.test')"
    assert script(intent("www", "CNAME", "present", "chat", ttl=60)) == (
        "# www.corp.test. CNAME present\n"
        "$set = @{ Name = 'www'; RRType = 'CNAME'; Node = $true }\n"
        f"{OLD}"
        "$ttl = New-TimeSpan -Seconds 60\n"
        f"$old | Where-Object {{ -not {same} }} | Remove-DnsServerResourceRecord @zone -Force\n"
        f"if (-not ($old | Where-Object {{ {same} }})) {{ Add-DnsServerResourceRecord @zone -Name 'www' "
        "-CName -HostNameAlias 'chat.corp.test.' -TimeToLive $ttl }\n"
        f"{SAME_TTL}"
    )


@pytest.mark.parametrize(
    ("one", "last"),
    [
        (CHAT[3], "$old | Remove-DnsServerResourceRecord @zone -Force\n"),
        (
            CHAT[4],
            "$old | Where-Object { (\"$($_.RecordData.DomainName)\".TrimEnd('.') -eq 'old.corp.test' -and "
            "$_.RecordData.Port -eq 5222) } | Remove-DnsServerResourceRecord @zone -Force\n",
        ),
        (
            intent("9", "PTR", "absent", "old.corp.test"),
            "$old | Where-Object { (\"$($_.RecordData.PtrDomainName)\".TrimEnd('.') -eq 'old.corp.test') } | "
            "Remove-DnsServerResourceRecord @zone -Force\n",
        ),
    ],
)
def test_powershell_removes(one, last):
    text = script(one)
    assert text.endswith(OLD + last)
    assert "Add-" not in text


@pytest.mark.parametrize(
    ("kind", "entry", "matches", "parameters"),
    [
        (
            "PTR",
            "chat.corp.test",
            "(\"$($_.RecordData.PtrDomainName)\".TrimEnd('.') -eq 'chat.corp.test')",
            "-Ptr -PtrDomainName 'chat.corp.test.'",
        ),
        (
            "TXT",
            "it's $x `\"",
            "(($_.RecordData.DescriptiveText -replace '\\r?\\n', '') -ceq 'it''s $x `\"')",
            "-Txt -DescriptiveText ('it''s $x `\"')",
        ),
        (
            "TXT",
            "x" * 300,
            f"(($_.RecordData.DescriptiveText -replace '\\r?\\n', '') -ceq '{'x' * 300}')",
            f"-Txt -DescriptiveText ('{'x' * 254}' + \"`r`n\" + '{'x' * 46}')",
        ),
        (
            "CAA",
            '0 issue "ca.example"',
            "($_.RecordData.Data -eq '0005697373756563612E6578616D706C65')",
            "-Type 257 -RecordData '0005697373756563612E6578616D706C65'",
        ),
        (
            "TLSA",
            "3 1 1 " + DIGEST,
            "($_.RecordData.CertificateUsage -eq 'DomainIssuedCertificate' -and "
            "$_.RecordData.Selector -eq 'SubjectPublicKeyInfo' -and $_.RecordData.MatchingType -eq 'Sha256Hash' -and "
            f"$_.RecordData.CertificateAssociationData -eq '{DIGEST}')",
            "-TLSA -CertificateUsage 'DomainIssuedCertificate' -Selector 'SubjectPublicKeyInfo' "
            f"-MatchingType 'Sha256Hash' -CertificateAssociationData '{DIGEST}'",
        ),
    ],
)
def test_powershell_for_each_type(kind, entry, matches, parameters):
    assert (
        f"if (-not ($old | Where-Object {{ {matches} }})) {{ Add-DnsServerResourceRecord @zone -Name 'a' {parameters} "
        "-TimeToLive $ttl }\n"
    ) in script(intent("a", kind, "present", entry, ttl=60))


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (
            intent("_1._tcp", "TLSA", "exact", "3 1 255 00", ttl=60),
            "# _1._tcp.corp.test. TLSA: not written here, the cmdlet has no words for these numbers. By hand:\n"
            "#   _1._tcp.corp.test. 60 IN TLSA 3 1 255 00\n",
        ),
        (
            intent("a", "TXT", "absent", "ü"),
            "# a.corp.test. TXT: not written here, the text is not printable ASCII. By hand:\n"
            '#   remove "\\195\\188"\n',
        ),
        (
            intent("a\\032b", "A", "absent"),
            "# a\\032b.corp.test. A: not written here, the name has an escape. By hand:\n#   remove all\n",
        ),
    ],
)
def test_powershell_says_what_it_cannot(one, text):
    assert script(one) == text


CMD_HEAD = (
    "rem Zone corp.test. Read this before you run it. Running it twice does no harm: what is there already,\n"
    "rem or not there any more, gives a message and changes nothing. dnscmd cannot change a TTL: remove the record first.\n"
)


def commands(*intents, server=SERVER):
    text = dnscmd(intents, ZONE, server)
    assert text.startswith(CMD_HEAD)
    return text.removeprefix(CMD_HEAD)


def test_dnscmd():
    assert commands(*CHAT) == (
        "rem dnscmd removes this only with the same priority and weight.\n"
        "dnscmd dc1.corp.test /RecordDelete corp.test _xmpp-client._tcp.old.corp.test. SRV 5 0 5222 old.corp.test. /f\n"
        "dnscmd dc1.corp.test /RecordDelete corp.test chat.corp.test. CNAME /f\n"
        "dnscmd dc1.corp.test /RecordDelete corp.test old.corp.test. A 10.203.0.9 /f\n"
        "rem _xmpp-client._tcp.corp.test. SRV: remove by hand what is there for the same target with another rank.\n"
        "dnscmd dc1.corp.test /RecordAdd corp.test _xmpp-client._tcp.corp.test. 86400 SRV 5 0 5222 chat.corp.test.\n"
        "rem chat.corp.test. A: removes all and adds again, so for a moment there is none. PowerShell does without.\n"
        "dnscmd dc1.corp.test /RecordDelete corp.test chat.corp.test. A /f\n"
        "dnscmd dc1.corp.test /RecordAdd corp.test chat.corp.test. 86400 A 10.203.0.20\n"
        "dnscmd dc1.corp.test /RecordAdd corp.test chat.corp.test. 86400 A 10.203.0.21\n"
        "dnscmd dc1.corp.test /RecordAdd corp.test www.corp.test. 3600 A 10.203.0.22\n"
    )


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (
            intent("@", "TXT", "present", "100% of a & b\\", "", ttl=60),
            'dnscmd /RecordAdd corp.test @ 60 TXT ""\ndnscmd /RecordAdd corp.test @ 60 TXT "100%% of a & b\\\\"\n',
        ),
        (
            intent("a&b", "PTR", "present", "chat.corp.test", ttl=60),
            'dnscmd /RecordAdd corp.test "a&b.corp.test." 60 PTR chat.corp.test.\n',
        ),
        (
            intent("@", "TXT", "absent", 'say "100%"'),
            "rem corp.test. TXT: not written here, cmd cannot pass it on safely, take PowerShell. By hand:\n"
            'rem   remove "say \\"100%%\\""\n',
        ),
        (
            intent("@", "CAA", "exact", '0 issue ";"', ttl=60),
            "rem corp.test. CAA: not written here, dnscmd has no CAA, take PowerShell. By hand:\n"
            'rem   corp.test. 60 IN CAA 0 issue ";"\n',
        ),
    ],
)
def test_dnscmd_quotes_or_says_what_it_cannot(one, text):
    assert commands(one, server=None) == text


def test_dnscmd_has_no_endless_lines():
    assert "the command would be too long" in commands(intent("@", "TXT", "present", "x" * 9000))
