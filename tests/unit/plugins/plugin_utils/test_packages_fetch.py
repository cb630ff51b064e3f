# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing packages to the controller, from a web server on the loopback that does what a test wants."""

from __future__ import annotations

import base64
import datetime
import errno
import hashlib
import http.server
import ipaddress
import os
import pathlib
import socket
import ssl
import threading
import types
import urllib.error

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.onprem.chat.plugins.plugin_utils._packages import cache, fetch
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.errors import Missing

# The same in every process: the hash stands in names of tests.
CONTENT = bytes(range(256)) * 1171 + b"!" * 224
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves ``server.content``; each request may be spoilt by the next of ``server.spoilers``."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        server.asked.append((self.path, self.headers.get("Range")))
        server.allowed.append(self.headers.get("Authorization"))
        spoiler = server.spoilers.pop(0) if server.spoilers else ""
        content, begin, status = server.content, 0, 200
        if isinstance(spoiler, int) and spoiler >= 400:
            status, content = spoiler, b""
        elif self.headers.get("Range") and spoiler != "whole":
            begin, status = int(self.headers["Range"][6:-1]), 206
            if begin >= len(content):
                status, content, begin = 416, b"", 0
        if spoiler == "elsewhere":
            self.send_response(302)
            self.send_header("Location", server.elsewhere)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        if isinstance(spoiler, int) and spoiler < 0:
            self.wfile.write(content[begin:-spoiler])
            self.close_connection = True
            return
        self.wfile.write(content[begin:])

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Clients that go away are meant."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    form = serialization.PrivateFormat.PKCS8
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def server(certificate, monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(fetch.time, "sleep", lambda seconds: None)
    running = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    running.socket = context.wrap_socket(running.socket, server_side=True)
    running.content, running.spoilers, running.asked, running.allowed = CONTENT, [], [], []
    running.url = f"https://127.0.0.1:{running.server_address[1]}"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def get(server, certificate, tmp_path):
    def getter(path="/chat.msi", digest=DIGEST, **options):
        options = {"cache": str(tmp_path / "cache"), "ca_path": str(certificate), **options}
        return fetch.fetch(server.url + path, digest, **options)

    return getter


def test_a_url(get, server, tmp_path):
    first = get("/a/chat%20%D1%87%D0%B0%D1%82.msi?ticket=1")
    assert (first.size, first.sha256, first.transferred) == (len(CONTENT), DIGEST, len(CONTENT))
    assert first.path == str(tmp_path / "cache" / DIGEST / "chat____.msi")
    assert pathlib.Path(first.path).read_bytes() == CONTENT
    assert pathlib.Path(first.path).parent.stat().st_mode & 0o777 == 0o700
    second = get("/a/chat%20%D1%87%D0%B0%D1%82.msi?ticket=2")
    assert (second.path, second.transferred) == (first.path, 0)
    assert len(server.asked) == 1


def test_a_cut_connection_is_continued(get, server):
    server.spoilers += [-100_000, -200_000]
    found = get()
    assert found.transferred == len(CONTENT)
    assert [asked[1] for asked in server.asked] == [None, "bytes=100000-", "bytes=200000-"]


def test_the_next_run_goes_on(get, server):
    server.spoilers += [-100_000, 503, 503, 503]
    with pytest.raises(fetch.NotFetched, match="within 4 attempts: the server answers 503"):
        get()
    assert get().transferred == len(CONTENT) - 100_000
    assert server.asked[-1][1] == "bytes=100000-"


def test_a_server_that_cannot_continue(get, server):
    server.spoilers += [-100_000, "whole"]
    assert get().transferred == len(CONTENT) + 100_000


def test_continued_with_another_file_it_begins_anew(get, server, tmp_path):
    part = tmp_path / "cache" / DIGEST / "part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"something else")
    assert get().transferred == 2 * len(CONTENT) - len("something else")
    assert [asked[1] for asked in server.asked] == ["bytes=14-", None]


def test_a_part_that_is_whole_already(get, tmp_path):
    part = tmp_path / "cache" / DIGEST / "part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)
    assert get().transferred == 0


def test_a_damaged_file_in_the_cache_is_fetched_again(get):
    pathlib.Path(get().path).write_bytes(b"x" * 10)
    assert get().transferred == len(CONTENT)


def test_another_file(get, server, tmp_path):
    server.content = b"new version"
    found = hashlib.sha256(b"new version").hexdigest()
    with pytest.raises(fetch.WrongHash, match=f"its SHA-256 is {found}, not {DIGEST}"):
        get()
    assert [path.name for path in (tmp_path / "cache" / DIGEST).iterdir()] == ["lock"]
    assert len(server.asked) == 1


def test_not_there(get, server):
    server.spoilers += [404]
    with pytest.raises(fetch.NotFetched, match="The server answers 404 Not Found"):
        get()
    assert len(server.asked) == 1


def test_a_stranger_s_certificate(get):
    with pytest.raises(fetch.NotFetched, match="The server's certificate is not trusted") as raised:
        get(ca_path="")
    assert raised.value.remedy == "Name a PEM file with the authority (ca_path)"


def test_sent_on_to_plain_http(get, server):
    plain = Server(("127.0.0.1", 0), Handler)
    plain.content, plain.spoilers, plain.asked, plain.allowed = CONTENT, [], [], []
    thread = threading.Thread(target=plain.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    server.elsewhere = f"http://127.0.0.1:{plain.server_address[1]}/chat.msi"
    server.spoilers += ["elsewhere"]
    try:
        with pytest.raises(fetch.NotFetched, match="The server sent us on to a URL that is not https"):
            get()
    finally:
        plain.shutdown()
        plain.server_close()
        thread.join()


def test_the_disk_is_full(get, monkeypatch):
    def full(folder, have, expected, where):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/cache/part")

    monkeypatch.setattr(fetch, "_room", full)
    with pytest.raises(
        fetch.NotFetched, match=r"cannot be written on the controller: No space left on device \(/cache/part"
    ):
        get()


def test_nobody_answers(get, server, monkeypatch):
    monkeypatch.setattr(fetch, "ATTEMPTS", 2)
    server.shutdown()
    server.server_close()
    with pytest.raises(fetch.NotFetched, match=r"within 2 attempts: .*refused"):
        get()


def test_the_deadline(get):
    with pytest.raises(fetch.NotFetched, match="the deadline came after"):
        get(deadline=0.0)


def test_no_room(get, monkeypatch):
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda folder: types.SimpleNamespace(free=fetch.SPARE + 1000))
    with pytest.raises(fetch.NotFetched, match="300000 bytes are to come"):
        get()


def test_too_big(get, monkeypatch):
    monkeypatch.setattr(fetch, "MOST", 1000)
    with pytest.raises(fetch.NotFetched, match="too big for a package"):
        get()


def test_two_at_once(get, server):
    found = []
    threads = [threading.Thread(target=lambda: found.append(get())) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.path for one in found}) == 1
    assert sum(one.transferred for one in found) == len(CONTENT)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("source", "digest", "kind", "words"),
    [
        ("http://example.test/a.msi", DIGEST, fetch.NotFetched, "by https only"),
        ("ftp://example.test/a.msi", DIGEST, fetch.NotFetched, "by https only"),
        ("https:///a.msi", DIGEST, fetch.NotFetched, "by https only"),
        ("https://user:secret@example.test/a.msi", "", fetch.WrongHash, "A URL needs the SHA-256"),
        ("https://example.test/a.msi", "", fetch.WrongHash, "A URL needs the SHA-256"),
        ("https://example.test/a.msi", "abc", fetch.WrongHash, "64 hexadecimal digits"),
        ("/srv/missing.msi", "", Missing, "cannot be opened"),
    ],
)
def test_refused_before_anything_is_asked(source, digest, kind, words):
    with pytest.raises(kind, match=words) as raised:
        fetch.fetch(source, digest)
    assert "secret" not in str(raised.value)


def test_a_password_in_the_url_is_for_that_server_alone(get, server):
    server.elsewhere = f"{server.url}/there.msi"
    server.spoilers += ["elsewhere"]
    server.url = server.url.replace("https://", "https://anna%40corp:pass%3Aword@")
    assert get().size == len(CONTENT)
    header = base64.b64encode(b"anna@corp:pass:word").decode()
    assert server.allowed == [f"Basic {header}", None]


def test_a_refused_password_shows_nothing_of_it(get, server):
    server.spoilers += [401]
    server.url = server.url.replace("https://", "https://anna:canary-31c7@")
    with pytest.raises(fetch.NotFetched, match="wants a password, or refuses the one that the URL holds") as raised:
        get("/chat.msi?ticket=canary-31c7")
    assert "canary" not in str(raised.value)


def test_a_name_that_nobody_knows(monkeypatch, server, tmp_path):
    def unknown(*arguments, **more):
        raise urllib.error.URLError(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))

    monkeypatch.setattr(fetch, "open_url", unknown)
    with pytest.raises(fetch.NotFetched) as raised:
        fetch.fetch("https://files.corp.test/a.msi?x=canary", DIGEST, cache=str(tmp_path))
    assert str(raised.value) == (
        "The package could not be fetched within 4 attempts: the server's name is not found "
        "([Errno -2] Name or service not known) ('https://files.corp.test/a.msi'). The name is wrong, or the controller's name "
        "servers do not know it or do not answer. Correct the URL; try it on the controller: getent hosts NAME."
    )


def test_a_cache_into_which_others_may_write(get, tmp_path):
    (tmp_path / "cache").mkdir(mode=0o700)
    (tmp_path / "cache").chmod(0o777)
    with pytest.raises(cache.NotPrivate, match="Others may write into the cache for packages"):
        get()


def test_without_a_hash_once_in_a_run(get, server):
    first = get(digest="", run="monday")
    server.content = b"a new version"
    assert get(digest="", run="monday") == first and first.sha256 == DIGEST
    assert len(server.asked) == 1
    second = get(digest="", run="tuesday")
    assert pathlib.Path(second.path).read_bytes() == b"a new version"
    assert pathlib.Path(first.path).read_bytes() == CONTENT
    assert server.asked[-1] == ("/chat.msi", None)


def test_without_a_hash_a_cut_download_begins_anew_in_the_next_run(get, server):
    server.spoilers += [-100_000, 404]
    with pytest.raises(fetch.NotFetched, match="404"):
        get(digest="", run="monday")
    server.content = b"a new version"
    assert get(digest="", run="monday").size == len(b"a new version")


def test_what_was_changed_in_the_cache_is_not_used(get):
    pathlib.Path(get(digest="", run="monday").path).write_bytes(b"x")
    with pytest.raises(fetch.NotFetched, match="changed while this run used it"):
        get(digest="", run="monday")


def test_forks_of_a_run_fetch_it_once(get, server):
    """As Ansible does it: a process for each host."""
    children = []
    for _number in range(5):
        child = os.fork()
        if not child:
            try:
                found = get(digest="", run=cache.this_run())
                os._exit(0 if hashlib.sha256(pathlib.Path(found.path).read_bytes()).hexdigest() == DIGEST else 1)
            finally:
                os._exit(2)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 5
    assert len(server.asked) == 1


def test_a_run_has_a_name_of_its_own():
    assert cache.this_run() == cache.this_run() != ""
    assert f"-{os.getppid()}-" in cache.this_run()


def test_once_is_not_for_errors_and_not_without_a_run(tmp_path):
    made = []

    def make():
        made.append(len(made))
        if len(made) == 1:
            raise ValueError("first")
        return {"number": len(made)}

    with pytest.raises(ValueError, match="first"):
        cache.once(tmp_path / "o", "x", "monday", make, "here")
    assert [cache.once(tmp_path / "o", "x", run, make, "here")["number"] for run in ("monday", "monday", "", "")] == [
        2,
        2,
        3,
        4,
    ]


def test_a_path(tmp_path):
    path = tmp_path / "chat.msi"
    path.write_bytes(CONTENT)
    assert fetch.fetch(str(path)) == fetch.Fetched(str(path), DIGEST, len(CONTENT))
    assert fetch.fetch(str(path), DIGEST.upper()).sha256 == DIGEST
    with pytest.raises(fetch.WrongHash, match="The file is another one"):
        fetch.fetch(str(path), "0" * 64)


def test_the_cache_lies_outside(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert fetch.cache_folder() == tmp_path / "onprem-chat" / "packages"


def test_messages_show_no_ticket():
    assert fetch.shown("https://u:p@h.test:8443/a.msi?sig=secret#x") == "https://h.test:8443/a.msi"
