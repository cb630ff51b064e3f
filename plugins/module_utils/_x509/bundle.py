# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.
"""What was given to certificate_bundle, brought together: which certificates, which key, which chain, and what is thought of it."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import json
from collections.abc import Sequence

from ansible_collections.onprem.chat.plugins.module_utils._checks import Check

from . import policy, render
from .certificate import Certificate, Key, Material
from .chain import Chain, is_self_signed, pick_leaf, solve
from .errors import BundleError, InputError, PassphraseError
from .judge import TABLE, judge
from .pair import Pair, Place
from .parse import read, read_folder, read_paths
from .system_store import system_store

FROM_CONTROLLER = ("sources", "intermediates", "trust_anchors")
# A pair that does not belong together is never installed, whatever anybody accepts.
_NEVER_ACCEPTED = ("certificate.key.match",)
_KEY_FORMS = tuple(b"-----BEGIN " + kind + b"PRIVATE KEY-----\n" for kind in (b"", b"RSA ", b"EC "))
FILE_CHECKS = ("certificate.files.names", "certificate.files.modes", "certificate.files.text")


@dataclasses.dataclass(frozen=True)
class Given:
    """What the task brought.

    anchors: None stands for the system's store.
    passphrases: for what is encrypted, also for a key that lies there already.
    """

    material: Material
    candidates: tuple[Certificate, ...]
    anchors: tuple[Certificate, ...] | None
    passphrases: tuple[bytes, ...] = dataclasses.field(default=(), repr=False)


@dataclasses.dataclass(frozen=True)
class Bundle:
    """A leaf with its key and its chain, as it shall be installed, and the judgement.

    from_place: the key is the one that lies there already.
    """

    certificates: tuple[Certificate, ...]
    key: Key
    chain: Chain
    dropped: list[dict[str, str]]
    notes: list[str]
    checks: list[Check]
    from_place: bool = False

    @property
    def pem(self) -> bytes:
        """The certificate file."""
        return b"".join(one.pem for one in self.certificates)


def gather(params: dict) -> Given:
    """Read everything that the options name. Raises BundleError."""
    passphrases = _encoded(params, "passphrases")
    delivered = _delivered(params["delivered"])

    def material(option: str) -> Material:
        if delivered is None:
            return read_paths(params[option] or (), passphrases)
        found = Material()
        for path in delivered.get(option, ()):
            found.add(_read_delivered(path, passphrases))
        return found

    found = material("sources")
    for number, data in enumerate(_encoded(params, "content"), start=1):
        found.add(read(data, f"content, item {number}", passphrases))
    if params["key_path"]:
        keys = read_paths([params["key_path"]], passphrases)
        if not keys.keys:
            raise InputError(
                f"key_path: there is no private key in {params['key_path']}.",
                "Is it the certificate's file?",
                "Name the file of the key.",
            )
        found.add(Material(keys=keys.keys, notes=keys.notes))
    anchors = None if params["trust_anchors"] is None else tuple(material("trust_anchors").certificates)
    if anchors == ():
        raise InputError(
            "trust_anchors: there is no certificate in what it names.",
            "Is the list or the folder empty?",
            "Name the root of the company's CA, or leave trust_anchors out to trust what the host trusts.",
        )
    return Given(found, tuple(material("intermediates").certificates), anchors, tuple(passphrases))


def _encoded(params: dict, option: str) -> list[bytes]:
    """The texts of an option as bytes. Raises InputError, which says nothing of the text."""
    found = []
    for number, text in enumerate(params[option] or (), start=1):
        try:
            found.append(text.encode())
        except UnicodeEncodeError:
            raise InputError(
                f"{option}, item {number} is no text: half a character (a lone surrogate) is in it.",
                "Was it read from a binary file, or in a wrong encoding?",
                "Name binary files in sources instead." if option == "content" else "Write it in UTF-8.",
            ) from None
    return found


def _delivered(text: str | None) -> dict[str, list[dict]] | None:
    """What the action plugin has read on the controller: for each option its paths, each with its files."""
    if text is None:
        return None
    try:
        return {
            option: [
                {
                    **path,
                    "files": [
                        (name, base64.b64decode(data, validate=True), excuse) for name, data, excuse in path["files"]
                    ],
                }
                for path in paths
            ]
            for option, paths in json.loads(text).items()
        }
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise InputError("delivered is for the action plugin only.", action="Use sources.") from error


def _read_delivered(path: dict, passphrases: Sequence[bytes]) -> Material:
    """One path that was read on the controller, treated as parse.read_paths treats one here."""
    if path["folder"]:
        return read_folder(path["files"], path["path"], passphrases)
    ((name, data, _excuse),) = path["files"]
    return read(data, name, passphrases)


def wanted(params: dict) -> policy.Wanted:
    """The options about what the bundle must be good for. Raises InputError."""
    known = [id_ for id_, _question, _source in TABLE]
    for id_ in params["accept"] or ():
        if id_ in _NEVER_ACCEPTED:
            raise InputError(f"accept: {id_} cannot be accepted.", action="No server starts with such a pair.")
        if id_ in FILE_CHECKS:
            raise InputError(
                f"accept: {id_} cannot be accepted.",
                action="It never refuses: what is wrong with the two files is repaired.",
            )
        if id_ not in known:
            raise InputError(f"accept: there is no check {id_}.", "Is it misspelt?", f"Known: {', '.join(known)}.")
    return policy.wanted(
        params["profile"],
        complete=True,
        dns=params["dns_names"],
        ip=params["ip_addresses"],
        xmpp_domains=params["xmpp_domains"],
        days=params["valid_days"],
        skew=params["clock_skew"],
        root={None: None, "keep": "any"}.get(params["root"], params["root"]),
        purposes=params["purposes"],
        keys=params["key_types"],
        trust=None if params["trust_anchors"] is None else "given",
        accept=params["accept"],
    )


def assemble(given: Given, there: Pair, place: Place, asked: policy.Wanted, now: datetime.datetime) -> Bundle:
    """Order, complete and judge. Raises BundleError when there is nothing that could be judged."""
    material = given.material
    # A key that lies there already tells which of several leaves is meant.
    keys = material.keys or keys_in(there.key.data, str(place.key), given.passphrases)
    leaf = pick_leaf(Material(material.certificates, keys), now)
    anchors = system_store() if given.anchors is None else given.anchors
    candidates = list(dict.fromkeys((*material.certificates, *given.candidates)))
    chain = solve(leaf, candidates, anchors, now, asked.purposes)
    certificates = _presented(chain, material.certificates, asked.root)
    key, from_place = _choose_key(leaf, given, there, place)
    checks = list(judge(certificates, asked, anchors, now, place.name, key, candidates, chain))
    if certificates != chain.certificates and chain.certificates[-1] in material.certificates:
        # The root was delivered and is left out: clients need it all the same, so that is what trust is asked of.
        whole = judge(chain.certificates, asked, anchors, now, place.name, key, candidates, chain)
        trust = {check.id: check for check in whole if check.id == "certificate.chain.trust"}
        checks = [trust.get(check.id, check) for check in checks]
    dropped = render.dropped(material.certificates, chain, certificates)
    notes = [*material.notes, *_unused_keys(key, material.keys)]
    return Bundle(certificates, key, chain, dropped, notes, checks, from_place)


def _presented(chain: Chain, delivered: Sequence[Certificate], root: str) -> tuple[Certificate, ...]:
    """The chain as it is written: with its root, without it, or as it was delivered."""
    last = chain.certificates[-1]
    if len(chain.certificates) == 1 or not is_self_signed(last):
        return chain.certificates
    if root == "exclude" or (root == "any" and last not in delivered):
        return chain.certificates[:-1]
    return chain.certificates


def _unused_keys(chosen: Key, keys: Sequence[Key]) -> list[str]:
    """A note for each key that was given and is not installed."""
    return [
        f"{key.origin}: not used, "
        + ("the same key once more" if key.spki == chosen.spki else "a key that does not belong to the certificate")
        for key in keys
        if key is not chosen
    ]


def _choose_key(leaf: Certificate, given: Given, there: Pair, place: Place) -> tuple[Key, bool]:
    """The key that belongs to the leaf, from what was given, else from the place; a wrong one is left to the judgement."""
    keys = given.material.keys
    for key in keys:
        if key.spki == leaf.spki:
            return key, False
    if keys:
        return keys[0], False
    try:
        lying = keys_in(there.key.data, str(place.key), given.passphrases, strict=True)
    except PassphraseError as error:
        raise InputError(
            f"No private key was given for {leaf.subject}, and {error.what}", error.cause, error.action
        ) from error
    for key in lying:
        if key.spki == leaf.spki:
            return key, True
    other = "there is none in" if there.key.data is None else "none that belongs to it is in"
    raise InputError(
        f"No private key was given for {leaf.subject}, and {other} {place.key}.",
        "Was the key made elsewhere, for instance where the request was made?",
        "Give it among the sources or in content, or name its file on the host in key_path.",
    )


def keys_in(data: bytes | None, origin: str, passphrases: Sequence[bytes] = (), strict: bool = False) -> list[Key]:
    """The keys that can be read in a file. strict: raises PassphraseError when only a passphrase is missing."""
    if data is None:
        return []
    try:
        return read(data, origin, passphrases).keys
    except PassphraseError:
        if strict:
            raise
        return []
    except BundleError:
        return []


def certificates_in(data: bytes | None, origin: str) -> list[Certificate]:
    """The certificates that can be read in a file."""
    if data is None:
        return []
    try:
        return read(data, origin).certificates
    except BundleError:
        return []


def key_text(key: Key, there: Pair, place: Place) -> bytes:
    """The key file: the one that is there when it holds this key and nothing else in a form that every server reads."""
    data = there.key.data
    if data and data.startswith(_KEY_FORMS) and data.count(b"-----BEGIN ") == 1 and b"\r" not in data:
        found = keys_in(data, str(place.key))
        if len(found) == 1 and found[0].spki == key.spki and not found[0].encrypted and data.endswith(b"-----\n"):
            return data
    return key.pem
