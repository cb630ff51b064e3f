# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client on the controller: native commands over the host's own WinRM connection, nothing of Ansible's on the host."""

from __future__ import annotations

import pathlib
import typing as t

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible.parsing.vault import is_encrypted
from ansible.plugins.action import ActionBase

from ansible_collections.onprem.chat.plugins.plugin_utils._client.converge import Visit
from ansible_collections.onprem.chat.plugins.plugin_utils._client.errors import ClientError
from ansible_collections.onprem.chat.plugins.plugin_utils._client.options import RULES, argument_spec, task
from ansible_collections.onprem.chat.plugins.plugin_utils._client.origin import check_transforms, obtain
from ansible_collections.onprem.chat.plugins.plugin_utils._client.users_converge import UserVisit
from ansible_collections.onprem.chat.plugins.plugin_utils._client.wanted import USER
from ansible_collections.onprem.chat.plugins.plugin_utils._dns_targets import plain
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.cache import this_run
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.errors import PackageError
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.fetch import is_url
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.read import read_package
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.errors import RegistryError, SettingsError
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.channel import Channel
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import ChannelError

NAME = "onprem.chat.win_client"


class ActionModule(ActionBase):
    """One client on one Windows host."""

    _requires_connection = True
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        del tmp
        warnings: list[str] = []
        signature: dict[str, t.Any] | None = None
        try:
            options = self._options()
            package, signature = obtain(options, run=this_run(), read=read_package)
            if package is not None:
                # From here on the file on the controller; a URL may hold what is nobody's business.
                options["package"] = package.path
            wish = task(options, package, self._account(), self._task.check_mode, self._read)
            check_transforms(wish.transforms)
            with Channel.over(self._connection) as channel:
                visit = (UserVisit if wish.wanted.scope == USER else Visit)(channel, wish)
                try:
                    outcome = visit.converge()
                finally:
                    warnings += [*visit.report.warnings, *channel.warnings]
        except (ClientError, ChannelError, PackageError, RegistryError) as error:
            outcome = error.result()
        if signature is not None:
            outcome["signature"] = signature
        if warnings:
            outcome["warnings"] = warnings
        if not self._task.diff:
            outcome.pop("diff", None)
        return {**result, **outcome}

    def _options(self) -> dict[str, t.Any]:
        given = {name: plain(value) for name, value in self._task.args.items() if not name.startswith("_ansible_")}
        checked = ArgumentSpecValidator(argument_spec(), **RULES).validate(given)
        if checked.error_messages:
            first = checked.errors[0]
            kind = "Unsupported parameters" if isinstance(first, UnsupportedError) else "Wrong options"
            raise ClientError(
                f"{kind} for {NAME}", "the task", first.msg.rstrip("."), "Compare the task with the documentation"
            )
        options = dict(checked.validated_parameters)
        for name in ("package", "ca_path"):
            if options.get(name) and not is_url(options[name]):
                options[name] = self._file(options[name], name)
        demanded = options.get("signature") or {}
        if demanded.get("trust_anchors"):
            demanded["trust_anchors"] = [self._file(path, "trust_anchors") for path in demanded["trust_anchors"]]
        options["transforms"] = [self._file(path, "transforms") for path in options.get("transforms") or ()]
        return options

    def _file(self, path: str, option: str) -> str:
        """A file of the controller, looked for where Ansible looks for files."""
        try:
            return self._find_needle("files", path)
        except AnsibleError as error:
            raise ClientError(
                f"{option} was not found",
                path,
                str(error).splitlines()[0].rstrip("."),
                "Give a path on the machine where Ansible runs, or for package an https URL; where the host may get it from belongs "
                "into url or share",
            ) from None

    def _read(self, path: str) -> bytes:
        """A .reg file on the controller; one of the vault is decrypted in memory."""
        try:
            found = self._find_needle("files", path)
            data = pathlib.Path(found).read_bytes()
            if is_encrypted(data):
                # The only way through Ansible's own interface that leaves no file: every byte is one character of latin-1.
                return self._loader.get_text_file_contents(found, encoding="latin-1").encode("latin-1")
            return data
        except (AnsibleError, OSError) as error:
            raise SettingsError(
                "A .reg file cannot be read on the controller",
                path,
                " ".join(str(error).split()).rstrip("."),
                "Relative names are searched as for ansible.builtin.copy: in files/ of the role and of the play first",
            ) from None

    def _account(self) -> dict[str, str]:
        """Where SMB goes and as whom: as WinRM does."""
        values = {"host": "remote_addr", "user": "remote_user", "password": "remote_password"}
        account = {}
        for name, option in values.items():
            try:
                account[name] = str(self._connection.get_option(option) or "")
            except (KeyError, AnsibleError):
                account[name] = ""
        return account
