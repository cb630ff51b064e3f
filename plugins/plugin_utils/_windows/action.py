# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What the Windows modules have in common inside Ansible: options, files of the controller, and the shape of a result."""

from __future__ import annotations

import contextlib
import pathlib
import typing as t

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible.parsing.vault import is_encrypted
from ansible.plugins.action import ActionBase

from .._dns_targets import plain
from .._errors import PlainError
from .._registry.errors import SettingsError
from .._winrm.channel import Channel

AnyChannel = t.TypeVar("AnyChannel", bound=Channel)


class WindowsAction(ActionBase):
    """An action plugin that does its work on the controller. Its own part is :meth:`_outcome`; PlainErrors are its failures."""

    _requires_connection = True
    _supports_check_mode = True
    _supports_async = False

    NAME: t.ClassVar[str]
    REFUSAL: t.ClassVar[type[PlainError]]
    """The error for options that are wrong, and for files that are not there."""
    RULES: t.ClassVar[dict[str, t.Any]] = {}
    """What ArgumentSpecValidator takes beside the options."""
    LEAST: t.ClassVar[dict[str, tuple[int, str]]] = {}
    """Options that are numbers -> the smallest one that is taken, and its unit."""
    FILE_REMEDY: t.ClassVar[str] = ""
    """What to do about a file that is not there."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        # What a failure tells as well.
        self.warnings: list[str] = []
        self.beside: dict[str, t.Any] = {}
        try:
            outcome = self._outcome(self._options(), task_vars or {})
        except PlainError as error:
            outcome = error.result()
        outcome |= self.beside
        if self.warnings:
            outcome["warnings"] = self.warnings
        if not self._task.diff:
            outcome.pop("diff", None)
        return {**result, **outcome}

    def _argument_spec(self) -> dict[str, t.Any]:
        raise NotImplementedError

    def _outcome(self, options: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """The module's result; ``options`` are validated. What is put into ``warnings`` and ``beside`` survives an error."""
        raise NotImplementedError

    def _options(self) -> dict[str, t.Any]:
        given = {name: plain(value) for name, value in self._task.args.items() if not name.startswith("_ansible_")}
        checked = ArgumentSpecValidator(self._argument_spec(), **self.RULES).validate(given)
        if checked.error_messages:
            first = checked.errors[0]
            kind = "Unsupported parameters" if isinstance(first, UnsupportedError) else "Wrong options"
            raise self.REFUSAL(
                f"{kind} for {self.NAME}", "the task", first.msg.rstrip("."), "Compare the task with the documentation"
            )
        options = dict(checked.validated_parameters)
        for name, (least, unit) in self.LEAST.items():
            if options.get(name) is not None and options[name] < least:
                raise self.REFUSAL(
                    f"{name} is too small", str(options[name]), f"It is in {unit}", f"Give {least} or more"
                )
        return options

    @contextlib.contextmanager
    def _talking(self, kind: type[AnyChannel]) -> t.Iterator[AnyChannel]:
        """A channel to the host. Its warnings come last: only when it was closed it is known whether a shell is left."""
        channel = kind.over(self._connection)
        try:
            with channel:
                yield channel
        finally:
            self.warnings += channel.warnings

    def _file(self, path: str, option: str) -> str:
        """A file of the controller, looked for where Ansible looks for files."""
        try:
            return self._find_needle("files", path)
        except AnsibleError as error:
            cause = str(error).splitlines()[0].rstrip(".")
            raise self.REFUSAL(f"{option} was not found", path, cause, self.FILE_REMEDY) from None

    def _reg_file(self, path: str) -> bytes:
        """A .reg file of the controller; one of the vault is decrypted in memory. SettingsError when it cannot be read."""
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
