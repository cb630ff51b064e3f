# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Kerberos for one task: credentials of its own, configuration of its own, errors in words."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import tempfile
import traceback
import uuid

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import AuthenticationError, InputError

GSSAPI_ERROR = None
try:
    import gssapi
    import gssapi.raw
except (ImportError, OSError):
    gssapi = None
    GSSAPI_ERROR = traceback.format_exc()

DEFAULTS = """\
[libdefaults]
    default_realm = {realm}
    dns_lookup_kdc = true
    rdns = false
    dns_canonicalize_hostname = false
"""
OVERRIDE = """\
[libdefaults]
    default_realm = {realm}

[realms]
    {realm} = {{
        kdc = {kdc}
    }}
"""

# Minor codes of MIT Kerberos: (what, cause, action); the texts may use {who} {realm} {server} {kdc} {domain}.
_SKEW = (
    "the clocks of the controller and of the domain controller are too far apart",
    "Is time synchronisation running on both?",
    "Kerberos allows 5 minutes; compare with: date",
)
_NO_KDC = (
    "no domain controller (KDC) of the realm {realm} could be reached",
    "Does the controller's resolver know _kerberos._udp.{realm}, and is port 88 open?",
    "Set the option kdc to name one, or check with: dig SRV _kerberos._udp.{realm}",
)
_NOT_THIS_KDC = (
    "the domain controller (KDC) {kdc} of the realm {realm} could not be reached",
    "Is it running, and is port 88 open between the controller and it?",
    "Leave out the option kdc to find one by the realm's SRV records.",
)
_NO_SUCH_KDC = (
    "no domain controller (KDC) of the realm {realm} could be reached",
    "Is {realm} only the ending of the user principal name? The realm is the account's domain, for {server} it is {domain}.",
    "Write the account as NAME@{domain} if it is one of that domain; otherwise check with: dig SRV _kerberos._udp.{realm}",
)
_OTHER_REALM = (
    "the domain controller knows {who} in another realm than {realm}",
    "Is the realm not in capitals, or is it only the ending of the user principal name?",
    "Write the account as NAME@REALM, where the realm is the name of its domain in capitals.",
)
_NO_CACHE = (
    "there is no Kerberos ticket for the user who runs Ansible",
    "Was kinit forgotten?",
    "Set principal with password or keytab, or run kinit before.",
)
CODES = {
    -1765328360: (  # KRB5KDC_ERR_PREAUTH_FAILED
        "the password (or key) of {who} is wrong",
        "Was it changed in Active Directory?",
        "Check with: kinit {who}",
    ),
    -1765328353: (  # KRB5KRB_AP_ERR_BAD_INTEGRITY
        "the password (or key) of {who} is wrong",
        "Was it changed in Active Directory?",
        "Check with: kinit {who}",
    ),
    -1765328378: (  # KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN
        "the realm {realm} does not know the principal {who}",
        "Is the name spelt right, with the realm in capitals?",
        "Check with: kinit {who}",
    ),
    -1765328377: (  # KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN
        "the realm {realm} does not know the service DNS/{server}",
        "Is server an alias or an address instead of the domain controller's own full name?",
        "Set server to that name.",
    ),
    -1765328366: (  # KRB5KDC_ERR_CLIENT_REVOKED
        "the account {who} is disabled or locked",
        "Was it locked after wrong passwords?",
        "Enable it in Active Directory.",
    ),
    -1765328361: (  # KRB5KDC_ERR_KEY_EXP
        "the password of {who} has expired",
        "Does the account have to change its password at the next logon?",
        "Set a new one, and for a service account that it does not expire.",
    ),
    -1765328370: (  # KRB5KDC_ERR_ETYPE_NOSUPP
        "the domain controller and the controller have no encryption type in common for {who} or DNS/{server}",
        "Is the account's password older than AES in this domain, or is the account limited to RC4 or DES?",
        "Set a new password, and allow AES (the account's attribute msDS-SupportedEncryptionTypes).",
    ),
    -1765328316: _OTHER_REALM,  # KRB5KDC_ERR_WRONG_REALM
    -1765328237: _OTHER_REALM,  # KRB5_KDCREP_MODIFIED
    -1765328347: _SKEW,  # KRB5KRB_AP_ERR_SKEW
    -1765328236: _SKEW,  # KRB5_KDCREP_SKEW
    -1765328228: _NO_KDC,  # KRB5_KDC_UNREACH
    -1765328230: _NO_KDC,  # KRB5_REALM_UNKNOWN
    -1765328164: _NO_KDC,  # KRB5_REALM_CANT_RESOLVE
    -1765328189: _NO_CACHE,  # KRB5_FCC_NOFILE
    -1765328243: _NO_CACHE,  # KRB5_CC_NOTFOUND
    -1765328352: (  # KRB5KRB_AP_ERR_TKT_EXPIRED
        "the Kerberos ticket of the user who runs Ansible has expired",
        "When did kinit run last?",
        "Run kinit again, or set principal with password or keytab.",
    ),
    -1765328203: (  # KRB5_KT_NOTFOUND
        "the keytab holds no key for {who}",
        "Was it made for another principal?",
        "Check with: klist -k on the keytab",
    ),
}


def explained(
    error, who: str, realm: str, server: str, doing: str, kdc: str = "", fresh: bool = False
) -> AuthenticationError:
    """An error of the GSS-API in the words of the person who has to act. ``fresh``: with a ticket got for this task."""
    minor = getattr(error, "min_code", 0) & 0xFFFFFFFF
    known = CODES.get(minor - 2**32 if minor >= 2**31 else minor)
    domain = server.partition(".")[2].upper()
    names = {"who": who or "the ticket's owner", "realm": realm, "server": server, "kdc": kdc, "domain": domain}
    if known is None and type(error).__name__ in ("ExpiredCredentialsError", "ExpiredContextError"):
        known = CODES[-1765328352]
    if known is CODES[-1765328352] and fresh:
        known = _SKEW  # nobody's old ticket: it was got a moment ago
    if known is None and type(error).__name__ == "MissingCredentialsError" and not who:
        known = _NO_CACHE
    if known is None:
        return AuthenticationError(
            f"Kerberos failed while {doing}: {' '.join(str(error).split())}.",
            f"Are {names['who']} and the realm {realm} right?",
        )
    if known is _NO_KDC:
        known = _NOT_THIS_KDC if kdc else _NO_SUCH_KDC if who and realm.upper() != domain else known
    what, cause, action = (text.format(**names) for text in known)
    return AuthenticationError(f"Kerberos failed while {doing}: {what}.", cause, action)


class Kerberos:
    """Makes security contexts for ``DNS@server``.

    With a password or a keytab the tickets are kept in memory and are gone with the process; otherwise the user's own
    ticket cache is used and not changed but for the service ticket.
    """

    def __init__(
        self,
        server: str,
        realm: str,
        principal: str | None = None,
        password: str | None = None,
        keytab: str | None = None,
        kdc: str | None = None,
        tmpdir: str | None = None,
    ) -> None:
        self.server = server
        self.principal = principal if not principal or "@" in principal else f"{principal}@{realm}"
        self.realm = self.principal.rpartition("@")[2] if self.principal else realm
        self._password = password
        self._keytab = keytab
        self._kdc = kdc
        self._tmpdir = tmpdir
        self._stack = contextlib.ExitStack()
        self._credentials = None
        self.lifetime: int | None = None
        if keytab and not os.access(keytab, os.R_OK):
            raise InputError(f"The keytab {keytab} cannot be read on the controller.", "Does it exist there?")

    def close(self) -> None:
        """Forget the tickets and remove the private configuration."""
        self._credentials = None
        self._stack.close()

    def new_context(self):
        """A fresh security context that has not said anything yet."""
        if self._credentials is None:
            self._configure()
            self._credentials = self._acquire()
        name = gssapi.Name(f"DNS@{self.server}", gssapi.NameType.hostbased_service)
        return gssapi.SecurityContext(
            name=name, creds=self._credentials, usage="initiate", mech=gssapi.MechType.kerberos
        )

    def explained(self, error: Exception, doing: str) -> AuthenticationError:
        """An error of the GSS-API in words."""
        fresh = self._password is not None or bool(self._keytab)
        return explained(error, self.principal or "", self.realm, self.server, doing, self._kdc or "", fresh)

    def _acquire(self):
        doing = f"getting a ticket for {self.principal}" if self.principal else "looking for a ticket"
        try:
            name = gssapi.Name(self.principal, gssapi.NameType.kerberos_principal) if self.principal else None
            mechs = [gssapi.MechType.kerberos]
            if self._password is not None:
                raw = gssapi.raw.acquire_cred_with_password(
                    name, self._password.encode("utf-8"), mechs=mechs, usage="initiate"
                ).creds
                credentials = gssapi.Credentials(base=raw)
            elif self._keytab:
                store = {"client_keytab": self._keytab, "ccache": f"MEMORY:onprem-chat-{uuid.uuid4().hex}"}
                credentials = gssapi.Credentials(name=name, usage="initiate", mechs=mechs, store=store)
            else:
                credentials = gssapi.Credentials(name=name, usage="initiate", mechs=mechs)
            # MIT Kerberos asks the KDC only when it has to: make it now, so that what goes wrong goes wrong here.
            self.lifetime = credentials.lifetime
        except gssapi.exceptions.GSSError as error:
            raise self.explained(error, doing) from error
        return credentials

    def _configure(self) -> None:
        """Put our defaults behind the controller's own configuration, and an explicit KDC in front of it.

        Without ``rdns = false`` a missing or foreign PTR record makes Kerberos ask for another service than DNS@server.
        """
        folder = tempfile.mkdtemp(prefix="onprem-chat-krb5-", dir=self._tmpdir)
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        before = os.environ.get("KRB5_CONFIG")
        files = [before or "/etc/krb5.conf"]
        defaults = pathlib.Path(folder) / "defaults.conf"
        defaults.write_text(DEFAULTS.format(realm=self.realm), encoding="utf-8")
        files.append(str(defaults))
        if self._kdc:
            override = pathlib.Path(folder) / "override.conf"
            override.write_text(OVERRIDE.format(realm=self.realm, kdc=self._kdc), encoding="utf-8")
            files.insert(0, str(override))
        self._stack.callback(_set_environment, "KRB5_CONFIG", before)
        _set_environment("KRB5_CONFIG", ":".join(files))


def _set_environment(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
