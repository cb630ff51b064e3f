# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pair on the disk: both layouts, from every state that somebody may have left there, and after every kill."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._x509 import disk
from ansible_collections.onprem.chat.plugins.module_utils._x509 import write as write_module
from ansible_collections.onprem.chat.plugins.module_utils._x509.disk import Rights, locked, make_folder, mode_of
from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import InputError, WriteError
from ansible_collections.onprem.chat.plugins.module_utils._x509.pair import Place
from ansible_collections.onprem.chat.plugins.module_utils._x509.write import Content, Target, Writer, tidy

OLD, NEW, NEWER = ((f"certificate {word}\n".encode(), f"key {word}\n".encode()) for word in ("old", "new", "newer"))
OWN = (os.geteuid(), os.getegid())


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path, "corp.test")


def write(place, pair, layout="links", key_mode=0o600, backup=False):
    wanted = Target(Content(*pair), layout, Rights(0o644, *OWN), Rights(key_mode, *OWN), backup)
    differences = wanted.differences(place.look())
    writer = Writer(place, wanted)
    writer.write()
    assert wanted.differences(place.look()) == []
    return differences, writer


def by_hand(place, pair, mode=0o644):
    for path, data in zip((place.certificate, place.key), pair, strict=True):
        if data is not None:
            path.write_bytes(data)
            path.chmod(mode)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_links(place):
    assert write(place, OLD)[0] == ["content", "layout", "rights"]
    assert str(place.certificate.readlink()) == "corp.test.d/current/corp.test.crt"
    assert str(place.key.readlink()) == "corp.test.d/current/corp.test.key"
    assert (place.certificate.read_bytes(), place.key.read_bytes()) == OLD
    assert (mode(place.certificate), mode(place.key)) == (0o644, 0o600)
    assert names(place.store) == sorted(["current", place.current_version()])
    first = place.current_version()
    differences, writer = write(place, NEW)
    assert (differences, writer.replaced) == (["content"], place.store / first)
    assert place.previous_version() == first
    assert place.version(first).contents == OLD
    write(place, NEWER)
    assert names(place.store) == sorted(["current", "previous", place.current_version(), place.previous_version()])
    assert place.version(place.previous_version()).contents == NEW


def test_a_second_run_writes_nothing(place):
    write(place, OLD)
    before = {path: path.stat().st_ino for path in place.folder.rglob("*")}
    assert write(place, OLD)[0] == []
    assert {path: path.stat().st_ino for path in place.folder.rglob("*")} == before


def test_files(place):
    assert write(place, OLD, "files")[0] == ["content", "layout", "rights"]
    assert names(place.folder) == ["corp.test.crt", "corp.test.d", "corp.test.key"]
    assert not place.certificate.is_symlink()
    assert names(place.store) == []
    _differences, writer = write(place, NEW, "files")
    assert place.version(place.previous_version()).contents == OLD
    assert writer.replaced == place.store / place.previous_version()
    assert mode(writer.replaced / "corp.test.key") == 0o600
    write(place, NEWER, "files")
    assert names(place.store) == sorted(["previous", place.previous_version()])
    assert place.version(place.previous_version()).contents == NEW


def test_files_with_the_same_key_leave_it_alone(place):
    write(place, OLD, "files")
    before = place.key.stat().st_ino
    write(place, (NEW[0], OLD[1]), "files")
    assert place.key.stat().st_ino == before
    assert place.version(place.previous_version()).contents == OLD


@pytest.mark.parametrize("layout", ["links", "files"])
def test_a_pair_made_by_hand_is_replaced_and_kept(place, layout):
    by_hand(place, OLD)
    differences, writer = write(place, NEW, layout)
    assert "content" in differences
    assert place.version(place.previous_version()).contents == OLD
    assert mode(writer.replaced / "corp.test.key") == 0o600


@pytest.mark.parametrize(("before", "after"), [("links", "files"), ("files", "links")])
def test_the_other_layout_with_the_same_content(place, before, after):
    write(place, OLD, before)
    write(place, NEW, before)
    assert write(place, NEW, after)[0] == ["layout"]
    assert place.version(place.previous_version()).contents == OLD
    assert ("current" in names(place.store)) == (after == "links")
    assert len(place.versions()) == (2 if after == "links" else 1)


@pytest.mark.parametrize("layout", ["links", "files"])
@pytest.mark.parametrize("half", [(OLD[0], None), (None, OLD[1])])
def test_half_a_pair_is_kept_when_there_is_nothing_better(place, layout, half):
    by_hand(place, half)
    write(place, NEW, layout)
    assert place.version(place.previous_version()).contents == half
    write(place, NEWER, layout)
    assert place.version(place.previous_version()).contents == NEW
    (place.certificate.resolve()).unlink()
    write(place, OLD, layout)
    assert place.version(place.previous_version()).contents == NEW


@pytest.mark.parametrize("layout", ["links", "files"])
def test_links_of_somebody_else(place, tmp_path_factory, layout):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "fullchain.pem").write_bytes(OLD[0])
    (elsewhere / "privkey.pem").write_bytes(OLD[1])
    place.certificate.symlink_to(elsewhere / "fullchain.pem")
    place.key.symlink_to(elsewhere / "privkey.pem")
    write(place, NEW, layout)
    assert (elsewhere / "privkey.pem").read_bytes() == OLD[1]
    assert place.version(place.previous_version()).contents == OLD


@pytest.mark.parametrize("layout", ["links", "files"])
def test_links_that_lead_nowhere(place, layout):
    place.certificate.symlink_to("gone.crt")
    place.key.symlink_to("gone.key")
    write(place, NEW, layout)
    assert place.previous_version() is None


def test_a_link_into_the_store_keeps_what_it_leads_to(place):
    write(place, OLD)
    version = place.current_version()
    write(place, NEW)
    write(place, NEW)
    for path in (place.certificate, place.key):
        path.unlink()
        path.symlink_to(f"corp.test.d/{version}/{path.name}")
    write(place, NEWER)
    assert place.version(place.previous_version()).contents == OLD


@pytest.mark.parametrize("where", ["in the store", "elsewhere"])
def test_a_current_link_that_somebody_made(place, where):
    write(place, OLD)
    folder = place.store / place.current_version()
    if where == "elsewhere":
        folder = folder.rename(place.folder / "elsewhere")
    place.current.unlink()
    place.current.symlink_to(folder)
    assert write(place, OLD)[0] == []
    assert write(place, NEW)[0] == ["content"]
    assert place.version(place.previous_version()).contents == OLD
    assert folder.is_dir()


def test_rights_are_repaired(place):
    write(place, OLD)
    place.key.chmod(0o644)
    version = place.current_version()
    assert write(place, OLD)[0] == ["rights"]
    assert (mode(place.key), place.current_version()) == (0o600, version)


@pytest.mark.parametrize("layout", ["links", "files"])
def test_backup(place, layout):
    write(place, OLD, layout)
    _differences, writer = write(place, NEW, layout, backup=True)
    assert writer.replaced.parent == place.backups
    assert place.pair_in(writer.replaced).contents == OLD
    write(place, NEWER, layout, backup=True)
    assert sorted(place.pair_in(folder).contents for folder in place.backups.iterdir()) == sorted([OLD, NEW])
    write(place, NEW, layout, backup=True)
    write(place, OLD, layout, backup=True)
    assert len(names(place.backups)) == 3
    assert mode(writer.replaced / "corp.test.key") == 0o600


COMBINED = (b"certificate old\n-----BEGIN PRIVATE KEY-----\n", OLD[1])


def most_open(folder):
    """The most that anybody but the owner may do with a file in which a key is."""
    found = [path for path in folder.rglob("*") if path.is_file() and b"PRIVATE KEY-----" in path.read_bytes()]
    assert found
    return max(mode(path) & 0o077 for path in found)


@pytest.mark.parametrize("layout", ["links", "files"])
@pytest.mark.parametrize("before", [0o600, 0o644])
def test_a_certificate_file_that_holds_a_key_is_kept_as_a_key(place, layout, before):
    """Its copies are for nobody who could not read it before, and never for everybody."""
    by_hand(place, COMBINED, before)
    write(place, NEW, layout, backup=True)
    assert place.version(place.previous_version()).contents == COMBINED
    assert most_open(place.store) == 0


@pytest.mark.parametrize("layout", ["links", "files"])
def test_copies_have_no_more_rights_than_what_they_are_copies_of(place, layout):
    by_hand(place, OLD, 0o600)
    _differences, writer = write(place, NEW, layout, key_mode=0o640, backup=True)
    for folder in (writer.replaced, place.store / place.previous_version()):
        assert [mode(folder / f"corp.test.{end}") for end in ("crt", "key")] == [0o600, 0o600]


@pytest.mark.parametrize("layout", ["links", "files"])
def test_the_copy_of_a_file_elsewhere_has_no_more_rights(place, tmp_path_factory, layout):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "combined.pem"
    elsewhere.write_bytes(COMBINED[0])
    elsewhere.chmod(0o600)
    place.certificate.symlink_to(elsewhere)
    place.key.symlink_to(elsewhere)
    write(place, NEW, layout)
    assert (mode(elsewhere), most_open(place.store)) == (0o600, 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_a_copy_belongs_to_whom_the_file_belonged(place):
    by_hand(place, OLD, 0o640)
    for path in (place.certificate, place.key):
        os.chown(path, 1234, 2345)
    _differences, writer = write(place, NEW, key_mode=0o640)
    status = (writer.replaced / "corp.test.key").stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 2345, 0o640)


def test_a_copy_of_a_foreign_file_by_somebody_who_is_not_root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getegid", lambda: 1001)
    before, wanted = Rights(0o640, 0, 50), Rights(0o644, 1000, 60)
    assert disk.rights_of_copy(before, wanted) == Rights(0o600, 1000, 1001)
    assert disk.rights_of_copy(Rights(0o640, 1000, 60), wanted) == Rights(0o640, 1000, 60)


@pytest.mark.parametrize("layout", ["links", "files"])
def test_what_a_killed_run_took_away_is_the_previous_pair(place, monkeypatch, layout):
    """Killed when the new pair was in place and ``previous`` still named the one before the old one."""
    write(place, OLD, layout)
    write(place, NEW, layout)
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda path, to: die() if path == place.journal else replace(path, to))
    with pytest.raises(Killed):
        write(place, NEWER, layout)
    assert place.look().contents == NEWER
    assert place.version(place.previous_version()).contents == NEW
    monkeypatch.undo()
    tidy(place)
    assert place.version(place.previous_version()).contents == NEW
    assert not place.journal.is_symlink()


def test_what_a_killed_run_took_away_when_nothing_is_in_place(place, monkeypatch):
    write(place, OLD, "files")
    write(place, NEW, "files")
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda path, to: die() if path.name == place.key.name else replace(path, to))
    with pytest.raises(Killed):
        write(place, NEWER, "files")
    assert not place.certificate.exists()
    assert place.version(place.previous_version()).contents == NEW
    assert place.layout() == "files"


@pytest.mark.parametrize("layout", ["links", "files"])
def test_a_run_that_was_killed_before_it_changed_anything_took_nothing_away(place, monkeypatch, layout):
    write(place, OLD, layout)
    write(place, NEW, layout)
    put_link = write_module.put_link
    monkeypatch.setattr(write_module, "put_link", lambda *arguments: (put_link(*arguments), die()))
    with pytest.raises(Killed):
        write(place, NEWER, layout)
    assert place.journal.is_symlink()
    assert place.look().contents == NEW
    assert place.version(place.previous_version()).contents == OLD


class Killed(BaseException):
    """A process that is gone cleans up nothing."""


def die():
    raise Killed


def test_what_is_not_ours_in_the_store_stays(place):
    write(place, OLD)
    (place.store / "pending").mkdir()
    (place.store / "note.txt").write_text("by hand")
    (place.store / ".new-20250101T000000").mkdir()
    (place.store / "20250101T000000").mkdir()
    write(place, NEW)
    assert {"pending", "note.txt"} < set(names(place.store))
    assert not {".new-20250101T000000", "20250101T000000"} & set(names(place.store))


def test_a_folder_with_the_files_name(place):
    place.certificate.mkdir()
    with pytest.raises(WriteError) as caught:
        place.look()
    assert str(caught.value) == (
        f"{place.certificate} is no ordinary file, or far too large for one of a certificate. Nothing was changed. Does "
        "something else use this name? Move it away, or take another path or name."
    )


@pytest.mark.parametrize("what", ["store", "current"])
def test_a_store_that_is_none(place, what):
    if what == "store":
        place.store.write_text("a file")
    else:
        place.current.mkdir(parents=True)
    with pytest.raises(WriteError, match=f"{place.store}.* is not the (folder|link) that this module keeps pairs with"):
        place.look()


def test_a_key_is_never_for_others(place, monkeypatch):
    """Mode 0600 and below before it has content and before it has its owner."""
    seen = []
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: seen.append(stat.S_IMODE(os.fstat(fd).st_mode)) or real(fd, data))
    monkeypatch.setattr(os, "fchown", lambda fd, uid, gid: seen.append(stat.S_IMODE(os.fstat(fd).st_mode)))
    umask = os.umask(0)
    try:
        disk.create(place.folder / "key", b"secret", Rights(0o640, OWN[0], OWN[1] + 1))
    finally:
        os.umask(umask)
    assert seen == [0o600, 0o600]
    assert mode(place.folder / "key") == 0o640


def test_folders_are_for_everybody_whatever_the_umask(tmp_path):
    umask = os.umask(0o077)
    try:
        make_folder(tmp_path / "a" / "b")
    finally:
        os.umask(umask)
    assert (mode(tmp_path / "a"), mode(tmp_path / "a" / "b")) == (0o755, 0o755)


def test_two_runs_wait_for_each_other(tmp_path):
    with locked(tmp_path):
        with pytest.raises(WriteError) as caught, locked(tmp_path, patience=0):
            pass
        assert str(caught.value) == (
            f"{tmp_path} is in use by another run since 0 seconds. Nothing was changed. Do two plays run on this host? Run it "
            "again when the other one is done."
        )
        entered = threading.Event()

        def second():
            with locked(tmp_path):
                entered.set()

        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.2)
    thread.join(5)
    assert entered.is_set()
    assert names(tmp_path) == []


@pytest.mark.parametrize(("value", "expected"), [("0640", 0o640), ("640", 0o640), (0o600, 0o600)])
def test_mode(value, expected):
    assert mode_of(value, "mode") == expected


@pytest.mark.parametrize("value", ["u=rw", "9", "01777", True, -1, None])
def test_wrong_mode(value):
    with pytest.raises(InputError) as caught:
        mode_of(value, "mode")
    assert str(caught.value) == (
        f'mode: {value!r} is no file mode. Is it a symbolic one? Write it in octal and quoted, "0640".'
    )
