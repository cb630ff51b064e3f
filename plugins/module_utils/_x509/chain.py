# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""From a leaf to a root: the best path through any number of certificates in any order (RFC 4158).

Every step costs what a verifier may dislike about it, and the cheapest path to each certificate is kept, as for the shortest
way on a map. So a loop ends by itself, and no number of cross-signed certificates makes it explode.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import functools
import heapq
import itertools

from . import authority, constraints, signature
from .certificate import Certificate, Key, Material
from .errors import InputError, MaterialError
from .lib import x509
from .names import same_name_key


@dataclasses.dataclass(frozen=True)
class Chain:
    """A leaf and what leads from it to where it ends.

    certificates: leaf first, up to and including the root when it is known.
    anchor: the trusted certificate in which it ends; None when it is not trusted.
    complete: it ends in a self-signed root or in an anchor.
    spare: the candidates that are not in it, each once, in their order.
    cut: there were more candidates than can be looked at (SIGNATURES), and a better chain may be there.
    """

    certificates: tuple[Certificate, ...]
    anchor: Certificate | None
    complete: bool
    spare: tuple[Certificate, ...] = ()
    cut: bool = False

    @property
    def leaf(self) -> Certificate:
        return self.certificates[0]

    @property
    def root(self) -> Certificate | None:
        """The self-signed end, when the path has one and the leaf is not the whole of it."""
        last = self.certificates[-1]
        return last if len(self.certificates) > 1 and is_self_signed(last) else None

    @property
    def authorities(self) -> tuple[Certificate, ...]:
        return self.certificates[1:]


# -- which one is the leaf --------------------------------------------------------------------------------------------


def pick_leaf(material: Material, now: datetime.datetime | None = None) -> Certificate:
    """The end-entity certificate of what was delivered; of several the one whose key is there; of renewals the newest that
    is valid.

    now: a moment with its zone; that of the clock when nothing is said.
    Raises MaterialError when there is none, InputError when it cannot be told which is meant.
    """
    if not material.certificates:
        raise MaterialError(
            "There is no certificate in what was given.",
            "Does the file hold only the key, or a certificate request (CSR)?",
            "Give the file that the CA delivered.",
        )
    unique = list(dict.fromkeys(material.certificates))
    ends = [certificate for certificate in unique if not is_authority(certificate)]
    keyed = [certificate for certificate in unique if _has_key(certificate, material.keys)]
    chosen = [certificate for certificate in ends if certificate in keyed] or (ends or keyed)
    if len(chosen) == 1:
        return chosen[0]
    if not chosen:
        if len(unique) == 1:
            return unique[0]  # judged: a leaf that is a CA fails there
        raise MaterialError(
            f"All {len(unique)} certificates are those of authorities: {_listed(unique)}.",
            "Was the server's own certificate left out?",
            "Give it, too.",
        )
    newest = _newest_of_same_key(chosen, now or datetime.datetime.now(datetime.UTC))
    if newest is not None and chosen[0] in keyed:
        return newest
    raise InputError(
        f"There are {len(chosen)} certificates that are no authority's: {_listed(chosen)}.",
        "Which one is meant?" if chosen[0] in keyed else "Which one is meant, and is the key of one of them given?",
        "Give the one that is to be used, with its key.",
    )


def leaf_among(presented: collections.abc.Sequence[Certificate], key: Key | None = None) -> Certificate:
    """The one that is judged as the leaf: of those that are no authority's, or of all when there is none, the one whose key
    is there, else the first."""
    ends = [certificate for certificate in presented if not is_authority(certificate)] or presented
    return next((one for one in ends if key is not None and one.spki == key.spki), ends[0])


def is_authority(certificate: Certificate) -> bool:
    """Whether it says of itself that it is a CA."""
    extension = certificate.extension(x509.BasicConstraints)
    return bool(extension is not None and extension.value.ca)


def _has_key(certificate: Certificate, keys: collections.abc.Iterable[Key]) -> bool:
    return any(certificate.spki == key.spki for key in keys)


def _newest_of_same_key(many: list[Certificate], now: datetime.datetime) -> Certificate | None:
    """One that is valid now before one that is not yet, or no more."""
    if len({certificate.spki for certificate in many}) > 1:
        return None
    return max(many, key=lambda one: (one.not_before <= now <= one.not_after, one.not_before, one.fingerprint))


def _listed(many: collections.abc.Iterable[Certificate]) -> str:
    return "; ".join(f"{one.subject} ({one.origin})" if one.origin else one.subject for one in many)


# So many signatures are verified for one chain, which takes about a second. Real ones take a dozen.
SIGNATURES = 5000


# -- the search -------------------------------------------------------------------------------------------------------


def solve(
    leaf: Certificate,
    candidates: collections.abc.Iterable[Certificate],
    anchors: collections.abc.Iterable[Certificate],
    now: datetime.datetime,
    purposes: collections.abc.Iterable[str] = ("server",),
) -> Chain:
    """The best path from leaf: trusted and without fault > trusted > complete > longest. The order of the input is of no
    matter.

    candidates: what may stand in between, and roots.
    anchors: what is trusted, usually roots.
    now: a moment with its zone.
    purposes: server, client: what the leaf is wanted for.
    """
    candidates = tuple(dict.fromkeys(candidates))
    trusted = anchors if isinstance(anchors, frozenset) else frozenset(anchors)
    search = _Search(leaf, _Pool(leaf, candidates, trusted), now, tuple(purposes))
    end = search.best(trusted)
    certificates = end.path
    anchor = certificates[-1] if certificates[-1] in trusted else None
    return Chain(
        certificates=certificates,
        anchor=anchor,
        complete=anchor is not None or is_self_signed(certificates[-1]),
        spare=tuple(one for one in candidates if one not in certificates),
        cut=search.left < 0,
    )


class _Pool:
    """All certificates but the leaf, by their subjects."""

    def __init__(self, leaf: Certificate, candidates: collections.abc.Iterable[Certificate], trusted) -> None:
        self._leaf = leaf
        self._indices = (_index(candidates), _index_of_anchors(trusted))

    def named(self, key: object) -> list[Certificate]:
        """Those with this subject, each once."""
        found = dict.fromkeys(itertools.chain.from_iterable(index.get(key, ()) for index in self._indices))
        found.pop(self._leaf, None)
        return list(found)


def _index(certificates: collections.abc.Iterable[Certificate]) -> dict[object, list[Certificate]]:
    found: dict[object, list[Certificate]] = {}
    for certificate in certificates:
        found.setdefault(subject_key(certificate), []).append(certificate)
    return found


# The trust store of a system is the same for many bundles.
_index_of_anchors = functools.lru_cache(maxsize=4)(_index)


@dataclasses.dataclass(frozen=True)
class _Step:
    """A certificate that was reached, and the cheapest way to it.

    cost: faults, links that only lenient verifiers follow, length, and then what makes it one of a kind.
    depth: authorities below it that are not self-issued (RFC 5280 4.2.1.9).
    """

    path: tuple[Certificate, ...]
    cost: tuple
    depth: int


def _rank(step: _Step, trusted) -> tuple:
    last, (faults, unsure, length, kind) = step.path[-1], step.cost
    root = is_self_signed(last)
    if last in trusted:
        return (1 if faults else 0, faults, not root, unsure, length, kind)
    if root:
        return (2, faults, False, unsure, length, kind)
    return (3, -length, False, faults, unsure, kind)


class _Search:
    """The cheapest ways from a leaf to whatever can be reached.

    left: how many signatures may still be verified; below 0 the search was cut short.
    """

    def __init__(
        self, leaf: Certificate, pool: _Pool, now: datetime.datetime, purposes: tuple[str, ...], left: int | None = None
    ) -> None:
        self._leaf, self._pool, self._now, self._purposes = leaf, pool, now, purposes
        self.left = SIGNATURES if left is None else left

    def best(self, trusted) -> _Step:
        start = _Step((self._leaf,), (0, 0, 1, ()), 0)
        waiting, numbers = [(start.cost, 0, start)], itertools.count(1)
        reached: dict[Certificate, _Step] = {}
        while waiting:
            _cost, _number, step = heapq.heappop(waiting)
            last = step.path[-1]
            if last in reached:
                continue
            reached[last] = step
            if is_self_signed(last):
                continue
            for issuer, unknown, unsure in self._issuers(last):
                if issuer not in reached:
                    further = self._extend(step, issuer, unknown, unsure)
                    heapq.heappush(waiting, (further.cost, next(numbers), further))
        return min(reached.values(), key=lambda step: _rank(step, trusted))

    def _extend(self, step: _Step, issuer: Certificate, unknown: bool, unsure: bool) -> _Step:
        faults, lenient, length, kind = step.cost
        faults += self._faults(issuer, step) + unknown
        kind = (*kind, (-issuer.not_after.timestamp(), issuer.fingerprint))
        depth = step.depth + (0 if is_self_issued(issuer) else 1)
        return _Step((*step.path, issuer), (faults, lenient + unsure, length + 1, kind), depth)

    def _faults(self, issuer: Certificate, step: _Step) -> int:
        """How many reasons a verifier has to refuse this authority here."""
        faults = 0 if issuer.not_before <= self._now <= issuer.not_after else 1
        basic = issuer.extension(x509.BasicConstraints)
        length = basic.value.path_length if basic is not None and basic.value.ca else -1
        if length is not None and length < step.depth:
            faults += 1
        usage = issuer.extension(x509.KeyUsage)
        if usage is not None and not usage.value.key_cert_sign:
            faults += 1
        if constraints.violations(issuer, constrained(step.path)):
            faults += 1
        if not is_self_signed(issuer) and signature.hash_name(issuer) in signature.WEAK_HASHES:
            faults += 1
        if authority.excluded(issuer, self._purposes):
            faults += 1
        return faults + bool(authority.unhandled(issuer)) + authority.is_weak(issuer)

    def _issuers(self, child: Certificate) -> list[tuple[Certificate, bool, bool]]:
        """Who signed it, each with whether the signature cannot be verified, and whether that is less than sure: then, or
        when identifiers of the key do not agree (OpenSSL does not follow those)."""
        namesakes = self._pool.named(issuer_key(child))
        if len(namesakes) > 1:  # those first that it probably means: one signature fits one key only
            namesakes = sorted(namesakes, key=lambda issuer: not identifiers_agree(child, issuer))
        found, verdicts, signer = [], {}, None
        for issuer in namesakes:
            spki = issuer.spki
            if spki not in verdicts:
                verdicts[spki] = self._verified(child, issuer) if signer is None else signature.BAD
            if verdicts[spki] == signature.GOOD:
                signer = spki
            if verdicts[spki] != signature.BAD:
                unknown = verdicts[spki] == signature.UNKNOWN
                found.append((issuer, unknown, unknown or not identifiers_agree(child, issuer)))
        return found

    def _verified(self, child: Certificate, issuer: Certificate) -> str:
        self.left = max(self.left - 1, -1)
        return signature.BAD if self.left < 0 else signature.verify(child, issuer).result


def constrained(path: collections.abc.Sequence[Certificate]) -> list[Certificate]:
    """Those of a path, leaf first, that are held to name constraints above: of the self-issued ones only the leaf (RFC 5280
    6.1.3)."""
    return [one for index, one in enumerate(path) if not index or not is_self_issued(one)]


# -- what one certificate says about another --------------------------------------------------------------------------


@functools.lru_cache(maxsize=4096)
def subject_key(certificate: Certificate) -> object:
    """The subject in a form in which equal names are equal (RFC 5280 7.1)."""
    return same_name_key(certificate.parsed.subject)


@functools.lru_cache(maxsize=4096)
def issuer_key(certificate: Certificate) -> object:
    """The same for the issuer."""
    return same_name_key(certificate.parsed.issuer)


def is_self_issued(certificate: Certificate) -> bool:
    """Whether subject and issuer are the same name (RFC 5280 6.1); a root is self-issued and self-signed."""
    return subject_key(certificate) == issuer_key(certificate)


@functools.lru_cache(maxsize=4096)
def is_self_signed(certificate: Certificate) -> bool:
    """Whether it is signed by its own key: a root, or a certificate that nobody vouches for."""
    if not is_self_issued(certificate):
        return False
    return signature.verify(certificate, certificate).result != signature.BAD


@functools.lru_cache(maxsize=4096)
def _own_identifier(certificate: Certificate) -> bytes | None:
    extension = certificate.extension(x509.SubjectKeyIdentifier)
    return None if extension is None else extension.value.digest


def identifiers_agree(child: Certificate, issuer: Certificate) -> bool:
    """Whether the child's authority key identifier, as far as it says something, names this issuer (RFC 5280 4.2.1.1)."""
    extension = child.extension(x509.AuthorityKeyIdentifier)
    if extension is None:
        return True
    said = extension.value
    own = _own_identifier(issuer)
    if said.key_identifier is not None and own is not None and own != said.key_identifier:
        return False
    if said.authority_cert_serial_number is not None and said.authority_cert_serial_number != issuer.serial:
        return False
    names = [name.value for name in said.authority_cert_issuer or () if isinstance(name, x509.DirectoryName)]
    return not names or same_name_key(names[0]) == issuer_key(issuer)
