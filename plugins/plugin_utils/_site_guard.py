# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Judges the variables of a site: unknown, missing, of the wrong kind, not what they should name.

Pure: variables, the description of the site file and the options of the roles come in, checks come out. Ansible's own
argument_specs cannot do it: an unknown variable passes them silently, and ``type: str`` accepts a list.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._checks import Checks
from ansible_collections.onprem.chat.plugins.module_utils._xmpp.address import IN_WORDS, forbidden_in
from ansible_collections.onprem.chat.plugins.plugin_utils._site_formats import FORMATS, HINTS, is_fqdn

SITE_PREFIX = "chat_"
ANSWERS = ("_preflight_checks", "_checks", "_result", "_todo")  # facts in which a role leaves what it saw or made
PLACEHOLDER = "CHANGE_ME"
LOGIN = "ansible_password"  # Ansible's own; looked at for desktops only
SPEC_PAGE = "docs/site_file.md"
DESKTOPS = "Desktops"  # the section of the site file that is enough for those

_KINDS = ((bool, "bool"), (int, "int"), (float, "float"), (str, "str"), (dict, "dict"), (list, "list"), (tuple, "list"))
_WORDS = {
    "bool": "true or false",
    "int": "a number",
    "float": "a number",
    "str": "text",
    "path": "text",
    "raw": "anything",
    "dict": "a dictionary",
    "list": "a list",
    "none": "empty",
}


_SYNTAX = re.compile(r"Syntax error in template", re.IGNORECASE)
_NAMES_A_PIECE = re.compile(r" is undefined| has no (attribute|element)")
_NOTHING_BUT_A_TEMPLATE = re.compile(r"\s*\{\{.*\}\}\s*", re.DOTALL)
_QUOTED = re.compile(r"(['\"])(.*?)\1")
_TEMPLATE_HINT = " A secret with {{, {% or {# in it is taken for a template; in the vault file, !unsafe keeps it as it is: NAME: !unsafe 'SECRET'"
_LINE_BREAK_HINT = (
    "Was it encrypted with echo, or with Enter before Ctrl-D? Write it again without a line break:"
    " printf %s 'SECRET' | ansible-vault encrypt_string --stdin-name NAME"
)


@dataclasses.dataclass(frozen=True)
class Variable:
    """A variable of the host: its value, where it is written, or why it could not be evaluated.

    written: what stands in the site file, for one with an error.
    """

    value: t.Any = None
    where: str = ""
    error: str = ""
    written: str = ""
    from_inventory: bool = True
    template: bool = False


@dataclasses.dataclass(frozen=True)
class Rules:
    """What the collection knows.

    site_keys: the site file's keys. role_options: role -> its options. mapped: role variable -> site keys behind it.
    """

    site_keys: dict[str, dict[str, t.Any]]
    role_options: dict[str, dict[str, dict[str, t.Any]]]
    mapped: dict[str, list[str]] = dataclasses.field(default_factory=dict)


def holds_secret(spec: dict[str, t.Any]) -> bool:
    """Whether a value of this description is a secret, or one is inside."""
    inner = [*(spec.get("keys") or {}).values(), spec.get("elements") or {}]
    return spec.get("secret") is True or any(holds_secret(item) for item in inner if item)


def why(variable: Variable, spec: dict[str, t.Any]) -> str:
    """Why it could not be evaluated.

    A password with {{ in it is a template that does not work, and Ansible quotes a piece of it. Only what stands in the site file
    itself is told: the rest comes from a vault.
    """
    if not (_SYNTAX.match(variable.error) or (holds_secret(spec) and _NAMES_A_PIECE.search(variable.error))):
        return variable.error
    # A secret that stands in the site file in clear is not told either.
    shown = "" if spec.get("secret") and not _NOTHING_BUT_A_TEMPLATE.fullmatch(variable.written) else variable.written
    return _QUOTED.sub(
        lambda found: found[0] if found[2].startswith("end of ") or found[2] in shown else "…", variable.error
    )


def has_line_break(secret: str) -> bool:
    return "\n" in secret or "\r" in secret


def kind(value: t.Any) -> str:
    if value is None:
        return "none"
    for python_type, name in _KINDS:
        if isinstance(value, python_type):
            return name
    return "raw"


class _Judge:
    def __init__(
        self,
        variables: dict[str, Variable],
        rules: Rules,
        checks: Checks,
        groups: dict[str, t.Sequence[str]],
        desktop: bool,
    ) -> None:
        self.variables, self.rules, self.checks, self.groups = variables, rules, checks, groups
        self.desktop = desktop
        self.prefixes = (SITE_PREFIX, *(f"{role}_" for role in rules.role_options))
        self.options = {name: spec for options in rules.role_options.values() for name, spec in options.items()}

    def run(self) -> None:
        ours = sorted(name for name in self.variables if name.startswith(self.prefixes))
        self.unknown(ours)
        for name, spec in self.rules.site_keys.items():
            self.site_key(name, spec)
        for name in ours:
            if name in self.options:
                self.role_variable(name, self.options[name])
        self.several_servers()
        self.login()
        if not len(self.checks):
            self.checks.passed("site.variables", "site file", f"{len(ours)} variables, all known and sound")

    # -- names ---------------------------------------------------------------------------------------------------

    def unknown(self, ours: list[str]) -> None:
        facts = {f"{role}{answers}" for role in self.rules.role_options for answers in ANSWERS}
        known = set(self.rules.site_keys) | set(self.options) | facts
        patterns = self.foreign()
        for name in ours:
            if name in known or any(pattern.fullmatch(name) for pattern in patterns):
                continue
            near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
            hint = f"Did you mean {near[0]}? " if near else ""
            page = SPEC_PAGE if name.startswith(SITE_PREFIX) else "the role's README.md"
            hint += f"Known ones are listed in {page}; name a variable of your own in chat_foreign_variables."
            self.fail("site.unknown", name, "is no variable of this collection", hint)

    def foreign(self) -> list[re.Pattern[str]]:
        variable = self.variables.get("chat_foreign_variables")
        patterns = []
        if variable and isinstance(variable.value, list):
            for item in variable.value:
                try:
                    patterns.append(re.compile(str(item)))
                except re.error as error:
                    self.fail(
                        "site.value",
                        "chat_foreign_variables",
                        f"holds {item!r}, which is no pattern: {error}",
                        "Write the variable's name, or a regular expression for the whole name.",
                    )
        return patterns

    def fail(self, id: str, name: str, evidence: str, hint: str, path: str = "") -> None:
        variable = self.variables.get(name)
        where = f" ({variable.where})" if variable and variable.where else ""
        self.checks.failed(id, path or name, f"{path or name} {evidence}{where}", hint, SPEC_PAGE)

    # -- site keys -----------------------------------------------------------------------------------------------

    def site_key(self, name: str, spec: dict[str, t.Any]) -> None:
        variable = self.variables.get(name)
        if variable is None or (variable.value in (None, "", []) and not variable.error):
            if self.is_required(spec):
                state = "is not set" if variable is None else "is empty"
                self.fail("site.missing", name, state, self.how_to_set(name, spec))
            return
        if variable.error:
            self.fail(
                "site.value",
                name,
                f"cannot be evaluated: {why(variable, spec)}",
                "Is a variable in it misspelt or not set, or the vault password wrong?"
                + (_TEMPLATE_HINT if holds_secret(spec) else ""),
            )
            return
        self.value(name, name, variable.value, spec)

    def is_required(self, spec: dict[str, t.Any]) -> bool:
        if self.desktop and spec.get("section") != DESKTOPS:
            return False
        if spec.get("required"):
            return True
        excuses = spec.get("required_unless") or {}
        if any(self.state(other) == state for other, state in excuses.items()):
            return False
        return bool(spec.get("required_if")) and self.is_used(spec)

    def is_used(self, spec: dict[str, t.Any]) -> bool:
        """Not where other keys say that something else is used in its place."""
        return all(self.seen(other) == wanted for other, wanted in (spec.get("required_if") or {}).items())

    def state(self, name: str) -> str:
        """empty: somebody has written that it is to be ""."""
        variable = self.variables.get(name)
        if variable is None or variable.value is None:
            return "set" if variable and variable.error else "unset"
        return "empty" if variable.value == "" else "set"

    def seen(self, name: str) -> t.Any:
        """The value of a key, or its default."""
        variable = self.variables.get(name)
        return variable.value if variable else self.rules.site_keys.get(name, {}).get("default")

    @staticmethod
    def how_to_set(name: str, spec: dict[str, t.Any]) -> str:
        example = spec.get("example", "")
        shown = f" Example: {name}: {example}" if example != "" else ""
        return f"Set it in group_vars/all/site.yml. {spec['description']}{shown}"

    def value(self, name: str, path: str, value: t.Any, spec: dict[str, t.Any]) -> None:
        """One value and everything inside it; a secret's value is never part of a text."""
        wanted, seen = spec["type"], kind(value)
        if wanted == "raw":  # whoever uses it looks at it
            return
        if seen != wanted:
            self.fail(
                "site.type",
                name,
                f"is {_WORDS[seen]}, wanted {_WORDS[wanted]}",
                self.how_to_write(wanted, seen),
                path,
            )
        elif wanted == "list":
            for number, item in enumerate(value):
                self.value(name, f"{path}[{number}]", item, spec.get("elements") or {"type": kind(item)})
        elif wanted == "dict":
            self.dictionary(name, path, value, spec.get("keys") or {})
        elif spec.get("secret"):
            self.secret(name, path, value, spec.get("min_length", 0) if self.is_used(spec) else 0)
        elif "range" in spec:
            least, most = spec["range"]
            if not least <= value <= most:
                hint = f"Write a number from {least} to {most}."
                self.fail("site.value", name, f"is {value}, which is not from {least} to {most}", hint, path)
        elif "choices" in spec:
            if value not in spec["choices"]:
                choices = ", ".join(spec["choices"])
                near = difflib.get_close_matches(value, spec["choices"], n=1)
                hint = f"Did you mean {near[0]}?" if near else f"Choose one of {choices}."
                self.fail("site.value", name, f"is {value!r}, wanted one of {choices}", hint, path)
        elif PLACEHOLDER in str(value):
            self.fail("site.value", name, f"is still the placeholder {PLACEHOLDER}", "Give the real value.", path)
        else:
            self.format(name, path, value, spec.get("format"))

    @staticmethod
    def how_to_write(wanted: str, seen: str) -> str:
        if wanted != "str":
            return f"Write {_WORDS[wanted]}."
        if seen in ("bool", "int", "float"):
            return "Put quotation marks around it: without them YAML does not take it for text."
        return f"Write one value, not {_WORDS[seen]}."

    def dictionary(self, name: str, path: str, value: dict[str, t.Any], keys: dict[str, t.Any]) -> None:
        for key in value:
            if key not in keys:
                known = ", ".join(keys)
                self.fail("site.unknown", name, "is no key here", f"Known ones are {known}.", f"{path}.{key}")
        for key, spec in keys.items():
            inner = f"{path}.{key}"
            if value.get(key) in (None, ""):
                if spec.get("required"):
                    self.fail("site.missing", name, "is not set", "Set it.", inner)
            else:
                self.value(name, inner, value[key], spec)

    def secret(self, name: str, path: str, value: str, least: int) -> None:
        if PLACEHOLDER.lower() in value.lower() or "changeme" in value.lower():
            self.fail(
                "site.secret",
                name,
                f"is still the placeholder {PLACEHOLDER}",
                "Put the real secret into the vault file: ansible-vault edit group_vars/all/vault.yml",
                path,
            )
        elif has_line_break(value):
            self.fail(
                "site.secret", name, "holds a line break, so it would be a wrong password", _LINE_BREAK_HINT, path
            )
        elif len(value) < least:
            hint = "Write a longer one into the vault file: ansible-vault edit group_vars/all/vault.yml"
            self.fail("site.secret", name, f"has fewer than {least} characters", hint, path)

    def format(self, name: str, path: str, value: str, wanted: str | None) -> None:
        if wanted == "jid_in_domain":
            self.jid(name, path, value)
        elif wanted:
            reason = FORMATS[wanted](str(value))
            if reason:
                self.fail("site.value", name, f"is {value!r}, which {reason}", HINTS[wanted], path)

    def jid(self, name: str, path: str, value: str) -> None:
        domain = self.variables.get("chat_domain")
        local, separator, part = value.rpartition("@")
        if not separator or not local or is_fqdn(part):
            self.fail("site.value", name, f"is {value!r}, which is no JID", "Write it like anna@corp.test.", path)
        elif domain and isinstance(domain.value, str) and part != domain.value:
            self.fail(
                "site.value",
                name,
                f"is {value}, not in the domain {domain.value}",
                "Name a user of the chat domain, or correct chat_domain.",
                path,
            )
        elif forbidden_in(local):
            self.fail(
                "site.value",
                name,
                f"is {value}, which is no JID: it holds {forbidden_in(local)} before the @",
                f"A user with one of {IN_WORDS} there cannot log in. Name another one, or give this one another address in the directory.",
                path,
            )

    def several_servers(self) -> None:
        """Servers that know nothing of each other part the users: nobody reaches those of the other server."""
        hosts = self.value_of("chat_hosts")
        if self.seen("chat_product") == "mts_link":
            self.pair_of_servers(hosts)
            return
        hint = "Name one server. Several ones that share the users (a cluster) are not in this version."
        parted = "and this version does not join ejabberd servers: users of one would not reach those of the other"
        if isinstance(hosts, list) and len(hosts) > 1:
            self.fail("site.value", "chat_hosts", f"names {len(hosts)} servers, {parted}", hint)
        self.one_host("chat_servers", parted, hint)

    def pair_of_servers(self, hosts: t.Any) -> None:
        """The Chats of MTS Link are one server beside one Meetings server."""
        if hosts:
            hint = "Remove it; all names of mts_link get chat_addresses."
            self.fail("site.value", "chat_hosts", "is for ejabberd; mts_link lives under names of its own", hint)
        documented = "and the manual knows one Chats server beside one Meetings server"
        for group in ("chat_servers", "meetings_servers"):
            self.one_host(group, documented, "Name one host.")
        if "meetings_servers" in self.groups and not self.groups["meetings_servers"]:
            self.fail(
                "site.missing",
                "meetings_servers",
                "is a group without a host",
                "Name the Meetings server in the inventory: the installer runs there, too, before and after the one of the Chats.",
            )

    def one_host(self, group: str, why: str, hint: str) -> None:
        hosts = self.groups.get(group) or ()
        if len(hosts) > 1:
            self.fail("site.value", group, f"is a group of {len(hosts)} hosts ({', '.join(hosts)}), {why}", hint)

    def value_of(self, name: str) -> t.Any:
        variable = self.variables.get(name)
        return variable.value if variable else None

    def login(self) -> None:
        """A thousand desktops that are asked with a wrong password lock the account of the domain."""
        password = self.value_of(LOGIN)
        if self.desktop and isinstance(password, str) and PLACEHOLDER in password:
            hint = "Put the real password into the vault file that it comes from. Each desktop would count as one wrong attempt."
            self.fail("site.secret", LOGIN, f"is still the placeholder {PLACEHOLDER}", hint)
        elif self.desktop and isinstance(password, str) and has_line_break(password):
            self.fail("site.secret", LOGIN, "holds a line break, so it would be a wrong password", _LINE_BREAK_HINT)

    # -- role variables --------------------------------------------------------------------------------------------

    def role_variable(self, name: str, spec: dict[str, t.Any]) -> None:
        variable = self.variables[name]
        if not variable.from_inventory:
            return
        if name in self.rules.mapped:
            keys = self.rules.mapped[name]
            cause = f"follows from {' and '.join(keys)}" if keys else "is set by the playbooks"
            self.fail(
                "site.conflict",
                name,
                f"{cause}; what is written here has no effect",
                f"Remove it and set {' or '.join(keys)} instead." if keys else "Remove it.",
            )
            return
        wanted, seen = spec.get("type", "str"), kind(variable.value)
        containers = ("list", "dict")
        if variable.template or variable.error or seen == "none" or wanted == "raw":
            return
        if (seen in containers or wanted in containers) and seen != wanted:
            self.fail(
                "site.type",
                name,
                f"is {_WORDS[seen]}, wanted {_WORDS.get(wanted, wanted)}",
                f"Write {_WORDS.get(wanted, wanted)}.",
            )


def judge(
    variables: dict[str, Variable],
    rules: Rules,
    groups: dict[str, t.Sequence[str]] | None = None,
    desktop: bool = False,
) -> Checks:
    """Everything that is wrong with a site's variables, or one check that passed.

    groups: group of the inventory -> its hosts, as far as they matter: chat_servers, when the variables are those of one of
    them, and meetings_servers.
    desktop: the variables are those of a desktop. Only the keys about desktops may be missed then; what is set is judged as ever.
    """
    checks = Checks()
    _Judge(variables, rules, checks, groups or {}, desktop).run()
    return checks


def message(checks: Checks, host: str) -> str:
    """All mistakes in one text."""
    failures = checks.failures
    count = "1 mistake" if len(failures) == 1 else f"{len(failures)} mistakes"
    lines = [f"The variables of {host} hold {count}:"]
    for number, check in enumerate(failures, 1):
        lines.append(f"{number}. {check.evidence}")
        lines.append(f"   {check.hint}")
    return "\n".join(lines)
