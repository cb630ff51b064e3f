# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Questions about the two files of a bundle: names, modes, and what else their text holds. Pure: bytes and bits come in."""

from __future__ import annotations

import dataclasses
import pathlib
import re

from ansible_collections.onprem.chat.plugins.module_utils._checks import Checks

from .judge_case import Answer, counted

_MARK = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BOUNDARY = re.compile(rb"-----(BEGIN|END) ([A-Z0-9 ]+)-----")
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_KEYS = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY")
_PARAMETERS = "EC PARAMETERS"


@dataclasses.dataclass(frozen=True)
class File:
    """One file on disk. Its repr shows nothing of what is in it.

    mode: permission bits; None when there are none to speak of.
    owner, group: for texts.
    """

    path: str
    data: bytes = dataclasses.field(repr=False)
    mode: int | None = None
    owner: str = ""
    group: str = ""

    @property
    def name(self) -> str:
        return pathlib.PurePosixPath(self.path).name


def judge_files(certificate: File, key: File | None, subject: str, name: str | None = None) -> Checks:
    """certificate.files.names, .modes and .text, each exactly once.

    name: what the product calls the pair: ``<name>.crt`` and ``<name>.key``; None when any name will do.
    """
    checks = Checks()
    for id_, told, source in (
        ("certificate.files.names", _names(certificate, key, name), ""),
        ("certificate.files.modes", _modes(certificate, key), ""),
        ("certificate.files.text", _text(certificate, key), "RFC 7468"),
    ):
        status, evidence, hint = told
        checks.add(status, id_, subject, evidence, hint, source)
    return checks


def _names(certificate: File, key: File | None, name: str | None) -> tuple[str, str, str]:
    answer = Answer()
    files = [(certificate, ".crt")] + ([(key, ".key")] if key is not None else [])
    for file, ending in files if name else ():
        wanted = f"{name}{ending}"
        if file.name != wanted:
            answer.fail(f"{file.path} must be called {wanted}", "The product looks for that name: rename it.")
    if (
        name
        and key is not None
        and pathlib.PurePosixPath(certificate.path).parent != pathlib.PurePosixPath(key.path).parent
    ):
        answer.warn(f"{certificate.path} and {key.path} lie in different folders", "The product looks in one folder.")
    return answer.told(" and ".join(file.path for file, _ending in files))


def _modes(certificate: File, key: File | None) -> tuple[str, str, str]:
    answer, told = Answer(), []
    for file in (certificate, key):
        if file is None or file.mode is None:
            continue
        who = f" {file.owner}:{file.group}" if file.owner else ""
        said = f"{file.path} {file.mode:04o}{who}"
        told.append(said)
        if file.mode & 0o022:
            answer.fail(
                f"{said}: others than its owner may write it", f"chmod {file.mode & ~0o022 & 0o777:04o} {file.path}"
            )
        if file is key and file.mode & 0o007:
            answer.fail(
                f"{said}: everybody on the host can use the private key",
                f"chmod {file.mode & 0o740:04o} {file.path}. If others than administrators work on the host, make a new key.",
            )
        elif file is not key and holds_key(file.data) and file.mode & 0o007:
            answer.fail(
                f"{said}: it holds a private key, too, and everybody on the host can read it",
                "Keep the key in a file of its own, mode 0600 or 0640.",
            )
        if not file.mode & 0o400:
            answer.warn(f"{said}: its owner cannot read it", f"chmod u+r {file.path}")
    if not told:
        answer.skip("the modes are not known")
    return answer.told(", ".join(told))


def holds_key(data: bytes) -> bool:
    return b"PRIVATE KEY-----" in data


def _text(certificate: File, key: File | None) -> tuple[str, str, str]:
    answer = Answer()
    told = [f"{certificate.name}: {counted(_certificate_text(certificate, answer), 'certificate')}"]
    if key is not None:
        _key_text(key, answer)
        told.append(f"{key.name}: one private key")
    return answer.told(", ".join(told))


def _certificate_text(file: File, answer: Answer) -> int:
    labels = _form(file, answer, "certificates")
    for label in dict.fromkeys(labels):
        if label in ("X509 CERTIFICATE", "TRUSTED CERTIFICATE"):
            answer.fail(
                f"{file.path} has the label {label}", "Only OpenSSL knows it: write -----BEGIN CERTIFICATE-----."
            )
        elif label == "PKCS7":
            answer.fail(f"{file.path} is PKCS#7", "Servers read single certificates: openssl pkcs7 -print_certs.")
        elif label in _KEYS or label.endswith("PRIVATE KEY"):
            answer.warn(f"{file.path} holds a private key, too", "Keep the key in a file of its own.")
        elif label not in ("CERTIFICATE", _PARAMETERS):
            answer.warn(f"{file.path} holds a block {label}, too", "Leave it out.")
    return labels.count("CERTIFICATE")


def _key_text(file: File, answer: Answer) -> None:
    labels = _form(file, answer, "a private key")
    keys = [label for label in labels if label.endswith("PRIVATE KEY")]
    if "ENCRYPTED PRIVATE KEY" in keys or b"Proc-Type: 4,ENCRYPTED" in file.data:
        answer.fail(
            f"the key in {file.path} is encrypted",
            "A service has nobody to ask for the passphrase: write it without one.",
        )
    elif keys and not set(keys) <= set(_KEYS):
        answer.fail(f"{file.path} has the label {keys[0]}", "Servers read PKCS#8, PKCS#1 or SEC 1: write it anew.")
    if len(keys) > 1:
        answer.warn(f"{file.path} holds {len(keys)} private keys", "Servers take the first one. Leave the others out.")
    if labels and not keys:
        answer.fail(
            f"{file.path} holds no private key", f"It holds {', '.join(dict.fromkeys(labels))}. Were files mixed up?"
        )


def _form(file: File, answer: Answer, wanted: str) -> list[str]:
    """What every PEM file is asked; the labels of its blocks."""
    data, path = file.data, file.path
    if data.startswith(_UTF16):
        answer.fail(f"{path} is UTF-16", "Was it saved with a Windows editor? Save it as plain ASCII.")
        return []
    if data.startswith(_MARK):
        answer.warn(
            f"{path} begins with a byte order mark",
            "OpenSSL 3 passes over it, Java does not read such a file. Was it saved with a Windows editor? Save it "
            "as plain ASCII.",
        )
    if not data.strip():
        answer.fail(f"{path} is empty", "Was the disk full?")
        return []
    blocks = list(_BLOCK.finditer(data))
    if not blocks:
        what = "is binary (DER or PKCS#12)" if data[:1] == b"0" else "holds no PEM block"
        answer.fail(f"{path} {what}", f"Servers read {wanted} as PEM.")
        return []
    cut = len(_BOUNDARY.findall(data)) != 2 * len(blocks)
    if cut:
        answer.fail(
            f"{path} has a line BEGIN without its END, or the other way round", "Was it cut? Take the original."
        )
    if b"-----" * 2 in data:
        answer.fail(
            f"{path} has END and BEGIN in one line", "Was a file without a last line end appended to? Break the line."
        )
    unix = data.replace(b"\r\n", b"\n")
    if b"\r" in unix:
        answer.fail(f"{path} has the line ends of old Macs", "Write it with unix line ends.")
    elif unix != data:
        answer.warn(
            f"{path} has the line ends of Windows (CRLF)",
            "OpenSSL reads them, scripts of installers may not: dos2unix.",
        )
    if not cut and _BLOCK.sub(b"", data.removeprefix(_MARK)).split():
        answer.warn(f"{path} has text around the blocks", "OpenSSL passes over it, others do not. Leave it out.")
    if not data.endswith((b"\n", b"\r")):
        answer.warn(f"the last line of {path} does not end", "What is appended to it will be lost. Add a line end.")
    return [match.group(1).decode() for match in blocks]
