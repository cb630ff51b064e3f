"""The laboratory's name servers do what tests rely on: seen by dig and nsupdate, without any code of the collection."""

from __future__ import annotations

import itertools
import json
import stat

import pytest
from lab_dns import NameServers, Target

NUMBERS = itertools.count(1)
TARGETS = ("internal", "external", "bulk", "closed", "knot")


@pytest.fixture
def label() -> str:
    """A name that no other test has."""
    return f"t{next(NUMBERS)}"


def test_all_services_run_and_their_names_are_known(name_servers: NameServers):
    for part in ("ns1", "ns2", "knot"):
        assert name_servers.lab.exec(part, ["systemctl", "is-system-running", "--wait"]).stdout == "running\n"
    for host, address in (
        ("ns1", "10.203.0.30"),
        ("ns1-external", "10.203.0.40"),
        ("ns2", "10.203.0.31"),
        ("knot", "10.203.0.32"),
    ):
        assert name_servers.dig("10.203.0.10", f"{host}.corp.test") == address


@pytest.mark.parametrize("address", ["10.203.0.30", "10.203.0.40"])
@pytest.mark.parametrize("view", ["internal", "external"])
def test_a_key_chooses_the_view_at_any_address(name_servers: NameServers, view: str, address: str):
    key = getattr(name_servers, view).key_file
    assert name_servers.dig(address, "view.example.test", "TXT", key) == f'"{view}"'


@pytest.mark.parametrize(("address", "view"), [("10.203.0.30", "internal"), ("10.203.0.40", "external")])
def test_without_a_key_the_address_chooses_the_view(name_servers: NameServers, address: str, view: str):
    assert name_servers.dig(address, "view.example.test", "TXT") == f'"{view}"'


def test_zones_are_small_and_forget_soon_that_a_name_was_not_there(name_servers: NameServers):
    for target in (*(getattr(name_servers, name) for name in TARGETS), name_servers.kerberos):
        assert name_servers.dig(target.address, target.zone, "SOA").split()[-1] == "300"
    assert set(name_servers.dig("10.203.0.30", "example.test", "NS").split()) == {"ns1.corp.test.", "ns2.corp.test."}
    assert name_servers.dig("10.203.0.40", "example.test", "NS") == "ns1-external.corp.test."


@pytest.mark.parametrize("name", ["internal", "external", "bulk", "knot"])
def test_a_zone_is_transferred_with_its_key_only(name_servers: NameServers, name: str):
    target = getattr(name_servers, name)
    whole = name_servers.dig(target.address, target.zone, "AXFR", target.key_file)
    assert whole.count("\tSOA\t") == 2
    assert "; Transfer failed." in name_servers.dig(target.address, target.zone, "AXFR")
    other = name_servers.external if name == "bulk" else name_servers.bulk
    assert "; Transfer failed." in name_servers.dig(target.address, target.zone, "AXFR", other.key_file)


def test_closed_zone_is_transferred_to_nobody_but_can_be_changed(name_servers: NameServers, label: str):
    target = name_servers.closed
    for key in (None, target.key_file):
        assert "; Transfer failed." in name_servers.dig(target.address, target.zone, "AXFR", key)
    _changes(name_servers, target, label)


def test_a_change_in_a_view_is_seen_in_that_view_only(name_servers: NameServers, label: str):
    inside, outside = name_servers.internal, name_servers.external
    name = f"{label}.example.test"
    for target, value in ((inside, "192.0.2.1"), (outside, "203.0.113.1")):
        changes = (f"delete {name}", f"add {name} 300 A {value}")
        result = name_servers.nsupdate(target, *changes, key=target.key_file)
        assert (result.returncode, result.stderr) == (0, "")
    assert name_servers.dig(inside.address, name) == "192.0.2.1"
    assert name_servers.dig(outside.address, name) == "203.0.113.1"
    name_servers.wait_for(name_servers.secondary, name, "192.0.2.1")


@pytest.mark.parametrize("name", ["bulk", "knot"])
def test_a_signed_change_is_taken(name_servers: NameServers, name: str, label: str):
    _changes(name_servers, getattr(name_servers, name), label)


@pytest.mark.parametrize("name", [*TARGETS, "kerberos"])
def test_an_unsigned_change_is_refused(name_servers: NameServers, name: str, label: str):
    target = getattr(name_servers, name)
    result = name_servers.nsupdate(target, f"add {label}.{target.zone} 300 A 192.0.2.9")
    # Knot has another word for it.
    refusal = "NOTAUTH" if name == "knot" else "REFUSED"
    assert (result.returncode, result.stderr) == (2, f"update failed: {refusal}\n")
    assert name_servers.dig(target.address, f"{label}.{target.zone}") == ""


def test_a_key_that_may_not_is_refused(name_servers: NameServers, label: str):
    for target in (name_servers.internal, name_servers.kerberos):
        change = f"add {label}.{target.zone} 300 A 192.0.2.9"
        result = name_servers.nsupdate(target, change, key=name_servers.bulk.key_file)
        assert (result.returncode, result.stderr) == (2, "update failed: REFUSED\n")


def test_kerberos_lets_the_dns_account_write_and_nobody_else(name_servers: NameServers, label: str):
    target, secrets = name_servers.kerberos, name_servers.lab.secrets
    name = f"{label}.{target.zone}"
    name_servers.nsupdate_as("svc-chat-dns", secrets["svc-chat-dns"], target, f"delete {name}")
    result = name_servers.nsupdate_as("anna", secrets["users"]["anna"], target, f"add {name} 300 A 192.0.2.9")
    assert (result.returncode, result.stderr) == (2, "update failed: REFUSED\n")
    assert name_servers.dig(target.address, name) == ""
    result = name_servers.nsupdate_as(
        "svc-chat-dns", secrets["svc-chat-dns"], target, f"add {name} 300 SRV 5 0 5222 chat.corp.test."
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert name_servers.dig(target.address, name, "SRV") == "5 0 5222 chat.corp.test."


@pytest.mark.parametrize("name", ["internal", "bulk"])
def test_secondary_gets_a_change_at_once(name_servers: NameServers, name: str, label: str):
    target = getattr(name_servers, name)
    _changes(name_servers, target, label)
    name_servers.wait_for(name_servers.secondary, f"{label}.{target.zone}", "192.0.2.1", seconds=3)
    assert name_servers.serial(name_servers.secondary, target.zone) == name_servers.serial(target.address, target.zone)


def test_secondary_can_be_stuck_and_catches_up(name_servers: NameServers, label: str):
    target = name_servers.internal
    name = f"{label}.{target.zone}"
    name_servers.nsupdate(target, f"delete {name}", key=target.key_file)
    name_servers.wait_for(name_servers.secondary, name, "")
    with name_servers.secondary_stuck():
        _changes(name_servers, target, label)
        assert name_servers.serial(target.address, target.zone) > name_servers.serial(
            name_servers.secondary, target.zone
        )
        assert name_servers.dig(name_servers.secondary, name) == ""
    name_servers.wait_for(name_servers.secondary, name, "192.0.2.1")


def test_secrets_are_for_root_and_the_servers_only(name_servers: NameServers):
    for target in (getattr(name_servers, name) for name in TARGETS):
        assert stat.S_IMODE(target.key_file.stat().st_mode) == 0o600
        assert json.dumps(target.secret) in target.key_file.read_text()
    listing = name_servers.lab.exec("ns1", ["stat", "-c", "%U:%G %a", "/etc/bind/ns1.keytab", "/etc/bind/keys.conf"])
    assert listing.stdout == "root:bind 640\nroot:bind 640\n"
    listing = name_servers.lab.exec("knot", ["stat", "-c", "%U:%G %a", "/etc/knot/keys.conf"])
    assert listing.stdout == "root:knot 640\n"


def test_reset_gives_fresh_zones_and_the_same_keys(name_servers: NameServers, label: str):
    target = name_servers.bulk
    _changes(name_servers, target, label)
    name_servers.lab.reset("ns1")
    assert NameServers(name_servers.lab).bulk == target
    for address in (target.address, name_servers.secondary):
        assert name_servers.serial(address, target.zone) == 1
        assert name_servers.dig(address, f"{label}.{target.zone}") == ""


def _changes(name_servers: NameServers, target: Target, label: str) -> None:
    """A signed change is accepted and can be read back."""
    name = f"{label}.{target.zone}"
    result = name_servers.nsupdate(target, f"delete {name}", f"add {name} 300 A 192.0.2.1", key=target.key_file)
    assert (result.returncode, result.stderr) == (0, "")
    assert name_servers.dig(target.address, name, key=target.key_file) == "192.0.2.1"
