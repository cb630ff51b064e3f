# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in of MTS Link driven by hand, and a table of what it refuses: what is planted, and what it says then."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from company_ca import CompanyCA, Issued
from lab_mts_link import ADD_TOKEN, CHATS, FOLDER, LICENCES, NAMES, REGISTRY, MtsLink
from mts_link_dialog import Talk, talk

WORDINGS = Path(__file__).resolve().parents[1] / "lab/standins/mts_link"
INSTALLER = f"{FOLDER}/installer.sh"
CRT, KEY = f"{FOLDER}/certs/{CHATS}.crt", f"{FOLDER}/certs/{CHATS}.key"
CHATS_ASKS = ("licence_key", "client_id", "client_secret")
DOCKER = f'Error response from daemon: Get "https://{REGISTRY}/": '
UNAUTHORIZED = "unauthorized: Incorrect login or password"


def wording(language: str) -> dict[str, str]:
    """Its texts by their keys."""
    lines = (WORDINGS / f"prompts.{language}").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


WORDING = {language: wording(language) for language in ("en", "ru")}


@dataclass
class Standin:
    """Both hosts, everything in place that an installation needs."""

    link: MtsLink
    ca: CompanyCA
    pair: Issued
    language: str = "en"
    id: str = ""
    secret: str = ""
    answers: dict[str, str] = field(default_factory=dict)

    def run(self, host: str, command: list[str], questions: list[str], **answers: str) -> Talk:
        """Talk to a command; the usual answers, but for those that are given."""
        texts = WORDING[self.language]
        language = f"MTS_LINK_STANDIN_LANGUAGE={self.language}"
        return talk(
            self.link.lab.command(host, ["env", language, *command]),
            [(texts[f"ask_{one}"], {**self.answers, **answers}[one]) for one in questions],
        )

    def cfglink(self, *more: str, **answers: str) -> Talk:
        return self.run("meetings", [INSTALLER, "--cfglink"], ["domain", *more], **answers)

    def install(self, *more: str, **answers: str) -> Talk:
        return self.run("chat", [INSTALLER], [*CHATS_ASKS, *more], **answers)

    def add_token(self, *more: str, **answers: str) -> Talk:
        return self.run("meetings", [ADD_TOKEN], ["domain", "token", *more], **answers)

    def linked(self) -> None:
        """A valid pair of Client ID and secret, and no installation."""
        self.link.uninstall()
        talked = self.cfglink()
        assert talked.code == 0, talked.screen
        self.answers |= {"client_id": talked.value("Client ID"), "client_secret": talked.value("Client secret")}

    def says(self, key: str, *values: str) -> str:
        return WORDING[self.language][key].replace("%s", "{}").format(*values)


# What is planted; the error, by its key and values, or as a whole text.


@contextlib.contextmanager
def certs(standin: Standin, crt: bytes | None, key: bytes | None, name: str = CHATS) -> Iterator[None]:
    standin.link.certificate(crt, key, name)
    try:
        yield
    finally:
        standin.link.certificate(standin.pair.pem(), standin.pair.key_pem())


def chain(*order: int) -> Callable[[Standin], AbstractContextManager]:
    """Certificates of the chain in another order."""
    return lambda s: certs(s, s.pair.pem([s.pair.chain[index] for index in order]), s.pair.key_pem())


def of(days: float) -> Callable[[Standin], AbstractContextManager]:
    def plant(standin: Standin) -> AbstractContextManager:
        pair = standin.ca.issue(NAMES, days)
        return certs(standin, pair.pem(), pair.key_pem())

    return plant


@contextlib.contextmanager
def without(standin: Standin, path: str) -> Iterator[None]:
    standin.link.shell("chat", f"mv {path} /root/aside")
    try:
        yield
    finally:
        standin.link.shell("chat", f"mv /root/aside {path}")


def renamed(standin: Standin) -> AbstractContextManager:
    return certs(standin, standin.pair.pem(), standin.pair.key_pem(), "server")


def hosts(line: str) -> Callable[[Standin], AbstractContextManager]:
    return lambda s: s.link.line("chat", "/etc/hosts", line)


def resolv(line: str) -> Callable[[Standin], AbstractContextManager]:
    return lambda s: s.link.line("chat", "/etc/resolv.conf", line)


def vendor(**rule: object) -> Callable[[Standin], AbstractContextManager]:
    return lambda s: s.link.faults(rule)


@contextlib.contextmanager
def silent(standin: Standin) -> Iterator[None]:
    with standin.link.silent(LICENCES), standin.link.settings("chat", timeout=1):
        yield


def tls(why: str) -> str:
    return f"tls: failed to verify certificate: x509: {why}"


@contextlib.contextmanager
def taken(standin: Standin) -> Iterator[None]:
    start = "systemd-run --quiet --unit=web python3 -m http.server 80; until ss -Hltn sport = :80 | grep -q .; do sleep 0.1; done"
    standin.link.shell("chat", start)
    try:
        yield
    finally:
        standin.link.shell("chat", "systemctl stop web")


REFUSED: dict[str, tuple[Callable[[Standin], AbstractContextManager], dict[str, str], tuple[str, ...] | str]] = {
    # Certificate, note 1
    "no folder certs": (lambda s: without(s, f"{FOLDER}/certs"), {}, ("no_certs", f"{FOLDER}/certs")),
    "no certificate": (lambda s: certs(s, None, s.pair.key_pem()), {}, ("no_certificate", f"{FOLDER}/certs")),
    "name of the file": (renamed, {}, ("file_name", "server.crt")),
    "another domain's": (
        lambda s: certs(s, s.ca.issue(["wiki.corp.test"]).pem(), s.pair.key_pem()),
        {},
        ("file_name", f"{CHATS}.crt"),
    ),
    "order: root first": (chain(2, 1, 0), {}, ("order", CRT)),
    "order: root before intermediate": (chain(0, 2, 1), {}, ("order", CRT)),
    "intermediate missing": (chain(0, 2), {}, ("order", CRT)),
    "root missing": (chain(0, 1), {}, ("root_missing", CRT)),
    "only the certificate": (chain(0), {}, ("root_missing", CRT)),
    "expired": (of(-1), {}, ("dates", CRT)),
    "no PEM": (lambda s: certs(s, b"nothing\n", s.pair.key_pem()), {}, ("unreadable", CRT)),
    "no key": (lambda s: certs(s, s.pair.pem(), None), {}, ("no_key", KEY)),
    "another key": (lambda s: certs(s, s.pair.pem(), s.ca.issue(NAMES).key_pem()), {}, ("key", KEY)),
    # Certificate, note 2
    "search": (resolv("search corp.test"), {}, ("resolv",)),
    "domain": (resolv("domain corp.test"), {}, ("resolv",)),
    # Domains, note 2
    "127.0.0.1": (hosts(f"127.0.0.1 {CHATS}"), {}, ("loopback", CHATS)),
    "127.0.1.1": (hosts(f"127.0.1.1 chat {NAMES[1]}"), {}, ("loopback", NAMES[1])),
    "not here": (hosts(f"203.0.113.9 {CHATS}"), {}, ("address", CHATS, "203.0.113.9")),
    # Installation, steps 5-9
    "no licence file": (lambda s: without(s, f"{FOLDER}/corp-test.lic"), {}, ("no_licence", FOLDER)),
    "wrong licence key": (nullcontext, {"licence_key": "wrong"}, ("licence",)),
    "wrong Client ID": (nullcontext, {"client_id": "wrong"}, ("client",)),
    "wrong Client secret": (nullcontext, {"client_secret": "wrong"}, ("client",)),
    "licence refused": (vendor(name=LICENCES, path="^/standin/licence", status=403), {}, ("licence",)),
    "licence server breaks down": (
        vendor(name=LICENCES, status=500),
        {},
        ("unreachable", LICENCES, "received unexpected HTTP status: 500 Internal Server Error"),
    ),
    # Ports, note; Certificate, note 3
    "registry 401": (vendor(name=REGISTRY, status=401), {}, DOCKER + UNAUTHORIZED),
    "registry refused": (lambda s: s.link.refusing(REGISTRY), {}, DOCKER + "dial tcp: connect: connection refused"),
    "registry cut off": (
        vendor(name=REGISTRY, path="^/$", drop=True), {}, DOCKER + "Remote end closed connection without response"
    ),
    "registry unknown": (
        lambda s: s.link.unknown(REGISTRY), {}, DOCKER + f"dial tcp: lookup {REGISTRY}: no such host"
    ),
    "TLS intercepted": (
        vendor(name=REGISTRY, certificate="intercepted"), {}, DOCKER + tls("self-signed certificate")
    ),
    "vendor's certificate expired": (
        vendor(name=LICENCES, certificate="expired"),
        {},
        ("unreachable", LICENCES, tls("certificate has expired")),
    ),
    "no route": (
        lambda s: s.link.without_route(LICENCES), {}, ("unreachable", LICENCES, "[Errno 113] No route to host")
    ),
    "dropped": (
        silent,
        {},
        ("unreachable", LICENCES, "net/http: request canceled (Client.Timeout exceeded while awaiting headers)"),
    ),
    # Installed by somebody else
    "port taken": (
        taken,
        {},
        "Error response from daemon: driver failed programming external connectivity on endpoint mts-link-chats: "
        "Bind for 0.0.0.0:80 failed: port is already allocated",
    ),
}  # fmt: skip
