# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""From the variables of the role dns to its targets: a server, a zone, how to prove who one is, and the record sets there.

The role itself is the first target, each view is another one. A view takes from the role what it does not say. Pure. Secrets
pass through untouched and never become part of a text.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ansible_collections.onprem.chat.plugins.filter.srv_records import srv_records

Dict = dict[str, t.Any]

PLACE = ("server", "port", "zone", "auth")
KEY = ("tsig_name", "tsig_secret", "tsig_key_file", "tsig_algorithm")
ACCOUNT = ("principal", "password", "keytab", "kdc")
# What identifies is not mixed: who names another key or account gets nothing of the role's own.
_TOGETHER = (KEY[:3], ACCOUNT[:3])
_VIEW_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")


def plain(value: t.Any) -> t.Any:
    """Ansible's lazy containers as plain ones; what is in them stays as it is."""
    if isinstance(value, dict):
        return {key: plain(value[key]) for key in list(value)}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def complete(name: str) -> str:
    """The name with its trailing dot."""
    return name if name.endswith(".") else f"{name}."


def canonical(name: t.Any) -> str:
    """The name as it is compared."""
    return str(name).rstrip(".").lower()


def address(text: t.Any) -> t.Any:
    """The IP address, or None when it is none."""
    try:
        return ipaddress.ip_address(str(text))
    except ValueError:
        return None


# -- one target after the other ---------------------------------------------------------------------------------------


def merged(own: Dict, view: Dict) -> Dict:
    """A view with what it does not say taken from the role."""
    said = {name: value for name, value in view.items() if value not in (None, "")}
    said = {**_kind_of_proof(said), **said}
    inherited = dict(own)
    kind = said.get("auth", own["auth"])
    if kind != own["auth"]:
        # What proved something in the other way proves nothing in this one.
        inherited |= dict.fromkeys((*([] if kind == "tsig" else KEY[:3]), *([] if kind == "gss_tsig" else ACCOUNT)), "")
    for group in _TOGETHER:
        if any(name in said for name in group):
            inherited |= dict.fromkeys(group, "")
    if "keytab" in said or "password" in said:
        inherited["principal"] = own.get("principal", "")
    target = {**inherited, **said}
    if "hosts" not in said and said.get("addresses"):
        target["hosts"] = [{**host, "addresses": said["addresses"]} for host in own["hosts"]]
    if "retired_names" not in said and canonical(target["zone"]) != canonical(own["zone"]):
        target["retired_names"] = []
    # The name servers and resolvers that the world gives know one view only, so others are asked at their own server.
    return {**target, "servers": said.get("servers", []), "resolvers": said.get("resolvers", [])}


def _kind_of_proof(said: Dict) -> Dict:
    """Who gives a key means to use it, and who gives an account means Kerberos."""
    if any(name in said for name in KEY[:3]):
        return {"auth": "tsig"}
    return {"auth": "gss_tsig"} if any(name in said for name in ACCOUNT[:3]) else {}


def everything(own: Dict, views: list[Dict]) -> list[Dict]:
    """The role itself and its views, complete but without records."""
    return [{**own, "name": ""}, *(merged(own, view) for view in views)]


def label(target: Dict) -> str:
    """What people read; without secrets."""
    place = f"{target['zone']} on {target['server']}" if target["server"] else str(target["zone"])
    return f"{target['name']}: {place}" if target["name"] else place


def at_port(target: Dict) -> str:
    """The server of a target as dns_info takes servers."""
    server, port = str(target["server"]).rstrip("."), int(target["port"])
    if port == 53:
        return server
    return f"[{server}]:{port}" if ":" in server else f"{server}:{port}"


def outside(own: Dict, others: list[Dict]) -> Dict:
    """Whom to ask for what users outside get: as told, otherwise the first view of the same zone."""
    given: Dict = {"servers": list(own.get("outside_servers") or [])}
    if not given["servers"]:
        for view in others:
            if view["server"] and canonical(view["zone"]) == canonical(own["zone"]):
                given["servers"] = [at_port(view)]
                given |= {name: view[name] for name in KEY if view.get("auth") == "tsig" and view.get(name)}
                break
    if "tsig_name" not in given and "tsig_key_file" not in given:
        given.pop("tsig_algorithm", None)
    given["resolvers"] = list(own.get("outside_resolvers") or [])
    return given if given["servers"] or given["resolvers"] else {}


def targets(own: Dict, views: list[Dict]) -> list[Dict]:
    """Everything that the role's tasks need, for each target."""
    result = []
    found = everything(own, views)
    for target in found:
        parts = {name: target.get(name, "") for name in (*PLACE, *KEY, *ACCOUNT)}
        stem = canonical(target["zone"])
        result.append(
            {
                **parts,
                "name": target["name"],
                "label": label(target),
                "file": f"{target['name']}.{stem}" if target["name"] else stem,
                "records": records(target),
                "servers": target.get("servers"),
                "resolvers": target.get("resolvers"),
                "outside": {} if target["name"] else outside(own, found[1:]),
            }
        )
    return result


# -- records ----------------------------------------------------------------------------------------------------------


def records(target: Dict) -> list[Dict]:
    """The record sets of a target for the option records of dns_records and dns_info."""
    make = _published if target["state"] == "present" else _withdrawn
    retired = _retired(target)
    names = {canonical(record["name"]) for record in retired if record["type"] == "SRV"}
    return [*(record for record in make(target) if _full_name(record) not in names), *retired]


def _full_name(record: Dict) -> str:
    prefix = f"_{record['service']}._{record['protocol']}." if "service" in record else ""
    return canonical(prefix + record["name"])


def _by_family(host: Dict) -> dict[str, list[str]]:
    texts = [str(text) for text in host["addresses"]]
    return {"A": [text for text in texts if ":" not in text], "AAAA": [text for text in texts if ":" in text]}


def _base(host: Dict, kind: str) -> Dict:
    zone = {"zone": host["zone"]} if host.get("zone") else {}
    return {"name": complete(host["name"]), "type": kind, **zone}


def services(target: Dict) -> list[Dict]:
    """The services, one entry for each of their targets: without a target it is every host."""
    result = []
    for service in target["services"]:
        if service.get("target"):
            result.append(service)
            continue
        for host in target["hosts"]:
            own = {part: host[part] for part in ("priority", "weight") if host.get(part) is not None}
            result.append({**service, **own, "target": host["name"]})
    return result


def _service_sets(target: Dict) -> list[Dict]:
    return srv_records(services(target), target["domain"], int(target["ttl"]), target["no_service"])


def _published(target: Dict) -> list[Dict]:
    # A kind of which there is no address is named as well: then its records go.
    addresses = [
        {**_base(host, kind), "state": "exact", "ttl": int(target["ttl"]), "entries": values}
        if values
        else {**_base(host, kind), "state": "absent"}
        for host in target["hosts"]
        for kind, values in _by_family(host).items()
    ]
    sets = addresses + _service_sets(target)
    if target.get("on_existing", "replace") == "replace":
        return sets
    # What exists is to be kept, and that it must go is only implied here.
    return [record for record in sets if record["state"] != "absent"]


def _withdrawn(target: Dict) -> list[Dict]:
    """These values and no others: what somebody else has added to a set stays."""
    addresses = [
        {**_base(host, kind), "state": "absent", "entries": values}
        for host in target["hosts"]
        for kind, values in _by_family(host).items()
        if values
    ]
    sets = [record for record in _service_sets(target) if record["state"] != "absent"]
    return addresses + [
        {**{key: value for key, value in record.items() if key != "ttl"}, "state": "absent"} for record in sets
    ]


def _retired(target: Dict) -> list[Dict]:
    hosts = {canonical(host["name"]): host for host in target["hosts"]}
    result = []
    for name in target["retired_names"]:
        host = hosts.get(canonical(name))
        if host:
            # It gets addresses in place of the CNAME that an earlier set-up left, in one step: beside it they cannot stand.
            result.append({**_base(host, "CNAME"), "state": "absent"})
            continue
        kinds = ["SRV"] if name.startswith("_") else ["A", "AAAA", "CNAME"]
        result += [{"name": complete(name), "type": kind, "state": "absent"} for kind in kinds]
    return result


# -- what is wrong with the variables ---------------------------------------------------------------------------------


def faults(own: Dict, views: list[Dict], split: str = "warn", method: str = "update") -> list[str]:
    """Sentences about what cannot be meant; never with a secret."""
    said = _view_faults(views)
    found = everything(own, views)
    for target in found:
        where = f"dns_views ({target['name']})" if target["name"] else "dns"
        said += [f"{where}: {text}" for text in _target_faults(target, method)]
    if split == "fail" and own["state"] == "present" and not said:
        said += _split_faults(found)
    return said


def _view_faults(views: list[Dict]) -> list[str]:
    names = [str(view.get("name") or "") for view in views]
    said = [
        f"dns_views[{number}]: the name {name!r} is not one of letters, digits, dots, hyphens and underscores."
        for number, name in enumerate(names)
        if not _VIEW_NAME.match(name)
    ]
    twice = sorted({name for name in names if names.count(name) > 1})
    said += [f"dns_views: {name!r} is the name of more than one view." for name in twice]
    said += [
        f"dns_views ({view.get('name')}): addresses is for all hosts alike and hosts names each; give one of them."
        for view in views
        if view.get("addresses") and view.get("hosts")
    ]
    return said


def _target_faults(target: Dict, method: str) -> list[str]:
    said = []
    if not target["zone"]:
        said.append("there is no zone; set dns_zone.")
    if method == "update":
        if not target["server"]:
            said.append("there is no server to write to; set dns_server, or dns_method: export to write by hand.")
        if target["auth"] == "tsig" and not (target.get("tsig_name") or target.get("tsig_key_file")):
            said.append("auth is tsig, and there is no key; set tsig_name and tsig_secret, or tsig_key_file.")
        if target["auth"] != "tsig" and any(target.get(name) for name in KEY[:3]):
            said.append(f"there is a TSIG key, and auth is {target['auth']}; set auth to tsig, or leave the key away.")
        if target.get("tsig_name") and target.get("tsig_key_file"):
            said.append("tsig_name and tsig_key_file are both set; the file holds the name already.")
        if target.get("password") and target.get("keytab"):
            said.append("password and keytab are both set; give one of them.")
    said += _host_faults(target["hosts"]) + _names_of_the_directory(target)
    said += _service_faults(target)
    said += _retired_faults(target)
    if not (target["hosts"] or target["services"] or target["retired_names"]):
        said.append("there is nothing to publish; set dns_hosts or dns_services.")
    return said


def _host_faults(hosts: list[Dict]) -> list[str]:
    said = []
    names = [canonical(host.get("name") or "") for host in hosts]
    for number, host in enumerate(hosts):
        given = host.get("addresses")
        if not names[number]:
            said.append(f"host {number + 1} has no name.")
        elif not isinstance(given, (list, tuple)) or not given:
            said.append(f"{host['name']} has no addresses; names that shall go belong into dns_retired_names.")
        else:
            wrong = [str(text) for text in given if address(text) is None]
            said += [f"{host['name']} has the address {text!r}, which is none." for text in wrong]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    return said + [f"the host {name} is listed more than once." for name in twice]


def _names_of_the_directory(target: Dict) -> list[str]:
    """Names whose addresses are those of domain controllers: nobody could log on any more without them."""
    server = canonical(target["server"])
    if target["auth"] != "gss_tsig" or address(server) is not None:
        return []
    taken = {
        server: "is the DNS server",
        server.partition(".")[2]: f"is the domain of {server}, as domain controllers have it",
    }
    replaced = target["state"] == "present" and target.get("on_existing", "replace") == "replace"
    said = [
        f"the host {host['name']} {taken[canonical(host['name'])]}, and the addresses there would be replaced by those of the chat "
        "server. Give it a name of its own."
        for host in (target["hosts"] if replaced else ())
        if host.get("name") and canonical(host["name"]) in taken
    ]
    return said + [
        f"the retired name {name} {taken[canonical(name)]}, and the addresses there would be removed."
        for name in target["retired_names"]
        if canonical(name) in taken
    ]


def _service_faults(target: Dict) -> list[str]:
    said = []
    for service in target["services"]:
        name = f"the service {service.get('service')}"
        port = int(service.get("port") or 0)
        if not service.get("service"):
            said.append("a service has no name.")
        elif not service.get("target") and not target["hosts"]:
            said.append(f"{name} has no target, and there are no hosts.")
        elif service.get("target") != "." and not 1 <= port <= 65535:
            said.append(f"{name} has the port {port}, which is not from 1 to 65535.")
    return said


def _retired_faults(target: Dict) -> list[str]:
    if target["state"] != "present":
        return []
    domain = canonical(target["domain"])
    wanted = {
        f"_{canonical(service.get('service') or '')}._{service.get('protocol') or 'tcp'}.{domain}"
        for service in target["services"]
        # What is not offered and has no record is gone either way.
        if service.get("target") != "." or target["no_service"] == "publish"
    }
    both = [name for name in target["retired_names"] if canonical(name) in wanted]
    return [f"{name} is to be published and in dns_retired_names, too." for name in both]


def _split_faults(found: list[Dict]) -> list[str]:
    """Views of one zone that give a host other addresses than the role itself."""
    own, said = found[0], []
    mine = {canonical(host["name"]): {address(text) for text in host["addresses"]} for host in own["hosts"]}
    for view in found[1:]:
        if canonical(view["zone"]) != canonical(own["zone"]):
            continue
        said += [
            f"dns_views ({view['name']}): {host['name']} has other addresses there, which makes split DNS, and dns_split is "
            "fail. Give the same addresses, or set dns_split: allow."
            for host in view["hosts"]
            if mine.get(canonical(host["name"])) not in (None, {address(text) for text in host["addresses"]})
        ]
    return said
