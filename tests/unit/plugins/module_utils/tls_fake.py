# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers on the loopback that behave and misbehave, with certificates made when the tests run."""

from __future__ import annotations

import contextlib
import datetime
import os
import socket
import ssl
import threading
import warnings

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.onprem.chat.plugins.module_utils._tls import command
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import NOW, Made, inside, make, tlv

#: Days from the workshop's moment, which stands still, to the clock that OpenSSL reads.
TODAY = (datetime.datetime.now(datetime.UTC) - NOW) / datetime.timedelta(days=1)
NAME = "chat.corp.test"
DEFAULTS = {
    "host": "127.0.0.1",
    "endpoints": None,
    "port": None,
    "protocol": "tls",
    "domain": None,
    "server_name": NAME,
    "alpn": [],
    "profile": None,
    "dns_names": [],
    "ip_addresses": [],
    "xmpp_domains": [],
    "valid_days": 30,
    "clock_skew": 300,
    "trust_anchors": [],
    "minimum_version": "TLSv1.2",
    "old_versions": "warn",
    "look": "full",
    "accept": [],
    "timeout": 5,
    "parallel": 8,
}


def company(name="Company") -> tuple[Made, Made]:
    """Root and issuing CA that are valid now."""
    root = make(f"{name} Root", ca=True, start=TODAY - 30, end=TODAY + 3650)
    return root, make(f"{name} Issuing", root, ca=True, pathlen=0, start=TODAY - 30, end=TODAY + 1825)


ROOT, ISSUING = company()


def leaf(name=NAME, issuer=ISSUING, start=-10, end=300, **more) -> Made:
    """A certificate for a name that is valid now; start and end count days from today."""
    given = {"dns": [name]} | more
    return make(name, issuer, start=TODAY + start, end=TODAY + end, **given)


class Certificates:
    """Writes what servers need into a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.count = 0

    def anchors(self, root=ROOT):
        """A file with a trusted root."""
        path = self.folder / "root.crt"
        path.write_bytes(root.certificate.pem)
        return [str(path)]

    def context(self, own=None, chain=(ISSUING,), alpn=(), ask=None, least=None, most=None, ciphers=None):
        """A server's context. ask: ssl.CERT_OPTIONAL or CERT_REQUIRED for a certificate of the client."""
        own = own or leaf()
        self.count += 1
        path = self.folder / f"{self.count}.pem"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(own.key_pem() + own.certificate.pem + b"".join(one.certificate.pem for one in chain))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if ask is not None:
            context.load_verify_locations(cadata=ROOT.certificate.pem.decode())
            context.verify_mode = ask
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            if least or most:
                context.set_ciphers("ALL:@SECLEVEL=0")
                context.minimum_version = least or most
                context.maximum_version = most or ssl.TLSVersion.MAXIMUM_SUPPORTED
        if ciphers:
            context.set_ciphers(ciphers)
        return context


class Server:
    """Listens on 127.0.0.1 and gives every connection to a function of the socket, in a thread of its own."""

    def __init__(self, serve):
        self.serve = serve
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        # A thread that waits in accept() would keep the socket alive.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _listen(self):
        while True:
            try:
                connection, _peer = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection):
        connection.settimeout(10)
        with contextlib.suppress(OSError, ValueError), connection:
            self.serve(connection)


def tls(context):
    """A server that only shakes hands."""

    def serve(connection):
        with context.wrap_socket(connection, server_side=True) as secure:
            while secure.recv(1024):
                pass

    return serve


def says(data, wait=True):
    """A server that says something that is no TLS; wait: after it has heard the client."""

    def serve(connection):
        if wait:
            connection.recv(4096)
        connection.sendall(data)
        # Closing while something is unread would throw the answer away.
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass

    return serve


def silent(connection):
    """A server that never says anything."""
    while connection.recv(4096):
        pass


def hangs_up(connection):
    """A server that ends every connection at once."""


def hangs_up_later(connection):
    """One that hears the client first."""
    connection.recv(4096)


def ask(port=None, **options):
    """Run the module's inner part; gives its result with the checks of the first server by their ids."""
    result = command.run(DEFAULTS | {"port": port} | options)
    result["by_id"] = {}
    for check in result["checks"]:
        result["by_id"].setdefault(check["id"], check)
    return result


def said(result, id_):
    """Status and evidence of a check."""
    check = result["by_id"][id_]
    return check["status"], check["evidence"]


def with_serial(made: Made, serial: bytes) -> bytes:
    """The certificate with another serial number (content octets), signed anew by its own or the issuing key: DER."""
    body = inside(made.certificate.der)
    tbs = inside(body[: len(body) - len(_after_first(body))])
    version = tbs[: len(tbs) - len(_after_first(tbs))]
    rest = _after_first(_after_first(tbs))
    signed = tlv(0x30, version + tlv(0x02, serial) + rest)
    after = _after_first(body)
    algorithm = after[: len(after) - len(_after_first(after))]
    signature = ISSUING.private.sign(signed, ec.ECDSA(hashes.SHA256()))
    return tlv(0x30, signed + algorithm + tlv(0x03, b"\0" + signature))


def _after_first(data: bytes) -> bytes:
    length, start = data[1], 2
    if length & 0x80:
        start = 2 + (length & 0x7F)
        length = int.from_bytes(data[2:start], "big")
    return data[start + length :]
