# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What makes an installation of MTS Link fail, by its manual, planted.

Each time the whole rollout is started: it ends in the preflight, which names cause and paragraph; nothing was changed, and neither the
vendor's installer nor its script was started (labelled stand-ins, which write down every start). `make soak-mts-link` plants the causes
one by one; here those that do not touch the same thing are planted together, and each must be named.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import pytest
from company_ca import CompanyCA
from conftest import ROOT
from lab_mts_link import ADD_TOKEN, ADDRESS, CHATS, LICENCES, NAMES, REGISTRY, REP_BOX, MtsLink

INVENTORY = ROOT / "inventories" / "lab_mts_link"
MANUAL = "MTS Link on-premise (Chats) 1.3, "
# The role's own default, which a longer list must not lose.
STRICT = ["host.clock", "host.name"]
EVERY = bool(os.environ.get("ONPREM_CHAT_EVERY_STEP"))


@dataclass
class Cause:
    """One cause of failure: how it is planted, and how it is named."""

    id: str
    evidence: str
    paragraph: str
    plant: Callable[[MtsLink], AbstractContextManager] = lambda _world: contextlib.nullcontext()
    site: dict = field(default_factory=dict)
    # What it touches: causes that share something cannot be planted together. The id when nothing is said.
    touches: tuple[str, ...] = ()


def hosts(change: Callable[[str], str]) -> Callable[[MtsLink], AbstractContextManager]:
    """/etc/hosts of the chat host, changed."""
    return lambda world: world.file_with("chat", "/etc/hosts", change(world.shell("chat", "cat /etc/hosts")))


def line(path: str, text: str) -> Callable[[MtsLink], AbstractContextManager]:
    """A line more in a file of the chat host."""
    return lambda world: world.line("chat", path, text)


@contextlib.contextmanager
def on_chat(world: MtsLink, do: str, undo: str) -> Iterator[None]:
    """A shell command on the chat host, and the one that takes it back."""
    world.shell("chat", do)
    try:
        yield
    finally:
        world.shell("chat", undo)


def listener(port: int) -> Callable[[MtsLink], AbstractContextManager]:
    """Another web server on a port."""
    command = f"systemd-run --quiet --unit somebody-{port} python3 -m http.server {port}"
    wait = f"for _i in $(seq 50); do ss -Hltn sport = :{port} | grep -q . && break; sleep 0.1; done"
    return lambda world: on_chat(world, f"{command}; {wait}", f"systemctl stop somebody-{port}")


@contextlib.contextmanager
def older_package(world: MtsLink) -> Iterator[None]:
    """dpkg thinks that an older version of a package is installed, so that there is an update for it."""
    status = world.shell("chat", "cat /var/lib/dpkg/status")
    older = re.sub(r"(?m)(^Package: base-files\n(?:.+\n)*?Version: ).*$", r"\g<1>12.0", status)
    assert older != status
    with world.file_with("chat", "/var/lib/dpkg/status", older):
        yield


@contextlib.contextmanager
def untrusted_vendor(world: MtsLink) -> Iterator[None]:
    """What a firewall that looks into TLS presents: a certificate of an authority that this host does not trust."""
    path = "/usr/local/share/ca-certificates/laboratory-stands-in-for-a-public-ca.crt"
    world.shell("chat", f"rm {path}; update-ca-certificates --fresh >/dev/null 2>&1")
    try:
        yield
    finally:
        world.trust("chat")


@contextlib.contextmanager
def without_script(world: MtsLink) -> Iterator[None]:
    """A Meetings server that is not installed to its end."""
    world.shell("meetings", f"mv {ADD_TOKEN} {ADD_TOKEN}.away")
    try:
        yield
    finally:
        world.shell("meetings", f"mv {ADD_TOKEN}.away {ADD_TOKEN}")


def closed_to_meetings(world: MtsLink) -> AbstractContextManager:
    """The firewall of the chat host drops what Meetings sends to port 443."""
    rule = "add table inet planted; add chain inet planted input { type filter hook input priority -300; }; "
    rule += "add rule inet planted input ip saddr 10.203.0.21 tcp dport 443 drop"
    return on_chat(world, f"nft '{rule}'", "nft delete table inet planted")


OTHER = "meet.other.test"
CAUSES = {
    "another Debian": Cause(
        "host.os",
        "Debian GNU/Linux 11",
        "Requirements, note 1",
        lambda world: world.file_with(
            "chat",
            "/etc/os-release",
            'PRETTY_NAME="Debian GNU/Linux 11 (bullseye)"\nID=debian\nVERSION_ID="11"\n',
        ),
    ),
    "updates wait": Cause("host.updates", "base-files", "Requirements, note 1", older_package),
    "too few processors": Cause(
        "host.cpus",
        "at least 1024 wanted",
        "Requirements, table 1",
        site={"mts_link_chats_requirements": {"cpus": 1024}},
    ),
    "too little memory": Cause(
        "host.memory", "MiB", "Requirements, table 1", site={"mts_link_chats_requirements": {"memory_mib": 32768000}}
    ),
    "too small a disk": Cause(
        "host.disk",
        "GiB free",
        "Requirements, table 1",
        site={"mts_link_chats_requirements": {"disk_gib": 1_000_000}},
    ),
    "too slow a network": Cause(
        "host.network.speed",
        "Mbit/s",
        "Requirements, table 1",
        site={
            "mts_link_chats_requirements": {"network_mbit": 1_000_000},
            # A virtual interface tells no speed that one could rely on.
            "mts_link_chats_strict": ["host.network.speed"],
        },
    ),
    "a name without a line in hosts": Cause(
        "host.hosts",
        "chats-storage.corp.test",
        "Domains, note 2",
        hosts(lambda text: text.replace("chats-storage.corp.test", "")),
    ),
    "127.0.1.1": Cause(
        "host.hosts", "127.0.1.1", "Domains, note 2", hosts(lambda text: f"127.0.1.1 {NAMES[0]} chats\n{text}")
    ),
    "127.0.0.1": Cause(
        "host.hosts",
        "127.0.0.1",
        "Domains, note 2",
        hosts(lambda text: text.replace("127.0.0.1 localhost", f"127.0.0.1 localhost {NAMES[0]}")),
    ),
    "the external address in hosts": Cause(
        "host.hosts", "192.0.2.20", "Domains, note 2", hosts(lambda text: text.replace(ADDRESS, "192.0.2.20"))
    ),
    "an address of another host": Cause(
        "host.address", "10.203.0.77", "Domains, note 2", site={"chat_internal_addresses": ["10.203.0.77"]}
    ),
    "domain in resolv.conf": Cause(
        "host.resolver.search", "domain corp.test", "Certificate, note 2", line("/etc/resolv.conf", "domain corp.test")
    ),
    "search in resolv.conf": Cause(
        "host.resolver.search", "search corp.test", "Certificate, note 2", line("/etc/resolv.conf", "search corp.test")
    ),
    "no time service": Cause(
        "host.clock",
        "",
        "Other settings, 3",
        lambda world: on_chat(world, "systemctl stop chrony", "systemctl start chrony; chronyc waitsync 60 >/dev/null"),
    ),
    "port 80 taken": Cause("host.port", "python3", "Ports, table 3", listener(80), touches=("80",)),
    "port 443 taken": Cause("host.port", "python3", "Ports, table 3", listener(443), touches=("443", "meetings")),
    "a proxy": Cause(
        "host.proxy",
        "https_proxy",
        "Other settings, 1",
        line("/etc/environment", "https_proxy=http://proxy.corp.test:3128"),
        {"mts_link_chats_strict": ["host.proxy"]},
    ),
    "the registry has no address": Cause(
        "host.outbound", REGISTRY, "Certificate, note 3", lambda world: world.unknown(REGISTRY), touches=("registry",)
    ),
    "the licence server refuses": Cause(
        "host.outbound", "refused", "Certificate, note 3", lambda world: world.refusing(LICENCES), touches=("licences",)
    ),
    "a firewall drops": Cause(
        "host.outbound",
        "no connection within",
        "Certificate, note 3",
        lambda world: world.silent(REP_BOX),
        touches=("rep-box",),
    ),
    "no way to the registry": Cause(
        "host.outbound",
        "No route to host",
        "Certificate, note 3",
        lambda world: world.without_route(REGISTRY),
        touches=("registry",),
    ),
    "a firewall looks into TLS": Cause(
        "host.outbound",
        "Corp Test Company CA",
        "Certificate, note 3",
        untrusted_vendor,
        touches=("registry", "licences", "rep-box"),
    ),
    "another second-level domain": Cause("host.domain", OTHER, "Domains, note 1", site={"chat_meetings_domain": OTHER}),
    "split DNS": Cause(
        "dns.update",
        "split DNS",
        "",
        site={
            "chat_dns_views": [
                {"name": "external", "server": "dc1.corp.test", "addresses": ["192.0.2.20"], "auth": "gss_tsig"}
            ]
        },
    ),
    "an installer that is not the pinned one": Cause(
        "mts_link.installer",
        "SHA-256",
        "Installation, step 6",
        site={"chat_installer_sha256": "0" * 64},
        touches=("rep-box",),
    ),
    "an installer that is not there": Cause(
        "mts_link.installer",
        "404",
        "Installation, step 6",
        site={"chat_installer": f"https://{REP_BOX}/nothing.sh"},
        touches=("rep-box",),
    ),
    "Meetings without its script": Cause(
        "meetings.script|mts_link.*", ADD_TOKEN, "Installation, step 10", without_script
    ),
    "closed to Meetings": Cause("mts_link.chats", "443", "Ports, table 3", closed_to_meetings, touches=("meetings",)),
}


@pytest.fixture(scope="module")
def world(laboratory):
    """Both hosts as the role host leaves them; nothing of MTS Link is there."""
    world = MtsLink.ready(laboratory, "chat", "meetings")
    playbook = laboratory.state / "mts_link_host.yml"
    mapping = str(ROOT / "playbooks" / "vars" / "site.yml")
    play = {"name": "Host", "hosts": "chat_servers", "vars_files": [mapping], "roles": ["onprem.chat.host"]}
    playbook.write_text(json.dumps([play]))
    result = laboratory.playbook(str(playbook), inventory=INVENTORY)
    assert result.returncode == 0, result.stdout + result.stderr
    world.forget_trace()
    return world


@pytest.fixture(scope="module")
def site(world):
    """Runs the rollout with further site values, with leave to mend nothing; (exit code, output in one line per paragraph)."""

    def run(name: str, **values):
        path = world.lab.state / "mts_link_values.json"
        path.write_text(json.dumps({"chat_host_mend": [], **values}))
        result = world.lab.playbook(
            f"onprem.chat.{name}",
            "-e",
            f"@{path}",
            inventory=INVENTORY,
            env=os.environ | {"ANSIBLE_CALLBACK_RESULT_FORMAT": "json"},
        )
        return result.returncode, result.stdout + result.stderr

    return run


def state(world: MtsLink) -> str:
    """What an installation would change."""
    script = "ls -lR --full-time /etc/onprem-chat /opt /etc/hosts /etc/resolv.conf /var/lib/onprem-chat 2>&1"
    return "".join(world.shell(host, f"{script}; true") for host in ("chat", "meetings"))


def failed(text: str, id: str) -> list[str]:
    """The failed checks of a name, each with what stands under it in one line."""
    lines = re.sub(r'",\n\s*"\s+(->|see)', r" \1", text).splitlines()
    return [line for line in lines if re.search(rf'"FAIL  ({id})', line)]


def named(text: str, cause: Cause) -> bool:
    """It is said what was seen, and who asks for it."""
    source = f"see {MANUAL}{cause.paragraph}" if cause.paragraph else ""
    return any(re.search(cause.evidence, line) and source in line for line in failed(text, cause.id))


def together() -> list[list[str]]:
    """Causes that can be planted at the same time; each stands in one list."""
    batches: list[list[str]] = []
    for name, cause in CAUSES.items():
        for batch in batches:
            if not any(_touched(cause) & _touched(CAUSES[other]) for other in batch):
                batch.append(name)
                break
        else:
            batches.append([name])
    return batches


def _touched(cause: Cause) -> set[str]:
    return set(cause.touches or (cause.id,)) | {
        key for key, value in cause.site.items() if key != "mts_link_chats_strict" and not isinstance(value, dict)
    }


def test_nothing_is_planted(site, world):
    code, text = site("preflight")
    assert code == 0, text
    assert world.trace("chat") == world.trace("meetings") == []


def test_a_journal_that_cannot_be_read(site, world):
    """Nothing says then that what takes the ports is not the Chats themselves."""
    files = {
        "chat": f"/var/lib/onprem-chat/dialogs/mts-link-chats-{CHATS}/journal.json",
        "meetings": f"/var/lib/onprem-chat/dialogs/mts-link-cfglink-{CHATS}/journal.json",
    }
    try:
        for host, path in files.items():
            world.write(host, path, "{\n")
        code, text = site("preflight")
        assert code != 0, text
        said = failed(text, "mts_link.journal")
        assert [path for path in files.values() if not any(f"{path} cannot be read" in line for line in said)] == [], (
            text
        )
        # Where the values are given it does not matter.
        given = {"mts_link_meetings_client_id": "4711", "mts_link_meetings_client_secret": "s-1"}
        code, text = site("preflight", mts_link_chats_token="t-1", **given)
        assert code == 0, text
    finally:
        for host in files:
            world.shell(host, "rm -rf /var/lib/onprem-chat/dialogs")


@pytest.mark.parametrize("names", [[name] for name in CAUSES] if EVERY else together(), ids=" + ".join)
def test_causes(site, world, names):
    causes, values = [CAUSES[name] for name in names], {}
    for cause in causes:
        for key, value in cause.site.items():
            if isinstance(value, dict):
                values[key] = values.get(key, {}) | value
            elif key == "mts_link_chats_strict":
                values[key] = values.get(key, STRICT) + value
            else:
                values[key] = value
    with contextlib.ExitStack() as planted:
        for cause in causes:
            planted.enter_context(cause.plant(world))
        before = state(world)
        code, text = site("site", **values)
        assert state(world) == before
    assert code != 0, text
    assert [name for name, cause in zip(names, causes, strict=True) if not named(text, cause)] == [], text
    assert world.trace("chat") == world.trace("meetings") == []


# -- what the company's authority delivered ---------------------------------------------------------------------------


def delivered(world: MtsLink, names=NAMES, key=None, root=True, **options) -> dict:
    """Site values for files of the company's CA."""
    issued = CompanyCA(world.lab.state).issue(names, **options)
    folder = world.lab.state / "delivered"
    folder.mkdir(exist_ok=True)
    (folder / "chats.pem").write_bytes(issued.pem(None if root else issued.chain[:2]))
    (folder / "chats.key").write_bytes((key or issued).key_pem())
    (folder / "chats.key").chmod(0o600)
    return {
        "chat_certificate_source": "files",
        "chat_certificate_files": [str(folder / "chats.pem"), str(folder / "chats.key")],
        "chat_certificate_trust_anchors": [str(world.lab.state / "company-root.crt")] if root else [],
    }


CERTIFICATES = {
    "expired": (lambda world: delivered(world, days=-1), "certificate.validity"),
    "for two of the three names": (lambda world: delivered(world, names=NAMES[:2]), "certificate.names"),
    "with another key": (lambda world: delivered(world, key=CompanyCA(world.lab.state).issue(NAMES)), "certificate"),
    "without the root": (lambda world: delivered(world, root=False), "certificate.chain"),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_certificate(site, world, name):
    values, id = CERTIFICATES[name]
    before = state(world)
    code, text = site("site", **values(world))
    assert state(world) == before
    assert code != 0, text
    assert named(text, Cause(id, "", "Certificate, note 1")), text
    assert world.trace("chat") == world.trace("meetings") == []


def test_a_certificate_in_the_wrong_order_is_put_in_order(site, world):
    """Which the manual demands of whoever brings the files."""
    values = delivered(world)
    issued = world.lab.state / "delivered" / "chats.pem"
    blocks = re.findall(r"-----BEGIN.*?-----END CERTIFICATE-----\n", issued.read_text(), re.DOTALL)
    issued.write_text("".join(reversed(blocks)))
    code, text = site("preflight", **values)
    assert code == 0, text
