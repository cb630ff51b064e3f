# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two other verifiers, asked about the same bundle: the openssl command and cryptography's x509.verification.

Neither looks at the order, at certificates of no use, at the private key, or at days to come.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import pathlib
import re
import subprocess

import cryptography
from cryptography import x509

from ansible_collections.onprem.chat.plugins.module_utils._x509.certificate import Certificate, Key
from ansible_collections.onprem.chat.plugins.module_utils._x509.chain import leaf_among
from ansible_collections.onprem.chat.plugins.module_utils._x509.names import as_address
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import NOW

# Before 45 its interface and verdicts were others.
VERSION = int(cryptography.__version__.split(".")[0])
HAS_LIBRARY = VERSION >= 45


@dataclasses.dataclass(frozen=True)
class Bundle:
    """What is judged: certificates as presented, what is trusted, the key, and candidates that nobody presents."""

    presented: tuple[Certificate, ...]
    anchors: tuple[Certificate, ...]
    key: Key | None = None
    extra: tuple[Certificate, ...] = ()

    @property
    def leaf(self) -> Certificate:
        return leaf_among(self.presented, self.key)

    @property
    def others(self) -> list[Certificate]:
        return [one for one in self.presented if one != self.leaf]


def askable(names) -> list[str]:
    """Names to ask the others for: a wildcard is asked for by a name below it."""
    return [f"any{name[1:]}" if name.startswith("*.") else name for name in names]


def openssl(bundle: Bundle, names: list[str], folder: pathlib.Path) -> str:
    """Why ``openssl verify -purpose sslserver -x509_strict`` refuses it, for the first name that it refuses; empty when it
    accepts all."""
    (folder / "leaf.pem").write_bytes(bundle.leaf.pem)
    command = ["openssl", "verify", "-purpose", "sslserver", "-x509_strict", "-attime", str(int(NOW.timestamp()))]
    command += ["-no-CApath", "-no-CAstore"]
    for option, file, certificates in (
        ("-CAfile", "anchors.pem", bundle.anchors),
        ("-untrusted", "untrusted.pem", bundle.others),
    ):
        if certificates:
            (folder / file).write_bytes(b"".join(one.pem for one in certificates))
            command += [option, file]
        elif option == "-CAfile":
            command += ["-no-CAfile"]
    for name in names or [""]:
        option = "-verify_ip" if as_address(name) else "-verify_hostname"
        asked = [*command, *([option, name] if name else []), "leaf.pem"]
        answer = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=False, timeout=20)
        if answer.returncode:
            said = re.search(r"error \d+ at \d+ depth lookup: ?(.*)", answer.stdout + answer.stderr)
            return (said.group(1) if said else answer.stderr).strip()
    return ""


def library(bundle: Bundle, names: list[str]) -> str:
    """The same of cryptography's ServerVerifier with its default policy (the profile of the CA/Browser Forum)."""
    if not bundle.anchors:
        return "no trust anchor"
    store = x509.verification.Store([one.parsed for one in bundle.anchors])
    for name in names:
        try:
            subject = x509.IPAddress(ipaddress.ip_address(name)) if as_address(name) else x509.DNSName(name)
            verifier = x509.verification.PolicyBuilder().store(store).time(NOW).build_server_verifier(subject)
            verifier.verify(bundle.leaf.parsed, [one.parsed for one in bundle.others])
        except (x509.verification.VerificationError, ValueError) as error:
            return str(error)
    return ""
