# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Proxies that this host is told to use, wherever programs look for one. Passwords in them are never shown."""

from __future__ import annotations

import json
import re
import shlex
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._host.machine import Machine
from ansible_collections.onprem.chat.plugins.module_utils._host.system import listing

_NAMES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy")
_ASSIGNMENT = re.compile(r"^\s*(?:export\s+|declare\s+-x\s+|setenv\s+)?([A-Za-z_]+)\s*[= ]\s*(.*)$")
# A word of a shell: an assignment, or a name as export and declare have it.
_WORD = re.compile(r"^([A-Za-z_][A-Za-z0-9_]*)(?:=(.*))?$", re.DOTALL)
_BETWEEN = frozenset((";", "&&", "||", "-x", "-gx"))
_SHELL = ("etc/environment", "etc/profile", "etc/bash.bashrc", "etc/default/docker", "root/.profile", "root/.bashrc",
          "root/.bash_profile")  # fmt: skip
_SHELL_FOLDERS = (("etc/profile.d", ".sh"), ("etc/environment.d", ".conf"))
_UNIT_FOLDERS = ("docker.service.d", "containerd.service.d")
_MANAGERS = ("systemd/system.conf", "systemd/system.conf.d")
_WGET = ("etc/wgetrc", "root/.wgetrc")
_CURL = ("root/.curlrc",)
_DOCKER = ("root/.docker/config.json", "etc/docker/daemon.json")
# Not proxy-user and the like, which hold a password.
_CURL_PROXY = re.compile(r"^\s*(?:-x|(?:--)?(?:pre)?proxy(?![\w-]))\s*[=:]?\s*(\S.*)$")
_APT = re.compile(r'^Acquire::(https?|ftp)::(Proxy(?:-Auto-Detect)?|ProxyAutoDetect)(?:::\S+)? "([^"]*)";')


class Proxy(t.NamedTuple):
    """name: of the setting; value: without password; where: the file or program that has it."""

    name: str
    value: str
    where: str

    def __str__(self) -> str:
        return f"{self.name}={self.value} ({self.where})"


class Found(t.NamedTuple):
    """hidden: files that this user may not read."""

    proxies: list[Proxy]
    hidden: list[str]


def find(machine: Machine) -> Found:
    """Every proxy, in the order of the places."""
    reader = _Reader(machine)
    found = [
        Proxy(name, masked(value), "environment of this task")
        for name, value in sorted(machine.environment.items())
        if name.lower() in _NAMES and value.strip()
    ]
    for path in [*_SHELL, *(path for folder in _SHELL_FOLDERS for path in reader.files(*folder))]:
        found += _assignments(reader.text(path), path)
    for path in [path for entry in _MANAGERS for path in _settings(reader, "etc/" + entry)]:
        found += _unit(reader.text(path), path, "DefaultEnvironment")
    for unit in _UNIT_FOLDERS:
        for path in reader.files(f"etc/systemd/system/{unit}", ".conf"):
            found += _unit(reader.text(path), path, "Environment")
    for path in _DOCKER:
        found += _docker(reader.text(path), path)
    for path in _WGET:
        found += _assignments(reader.text(path), path)
    for path in _CURL:
        found += _curl(reader.text(path), path)
    found += _apt(machine)
    return Found(found, reader.hidden)


def masked(value: str) -> str:
    """A proxy's address without what is secret in it: all before the last ``@`` but the user's name.

    Without an ``@`` what follows a colon must be a port: it may be half of a password that was cut at a blank.
    """
    value = " ".join(value.split())
    head, at, host = value.rpartition("@")
    found = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", value)
    start = found.group(0) if found else ""
    if not at:
        rest = value[len(start) :]
        if rest.startswith("[") or re.match(r"^[^:]*(?::\d{1,5}(?:/\S*)?)?$", rest):
            return value
        head, host = value, ""
    user, colon, _password = head[len(start) :].partition(":")
    plain = colon and re.match(r"^[A-Za-z0-9._\\-]{1,64}$", user)
    return f"{start}{user + ':' if plain else ''}***{at}{host}"


class _Reader:
    def __init__(self, machine: Machine) -> None:
        self.root = machine.root
        self.hidden: list[str] = []

    def files(self, folder: str, ending: str) -> list[str]:
        return [f"{folder}/{name}" for name in listing(self.root / folder) if name.endswith(ending)]

    def text(self, path: str) -> str:
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace")
        except PermissionError:
            folder = "/root" if path.startswith("root/") else f"/{path}"
            if folder not in self.hidden:
                self.hidden.append(folder)
        except OSError:
            pass
        return ""


def _settings(reader: _Reader, path: str) -> list[str]:
    return reader.files(path, ".conf") if path.endswith(".d") else [path]


def _assignments(text: str, path: str) -> t.Iterator[Proxy]:
    """Shell, pam_env and wgetrc: NAME=value, with or without export, blanks and quotes."""
    for line in text.splitlines():
        several = _in_shell(line)
        if several is not None:
            for name, value in several:
                yield Proxy(name, masked(value), f"/{path}")
            continue
        found = _ASSIGNMENT.match(line)
        if found and found.group(1).lower() in _NAMES:
            value = found.group(2).split(" #")[0].strip().rstrip(";").strip("\"' ")
            if value:
                yield Proxy(found.group(1), masked(value), f"/{path}")


def _in_shell(line: str) -> list[tuple[str, str]] | None:
    """The proxies in a line of assignments, as a shell divides it.

    None where there is anything else in it: a value with a blank would be divided within its password.
    """
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    found = []
    try:
        for word in lexer:
            if word.startswith("#"):
                break
            assignment = _WORD.match(word)
            if word == "setenv" or not (assignment or word in _BETWEEN):
                return None
            if assignment and assignment.group(2) and assignment.group(1).lower() in _NAMES:
                found.append((assignment.group(1), assignment.group(2)))
    except ValueError:  # a quote that does not end
        return None
    return found


def _unit(text: str, path: str, key: str) -> t.Iterator[Proxy]:
    """systemd: one or more assignments in a line, quoted or not; a backslash at the end goes on."""
    for line in re.sub(r"\\\n", " ", text).splitlines():
        name, equals, rest = line.strip().partition("=")
        if not equals or name.strip() != key:
            continue
        try:
            words = shlex.split(rest)
        except ValueError:
            words = rest.split()
        for word in words:
            variable, _equals, value = word.partition("=")
            if variable.lower() in _NAMES and value:
                yield Proxy(variable, masked(value), f"/{path}")


def _docker(text: str, path: str) -> t.Iterator[Proxy]:
    """The client's config.json (httpProxy, for containers) and the daemon's daemon.json (http-proxy)."""
    try:
        proxies = json.loads(text or "{}").get("proxies")
    except (ValueError, AttributeError):
        return
    if not isinstance(proxies, dict):
        return
    for settings in [proxies, *(value for value in proxies.values() if isinstance(value, dict))]:
        for name, value in settings.items():
            if name.lower().replace("-", "") in ("httpproxy", "httpsproxy", "ftpproxy", "allproxy") and value:
                yield Proxy(name, masked(str(value)), f"/{path}")


def _curl(text: str, path: str) -> t.Iterator[Proxy]:
    for line in text.splitlines():
        found = _CURL_PROXY.match(line)
        if found:
            yield Proxy("proxy", masked(found.group(1).strip("\"' ")), f"/{path}")


def _apt(machine: Machine) -> t.Iterator[Proxy]:
    """apt's own answer: its files may nest, include and clear."""
    done = machine.run(("apt-config", "dump"), 20)
    for line in (done.out if done is not None else "").splitlines():
        found = _APT.match(line)
        if found and found.group(3) and found.group(3).upper() != "DIRECT":
            yield Proxy(f"Acquire::{found.group(1)}::{found.group(2)}", masked(found.group(3)), "apt")
