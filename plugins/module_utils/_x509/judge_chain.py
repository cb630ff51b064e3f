# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Questions about the chain: who signed whom, may they, where it ends, and how it is presented."""

from __future__ import annotations

import collections

from . import constraints, signature
from .certificate import Certificate
from .chain import (
    SIGNATURES,
    constrained,
    identifiers_agree,
    is_authority,
    is_self_issued,
    is_self_signed,
    issuer_key,
    subject_key,
)
from .judge_case import Answer, Case, counted, day
from .lib import x509
from .names import covers

_LOOK = "Look yourself: openssl verify -CAfile ROOT -untrusted INTERMEDIATES LEAF"

# -- signatures -------------------------------------------------------------------------------------------------------


def signatures(case: Case) -> tuple[str, str, str]:
    """Every link is signed with a hash that counts, and identifiers of keys agree. A root's own signature is of no use."""
    answer, used, unverified = Answer(), [], []
    for child, issuer in case.links:
        verdict = signature.verify(child, issuer)
        if verdict.result == signature.UNKNOWN:
            unverified.append(child)
            answer.warn(
                f"{case.who(child)}: {verdict.reason}",
                _LOOK,
            )
        if not identifiers_agree(child, issuer):
            answer.fail(
                f"{case.who(child)} names another key as its signer's than that of {case.who(issuer)} (authority key "
                "identifier)",
                "OpenSSL does not find the issuer then. Did the CA renew its certificate with another identifier or serial "
                "number? Ask it for a leaf that was issued after that.",
            )
    end = case.path.certificates[-1]
    if is_self_signed(end) and not identifiers_agree(end, end):
        answer.fail(
            f"{case.who(end)} is self-signed, but its authority key identifier is another key's",
            "OpenSSL does not take it for a root then. The CA must renew it.",
        )
    for certificate in case.path.certificates:
        name = signature.hash_name(certificate)
        if len(case.path.certificates) > 1 and is_self_signed(certificate):
            continue  # RFC 5280 6.1: the signature of a trust anchor is not looked at
        used.append(signature.algorithm(certificate))
        if name in signature.WEAK_HASHES:
            answer.fail(
                f"{case.who(certificate)} is signed with {signature.WEAK_HASHES[name]}",
                "Clients have refused that since 2017. The CA must sign anew, with SHA-256 or better.",
            )
        elif name is None and certificate not in unverified:
            answer.warn(
                f"{case.who(certificate)}: {used[-1]} is unknown here", "Most clients will not know it, either."
            )
    return answer.told(", ".join(dict.fromkeys(used)))


# -- authorities ------------------------------------------------------------------------------------------------------


def authorities(case: Case) -> tuple[str, str, str]:
    """Who signed was allowed to: basic constraints, key usage, path length, name constraints."""
    answer, depth, told = Answer(), 0, []
    chain = case.path.certificates
    for index, certificate in enumerate(chain[1:], start=1):
        _may_sign(case, certificate, depth, answer)
        for violation in constraints.violations(certificate, constrained(chain[:index]), _by_wildcard(case)):
            answer.fail(
                f"{case.who(certificate)} has name constraints: {violation}",
                "This CA may not certify that name. Ask for a certificate from one that may, or leave the name out.",
            )
        if certificate.extension(x509.NameConstraints) is not None:
            told.append(f"within the name constraints of {certificate.subject}")
        depth += 0 if is_self_issued(certificate) else 1
    number = counted(len(chain) - 1, "authority", "authorities") if len(chain) > 1 else "no authority"
    return answer.told("; ".join([f"{number} above it", *told]))


def _may_sign(case: Case, certificate: Certificate, depth: int, answer: Answer) -> None:
    who = case.who(certificate)
    other = "Ask the CA for the intermediate certificate that belongs to this leaf."
    basic = certificate.extension(x509.BasicConstraints)
    if certificate.parsed.version == x509.Version.v1 and is_self_signed(certificate) and certificate in case.anchors:
        answer.warn(
            f"{who} does not say that it is a CA's (version 1)",
            "Some clients take such an old root when it is trusted, others do not. The CA should renew its root.",
        )
    elif basic is None or not basic.value.ca:
        answer.fail(f"{who} is no CA's (no CA:TRUE), but signed another", f"Nobody trusts what it signs. {other}")
    elif basic.value.path_length is not None and basic.value.path_length < depth:
        answer.fail(
            f"{who} allows {counted(basic.value.path_length, 'authority', 'authorities')} below it (path length), there "
            f"{'is' if depth == 1 else 'are'} {depth}",
            "Is there an intermediate too many? The CA must issue from one that is allowed to.",
        )
    usage = certificate.extension(x509.KeyUsage)
    if usage is not None and not usage.value.key_cert_sign:
        answer.fail(
            f"{who} lacks the key usage keyCertSign, but signed another", f"Nobody trusts what it signs. {other}"
        )


def _by_wildcard(case: Case) -> list[str]:
    """Names that users connect with and that only a wildcard covers: verifiers hold those to the constraints, too."""
    found = case.names
    return [
        name
        for name in (*case.wanted.dns, *case.wanted.xmpp_domains)
        if not name.startswith("*.") and name not in found.dns and covers(found, name)
    ]


# -- where it ends ----------------------------------------------------------------------------------------------------


def trust(case: Case) -> tuple[str, str, str]:
    """The chain as presented leads to something that is trusted."""
    answer, path = Answer(), case.path
    last = path.certificates[-1]
    unsent = [one for one in path.certificates if one not in case.presented and one not in case.anchors]
    unsent = [one for one in unsent if not is_self_signed(one)]
    if unsent:
        answer.fail(
            f"the chain lacks {', '.join(case.who(one) for one in unsent)}",
            "Clients cannot know it: add it after the leaf.",
        )
    for child, issuer in case.links:
        if signature.verify(child, issuer).result == signature.UNKNOWN:
            answer.fail(f"it cannot be told who signed {case.who(child)}: its signature cannot be verified here", _LOOK)
    if path.cut and path.anchor is None:
        answer.fail(
            f"the search for a chain ended after {SIGNATURES} signatures, there are too many certificates of one name",
            "Leave out those that do not belong to this chain.",
        )
    elif not path.complete:
        _incomplete(case, last, answer)
    elif path.anchor is None:
        _not_trusted(case, last, answer)
    elif not is_self_signed(last):
        answer.warn(
            f"it ends in {case.who(last)}, which is trusted but no root",
            "OpenSSL refuses that without the option -partial_chain. Trust the root instead.",
        )
    place = f" ({last.origin})" if last.origin else ""
    return answer.told(f"it ends in {last.subject}{place}, which is trusted")


def _incomplete(case: Case, last: Certificate, answer: Answer) -> None:
    namesakes = [
        one for one in dict.fromkeys((*case.path.spare, *case.anchors)) if subject_key(one) == issuer_key(last)
    ]
    if namesakes and namesakes != [last]:
        named = ", ".join(case.who(one) for one in namesakes)
        if not signature.is_known(last):
            answer.fail(
                f"it cannot be told who signed {case.who(last)}, it names {named}: {signature.algorithm(last)} does not exist",
                "No CA signs like this: is it a forgery, or damaged? Ask the CA for the certificate.",
            )
            return
        answer.fail(
            f"{case.who(last)} was not signed by {named}: same name, another key",
            "Did the CA renew its key, or is it another CA of the same name? Ask for the certificate of the one that signed "
            "it.",
        )
        return
    hint = "Add the intermediate certificate that the CA delivers with it"
    places = issuer_urls(last)
    hint += f"; it says that it is at {', '.join(places)}." if places else "."
    if last.issuer != "(no issuer)" and len(case.path.certificates) > 1:
        hint = (
            "Is it the root that is missing? Have it added to what is trusted"
            + (f"; it says that it is at {', '.join(places)}." if places else ".")
            + " Otherwise add the intermediate that is missing."
        )
    answer.fail(f"the issuer of {case.who(last)} is missing: {last.issuer}", hint)


def _not_trusted(case: Case, last: Certificate, answer: Answer) -> None:
    namesakes = [one for one in case.anchors if subject_key(one) == subject_key(last)]
    if last == case.leaf:
        answer.fail(
            f"{case.who(last)} is self-signed and not trusted",
            "No client trusts it by itself. Have one issued by a CA that the clients trust.",
        )
    elif case.wanted.trust == "given":
        also = ". A root of this name is trusted, but it has another key" if namesakes else ""
        answer.fail(
            f"it ends in {case.who(last)}, which is not among what is trusted ("
            f"{counted(len(case.anchors), 'certificate')}){also}",
            "Is it from another CA than you think, or is the trust anchor an old one?",
        )
    elif last in case.presented:
        answer.warn(
            f"it ends in {case.who(last)}, which the trust store of this host does not know",
            "Is it the root of your own CA, and do all clients trust it? Distribute it to them; name it as a trust anchor to "
            "have this proven.",
        )
    else:
        answer.fail(
            f"it ends in {case.who(last)}, which is neither delivered nor trusted",
            "Is it the root of your own CA? Deliver it with the bundle, or name it as a trust anchor.",
        )


def issuer_urls(certificate: Certificate) -> list[str]:
    """Where a certificate says that its issuer's is (authority information access)."""
    extension = certificate.extension(x509.AuthorityInformationAccess)
    if extension is None:
        return []
    return [
        access.access_location.value
        for access in extension.value
        if access.access_method == x509.AuthorityInformationAccessOID.CA_ISSUERS
        and isinstance(access.access_location, x509.UniformResourceIdentifier)
    ]


# -- how it is presented ----------------------------------------------------------------------------------------------


def order(case: Case) -> tuple[str, str, str]:
    """The leaf is first, and each of the others signed the one before it."""
    answer, presented = Answer(), list(dict.fromkeys(case.presented))
    in_chain = [one for one in presented if one in case.path.certificates]
    right = [one for one in case.path.certificates if one in presented]
    seen = ", ".join(_short(one) for one in in_chain)
    if presented[0] != case.leaf:
        answer.fail(
            f"{case.who(case.leaf)} is not first, but {case.who(presented[0])} is",
            "Servers take the first one for their own, and do not start when the key does not match. Put the leaf first.",
        )
    elif in_chain != right:
        wanted = ", ".join(_short(one) for one in right)
        (answer.fail if case.wanted.order == "strict" else answer.warn)(
            f"the order is {seen}",
            f"The order must be {wanted}: some servers send it as it stands, and old clients refuse.",
        )
    elif len(in_chain) < len(presented) and case.wanted.order == "strict":
        places = [presented.index(one) for one in in_chain]
        if places != list(range(len(places))):
            answer.fail("certificates of no use stand between those of the chain", "Leave them out.")
    return answer.told(f"leaf first, then each one's issuer: {seen}")


def _short(certificate: Certificate) -> str:
    common = certificate.parsed.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(common[0].value) if common else certificate.subject


def root(case: Case) -> tuple[str, str, str]:
    """The root is there, or left out, as the product wants it."""
    answer, wanted, end = Answer(), case.wanted.root, case.path.root
    roots = [one for one in case.presented if is_self_signed(one) and one != case.leaf]
    there = next((one for one in roots if end is not None and _twins(one, end)), None)
    if wanted == "include" and there is None:
        known = f": {end.subject}" if end is not None else ""
        answer.fail(
            f"the root is not there{known}",
            "The product wants the whole chain, leaf, intermediates and root, in one file. Add the root at the end.",
        )
    elif wanted == "exclude" and roots:
        answer.warn(
            f"{', '.join(case.who(one) for one in roots)} is there, too",
            "Clients do not need it, they have it or do not trust it. Leave it out.",
        )
    if there is not None:
        return answer.told(f"the root is there: {there.subject}")
    return answer.told("the root is left out, as clients have it")


def _twins(one: Certificate, other: Certificate) -> bool:
    """Two certificates of the same authority: same name, same key."""
    return one == other or (subject_key(one) == subject_key(other) and one.spki == other.spki)


def extra(case: Case) -> tuple[str, str, str]:
    """Nothing is there twice, and nothing that does not belong to the chain."""
    answer = Answer()
    counts = {one: case.presented.count(one) for one in case.presented}
    for certificate, number in counts.items():
        if number > 1:
            answer.warn(f"{case.who(certificate)} is there {number} times", "Once is enough.")
    others = [one for one in counts if one not in case.path.certificates]
    related = _related(case, others)
    for certificate in others:
        if certificate in related and certificate.not_after < case.now:
            answer.warn(
                f"{case.who(certificate)} expired on {day(certificate.not_after)}; the chain does not need it",
                "Leave it out: some clients follow it and fail.",
            )
        elif certificate not in related:
            kind = "an authority of another chain" if is_authority(certificate) else "no part of the chain"
            answer.warn(f"{case.who(certificate)} is {kind}", "Leave it out.")
    also = f"; also cross-signed: {', '.join(_short(one) for one in related)}" if related else ""
    return answer.told(f"nothing foreign, nothing twice{also}")


def _related(case: Case, others: list[Certificate]) -> list[Certificate]:
    """Those that are another way up: they signed one of the chain, or one that did, or are the same authority's."""
    known, found = list(case.path.certificates), []
    waiting, looks = [one for one in others if is_authority(one)], 0
    while True:
        names = collections.Counter(issuer_key(one) for one in known)
        looks += sum(names[subject_key(one)] for one in waiting)
        if looks > SIGNATURES:  # beyond that nobody reads how they are related
            return found
        more = [one for one in waiting if any(_twins(one, other) or _signed(other, one) for other in known)]
        if not more:
            return found
        found += more
        known = more
        waiting = [one for one in waiting if one not in more]


def _signed(child: Certificate, issuer: Certificate) -> bool:
    return issuer_key(child) == subject_key(issuer) and signature.verify(child, issuer).result == signature.GOOD
