# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What libraries say about a conversation that did not begin, turned into an error with cause and remedy.

Ansible's winrm plugin keeps the text of what pywinrm, requests, Kerberos and OpenSSL raised and drops the rest. So this is
a table of texts, most telling first. The numbers are Kerberos' own (RFC 4120 7.5.9, as MIT krb5 numbers them): they stand
in the texts whatever the language of the system is.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from .errors import Broken, ChannelError, Refused, Unreachable, Unsupported, Untrusted


@dataclasses.dataclass(frozen=True)
class Peer:
    """Whom the conversation is with, for the texts: nothing secret."""

    host: str
    endpoint: str
    user: str = ""
    method: str = ""
    """Authentication: ntlm, kerberos, basic, certificate, credssp …"""

    @property
    def where(self) -> str:
        return f"{self.host}, {self.endpoint}" if self.endpoint else self.host


@dataclasses.dataclass(frozen=True)
class Sign:
    """A text that says which error it is; ``{user}``, ``{host}``, ``{endpoint}`` and ``{method}`` are filled in."""

    pattern: str
    error: type[ChannelError]
    reason: str
    what: str
    cause: str
    remedy: str


SIGNS = (
    # the controller itself
    Sign(
        r"winrm or requests is not installed|xmltodict is not installed",
        Unsupported,
        "library",
        "The connection plugin winrm cannot work",
        "The Python package pywinrm is not installed where Ansible runs",
        "Install pywinrm into Ansible's Python environment",
    ),
    Sign(
        r"kerberos library is not installed|pykerberos is not installed|not support transport\(s\).*kerberos",
        Unsupported,
        "library",
        "Kerberos cannot be used",
        "The Python package pykerberos is not installed where Ansible runs",
        "Install pywinrm[kerberos], or set ansible_winrm_transport to ntlm",
    ),
    Sign(
        r"when calling kinit cmd",
        Unsupported,
        "library",
        "Kerberos cannot be used",
        "The program kinit, with which Ansible takes the ticket, is missing where Ansible runs, or cannot be started",
        "Install krb5-user (Debian) or krb5-workstation (Red Hat) there, or name the program in ansible_winrm_kinit_cmd",
    ),
    Sign(
        r"requests_(ntlm|credssp) is not installed|not support transport\(s\)|unsupported auth method",
        Unsupported,
        "library",
        "The authentication {method} cannot be used",
        "The Python package for it is not installed where Ansible runs, or ansible_winrm_transport names none that there is",
        "Install requests-ntlm or requests-credssp, or correct ansible_winrm_transport",
    ),
    Sign(
        r"requires a (username|password)|cert_(key_)?pem (file not found|and)|must be specified for cert auth",
        Unsupported,
        "credentials_missing",
        "The inventory has not what the authentication {method} needs",
        "ansible_user or ansible_password is empty, or ansible_winrm_cert_pem or ansible_winrm_cert_key_pem is no file",
        "Set them for this host",
    ),
    # Kerberos
    Sign(
        r"-1765328347|clock skew",
        Refused,
        "clock_skew",
        "Kerberos refused {user}: the clocks differ too much",
        "The clock of this controller, of the domain controller or of {host} is more than five minutes off",
        "Let all three take their time from the domain controllers, and compare: chronyc tracking here, w32tm /query /status there",
    ),
    Sign(
        r"-1765328352|-1765328351|ticket (has )?expired|credentials? (cache )?(have|has) expired|context has expired",
        Refused,
        "ticket_expired",
        "The Kerberos ticket of {user} has expired",
        "The ticket in the credential cache was taken with kinit, and nobody renewed it",
        "Run kinit again, or set ansible_password and let Ansible take a ticket for each run",
    ),
    Sign(
        r"-1765328377|-1765328353|server .*not found in kerberos database|wrong principal",
        Refused,
        "wrong_spn",
        "Kerberos has no ticket for the service HTTP/{host}",
        "The host is addressed by a name or an address that its computer account has no service principal name for,"
        " or another account has it",
        "Use the host's full name as ansible_host, or set ansible_winrm_kerberos_hostname_override to it;"
        " setspn -Q HTTP/{host} shows who has the name",
    ),
    # KRB_AP_ERR_MODIFIED: what the ticket is sealed with is the key of another account
    Sign(
        r"-1765328343|message stream modified",
        Refused,
        "wrong_host",
        "Who answers for {host} cannot read the Kerberos ticket for it",
        "DNS still has an old address of it, where another computer answers now; or another account has the name HTTP/{host}",
        "Compare the address in DNS with the host's own (ipconfig); setspn -Q HTTP/{host} shows who has the name",
    ),
    Sign(
        r"-1765328361|password (has )?expired|0xc0000071",
        Refused,
        "password_expired",
        "The password of {user} has expired",
        "The domain wants a new password for this account",
        "Set a new one in the directory; an account for automation should be exempt from expiry",
    ),
    Sign(
        r"-1765328366|credentials have been revoked|account is (disabled|locked)|0xc0000072|0xc0000234",
        Refused,
        "account_locked",
        "The domain does not let {user} in",
        "The account is locked after wrong passwords, or disabled, or may not log on now",
        "Look at the account in the directory, unlock it, and correct the password here first",
    ),
    Sign(
        r"-1765328360|password incorrect|preauthentication failed|-1765328365|0xc000006d|0x8009030c"
        r"|with a CredSSP token after step",
        Refused,
        "wrong_password",
        "The domain refused the password of {user}",
        "ansible_password is not this account's password",
        "Correct it; mind that repeated attempts lock the account",
    ),
    Sign(
        r"-1765328378|client .*not found in kerberos database",
        Refused,
        "unknown_user",
        "The domain does not know {user}",
        "The name is misspelt, or the realm behind the @ is not this account's",
        "Give ansible_user as NAME@REALM with the realm in capital letters",
    ),
    Sign(
        r"-1765328228|-1765328230|-1765328164|cannot (contact any|find|resolve .*) kdc|cannot resolve network address for kdc",
        Refused,
        "no_kdc",
        "No domain controller of {user}'s realm answers for Kerberos",
        "The realm is not in DNS or krb5.conf as it is written here, or port 88 is closed on the way",
        "Check the realm's capital letters, krb5.conf, and port 88 (TCP and UDP) to the domain controllers",
    ),
    Sign(
        r"-1765328189|-1765328243|no (kerberos )?credentials|matching credential not found|credentials cache .*not found",
        Refused,
        "no_ticket",
        "There is no Kerberos ticket for {user}",
        "ansible_password is not set, so that Ansible takes no ticket, and nobody ran kinit",
        "Set ansible_password, or run kinit for this account",
    ),
    # CredSSP, whose other refusals have numbers of MS-ERREF 2.3.1 above
    Sign(
        r"CredSSP being an available authentication",
        Refused,
        "credssp_off",
        "{host} does not offer CredSSP",
        "It is switched off there, as it is by default",
        "Set ansible_winrm_transport to kerberos or ntlm, which is all that this collection needs",
    ),
    # TLS
    Sign(
        r"hostname mismatch|ip address mismatch|doesn't match|certificate is not valid for",
        Untrusted,
        "certificate_name",
        "The certificate of {host} is for another name",
        "The host is addressed by a name or an address that its certificate does not have, or DNS still has an old address of it,"
        " where another computer answers now",
        "Use a name of the certificate as ansible_host, or issue one for this name to the listener; compare the address in DNS with"
        " the host's own (ipconfig)",
    ),
    Sign(
        r"certificate has expired|certificate is not yet valid",
        Untrusted,
        "certificate_dates",
        "The certificate of {host} is not valid now",
        "It has expired or begins later, or the clock of this controller is wrong",
        "Renew the certificate and bind it to the listener: winrm enumerate winrm/config/listener shows which one it uses",
    ),
    Sign(
        r"certificate.verify.failed|self.signed certificate|unable to get (local )?issuer",
        Untrusted,
        "certificate_issuer",
        "The certificate of {host} is not trusted",
        "It is self-signed, or issued by a CA that this controller does not trust",
        "Set ansible_winrm_ca_trust_path to the CA's certificate in PEM; do not switch the validation off",
    ),
    Sign(
        r"wrong.version.number|record.layer.failure|unknown.protocol|eof occurred in violation|http.request",
        Broken,
        "no_tls",
        "{host} does not speak TLS at {endpoint}",
        "This is the port for HTTP, or something else listens there",
        "Set ansible_port to 5986 with ansible_winrm_scheme=https, or to 5985 with http",
    ),
    # reaching it
    Sign(
        r"name or service not known|nodename nor servname|failed to resolve|no address associated|name resolution",
        Unreachable,
        "dns",
        "The name of {host} is not found",
        "It is misspelt, or this controller's resolver does not know it",
        "Correct ansible_host, or let the resolver ask the domain's DNS servers",
    ),
    Sign(
        r"connection refused",
        Unreachable,
        "connection_refused",
        "{host} refuses connections",
        "WinRM is not set up there, or listens on another port",
        "Run winrm quickconfig on the host, or publish it as policy; check ansible_port (5985 HTTP, 5986 HTTPS)",
    ),
    Sign(
        r"no route to host|network is unreachable|host is down",
        Unreachable,
        "no_route",
        "There is no way to {host}",
        "It is switched off, or no route leads there",
        "Wake it, check the network, and run again with --limit @…retry",
    ),
    # before "timed out": a lost connection says so more precisely
    Sign(
        r"connection aborted|remote end closed|connection reset|broken pipe|remotedisconnected|incompleteread",
        Unreachable,
        "closed",
        "{host} closes the connection",
        "WinRM restarts there, or something between takes the connection down, or HTTP is spoken to the port for HTTPS",
        "Check that ansible_winrm_scheme fits ansible_port (5985 http, 5986 https); try again in a minute; then look at the event"
        " log Microsoft-Windows-WinRM/Operational of the host",
    ),
    Sign(
        r"timed out|timeout",
        Unreachable,
        "timeout",
        "{host} does not answer",
        "It is switched off or asleep, or a firewall drops what comes to this port",
        "Wake it; allow TCP 5985 or 5986 from this controller in its firewall, also in the profile that is active now",
    ),
)

_BASIC = Sign(
    "",
    Refused,
    "basic",
    "{host} refused the credentials of {user}",
    "The password is wrong, or Basic authentication is switched off there, as it is by default; domain accounts cannot use it at all",
    "Set ansible_winrm_transport to ntlm or kerberos",
)
_CERTIFICATE = Sign(
    "",
    Refused,
    "client_certificate",
    "{host} refused the client certificate",
    "It is mapped to no local account there, its issuer is not trusted, or certificate authentication is switched off",
    "Check winrm get winrm/config/service/auth and winrm enumerate winrm/config/service/certmapping on the host",
)
_KERBEROS = Sign(
    "",
    Refused,
    "ticket_refused",
    "{host} refused the Kerberos ticket of {user}",
    "DNS still has an old address of it, where another computer answers now; its password changed since the ticket was issued, its"
    " clock is off, or Kerberos is switched off in its WinRM service",
    "Compare the address in DNS with the host's own (ipconfig), take a new ticket (kdestroy, kinit), compare the clocks, and look at"
    " winrm get winrm/config/service/auth on the host",
)
_NTLM = Sign(
    "",
    Refused,
    "wrong_password",
    "{host} refused the credentials of {user}",
    "The user name or the password is wrong; or the account is locked or expired, or the domain forbids NTLM",
    "Correct ansible_user (DOMAIN\\NAME or NAME@REALM) and ansible_password, mind that repeated attempts lock the account;"
    " where NTLM is forbidden set ansible_winrm_transport to kerberos",
)
_FORBIDDEN = Sign(
    "",
    Refused,
    "no_right",
    "{host} lets {user} in, but not do this",
    "The account is no administrator there; a local account's rights are cut over the network by default",
    "Use an account of the domain in the host's Administrators, or set LocalAccountTokenFilterPolicy for local ones",
)
_NO_WINRM = Sign(
    "",
    Broken,
    "no_winrm",
    "What answers at {endpoint} is no WinRM",
    "The path is not /wsman, a proxy stands between, or another service listens there",
    "Check ansible_port, ansible_winrm_path, and that no proxy is set: ansible_winrm_proxy, HTTPS_PROXY",
)
_UNAVAILABLE = Sign(
    "",
    Unreachable,
    "service",
    "The WinRM service of {host} is not running",
    "Windows answers for its port (503), but the service is stopped, or starts just now",
    "Try again in a minute; then look at the service WinRM and at the event log Microsoft-Windows-WinRM/Operational",
)
_UNENCRYPTED = Sign(
    "",
    Refused,
    "unencrypted",
    "{host} does not take unencrypted messages",
    "HTTP is used with an authentication that does not encrypt, or ansible_winrm_message_encryption is never",
    "Use HTTPS, or ansible_winrm_transport ntlm, kerberos or credssp with message encryption auto",
)
_UNKNOWN = Sign(
    "",
    Unreachable,
    "unknown",
    "No conversation with {host} began",
    "The library says: {text}",
    "Compare with: ansible -m ansible.windows.win_ping, and look at -vvvvv",
)


def explain(error: BaseException, peer: Peer) -> ChannelError:
    """The error for a connection attempt that failed with ``error``."""
    if isinstance(error, ChannelError):
        return error
    text = " | ".join(_texts(error))
    sign = _find(text, peer)
    words = {
        "user": peer.user or "the user",
        "host": peer.host,
        "endpoint": peer.endpoint or peer.host,
        "method": peer.method or "chosen",
        "text": _short(text),
    }
    what, cause, remedy = (part.format(**words) for part in (sign.what, sign.cause, sign.remedy))
    return sign.error(what, peer.where, cause, remedy, reason=sign.reason, said=_short(text))


def _find(text: str, peer: Peer) -> Sign:
    for sign in SIGNS:
        if re.search(sign.pattern, text, re.IGNORECASE):
            return sign
    # Windows says no more than 500 to a message that it would not read because it is not encrypted
    if re.search(r"unencrypted", text, re.IGNORECASE) or (peer.endpoint.startswith("http:") and "Code 500" in text):
        return _UNENCRYPTED
    if re.search(r"credentials were rejected|\b401\b|InvalidCredentials|Unauthorized", text, re.IGNORECASE):
        return {
            "kerberos": _KERBEROS,
            "certificate": _CERTIFICATE,
            "basic": _BASIC,
            "plaintext": _BASIC,
            "ssl": _BASIC,
        }.get(peer.method, _NTLM)
    if re.search(r"access is denied|'wsmanfault_code': '?5'?\b|\bCode 403", text, re.IGNORECASE):
        return _FORBIDDEN
    if re.search(r"\bCode 503", text):
        return _UNAVAILABLE
    if re.search(r"\bCode 4\d\d|\bCode 50[0-25]|not well-formed|ParseError|syntax error", text):
        return _NO_WINRM
    return _UNKNOWN


def _texts(error: BaseException) -> Iterator[str]:
    """The error's text and those of what caused it, each once."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield f"{type(current).__name__}: {current}"
        current = current.__cause__ or current.__context__


def _short(text: str) -> str:
    """One line of at most 400 characters; addresses of objects are nobody's business."""
    flat = re.sub(r"<[\w.]+ object at 0x[0-9a-f]+>:? ?", "", " ".join(text.split()))
    return flat if len(flat) <= 400 else f"{flat[:397]}..."
