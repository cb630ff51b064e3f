# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""How messages are signed: not at all, or with a shared secret (TSIG, RFC 8945)."""

from __future__ import annotations

import base64
import binascii

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError
from ansible_collections.onprem.chat.plugins.module_utils._dns.lib import dns
from ansible_collections.onprem.chat.plugins.module_utils._dns.message import parsed, tsig_error_of

# hmac-md5 is left out on purpose: it is broken (RFC 6151, RFC 8945 6).
ALGORITHMS = ("hmac-sha256", "hmac-sha512", "hmac-sha384", "hmac-sha224", "hmac-sha1")


class Unsigned:
    """No signature; for servers that decide by address."""

    kind = "none"
    signs_questions = False
    label = "an unsigned update"

    def prepare(self, transport) -> None:
        """Nothing to prepare."""

    def renew(self) -> bool:
        """Whether a new key can be had."""
        return False

    def sign(self, message) -> None:
        """Nothing to sign."""

    def opened(self, wire: bytes, request, server: str) -> tuple:
        """The answer, and why it cannot be trusted; empty when it can. Raises ServerError when it is none."""
        return parsed(wire, server), ""

    def close(self) -> None:
        """Nothing to close."""


class Signed(Unsigned):
    """Signs with ``self.key``, a key as dnspython knows it."""

    kind = "tsig"
    signs_questions = True
    key = None

    def sign(self, message) -> None:
        message.use_tsig(self.key)

    def opened(self, wire: bytes, request, server: str) -> tuple:
        try:
            answer = dns.message.from_wire(wire, keyring=self.key, request_mac=request.mac, ignore_trailing=True)
            return answer, "" if answer.had_tsig else "it is not signed"
        except dns.tsig.PeerError:
            answer = parsed(wire, server)
            return answer, _clocks(answer) or tsig_error_of(answer)
        except dns.tsig.BadTime:
            why = "it was signed at a time too far from the controller's clock"
        except dns.tsig.BadSignature:
            why = "its signature does not verify"
        except (dns.exception.DNSException, ValueError) as error:
            why = str(error) or type(error).__name__
        return parsed(wire, server), why


def _clocks(answer) -> str:
    """How far the clocks are apart, where the server says so: it gives our time back beside its own (RFC 8945 5.2.3)."""
    signature = answer.tsig[0]
    if tsig_error_of(answer) != "BADTIME" or len(signature.other) != 6:
        return ""
    ahead = signature.time_signed - int.from_bytes(signature.other, "big")
    if abs(ahead) < 60:
        return ""
    return (
        f"the controller's clock is {round(abs(ahead) / 60)} min {'ahead of' if ahead > 0 else 'behind'} the server's"
    )


class Tsig(Signed):
    """A secret that the server and we share."""

    def __init__(self, name: str, secret: str, algorithm: str) -> None:
        try:
            data = base64.b64decode("".join(secret.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise InputError(
                f"The secret of the TSIG key {name} is not base64.",
                'Is it the whole value of "secret" in the server\'s key file?',
            ) from error
        try:
            self.key = dns.tsig.Key(dns.name.from_text(name), data, dns.name.from_text(algorithm))
        except dns.exception.DNSException as error:
            raise InputError(f"The name of the TSIG key {name!r} is no DNS name: {error}") from error
        self.label = f"the TSIG key {name} ({algorithm})"
