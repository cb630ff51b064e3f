# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps ejabberd's databases (roles/ejabberd/files/ejabberd_databases.py), with real SQLite files and a service that is a double."""

from __future__ import annotations

import collections
import contextlib
import getpass
import importlib.util
import os
import sqlite3
import stat
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "roles/ejabberd/files/ejabberd_databases.py"
NAMES = ("corp.test.sqlite", "other.test.sqlite")


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("ejabberd_databases", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(path: Path, *words: str, mode: str = "wal") -> Path:
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA journal_mode={mode}")
        database.execute("CREATE TABLE IF NOT EXISTS archive (word)")
        database.executemany("INSERT INTO archive VALUES (?)", [(word,) for word in words])
        database.commit()
    return path


def read(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as database:
        return [row[0] for row in database.execute("SELECT word FROM archive")]


def mode(path: Path) -> str:
    with contextlib.closing(sqlite3.connect(path)) as database:
        return database.execute("PRAGMA journal_mode").fetchone()[0]


class Service:
    """ejabberd as far as place() knows it: what was done to it, and what goes wrong."""

    def __init__(self, stop: tuple[str, ...] = (), start: tuple[str, ...] = ()) -> None:
        self.done, self.stops, self.starts = [], list(stop), list(start)

    def stop(self):
        self.done.append("stop")
        return self.stops.pop(0) if self.stops else ""

    def start(self, ports, seconds):
        self.done.append(f"start {ports} {seconds}")
        return self.starts.pop(0) if self.starts else ""


@pytest.fixture
def live(tmp_path):
    folder = tmp_path / "live"
    folder.mkdir()
    return [write(folder / name, "former") for name in NAMES]


@pytest.fixture
def backup(tmp_path):
    folder = tmp_path / "backup"
    folder.mkdir()
    for name in NAMES:
        write(folder / name, "kept", mode="delete")
    return folder


def beside(files: list[Path]) -> list[str]:
    """Everything else that is in the folder of the databases."""
    return sorted(path.name for path in files[0].parent.iterdir() if path not in files)


def place(script, backup, live, service):
    sums = {file: script.digest(backup / file.name) for file in live}
    return script.place(backup, [5222], 90, sums, service)


def test_wal_of_new_and_old_files(script, tmp_path):
    old, new = write(tmp_path / "old.sqlite", "word", mode="delete"), tmp_path / "new.sqlite"
    script.wal([old, new])
    assert (mode(old), mode(new)) == ("wal", "wal")
    assert read(old) == ["word"]


def test_wal_of_what_is_no_database(script, tmp_path):
    """The others have theirs all the same."""
    file, good = tmp_path / "no.sqlite", tmp_path / "good.sqlite"
    file.write_text("this is no database at all, but long enough for a header\n" * 9)
    with pytest.raises(script.DatabaseError) as error:
        script.wal([file, good])
    assert str(error.value) == f"{file} has no write-ahead log: file is not a database"
    assert mode(good) == "wal"


def test_copies(script, live, tmp_path):
    target = tmp_path / "copies"
    target.mkdir()
    found = script.copies(target, getpass.getuser(), live, online=True)
    assert sorted(found) == sorted(NAMES) == sorted(path.name for path in target.iterdir())
    for name in NAMES:
        copy = target / name
        assert (read(copy), mode(copy)) == (["former"], "delete")
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert found[name] == {"sha256": script.digest(copy), "size": copy.stat().st_size}
    # The same content is the same copy.
    assert script.copies(target, getpass.getuser(), live, online=True) == found


def test_a_writer_goes_on_while_it_is_copied(script, live, tmp_path):
    """What is written and not committed is not in the copy, and the writer is not kept out."""
    target = tmp_path / "copy.sqlite"
    with contextlib.closing(sqlite3.connect(live[0], isolation_level=None, timeout=0)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO archive VALUES ('later')")
        script.duplicate(live[0], target, online=True)
        writer.execute("COMMIT")
    assert read(target) == ["former"]
    assert read(live[0]) == ["former", "later"]


def test_without_a_log_nothing_is_read(script, tmp_path):
    file, target = write(tmp_path / "old.sqlite", "word", mode="delete"), tmp_path / "copy.sqlite"
    with pytest.raises(script.DatabaseError) as error:
        script.duplicate(file, target, online=True)
    assert str(error.value) == (
        f"{file} has no write-ahead log (journal mode delete), and reading it now would make ejabberd lose messages. "
        "After an upgrade of the collection the playbook onprem.chat.server changes that; else restart ejabberd, and "
        "look into its journal when it stays so (systemctl restart ejabberd; journalctl -u ejabberd)"
    )
    assert not target.exists()
    # With ejabberd stopped there is nobody to lose them.
    script.duplicate(file, target, online=False)
    assert read(target) == ["word"]


def test_a_damaged_database(script, live, tmp_path):
    write(live[0], *(f"{number}" * 50 for number in range(5000)), mode="delete")
    data = bytearray(live[0].read_bytes())
    data[8192:12288] = os.urandom(8) + bytes(4088)
    live[0].write_bytes(data)
    with pytest.raises(script.DatabaseError, match=f"^{live[0]} (is damaged: |could not be copied to )"):
        script.duplicate(live[0], tmp_path / "copy.sqlite", online=False)


@pytest.mark.parametrize("content", [None, b"no database " * 100])
def test_no_database(script, tmp_path, content):
    file = tmp_path / "no.sqlite"
    if content:
        file.write_bytes(content)
    with pytest.raises(script.DatabaseError) as error:
        script.duplicate(file, tmp_path / "copy.sqlite", online=True)
    reason = "file is not a database" if content else "unable to open database file"
    assert str(error.value) == f"{file} could not be copied to {tmp_path / 'copy.sqlite'}: {reason}"


def test_no_room(script, live, tmp_path, monkeypatch):
    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr(script.shutil, "disk_usage", lambda _folder: usage(2**30, 2**30 - 2**25, 2**25))
    with pytest.raises(script.DatabaseError) as error:
        script.copies(tmp_path, getpass.getuser(), live, online=True)
    assert str(error.value) == f"{tmp_path} has 32 MiB free and 64 MiB are needed. Make room there"
    assert not (tmp_path / NAMES[0]).exists()


def test_place(script, live, backup):
    service = Service()
    kept = place(script, backup, live, service)
    assert service.done == ["stop", "start [5222] 90"]
    assert [read(file) for file in live] == [["kept"], ["kept"]]
    assert [read(kept / name) for name in NAMES] == [["former"], ["former"]]
    assert {stat.S_IMODE(path.stat().st_mode) for path in live} == {0o600}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    assert beside(live) == [kept.name]


def test_place_where_there_is_none(script, live, backup):
    live[1].unlink()
    kept = place(script, backup, live, Service())
    assert [read(file) for file in live] == [["kept"], ["kept"]]
    assert [path.name for path in kept.iterdir()] == [NAMES[0]]


def test_place_takes_along_what_a_crash_left(script, live, backup):
    """What ejabberd wrote last is only in the log: it stays with the former file and never comes to the new one."""
    writer = sqlite3.connect(live[0], isolation_level=None)
    writer.execute("INSERT INTO archive VALUES ('last')")
    crashed = {path.name: path.read_bytes() for path in live[0].parent.glob(NAMES[0] + "*")}
    writer.close()
    for name, content in crashed.items():
        (live[0].parent / name).write_bytes(content)
    assert live[0].with_name(NAMES[0] + "-wal").stat().st_size
    kept = place(script, backup, live, Service())
    assert (read(live[0]), read(kept / NAMES[0])) == (["kept"], ["former", "last"])


def test_place_keeps_all_of_a_damaged_one(script, live, backup):
    live[0].write_bytes(b"damaged " * 100)
    live[0].with_name(NAMES[0] + "-wal").write_bytes(b"log")
    kept = place(script, backup, live, Service())
    assert [read(file) for file in live] == [["kept"], ["kept"]]
    assert (kept / NAMES[0]).read_bytes() == b"damaged " * 100
    assert (kept / f"{NAMES[0]}-wal").read_bytes() == b"log"
    assert beside(live) == [kept.name]


def test_a_damaged_backup_stops_nobody(script, live, backup):
    (backup / NAMES[1]).write_bytes(b"damaged " * 100)
    service = Service()
    with pytest.raises(script.DatabaseError, match="file is not a database"):
        place(script, backup, live, service)
    assert service.done == []
    assert [read(file) for file in live] == [["former"], ["former"]]
    assert beside(live) == []


def test_a_backup_that_another_run_changed(script, live, backup):
    sums = {file: script.digest(backup / file.name) for file in live}
    write(backup / NAMES[1], "later", mode="delete")
    service = Service()
    with pytest.raises(script.DatabaseError) as error:
        script.place(backup, [5222], 90, sums, service)
    assert str(error.value) == f"{backup / NAMES[1]} is not what was sent. Does another run work at the same host?"
    assert service.done == []
    assert beside(live) == []


@pytest.mark.parametrize(
    ("starts", "end"),
    [((), "and ejabberd runs"), (("it hangs",), "but ejabberd is not up: it hangs")],
    ids=["comes back", "stays down"],
)
def test_a_service_that_does_not_stop(script, live, backup, starts, end):
    service = Service(stop=("ejabberd could not be stopped: no reason",), start=starts)
    with pytest.raises(script.DatabaseError) as error:
        place(script, backup, live, service)
    assert str(error.value) == f"ejabberd could not be stopped: no reason. The databases are as they were, {end}"
    assert service.done == ["stop", "start [5222] 90"]
    assert [read(file) for file in live] == [["former"], ["former"]]
    assert beside(live) == []


@pytest.mark.parametrize(
    ("starts", "end"),
    [
        (("it ended",), "it ended\nThe former databases were put back, and ejabberd runs with them"),
        (
            ("it ended", "again"),
            "it ended\nThe former databases were put back, but ejabberd did not come up with them either: again",
        ),
    ],
    ids=["comes back", "stays down"],
)
def test_a_service_that_does_not_start(script, live, backup, starts, end):
    service = Service(start=starts)
    with pytest.raises(script.DatabaseError) as error:
        place(script, backup, live, service)
    assert str(error.value) == end
    assert service.done == ["stop", "start [5222] 90"] * 2
    assert [read(file) for file in live] == [["former"], ["former"]]
    assert beside(live) == []


def test_a_service_that_hangs_with_them(script, live, backup):
    """Files are not exchanged under a process that may still write."""
    service = Service(stop=("", "ejabberd could not be stopped: no reason"), start=("it hangs",))
    with pytest.raises(script.DatabaseError) as error:
        place(script, backup, live, service)
    kept = next(path for path in live[0].parent.iterdir() if path.is_dir())
    assert str(error.value) == (
        "it hangs\nejabberd could not be stopped: no reason. So the databases of the backup are still at their places, and the "
        f"former ones in {kept}"
    )
    assert [read(file) for file in live] == [["kept"], ["kept"]]
    assert [read(kept / name) for name in NAMES] == [["former"], ["former"]]


def test_one_at_a_time(script, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "LOCK", tmp_path / "lock")
    with (
        script.alone(),
        pytest.raises(script.DatabaseError, match=r"^Another backup or restore works at these databases"),
        script.alone(),
    ):
        pass
    with script.alone():
        pass


class Killed(BaseException):
    """Power fails."""


STEPS = ("link", "rename", "replace", "fsync")


def interrupted(monkeypatch, number: int, what: BaseException) -> list[str]:
    """From the next call on: instead of the step with this number something happens; what was begun."""
    begun = []

    def instead(name, original):
        def step(*given, **named):
            begun.append(name)
            if len(begun) == number:
                raise what
            return original(*given, **named)

        return step

    for name in STEPS:
        monkeypatch.setattr(os, name, instead(name, getattr(os, name)))
    return begun


def crashed(live: list[Path]) -> None:
    """Each has a log beside it that nobody took up."""
    for file in live:
        file.write_bytes(b"former " * 100)
        file.with_name(file.name + "-wal").write_bytes(b"log")


def whole(file: Path, kept: Path | None) -> bool:
    """It is the former one with its log, or the new one and the former one is kept with its log; never one file under two names."""
    if file.read_bytes() == b"former " * 100:
        return file.with_name(file.name + "-wal").exists() and not (kept and (kept / file.name).exists())
    return (
        read(file) == ["kept"]
        and (kept / file.name).read_bytes() == b"former " * 100
        and (kept / f"{file.name}-wal").exists()
    )


@pytest.mark.parametrize("number", range(1, 13))
def test_killed_at_every_step(script, live, backup, monkeypatch, number):
    """What the next start or the next run takes up is whole; the next run does it all."""
    crashed(live)
    with monkeypatch.context() as patched:
        begun = interrupted(patched, number, Killed())
        with contextlib.suppress(Killed):
            place(script, backup, live, Service())
        assert len(begun) >= min(number, 10)
    assert all(file.exists() for file in live)
    script.resume(live)
    kept = next((path for path in live[0].parent.iterdir() if path.is_dir()), None)
    assert all(whole(file, kept) for file in live)
    if kept:
        kept.rename(kept.with_name("earlier"))
    place(script, backup, live, Service())
    assert [read(file) for file in live] == [["kept"], ["kept"]]


@pytest.mark.parametrize("number", range(3, 11))
def test_a_step_that_fails(script, live, backup, monkeypatch, number):
    """Everything is as it was, with the logs at their places."""
    crashed(live)
    service = Service()
    with monkeypatch.context() as patched:
        begun = interrupted(patched, number, OSError(28, "No space left on device"))
        with pytest.raises(
            script.DatabaseError,
            match=r"No space left on device\nThe former databases were put back, and ejabberd runs",
        ):
            place(script, backup, live, service)
        assert len(begun) >= number
    assert service.done == ["stop", "stop", "start [5222] 90"]
    for file in live:
        assert file.read_bytes() == b"former " * 100
        assert file.with_name(file.name + "-wal").read_bytes() == b"log"
    assert beside(live) == sorted(f"{name}-wal" for name in NAMES)
