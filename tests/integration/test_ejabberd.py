# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role ejabberd against the real thing: first run, second run, and everything that can go wrong on the way.

The tests are one story in the order of the file; each says what it leaves for the next.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLAY = [
    {
        "name": "Chat server",
        "hosts": "chat_servers",
        "vars_files": [str(ROOT / "playbooks/vars/site.yml")],
        "roles": ["onprem.chat.certificates", "onprem.chat.ejabberd"],
    }
]
# Once the certificate is there and the second run was seen to change nothing, only the role that this suite is about runs.
SERVER = [PLAY[0] | {"gather_facts": False, "roles": ["onprem.chat.ejabberd"]}]
# Whatever the packages, the files of the two roles and the sockets are: an independent look at the host.
LOOK = (
    "dpkg-query --show --showformat '${Package} ${Version} ${db:Status-Status}\\n'; ss -Hltun | awk '{print $5}' | sort;"
    " find /etc /usr/local /var/lib/onprem-chat /var/lib/ejabberd -printf '%p %m %u %g %s %T@ %l\\n' 2>/dev/null | sort; id ejabberd 2>&1; getent group"
)


# A login as a client does it, from where users are. Login and password come by stdin, the server's last word goes to stdout.
LOGIN = """
import base64, os, socket, ssl, sys

login, password = sys.stdin.read().split("\\n")[:2]
head = b"<stream:stream to='corp.test' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"


def ask(sock, question, *ends):
    sock.sendall(question)
    answer = b""
    while not any(end in answer for end in ends):
        part = sock.recv(4096)
        if not part:
            break
        answer += part
    return answer


sock = socket.create_connection(("10.203.0.20", 5222), 10)
features = ask(sock, head, b"</stream:features>")
assert b"<required" in features and b"mechanism>" not in features, features
ask(sock, b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", b"<proceed")
trust = ssl.create_default_context(cafile=os.environ["ONPREM_CHAT_LAB_STATE"] + "/pki/root.crt")
sock = trust.wrap_socket(sock, server_hostname="corp.test")
ask(sock, head, b"</stream:features>")
token = base64.b64encode(("\\0" + login + "\\0" + password).encode())
plain = b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + token + b"</auth>"
print(ask(sock, plain, b"<success", b"</failure>").decode())
"""


@pytest.fixture(scope="module")
def chat(fresh_chat, tmp_path_factory):
    """The laboratory with a fresh chat host and a playbook for the two roles."""
    folder = tmp_path_factory.mktemp("play")
    fresh_chat.play, fresh_chat.server = folder / "chat.yml", folder / "server.yml"
    fresh_chat.play.write_text(json.dumps(PLAY))
    fresh_chat.server.write_text(json.dumps(SERVER))
    return fresh_chat


def deploy(chat, *arguments, play=None, **variables):
    """Run the playbook; extra variables win."""
    extra = ["--extra-vars", json.dumps(variables)] if variables else []
    return chat.playbook(str(play or chat.play), *arguments, *extra)


def change(chat, *arguments, **variables):
    """Run the role ejabberd alone, where the rest is in place."""
    return deploy(chat, *arguments, play=chat.server, **variables)


def shell(chat, command, check=True):
    return chat.exec("chat", ["sh", "-c", "cd /; " + command], check=check).stdout


def login(chat, name):
    """The server's last word."""
    password = chat.secrets["users"][name]
    return chat.exec("users", ["python3", "-c", LOGIN], input=f"{name}\n{password}\n").stdout


def recap(result, word):
    """A number of the play's last line."""
    line = next(line for line in result.stdout.splitlines() if line.startswith("chat ") and "ok=" in line)
    return int(line.split(word + "=")[1].split()[0])


def said(result):
    """What the play printed, in one line: Ansible wraps and quotes."""
    return " ".join((result.stdout + result.stderr).replace("\\n", " ").replace('\\"', '"').split())


class Sampler:
    """Who listens inside the chat host, asked all the time while something else goes on."""

    def __init__(self, lab, chat):
        self.chat = chat
        # It ends by itself: a signal to what entered the container would not reach what runs in there.
        loop = "rm -f /run/stop-sampling; while [ ! -e /run/stop-sampling ]; do sleep 0.05; ss -Hltn; echo; done"
        self.process = subprocess.Popen(
            [ROOT / "tests/lab/lab", "exec", "chat", "--", "sh", "-c", loop],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.samples = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        """An empty line ends a sample."""
        sample = []
        for line in self.process.stdout:
            if line.strip():
                sample.append(line.split()[3])
            else:
                self.samples.append(sample)
                sample = []

    def stop(self):
        shell(self.chat, "touch /run/stop-sampling")
        self.process.wait(10)
        self.reader.join(10)
        return self.samples


def test_check_on_a_fresh_host_changes_nothing(chat):
    before = shell(chat, LOOK)
    result = deploy(chat, "--check", "--diff")
    assert result.returncode == 0, result.stdout
    assert recap(result, "changed") > 0
    assert "+auth_method: [ldap]" in result.stdout
    assert chat.secrets["svc-chat-ldap"] not in result.stdout + result.stderr
    assert shell(chat, LOOK) == before


def test_port_taken_by_something_else(chat):
    shell(chat, "systemd-run --unit squatter --collect python3 -m http.server 5222 >/dev/null 2>&1")
    shell(chat, "for i in $(seq 50); do ss -Hltn 'sport = :5222' | grep -q . && break; sleep 0.1; done")
    try:
        result = deploy(chat)
    finally:
        shell(chat, "systemctl stop squatter")
    assert result.returncode != 0
    assert "Port 5222 on chat is taken by python3 (process " in said(result)
    assert "Nothing was changed. Is another chat server running there? Stop it (systemctl status " in said(result)
    assert "ejabberd" not in shell(chat, "dpkg-query --show --showformat '${Package}\\n'").split()
    assert shell(chat, "ls /etc/systemd/system/ejabberd.service 2>/dev/null", check=False) == ""


def test_first_run_and_the_stock_configuration_is_never_live(chat):
    sampler = Sampler(chat, chat)
    try:
        result = deploy(chat, "-vv", "--diff")
    finally:
        samples = sampler.stop()
    assert result.returncode == 0, result.stdout
    assert chat.secrets["svc-chat-ldap"] not in result.stdout + result.stderr
    assert len(samples) > 50
    # The first socket of ejabberd's that others can reach is ours, and there never is another one.
    outside = {address for sample in samples for address in sample if not address.startswith(("127.", "[::1]"))}
    assert outside == {"0.0.0.0:22", "[::]:22", "*:5222"}
    first = next(index for index, sample in enumerate(samples) if "*:5222" in sample)
    assert all("*:5222" in sample for sample in samples[first:])


def test_second_run_changes_nothing(chat):
    before = shell(chat, "systemctl show ejabberd --property MainPID; stat -c %Y /etc/ejabberd/ejabberd.yml")
    result = deploy(chat)
    assert result.returncode == 0, result.stdout
    assert recap(result, "changed") == 0
    assert shell(chat, "systemctl show ejabberd --property MainPID; stat -c %Y /etc/ejabberd/ejabberd.yml") == before


def test_a_reload_is_enough_for_an_option(chat):
    pid = shell(chat, "systemctl show ejabberd --property MainPID")
    result = change(chat, "--diff", ejabberd_max_sessions=7)
    assert result.returncode == 0, result.stdout
    assert "+  max_user_sessions: 7" in result.stdout
    assert shell(chat, "systemctl show ejabberd --property MainPID") == pid
    assert "max_user_sessions" in shell(
        chat,
        "ejabberdctl dump_config /var/lib/ejabberd/running.yml; cat /var/lib/ejabberd/running.yml; rm /var/lib/ejabberd/running.yml",
    )
    assert recap(change(chat), "changed") > 0


def test_a_configuration_that_ejabberd_refuses_is_not_loaded(chat):
    before = shell(chat, "sha256sum /etc/ejabberd/ejabberd.yml; systemctl show ejabberd --property MainPID")
    result = change(chat, ejabberd_extra_options={"no_such_option": 1})
    assert result.returncode != 0
    assert "ejabberd on chat refuses the new configuration: Unknown option: no_such_option." in said(result)
    assert "the earlier configuration was put back; ejabberd was not touched and goes on" in said(result)
    assert shell(chat, "sha256sum /etc/ejabberd/ejabberd.yml; systemctl show ejabberd --property MainPID") == before


def test_a_module_with_a_wrong_value(chat):
    result = change(chat, ejabberd_extra_modules={"mod_mam": {"default": "sometimes"}})
    assert result.returncode != 0
    assert "Invalid value of option modules->mod_mam->default: Unexpected value: sometimes." in said(result)
    assert recap(change(chat), "changed") == 0


def test_a_valid_configuration_that_does_not_work_is_taken_back(chat):
    """An address that the host does not have: the log is shown, the old configuration comes back."""
    before = shell(chat, "sha256sum /etc/default/ejabberd /etc/ejabberd/ejabberd.yml")
    result = change(chat, ejabberd_loglevel="warning", ejabberd_listen_address="203.0.113.9")
    assert result.returncode != 0
    assert (
        "ejabberd on chat does not work with the new configuration: ejabberd runs, but nothing of it listens on port 5222"
        in said(result)
    )
    assert "Failed to open socket at 203.0.113.9:5222 for ejabberd_c2s: can't assign requested address" in said(result)
    assert "the earlier configuration was put back and ejabberd runs with it" in said(result)
    assert shell(chat, "sha256sum /etc/default/ejabberd /etc/ejabberd/ejabberd.yml") == before
    assert "*:5222" in shell(chat, "ss -Hltn")
    assert recap(change(chat), "changed") == 0


def test_a_password_that_the_directory_refuses_is_taken_back(chat):
    result = change(chat, chat_ldap_bind_password="certainly-not-it")
    assert result.returncode != 0
    assert "dc1.corp.test:636 refuses the account of ejabberd_ldap_bind_dn." in said(result)
    assert "the earlier configuration was put back and ejabberd runs with it" in said(result)
    assert "certainly-not-it" not in said(result)
    assert "<success" in login(chat, "boris")
    assert recap(change(chat), "changed") == 0


def test_killed_between_writing_and_loading(chat):
    """Files that nobody loaded are loaded by the next run, although it has nothing to write."""
    shell(chat, "rm /var/lib/onprem-chat/ejabberd/loaded.json")
    result = change(chat)
    assert result.returncode == 0
    assert recap(result, "changed") == 1
    assert recap(change(chat), "changed") == 0


def test_a_user_who_is_disabled_is_refused_at_once(chat):
    assert "<success" in login(chat, "boris")
    chat.exec("dc1", ["samba-tool", "user", "disable", "boris"], check=True)
    try:
        assert "<not-authorized" in login(chat, "boris")
    finally:
        chat.exec("dc1", ["samba-tool", "user", "enable", "boris"], check=True)
    assert "<success" in login(chat, "boris")
    assert "<not-authorized" in login(chat, "disabled1")


@pytest.fixture
def dead_controllers(chat):
    """dc8 refuses connections, dc9 swallows whatever is sent to it."""
    hosts = shell(chat, "cat /etc/hosts")
    neighbour = "10.203.0.99 dev $(ip -o route get 10.203.0.99 | sed 's/.* dev \\([^ ]*\\).*/\\1/')"
    shell(chat, "printf '10.203.0.20 dc8.corp.test\\n10.203.0.99 dc9.corp.test\\n' >> /etc/hosts")
    shell(chat, f"ip neighbour replace {neighbour} lladdr 02:00:00:00:00:63 nud permanent")
    yield
    shell(chat, f"ip neighbour del {neighbour}")
    chat.exec("chat", ["sh", "-c", "cat > /etc/hosts"], input=hosts, check=True)
    change(chat)


@pytest.mark.parametrize(("dead", "seconds"), [("dc8.corp.test", 5), ("dc9.corp.test", 25)])
def test_the_first_domain_controller_is_down(chat, dead_controllers, dead, seconds):
    """Whoever logs in waits until ejabberd gives up: at once where nobody listens, 15 seconds where nobody answers."""
    result = change(chat, ejabberd_ldap_servers=[dead, "dc1.corp.test"])
    assert result.returncode == 0, result.stdout
    end = time.monotonic() + seconds
    while "<success" not in (word := login(chat, "boris")):
        assert time.monotonic() < end, word
    assert f"LDAP connection to {dead}:636 failed" in shell(chat, "tail -n 50 /var/log/ejabberd/ejabberd.log")


def test_a_group_whose_name_means_something_in_a_filter(chat):
    name = "Chat Users (Moscow)"
    chat.exec("dc1", ["samba-tool", "group", "add", name], check=True)
    try:
        chat.exec("dc1", ["samba-tool", "group", "addmembers", name, "boris"], check=True)
        result = change(chat, ejabberd_ldap_users_group=f"CN={name},CN=Users,DC=corp,DC=test")
        assert result.returncode == 0, result.stdout
        assert "<success" in login(chat, "boris")
        assert "<not-authorized" in login(chat, "anna")
    finally:
        chat.exec("dc1", ["samba-tool", "group", "delete", name], check=True)
        change(chat)


@pytest.fixture
def rabbit(chat):
    """Another Erlang machine on the host, like that of RabbitMQ."""
    program = "{ok, _} = gen_tcp:listen(5672, []), timer:sleep(infinity)."
    start = ["systemd-run", "--unit=rabbit", "--collect", "--setenv=HOME=/root", "erl", "-noinput", "-sname", "rabbit"]
    chat.exec("chat", [*start, "-eval", program], check=True)
    shell(chat, "for i in $(seq 50); do ss -Hltn 'sport = :5672' | grep -q . && break; sleep 0.1; done")
    yield
    shell(chat, "systemctl stop rabbit")


def test_another_erlang_service_on_the_host(chat, rabbit):
    result = change(chat)
    assert result.returncode == 0, result.stdout
    assert recap(result, "changed") == 0
    result = change(chat, ejabberd_direct_tls_port=5672)
    assert result.returncode != 0
    assert "Port 5672 on chat is taken by beam.smp (process " in said(result)
    shell(chat, "rm /var/lib/onprem-chat/ejabberd/loaded.json")  # the next run restarts ejabberd
    pid = shell(chat, "systemctl show ejabberd --property MainPID")
    result = change(chat)
    assert result.returncode == 0, result.stdout
    assert shell(chat, "systemctl show ejabberd --property MainPID") != pid
    assert "name rabbit at port" in shell(chat, "epmd -names")


def test_a_list_where_a_text_is_meant(chat):
    result = change(chat, ejabberd_ldap_base=["DC=corp,DC=test"])
    assert result.returncode != 0
    assert "A variable of the role ejabberd is not what it must be." in said(result)


def test_an_ejabberd_that_is_not_ours(chat):
    shell(chat, "mv /var/lib/onprem-chat/ejabberd/managed /var/lib/onprem-chat/ejabberd/managed.away")
    try:
        result = change(chat)
        assert result.returncode != 0
        assert (
            "There is an ejabberd on chat already (/etc/ejabberd/ejabberd.yml) that this role did not set up. Nothing was changed."
            in said(result)
        )
    finally:
        shell(chat, "mv /var/lib/onprem-chat/ejabberd/managed.away /var/lib/onprem-chat/ejabberd/managed")
