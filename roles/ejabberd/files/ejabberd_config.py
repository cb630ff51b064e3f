# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One change of ejabberd's configuration as a transaction.

Installed on the chat host by the role onprem.chat.ejabberd, started by it as root:

  check FILE   exit 0 when ejabberd itself takes FILE as its configuration; opens no listener
  pending      prints what the running ejabberd lacks: none, reload, restart or start
  apply WHAT   does it, waits until every port is served; exit 1 with the decisive log lines when that fails
  commit       remembers the files as the ones that work
  rollback     puts the files that worked back; with --touched it also brings that state up again

"What works" is a copy of the files in STATE/good and the hashes that were loaded last in STATE/loaded.json,
so a run that was killed half-way is continued by the next one.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

CONFIG = pathlib.Path("/etc/ejabberd/ejabberd.yml")
SECRETS = pathlib.Path("/etc/ejabberd/onprem-chat/secrets.yml")
LDAP_CA = pathlib.Path("/etc/ejabberd/onprem-chat/ldap-ca.crt")
VM = pathlib.Path("/etc/default/ejabberd")
UNIT = pathlib.Path("/etc/systemd/system/ejabberd.service.d/onprem-chat.conf")
EPMD = pathlib.Path("/etc/systemd/system/epmd.socket.d/onprem-chat.conf")
GROUP = pathlib.Path("/etc/group")
STATE = pathlib.Path("/var/lib/onprem-chat/ejabberd")
GOOD = STATE / "good"
LOADED = STATE / "loaded.json"
LOG = pathlib.Path("/var/log/ejabberd/ejabberd.log")

# For the answer to the first bind, which a domain controller nearby gives within one.
BIND_SECONDS = 3
# Of the log: holds more than the five seconds in which a refused connection tries again.
RECENT_BYTES = 256 * 1024

BY_RELOAD = (CONFIG, SECRETS, LDAP_CA)
BY_RESTART = (VM, UNIT, EPMD)

# ejabberd's own loader and validators, in an Erlang machine without a node name: nothing listens, no file is written.
CHECK = r"""
logger:remove_handler(default),
try
  application:load(ejabberd),
  {ok, Apps} = application:get_key(ejabberd, included_applications),
  [application:ensure_all_started(App) || App <- Apps, not lists:member(App, [mnesia, lager, os_mon])],
  case ejabberd_config:load() of
    ok -> halt(0);
    Err -> io:format(standard_error, "~ts~n", [ejabberd_config:format_error(Err)]), halt(1)
  end
catch Class:Reason:Stack ->
  io:format(standard_error, "~p: ~p~n~p~n", [Class, Reason, Stack]), halt(2)
end.
"""


def run(*argv, **kwargs):
    """A command's result, its output as one text."""
    return subprocess.run(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        check=False,
        **kwargs,
    )


def fail(message):
    print(message, file=sys.stderr)
    sys.exit(1)


def as_ejabberd(*argv):
    """The command line that runs argv as the user of the service, with the groups it has there."""
    return ("setpriv", "--reuid", "ejabberd", "--regid", "ejabberd", "--init-groups", *argv)


def check(candidate):
    """What ejabberd says against a configuration file; an empty text when it takes it."""
    with tempfile.TemporaryDirectory(prefix="ejabberd-check-") as folder:
        # The candidate lies where only root may read; ejabberd must see it under a name that ends in .yml.
        copy = pathlib.Path(folder) / "ejabberd.yml"
        shutil.copyfile(candidate, copy)
        shutil.chown(folder, "root", "ejabberd")
        shutil.chown(copy, "root", "ejabberd")
        pathlib.Path(folder).chmod(0o750)
        copy.chmod(0o640)
        libraries = sorted({str(path.parent.parent) for path in pathlib.Path("/usr/lib").glob("*/ejabberd-*/ebin")})
        environment = {
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": folder,
            "ERL_LIBS": ":".join(libraries),
            "ERL_CRASH_DUMP_BYTES": "0",
            "EJABBERD_CONFIG_PATH": str(copy),
            "CONTRIB_MODULES_CONF_DIR": "/etc/ejabberd/modules.d",
        }
        try:
            result = run(
                *as_ejabberd("erl", "-noinput", "-boot", "start_clean", "-eval", CHECK),
                env=environment,
                cwd="/",
                timeout=60,
            )
        except subprocess.TimeoutExpired:
            return "ejabberd's own check did not end within 60 s"
        return (
            ""
            if result.returncode == 0
            else redact(result.stdout.strip().replace(str(copy), str(CONFIG))) or "no reason given"
        )


def redact(text):
    """The text without the values of the secrets file."""
    try:
        secrets = re.findall(r'^\w+: "(.*)"$', SECRETS.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        secrets = []
    for secret in secrets:
        for form in (secret, json.loads('"' + secret + '"')):
            if form:
                text = text.replace(form, "********")
    return text


def digest(path):
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def groups():
    """The groups of the user ejabberd: a running process does not see new ones."""
    return sorted(
        line.split(":")[0]
        for line in GROUP.read_text(encoding="utf-8").splitlines()
        if "ejabberd" in line.split(":")[-1].split(",")
    )


def wanted(certificate, key):
    """What the next reload and the next restart would load."""
    return {
        "reload": {str(path): digest(path) for path in (*BY_RELOAD, certificate, key)},
        "restart": {**{str(path): digest(path) for path in BY_RESTART}, "groups": ",".join(groups())},
    }


def loaded():
    try:
        return json.loads(LOADED.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def unit(name):
    return run("systemctl", "show", "--property", name, "--value", "ejabberd.service").stdout.strip()


def pending(certificate, key):
    """The smallest step after which the running ejabberd has the files on disk."""
    if unit("ActiveState") != "active" or unit("UnitFileState") != "enabled":
        return "start"
    now, then = wanted(certificate, key), loaded()
    if now["restart"] != then.get("restart"):
        return "restart"
    return "none" if now["reload"] == then.get("reload") else "reload"


def served(ports):
    """Which of the ports a process of ejabberd's own unit listens on."""
    found = set()
    for line in run("ss", "-Hltnp").stdout.splitlines():
        columns = line.split()
        port = columns[3].rpartition(":")[2]
        for pid in re.findall(r"pid=(\d+)", line):
            try:
                control = pathlib.Path("/proc", pid, "cgroup").read_text(encoding="ascii")
            except OSError:
                continue
            if "ejabberd.service" in control:
                found.add(int(port))
    return [port for port in ports if port in found]


def shared():
    """Whether another Erlang machine is registered in the port mapper. Without its name nobody would find it any more."""
    names = re.findall(r"^name (\S+) at port", run("epmd", "-names").stdout, re.MULTILINE)
    return any("ejabberd" not in name for name in names)


def log_size():
    try:
        return LOG.stat().st_size
    except OSError:
        return 0


def logged(offset):
    """ejabberd's log from offset on."""
    try:
        with LOG.open("rb") as log:
            log.seek(offset if offset <= log_size() else 0)
            return log.read().decode("utf-8", "replace")
    except OSError:
        return ""


def directory(root):
    """What decides how the directory is asked, of the files below root."""
    config, secrets, authorities = (root / path.relative_to("/") for path in (CONFIG, SECRETS, LDAP_CA))
    try:
        options = re.findall(r"^ldap_.*(?:\n +.*)*", config.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        options = []
    return options, digest(secrets), digest(authorities)


def refusals(text):
    """(connection, domain controller) of each bind that was refused."""
    return re.findall(r"(<[0-9.]+>)@eldap:\S+ LDAP bind failed on (\S+)", text)


def refused(offset, former):
    """Which domain controller refuses the account that searches; an empty text when none says so at once.

    ejabberd would try again every five seconds, which locks the account. former: connections that were refused before, which may go on
    for a moment after what is loaded now.
    """
    end = time.monotonic() + BIND_SECONDS
    while True:
        found = [server for connection, server in refusals(logged(offset)) if connection not in former]
        if found:
            return (
                f"{found[0]} refuses the account of ejabberd_ldap_bind_dn. Are its name and its password right, and is it "
                "neither locked nor expired? The playbook preflight says which"
            )
        if time.monotonic() > end:
            return ""
        time.sleep(0.5)


def decisive(offset, since):
    """The lines that say why: ejabberd's log from offset on, else the journal of the unit."""
    text = logged(offset)
    entries = re.split(r"\n(?=\d{4}-\d\d-\d\d[ T])", text)
    worst = [entry for entry in entries if re.search(r"\[(error|critical|alert|emergency)\]", entry)]
    if not worst:
        worst = [entry for entry in entries if "[warning]" in entry]
    lines = [line.rstrip()[:300] for entry in worst for line in entry.splitlines()[:6] if line.strip()]
    if not lines:
        journal = run("journalctl", "--unit", "ejabberd.service", "--since", since, "--no-pager", "--output", "cat")
        lines = [line.rstrip()[:300] for line in journal.stdout.splitlines() if line.strip()]
    return redact("\n".join("  " + line for line in lines[-20:])) or "  (neither the log nor the journal says anything)"


def wait(ports, seconds):
    """The ports that nobody of ejabberd serves when the time is up."""
    end = time.monotonic() + seconds
    while True:
        missing = [port for port in ports if port not in served(ports)]
        if not missing or time.monotonic() > end or unit("ActiveState") in ("failed", "inactive"):
            return missing
        time.sleep(0.5)


def bring(what, ports, seconds, asks_anew=False):
    """Start, restart or reload; a text with the reason when that did not end well. asks_anew: the directory, otherwise than before."""
    offset, since = log_size(), time.strftime("%Y-%m-%d %H:%M:%S")
    former = dict(refusals(logged(max(0, offset - RECENT_BYTES)))) if asks_anew else {}
    if what == "reload":
        result = run("ejabberdctl", "reload_config")
        said = redact(result.stdout.strip())
        wrong = "ejabberdctl reload_config: " + said if result.returncode else ""
    else:
        run("systemctl", "unmask", "ejabberd.service")
        run("systemctl", "daemon-reload")
        if what == "restart":
            run("systemctl", "stop", "ejabberd.service")
            if not shared():
                run("systemctl", "stop", "epmd.service", "epmd.socket")
        run("systemctl", "reset-failed", "ejabberd.service", "epmd.service", "epmd.socket")
        run("systemctl", "enable", "ejabberd.service")
        try:
            result = run("systemctl", "start", "ejabberd.service", timeout=seconds)
            wrong = "systemctl start ejabberd.service failed" if result.returncode else ""
        except subprocess.TimeoutExpired:
            wrong = f"ejabberd.service was not up after {seconds} s"
    if not wrong:
        missing = wait(ports, min(seconds, 20))
        if missing:
            wrong = "ejabberd runs, but nothing of it listens on port " + ", ".join(map(str, missing))
    if not wrong and asks_anew:
        wrong = refused(offset, former)
    if not wrong:
        return ""
    lines = decisive(offset, since)
    if what != "reload":
        # Restart=on-failure would try for ever.
        run("systemctl", "stop", "ejabberd.service", timeout=seconds)
    return wrong + "\n" + lines


def copy(source, target):
    """Copy with owner and mode, complete or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    shutil.copy2(source, part)
    status = source.stat()
    os.chown(part, status.st_uid, status.st_gid)
    part.replace(target)


def remember():
    """The files as they are now become the ones to go back to."""
    part = STATE / "good.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700, parents=True)
    for path in (*BY_RELOAD, *BY_RESTART):
        if path.exists():
            copy(path, part / path.relative_to("/"))
    shutil.rmtree(GOOD, ignore_errors=True)
    part.rename(GOOD)


def commit(certificate, key, ports):
    state = {**wanted(certificate, key), "ports": ports}
    if loaded() == state and GOOD.is_dir():
        return
    remember()
    part = LOADED.with_suffix(".part")
    part.write_text(json.dumps(state, indent=1, sort_keys=True), encoding="utf-8")
    part.replace(LOADED)


def rollback(touched, ports, seconds):
    """What became of it, in one sentence."""
    if not GOOD.is_dir():
        run("systemctl", "stop", "ejabberd.service", timeout=seconds)
        run("systemctl", "disable", "ejabberd.service")
        run("systemctl", "mask", "ejabberd.service")
        return "there is no earlier configuration to go back to, so ejabberd is stopped and masked"
    for path in (*BY_RELOAD, *BY_RESTART):
        saved = GOOD / path.relative_to("/")
        if saved.exists():
            copy(saved, path)
        elif path.exists():
            path.unlink()
    if not touched:
        return "the earlier configuration was put back; ejabberd was not touched and goes on"
    wrong = bring("reload" if unit("ActiveState") == "active" else "restart", ports, seconds)
    if wrong:
        return "the earlier configuration was put back, but ejabberd did not come up with it either: " + wrong
    return "the earlier configuration was put back and ejabberd runs with it"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificate", type=pathlib.Path, required=True)
    parser.add_argument("--key", type=pathlib.Path, required=True)
    parser.add_argument("--ports", type=lambda text: [int(port) for port in text.split(",")], default=[])
    parser.add_argument("--timeout", type=int, default=90)
    parser.add_argument("--touched", action="store_true")
    parser.add_argument("verb", choices=["check", "pending", "apply", "remember", "commit", "rollback"])
    parser.add_argument("what", nargs="?")
    args = parser.parse_args()
    os.umask(0o077)
    if args.verb == "check":
        wrong = check(args.what)
        if wrong:
            fail(wrong)
    elif args.verb == "pending":
        print(pending(args.certificate, args.key))
    elif args.verb == "apply":
        wrong = bring(args.what, args.ports, args.timeout, directory(pathlib.Path("/")) != directory(GOOD))
        if wrong:
            fail(wrong)
    elif args.verb == "remember":
        if not GOOD.is_dir():
            remember()
    elif args.verb == "commit":
        commit(args.certificate, args.key, args.ports)
    else:
        print(rollback(args.touched, loaded().get("ports", []), args.timeout))


if __name__ == "__main__":
    main()
