# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dns_records where Ansible itself runs: the same code as the module, without sending it through a Python of its own.

A module costs more than half a second before it does anything (packing, starting Python, compiling), and once more for many
records (they travel as text both ways). Nothing of this is needed on the controller. Wherever this would make a difference -
another host, another user, an environment, a library that only another Python has - the module does the work.
"""

from __future__ import annotations

import os
import typing as t

from ansible import constants as C
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.onprem.chat.plugins.module_utils._dns import kerberos, lib
from ansible_collections.onprem.chat.plugins.module_utils._dns.command import RULES, argument_spec, failure_of, run
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import DnsError

display = Display()


class _Here:
    """What the command uses of an AnsibleModule."""

    def __init__(self, params: dict[str, t.Any], no_log_values: set[str], check_mode: bool) -> None:
        self.params = params
        self.no_log_values = no_log_values
        self.check_mode = check_mode
        self.tmpdir = C.DEFAULT_LOCAL_TMP
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def _plain(value: t.Any) -> t.Any:
    """A value without what Ansible knows about its origin, as a module gets it: the validator copies all of it."""
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, str) else value


def _first_of(errors) -> str:
    """The first error in the words of a module."""
    if isinstance(errors[0], UnsupportedError):
        return f"Unsupported parameters for (onprem.chat.dns_records) module: {errors[0].msg}"
    return errors[0].msg


class ActionModule(ActionBase):
    """Runs dns_records in this process where that is the same as running the module."""

    _requires_connection = True
    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        if not self._same_here():
            return {**result, **self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val)}
        options = self._validated()
        here = _Here(options.validated_parameters, options._no_log_values, self._task.check_mode)
        if options.error_messages:
            outcome: dict[str, t.Any] = {"failed": True, "msg": _first_of(options.errors)}
        else:
            try:
                outcome = run(here)
            except DnsError as error:
                outcome = {**failure_of(error), "failed": True}
        for text in here.warnings:
            display.warning(text)
        return {**result, **remove_values(outcome, here.no_log_values)}

    def _same_here(self) -> bool:
        needs_kerberos = self._task.args.get("auth", "gss_tsig") == "gss_tsig"
        return (
            self._connection.transport == "local"
            and not self._connection.become
            and not self._task.async_val
            and not any(self._task.environment or ())
            and not lib.DNSPYTHON_ERROR
            and not (needs_kerberos and kerberos.GSSAPI_ERROR)
        )

    def _validated(self):
        args = {name: _plain(value) for name, value in self._task.args.items() if not name.startswith("_ansible_")}
        options = ArgumentSpecValidator(argument_spec(), **RULES).validate(args)
        for name in ("keytab", "tsig_key_file"):
            # A local module runs in the folder of the playbook, so that is where its relative paths begin.
            if options.validated_parameters.get(name):
                path = os.path.join(self._loader.get_basedir(), options.validated_parameters[name])  # noqa: PTH118
                options.validated_parameters[name] = path
        return options
