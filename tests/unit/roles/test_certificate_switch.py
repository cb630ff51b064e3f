# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What certbot's timer starts on the host (roles/certificates/files/certificate_switch.py), with real pairs and a real TLS server."""

from __future__ import annotations

import contextlib
import grp
import importlib.util
import json
import os
import shutil
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "roles/certificates/files/certificate_switch.py"
NAMES = ("old", "new", "later")


@pytest.fixture(scope="module")
def switch():
    spec = importlib.util.spec_from_file_location("certificate_switch", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> Path:
    """A folder with real pairs: old, new, later."""
    folder = tmp_path_factory.mktemp("pairs")
    for name in NAMES:
        subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:chat.corp.test", "-days", "9"]
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{folder}/{name}.key"]
        subprocess.run(
            ["openssl", "req", "-x509", *key, "-out", f"{folder}/{name}.crt", *subject], check=True, capture_output=True
        )
    return folder


class Server(socketserver.ThreadingTCPServer):
    """Presents what lies in a folder `loaded` when somebody comes: another pair after each reload, as a service does."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, host: str, loaded: Path) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.loaded = loaded
        super().__init__((host, 0), None)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def finish_request(self, request, client_address) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.loaded / "p.crt", self.loaded / "p.key")
        with contextlib.suppress(OSError), context.wrap_socket(request, server_side=True) as session:
            session.recv(1)


class Host:
    """A pair in its place, the copy that certbot renews, and a service that presents what it has loaded."""

    def __init__(self, switch, folder: Path, pairs: Path) -> None:
        self.switch, self.pairs = switch, pairs
        self.certs, self.lineage, self.loaded = folder / "certs", folder / "lineage", folder / "loaded"
        self.reloads = folder / "reloads"
        self.refusal = folder / "refuse"
        self.version("20260101T000000", "old")
        (self.store / "current").symlink_to("20260101T000000")
        self.lineage.mkdir()
        self.loaded.mkdir()
        self.renewed("new")
        self.load("old")
        reload = f"cp -rL {self.store}/current/. {self.loaded}; echo >>{self.reloads}"
        self.settings = {
            "name": "p",
            "directory": str(self.certs),
            "group": grp.getgrgid(os.getgid()).gr_name,
            "lineage": str(self.lineage),
            "names": ["chat.corp.test"],
            "validate": f"test ! -e {self.refusal}",
            "reload": f"sh -c '{reload}'",
            "presented": [],
            "service_file": "",
            "wait": 0,
        }

    @property
    def store(self) -> Path:
        return self.certs / "p.d"

    def version(self, version: str, name: str) -> None:
        (self.store / version).mkdir(parents=True)
        for kind in ("crt", "key"):
            shutil.copy(self.pairs / f"{name}.{kind}", self.store / version / f"p.{kind}")

    def renewed(self, name: str) -> None:
        shutil.copy(self.pairs / f"{name}.crt", self.lineage / "fullchain.pem")
        shutil.copy(self.pairs / f"{name}.key", self.lineage / "privkey.pem")

    def load(self, name: str) -> None:
        for kind in ("crt", "key"):
            shutil.copy(self.pairs / f"{name}.{kind}", self.loaded / f"p.{kind}")

    def endpoint(self, server: Server) -> dict:
        return {
            "host": server.server_address[0],
            "port": server.server_address[1],
            "protocol": "tls",
            "name": "chat.corp.test",
        }

    def which(self, certificate: Path) -> str:
        return next(name for name in NAMES if (self.pairs / f"{name}.crt").read_bytes() == certificate.read_bytes())

    @property
    def current(self) -> str:
        return self.which(self.store / "current" / "p.crt")

    @property
    def presented(self) -> str:
        return self.which(self.loaded / "p.crt")

    def count(self) -> int:
        return len(self.reloads.read_text()) if self.reloads.exists() else 0

    def start(self) -> str:
        return self.switch.switch(self.settings)

    def fails(self) -> str:
        with pytest.raises(self.switch.Trouble) as trouble:
            self.start()
        return str(trouble.value)


@pytest.fixture
def host(switch, tmp_path, pairs):
    return Host(switch, tmp_path, pairs)


@pytest.fixture(params=["127.0.0.1", "::1"])
def server(host, request):
    try:
        server = Server(request.param, host.loaded)
    except OSError as error:
        pytest.skip(f"nobody can listen on {request.param} here: {error}")
    host.settings["presented"] = [host.endpoint(server)]
    yield server
    server.shutdown()
    server.server_close()


def test_a_renewed_pair_is_presented(host, server):
    assert host.start() == "p: the renewed certificate is in use"
    assert (host.current, host.presented, host.count()) == ("new", "new", 1)
    assert (host.store / "previous").readlink() == Path("20260101T000000")
    assert host.start() == "p: nothing new"
    assert host.count() == 1


def test_a_service_that_refuses_keeps_the_earlier_pair(host, server):
    host.refusal.touch()
    story = host.fails()
    assert "was not taken over: its configuration is refused: exit code 1." in story
    assert story.endswith(
        "The earlier pair was put back, but with it, too: its configuration is refused: exit code 1."
        " Correct the service and run the play again."
    )
    assert (host.current, host.presented) == ("old", "old")
    assert sorted(path.name for path in host.store.iterdir()) == ["20260101T000000", "current"]


def test_an_endpoint_that_nobody_serves_is_no_reason_against_a_pair(host, server):
    host.settings["presented"].append(
        {"host": "127.0.0.1", "port": 9, "protocol": "xmpp-server", "name": "chat.corp.test"}
    )
    assert host.start() == "p: the renewed certificate is in use"
    assert (host.current, host.presented) == ("new", "new")


def test_a_service_that_was_away_loads_the_pair_at_the_next_start(host, server):
    """Nobody answered when the pair was switched, and later the service presents what it had loaded before."""
    there = host.settings["presented"]
    host.settings["presented"] = [{**there[0], "port": 9}]
    assert host.start() == "p: the renewed certificate is in use; its service does not run"
    assert (host.current, host.presented, host.count()) == ("new", "old", 0)
    host.settings["presented"] = there
    assert host.start() == "p: nothing new; the service had not loaded its certificate and presents it now"
    assert (host.presented, host.count()) == ("new", 1)


def test_a_service_that_never_loads_the_pair_is_told_at_each_start(host, server):
    host.renewed("old")
    host.load("later")
    host.settings["reload"] = "true"
    port = host.settings["presented"][0]["port"]
    for _start in range(2):
        assert host.fails() == (
            f"The certificate of p lies in place ({host.store}/current/p.crt), but the service does not present it: tls on port {port}."
            " Correct the service; the next start of certbot.timer tries again."
        )
    assert host.current == "old"


def test_a_foreign_service_on_the_port_is_left_alone(host, server):
    """As the play does it: while the service's own file is missing, whoever answers there is somebody else."""
    host.settings["service_file"] = str(host.certs / "missing")
    assert host.start() == "p: the renewed certificate is in use; its service does not run"
    assert (host.current, host.presented, host.count()) == ("new", "old", 0)


def test_killed_before_anybody_knew_whether_the_service_takes_it(host, server):
    host.version("20260202T000000", "new")
    store = host.switch.Store(host.settings)
    store.use("20260202T000000", instead_of="20260101T000000")
    assert host.start() == "p: the renewed certificate is in use"
    assert (host.current, host.presented, host.count()) == ("new", "new", 1)
    assert not (host.store / ".previous").is_symlink()
    assert (host.store / "previous").readlink() == Path("20260101T000000")


def test_killed_between_the_two_links(host, server):
    (host.store / ".previous").symlink_to("20260101T000000")
    host.renewed("old")
    assert host.start() == "p: nothing new"
    assert host.current == "old"
    assert not (host.store / ".previous").is_symlink()


def test_without_endpoints_the_commands_decide(host):
    assert host.start() == "p: the renewed certificate is in use"
    assert host.count() == 1
    assert host.start() == "p: nothing new"


def test_a_certificate_for_other_names_is_refused(host):
    host.settings["names"] = ["chat.corp.test", "other.corp.test"]
    assert host.fails() == (
        f"The renewed certificate of p ({host.lineage}/fullchain.pem) was not taken over: it is not valid for other.corp.test."
        " Nothing was changed. See /var/log/letsencrypt."
    )
    assert host.current == "old"


@pytest.mark.parametrize("there", [True, False])
def test_the_hook_of_a_source_that_was_given_up_says_nothing(host, tmp_path, there):
    """certbot keeps its hook when the certificate comes from elsewhere now; the settings are gone then."""
    settings = tmp_path / "p.json"
    if there:
        settings.write_text(json.dumps(host.settings))
    result = subprocess.run([sys.executable, SCRIPT, settings], capture_output=True, text=True, check=False)
    said = "p: the renewed certificate is in use\n" if there else ""
    assert (result.returncode, result.stdout, result.stderr) == (0, said, "")
    assert host.current == ("new" if there else "old")
