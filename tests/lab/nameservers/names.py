"""Puts names into the domain's own zone. Runs inside the controller's container, as often as one likes: names.py NAME=ADDRESS …"""

import sys

import ldb
from samba.auth import system_session
from samba.dcerpc import dnsp
from samba.ndr import ndr_pack
from samba.param import LoadParm
from samba.samdb import SamDB


def main(*names: str) -> None:
    parameters = LoadParm()
    parameters.load_default()
    directory = SamDB(session_info=system_session(), lp=parameters)
    for name, _equals, address in (entry.partition("=") for entry in names):
        record = dnsp.DnssrvRpcRecord()
        record.wType, record.rank, record.dwTtlSeconds = dnsp.DNS_TYPE_A, dnsp.DNS_RANK_ZONE, 3600
        record.data = address
        label, _dot, domain = name.partition(".")
        node = ldb.Message(
            ldb.Dn(directory, f"DC={label},DC={domain},CN=MicrosoftDNS,DC=DomainDnsZones,{directory.domain_dn()}")
        )
        node["record"] = ldb.MessageElement(ndr_pack(record), ldb.FLAG_MOD_REPLACE, "dnsRecord")
        try:
            directory.modify(node)
        except ldb.LdbError as error:
            if error.args[0] != ldb.ERR_NO_SUCH_OBJECT:
                raise
            directory.add({"dn": node.dn, "objectClass": "dnsNode", "dnsRecord": ndr_pack(record)})


main(*sys.argv[1:])
