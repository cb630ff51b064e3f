# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the variables of the host it runs for and judges them on the controller; the host is not contacted."""

from __future__ import annotations

import functools
import pathlib
import re
import typing as t

import yaml
from ansible.plugins.action import ActionBase

from ansible_collections.onprem.chat.plugins.plugin_utils._site_guard import (
    LOGIN,
    SITE_PREFIX,
    Rules,
    Variable,
    judge,
    message,
)

try:
    from ansible._internal._datatag._tags import Origin
except ImportError:  # private to ansible-core: without it texts do not say in which file a variable is
    Origin = None

COLLECTION = pathlib.Path(__file__).resolve().parents[2]
_SITE_NAME = re.compile(rf"\b{SITE_PREFIX}[a-z0-9_]+")
_HELPER_NAME = re.compile(r"\b__site_[a-z0-9_]+")


# Each host is judged in a process of its own: in Python alone, reading the files would be most of its time.
_YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(path: pathlib.Path) -> t.Any:
    with path.open(encoding="utf-8") as stream:
        return yaml.load(stream, Loader=_YAML_LOADER)  # noqa: S506 (a safe one)


def read_mapped(mapping: dict[str, t.Any]) -> dict[str, list[str]]:
    """Role variable -> site keys that it comes from, also through the helper variables of the mapping."""

    def keys_of(value: t.Any, seen: frozenset[str]) -> set[str]:
        text = str(value)
        found = set(_SITE_NAME.findall(text))
        for helper in set(_HELPER_NAME.findall(text)) - seen:
            found |= keys_of(mapping.get(helper, ""), seen | {helper})
        return found

    return {
        name: sorted(keys_of(value, frozenset()))
        for name, value in mapping.items()
        if not name.startswith(("__", SITE_PREFIX))
    }


@functools.lru_cache(maxsize=1)
def read_rules(collection: pathlib.Path = COLLECTION) -> Rules:
    """What the collection on the disk says about its variables."""
    role_options: dict[str, dict[str, t.Any]] = {}
    for path in sorted(collection.glob("roles/*/meta/argument_specs.y*ml")):
        entry_points = (load_yaml(path) or {}).get("argument_specs") or {}
        options = role_options.setdefault(path.parts[-3], {})
        for entry_point in entry_points.values():
            options.update(entry_point.get("options") or {})
    mapping_file = collection / "playbooks" / "vars" / "site.yml"
    mapping = (load_yaml(mapping_file) or {}) if mapping_file.exists() else {}
    site_keys = load_yaml(collection / "playbooks" / "vars" / "site_spec.yml")["site_keys"]
    return Rules(site_keys=site_keys, role_options=role_options, mapped=read_mapped(mapping))


def origin_of(value: t.Any) -> str:
    """``path:line`` of a value that knows where it was written."""
    origin = Origin.get_tag(value) if Origin else None
    if origin is None or not getattr(origin, "path", None):
        return ""
    line = getattr(origin, "line_num", None)
    return f"{origin.path}:{line}" if line else str(origin.path)


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _unused, options = self.validate_argument_spec({"fail": {"type": "bool", "default": True}})
        rules = read_rules()
        checks = judge(self._variables(task_vars, rules), rules, self._groups(task_vars), self._is_desktop(task_vars))
        result.update(changed=False, checks=checks.as_list())
        if options["fail"] and checks.failures:
            result.update(failed=True, msg=message(checks, task_vars.get("inventory_hostname", "this host")))
        return result

    def _variables(self, task_vars: dict[str, t.Any], rules: Rules) -> dict[str, Variable]:
        prefixes = (SITE_PREFIX, *(f"{role}_" for role in rules.role_options))
        inventory = self._inventory_names(task_vars)
        variables = {}
        for name in task_vars:
            if not isinstance(name, str) or not (name.startswith(prefixes) or name == LOGIN):
                continue
            raw = task_vars[name]
            written = inventory is None or name in inventory
            template = isinstance(raw, str) and ("{{" in raw or "{%" in raw)
            # true, false and null carry no origin, their names do
            where = origin_of(name if raw is None or isinstance(raw, bool) else raw)
            if not name.startswith((SITE_PREFIX, LOGIN)):
                variables[name] = Variable(raw, where, from_inventory=written, template=template)
                continue
            try:
                variables[name] = Variable(self._plain(self._templar.template(raw)), where)
            except Exception as error:  # whatever a template or the vault raises belongs to this one variable
                reason = " ".join(str(error).split()) or type(error).__name__
                variables[name] = Variable(None, where, reason, written=str(raw))
        return variables

    @staticmethod
    def _groups(task_vars: dict[str, t.Any]) -> dict[str, list[str]]:
        """The hosts of the servers' groups; those of chat_servers only if this host is one of them."""
        groups = task_vars.get("groups") or {}
        found = {name: [str(host) for host in groups.get(name) or []] for name in ("chat_servers", "meetings_servers")}
        if task_vars.get("inventory_hostname") not in found["chat_servers"]:
            del found["chat_servers"]
        return found

    @staticmethod
    def _is_desktop(task_vars: dict[str, t.Any]) -> bool:
        """Whether this host is a desktop and no server: those who look after desktops may know nothing of the servers."""
        groups, host = task_vars.get("groups") or {}, task_vars.get("inventory_hostname")
        servers = [*(groups.get("chat_servers") or []), *(groups.get("meetings_servers") or [])]
        return host in (groups.get("chat_desktops") or []) and host not in servers

    @staticmethod
    def _inventory_names(task_vars: dict[str, t.Any]) -> set[str] | None:
        """Names set in the inventory, by facts or on the command line, but not by a playbook's own vars."""
        try:
            return set(task_vars["hostvars"].raw_get(task_vars["inventory_hostname"]))
        except Exception:
            return None

    @classmethod
    def _plain(cls, value: t.Any) -> t.Any:
        """Lazy containers and decrypted vault values as plain ones."""
        if isinstance(value, dict):
            return {str(key): cls._plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [cls._plain(item) for item in value]
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        return str(value)
