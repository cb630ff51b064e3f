"""Makes a domain ready for desktops. Runs inside its controller's container, as often as one likes.

domain.py people                         accounts and passwords as JSON on standard input: {NAME: PASSWORD}
domain.py keytab COMPUTER DNS-NAME FILE  the keys of a computer that joined, for its services HTTP, HOST and cifs
"""

import importlib
import json
import sys
from pathlib import Path

import ldb
from samba.auth import system_session
from samba.net import Net
from samba.param import LoadParm
from samba.samdb import SamDB

importlib.import_module("samba.dckeytab")  # gives Net its export_keytab

SERVICES = ("HTTP", "HOST", "cifs")


def find(directory: SamDB, account: str) -> list:
    name = ldb.binary_encode(account)
    return list(directory.search(directory.domain_dn(), expression=f"(sAMAccountName={name})", attrs=["cn"]))


def people(directory: SamDB) -> None:
    """Accounts below CN=Users: who looks into the company's units does not see them."""
    for name, password in json.load(sys.stdin).items():
        if find(directory, name):
            directory.setpassword(f"(sAMAccountName={ldb.binary_encode(name)})", password)
        else:
            directory.newuser(name, password, useusernameascn=True)


def keytab(directory: SamDB, parameters: LoadParm, computer: str, host: str, file: Path) -> None:
    """The file comes last and whole."""
    names = [f"{service}/{name}" for service in SERVICES for name in (host, computer)]
    change = ldb.Message(find(directory, f"{computer}$")[0].dn)
    change["spn"] = ldb.MessageElement(names, ldb.FLAG_MOD_REPLACE, "servicePrincipalName")
    directory.modify(change)
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    for service in SERVICES:
        Net(None, parameters).export_keytab(keytab=str(new), principal=f"{service}/{host}")
    new.chmod(0o600)
    new.rename(file)


def main(verb: str, *words: str) -> None:
    parameters = LoadParm()
    parameters.load_default()
    directory = SamDB(session_info=system_session(), lp=parameters)
    if verb == "people":
        people(directory)
    else:
        keytab(directory, parameters, words[0], words[1], Path(words[2]))


main(*sys.argv[1:])
