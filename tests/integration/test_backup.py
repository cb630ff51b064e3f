# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks backup and restore against a real ejabberd, with what a stock client finds before and after.

The tests are one story in the order of the file; each says what it leaves for the next.
"""

from __future__ import annotations

import json
import re
import shutil
import threading
from pathlib import Path

import pytest
from conftest import ROOT

BACKUP, RESTORE = "onprem.chat.backup", "onprem.chat.restore"
DATABASE = "/var/lib/ejabberd/corp.test.sqlite"
BROKEN = "/etc/ejabberd/ejabberd.yml"


class Site:
    """A chat server whose users have written something."""

    def __init__(self, lab, folder: Path) -> None:
        self.lab, self.folder = lab, folder

    def run(self, playbook: str, *arguments: str, **variables):
        extra = {"chat_backup_directory": str(self.folder), "chat_backup_keep": 2} | variables
        return self.lab.playbook(playbook, "-e", json.dumps(extra), *arguments)

    def shell(self, command: str) -> str:
        return self.lab.exec("chat", ["sh", "-c", "cd /; " + command], check=True).stdout

    def write(self, *words: str) -> None:
        """Messages to boris, who is not there."""
        for word in words:
            self.shell(f"ejabberdctl send_message chat anna@corp.test boris@corp.test '' {word}")

    def mailbox(self, name: str) -> dict:
        script = str(ROOT / "tests/integration/xmpp_mailbox.py")
        arguments = ["python3", script, str(self.lab.state / "pki" / "root.crt"), name]
        return json.loads(self.lab.exec("users", arguments, check=True).stdout)

    def backups(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "chat").iterdir() if path.name != ".gitignore")

    def look(self) -> str:
        """What must not change: the process of ejabberd, its files, what is on the way."""
        return self.shell(
            "systemctl show --property MainPID --value ejabberd; find /var/lib/ejabberd /var/lib/onprem-chat -maxdepth 1 -printf '%p %m %u\\n' | sort"
        )


def said(result) -> str:
    return " ".join((result.stdout + result.stderr).replace("\\n", " ").replace('\\"', '"').split())


@pytest.fixture(scope="module")
def site(fresh_chat, tmp_path_factory):
    shutil.rmtree(fresh_chat.state / "pki", ignore_errors=True)
    fresh_chat.chat_server()
    found = Site(fresh_chat, tmp_path_factory.mktemp("backup") / "kept")
    found.shell("ejabberdctl add_rosteritem boris corp.test anna corp.test Anna Friends both")
    found.write("first-word", "second-word")
    return found


def test_nothing_was_backed_up_yet(site):
    """It leaves nothing on either side."""
    before = site.look()
    result = site.run(RESTORE, restore="latest")
    assert result.returncode != 0
    assert (
        f"Nothing was done: {site.folder}/chat/latest is no backup that this version can read (there is no backup.json in it)"
        in said(result)
    )
    assert "Of chat there are: none." in said(result)
    result = site.run(BACKUP, "--check", "--diff")
    assert result.returncode == 0, said(result)
    assert re.search(
        rf"would copy corp.test.sqlite \([0-9.]+ [KM]B\) to {site.folder}/chat and keep the last 2 backups",
        said(result),
    )
    assert not site.folder.exists()
    assert site.look() == before


def test_backup_while_users_write(site):
    """No message is lost to it, the copy is whole, and only who made it may read it."""
    stop, written = threading.Event(), []

    def write():
        while not stop.is_set():
            written.append(f"during-{len(written)}")
            site.write(written[-1])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        results = [site.run(BACKUP) for _number in range(3)]
    finally:
        stop.set()
        writer.join()
    assert [result.returncode for result in results] == [0, 0, 0], said(results[-1])
    assert written
    assert site.mailbox("boris") == {"contacts": ["anna@corp.test"], "archive": ["first-word", "second-word", *written]}
    # Two are kept, and nothing of their making stays.
    assert len(site.backups()) == 2
    assert all(re.fullmatch(r"\d{8}T\d{6}Z", name) for name in site.backups())
    files = {path for path in site.folder.rglob("*") if path.is_file()}
    assert {path.name for path in files} == {".gitignore", "backup.json", "corp.test.sqlite"}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {path.parent.stat().st_mode & 0o777 for path in files} == {0o700}
    assert "onprem-chat/ejabberd-" not in site.look()
    assert "database is locked" not in site.shell("cat /var/log/ejabberd/ejabberd.log")


def test_lost_host(site):
    """A new host has what the backup has, for a stock client."""
    result = site.run(BACKUP)
    assert result.returncode == 0, said(result)
    before = site.mailbox("boris")
    site.lab.reset("chat")
    site.lab.up()
    result = site.run(RESTORE, restore="latest")
    assert result.returncode != 0
    assert (
        "Nothing was done: there is no ejabberd on chat that this role set up. Run the playbook onprem.chat.site first"
        in said(result)
    )
    site.lab.chat_server()
    assert site.mailbox("boris") == {"contacts": [], "archive": []}
    result = site.run(RESTORE, restore="latest")
    assert result.returncode == 0, said(result)
    assert f"chat has the databases of {site.backups()[-1]}" in said(result)
    assert len(before["archive"]) > 2
    assert site.mailbox("boris") == before
    # It writes on, with a log beside the database as before.
    site.write("after")
    assert site.mailbox("boris")["archive"] == [*before["archive"], "after"]
    assert "-wal" in site.shell(f"ls {DATABASE}*")
    result = site.lab.playbook("onprem.chat.server")
    assert result.returncode == 0, said(result)
    assert re.search(r"^chat +:.* changed=0 ", result.stdout, re.MULTILINE)


def test_another_domain_version_or_content(site):
    """Each is told before anything is touched."""
    before = site.look()
    newest = site.folder / "chat" / site.backups()[-1]

    def altered(name: str, change) -> str:
        copy = site.folder / name
        shutil.copytree(newest, copy)
        change(copy)
        return str(copy)

    def manifest(copy: Path, **values) -> None:
        file = copy / "backup.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | values))

    def flip(copy: Path) -> None:
        data = bytearray((copy / "corp.test.sqlite").read_bytes())
        data[5000] ^= 1
        (copy / "corp.test.sqlite").write_bytes(data)

    cases = {
        "domain": (
            lambda copy: manifest(copy, databases={"old.test.sqlite": {}}),
            "is one of old.test, and this chat server serves corp.test.",
        ),
        "version": (
            lambda copy: manifest(copy, version="24.02-1"),
            "was made by ejabberd 24.02-1, and chat has 23.01-1.",
        ),
        "flipped": (flip, "corp.test.sqlite is not what was copied then: its SHA-256 is another one."),
        "cut": (lambda copy: (copy / "backup.json").write_text('{"format": 1,'), "its backup.json has another form"),
    }
    for name, (change, message) in cases.items():
        result = site.run(RESTORE, restore=altered(name, change))
        assert result.returncode != 0
        assert (
            f"Nothing was done: {'the backup ' if name in ('domain', 'version') else ''}{site.folder}/{name}"
            in said(result)
        )
        assert message in said(result), name
    assert site.look() == before


def test_which_one_must_be_said(site):
    before = site.look()
    result = site.run(RESTORE)
    assert result.returncode != 0
    assert (
        "Nothing was done. This puts the databases of a backup into the place of the present ones on chat. Say which: "
        in said(result)
    )
    result = site.run(RESTORE, "--check")
    assert result.returncode == 0, said(result)
    assert (
        f"would stop ejabberd on chat, put corp.test.sqlite of {site.folder}/chat/{site.backups()[-1]} into place"
        in said(result)
    )
    result = site.run(RESTORE, restore="20010101T000000Z")
    assert result.returncode != 0
    assert f"Of chat there are: {', '.join(site.backups())}." in said(result)
    assert site.look() == before


def test_ejabberd_that_does_not_start(site):
    """The former databases are back, whatever else is wrong; once that is mended, users have what they had."""
    before = site.mailbox("boris")
    assert before["archive"][-1] == "after"
    kept = site.look().count("before-restore-")
    site.shell(f"cp -a {BROKEN} /root/good.yml; echo 'certfiles: [oops' >> {BROKEN}")
    result = site.run(RESTORE, restore="latest", ejabberd_start_timeout=20)
    assert result.returncode != 0
    assert "The former databases were put back, but ejabberd did not come up with them either" in said(result)
    site.shell(f"cp -a /root/good.yml {BROKEN}; systemctl start ejabberd")
    assert site.mailbox("boris") == before
    assert site.look().count("before-restore-") == kept
    assert ".restore" not in site.look()


def test_a_product_that_nobody_can_back_up(site):
    result = site.lab.playbook(BACKUP, "-e", '{"__site_product": "mts_link"}')
    assert result.returncode != 0
    assert (
        "Nothing was done. How mts_link is backed up and brought back is not in its vendor's public documents"
        in said(result)
    )
