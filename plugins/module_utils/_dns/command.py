# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""dns_records from its options to its result, for the module and for the action plugin that does the same without one."""

from __future__ import annotations

from ansible_collections.onprem.chat.plugins.module_utils._dns import export, export_windows
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import DnsError
from ansible_collections.onprem.chat.plugins.module_utils._dns.options import RULES as SERVER_RULES
from ansible_collections.onprem.chat.plugins.module_utils._dns.options import Servers, server_argument_spec
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import STATES, check_intents, plan, zone_lines
from ansible_collections.onprem.chat.plugins.module_utils._dns.policy import ON_EXISTING, Policy
from ansible_collections.onprem.chat.plugins.module_utils._dns.records import intents_by_zone, records_argument_spec
from ansible_collections.onprem.chat.plugins.module_utils._dns.task import Outcome, apply_intents
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import as_result

_DECISIONS = {
    "mode": {"type": "str", "choices": ["update", "export"], "default": "update"},
    "on_existing": {"type": "str", "choices": list(ON_EXISTING), "default": "replace"},
    "max_delete": {"type": "int"},
    "refresh": {"type": "bool", "default": False},
}


def argument_spec() -> dict:
    """All options of dns_records."""
    return {**server_argument_spec(), **records_argument_spec(STATES), **_DECISIONS}


# Which options belong together.
RULES = {**SERVER_RULES, "required_if": [*SERVER_RULES["required_if"], ("mode", "update", ("server",))]}


def result_of(outcome: Outcome) -> dict:
    """What the module returns."""
    result = {
        "changed": outcome.changed,
        "records": [{**as_result(records), "zone": zone} for zone, records in outcome.records],
        "updates": outcome.updates,
        "answer": outcome.answer,
        "kept": list(outcome.kept),
        "refreshed": list(outcome.refreshed),
    }
    if outcome.changed:
        result["diff"] = {"before": zone_lines(outcome.before), "after": zone_lines(outcome.after)}
    return result


def failure_of(error: DnsError) -> dict:
    """What the module returns when it fails; what had been done before is not kept quiet."""
    result = {"msg": str(error), "problem": error.what, "hint": error.hint}
    return {**(result_of(error.partial) if error.partial else {}), **result}


def export_of(zones: dict, server: str | None) -> dict:
    """The records in the notations of those who write them by hand."""
    for intents in zones.values():
        check_intents(intents)
        plan({}, intents)  # refuses what could not stand in one zone
    notations = {
        "bind": lambda zone, intents: export.bind_zone_lines(intents, zone),
        "powershell": lambda zone, intents: export_windows.powershell(intents, zone, server),
        "dnscmd": lambda zone, intents: export_windows.dnscmd(intents, zone, server),
        "table": lambda zone, intents: export.table(intents, zone),
    }
    return {name: "\n".join(make(*pair) for pair in zones.items()) for name, make in notations.items()}


def run(module) -> dict:
    """Everything between options and result. Raises DnsError.

    ``module``: what is used of an AnsibleModule: ``params``, ``check_mode``, ``tmpdir``, ``no_log_values`` and ``warn()``.
    """
    params = module.params
    zones = intents_by_zone(params["records"], params["zone"])
    if params["mode"] == "export":
        return {"changed": False, "export": export_of(zones, params["server"])}
    servers = Servers(module)
    try:
        outcome = apply_intents(
            [(servers.of(zone), intents) for zone, intents in zones.items()],
            Policy(params["on_existing"], params["max_delete"]),
            check_mode=module.check_mode,
            refreshing=params["refresh"],
        )
    finally:
        servers.close()
    for text in outcome.warnings:
        module.warn(text)
    if params["on_existing"] == "keep_and_warn":
        for text in outcome.kept:
            module.warn(text)
    return result_of(outcome)
