# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SQLite files of ejabberd: how they are written, copies of them, and their way back.

Installed on the chat host by the role onprem.chat.ejabberd:

  wal FILE...                     before each start, as the user ejabberd: every file has a write-ahead log; made when missing
  room FOLDER BYTES               fails when so many bytes would leave FOLDER without room to write
  copy FOLDER OWNER FILE...       as root: proven copies in FOLDER, which belong to OWNER, while ejabberd goes on; prints
                                  {name: {sha256, size in bytes}} as JSON
  place FOLDER PORTS TIMEOUT {FILE: SHA256, ...}
                                  as root: the files of FOLDER, which must have these sums, take the places of FILEs, with ejabberd
                                  stopped for it, and ejabberd serves PORTS again within TIMEOUT seconds; prints where the former files are

Why a write-ahead log: without one a reader keeps the writer out, and ejabberd 23.01 does not wait. It drops what it wanted to
write, messages too, with "database is locked" (https://www.sqlite.org/wal.html).
"""

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

SPARE = 64 * 2**20  # bytes that stay free whatever is copied
# What SQLite may keep beside a database. It belongs to this one and to no other.
BESIDE = ("-wal", "-shm", "-journal")
MAGIC = b"SQLite format 3\0"
# One at a time works at the databases.
LOCK = pathlib.Path("/var/lib/onprem-chat/ejabberd/databases.lock")


class DatabaseError(Exception):
    """What is wrong, for people."""


def connect(path, mode):
    """A connection to a file that must exist (mode rw) or may be made (rwc)."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=30, isolation_level=None)


def wal(files):
    """Each file has a write-ahead log. SQLite keeps this in the file; ejabberd makes its tables in one that has none."""
    wrong = []
    for file in files:
        try:
            with contextlib.closing(connect(file, "rwc")) as database:
                mode = database.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        except sqlite3.Error as error:
            mode = str(error)
        if mode != "wal":
            wrong.append(f"{file} has no write-ahead log: {mode}")
    if wrong:
        raise DatabaseError("\n".join(wrong))


def sound(path, name):
    """SQLite finds nothing wrong with it; all of it is read."""
    with contextlib.closing(connect(path, "rw")) as database:
        wrong = [row[0] for row in database.execute("PRAGMA integrity_check(3)")]
    if wrong != ["ok"]:
        raise DatabaseError(f"{name} is damaged: {'; '.join(wrong)}")


def digest(path):
    total = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            total.update(block)
    return total.hexdigest()


def room(folder, needed):
    """Enough free space for what comes."""
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE:
        raise DatabaseError(
            f"{folder} has {free // 2**20} MiB free and {(needed + SPARE) // 2**20} MiB are needed. Make room there"
        )


def settle(path):
    """To the disk, whatever happens to the power."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def duplicate(source, target, online):
    """A copy at one moment, proven; the target is one file with nothing beside it."""
    target.unlink(missing_ok=True)
    try:
        with contextlib.closing(connect(source, "rw")) as database:
            mode = database.execute("PRAGMA journal_mode").fetchone()[0]
            if online and mode != "wal":
                raise DatabaseError(
                    f"{source} has no write-ahead log (journal mode {mode}), and reading it now would make ejabberd lose messages. "
                    "After an upgrade of the collection the playbook onprem.chat.server changes that; else restart ejabberd, and "
                    "look into its journal when it stays so (systemctl restart ejabberd; journalctl -u ejabberd)"
                )
            pages, size = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
            room(target.parent, pages * size)
            with contextlib.closing(connect(target, "rwc")) as copy:
                # All pages in one step: in several, each message that is written between two begins the copy again.
                database.backup(copy, pages=-1)
                copy.execute("PRAGMA journal_mode=DELETE")
        sound(target, source)
    except sqlite3.Error as error:
        raise DatabaseError(f"{source} could not be copied to {target}: {error}") from error
    settle(target)


def copies(folder, owner, files, online):
    """Copies of all files, or an error; what each of them is."""
    found = {}
    for file in files:
        target = folder / file.name
        duplicate(file, target, online)
        target.chmod(0o600)
        shutil.chown(target, owner)
        found[target.name] = {"sha256": digest(target), "size": target.stat().st_size}
    return found


def sides(file):
    """What there is beside a database."""
    return [path for path in (file.with_name(file.name + suffix) for suffix in BESIDE) if path.exists()]


def set_aside(file, kept):
    """What is there now lies in the folder. The file is at its place as well: there is no moment without it."""
    if not file.exists():
        return
    # Where ejabberd ended badly its last words are in the log: into the file with them. What is no database any more is not opened,
    # and keeps everything that whoever looks into it may need.
    with file.open("rb") as opened:
        database = opened.read(len(MAGIC)) == MAGIC
    if database and sides(file):
        with contextlib.suppress(sqlite3.Error), contextlib.closing(connect(file, "rw")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    (kept / file.name).hardlink_to(file)
    for beside in sides(file):
        beside.rename(kept / beside.name)


def resume(files):
    """Undoes what a killed exchange has begun: a database under two names, and its log in another folder. Nobody may use it."""
    for file in files:
        for kept in file.parent.glob("before-restore-*"):
            former = kept / file.name
            if former.exists() and file.exists() and former.samefile(file):
                put_back(file, kept)


def put_back(file, kept):
    """As it was before set_aside, however far that and what followed came."""
    former = kept / file.name
    if not former.exists():
        # It was not begun with this one, or there was none, and the new one does no harm.
        return
    if not former.samefile(file):
        for beside in sides(file):
            beside.unlink()
        former.replace(file)
    # Two names of one file: it was never replaced.
    former.unlink(missing_ok=True)
    for beside in sides(former):
        beside.rename(file.with_name(beside.name))


def prepare(folder, sums):
    """Proven copies beside their places, which belong to whom the folder there belongs to."""
    made = []
    for file, wanted in sums.items():
        source, new = folder / file.name, file.with_name(file.name + ".restore")
        if digest(source) != wanted:
            raise DatabaseError(f"{source} is not what was sent. Does another run work at the same host?")
        made.append(new)
        duplicate(source, new, online=False)
        new.chmod(0o600)
        status = file.parent.stat()
        os.chown(new, status.st_uid, status.st_gid)
    return made


def exchange(made, files, kept):
    """The new files are at the places of the former ones, which are in the folder."""
    for new, file in zip(made, files, strict=True):
        set_aside(file, kept)
        new.replace(file)
    settle(kept)
    settle(kept.parent)


def keeper(folder):
    """A new folder beside the databases for the former ones."""
    kept = folder / time.strftime("before-restore-%Y%m%dT%H%M%SZ", time.gmtime())
    kept.mkdir(mode=0o700)
    status = folder.stat()
    os.chown(kept, status.st_uid, status.st_gid)
    return kept


def retreat(files, kept, ports, seconds, service):
    """The former files are at their places again; what became of it, in words."""
    wrong = service.stop()
    if wrong:
        return f"{wrong}. So the databases of the backup are still at their places, and the former ones in {kept}"
    for file in files:
        put_back(file, kept)
    with contextlib.suppress(OSError):
        kept.rmdir()
    wrong = service.start(ports, seconds)
    end = f"but ejabberd did not come up with them either: {wrong}" if wrong else "and ejabberd runs with them"
    return f"The former databases were put back, {end}"


def place(folder, ports, seconds, sums, service):
    """The folder with the former files. The service has stop() and start(ports, seconds), which say what went wrong."""
    files = list(sums)
    try:
        made = prepare(folder, sums)
        kept = keeper(files[0].parent)
        wrong = service.stop()
        if wrong:
            kept.rmdir()
            again = service.start(ports, seconds)
            end = f"but ejabberd is not up: {again}" if again else "and ejabberd runs"
            raise DatabaseError(f"{wrong}. The databases are as they were, {end}")
        try:
            exchange(made, files, kept)
            wrong = service.start(ports, seconds)
        except OSError as error:
            wrong = str(error)
        if wrong:
            raise DatabaseError(f"{wrong}\n{retreat(files, kept, ports, seconds, service)}")
    finally:
        for file in files:
            for suffix in ("", *BESIDE):
                file.with_name(f"{file.name}.restore{suffix}").unlink(missing_ok=True)
    return kept


class Unit:
    """ejabberd as systemd knows it, by the functions of the helper beside this one."""

    def __init__(self):
        # What runs as the user ejabberd does not need it.
        import ejabberd_config

        self.helper = ejabberd_config

    def active(self):
        return self.helper.unit("ActiveState") not in ("inactive", "failed")

    def stop(self):
        # Debian's unit gives ExecStop and then the process 300 seconds each to end, and then kills it.
        try:
            self.helper.run("systemctl", "stop", "ejabberd.service", timeout=930)
        except subprocess.SubprocessError as error:
            return f"ejabberd could not be stopped: {error}"
        return "ejabberd could not be stopped: journalctl -u ejabberd tells more" if self.active() else ""

    def start(self, ports, seconds):
        try:
            return self.helper.bring("start", ports, seconds)
        except subprocess.SubprocessError as error:
            return f"ejabberd hangs: {error}"


@contextlib.contextmanager
def alone():
    """Nobody else copies or places. The lock ends with the process."""
    with LOCK.open("w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatabaseError(
                "Another backup or restore works at these databases just now. Wait until it has ended, then run this again"
            ) from None
        yield


def main(verb, *given):
    sys.dont_write_bytecode = True
    os.umask(0o077)
    try:
        if verb == "wal":
            files = [pathlib.Path(name) for name in given]
            resume(files)
            wal(files)
        elif verb == "room":
            room(given[0], int(given[1]))
        elif verb == "copy":
            folder, owner, *files = given
            with alone():
                found = copies(pathlib.Path(folder), owner, [pathlib.Path(name) for name in files], Unit().active())
            print(json.dumps(found))
        elif verb == "place":
            folder, ports, seconds, sums = given
            # A lost connection would end it between stop and start.
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            wanted = {pathlib.Path(name): total for name, total in json.loads(sums).items()}
            unit = Unit()
            with alone():
                # Of a running ejabberd its start has done so, and a log that is put beside its database now would destroy that.
                if not unit.active():
                    resume(wanted)
                kept = place(pathlib.Path(folder), [int(port) for port in ports.split(",")], int(seconds), wanted, unit)
            print(kept)
        else:
            raise DatabaseError(f"{verb} is none of wal, room, copy, place")
    except (DatabaseError, OSError, sqlite3.Error, subprocess.SubprocessError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
