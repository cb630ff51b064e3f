"""Makes a service known to the domain: an account with its principal, and the keytab.

Runs inside the controller's container, as often as one likes: register.py KEYTAB PRINCIPAL ACCOUNT
The keytab comes last and whole: where it is, everything else was done.
"""

import importlib
import secrets
import sys
from pathlib import Path

import ldb
from samba.auth import system_session
from samba.net import Net
from samba.param import LoadParm
from samba.samdb import SamDB

importlib.import_module("samba.dckeytab")  # gives Net its export_keytab

AES_ONLY = "24"


def main(keytab: Path, principal: str, account: str) -> None:
    parameters = LoadParm()
    parameters.load_default()
    directory = SamDB(session_info=system_session(), lp=parameters)

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
