# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An installation of MTS Link that is cut off or refused, and the run after it. Installer, script and vendor are labelled stand-ins.

The stand-in writes down what it asks and which step it begins, so what is asked twice is counted. `make soak-mts-link` kills the
installers at every step and plants every fault, here it is some: the code that meets them is the same.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import time

import pytest
from conftest import LAB, ROOT
from lab_mts_link import CHATS, LICENCES, REGISTRY, REP_BOX, MtsLink

INVENTORY = ROOT / "inventories" / "lab_mts_link"
SERVER = "onprem.chat.server"
# Debian's updates are the host role's matter, and cost minutes.
QUICK = {"host_upgrade": "none", "mts_link_chats_accept": ["host.updates"]}
RUN = [LAB, "exec", "users", "--", "ansible-playbook", "-i", str(INVENTORY), SERVER, "-e", json.dumps(QUICK)]
EVERY = bool(os.environ.get("ONPREM_CHAT_EVERY_STEP"))
# Host and step, in the order in which a rollout comes to them.
STEPS = [
    *(("meetings", step) for step in ("generate", "hosts", "finish")),
    *(("chat", step) for step in ("checks", "licence", "registry", "pull", "configure", "start", "finish")),
    *(("meetings", step) for step in ("check_token", "store")),
]
SOME = [("meetings", "hosts"), ("chat", "pull"), ("meetings", "store")]


@pytest.fixture(scope="module")
def prepared(laboratory):
    """Both hosts as they are before the installers run: everything that onprem.chat.site does before them is done."""
    world = MtsLink.ready(laboratory, "chat", "meetings")
    mapping = str(ROOT / "playbooks" / "vars" / "site.yml")
    roles = ["onprem.chat.host", "onprem.chat.certificates"]
    play = {"name": "Before", "hosts": "chat_servers", "vars_files": [mapping], "roles": roles}
    playbook = laboratory.state / "mts_link_before.yml"
    playbook.write_text(json.dumps([play]))
    result = laboratory.playbook(str(playbook), "-e", json.dumps(QUICK), inventory=INVENTORY)
    assert result.returncode == 0, result.stdout + result.stderr
    return world


@pytest.fixture
def world(prepared):
    """Nothing of MTS Link is installed, and nothing of a former run is known."""
    for host in ("chat", "meetings"):
        prepared.shell(host, "rm -rf /var/lib/onprem-chat/dialogs /opt/onprem-chat/mts-link")
    prepared.uninstall()
    prepared.shell("meetings", "rm -rf /var/lib/onprem-chat/mts-link*")
    return prepared


def server(world: MtsLink, **site) -> tuple[int, str]:
    """(exit code, output) of one run."""
    result = world.lab.playbook(SERVER, "-e", json.dumps(QUICK | site), inventory=INVENTORY)
    return result.returncode, result.stdout + result.stderr


def changed(text: str) -> dict[str, int]:
    found = re.findall(r"^(chat|meetings) +:.*?changed=(\d+)", text, re.MULTILINE)
    return {host: int(count) for host, count in found}


def asked(world: MtsLink) -> list[str]:
    """Every question of every installer so far."""
    return [line.split()[-1] for host in ("chat", "meetings") for line in world.trace(host) if " asked " in line]


ONCE = sorted(["domain", "licence_key", "client_id", "client_secret", "domain", "token"])


def complete(world: MtsLink) -> dict[str, str]:
    """Both servers are installed and know each other; the values."""
    values = world.installed()
    assert world.linked() == {name: values[name] for name in ("client_id", "client_secret", "token")}
    return values


def unchanged(world: MtsLink) -> None:
    """One more run does nothing."""
    before, values = asked(world), complete(world)
    code, text = server(world)
    assert code == 0, text
    assert changed(text) == {"chat": 0, "meetings": 0}
    assert asked(world) == before
    assert complete(world) == values


@contextlib.contextmanager
def hanging_run(world: MtsLink, host: str, step: str):
    """A run whose installer waits in a step; the installer goes on when the block ends."""
    world.set(host, "hang", step)
    process = subprocess.Popen(
        RUN,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not any(line.endswith(f"step {step}") for line in world.trace(host)):
            assert process.poll() is None, f"the run ended before the step {step}"
            time.sleep(0.3)
        yield process
    finally:
        world.set(host, "hang", None)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()


def test_killed_controller(world):
    """The installer goes on alone; the next run waits for it, has its result, and asks nothing again."""
    with hanging_run(world, "chat", "pull") as process:
        os.killpg(process.pid, 9)
        process.wait()
        second = subprocess.Popen(
            RUN,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for line in second.stdout:
            if "mts_link_chats : Dialogue | Run the installer" in line:
                break
        assert second.poll() is None
    text = second.communicate()[0]
    assert second.returncode == 0, text
    assert sorted(asked(world)) == ONCE
    complete(world)


def test_lost_connection(world):
    """Every ssh connection to the host is cut; the run fails, the installer does not."""
    with hanging_run(world, "chat", "pull") as process:
        world.shell("chat", "pkill -KILL -u deploy sshd")
        process.wait()
        assert process.returncode != 0
    code, text = server(world)
    assert code == 0, text
    assert sorted(asked(world)) == ONCE
    complete(world)


def test_restarted_host(world):
    """The installer died with the host: it is run again, with the answers that are there already."""
    with hanging_run(world, "chat", "configure") as process:
        world.lab.reboot("chat")
        world.set("chat", "hang", None)
        process.wait()
    code, text = server(world)
    assert code == 0, text
    # Meetings was asked nothing again, and its values are the ones that the Chats have.
    assert [line for line in world.trace("meetings") if " asked " in line and "installer.sh" in line] == [
        "installer.sh asked domain"
    ]
    complete(world)


def test_killed_installer(world):
    """At one step after the other; each run goes as far as the next one."""
    client = {}
    for host, step in STEPS if EVERY else SOME:
        with world.settings(host, crash=step):
            code, text = server(world)
        assert code != 0, (host, step, text)
        assert re.search(r"killed|signal 9|SIGKILL", text), text
        if host == "chat":
            client = client or world.linked()
            assert world.linked() == client
    code, text = server(world)
    assert code == 0, text
    values = complete(world)
    assert {name: values[name] for name in client} == client
    unchanged(world)


FAULTS = {
    # First: after a run that was asked everything no unknown text is shown, because it might be what was generated.
    "a question that nobody knows": (
        {"settings": {"extra_prompt": "licence_key"}, "site": {"mts_link_chats_silence": 5}},
        "agreement",
        "",
    ),
    "wrong licence key": (
        {"site": {"chat_licence_key": "wrong-licence-key-canary"}},
        "the licence key was refused",
        "Installation, step 9",
    ),
    "registry without access": (
        {"faults": ({"name": REGISTRY, "status": 401},)},
        "has no access to one of the vendor's repositories",
        "Ports, note",
    ),
    "licence server breaks down": (
        {"faults": ({"name": LICENCES, "status": 500},)},
        "",
        "",
    ),
    "disk full in the middle": ({"disk": 2048}, "a disk of this host is full", "Requirements, table 1"),
    "an error that ends with 0": (
        {"settings": {"fail": "configure", "exit_code": 0}},
        "",
        "",
    ),
}
# A cause that is recognised, and a failure that does not look like one.
PLANTED = list(FAULTS) if EVERY else ["a question that nobody knows", "wrong licence key", "an error that ends with 0"]


def test_refused_then_mended(world):
    """One clear error each time, no secret in it; when every cause is gone, the next run completes."""
    for name in PLANTED:
        planted, cause, paragraph = FAULTS[name]
        with contextlib.ExitStack() as stack:
            if "faults" in planted:
                stack.enter_context(world.faults(*planted["faults"]))
            if "disk" in planted:
                stack.enter_context(world.small_disk(planted["disk"]))
            if "settings" in planted:
                stack.enter_context(world.settings("chat", **planted["settings"]))
            code, text = server(world, **planted.get("site", {}))
        assert code != 0, (name, text)
        flat = re.sub(r"\s+", " ", text)
        assert cause.lower() in flat.lower(), (name, text)
        assert paragraph in flat, (name, text)
        for secret in ("canary", world.licence_key, world.linked()["client_secret"]):
            assert secret not in text, name
    code, text = server(world)
    assert code == 0, text
    complete(world)


def test_wrong_client_secret(world):
    """Values that somebody gives instead of those that Meetings makes."""
    code, text = server(
        world, mts_link_meetings_client_id="nobody", mts_link_meetings_client_secret="not-the-secret-canary"
    )
    assert code != 0
    assert "Client ID or Client secret was refused" in re.sub(r"\s+", " ", text)
    assert "canary" not in text


def test_token_of_another_domain(world):
    """Meetings refuses it; the right one is taken at the next run, and neither installer runs again."""
    ask = f"curl -sSf --cacert {world.lab.state}/company-ca.crt -d {{}} https://{{}}/standin/{{}}"
    pair = world.shell("users", ask.format("domain=talk.corp.test", REP_BOX, "issue")).split()
    other = world.shell("users", ask.format(f"'domain=talk.corp.test&id={pair[0]}'", LICENCES, "token")).strip()
    code, text = server(world, mts_link_meetings_token=other)
    assert code != 0
    assert "another" in re.sub(r"\s+", " ", text)
    assert other not in text
    right, questions = world.installed()["token"], len(asked(world))
    code, text = server(world)
    assert code == 0, text
    assert complete(world)["token"] == right
    assert len(asked(world)) == questions + 2
    unchanged(world)


def test_token_that_meetings_has(world):
    """Chats that were installed by hand: nothing is remembered of them, and the script will not take their token again."""
    code, text = server(world)
    assert code == 0, text
    token = complete(world)["token"]
    for host, kept in (("chat", "nothing"), ("meetings", "mts-link-cfglink-*")):
        script = f"cd /var/lib/onprem-chat && rm -rf mts-link && find dialogs -mindepth 1 -maxdepth 1 ! -name '{kept}' -exec rm -r {{}} +"
        world.shell(host, script)
    for language in ("en", "ru"):
        with world.settings("meetings", language=language):
            code, text = server(world, mts_link_chats_token=token)
        assert code != 0
        flat = re.sub(r"\s+", " ", text)
        assert "Meetings has a token of these Chats already" in flat, text
        assert "set mts_link_meetings_token_known to true" in flat
        assert token not in text
    questions = asked(world)
    known = {"mts_link_chats_token": token, "mts_link_meetings_token_known": "true"}
    code, text = server(world, **known)
    assert code == 0, text
    # The failed dialogue is forgotten, the mark written.
    assert changed(text)["meetings"] == 2
    for again in (known, {"mts_link_chats_token": token}):
        code, text = server(world, **again)
        assert code == 0, text
        assert changed(text) == {"chat": 0, "meetings": 0}
    assert asked(world) == questions
    assert complete(world)["token"] == token


def test_value_that_a_later_line_replaces(world):
    """Nothing is done with it until a person has said which one is right."""
    with world.settings("chat", prompts="out_installed=Saving Integrational token: OK"):
        code, text = server(world)
    flat = re.sub(r"\s+", " ", text)
    assert code != 0, text
    assert (
        "printed several tokens that are not the same" in flat
        and "name=mts-link-chats-chats.corp.test state=read" in flat
    )
    assert "token" not in world.linked()
    token = world.installed()["token"]
    assert token not in text
    read = {"name": "mts-link-chats-chats.corp.test", "state": "read"}
    playbook = world.lab.state / "mts_link_read.yml"
    task = {"name": "Read", "onprem.chat.installer_dialog": read, "become": True}
    playbook.write_text(json.dumps([{"name": "Read", "hosts": "chat_servers", "gather_facts": False, "tasks": [task]}]))
    result = world.lab.playbook(str(playbook), "-v", inventory=INVENTORY)
    assert json.dumps({"token": [token]}) in re.sub(r"\s+", " ", result.stdout), result.stdout
    code, text = server(world, mts_link_chats_token=token)
    assert code == 0, text
    assert complete(world)["token"] == token


@pytest.mark.parametrize("host", ["chat", "meetings"])
def test_journal_that_cannot_be_read(world, host):
    """It is not taken for a host on which nothing was installed."""
    code, text = server(world)
    assert code == 0, text
    questions = asked(world)
    name = {"chat": "mts-link-chats", "meetings": "mts-link-add-token"}[host] + f"-{CHATS}"
    world.shell(host, f"echo '{{' >/var/lib/onprem-chat/dialogs/{name}/journal.json")
    for playbook in (SERVER, "onprem.chat.certificates") if host == "chat" else (SERVER,):
        result = world.lab.playbook(playbook, "-e", json.dumps(QUICK), inventory=INVENTORY)
        flat = re.sub(r"\s+", " ", result.stdout + result.stderr)
        assert result.returncode != 0, (playbook, flat)
        assert f"The journal /var/lib/onprem-chat/dialogs/{name}/journal.json cannot be read" in flat
    assert asked(world) == questions


def test_in_russian_in_colours_and_slowly(world):
    """The wording is the vendor's; the defaults know both languages."""
    odd = {"language": "ru", "colours": 1, "wrap": 30, "no_space": 1}
    with world.settings("chat", **odd), world.settings("meetings", **odd):
        code, text = server(world)
    assert code == 0, text
    assert complete(world)["domain"] == CHATS
