#!/usr/bin/python
# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_info
short_description: What every DNS server of a zone and the users' resolvers answer
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - Asks every authoritative server of a zone without recursion, insists on an authoritative answer, and compares values and
    TTL with what is wanted and the zone's serial between the servers (RFC 1982).
  - Asks the resolvers that users use, and says for how long they may keep an old answer or that a name does not exist
    (RFC 2308).
  - Looks at what SRV records point to, which must have an address, be no alias and, with O(connect=true), take a
    connection.
  - With O(outside) compares what users outside get with what those inside get (split DNS).
  - With O(wait) asks again until everything is as wanted or time is up, and names who lags behind.
  - O(records) is the same list that M(onprem.chat.dns_records) takes, so one variable serves both.
  - Asks over UDP, then over TCP. A server that cannot be reached is a failed check, and the others are asked all the same.
  - Runs where the questions may come from, usually the controller (C(delegate_to=localhost)).
extends_documentation_fragment:
  - onprem.chat._dns
  - onprem.chat._dns_records
  - onprem.chat._attributes
  - onprem.chat._attributes.info_module
  - onprem.chat._attributes.checks
attributes:
  action_group:
    description:
      - Use C(group/onprem.chat.dns) in C(module_defaults) to set server, zone and TSIG key once for this module and
        M(onprem.chat.dns_records).
    support: full
    membership:
      - onprem.chat.dns
options:
  server:
    description:
      - The server that M(onprem.chat.dns_records) writes to. It is asked like one of O(primaries).
      - O(port) belongs to this server only.
    type: str
  servers:
    description:
      - The authoritative servers of the zone, by name or address, with another port than 53 as C(name:port) or
        C([IPv6 address]:port). A name is asked at its first address that answers.
      - Without it the NS records of the zone are taken, as the resolvers give them. An empty list asks none.
      - Who is named here must answer and have what is wanted. Of those that only the NS records name, one that gives no answer
        is a warning while another server is right, and so is a domain controller that has not got a change yet when
        O(server) has it.
    type: list
    elements: str
  primaries:
    description: Further servers of the zone that are not in its NS records (hidden primaries), written like O(servers).
    type: list
    elements: str
    default: []
  resolvers:
    description:
      - The resolvers that users use, written like O(servers).
      - Without it those of the host where the module runs. An empty list judges none, and what SRV records point to in other
        zones is then not looked at.
    type: list
    elements: str
  outside:
    description: Whom to ask for what users outside the company get. Without it split DNS is not looked for.
    type: dict
    suboptions:
      servers:
        description: Authoritative servers as seen from outside, written like O(servers).
        type: list
        elements: str
        default: []
      resolvers:
        description: Resolvers outside, for instance public ones, written like O(servers).
        type: list
        elements: str
        default: []
      tsig_name:
        description:
          - Name of the TSIG key that questions to O(outside.servers) are signed with, for servers that choose the view by
            the key.
        type: str
      tsig_secret:
        description: Secret of this key in base64.
        type: str
      tsig_key_file:
        description: File with this key, instead of name, secret and algorithm. Only its owner may read it.
        type: path
      tsig_algorithm:
        description: Algorithm of this key.
        type: str
        choices: [hmac-sha256, hmac-sha512, hmac-sha384, hmac-sha224, hmac-sha1]
        default: hmac-sha256
  split:
    description:
      - What it means when outside another answer is given than inside.
      - V(allow) passes and shows both, V(warn) warns, V(fail) is for products that do not work with split DNS.
    type: str
    choices: [allow, warn, fail]
    default: warn
  serials:
    description:
      - V(compare) compares the serial of the zone between its servers. This is left out by itself when they are domain
        controllers of Active Directory, each of which counts a serial of its own.
      - V(ignore) leaves it out.
    type: str
    choices: [compare, ignore]
    default: compare
  connect:
    description: Open a TCP connection to every address and port that SRV records lead to, and close it again.
    type: bool
    default: false
  connect_timeout:
    description: Seconds that such a connection may take.
    type: float
    default: 3
  wait:
    description:
      - Seconds to wait for every server to have what is wanted. V(0) looks once.
      - A question that is under way when time is up is still waited for.
    type: int
    default: 0
  wait_for_resolvers:
    description:
      - Wait for O(resolvers), too. They keep old answers for as long as the TTL says, so this can take hours.
    type: bool
    default: false
  interval:
    description: Seconds between two looks.
    type: float
    default: 2
notes:
  - A resolver is asked for a record set only when every server of the zone that answers has it as wanted. One that is asked
    too early remembers that it is not there, so the question would cause what it looks for.
  - All questions to O(server), O(primaries) and O(servers) are signed when O(tsig_name) or O(tsig_key_file) is given, and BIND
    chooses the view by the key.
  - Questions need no Kerberos ticket. O(auth=gss_tsig), O(principal), O(password), O(keytab), O(kdc) and O(read_by) have
    no effect here and are taken so that both modules can share their defaults; the library C(gssapi) is not needed.
seealso:
  - module: onprem.chat.dns_records
  - name: RFC 1982
    description: Serial number arithmetic.
    link: https://www.rfc-editor.org/rfc/rfc1982
  - name: RFC 2308
    description: Negative caching of DNS queries.
    link: https://www.rfc-editor.org/rfc/rfc2308
"""

EXAMPLES = r"""
- name: Does every server of the zone have the chat server's records?
  onprem.chat.dns_info:
    zone: corp.test
    servers: [dc1.corp.test]
    records:
      - service: xmpp-client
        protocol: tcp
        type: SRV
        ttl: 86400
        srv:
          - priority: 5
            port: 5222
            target: chat.corp.test
    connect: true
  delegate_to: localhost
  register: dns

- name: Show what dig would print
  ansible.builtin.debug:
    msg: "{{ dns.dig | map(attribute='lines') | flatten }}"

- name: Wait up to a minute until every name server has what the provider was asked to publish
  onprem.chat.dns_info:
    zone: example.test
    records:
      - name: www
        type: A
        state: exact
        entries: [10.203.0.20]
    servers: [ns1.corp.test, ns2.corp.test]
    resolvers: []
    wait: 60
  delegate_to: localhost

- name: No split DNS, please
  onprem.chat.dns_info:
    zone: example.test
    records:
      - name: www
        type: A
        entries: [10.203.0.20]
    servers: [ns1.corp.test]
    resolvers: []
    outside:
      servers: [ns1-external.corp.test]
    split: fail
  delegate_to: localhost
"""

RETURN = r"""
checks:
  description:
    - Every question and its answer.
    - The ids are V(dns.server) (somebody who is asked answers and knows the zone), V(dns.serial), V(dns.authoritative) (the
      values of a set at every server of the zone), V(dns.ttl), V(dns.resolver) (the values at every resolver),
      V(dns.split), V(dns.srv.target.address), V(dns.srv.target.cname) and V(dns.srv.target.connect).
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Name of the question.
      type: str
      returned: always
    subject:
      description: What was asked about, a record set, a server, a zone or a target.
      type: str
      returned: always
    status:
      description: V(pass), V(warn), V(fail) or V(skip).
      type: str
      returned: always
    evidence:
      description: What was seen.
      type: str
      returned: always
    hint:
      description: What to do.
      type: str
      returned: always
    source:
      description: Document that asks for it.
      type: str
      returned: always
  sample:
    - id: dns.authoritative
      subject: www.example.test. A
      status: fail
      evidence: >-
        after 60 s: [www.example.test. 3600 IN A 10.203.0.19] at ns2.corp.test (10.203.0.31); wanted:
        [www.example.test. IN A 10.203.0.20] and no other; as wanted at ns1.corp.test (10.203.0.30)
      hint: >-
        Does ns2.corp.test get the zone from its primary (NOTIFY, transfer over TCP port 53, the key for it), and does it
        serve the same view? With wait the module gives it time. Check with: dig +norecurse @10.203.0.31 www.example.test. A
      source: RFC 1034 4.2.2
answers:
  description: What everybody answered.
  returned: always
  type: list
  elements: dict
  contains:
    zone:
      description: The zone.
      type: str
      returned: always
    server:
      description: Who was asked, as given or as the zone's NS record says.
      type: str
      returned: always
    address:
      description: The address that answered; empty when none did.
      type: str
      returned: always
    port:
      description: The port that was asked.
      type: int
      returned: always
    role:
      description: V(primary), V(server), V(resolver), V(outside_server) or V(outside_resolver).
      type: str
      returned: always
    rcode:
      description: What it said when asked for the zone's SOA record; empty when it did not answer.
      type: str
      returned: always
    aa:
      description: Whether it said so with authority.
      type: bool
      returned: always
    error:
      description: Why there is no answer.
      type: str
      returned: always
    over:
      description: V(UDP) or V(TCP).
      type: str
      returned: always
    serial:
      description: Serial of the zone; null when it does not have it.
      type: int
      returned: always
    mname:
      description: The primary by the SOA record.
      type: str
      returned: always
    lines:
      description: All record sets that it gave, as lines of a zone file.
      type: list
      elements: str
      returned: always
    records:
      description: The same, with what else is known, for each name and type that it was asked for.
      type: list
      elements: dict
      returned: always
      contains:
        name:
          description: Complete name with the trailing dot.
          type: str
        type:
          description: Type that was asked for.
          type: str
        rcode:
          description: V(NOERROR), V(NXDOMAIN) and so on; empty without an answer.
          type: str
        aa:
          description: Whether the answer has authority.
          type: bool
        error:
          description: Why there is no answer.
          type: str
        lines:
          description: The answer as lines of a zone file.
          type: list
          elements: str
dig:
  description: For each SRV record set, what C(dig SRV name +noall +answer) prints.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the set.
      type: str
    server:
      description: Whose answer it is.
      type: str
    command:
      description: The command that prints the same.
      type: str
    lines:
      description: Its output, in a stable order.
      type: list
      elements: str
  sample:
    - name: _xmpp-client._tcp.corp.test.
      server: dc1.corp.test
      command: "dig @10.203.0.10 SRV _xmpp-client._tcp.corp.test +norecurse +noall +answer"
      lines:
        - "_xmpp-client._tcp.corp.test. 86400 IN\tSRV\t5 0 5222 chat.corp.test."
laggards:
  description: Who was asked and did not have everything as wanted at the end.
  returned: always
  type: list
  elements: str
  sample: [ns2.corp.test]
waited:
  description: Seconds from the first look to the last; 0 without O(wait).
  returned: always
  type: float
  sample: 2.3
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.onprem.chat.plugins.module_utils._dns import lib, observe_answers
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import DnsError, InputError
from ansible_collections.onprem.chat.plugins.module_utils._dns.judge_users import POLICIES, survey
from ansible_collections.onprem.chat.plugins.module_utils._dns.lookup import Network
from ansible_collections.onprem.chat.plugins.module_utils._dns.names import zone_name
from ansible_collections.onprem.chat.plugins.module_utils._dns.observe import Observer, Question
from ansible_collections.onprem.chat.plugins.module_utils._dns.options import RULES, server_argument_spec, tsig_signer
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import STATES, check_intents
from ansible_collections.onprem.chat.plugins.module_utils._dns.records import intents_by_zone, records_argument_spec
from ansible_collections.onprem.chat.plugins.module_utils._dns.signing import ALGORITHMS

STRINGS = {"type": "list", "elements": "str"}
ARGUMENT_SPEC = {
    **server_argument_spec(),
    **records_argument_spec(STATES),
    "server": {"type": "str"},
    "servers": STRINGS,
    "primaries": {**STRINGS, "default": []},
    "resolvers": STRINGS,
    "outside": {
        "type": "dict",
        "options": {
            "servers": {**STRINGS, "default": []},
            "resolvers": {**STRINGS, "default": []},
            "tsig_name": {"type": "str"},
            "tsig_secret": {"type": "str", "no_log": True},
            "tsig_key_file": {"type": "path"},
            "tsig_algorithm": {"type": "str", "choices": list(ALGORITHMS), "default": "hmac-sha256"},
        },
        "mutually_exclusive": [("tsig_key_file", "tsig_name")],
        "required_by": {"tsig_name": "tsig_secret"},
    },
    "split": {"type": "str", "choices": list(POLICIES), "default": "warn"},
    "serials": {"type": "str", "choices": ["compare", "ignore"], "default": "compare"},
    "connect": {"type": "bool", "default": False},
    "connect_timeout": {"type": "float", "default": 3},
    "wait": {"type": "int", "default": 0},
    "wait_for_resolvers": {"type": "bool", "default": False},
    "interval": {"type": "float", "default": 2},
}


def check_numbers(params: dict) -> None:
    """Refuse times that make no sense."""
    for name in ("timeout", "interval", "connect_timeout"):
        if params[name] <= 0:
            raise InputError(f"{name}: {params[name]:g} is not more than 0 seconds.")
    if params["wait"] < 0:
        raise InputError(f"wait: {params['wait']} is less than 0 seconds.", action="With 0 the module looks once.")


def zones_of(params: dict) -> dict:
    """The intents for each zone; the zone alone is looked at, too."""
    zones = intents_by_zone(params["records"], params["zone"])
    if not zones and not params["zone"]:
        raise InputError("Neither zone nor records is given.", action="Give the zone, or records with their zones.")
    return zones or {zone_name(params["zone"]): []}


def question_of(module: AnsibleModule, zone: str, intents: list, signer, outside_signer, wait: float) -> Question:
    """The module's options as the question of one zone."""
    params, outside = module.params, module.params["outside"] or {}
    host, port = (params["server"] or "").rstrip("."), params["port"]
    written = [] if not host else [f"[{host}]:{port}" if ":" in host else f"{host}:{port}"]
    return Question(
        zone=zone,
        intents=tuple(intents),
        servers=None if params["servers"] is None else tuple(params["servers"]),
        primaries=(*written, *params["primaries"]),
        resolvers=None if params["resolvers"] is None else tuple(params["resolvers"]),
        outside_servers=tuple(outside.get("servers", ())),
        outside_resolvers=tuple(outside.get("resolvers", ())),
        signer=signer,
        outside_signer=outside_signer,
        wait=wait,
        interval=params["interval"],
        wait_for_resolvers=params["wait_for_resolvers"],
        connect=params["connect"],
        connect_timeout=params["connect_timeout"],
        compare_serials=params["serials"] == "compare",
    )


def run(module: AnsibleModule, network=None) -> dict:
    """The whole module; raises DnsError for input that makes no sense, and for nothing else."""
    params = module.params
    check_numbers(params)
    zones = zones_of(params)
    for intents in zones.values():
        check_intents(intents)
    signer = tsig_signer(module, params)
    outside_signer = tsig_signer(module, params["outside"]) if params["outside"] else None
    network = network or Network(params["timeout"])
    result: dict = {"changed": False, "checks": [], "answers": [], "dig": [], "laggards": [], "waited": 0.0}
    deadline = network.now() + params["wait"]
    for zone, intents in zones.items():
        # The time to wait is for all zones together.
        wait = max(0.0, deadline - network.now())
        view = Observer(question_of(module, zone, intents, signer, outside_signer, wait), network).observe()
        result["checks"] += survey(view, params["split"], params["connect"], params["serials"] == "compare").as_list()
        result["answers"] += observe_answers.answers(view)
        result["dig"] += observe_answers.dig(view)
        result["laggards"] += [seen.party.label for seen in view.laggards if seen.party.label not in result["laggards"]]
        result["waited"] = round(result["waited"] + view.waited, 1)
    return result


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **RULES)
    if lib.DNSPYTHON_ERROR:
        module.fail_json(msg=missing_required_lib("dnspython"), exception=lib.DNSPYTHON_ERROR)
    try:
        result = run(module)
    except DnsError as error:
        module.fail_json(msg=str(error), problem=error.what, hint=error.hint)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
