# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client on the controller: native commands over the host's own WinRM connection, nothing of Ansible's on the host."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError

from ansible_collections.onprem.chat.plugins.plugin_utils._client import options as wishes
from ansible_collections.onprem.chat.plugins.plugin_utils._client.converge import Visit
from ansible_collections.onprem.chat.plugins.plugin_utils._client.errors import ClientError
from ansible_collections.onprem.chat.plugins.plugin_utils._client.origin import check_transforms, obtain
from ansible_collections.onprem.chat.plugins.plugin_utils._client.users_converge import UserVisit
from ansible_collections.onprem.chat.plugins.plugin_utils._client.wanted import USER
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.cache import this_run
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.fetch import is_url
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.read import read_package
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.errors import RegistryError
from ansible_collections.onprem.chat.plugins.plugin_utils._windows.action import WindowsAction
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.channel import Channel
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import ChannelError


class ActionModule(WindowsAction):
    """One client on one Windows host."""

    NAME = "onprem.chat.win_client"
    REFUSAL = ClientError
    RULES = wishes.RULES
    LEAST = wishes.LEAST
    FILE_REMEDY = (
        "Give a path on the machine where Ansible runs, or for package an https URL; where the host may get it from belongs into "
        "url or share"
    )

    def _argument_spec(self) -> dict[str, t.Any]:
        return wishes.argument_spec()

    def _options(self) -> dict[str, t.Any]:
        options = super()._options()
        for name in ("package", "ca_path"):
            if options.get(name) and not is_url(options[name]):
                options[name] = self._file(options[name], name)
        demanded = options.get("signature") or {}
        if demanded.get("trust_anchors"):
            demanded["trust_anchors"] = [self._file(path, "trust_anchors") for path in demanded["trust_anchors"]]
        options["transforms"] = [self._file(path, "transforms") for path in options.get("transforms") or ()]
        return options

    def _outcome(self, options: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        package, signature = obtain(options, run=this_run(), read=read_package)
        if signature is not None:
            self.beside["signature"] = signature
        if package is not None:
            # From here on the file on the controller; a URL may hold what is nobody's business.
            options["package"] = package.path
        wish = wishes.task(options, package, self._account(), self._task.check_mode, self._reg_file)
        check_transforms(wish.transforms)
        with self._talking(Channel) as channel:
            visit = (UserVisit if wish.wanted.scope == USER else Visit)(channel, wish)
            try:
                return visit.converge()
            except (ChannelError, RegistryError):
                # They know nothing of an installer that ran before.
                if visit.report.begun:
                    self.beside |= visit.report.so_far()
                raise
            finally:
                self.warnings += visit.report.warnings

    def _account(self) -> dict[str, t.Any]:
        """Where SMB goes and as whom: as WinRM does."""
        values = {"host": "remote_addr", "user": "remote_user", "password": "remote_password"}
        account: dict[str, t.Any] = {name: str(self._option(option) or "") for name, option in values.items()}
        methods = [method for method in self._option("transport") or () if method]
        # Left to choose, Ansible takes Kerberos for NAME@REALM.
        account["ticket"] = "kerberos" in methods if methods else "@" in account["user"]
        return account

    def _option(self, name: str) -> t.Any:
        """An option of the connection; None when it has no such."""
        try:
            return self._connection.get_option(name)
        except (KeyError, AnsibleError):
            return None
