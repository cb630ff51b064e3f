# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The channel over Ansible's winrm plugin and pywinrm, against the laboratory's endpoint (a stand-in for Windows' WinRM service).

Commands run in /bin/sh here: what is tested is the conversation, above all what happens when it breaks. test_winrm_cmd.py has
what cmd.exe makes of the commands.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from winrm_channel import channel
from winrm_endpoint import ADMIN, certificate, running

from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import (
    Broken,
    DeadlineError,
    Lost,
    QuotaReached,
    Refused,
    Unreachable,
    Untrusted,
)

FOUR = ["Create", "Command", "Receive", "Delete"]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    """On this machine: HTTP, HTTPS with a certificate that nobody trusts yet; short waits."""
    folder = tmp_path_factory.mktemp("endpoint")
    listeners = [
        {"address": "127.0.0.1", "port": 0},
        {"address": "127.0.0.1", "port": 0, "certificate": certificate(folder)},
    ]
    with running(folder, listeners=listeners) as found:
        found.certificate = str(folder / "leaf.pem")
        yield found


@pytest.fixture(scope="module")
def old_endpoint(tmp_path_factory):
    """One that draws its ids itself, as old Windows does."""
    with running(tmp_path_factory.mktemp("old"), client_ids=False) as found:
        yield found


@pytest.fixture(autouse=True)
def no_rules(endpoint, old_endpoint):
    """Faults of one test are none of the next."""
    yield
    endpoint.rules()
    old_endpoint.rules()


def variables(endpoint, scheme="http", **more):
    return {
        "ansible_host": endpoint.address,
        "ansible_port": endpoint.ports[scheme],
        "ansible_winrm_scheme": scheme,
        "ansible_winrm_transport": "ntlm",
        "ansible_user": f"CORP\\{ADMIN['name']}",
        "ansible_password": ADMIN["password"],
        **more,
    }


def shells(endpoint):
    """How many shells are open now."""
    return endpoint.log()[-1]["shells"]


def since(endpoint, before):
    """What was asked since then. A host may give output and end in one answer or in two: several Receive are one here."""
    verbs = [line["verb"] for line in endpoint.log()[before:] if "verb" in line]
    return [verb for verb, last in zip(verbs, ["", *verbs], strict=False) if (verb, last) != ("Receive", "Receive")]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_four_messages_for_one_command(endpoint, scheme):
    before = len(endpoint.log())
    with channel(variables(endpoint, scheme, ansible_winrm_ca_trust_path=endpoint.certificate)) as open_channel:
        answer = open_channel.run("printf 'Ж\\377\\000end'; echo wrong >&2; exit 77")
    assert (answer.exit_code, answer.stdout, answer.stderr) == (77, "Ж".encode() + b"\xff\0end", b"wrong\n")
    assert since(endpoint, before) == FOUR
    assert shells(endpoint) == 0


def test_three_commands_in_one_shell(endpoint):
    before = len(endpoint.log())
    with channel(variables(endpoint)) as open_channel:
        assert [open_channel.run(f"exit {code}").exit_code for code in (1, 2, 3)] == [1, 2, 3]
    assert since(endpoint, before) == ["Create", *(["Command", "Receive", "Signal"] * 2), *FOUR[1:]]


def test_input_and_output_above_every_envelope(endpoint):
    data = bytes(range(256)) * 3000
    with channel(variables(endpoint)) as open_channel:
        answer = open_channel.run("tee /dev/stderr | sha256sum; cat >/dev/null", stdin=data)
    assert answer.stdout.split()[0].decode() == hashlib.sha256(data).hexdigest()
    assert answer.stderr == data


def test_a_command_that_hangs_is_ended_on_the_host(endpoint):
    before = len(endpoint.log())
    with channel(variables(endpoint)) as open_channel:
        with pytest.raises(DeadlineError) as caught:
            open_channel.run("echo begun; exec sleep 3141.59", deadline=2)
        asked = [line["timeout"] for line in endpoint.log()[before:] if line.get("verb") == "Receive"]
        assert asked and max(asked) <= 2, "the host was not told to answer before the deadline"
        assert caught.value.terminated
        assert caught.value.stdout == b"begun\n"
        assert open_channel.run("echo again").stdout == b"again\n"
    assert not [one for one in Path("/proc").glob("[0-9]*/cmdline") if b"3141.59" in read(one)]


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("how", ["reset_before", "reset_after", "truncate"])
@pytest.mark.parametrize("number", range(1, 5))
@pytest.mark.parametrize("host", ["endpoint", "old_endpoint"])
def test_connection_cut_at_each_message(request, tmp_path, host, number, how):
    """An effect that counts itself: it never happens twice, and what is said about it is true."""
    endpoint = request.getfixturevalue(host)
    count = tmp_path / "count"
    endpoint.rules({"request": number, "do": how})
    with channel(variables(endpoint)) as open_channel:
        answer = counted(open_channel, count)
    if number in (1, 4):
        assert answer is not None, "opening and closing can always be done again"
    assert lines(count) == 1 or (answer is None and lines(count) == 0)
    endpoint.rules()
    with channel(variables(endpoint)) as open_channel:
        assert open_channel.run("exit 7").exit_code == 7
    lost_create = host == "old_endpoint" and number == 1 and how != "reset_before"
    assert shells(endpoint) == (1 if lost_create else 0) + old_shells(endpoint, lost_create)


@pytest.mark.parametrize("how", ["reset_before", "reset_after", "truncate"])
@pytest.mark.parametrize("number", range(1, 5))
def test_connection_cut_when_the_host_has_shown_that_it_uses_our_ids(endpoint, tmp_path, number, how):
    """Now only a lost Done cannot be made good. The messages: Signal for the first command, Command, Receive, Delete."""
    count = tmp_path / "count"
    with channel(variables(endpoint)) as open_channel:
        open_channel.run("exit 0")
        endpoint.rules({"request": number, "do": how})
        answer = counted(open_channel, count)
    assert lines(count) == 1
    if (number, how) not in ((3, "reset_after"), (3, "truncate")):
        assert answer.exit_code == 42
    assert shells(endpoint) == 0


def counted(open_channel, count):
    """Run what counts itself; None where nobody knows what became of it."""
    try:
        answer = open_channel.run(f"echo once >> {count}; exit 42", deadline=30)
    except Lost:
        return None
    assert answer.exit_code == 42
    return answer


def lines(count):
    return len(count.read_text().splitlines()) if count.exists() else 0


def old_shells(endpoint, lost_create):
    """Shells of earlier tests whose Create was lost on the old host: nobody knows their ids, they end by their idle timeout."""
    earlier = getattr(endpoint, "left", 0)
    if lost_create:
        endpoint.left = earlier + 1
    return earlier


def test_a_service_that_restarts_meanwhile(endpoint, tmp_path):
    """Shells and commands are gone with it: the next command gets a new shell, a running one is not started again."""
    with channel(variables(endpoint)) as open_channel:
        assert open_channel.run("exit 1").exit_code == 1
        endpoint.rules({"request": 1, "do": "forget"})
        assert open_channel.run("exit 2").exit_code == 2
        count = tmp_path / "count"
        before = len(endpoint.log())
        endpoint.rules({"verb": "Receive", "do": "forget", "times": 1})
        with pytest.raises(Lost):
            open_channel.run(f"echo once >> {count}; sleep 5", deadline=30)
    # The service may forget the command before its shell has written anything.
    assert not count.exists() or len(count.read_text().splitlines()) == 1
    assert since(endpoint, before).count("Command") == 1


def test_used_up_operations_need_another_shell(endpoint):
    before = len(endpoint.log())
    endpoint.rules({"verb": "Command", "do": "fault", "fault": "operations", "times": 1})
    with channel(variables(endpoint)) as open_channel:
        assert open_channel.run("exit 3").exit_code == 3
    assert since(endpoint, before) == ["Create", "Command", "Delete", *FOUR]


@pytest.mark.parametrize(("verb", "fault"), [("Create", "shells"), ("Command", "operations")])
def test_quotas_that_nothing_helps_are_named(endpoint, verb, fault):
    endpoint.rules({"verb": verb, "do": "fault", "fault": fault})
    with channel(variables(endpoint)) as open_channel, pytest.raises(QuotaReached, match="MaxShellsPerUser"):
        open_channel.run("exit 3")
    assert shells(endpoint) == 0


def test_busy_and_overloaded_hosts_are_waited_for(endpoint):
    endpoint.rules({"verb": "Send", "do": "fault", "fault": "busy", "times": 1})
    with channel(variables(endpoint), pause=lambda seconds: None) as open_channel:
        assert open_channel.run("cat", stdin=b"hello").stdout == b"hello"
    endpoint.rules({"request": 1, "do": "status", "status": 503})
    with channel(variables(endpoint)) as open_channel:
        assert open_channel.run("exit 4").exit_code == 4


def failure(endpoint, kind, scheme="http", **more):
    with channel(variables(endpoint, scheme, **more)) as open_channel, pytest.raises(kind) as caught:
        open_channel.run("exit 0")
    assert ADMIN["password"] not in str(caught.value.result())
    return caught.value


def test_wrong_password(endpoint):
    before = len(endpoint.log())
    error = failure(endpoint, Refused, ansible_password="wrong-canary")
    assert error.details["reason"] == "wrong_password"
    assert error.what == "127.0.0.1 refused the credentials of CORP\\rollout"
    assert "wrong-canary" not in str(error.result())
    attempts = [line for line in endpoint.log()[before:] if line.get("refused")]
    assert len(attempts) <= 1, f"each one brings the account closer to being locked: {attempts}"


def test_no_administrator(endpoint):
    error = failure(endpoint, Refused, ansible_user="CORP\\plain", ansible_password="plain-1")
    assert error.details["reason"] == "no_right"


def test_untrusted_certificate(endpoint):
    error = failure(endpoint, Untrusted, "https")
    assert error.details["reason"] == "certificate_issuer"
    assert "ansible_winrm_ca_trust_path" in error.remedy


def test_certificate_for_another_name(endpoint):
    error = failure(
        endpoint, Untrusted, "https", ansible_host="localhost", ansible_winrm_ca_trust_path=endpoint.certificate
    )
    assert error.details["reason"] == "certificate_name"


def test_http_where_tls_is_spoken(endpoint):
    error = failure(endpoint, Unreachable, ansible_port=endpoint.ports["https"])
    assert error.details["reason"] == "closed"
    assert "ansible_winrm_scheme" in error.remedy


def test_nobody_listens(endpoint):
    assert failure(endpoint, Unreachable, ansible_port=1).details["reason"] == "connection_refused"


def test_name_that_is_not_found(endpoint):
    assert failure(endpoint, Unreachable, ansible_host="no.such.host.invalid").details["reason"] == "dns"


def test_unencrypted_messages(endpoint):
    error = failure(endpoint, (Refused, Broken), ansible_winrm_message_encryption="never")
    assert error.details["reason"] == "unencrypted"


def test_path_that_is_no_winrm(endpoint):
    assert failure(endpoint, Broken, ansible_winrm_path="/nothing").details["reason"] == "no_winrm"
