# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MTS Link from two bare hosts to the login page, as a user runs it. Installer, script and vendor are labelled stand-ins.

The first run is watched, at the highest verbosity that people use: no secret reaches output, a log, a command line, or a file that
others can read.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret
from conftest import ROOT
from lab_mts_link import CHATS, NAMES, MtsLink
from secrecy import logs, readable_by_others, watch

INVENTORY = ROOT / "inventories" / "lab_mts_link"
SITE = "onprem.chat.site"
HOSTS = ("chat", "meetings")
PASSPHRASE = secrets.token_hex(16)


def recap(output: str) -> dict[str, dict[str, int]]:
    """The counts of both hosts in Ansible's last lines."""
    found = {}
    for host in HOSTS:
        line = re.findall(rf"^{host} +: (.*)$", output, re.MULTILINE)[-1]
        found[host] = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line)}
    return found


def changed(output: str) -> dict[str, int]:
    return {host: counts["changed"] for host, counts in recap(output).items()}


@pytest.fixture(scope="module")
def world(laboratory):
    """Both hosts as a hoster hands them over, nothing in DNS; Meetings is there as far as it can be seen."""
    world = MtsLink.ready(laboratory, *HOSTS)
    world.publish(address="")
    world.forget_trace()
    shutil.rmtree(laboratory.state / "pki", ignore_errors=True)
    shutil.rmtree(laboratory.state / "report", ignore_errors=True)
    return world


@pytest.fixture(scope="module")
def vault(world):
    path = world.lab.state / "vaulted.yml"
    path.unlink(missing_ok=True)
    return path


@pytest.fixture(scope="module")
def run(world, vault):
    values = world.lab.state / "mts_link_values.json"
    values.write_text(json.dumps({"chat_values_vault_file": str(vault), "chat_values_vault_passphrase": PASSPHRASE}))

    def run(name: str, *arguments: str, **options):
        return world.lab.playbook(name, "-e", f"@{values}", *arguments, inventory=INVENTORY, **options)

    return run


@pytest.fixture(scope="module")
def rollout(world, run):
    """The first run: what it printed, and every command line that was seen meanwhile."""
    sampler = watch(world.lab, *HOSTS)
    log = world.lab.state / "ansible.log"
    log.unlink(missing_ok=True)
    result = run(SITE, "--diff", "-vvv", env={**os.environ, "ANSIBLE_LOG_PATH": str(log)})
    command_lines = sampler.stop()
    assert result.returncode == 0, result.stdout[-9000:] + result.stderr
    return result.stdout + result.stderr, command_lines


@pytest.fixture(scope="module")
def values(world, rollout) -> dict[str, str]:
    """What was generated, as the stand-ins keep it."""
    return world.installed()


@pytest.fixture(scope="module")
def canaries(world, values) -> list[str]:
    assert {"client_id", "client_secret", "token"} <= set(values)
    return [values["client_secret"], values["token"], world.licence_key, PASSPHRASE]


def test_plan_on_bare_hosts_changes_nothing(world, run):
    result = run(SITE, "--check", "--diff")
    assert result.returncode == 0, result.stdout + result.stderr
    assert all(count > 0 for count in changed(result.stdout).values())
    assert world.trace("chat") == world.trace("meetings") == []
    assert [world.resolve(name) for name in NAMES] == ["", "", ""]
    assert world.installed() == world.linked() == {}


def test_first_run_ends_with_the_login_page(world, rollout):
    output = rollout[0]
    assert re.search(r"PASS  web.answer .*200", output)
    assert world.installed()["domain"] == CHATS
    asked = [line for host in HOSTS for line in world.trace(host) if " asked " in line]
    assert [line.split()[-1] for line in asked] == [
        "licence_key",
        "client_id",
        "client_secret",
        "domain",
        "domain",
        "token",
    ]


def test_both_servers_know_each_other(world, values):
    assert world.linked() == {name: values[name] for name in ("client_id", "client_secret", "token")}


@pytest.mark.parametrize(("path", "status"), [("/chats/", "200"), ("/", "403")])
def test_seen_by_a_stock_client(world, values, path, status):
    curl = [
        "curl",
        "-sS",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "--cacert",
        str(world.lab.state / "pki" / "root.crt"),
    ]
    result = world.lab.exec("users", [*curl, f"https://{CHATS}{path}"])
    assert (result.stdout, result.stderr) == (status, "")


def test_canaries_are_where_they_must_be(world, canaries):
    """The search below would find them."""
    for secret in canaries[:2]:
        hits = world.shell("chat", "grep -rlFf - /var/lib/onprem-chat /opt || true", secret)
        assert hits.strip()


def test_not_in_output_at_vvv(rollout, canaries):
    assert [secret[:4] for secret in canaries if secret in rollout[0]] == []


def test_not_in_the_controllers_log(world, canaries):
    text = (world.lab.state / "ansible.log").read_text()
    assert len(text) > 10000
    assert [secret[:4] for secret in canaries if secret in text] == []


def test_not_on_any_command_line(rollout, canaries):
    assert b"installer.sh" in rollout[1]
    assert [secret[:4] for secret in canaries if secret.encode() in rollout[1]] == []


def test_not_in_the_hosts_logs(world, canaries):
    for host in HOSTS:
        text = logs(world.lab, host)
        assert "sshd" in text
        assert [secret[:4] for secret in canaries if secret in text] == []


def test_not_in_files_that_others_can_read(world, canaries, tmp_path):
    assert readable_by_others(world.lab, canaries, tmp_path, *HOSTS) == []


def test_values_are_in_the_vault(vault, values):
    text = vault.read_text()
    assert vault.stat().st_mode & 0o777 == 0o600
    assert text.startswith("$ANSIBLE_VAULT;")
    loader = DataLoader()
    loader.set_vault_secrets([("default", VaultSecret(PASSPHRASE.encode()))])
    opened = loader.load_from_file(str(vault))
    assert sorted(opened.values()) == sorted(values[name] for name in ("client_id", "client_secret", "token"))
    assert all(name.startswith("vault_mts_link_") for name in opened)


def test_report(world, canaries):
    report = json.loads((world.lab.state / "report" / "verify.json").read_text())
    assert (report["domain"], report["failed"], report["round_trip"]) == (CHATS, False, None)
    assert {"web.answer", "web.tls", "host.outbound", "dns.record"} & {check["id"] for check in report["checks"]}


def test_second_run_changes_nothing(world, run, values, rollout, vault):
    before, text = [world.trace(host) for host in HOSTS], vault.read_text()
    result = run(SITE, "--diff")
    assert result.returncode == 0, result.stdout + result.stderr
    assert changed(result.stdout) == {"chat": 0, "meetings": 0}
    assert [world.trace(host) for host in HOSTS] == before
    assert world.installed() == values
    assert vault.read_text() == text


def test_plan_on_a_converged_site_finds_nothing_to_do(run, rollout):
    result = run(SITE, "--check", "--diff")
    assert result.returncode == 0, result.stdout + result.stderr
    assert changed(result.stdout) == {"chat": 0, "meetings": 0}


def test_another_domain_is_not_installed_over_it(world, run, rollout):
    """What was answered belongs to the first one; the installer does not run again by accident."""
    before = [world.trace(host) for host in HOSTS]
    result = run("onprem.chat.server", "-e", "chat_domain=talk.corp.test")
    assert result.returncode != 0
    assert [world.trace(host) for host in HOSTS] == before


def test_verify_says_that_the_service_is_down(world, run, rollout):
    with_down = "systemctl stop mts-link-chats-standin"
    world.shell("chat", with_down)
    try:
        result = run("onprem.chat.verify")
    finally:
        world.shell("chat", "systemctl start mts-link-chats-standin")
    assert result.returncode != 0
    assert re.search(r"FAIL  web.connect .*refused", result.stdout)


def test_renewed_certificate_reaches_the_installers_folder(world, run, rollout):
    """How the product loads it is not known; that is said."""
    result = run("onprem.chat.certificates", "-e", "certificates_renew_now=true")
    assert result.returncode == 0, result.stdout + result.stderr
    for suffix in ("crt", "key"):
        world.shell(
            "chat", f"cmp /etc/onprem-chat/certs/{CHATS}.{suffix} /opt/onprem-chat/mts-link/certs/{CHATS}.{suffix}"
        )
