# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.
"""certificate_bundle from its options to its result."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import os
import re
from pathlib import Path

from ansible_collections.onprem.chat.plugins.module_utils._checks import FAIL, WARN, Check

from . import bundle, render
from .disk import Rights, group_id, group_name, mode_of, user_id, user_name
from .errors import BundleError, InputError, WriteError
from .install import clean, install
from .judge_files import File, holds_key, judge_files
from .pair import LAYOUTS, LINKS, Pair, Place, Seen
from .policy import PROFILES
from .write import Content, Target

_STRINGS = {"type": "list", "elements": "str"}
_PATHS = {"type": "list", "elements": "path"}
# What is kept of the modes of the pair in use when the old one is put back.
_AT_MOST = {"mode": "0740", "certificate_mode": "0755"}
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,200}")
OPTIONS = {
    "path": {"type": "path", "required": True},
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "previous"], "default": "present"},
    "sources": _PATHS,
    "remote_src": {"type": "bool", "default": False},
    "content": {**_STRINGS, "no_log": True},
    "key_path": {"type": "path", "no_log": False},
    "passphrases": {**_STRINGS, "no_log": True},
    "intermediates": _PATHS,
    "trust_anchors": _PATHS,
    "root": {"type": "str", "choices": ["include", "exclude", "keep"]},
    "profile": {"type": "str", "choices": sorted(PROFILES), "default": "server"},
    "dns_names": _STRINGS,
    "ip_addresses": _STRINGS,
    "xmpp_domains": _STRINGS,
    "valid_days": {"type": "int"},
    "clock_skew": {"type": "int"},
    "purposes": {**_STRINGS, "choices": ["server", "client"]},
    "key_types": {**_STRINGS, "choices": ["rsa", "ec", "ed25519", "ed448"], "no_log": False},
    "accept": _STRINGS,
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "raw"},
    "certificate_mode": {"type": "raw"},
    "layout": {"type": "str", "choices": list(LAYOUTS)},
    "backup": {"type": "bool", "default": False},
    "delivered": {"type": "str", "no_log": True},
}


def now() -> datetime.datetime:
    """This moment."""
    return datetime.datetime.now(datetime.UTC)


class Refused(BundleError):
    """The judgement was bad; ``result`` is what the module returns beside the message."""

    def __init__(self, what: str, result: dict) -> None:
        super().__init__(what, action="Nothing was changed.")
        self.result = result


class Command:
    """One run. ``module``: what is used of an AnsibleModule: ``params``, ``check_mode`` and ``warn()``."""

    def __init__(self, module) -> None:
        self.module = module
        self.params = module.params
        self.place = Place(Path(self.params["path"]), self.params["name"])
        self.key_mode = self._mode("mode", "0600")
        self.certificate_mode = self._mode("certificate_mode", "0644")
        self.unknown: list[str] = []

    def run(self) -> dict:
        """Raises BundleError."""
        self._check_options()
        if self.params["state"] == "previous":
            return self._put_back()
        asked = bundle.wanted(self.params)
        if not self.module.check_mode:
            clean(self.place)
        there = self.place.look()
        made = bundle.assemble(bundle.gather(self.params), there, self.place, asked, now())
        checks = [*made.checks, *self._judge_files(self._target(self._content(made, there, there), there), there)]
        result = self._said(made, checks)
        self._refuse_bad(checks, result)
        result.update(self._install(lambda pair: self._target(self._content(made, there, pair), pair)))
        return result

    # What is asked for

    def _mode(self, option: str, default: str) -> int:
        value = self.params[option]
        return mode_of(default if value is None else value, option)

    def _check_options(self) -> None:
        params = self.params
        if not _NAME.fullmatch(params["name"]) or params["name"].endswith((".crt", ".key", ".d")):
            raise InputError(
                f"name: {params['name']!r} cannot be used.",
                "Does it hold a folder or an extension?",
                "Give the part before .crt: letters, digits, dot, dash, underscore.",
            )
        if not self.place.folder.is_absolute():
            raise InputError(f"path: {params['path']} does not begin with /.", action="Give the whole path.")
        if self.key_mode & 0o007:
            raise InputError(
                f"mode: {self.key_mode:04o} lets everybody at the private key.",
                "Is it meant for certificate_mode?",
                "Take 0600, or 0640 with the group of the service.",
            )
        if self.certificate_mode & 0o022 or self.key_mode & 0o020:
            raise InputError(
                f"{'mode' if self.key_mode & 0o020 else 'certificate_mode'}: others than the owner could replace the content.",
                action="Take 0600 or 0640 for the key, 0644 for the certificate.",
            )
        for option, mode in (("mode", self.key_mode), ("certificate_mode", self.certificate_mode)):
            if not mode & 0o400:
                raise InputError(f"{option}: {mode:04o} does not let the owner read.", action="Take 0600 or 0640.")
        if params["state"] == "present" and not (params["sources"] or params["content"]):
            raise InputError("Neither sources nor content is given.", action="Give the certificate in one of them.")

    def _number(self, option: str, find) -> int | None:
        """The number of owner or group; None when it is not given, or not known yet in check mode."""
        name = self.params[option]
        if name is None:
            return None
        number = find(name)
        if number is None and not self.module.check_mode:
            raise InputError(
                f"{option}: there is no {'user' if option == 'owner' else 'group'} {name} on this host.",
                "Is it made by a later task, or misspelt?",
                "Make it first (ansible.builtin.user, ansible.builtin.group).",
            )
        if number is None:
            self.unknown.append(option)
            self.module.warn(f"{option}: there is no {name} on this host yet; outside of check mode this would fail.")
        return number

    def _rights(self, option: str, mode: int, seen: Seen, uid: int | None, gid: int | None) -> Rights:
        """Without owner or group those of the file that is replaced stay, and its mode when the old pair is put back."""
        before = seen.rights
        stays = before and self.params[option] is None and self.params["state"] == "previous"
        return Rights(
            before.mode & mode_of(_AT_MOST[option], option) if stays else mode,
            uid if uid is not None else before.uid if before else os.geteuid(),
            gid if gid is not None else before.gid if before else os.getegid(),
        )

    @functools.cached_property
    def _owners(self) -> tuple[int | None, int | None]:
        return self._number("owner", user_id), self._number("group", group_id)

    def _target(self, content: Content, there: Pair, layout: str = LINKS) -> Target:
        return Target(
            content,
            self.params["layout"] or layout,
            self._rights("certificate_mode", self.certificate_mode, there.certificate, *self._owners),
            self._rights("mode", self.key_mode, there.key, *self._owners),
            self.params["backup"],
        )

    def _judge_files(self, target: Target, there: Pair) -> list[Check]:
        """The two files that are there, or as they will be: what is wrong with them now is repaired, and should be known."""

        def file(path: Path, seen: Seen, made: Seen) -> File:
            seen = made if seen.data is None else seen
            return File(str(path), seen.data, seen.rights.mode, user_name(seen.rights.uid), group_name(seen.rights.gid))

        place, made = self.place, target.pair
        found = judge_files(
            file(place.certificate, there.certificate, made.certificate),
            file(place.key, there.key, made.key),
            place.name,
            place.name,
        )
        return [self._repaired(check, there) for check in found]

    @staticmethod
    def _repaired(check: Check, there: Pair) -> Check:
        if check.status not in (FAIL, WARN):
            return check
        hint = "It is repaired when the new pair is installed."
        open_key = any(
            seen.data and holds_key(seen.data) and seen.rights.mode & 0o007 for seen in (there.certificate, there.key)
        )
        if open_key and check.id == "certificate.files.modes":
            hint += " Others may have read the key: if others than administrators work on the host, make a new one."
        return dataclasses.replace(check, status=WARN, evidence=f"until now {check.evidence}", hint=hint)

    def _content(self, made: bundle.Bundle, judged: Pair, there: Pair) -> Content:
        if made.from_place and judged.key.data != there.key.data:
            raise WriteError(
                f"{self.place.key} was changed while it was being read. Nothing was changed by this task.",
                "Does another play run on this host?",
                "Run it again.",
            )
        return Content(made.pem, bundle.key_text(made.key, there, self.place))

    # What is done

    def _install(self, target_for) -> dict:
        result = install(self.place, target_for, self.module.check_mode)
        # An owner that is not known yet will be another one than that of the file.
        return {**result, "changed": bool(result["differences"] or self.unknown)}

    def _put_back(self) -> dict:
        place, found = self.place, []
        if not place.folder.is_dir():
            raise self._nothing_kept()

        def target_for(there: Pair) -> Target:
            content = self._kept()
            found.extend(bundle.certificates_in(content.certificate, str(place.certificate)))
            return self._target(content, there, place.layout())

        result = self._install(target_for)
        chain = [render.row(one) for one in found]
        return {**self._files(), "checks": [], "chain": chain, "dropped": [], "notes": [], **result}

    def _kept(self) -> Content:
        """What can be put back."""
        place = self.place
        kept = place.previous_version()
        if kept is None:
            raise self._nothing_kept()
        pair = place.version(kept)
        if not pair.complete or not _belongs(pair):
            raise WriteError(
                f"What was kept in {place.store / kept} is no pair that belongs together. Nothing was changed.",
                "Was it broken before it was replaced?",
                "Install a good one with state=present.",
            )
        certificate, key = pair.contents
        if holds_key(certificate) or bundle.keys_in(certificate, ""):
            # The key is in its own file, and this one is for everybody.
            certificate = b"".join(one.pem for one in bundle.certificates_in(certificate, ""))
        return Content(certificate, key)

    def _nothing_kept(self) -> InputError:
        return InputError(
            f"There is no pair in {self.place.store} that could be put back.",
            "Was one ever replaced under this path and name?",
            "Install one with state=present.",
        )

    # What is said

    def _files(self) -> dict:
        return {"certificate_file": str(self.place.certificate), "key_file": str(self.place.key)}

    def _said(self, made: bundle.Bundle, checks: list[Check]) -> dict:
        return {
            **self._files(),
            "checks": [check.as_dict() for check in checks],
            "chain": [render.row(one) for one in made.certificates],
            "dropped": made.dropped,
            "notes": made.notes,
        }

    def _refuse_bad(self, checks: list[Check], result: dict) -> None:
        failures = [check for check in checks if check.status == FAIL]
        if not failures:
            for check in checks:
                if check.status == WARN:
                    self.module.warn(f"{check.id}: {check.evidence}. {check.hint}".strip())
            return
        said = " ".join(f"{check.id}: {check.evidence}. {check.hint}".strip() for check in failures)
        count = "1 check" if len(failures) == 1 else f"{len(failures)} checks"
        raise Refused(f"The bundle for {self.place.name} is refused by {count}. {said}", result)


def _belongs(pair: Pair) -> bool:
    """Whether the key belongs to the first certificate."""
    certificates = bundle.certificates_in(pair.certificate.data, "")
    return bool(certificates) and any(key.spki == certificates[0].spki for key in bundle.keys_in(pair.key.data, ""))


def run(module) -> dict:
    """Everything between options and result. Raises BundleError."""
    return Command(module).run()
