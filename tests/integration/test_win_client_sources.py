# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where packages come from, on the laboratory's Windows desktop: URLs, signatures, shares, transforms, broken transfers, a full disk.

Real there: an HTTPS server with a certificate of the company's CA, osslsigncode, Samba as C$ and as the share, its machine account, a disk
that is full (a small tmpfs), msiexec of Wine that applies transforms; curl of the controller. Stand-ins: the desktop's curl, certutil
and schtasks, and the way to a share: Wine speaks no SMB, so the test fetches what lies there, as the desktop's own account, into
the folder where Wine looks for it. Wine is not Windows.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import textwrap
import threading
import uuid
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from package_transform import transform
from package_workshop import Authority, Workshop, sign, table
from packages_server import Server
from secrecy import logs, readable_by_others, watch
from win_client_desktop import FOLDER, Client, ok, refused

from ansible_collections.onprem.chat.plugins.plugin_utils._client import pull
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.runner import Answer

CANARY = "canary-77ab01"
SITE = "https://win1.corp.test:8444"
SIGNER = "Example Software"
BIG = 3_000_000


class Sources:
    """Packages on the controller, and the web server that has what lies in ``folder``."""

    def __init__(self, client: Client, workshop: Workshop) -> None:
        self.client, self.workshop = client, workshop
        self.folder = client.desktop.root / "srv/sources"
        self.authority = Authority(workshop.folder, "Signing CA")
        self.issued = self.authority.issue(SIGNER)
        self.ca_path = str(client.desktop.lab.state / "company-ca.crt")

    def signed(self, name: str, issued: tuple = ()) -> Path:
        """One of the desktop's test packages, signed."""
        target = self.workshop.folder / f"signed-{len(list(self.workshop.folder.iterdir()))}-{name}"
        return sign(self.client.desktop.package(name), target, *(issued or self.issued)[:2])

    def publish(self, package: Path, name: str = "") -> str:
        shutil.copy(package, self.folder / (name or package.name))
        return name or package.name

    def asked(self) -> list[dict]:
        """What the server was asked since the last time."""
        log = self.folder / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]

    @property
    def demand(self) -> dict:
        return {"signer": SIGNER, "trust_anchors": [str(self.authority.anchor)]}


@pytest.fixture(scope="module")
def sources(desktop, tmp_path_factory):
    client = Client(desktop, tmp_path_factory.mktemp("inventory"))
    found = Sources(client, Workshop(tmp_path_factory.mktemp("packages")))
    found.folder.mkdir()
    (found.folder / "password").write_text(CANARY)
    script = Path(__file__).with_name("packages_server.py").read_text()
    desktop.lab.exec("win1", ["sh", "-c", "cat >/run/packages_server.py"], check=True, input=script)
    server = ["python3", "/run/packages_server.py", "8444", "/etc/endpoint/endpoint.crt", "/etc/endpoint/endpoint.key"]
    desktop.lab.exec("win1", ["systemd-run", "--quiet", "--unit=packages", *server, "/srv/sources"], check=True)
    probe = ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8444"]
    desktop.eventually(lambda: desktop.lab.exec("win1", probe).returncode == 0)
    return found


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path, lab):
    """The controller's cache begins empty; the laboratory keeps its own."""
    monkeypatch.setenv("ONPREM_CHAT_CACHE", str(lab.state.parent.parent))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/onprem-chat/packages"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# By URL and by signature


def test_a_signed_package_by_url_breaks_off_and_goes_on_both_times(sources, cache):
    """The controller fetches it with a password and a ticket; then the desktop pulls it from where the answer ends after half."""
    package = sources.signed("corptalk-1.0.0.msi")
    name = sources.publish(package)
    sources.asked()
    wanted = {
        "package": f"{SITE.replace('//', f'//anna:{CANARY}@')}/closed/{name}?ticket={CANARY}",
        "ca_path": sources.ca_path,
        "url": f"{SITE}/cut/{name}",
        "delivery": "pull",
        "signature": sources.demand,
    }
    done = ok(sources.client.run(**wanted), True)
    assert sources.client.version("Corp Talk") == "1.0.0" and done["delivery"] == "pull"
    assert done["signature"]["signer"] == SIGNER and done["signature"]["issuer"] == "CN=Signing CA"
    assert done["client"]["sha256"] == digest(package)
    assert CANARY not in json.dumps(done)
    first, *pulled = sources.asked()
    assert (first["user"], first["range"]) == ("anna", "")
    assert pulled[0]["range"] == "" and pulled[-1]["range"] == f"bytes={package.stat().st_size // 2}-"
    # The second time with the hash instead of the signer: it is in the cache by its hash.
    del wanted["signature"]
    again = ok(sources.client.run(**wanted, sha256=digest(package)), False)
    assert sources.asked() == [] and again["delivery"] == ""
    assert cache.stat().st_mode & 0o777 == 0o700


def test_the_desktop_pulls_with_a_token_that_nobody_sees(sources, tmp_path):
    """The server is busy at first, so that curl runs for some seconds; then one that refuses the token. The token comes by curl's input."""
    token = f"canary-{uuid.uuid4().hex}"
    lab, desktop = sources.client.desktop.lab, sources.client.desktop
    package = desktop.package("corptalk-1.1.0.msi")
    name = sources.publish(package)
    address = SITE.replace("//", f"//anna:{token}@")
    wanted = {"package": package.name, "delivery": "pull"}
    sources.asked()
    sampler = watch(lab, "win1")
    try:
        done = ok(sources.client.run(**wanted, url=f"{address}/busy/{name}?ticket={token}"), True)
        pulled = sources.asked()
        ok(sources.client.run(package=package.name, state="absent"), True)
        wrong = f"{SITE.replace('//', '//somebody:' + token + '@')}/closed/{name}?ticket={token}"
        failed = refused(sources.client.run(**wanted, url=wrong), "curl exit code 22")
    finally:
        seen = sampler.stop()
    assert done["delivery"] == "pull"
    assert [(one["user"], one["path"]) for one in pulled] == [("anna", f"/busy/{name}?ticket={token}")] * 2
    assert b"curl.exe" in seen and b"--config" in seen
    told = json.dumps([done, failed]) + logs(lab, "win1") + json.dumps(desktop.requests())
    assert token.encode() not in seen and token not in told
    changed = lab.state / "win1/upper/srv/windows/prefix/drive_c"
    held = subprocess.run(["grep", "-rlF", token, changed], capture_output=True, text=True, check=False)
    assert changed.is_dir() and held.stdout == ""
    # What the server writes down is the test's own.
    served = str(sources.folder.relative_to(desktop.root) / "log")
    assert [file for file in readable_by_others(lab, [token], tmp_path, "win1") if not file.endswith(served)] == []


def test_what_a_url_can_do_wrong(sources):
    name = sources.publish(sources.workshop.msi("other"))
    good = {"sha256": "0" * 64, "ca_path": sources.ca_path}
    before = len(sources.client.desktop.requests())
    for package, options, text in (
        (f"{SITE}/{name}", good, "The file is another one: its SHA-256 is "),
        (f"{SITE}/closed/{name}?{CANARY}", good, "wants a password, or refuses the one that the URL holds"),
        (f"{SITE}/{name}", {"sha256": "0" * 64}, "The server's certificate is not trusted"),
        ("https://none.corp.test/a.msi", good, "the server's name is not found"),
    ):
        result = sources.client.run(package=package, **options)
        assert CANARY not in json.dumps(refused(result, text))
    assert len(sources.client.desktop.requests()) == before


def test_signatures_that_do_not_hold_reach_no_desktop(sources):
    desktop, folder = sources.client.desktop, sources.workshop.folder
    good = sources.signed("corpvoice-64-1.0.0.exe")
    altered = folder / "altered.exe"
    data = bytearray(good.read_bytes())
    data[len(data) // 2] ^= 1
    altered.write_bytes(data)
    expired = sources.signed("corpvoice-64-1.0.0.exe", sources.authority.issue("Old", begin=-100, end=-10))
    (folder / "strange").mkdir()
    stranger = str(Authority(folder / "strange", "Another CA").anchor)
    anchors = {"trust_anchors": [str(sources.authority.anchor)]}
    before = len(desktop.requests())
    for package, demanded, text in (
        (desktop.package("corpvoice-64-1.0.0.exe"), anchors, "The package is not signed"),
        (altered, anchors, "The package is not what was signed: its content does not fit the signature"),
        (good, {**anchors, "signer": "Somebody else"}, "not by 'Somebody else'"),
        (good, {"trust_anchors": [stranger]}, "Nobody who is trusted vouches for the signature"),
        (expired, anchors, "and it has no timestamp"),
    ):
        refused(sources.client.run(package=str(package), uninstall_key="Corp Voice", signature=demanded), text)
    assert len(desktop.requests()) == before


def test_a_signed_program_is_installed(sources):
    signed = {"package": str(sources.signed("corpvoice-64-1.0.0.exe")), "signature": sources.demand}
    done = ok(sources.client.run(uninstall_key="Corp Voice", **signed), True)
    thumbprint = sources.issued[2].fingerprint(hashes.SHA256()).hex()
    assert sources.client.version("Corp Voice") == "1.0.0" and done["signature"]["time"] == ""
    by_thumbprint = {**signed, "signature": {**sources.demand, "thumbprint": thumbprint}}
    ok(sources.client.run(uninstall_key="Corp Voice", **by_thumbprint), False)
    ok(sources.client.run(uninstall_key="Corp Voice", state="absent"), True)


# From a share


@pytest.fixture
def share(sources):
    """A file on a real Samba share, read by the desktop's own account, in the place where Wine looks for it (a stand-in for its SMB)."""
    lab = sources.client.desktop.lab
    there = lab.state / "dc1/root/var/lib/samba/sysvol/corp.test/scripts"
    unc = "/srv/windows/prefix/dosdevices/unc/dc1.corp.test/netlogon"

    def _share(package: Path, name: str) -> str:
        shutil.copy(package, there / name)
        (there / name).chmod(0o644)
        script = (
            f'mkdir -p {unc} && smbclient -P //dc1.corp.test/netlogon -c \'get "{name}" "{unc}/{name}"\''
            " && chown -R windows: /srv/windows/prefix/dosdevices/unc"
        )
        lab.exec("win1", ["sh", "-c", script], check=True)
        assert digest(sources.client.desktop.root / unc.lstrip("/") / name) == digest(package)
        return f"\\\\dc1.corp.test\\netlogon\\{name}"

    yield _share
    lab.exec("win1", ["rm", "-rf", "/srv/windows/prefix/dosdevices/unc"], check=True)


def test_from_a_share(sources, share):
    new, old = (sources.client.desktop.package(f"corptalk-{version}.msi") for version in ("1.1.0", "1.0.0"))
    place = share(new, "Corp Talk 100% & new.msi")
    before = sources.client.version("Corp Talk")
    wrong = sources.client.run(package=new.name, delivery="share", share=share(old, "old.msi"))
    refused(wrong, "share has another file than package")
    gone = sources.client.run(package=new.name, delivery="share", share=place.replace("new", "gone"))
    refused(gone, "The host could not copy the package from the share (0x80070002)")
    assert sources.client.version("Corp Talk") == before != "1.1.0"
    done = ok(sources.client.run(package=new.name, delivery="share", share=place), True)
    assert done["delivery"] == "share" and sources.client.version("Corp Talk") == "1.1.0"
    assert "onprem.chat" not in sources.client.desktop.run("schtasks /query /fo csv /nh").stdout


def test_the_next_way_and_why(sources):
    """The address refuses, the share is not there, and so it goes through the channel."""
    wanted = {"url": f"{SITE.replace('8444', '8445')}/a.msi", "share": "\\\\none.corp.test\\packages\\a.msi"}
    done = ok(sources.client.run(package="corptalk-1.0.0.msi", allow_downgrade=True, **wanted), True)
    assert done["delivery"] == "channel"
    pulled, copied = done["warnings"]
    assert "The package came by delivery=channel, because delivery=pull failed" in pulled
    assert "curl exit code 7" in pulled and "The server does not answer on this port" in pulled
    assert "because delivery=share failed: The host could not copy the package from the share (0x8007" in copied


# Transforms


def test_several_transforms_with_spaces_in_their_names(sources, tmp_path):
    desktop = sources.client.desktop
    package = desktop.package("corptalk-32-1.0.0.msi")
    properties = {row[0]: row[1] for row in table(package, "Property")}
    first, second = tmp_path / "first & only.mst", tmp_path / "Второй файл.mst"
    first.write_bytes(transform(properties, {"SERVER": "first.corp.test"}, {"ARPCOMMENTS": "by the first"}))
    second.write_bytes(transform(properties, {"SERVER": "second.corp.test"}))
    wanted = {"package": package.name, "transforms": [str(first), str(second)]}
    ok(sources.client.run(**wanted), True)
    key = r'"HKLM\Software\onprem.chat laboratory\Corp Talk 32"'
    assert "second.corp.test" in desktop.run(f"reg query {key} /v Server /reg:32").stdout
    uninstall = rf'"HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall\{properties["ProductCode"]}"'
    assert "by the first" in desktop.run(f"reg query {uninstall} /v Comments /reg:32").stdout
    ok(sources.client.run(**wanted), False)
    ok(sources.client.run(package=package.name, state="absent"), True)


# Transfers that break off


class Here:
    """curl of this machine instead of the host's: command lines as they are sent, with other paths."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.codes = folder, []

    def run(self, command: str, *, stdin: bytes | None = None, deadline: float = 60.0) -> Answer:
        del deadline
        if command.startswith("del "):
            (self.folder / "p.msi").unlink(missing_ok=True)
            return Answer(0)
        words = shlex.split(command.replace("C:\\x\\", f"{self.folder}/"))
        assert words[0] == "curl.exe"
        config = (stdin or b"").replace(b"C:\\\\x\\\\", f"{self.folder}/".encode())
        done = subprocess.run(["curl", *words[1:]], input=config, capture_output=True, check=False, timeout=60)
        self.codes.append(done.returncode)
        return Answer(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("query", ["", "?ticket=1"], ids=["argument", "standard input"])
def test_the_real_curl_goes_on_as_it_is_told(tmp_path, query):
    body = bytes(range(256)) * 4000
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "p.msi").write_bytes(body)
    server = Server(("127.0.0.1", 0), tmp_path / "served")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    here = Here(tmp_path)
    url = f"http://127.0.0.1:{server.server_address[1]}/cut/p.msi{query}"
    try:
        assert pull.pull(here, url, "C:\\x\\p.msi", 30.0)
        assert (tmp_path / "p.msi").read_bytes() == body
        asked = [json.loads(line)["range"] for line in (tmp_path / "served/log").read_text().splitlines()]
        assert asked == ["", f"bytes={len(body) // 2}-"] and here.codes == [18, 0]
        # Whole already: curl asks for what is behind its end, and is content with 416.
        assert not pull.pull(here, url.replace("/cut", ""), "C:\\x\\p.msi", 30.0)
        assert (tmp_path / "p.msi").read_bytes() == body
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_push_that_breaks_off_goes_on(sources, tmp_path):
    """The connection to the real Samba is closed in the middle of the file, twice; then one that begins as another file."""
    desktop = sources.client.desktop
    payload = tmp_path / "payload.bin"
    payload.write_bytes(os.urandom(BIG))
    script = tmp_path / "push.py"
    script.write_text(
        textwrap.dedent(
            """
            import json, sys
            from ansible_collections.onprem.chat.plugins.plugin_utils._client import smb
            job = json.load(sys.stdin)
            smb._CHUNK = 200_000
            chunks, sizes, opened = 0, [], smb.smbclient.open_file

            def open_file(path, *arguments, connection_cache, **options):
                remote = opened(path, *arguments, connection_cache=connection_cache, **options)
                write = remote.write

                def breaking(data):
                    global chunks
                    chunks += 1
                    if chunks in job["breaks"]:
                        for connection in connection_cache.values():
                            connection.transport._sock.shutdown(2)
                    return write(data)

                sizes.append(remote.tell())
                remote.write = breaking
                return remote

            smb.smbclient.open_file = open_file
            continued = smb.push(job["host"], job["user"], job["password"], job["source"], job["path"])
            print(json.dumps([continued, sizes]))
            """
        )
    )
    place = desktop.file("C:\\pushed.bin")

    def push(*breaks: int) -> list:
        known = desktop.variables()
        job = {"host": desktop.host, "user": known["ansible_user"], "password": known["ansible_password"]}
        job |= {"source": str(payload), "path": "C:\\pushed.bin", "breaks": breaks}
        done = desktop.lab.exec("users", [sys.executable, str(script)], check=True, input=json.dumps(job), timeout=120)
        return json.loads(done.stdout.splitlines()[-1])

    try:
        assert push() == [False, [0]]
        assert digest(place) == digest(payload)
        place.unlink()
        continued, sizes = push(4, 8)
        assert continued and len(sizes) == 3 and sizes == sorted(sizes) and sizes[0] == 0 and 0 < sizes[1] < sizes[2]
        assert digest(place) == digest(payload)
    finally:
        place.unlink(missing_ok=True)


# A full disk


@pytest.fixture
def small_disk(sources):
    """Our folder on the desktop is a disk of one MiB."""
    desktop = sources.client.desktop
    folder = f"/{desktop.file(FOLDER).relative_to(desktop.root)}"
    script = f"mkdir -p '{folder}' && mount -t tmpfs -o size=1M none '{folder}' && chown windows: '{folder}'"
    desktop.lab.exec("win1", ["sh", "-c", script], check=True)
    yield
    desktop.lab.exec("win1", ["sh", "-c", f"umount '{folder}' && rmdir '{folder}'"], check=True)


@pytest.mark.parametrize("way", ["pull", "smb", "share"])
def test_a_full_disk_is_one_error_and_leaves_nothing(sources, share, small_disk, way):
    (sources.workshop.folder / "payload.bin").write_bytes(os.urandom(BIG))
    package = sources.workshop.msi("big")
    name = sources.publish(package)
    # The disk of C: has room, so nothing is refused beforehand.
    wanted = {"package": str(package), "free_space": 1, "delivery": way, "url": f"{SITE}/{name}"}
    if way == "share":
        wanted["share"] = share(package, name)
    result = refused(sources.client.run(**wanted), "The disk of the host is full: the package has ")
    assert "What had arrived of the package was taken away again" in result["msg"]
    assert result["steps"] == [] and sources.client.left() == []
