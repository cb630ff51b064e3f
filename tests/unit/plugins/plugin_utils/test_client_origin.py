# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a package comes from: fetched, read, verified, in this order and about the same bytes."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib

import pytest

from ansible_collections.onprem.chat.plugins.plugin_utils._client import origin
from ansible_collections.onprem.chat.plugins.plugin_utils._packages import fetch
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.errors import PackageError
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.model import Package, Related
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.read import sha256
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.signature import Signature
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.signature_errors import Unsigned

URL = "https://files.corp.test/chat.msi?ticket=canary-5512"
SIGNED = Signature("Vendor", "CN=Vendor", "CN=CA", "AB" * 20, "cd" * 32, "2027-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
SHOWN = {
    "signer": "Vendor",
    "subject": "CN=Vendor",
    "issuer": "CN=CA",
    "thumbprint": "AB" * 20,
    "not_after": "2027-01-01T00:00:00Z",
    "time": "2026-01-01T00:00:00Z",
}


@pytest.fixture
def world(monkeypatch, tmp_path):
    """A package on the controller, and what is done with it, in its order."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    package = tmp_path / "chat.msi"
    package.write_bytes(b"one")
    (tmp_path / "ca.pem").write_text("an authority")
    done = []

    def read(path):
        done.append(("read", path))
        with pathlib.Path(path).open("rb") as file:
            return Package("msi", path, 3, sha256(file), "Chat", "1.0")

    def verify(path, **demanded):
        done.append(("verify", path, demanded))
        if pathlib.Path(path).read_bytes() == b"bad":
            raise Unsigned("The package is not signed", path, "Cause", "Remedy")
        return SIGNED

    def fetched(source, digest="", **options):
        done.append(("fetch", source, digest, options))
        return fetch.Fetched(str(package), "00" * 32, 3)

    monkeypatch.setattr(origin, "verify", verify)
    monkeypatch.setattr(origin.fetch, "fetch", fetched)

    def _obtain(run="", state="present", **options):
        return origin.obtain({"package": str(package), "state": state, **options}, run=run, read=read)

    _obtain.done, _obtain.package, _obtain.anchor = done, package, str(tmp_path / "ca.pem")
    return _obtain


def test_a_path_is_read_and_nothing_else(world):
    package, signature = world()
    assert (package.name, signature) == ("Chat", None)
    assert world.done == [("read", str(world.package))]
    assert origin.obtain({"package": None, "state": "absent"}) == (None, None)


def test_a_url_is_fetched_then_read_then_verified(world):
    demanded = {"signer": "Vendor", "thumbprint": None, "trust_anchors": [world.anchor]}
    package, signature = world(package=URL, sha256="11" * 32, ca_path="/ca.pem", signature=demanded)
    assert [step[0] for step in world.done] == ["fetch", "read", "verify"]
    assert world.done[0] == ("fetch", URL, "11" * 32, {"ca_path": "/ca.pem", "run": ""})
    assert world.done[2][2] == {"signer": "Vendor", "thumbprint": "", "trust_anchors": [world.anchor]}
    assert signature == SHOWN and "canary" not in package.path


@pytest.mark.parametrize(
    ("demanded", "state", "run"),
    [
        ({"signer": "Vendor"}, "present", "monday"),
        ({"thumbprint": "AB" * 20}, "repair", "monday"),
        ({"trust_anchors": []}, "present", ""),
        ({"signer": "Vendor"}, "absent", ""),
        (None, "present", ""),
    ],
)
def test_only_a_named_signer_makes_a_hash_needless(world, demanded, state, run):
    world(package=URL, signature=demanded, state=state, run="monday")
    assert world.done[0][3]["run"] == run


def test_nothing_is_verified_for_a_removal(world):
    assert world(signature={"signer": "Vendor"}, state="absent")[1] is None
    assert [step[0] for step in world.done] == ["read"]


def test_verified_once_in_a_run_for_the_same_bytes_and_demands(world):
    def verifications():
        return sum(step[0] == "verify" for step in world.done)

    demanded = {"signer": "Vendor", "trust_anchors": [world.anchor]}
    for _host in range(3):
        assert world(signature=demanded, run="monday")[1] == SHOWN
    assert verifications() == 1
    world(signature={**demanded, "signer": "Other"}, run="monday")
    assert verifications() == 2
    pathlib.Path(world.anchor).write_text("another authority")
    world(signature=demanded, run="monday")
    assert verifications() == 3
    world.package.write_bytes(b"two")
    world(signature=demanded, run="monday")
    assert verifications() == 4
    world(signature=demanded, run="tuesday")
    world(signature=demanded)
    assert verifications() == 6


def test_a_refusal_is_not_remembered(world):
    world.package.write_bytes(b"bad")
    for _host in range(2):
        with pytest.raises(Unsigned):
            world(signature={"signer": "Vendor"}, run="monday")
    assert sum(step[0] == "verify" for step in world.done) == 2


def test_an_exchange_between_reading_and_verifying_is_noticed(world, monkeypatch):
    before = world.package.stat()

    def exchange(path, **demanded):
        other = world.package.with_name("other")
        other.write_bytes(b"two")
        os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
        other.replace(world.package)
        return SIGNED

    monkeypatch.setattr(origin, "verify", exchange)
    with pytest.raises(origin.Exchanged) as raised:
        world(signature={"signer": "Vendor"}, run="monday")
    assert str(raised.value) == (
        f"The package was changed while it was looked at ({str(world.package)!r}). Somebody copies a new version there, or others may "
        "write to it. Run again when that is done; keep packages where only those may write who roll them out."
    )


def test_writing_into_it_and_back_is_noticed(world, monkeypatch):
    before = world.package.stat()

    def write(path, **demanded):
        world.package.write_bytes(b"two")
        world.package.write_bytes(b"one")
        os.utime(world.package, ns=(before.st_atime_ns, before.st_mtime_ns))
        return SIGNED

    # The kernel's clock for this goes in steps of some milliseconds.
    monkeypatch.setattr(origin, "verify", lambda path, **demanded: (origin.cache.time.sleep(0.05), write(path))[1])
    with pytest.raises(origin.Exchanged):
        world(signature={"signer": "Vendor"}, run="monday")


def test_transforms(tmp_path):
    good, bad, empty = tmp_path / "a b.mst", tmp_path / "bad.mst", tmp_path / "empty.mst"
    good.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + b"more")
    bad.write_bytes(b"<html>")
    empty.write_bytes(b"")
    origin.check_transforms([])
    origin.check_transforms([str(good)])
    with pytest.raises(PackageError, match="The file is no transform: it begins with 3c68746d6c3e"):
        origin.check_transforms([str(good), str(bad)])
    with pytest.raises(PackageError, match="The file is no transform: it begins with nothing"):
        origin.check_transforms([str(empty)])
    with pytest.raises(PackageError, match="A transform cannot be read: No such file"):
        origin.check_transforms([str(tmp_path / "gone.mst")])


@pytest.fixture
def large(world, monkeypatch):
    """The same with a package that is large."""
    monkeypatch.setattr(origin, "LARGE", 3)
    return world


def test_a_large_package_is_read_once_in_a_run(large):
    (first, _signature), (again, _signature) = large(run="a"), large(run="a")
    assert first == again and [step[0] for step in large.done] == ["read"]
    large(run="b")
    large()
    assert [step[0] for step in large.done] == ["read"] * 3


def test_a_large_package_that_was_written_to_is_read_again(large):
    first, _signature = large(run="a")
    large.package.write_bytes(b"two")
    again, _signature = large(run="a")
    assert first.sha256 != again.sha256 and len(large.done) == 2


def test_a_small_package_leaves_no_note(world, tmp_path):
    world(run="a")
    world(run="a")
    assert len(world.done) == 2 and not (tmp_path / "cache").exists()


def test_without_a_place_for_notes_every_process_reads(large, tmp_path):
    (tmp_path / "cache").write_text("no folder")
    assert large(run="a") == large(run="a")
    assert [step[0] for step in large.done] == ["read"] * 2


def test_a_package_comes_back_from_a_note_as_it_was():
    related = (Related("{A}", "1.0", "", True, False, True, "1033", True),)
    package = Package(
        "exe", "/a", 9, "ab", "Чат \ud83d", properties={"A": "1"}, evidence=("a", "b"), notes=("c",), related=related,
        silent_install=["/S"],
    )  # fmt: skip
    assert Package.restored(json.loads(json.dumps(dataclasses.asdict(package)))) == package
