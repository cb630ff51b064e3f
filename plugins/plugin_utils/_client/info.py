# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Asks a host everything in one go, and says it as facts and as checks."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.onprem.chat.plugins.module_utils._checks import Checks

from .._registry import commands
from .._windows import reg_tool, users
from .._winrm.runner import Answer, Ask, Runner
from . import file_version, info_expect, info_products, info_system
from .errors import ClientError
from .info_expect import Expectation
from .info_products import Filter
from .wanted import MACHINE, USER, code, uninstall_key

SUBSETS = ("products", "users", "reboot", "disk", "windows", "rollout")
FILTERS = ("name", "product_code", "upgrade_code", "uninstall_key")
RULES: dict[str, t.Any] = {"mutually_exclusive": [FILTERS]}
LEAST = {"deadline": (10, "seconds"), "free_space": (0, "MiB")}


def argument_spec() -> dict[str, t.Any]:
    """The options of win_client_info."""
    text = {"type": "str"}
    key = {**text, "no_log": False}
    return {
        "name": dict(text),
        "product_code": dict(text),
        "upgrade_code": dict(text),
        "uninstall_key": dict(key),
        "profiles": {"type": "bool", "default": False},
        "gather": {"type": "list", "elements": "str", "choices": list(SUBSETS), "default": list(SUBSETS)},
        "expect": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "package": {"type": "path"},
                "sha256": dict(text),
                "ca_path": {"type": "path"},
                "state": {**text, "choices": ["present", "absent", "repair"], "default": "present"},
                "scope": {**text, "choices": [MACHINE, USER], "default": MACHINE},
                "version": dict(text),
                "keep_newer": {"type": "bool", "default": False},
                "version_file": dict(text),
                "product_code": dict(text),
                "upgrade_code": dict(text),
                "uninstall_key": dict(key),
            },
        },
        "free_space": {"type": "int", "default": 1024},
        "deadline": {"type": "int", "default": 120},
    }


@dataclasses.dataclass(frozen=True)
class Wish:
    """What is asked. ``free_space`` is in bytes, ``deadline`` in seconds."""

    filter: Filter
    gather: frozenset[str]
    profiles: bool = False
    expect: tuple[Expectation, ...] = ()
    free_space: int = 0
    deadline: float = 120.0

    @property
    def needs_users(self) -> bool:
        return bool(self.gather & {"products", "users"}) or any(one.scope == USER for one in self.expect)


def wish(options: Mapping[str, t.Any], expect: Sequence[Expectation]) -> Wish:
    """From options as validated. OptionError for what makes no sense."""
    chosen = Filter(
        name=options.get("name") or "",
        product_code=code(options, "product_code"),
        upgrade_code=code(options, "upgrade_code"),
        uninstall_key=uninstall_key(options),
    )
    return Wish(
        filter=chosen,
        gather=frozenset(options["gather"]),
        profiles=options["profiles"],
        expect=tuple(expect),
        free_space=options["free_space"] * 1024 * 1024,
        deadline=float(options["deadline"]),
    )


class Info:
    """One visit to one host, which changes nothing there."""

    def __init__(self, runner: Runner, wanted: Wish, host: str) -> None:
        self.runner = runner
        self.wanted = wanted
        self.host = host
        self.checks = Checks()

    def gather(self) -> dict[str, t.Any]:
        """Everything but the connection: facts by the names of the module's result, and ``checks``."""
        wanted = self.wanted
        answers = self.runner.batch(self._questions(), deadline=wanted.deadline)
        if "info.registry" in answers and (problem := reg_tool.silent(answers["info.registry"])):
            raise ClientError(*problem)
        people = users.understand(answers) if wanted.needs_users else []
        if wanted.profiles:
            asks = self._of_profiles(people)
            deadline = commands.patience(asks, wanted.deadline)
            answers |= self.runner.batch(asks, deadline=deadline) if asks else {}
        result: dict[str, t.Any] = {"changed": False}
        if "products" in wanted.gather:
            names = info_products.names_of(people)
            found = info_products.understand(wanted.filter, answers, people)
            result["products"] = [one.shown(names) for one in found]
        if "users" in wanted.gather:
            result["users"] = [dataclasses.asdict(user) for user in people]
            result["logged_on"] = [user.name for user in people if user.logged_on]
        if "windows" in wanted.gather:
            result["windows"] = dataclasses.asdict(info_system.windows(answers))
        self._expected(answers, people)
        if wanted.profiles:
            self._profiles(answers, people)
        for name, judge in (("reboot", self._reboot), ("disk", self._disk), ("rollout", self._rollout)):
            if name in wanted.gather:
                result[name] = judge(answers)
        result["checks"] = self.checks.as_list()
        return result

    def connection(self, health: Mapping[str, t.Any]) -> None:
        """The check of the connection; ``health`` is what CountedChannel gives."""
        how = {
            "tls": f"{health['tls_version'] or 'TLS'}, the certificate was {'checked' if health['certificate_validated'] else 'not checked'}",
            "message": "HTTP with encrypted messages",
            "none": "HTTP without encryption",
        }[health["encryption"]]
        evidence = f"{how}; {health['authentication']}; {health['requests']} requests"
        source = "MS-WSMV 2.2.9.1"
        if health["encryption"] == "none":
            hint = "Use HTTPS, or a transport with message encryption (ntlm, kerberos, credssp)"
            self.checks.failed("windows.channel", self.host, evidence, hint, source)
        elif health["encryption"] == "tls" and not health["certificate_validated"]:
            hint = "Set ansible_winrm_server_cert_validation to validate and ansible_winrm_ca_trust_path to the CA's certificate"
            self.checks.warned("windows.channel", self.host, evidence, hint, source)
        elif health["authentication"] in ("basic", "plaintext"):
            hint = "Basic hands over the password itself; use kerberos or ntlm"
            self.checks.warned("windows.channel", self.host, evidence, hint, source)
        else:
            self.checks.passed("windows.channel", self.host, evidence, source)

    def _questions(self) -> list[Ask]:
        wanted = self.wanted
        asks = list(users.questions()) if wanted.needs_users else []
        for name, questions in (
            ("reboot", info_system.reboot_questions),
            ("disk", info_system.disk_questions),
            ("windows", info_system.windows_questions),
            ("rollout", info_system.rollout_questions),
        ):
            asks += questions() if name in wanted.gather else []
        if "products" in wanted.gather:
            asks += info_products.questions(wanted.filter)
        for number, one in enumerate(wanted.expect):
            more = [*info_products.questions(one.filter), *file_version.questions(one.version_file)]
            asks += [_named(ask, number) for ask in more]
        if any("reg query" in ask.command for ask in asks):
            asks.insert(0, Ask("info.registry", reg_tool.ANSWERS))
        # Something has to be asked to know how the connection is.
        return asks or [Ask("info.hello", "ver >nul")]

    def _of_profiles(self, people: Sequence[users.User]) -> list[Ask]:
        asks = info_products.of_profiles(self.wanted.filter, people) if "products" in self.wanted.gather else []
        for number, one in enumerate(self.wanted.expect):
            if one.scope == USER:
                asks += [_named(ask, number) for ask in info_products.of_profiles(one.filter, people)]
        return asks

    def _expected(self, answers: Mapping[str, Answer], people: Sequence[users.User]) -> None:
        for number, one in enumerate(self.wanted.expect):
            mine = _of_number(answers, number)
            found = file_version.counted(one.version_file, info_products.understand(one.filter, mine, people), mine)
            verdict = info_expect.judge(one, found, people, self.wanted.profiles)
            self.checks.add(
                verdict.status, "windows.client", f"{self.host}, {one.name}", verdict.evidence, verdict.hint
            )

    def _profiles(self, answers: Mapping[str, Answer], people: Sequence[users.User]) -> None:
        results = [info_products.not_read(answers, people)]
        results += [
            info_products.not_read(_of_number(answers, number), people) for number in range(len(self.wanted.expect))
        ]
        roaming = sorted(user.name for user in people if user.roaming and not user.loaded)
        refused = {user.name for some, _stayed in results for user in some}
        if any(stayed for _some, stayed in results):
            self.checks.failed(
                "windows.profiles",
                self.host,
                "a user's hive stays loaded after it was read; its user would get a temporary profile",
                "Run it again, or on the host: reg unload HKU\\onprem-chat-registry",
            )
        elif refused:
            self.checks.warned(
                "windows.profiles",
                self.host,
                f"the profiles of {', '.join(sorted(refused))} could not be read",
                "Somebody has just logged on or off, or NTUSER.DAT is damaged: run it again",
            )
        elif roaming:
            self.checks.warned(
                "windows.profiles",
                self.host,
                f"the roaming profiles of {', '.join(roaming)} were not read",
                "They are read while their users are logged on; loading a copy would make it newer than the server's",
            )
        else:
            self.checks.passed("windows.profiles", self.host, "all profiles were read")

    def _reboot(self, answers: Mapping[str, Answer]) -> dict[str, t.Any]:
        reasons = info_system.reboot(answers)
        if reasons:
            evidence = "a restart is pending: " + "; ".join(info_system.REASONS[one] for one in reasons)
            self.checks.warned("windows.reboot", self.host, evidence, "Restart it when nobody works there")
        else:
            self.checks.passed("windows.reboot", self.host, "no restart is pending")
        return {"pending": bool(reasons), "reasons": reasons}

    def _disk(self, answers: Mapping[str, Answer]) -> dict[str, t.Any]:
        free, needed = info_system.disk(answers), self.wanted.free_space
        if free is None:
            self.checks.skipped("windows.disk", self.host, "the free space of the system drive is not known")
        elif free < needed:
            evidence = f"{free // 2**20} MiB are free on the system drive, {needed // 2**20} MiB are wanted"
            self.checks.warned("windows.disk", self.host, evidence, "Free space there before the rollout")
        else:
            self.checks.passed("windows.disk", self.host, f"{free // 2**20} MiB are free on the system drive")
        return {"free_bytes": free}

    def _rollout(self, answers: Mapping[str, Answer]) -> dict[str, t.Any]:
        left = info_system.rollout(answers)
        running = [job["name"] for job in left["jobs"] if job["state"] == "running"]
        ended = [job["name"] for job in left["jobs"] if job["state"] != "running"]
        if running:
            evidence = f"an installation of win_client is going on: {', '.join(running)}"
            self.checks.warned("windows.rollout", self.host, evidence, "Let it end; the next run waits for it")
        elif ended or left["files"] or left["hive_loaded"]:
            what = [f"jobs: {', '.join(ended)}"] if ended else []
            what += [f"packages: {', '.join(left['files'])}"] if left["files"] else []
            what += ["a user's hive is loaded"] if left["hive_loaded"] else []
            evidence = f"an earlier run was cut off and left something ({'; '.join(what)})"
            self.checks.warned("windows.rollout", self.host, evidence, "The next run takes it away")
        else:
            self.checks.passed("windows.rollout", self.host, "nothing of an earlier run is left")
        return left


def _named(ask: Ask, number: int) -> Ask:
    return Ask(f"expect{number}.{ask.name}", ask.command)


def _of_number(answers: Mapping[str, Answer], number: int) -> dict[str, Answer]:
    prefix = f"expect{number}."
    return {name.removeprefix(prefix): answer for name, answer in answers.items() if name.startswith(prefix)}
