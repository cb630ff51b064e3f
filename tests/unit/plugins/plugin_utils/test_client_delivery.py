# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delivery: which way is taken, what the host is told, and that nothing is trusted before its hash was calculated there."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import pathlib

import pytest

from ansible_collections.onprem.chat.plugins.plugin_utils._client import delivery, msi_log, smb
from ansible_collections.onprem.chat.plugins.plugin_utils._client.errors import DeliveryError, OptionError, RefusedError
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import DeadlineError, FileRefused
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.runner import Answer
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.client_fake import BYTES, HASH, Host, msi, said

PATH = "C:\\Program Files\\onprem.chat\\files\\x\\chat.msi"
URL = "https://files.corp.test/chat.msi?token=canary-81f2"
RIGHT = said(f"SHA256:\r\n{HASH}\r\n")
SHARE = r"\\files.corp.test\packages\chat.msi"
OTHER = hashlib.sha256(b"other").hexdigest()
# For the folder, for the room before and after a way failed.
ROOM = {
    "if not exist": said(),
    "dir /-c": said("  6 Dir(s)  99000000000 bytes free\r\n"),
    "for %A": said("ECHO is on.\r\n"),
}
MISSING = said(code=1)


@pytest.fixture
def package(tmp_path):
    (tmp_path / "chat.msi").write_bytes(BYTES)
    return msi(path=str(tmp_path / "chat.msi"))


def host_with(certutil, **answers):
    """``certutil``: what it says of the package's place before, and after."""
    return Host(
        {"certutil": certutil, **answers, **{piece: one for piece, one in ROOM.items() if piece not in answers}}
    )


def deliver(host, package, **source):
    return delivery.deliver(host, delivery.Source(**source), package, PATH, 60.0)


def test_what_is_there_already_is_not_sent(package):
    host = host_with(RIGHT)
    assert deliver(host, package, url=URL) == "present"
    assert (host.batches, host.commands, host.files) == (1, [], {})


def test_the_folder_is_made_and_looked_at_in_one_line(package):
    host = host_with(MISSING)
    assert deliver(host, package) == "channel"
    folder = PATH.rpartition("\\")[0]
    assert host.asked == [
        [f'if not exist "{folder}" md "{folder}"', f'certutil -hashfile "{PATH}" SHA256', 'dir /-c /ad "C:\\\\"']
    ]
    # The channel compares it on the host itself.
    assert (host.files, host.commands) == ({PATH: BYTES}, [])


def test_a_package_that_is_exchanged_meanwhile_is_not_sent(package):
    host = host_with(MISSING)
    pathlib.Path(package.path).write_bytes(b"another")
    with pytest.raises(DeliveryError, match="The package is not the one that was looked at"):
        deliver(host, package)
    assert host.files == {}


def test_curl_gets_the_address_by_standard_input(package):
    host = host_with([MISSING, RIGHT], **{"curl.exe": said()})
    assert deliver(host, package, url=URL) == "pull"
    assert all("canary" not in command for command in host.commands)
    config = host.inputs[0].decode()
    assert f'url = "{URL}"\n' in config and "continue-at = -\n" in config
    assert 'output = "C:\\\\Program Files\\\\onprem.chat\\\\files\\\\x\\\\chat.msi"\n' in config


def test_an_address_without_secrets_is_an_argument(package):
    host = host_with([MISSING, RIGHT], **{"curl.exe": said()})
    assert deliver(host, package, url="https://files.corp.test/chat.msi") == "pull"
    assert host.commands[0] == (
        "curl.exe --fail --silent --show-error --location --retry 4 --retry-delay 2 --max-time 60 --continue-at - --output "
        f'"{PATH}" "https://files.corp.test/chat.msi"'
    )


def test_a_server_that_cannot_resume_is_asked_for_everything(package):
    host = host_with([MISSING, RIGHT], **{"curl.exe": [said(code=33), said()], "del ": said()})
    assert deliver(host, package, way="pull", url=URL) == "pull"
    assert b"continue-at" in host.inputs[0] and b"continue-at" not in host.inputs[2]


REVOKED = dataclasses.replace(
    said(code=35),
    stderr=b"curl: (35) schannel: next InitializeSecurityContext failed: Unknown error (0x80092012) - Die ...",
)


def test_a_list_of_revoked_certificates_that_cannot_be_reached_is_no_obstacle(package):
    """curl.exe asks for it and gives up, as Windows' own programs do not: curl/curl#4981, #12239."""
    host = host_with([MISSING, RIGHT], **{"curl.exe": [REVOKED, said()]})
    assert deliver(host, package, way="pull", url="https://files.corp.test/chat.msi") == "pull"
    asked = [command for command in host.commands if "curl.exe" in command]
    assert "--ssl-no-revoke" not in asked[0] and asked[1] == asked[0].replace(
        " --location", " --location --ssl-no-revoke"
    )


def test_with_a_token_the_server_must_be_beyond_doubt(package):
    host = host_with(MISSING, **{"curl.exe": REVOKED})
    with pytest.raises(DeliveryError, match="cannot ask whether the server's certificate was revoked") as caught:
        deliver(host, package, way="pull", url=URL)
    assert sum("curl.exe" in command for command in host.commands) == 1 and "canary" not in str(caught.value)


def test_another_failure_of_tls_is_not_tried_again(package):
    host = host_with(MISSING, **{"curl.exe": said(code=35)})
    with pytest.raises(DeliveryError, match="No TLS connection"):
        deliver(host, package, way="pull", url="https://files.corp.test/chat.msi")
    assert sum("curl.exe" in command for command in host.commands) == 1


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (6, "does not find the server's name"),
        (22, "refused it"),
        (23, "disk is full"),
        (60, "does not trust"),
        (9009, "is missing"),
    ],
)
def test_what_curl_says_is_explained_without_the_token(package, code, cause):
    host = host_with(MISSING, **{"curl.exe": said(code=code)})
    with pytest.raises(DeliveryError, match=cause) as caught:
        deliver(host, package, way="pull", url=URL)
    assert "canary" not in str(caught.value) and "https://files.corp.test/chat.msi" in str(caught.value)


def test_a_wrong_hash_is_refused_and_the_file_taken_away(package):
    host = host_with([MISSING, said(OTHER)], **{"curl.exe": said(), "del /f": said()})
    with pytest.raises(DeliveryError, match="What arrived on the host is not the package") as caught:
        deliver(host, package, way="pull", url=URL)
    assert OTHER in str(caught.value) and HASH in str(caught.value)
    assert "url has another file than package" in str(caught.value)
    assert f'del /f /q "{PATH}"' in host.commands
    assert sum("curl.exe" in command for command in host.commands) == 1


def test_what_was_continued_and_is_wrong_begins_once_more(package):
    answers = {"curl.exe": said(), "del /f": said()}
    host = host_with([said(OTHER), said(OTHER), RIGHT], **answers)
    assert deliver(host, package, way="pull", url=URL) == "pull"
    assert [command.split()[0] for command in host.commands] == [
        "curl.exe",
        "certutil",
        "del",
        "curl.exe",
        "certutil",
    ]
    host = host_with(said(OTHER), **answers)
    with pytest.raises(delivery.OtherContent):
        deliver(host, package, way="pull", url=URL)
    assert sum("curl.exe" in command for command in host.commands) == 2


def test_a_download_that_breaks_off_goes_on(package):
    host = host_with([MISSING, RIGHT], **{"curl.exe": [said(code=18), said(code=56), said()]})
    assert deliver(host, package, way="pull", url=URL) == "pull"
    assert sum("curl.exe" in command for command in host.commands) == 3
    host = host_with(MISSING, **{"curl.exe": said(code=18)})
    with pytest.raises(DeliveryError, match="The server's answer ended too early, again and again"):
        deliver(host, package, way="pull", url=URL)
    assert sum("curl.exe" in command for command in host.commands) == 5


@pytest.mark.parametrize(
    ("text", "times"),
    [
        (b"curl: (28) Failed to connect to files.corp.test port 443 after 21041 ms: Timed out", 1),
        (b"curl: (28) Connection timed out after 300001 milliseconds", 1),
        (b"curl: (28) Resolving timed out after 5000 milliseconds", 1),
        (b"curl: (28) Operation timed out after 60001 milliseconds with 3 out of 100 bytes received", 5),
    ],
)
def test_a_server_that_nobody_reaches_is_not_tried_for_hours(package, text, times):
    host = host_with(MISSING, **{"curl.exe": Answer(28, b"", text)})
    assert delivery.deliver(host, delivery.Source(url=URL), package, PATH, 60.0) == "channel"
    assert sum("curl.exe" in command for command in host.commands) == times


@pytest.mark.parametrize("url", [URL, f"{URL}?token=canary"])
def test_a_download_that_does_not_end_leaves_the_other_ways(package, url):
    host = host_with(MISSING, **{"curl.exe": DeadlineError("It did not end", "pc1", "It waits", "Look")})
    warnings = []
    assert delivery.deliver(host, delivery.Source(url=url), package, PATH, 60.0, warnings.append) == "channel"
    assert "The host did not pull the package within 60 s" in warnings[0]
    assert "canary" not in warnings[0]


def test_the_next_way_is_tried_and_all_problems_are_told(package):
    host = host_with(MISSING, **{"curl.exe": said(code=7)})
    warnings = []
    source = delivery.Source(url=URL)
    assert delivery.deliver(host, source, package, PATH, 60.0, warnings.append) == "channel"
    assert host.files[PATH] == BYTES
    assert warnings == [
        "The package came by delivery=channel, because delivery=pull failed: The host could not pull the package (curl exit code 7) "
        "(https://files.corp.test/chat.msi). The server does not answer on this port. Check that the server runs and that no "
        "firewall is between."
    ]

    def refused(path, content, **_options):
        raise FileRefused("It was not written", path, "The disk is full", "Look at the host")

    host.write_file = refused
    with pytest.raises(DeliveryError, match="It was not written") as caught:
        deliver(host, package, url=URL)
    assert caught.value.details["other_ways"][0].startswith(
        "pull: The host could not pull the package (curl exit code 7)"
    )


def test_a_ticket_that_smb_does_not_take_is_a_warning(tmp_path, monkeypatch):
    def refused(*_account):
        raise DeliveryError("The package could not be pushed over SMB", "win1", "No credentials", "Look")

    content = BYTES * 100_000
    (tmp_path / "chat.msi").write_bytes(content)
    large = msi(path=str(tmp_path / "chat.msi"), size=len(content), sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(smb, "SMB_ERROR", None)
    monkeypatch.setattr(smb, "push", refused)
    warnings = []
    source = delivery.Source(host="win1", user="svc@CORP.TEST", ticket=True)
    host = host_with(MISSING)
    assert delivery.deliver(host, source, large, PATH, 60.0, warnings.append) == "channel"
    assert host.files[PATH] == content
    assert warnings == [
        "The package came by delivery=channel, because delivery=smb failed: The package could not be pushed over SMB (win1). No "
        "credentials. Look."
    ]


def test_a_full_disk_ends_all_ways_with_one_error(package):
    before, full = said("  2 Dir(s)  99000000000 bytes free\r\n"), said("  2 Dir(s)  4 bytes free\r\n")
    answers = {"curl.exe": said(code=23), "for %A": said("3\r\n")}
    host = host_with(MISSING, **answers, **{"dir /-c": [before, full]})
    with pytest.raises(delivery.DiskFull) as caught:
        deliver(host, package, url=URL)
    assert str(caught.value) == (
        "The disk of the host is full: the package has 9 bytes, 4 are left for the 6 that are missing "
        f"({PATH}, by pull). Something else took the space, or free_space demands less than the package needs. Free space there. "
        "What had arrived of the package was taken away again."
    )
    assert "curl exit code 23" in caught.value.details["failed"] and host.files == {}
    # Six more bytes fit: then it is no full disk.
    host = host_with(MISSING, **answers, **{"dir /-c": [before, said("  2 Dir(s)  6 bytes free\r\n")]})
    with pytest.raises(DeliveryError, match="curl exit code 23"):
        deliver(host, package, way="pull", url=URL)


def test_a_folder_that_cannot_be_made(package):
    with pytest.raises(DeliveryError, match=r"The folder for the package cannot be made \(exit code 1\)"):
        deliver(host_with(MISSING, **{"if not exist": said(code=1)}), package, url=URL)


def test_ways(monkeypatch):
    small, large = msi(), msi(size=10_000_000)
    account = {"host": "win1", "user": "u", "password": "p"}
    monkeypatch.setattr(smb, "SMB_ERROR", None)
    assert delivery.ways(delivery.Source(**account), small) == ["channel"]
    assert delivery.ways(delivery.Source(**account), large) == ["smb", "channel"]
    # A ticket of kinit is as good as a password; without both nobody logs in.
    ticket = {"host": "win1", "user": "svc@CORP.TEST", "ticket": True}
    assert delivery.ways(delivery.Source(**ticket), large) == ["smb", "channel"]
    assert delivery.ways(delivery.Source(**ticket), small) == ["channel"]
    assert delivery.ways(delivery.Source(**{**ticket, "ticket": False}), large) == ["channel"]
    assert delivery.ways(delivery.Source(url=URL), large) == ["pull", "channel"]
    assert delivery.ways(delivery.Source(**account), msi(size=10**9)) == ["smb"]
    assert delivery.ways(delivery.Source(url=URL, share=SHARE, **account), large) == ["pull", "share", "smb", "channel"]
    assert delivery.ways(delivery.Source(way="share", share=SHARE), large) == ["share"]
    with pytest.raises(OptionError, match="delivery=share needs share"):
        delivery.ways(delivery.Source(way="share"), small)
    monkeypatch.setattr(smb, "SMB_ERROR", "No module named smbprotocol")
    assert delivery.ways(delivery.Source(**account), large) == ["channel"]
    with pytest.raises(OptionError, match="delivery=pull needs url"):
        delivery.ways(delivery.Source(way="pull"), small)


def test_without_smbprotocol_its_name_is_told(monkeypatch):
    monkeypatch.setattr(smb, "SMB_ERROR", "No module named 'smbclient'")
    with pytest.raises(DeliveryError, match="Install smbprotocol where Ansible runs"):
        smb.push("win1", "u", "p", "/x", PATH)


def test_the_path_on_the_administrative_share():
    assert (
        smb.share_path("win1.corp.test", "C:\\Program Files\\x.msi") == "\\\\win1.corp.test\\C$\\Program Files\\x.msi"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"SHA256 hash of x:\r\n{HASH}\r\nCertUtil: done\r\n", HASH),
        (f"SHA256-Hash:\r\n{' '.join(HASH[at : at + 2] for at in range(0, 64, 2)).upper()}\r\n", HASH),
        ("CertUtil: -hashfile failed\r\n", ""),
    ],
)
def test_digests(text, expected):
    assert delivery.digest(said(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" 3 files 1 bytes\r\n 6 directories        72127193088 bytes free\r\n\r\n", 72127193088),
        (" 6 Verzeichnis(se), 98.765.432 Bytes frei\r\n", 98765432),
        (" 6 rep  98\u202f765\u202f432 octets libres\r\n", 98765432),
        ("", None),
    ],
)
def test_free_space(text, expected):
    assert delivery.free_bytes(said(text)) == expected


def test_too_little_space_is_refused_with_both_numbers():
    with pytest.raises(RefusedError, match="50 MiB are free, 100 MiB are needed"):
        delivery.check_space(50 * 2**20, msi(), 0, "C:\\")
    with pytest.raises(RefusedError, match="are needed"):
        delivery.check_space(50 * 2**20, msi(), 51 * 2**20, "C:\\")
    delivery.check_space(50 * 2**20, msi(), 50 * 2**20, "C:\\")
    delivery.check_space(None, msi(), 0, "C:\\")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a/Chat Setup 1.2.exe", "Chat Setup 1.2.exe"),
        ("/a/чат.msi", "package.msi"),
        ("/a/a&b.EXE", "package.exe"),
        ("/a/a,b.exe", "package.exe"),
    ],
)
def test_names_that_something_would_misread_are_replaced(path, name):
    assert delivery.file_name(path) == name


LOG = """=== Verbose logging started: 1/1/2026
MSI (s) (48:1C) [10:00:00:000]: Doing action: InstallFiles
Error 1306. Another application has exclusive access to the file 'chat.exe'.
MSI (s) (48:1C) [10:00:01:000]: Product: Corp Chat -- Fehler 1306. Eine andere Anwendung ...
Aktion beendet um 10:00:02: InstallFinalize. Rückgabewert 3.
Aktion gestartet um 10:00:03: Rollback.
Aktion beendet um 10:00:04: INSTALL. Rückgabewert 3.
Property(S): Something = 3
"""


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8"])
def test_the_decisive_lines_are_found_in_any_language(encoding):
    found = msi_log.decisive(("filler\n" * 500 + LOG + "Property(S): x\n" * 500).encode(encoding))
    assert "Aktion beendet um 10:00:02: InstallFinalize. Rückgabewert 3." in found
    assert any("Fehler 1306" in line for line in found)
    assert not any("Property" in line for line in found) and len(found) <= msi_log.MOST


def test_a_log_without_an_end_shows_its_last_lines():
    assert msi_log.decisive(b"a\nb\nc\n") == ["a", "b", "c"]
    assert msi_log.decisive(b"") == []


def test_without_a_password_none_is_tried(monkeypatch, tmp_path):
    """Tickets of kinit alone (kinit_mode manual): an empty password would be a wrong one, on every desktop."""
    seen = []

    class Library:
        @staticmethod
        def stat(path, **options):
            seen.append({name: options[name] for name in ("username", "password")})
            raise FileNotFoundError(path)

        @staticmethod
        def open_file(path, mode, **options):
            seen.append({name: options[name] for name in ("username", "password")})
            return io.BytesIO()

        @staticmethod
        def reset_connection_cache(connection_cache):
            connection_cache.clear()

    monkeypatch.setattr(smb, "SMB_ERROR", None)
    monkeypatch.setattr(smb, "smbclient", Library, raising=False)
    (tmp_path / "chat.msi").write_bytes(b"x")
    smb.push("win1.corp.test", "svc@CORP.TEST", "", str(tmp_path / "chat.msi"), PATH)
    smb.push("win1.corp.test", "svc@CORP.TEST", "secret", str(tmp_path / "chat.msi"), PATH)
    assert (
        seen
        == [{"username": "svc@CORP.TEST", "password": None}] * 2
        + [{"username": "svc@CORP.TEST", "password": "secret"}] * 2
    )


def test_the_source_is_not_shown_with_its_password():
    assert "password" in {field.name for field in dataclasses.fields(delivery.Source)}
    assert "canary" not in repr(delivery.Source(password="canary"))
