"""The laboratory itself: what it starts, it stops; what a killed run left, the next one cleans."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import LAB

INSTANCE = "selftest"
ENVIRONMENT = {**os.environ, "ONPREM_CHAT_LAB": INSTANCE}
sys.path.insert(0, str(LAB.parent))


def lab(*arguments: str, **changes: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [LAB, *arguments],
        capture_output=True,
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**ENVIRONMENT, **changes},
    )


def leftovers() -> list[str]:
    """Everything of this instance that can be seen from outside of it."""
    found = [str(path) for path in Path("/run/netns").glob(f"opc-{INSTANCE}*")]
    found += [line for line in _output("ip", "-o", "link").splitlines() if f"opc-{INSTANCE}" in line]
    found += [line for line in _output("nft", "list", "tables").splitlines() if f"opc_{INSTANCE}" in line]
    found += [line for line in Path("/proc/mounts").read_text().splitlines() if f"labs/{INSTANCE}/" in line]
    found += [str(path) for path in Path("/run/systemd/nspawn").glob(f"*/{INSTANCE}-*")]
    found += [str(path) for path in Path("/sys/fs/cgroup").glob(f"**/onprem-lab-{INSTANCE}-*")]
    found += [line for line in _output("ps", "-wweo", "args").splitlines() if f"labs/{INSTANCE}/" in line]
    return found


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, check=False, text=True).stdout


@pytest.fixture(scope="module", autouse=True)
def own_instance():
    lab("down")
    yield
    lab("down")


def test_status_says_what_is_stopped():
    result = lab("status")
    assert result.returncode == 3
    assert result.stdout.split() == [
        "users",
        "10.203.0.100",
        "stopped",
        "dc1",
        "10.203.0.10",
        "stopped",
        "chat",
        "10.203.0.20",
        "stopped",
    ]


def test_exec_in_a_stopped_part():
    result = lab("exec", "chat", "--", "true")
    assert result.returncode == 1
    assert result.stderr == "lab: chat is not running. Start it with `lab up chat`.\n"


def test_name_of_an_instance_is_checked():
    result = lab("status", ONPREM_CHAT_LAB="../x")
    assert result.returncode == 1
    assert result.stderr == (
        "lab: ONPREM_CHAT_LAB='../x' is no name for an instance: letters, digits and _ , at most 10.\n"
    )


def test_up_whatever_the_umask():
    """With 077 the root folders could not be entered by any service, and dc1 was waited for in vain."""
    result = subprocess.run(
        [LAB, "up"],
        capture_output=True,
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
        env=ENVIRONMENT,
        umask=0o077,
    )
    assert result.returncode == 0, result.stderr
    assert "nameserver" in lab("exec", "chat", "--", "su", "deploy", "-c", "cat /etc/resolv.conf").stdout


def test_up_is_idempotent():
    assert lab("up").returncode == 0
    assert lab("status").returncode == 0
    boot = lab("exec", "chat", "--", "cat", "/proc/sys/kernel/random/boot_id", "/proc/1/stat").stdout
    assert lab("up").returncode == 0
    assert (
        lab("exec", "chat", "--", "cat", "/proc/sys/kernel/random/boot_id", "/proc/1/stat").stdout.split()[22]
        == (
            boot.split()[22]  # start time of the container's init: it was not started again
        )
    )


def test_everything_in_the_containers_runs():
    for part in ("dc1", "chat"):
        assert lab("exec", part, "--", "systemctl", "is-system-running", "--wait").stdout == "running\n"


def test_users_reach_the_directory_by_name_and_the_secrets_are_private():
    assert (
        lab("exec", "users", "--", "dig", "+short", "SRV", "_ldap._tcp.corp.test").stdout
        == "0 100 389 dc1.corp.test.\n"
    )
    state = lab("exec", "users", "--", "printenv", "ONPREM_CHAT_LAB_STATE").stdout.strip()
    assert Path(state, "secrets.json").stat().st_mode & 0o777 == 0o600
    assert Path(state).stat().st_mode & 0o777 == 0o700


def test_users_have_no_proxy_of_this_machine():
    """Ansible, requests and certbot would ask it for dc1.corp.test."""
    seen = lab("exec", "users", "--", "env", http_proxy="http://127.0.0.1:9", HTTPS_PROXY="http://127.0.0.1:9").stdout
    assert "ONPREM_CHAT_LAB_STATE" in seen
    assert "proxy" not in seen.lower()


def test_reset_forgets_what_was_done():
    assert lab("exec", "chat", "--", "touch", "/etc/was-here").returncode == 0
    assert lab("reset", "chat").returncode == 0
    assert lab("exec", "chat", "--", "test", "-e", "/etc/was-here").returncode == 1


@pytest.mark.parametrize("how", [[], ["--hard"]])
def test_reboot_keeps_files_and_begins_a_new_boot(how: list[str]):
    look = ["cat", "/proc/sys/kernel/random/boot_id", "/etc/hosts"]
    assert lab("exec", "chat", "--", "sh", "-c", "echo 10.0.0.1 kept >>/etc/hosts; touch /run/gone").returncode == 0
    before = lab("exec", "chat", "--", *look).stdout.splitlines()
    assert lab("reboot", "chat", *how).returncode == 0
    after = lab("exec", "chat", "--", *look).stdout.splitlines()
    assert after[0] != before[0]
    assert after[1:] == before[1:]
    assert lab("exec", "chat", "--", "test", "-e", "/run/gone").returncode == 1
    assert lab("reboot", "users").returncode == 2


def test_a_killed_container_is_started_again():
    victim = next(
        line.split()[0]
        for line in _output("ps", "-wweo", "pid,args").splitlines()
        if f"labs/{INSTANCE}/chat/root" in line
    )
    os.kill(int(victim), signal.SIGKILL)
    assert lab("up").returncode == 0
    assert lab("status").returncode == 0


@pytest.mark.parametrize("seconds", [0.2, 0.8, 2.0])
def test_up_after_a_killed_up(seconds: float):
    """Killed while it makes the network, mounts, or waits for a boot."""
    lab("down")
    process = subprocess.Popen([LAB, "up"], env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    time.sleep(seconds)
    process.kill()
    process.wait()
    result = lab("up")
    assert result.returncode == 0, result.stderr
    assert lab("status").returncode == 0


def test_reset_from_inside_the_users_part():
    """Molecule calls it from there; what it mounts must be seen outside."""
    result = lab("exec", "users", "--", str(LAB), "reset", "chat")
    assert result.returncode == 0, result.stderr
    assert any(f"labs/{INSTANCE}/chat/root" in line for line in Path("/proc/mounts").read_text().splitlines())


def test_down_leaves_nothing():
    assert leftovers()
    assert lab("down").returncode == 0
    assert leftovers() == []
    assert lab("down").returncode == 0


@pytest.mark.parametrize(
    ("chain", "found"),
    [
        ("ip filter FORWARD { type filter hook forward priority 0; policy drop; }", ["ip filter FORWARD"]),
        ("ip filter FORWARD { type filter hook forward priority 0; policy accept; }", []),
        ("ip filter INPUT { type filter hook input priority 0; policy drop; }", []),
        ("ip filter FORWARD", []),
    ],
)
def test_a_firewall_that_forwards_nothing(chain, found):
    """Docker and others drop what is forwarded; then no package comes in. In a network namespace that nobody else uses."""
    from laboratory import network

    script = f"nft add table ip filter; nft 'add chain {chain}'; nft -j list chains"
    listed = subprocess.run(
        ["unshare", "--net", "sh", "-ec", script], capture_output=True, check=True, text=True
    ).stdout
    assert network.forbidding_chains(listed) == found


def test_a_changed_script_makes_a_new_layer(tmp_path, monkeypatch):
    from laboratory import layers, paths

    images, desktops = tmp_path / "images", tmp_path / "desktops"
    shutil.copytree(paths.IMAGES, images)
    shutil.copytree(paths.DESKTOPS, desktops)
    monkeypatch.setattr(layers, "sources_list", lambda suite="": f"deb http://mirror.invalid {suite} main\n")
    before = {name: layers.key(name) for name in layers.LAYERS}
    monkeypatch.setattr(paths, "IMAGES", images)
    assert {name: layers.key(name) for name in layers.LAYERS} == before
    for changed, makes in (
        (images / "dc-packages.sh", {"dc-packages", "dc", "branch"}),
        (desktops / "tools" / "reg.c", {"desktop"}),
    ):
        with changed.open("a") as script:
            script.write("\n")
        after = {name: layers.key(name) for name in layers.LAYERS}
        assert {name for name in before if before[name] != after[name]} == makes
        before = after


def test_layers_that_somebody_uses_are_not_forgotten(tmp_path, monkeypatch):
    from laboratory import layers

    monkeypatch.setenv("ONPREM_CHAT_CACHE", str(tmp_path))
    folder = tmp_path / "layers"
    for name in ("old", "started-on", "built-now", "young"):
        (folder / name).mkdir(parents=True)
        lock = folder / f"{name}.lock"
        lock.touch()
        if name != "young":
            os.utime(lock, (0, 0))
    machine = tmp_path / "labs/one/chat"
    machine.mkdir(parents=True)
    (machine / layers.NOTE).write_text(f"{folder / 'started-on'}\n")
    with (folder / "built-now.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        layers._forget_old(folder)
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["built-now", "started-on", "young"]
    layers._forget_old(folder)
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["started-on", "young"]
