# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what certificate_bundle is to install where Ansible runs, and gives the bytes to the module on the host.

Files are searched as ansible.builtin.copy searches its src, and those of the vault are decrypted. The bytes travel in one option
that is never logged; they are read by the module, because only the host says which forms its library knows.
"""

from __future__ import annotations

import base64
import json
import pathlib
import typing as t

from ansible.errors import AnsibleError, AnsibleFileNotFound
from ansible.module_utils.common.validation import check_type_bool, check_type_list
from ansible.parsing.vault import is_encrypted
from ansible.plugins.action import ActionBase

from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import BundleError, InputError
from ansible_collections.onprem.chat.plugins.module_utils._x509.parse_files import (
    DeniedError,
    bytes_of,
    contents_of,
    is_folder,
)

OPTIONS = ("sources", "intermediates", "trust_anchors")


class ActionModule(ActionBase):
    _requires_connection = True
    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        try:
            if "delivered" in arguments:
                raise InputError("delivered is for the action plugin only.", action="Use sources.")
            if not self._is_on_target(arguments) and arguments.get("state", "present") == "present":
                delivered = self._read_all(arguments)
                if any(delivered.values()):
                    arguments["delivered"] = json.dumps(delivered)
        except BundleError as error:
            return {**result, "failed": True, "msg": str(error), "problem": error.what, "hint": error.hint}
        return {
            **result,
            **self._execute_module(
                module_name="onprem.chat.certificate_bundle",
                module_args=arguments,
                task_vars=task_vars,
                wrap_async=self._task.async_val,
            ),
        }

    @staticmethod
    def _is_on_target(arguments: dict[str, t.Any]) -> bool:
        try:
            return check_type_bool(arguments.get("remote_src", False))
        except TypeError:
            return True  # the module says what is wrong with it

    def _read_all(self, arguments: dict[str, t.Any]) -> dict[str, list[dict[str, t.Any]]]:
        """Every file that the options name."""
        delivered = {}
        for option in OPTIONS:
            if arguments.get(option) is None:
                continue
            try:
                paths = check_type_list(arguments[option])
            except TypeError:
                continue  # the module says what is wrong with it
            delivered[option] = [self._read_path(option, str(path)) for path in paths]
        return delivered

    def _read_path(self, option: str, path: str) -> dict[str, t.Any]:
        try:
            found = pathlib.Path(self._find_needle("files", path))
        except AnsibleFileNotFound as error:
            raise InputError(
                f"{option}: there is no file or folder {path} on the controller.",
                "Does it lie on the host? Then set remote_src to true.",
                "Relative names are searched as for ansible.builtin.copy: in files/ of the role and of the play first.",
            ) from error
        except AnsibleError as error:
            raise InputError(f"{option}: {path}: {_short(error)}") from error
        try:
            if is_folder(found):
                files = [self._sent(option, *entry) for entry in contents_of(found)]
                return {"path": path, "folder": True, "files": files}
            return {"path": path, "folder": False, "files": [self._sent(option, str(found), bytes_of(found), "")]}
        except DeniedError as error:
            raise InputError(
                error.what, error.cause, "Change its owner or mode on the controller. become is about the host."
            ) from error

    def _sent(self, option: str, path: str, data: bytes, excuse: str) -> tuple[str, str, str]:
        """Name, content in base64 and why it is passed over; what the vault protects is decrypted in memory."""
        if is_encrypted(data):
            try:
                # The only way through Ansible's own interface that leaves no file: every byte is one character of latin-1.
                data = self._loader.get_text_file_contents(path, encoding="latin-1").encode("latin-1")
            except AnsibleError as error:
                raise InputError(
                    f"{option}: {path} is a file of the vault and cannot be decrypted: {_short(error)}",
                    "Is the right password given?",
                    "Look at it with: ansible-vault view",
                ) from error
        return path, base64.b64encode(data).decode(), excuse


def _short(error: Exception) -> str:
    """Ansible's words in one line that ends with a full stop."""
    return " ".join(str(error).split()).rstrip(".") + "."
