"""Fills the freshly provisioned domain: OUs, twenty people, groups, service accounts. Runs inside the controller's container.

Passwords are drawn anew for each provisioning and lie only in /var/lib/lab/secrets.json (root, 0600).
"""

import base64
import json
import os
import secrets
import string

import ldb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

BASE = "DC=corp,DC=test"
COMPANY = f"OU=Company,{BASE}"
# login, given name, surname, department
PEOPLE = [
    ("anna", "Anna", "Adler", "Engineering"),
    ("boris", "Boris", "Becker", "Engineering"),
    ("clara", "Clara", "Conrad", "Engineering"),
    ("dmitri", "Dmitri", "Dorn", "Engineering"),
    ("elena", "Elena", "Eder", "Engineering"),
    ("frank", "Frank", "Falk", "Engineering"),
    ("greta", "Greta", "Götz", "Sales"),
    ("hugo", "Hugo", "Heß", "Sales"),
    ("irina", "Irina", "Ivanova", "Sales"),
    ("jonas", "Jonas", "Jung", "Sales"),
    ("karin", "Karin", "Krüger", "Sales"),
    ("leo", "Leo", "Lang", "Finance"),
    ("maria", "María", "Muñoz", "Finance"),
    ("nils", "Nils", "Neumann", "Finance"),
    ("olga", "Olga", "Orlova", "Finance"),
    ("pierre", "Pierre", "Petit", "Support"),
    ("quentin", "Quentin", "Quint", "Support"),
    ("rosa", "Rosa", "Roth", "Support"),
    ("sven", "Sven", "Sommer", "Support"),
    ("tanja", "Tanja", "Thoma", "Support"),
]
DISABLED = ("disabled1", "Dora", "Dahinten", "Sales")
# The smallest JPEG that decoders accept: one grey pixel.
PHOTO = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////"
    "wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAA//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AN//Z"
)


def password() -> str:
    alphabet = string.ascii_letters + string.digits
    return "Aa1-" + "".join(secrets.SystemRandom().choices(alphabet, k=24))


def main() -> None:
    parameters = LoadParm()
    parameters.load_default()
    directory = SamDB(session_info=system_session(), lp=parameters)
    found = {"users": {}, "administrator": os.environ["ADMINISTRATOR_PASSWORD"]}

    directory.add({"dn": COMPANY, "objectClass": "organizationalUnit"})
    departments = sorted({person[3] for person in PEOPLE})
    for unit in ["Groups", "Service", *departments]:
        directory.add({"dn": f"OU={unit},{COMPANY}", "objectClass": "organizationalUnit"})

    for number, (login, given, surname, department) in enumerate([*PEOPLE, DISABLED]):
        found["users"][login] = password()
        directory.newuser(
            login, found["users"][login], userou=f"OU={department},OU=Company", givenname=given, surname=surname,
            mailaddress=f"{login}@corp.test", department=department, telephonenumber=f"+49 30 5550 {100 + number}",
            jobtitle="Specialist", company="Corp Test", useusernameascn=True,
        )  # fmt: skip
        change = ldb.Message(ldb.Dn(directory, f"CN={login},OU={department},{COMPANY}"))
        change["displayName"] = ldb.MessageElement(f"{given} {surname}", ldb.FLAG_MOD_REPLACE, "displayName")
        change["thumbnailPhoto"] = ldb.MessageElement(PHOTO, ldb.FLAG_MOD_REPLACE, "thumbnailPhoto")
        directory.modify(change)
    directory.disable_account(f"(sAMAccountName={DISABLED[0]})")

    # People who may chat: all of Engineering through a nested group, and two of Sales directly.
    for group in ("Engineering", "Chat Users"):
        directory.newgroup(group, groupou="OU=Groups,OU=Company")
    directory.add_remove_group_members("Engineering", [p[0] for p in PEOPLE if p[3] == "Engineering"])
    directory.add_remove_group_members("Chat Users", ["Engineering", "greta", "hugo", DISABLED[0]])

    # The account that reads the directory: no member of Domain Users, only of Domain Guests.
    for login in ("svc-chat-ldap", "svc-chat-dns"):
        found[login] = password()
        directory.newuser(login, found[login], userou="OU=Service,OU=Company", useusernameascn=True)
    directory.add_remove_group_members("Domain Guests", ["svc-chat-ldap"])
    reader = ldb.Message(ldb.Dn(directory, f"CN=svc-chat-ldap,OU=Service,{COMPANY}"))
    reader["primaryGroupID"] = ldb.MessageElement("514", ldb.FLAG_MOD_REPLACE, "primaryGroupID")
    directory.modify(reader)
    directory.add_remove_group_members("Domain Users", ["svc-chat-ldap"], add_members_operation=False)
    directory.add_remove_group_members("DnsAdmins", ["svc-chat-dns"])

    path = "/var/lib/lab/secrets.json"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        json.dump(found, handle, indent=1)


main()
