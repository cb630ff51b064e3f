"""Makes the name servers known to the domain: their names in its zone, and a service principal with its keytab.

Runs inside the controller's container, as often as one likes: register.py KEYTAB PRINCIPAL ACCOUNT NAME=ADDRESS …
The keytab comes last and whole: where it is, everything else was done.
"""

import importlib
import secrets
import sys
from pathlib import Path

import ldb
from samba.auth import system_session
from samba.dcerpc import dnsp
from samba.ndr import ndr_pack
from samba.net import Net
from samba.param import LoadParm
from samba.samdb import SamDB

importlib.import_module("samba.dckeytab")  # gives Net its export_keytab

AES_ONLY = "24"


def main(keytab: Path, principal: str, account: str, *names: str) -> None:
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

    def find():
        return directory.search(directory.domain_dn(), expression=f"(sAMAccountName={account})", attrs=["cn"])

    if not find():
        directory.newuser(
            account, f"Aa1-{secrets.token_urlsafe(24)}", userou="OU=Service,OU=Company", useusernameascn=True
        )
    change = ldb.Message(find()[0].dn)
    change["spn"] = ldb.MessageElement(principal, ldb.FLAG_MOD_REPLACE, "servicePrincipalName")
    change["types"] = ldb.MessageElement(AES_ONLY, ldb.FLAG_MOD_REPLACE, "msDS-SupportedEncryptionTypes")
    directory.modify(change)

    new = keytab.with_suffix(".new")
    new.unlink(missing_ok=True)
    Net(None, parameters).export_keytab(keytab=str(new), principal=principal)
    new.chmod(0o600)
    new.rename(keytab)


main(Path(sys.argv[1]), *sys.argv[2:])
