# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of pywinrm, requests, OpenSSL, GSSAPI and kinit, and what users are told instead."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.diagnosis import SIGNS, Peer, explain
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import (
    Broken,
    DeadlineError,
    Lost,
    Refused,
    Unreachable,
    Unsupported,
    Untrusted,
)

HOST = Peer("win1.corp.test", "https://win1.corp.test:5986/wsman", "svc@CORP.TEST", "kerberos")
PLAIN = Peer("win1.corp.test", "http://win1.corp.test:5985/wsman", "CORP\\svc", "ntlm")
GSS = (
    "kerberos: authGSSClientStep() failed: (('Unspecified GSS failure.  Minor code may provide more information', "
    "851968), ('{}', {}))"
)
SSL = (
    "ssl: HTTPSConnectionPool(host='win1.corp.test', port=5986): Max retries exceeded with url: /wsman (Caused by "
    "SSLError({}))"
)
POOL = (
    "ntlm: HTTPConnectionPool(host='win1.corp.test', port=5985): Max retries exceeded with url: /wsman (Caused by "
    "{}('<urllib3.connection.HTTPConnection object at 0x7f1>: {}'))"
)


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        (GSS.format("Clock skew too great", -1765328347), Refused, "clock_skew"),
        (GSS.format("Слишком большая разница во времени", -1765328347), Refused, "clock_skew"),
        ("Kerberos auth failure for principal svc: kinit: Clock skew too great while …", Refused, "clock_skew"),
        (GSS.format("Ticket expired", -1765328352), Refused, "ticket_expired"),
        (GSS.format("Server not found in Kerberos database", -1765328377), Refused, "wrong_spn"),
        (GSS.format("Server HTTP/10.0.0.1@CORP.TEST not found in Kerberos database", -1765328377), Refused, "wrong_spn"),
        (GSS.format("Matching credential not found", -1765328243), Refused, "no_ticket"),
        (GSS.format("No Kerberos credentials available (default cache: FILE:/tmp/krb5cc_0)", 39756033), Refused, "no_ticket"),
        ("kinit: Password incorrect while getting initial credentials", Refused, "wrong_password"),
        ("Received error status from the server: (3221225581) STATUS_LOGON_FAILURE 0xc000006d", Refused, "wrong_password"),
        ("Received error status from the server: (2148074252) UNKOWN_STATUS 0x8009030c", Refused, "wrong_password"),
        ("Server did not response with a CredSSP token after step Step 3 - actual ''", Refused, "wrong_password"),
        ("Received error status from the server: (3221225585) X 0xc0000071", Refused, "password_expired"),
        ("Received error status from the server: (3221226036) X 0xc0000234", Refused, "account_locked"),
        (
            "The server did not response CredSSP being an available authentication method - actual: 'Negotiate'",
            Refused,
            "credssp_off",
        ),
        ("kinit: Preauthentication failed while getting initial credentials", Refused, "wrong_password"),
        ("kinit: Client 'x@CORP.TEST' not found in Kerberos database while …", Refused, "unknown_user"),
        ("kinit: Client's credentials have been revoked while getting initial credentials", Refused, "account_locked"),
        ("kinit: Password has expired while getting initial credentials", Refused, "password_expired"),
        ("kinit: Cannot find KDC for realm \"CORP.TST\" while getting initial credentials", Refused, "no_kdc"),
        ("kinit: Cannot contact any KDC for realm 'CORP.TEST' while …", Refused, "no_kdc"),
        ("kerberos: the specified credentials were rejected by the server", Refused, "ticket_refused"),
        (
            SSL.format("SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed "
                       "certificate (_ssl.c:992)')"),
            Untrusted,
            "certificate_issuer",
        ),
        (
            SSL.format("SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get "
                       "local issuer certificate')"),
            Untrusted,
            "certificate_issuer",
        ),
        (
            SSL.format("SSLCertVerificationError(1, \"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname "
                       "mismatch, certificate is not valid for 'x'\")"),
            Untrusted,
            "certificate_name",
        ),
        (
            SSL.format("SSLCertVerificationError(1, \"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: IP address "
                       "mismatch, certificate is not valid for '10.0.0.1'\")"),
            Untrusted,
            "certificate_name",
        ),
        (
            SSL.format("SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate "
                       "has expired')"),
            Untrusted,
            "certificate_dates",
        ),
        (SSL.format("SSLError(1, '[SSL: WRONG_VERSION_NUMBER] wrong version number')"), Broken, "no_tls"),
        (POOL.format("NewConnectionError", "[Errno 111] Connection refused"), Unreachable, "connection_refused"),
        (POOL.format("NewConnectionError", "[Errno 113] No route to host"), Unreachable, "no_route"),
        (
            POOL.format("NameResolutionError", "Failed to resolve 'win1' ([Errno -2] Name or service not known)"),
            Unreachable,
            "dns",
        ),
        (POOL.format("ConnectTimeoutError", "Connection to win1 timed out. (connect timeout=30)"), Unreachable, "timeout"),
        ("the connection attempt timed out", Unreachable, "timeout"),
        ("('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))", Unreachable, "closed"),
        ("winrm or requests is not installed: No module named 'winrm'", Unsupported, "library"),
        ("xmltodict is not installed: No module named 'xmltodict'", Unsupported, "library"),
        ("requested auth method is kerberos, but pykerberos is not installed", Unsupported, "library"),
        ("requested auth method is ntlm, but requests_ntlm is not installed", Unsupported, "library"),
        ("The installed version of WinRM does not support transport(s) ['foo']", Unsupported, "library"),
        ("auth method ntlm requires a password", Unsupported, "credentials_missing"),
        ("Bad HTTP response returned from server. Code 404", Broken, "no_winrm"),
        ("Bad HTTP response returned from server. Code 503", Unreachable, "service"),
        ("something entirely new", Unreachable, "unknown"),
    ],
)  # fmt: skip
def test_what_libraries_say(text, kind, reason):
    error = explain(RuntimeError(text), HOST)
    assert error.__class__ is kind
    assert error.details["reason"] == reason
    assert error.cause and error.remedy and not error.remedy.endswith(".")


@pytest.mark.parametrize(
    "said",
    [
        "Kerberos auth failure when calling kinit cmd 'kinit': [Errno 2] No such file or directory: 'kinit'",
        "Kerberos auth failure when calling kinit cmd '/opt/krb5/bin/kinit': [Errno 2] No such file or directory: '/opt/krb5/bin/kinit'",
        "Kerberos auth failure when calling kinit cmd 'kinit': [Errno 13] Permission denied: 'kinit'",
        "Kerberos auth failure when calling kinit cmd 'kinit': The command was not found or was not executable: kinit.",
    ],
)
def test_a_controller_without_kinit(said):
    error = explain(RuntimeError(said), HOST)
    assert (error.__class__, error.details["reason"]) == (Unsupported, "library")
    assert str(error) == (
        f"Kerberos cannot be used ({HOST.where}). The program kinit, with which Ansible takes the ticket, is missing where "
        "Ansible runs, or cannot be started. Install krb5-user (Debian) or krb5-workstation (Red Hat) there, or name the program in "
        "ansible_winrm_kinit_cmd."
    )


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("ntlm", "wrong_password"),
        ("credssp", "wrong_password"),
        ("kerberos", "ticket_refused"),
        ("basic", "basic"),
        ("ssl", "basic"),
        ("certificate", "client_certificate"),
    ],
)
def test_401_means_something_else_for_each_authentication(method, reason):
    peer = Peer("win1", "http://win1:5985/wsman", "svc", method)
    error = explain(RuntimeError("the specified credentials were rejected by the server"), peer)
    assert (error.__class__, error.details["reason"]) == (Refused, reason)


def test_500_over_http_means_that_it_was_not_encrypted():
    error = explain(RuntimeError("Bad HTTP response returned from server. Code 500"), PLAIN)
    assert error.details["reason"] == "unencrypted"


def explained(text, peer):
    return str(explain(RuntimeError(text), peer))


def test_text_of_a_wrong_password():
    assert explained("ntlm: the specified credentials were rejected by the server", PLAIN) == (
        "win1.corp.test refused the credentials of CORP\\svc (win1.corp.test, http://win1.corp.test:5985/wsman). The user name "
        "or the password is wrong; or the account is locked or expired, or the domain forbids NTLM. Correct ansible_user "
        "(DOMAIN\\NAME or NAME@REALM) and ansible_password, mind that repeated attempts lock the account; where NTLM is "
        "forbidden set ansible_winrm_transport to kerberos."
    )


def test_text_of_an_expired_ticket():
    assert explained(GSS.format("Ticket expired", -1765328352), HOST) == (
        "The Kerberos ticket of svc@CORP.TEST has expired (win1.corp.test, https://win1.corp.test:5986/wsman). The ticket in "
        "the credential cache was taken with kinit, and nobody renewed it. Run kinit again, or set ansible_password and let "
        "Ansible take a ticket for each run."
    )


def test_text_of_an_untrusted_certificate():
    assert explained(SSL.format("certificate verify failed: self-signed certificate"), HOST) == (
        "The certificate of win1.corp.test is not trusted (win1.corp.test, https://win1.corp.test:5986/wsman). It is "
        "self-signed, or issued by a CA that this controller does not trust. Set ansible_winrm_ca_trust_path to the CA's "
        "certificate in PEM; do not switch the validation off."
    )


def test_text_of_a_wrong_spn():
    assert explained(GSS.format("Server not found in Kerberos database", -1765328377), HOST) == (
        "Kerberos has no ticket for the service HTTP/win1.corp.test (win1.corp.test, https://win1.corp.test:5986/wsman). The "
        "host is addressed by a name or an address that its computer account has no service principal name for, or another "
        "account has it. Use the host's full name as ansible_host, or set ansible_winrm_kerberos_hostname_override to it; "
        "setspn -Q HTTP/win1.corp.test shows who has the name."
    )


def test_text_of_a_clock_skew():
    assert explained(GSS.format("Clock skew too great", -1765328347), HOST) == (
        "Kerberos refused svc@CORP.TEST: the clocks differ too much (win1.corp.test, https://win1.corp.test:5986/wsman). The "
        "clock of this controller, of the domain controller or of win1.corp.test is more than five minutes off. Let all three "
        "take their time from the domain controllers, and compare: chronyc tracking here, w32tm /query /status there."
    )


def test_causes_of_causes_are_read():
    outer = RuntimeError("login failed")
    outer.__cause__ = OSError("[Errno 111] Connection refused")
    assert explain(outer, PLAIN).details["reason"] == "connection_refused"


def test_an_error_that_is_explained_stays():
    error = Lost("a", "b", "c", "d")
    assert explain(error, PLAIN) is error


def test_what_the_library_said_is_kept_short_and_without_addresses():
    error = explain(RuntimeError("<urllib3.connection.HTTPConnection object at 0x7f12ab>: " + "x" * 999), PLAIN)
    assert len(error.details["said"]) == 400
    assert "0x7f12ab" not in str(error.result())


def test_every_sign_has_its_whole_text():
    for sign in SIGNS:
        error = explain(RuntimeError(sign.pattern.split("|")[-1]), PLAIN)
        assert "{" not in str(error), sign


def test_result_of_a_module():
    result = DeadlineError("w", "h", "c", "r", stdout=b"x").result()
    assert result == {
        "failed": True,
        "msg": "w (h). c. r.",
        "error": {"kind": "deadline_error", "what": "w", "where": "h", "cause": "c", "remedy": "r", "terminated": True},
    }


def test_a_host_that_is_not_there_is_unreachable():
    result = Unreachable("win1 is off", "win1, http://win1:5985/wsman", "Night", "Wait").result()
    assert result["unreachable"] is True
    assert "failed" not in result
    assert result["msg"] == "win1 is off (win1, http://win1:5985/wsman). Night. Wait."
    assert result["error"]["kind"] == "unreachable"


def test_a_lost_connection_is_a_failure():
    """Something may have been done there before it broke off."""
    result = Lost("The connection broke off", "win1", "A restart", "Run again").result()
    assert result["failed"] is True
    assert "unreachable" not in result


@pytest.mark.parametrize(
    "text",
    [
        "kerberos: the specified credentials were rejected by the server",
        GSS.format("Message stream modified", -1765328343),
        SSL.format(
            "SSLCertVerificationError(1, \"certificate verify failed: Hostname mismatch, certificate is not valid for 'win1'\")"
        ),
    ],
    ids=["refused", "modified", "certificate"],
)
def test_an_old_address_in_dns_is_thought_of(text):
    """Laptops get another address every day, and another computer proves that it is not the one that was meant."""
    assert "DNS still has an old address" in explain(RuntimeError(text), HOST).cause
