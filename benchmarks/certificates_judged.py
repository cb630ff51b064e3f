"""Bundles judged in this process, by us and by community.crypto, and how long both took.

The peer is its two modules as they are, with something in place of AnsibleModule that takes and gives what a task does. What
starting a module costs is in neither side; certificates_tasks.py measures whole tasks.
"""

from __future__ import annotations

import collections
import contextlib
import datetime
import resource
import sys
import time
from collections.abc import Iterable, Iterator

from certificates_made import CHAIN, NAMES, VALIDITY, Bundle

from ansible_collections.community.crypto.plugins.modules import (
    certificate_complete_chain,
    openssl_privatekey_info,
    x509_certificate_info,
)
from ansible_collections.onprem.chat.plugins.module_utils._x509 import chain, policy
from ansible_collections.onprem.chat.plugins.module_utils._x509.judge import judge
from ansible_collections.onprem.chat.plugins.module_utils._x509.parse import read, read_paths

Seconds = dict[str, dict[str, float]]
_WORDS = {
    "certificate.chain.trust": CHAIN,
    "certificate.validity": VALIDITY,
    "certificate.not_before": VALIDITY,
    "certificate.names": NAMES,
}
# Whatever our code remembers from bundle to bundle.
_CACHES = [
    value
    for name, module in tuple(sys.modules.items())
    if ".chat.plugins.module_utils._x509" in name
    for value in vars(module).values()
    if hasattr(value, "cache_clear")
]


class Watch:
    """Adds up how long each part took: on the clock, and of the processor in the user's code."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = collections.defaultdict(float)
        self.user: dict[str, float] = collections.defaultdict(float)

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        wall, user = time.perf_counter(), _user()
        yield
        self.wall[name] += time.perf_counter() - wall
        self.user[name] += _user() - user


def _user() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


# -- ours -------------------------------------------------------------------------------------------------------------


def ours(bundle: Bundle, with_key: bool = False) -> frozenset[str]:
    """What certificate_bundle does between its options and its files."""
    now = datetime.datetime.now(datetime.UTC)
    material = read(bundle.file.read_bytes(), str(bundle.file))
    if with_key:
        material.add(read_paths([bundle.key]))
    candidates = [*material.certificates, *read_paths(bundle.candidates).certificates]
    anchors = read_paths([bundle.root]).certificates
    path = chain.solve(chain.pick_leaf(material), candidates, anchors, now)
    presented = path.certificates[:-1] if path.root else path.certificates
    wanted = policy.wanted("server", dns=[bundle.host], trust="given")
    key = material.keys[0] if with_key else None
    checks = judge(presented, wanted, anchors, now, bundle.host, key, candidates)
    return faults_of_checks((check.id, check.status) for check in checks)


def faults_of_checks(checks: Iterable[tuple[str, str]]) -> frozenset[str]:
    """What failed, in the words of Bundle.faults, from ids and statuses; what the peer cannot answer stays as it is."""
    return frozenset(_WORDS.get(id_, id_) for id_, status in checks if status == "fail")


# -- the peer ---------------------------------------------------------------------------------------------------------


class _Ended(BaseException):
    """A module is done. No Exception, or it would be caught where SystemExit is not."""

    def __init__(self, **result: object) -> None:
        self.result = result


class Stand:
    """In place of AnsibleModule: takes ``options`` for granted and raises the answer."""

    check_mode = False
    options: dict = {}

    def __init__(self, argument_spec: dict, **_more: object) -> None:
        self.params = {name: option.get("default") for name, option in argument_spec.items()} | self.options

    def warn(self, _text: str) -> None:
        pass

    def exit_json(self, **result: object) -> None:
        raise _Ended(**result)

    def fail_json(self, **result: object) -> None:
        raise _Ended(**result, failed=True)


def run(module, **options: object) -> dict:
    """What the main() of a module answers to these options; ``failed`` is in it when it failed."""
    module.AnsibleModule, Stand.options = Stand, options
    try:
        module.main()
    except _Ended as ended:
        return ended.result
    raise RuntimeError(f"{module.__name__} ended without an answer")


def peer(bundle: Bundle, watch: Watch) -> frozenset[str]:
    """The chain completed, each certificate of it looked at; of a chain that cannot be completed the leaf."""
    delivered = bundle.file.read_text()
    with watch.part("peer chain"):
        completed = run(
            certificate_complete_chain,
            input_chain=delivered,
            intermediate_certificates=[str(path) for path in bundle.candidates],
            root_certificates=[str(bundle.root)],
        )
    links = completed.get("complete_chain", [delivered])
    with watch.part("peer leaf"):
        seen = [_information(links[0])]
    with watch.part("peer other links"):
        seen += [_information(pem) for pem in links[1:]]
    with watch.part("peer key"):
        key = run(openssl_privatekey_info, path=str(bundle.key))
    if key.get("public_key") != seen[0]["public_key"]:
        sys.exit(f"bench certificates: openssl_privatekey_info: {key.get('msg', 'another key')}")
    return faults_of_peer(bundle, completed, seen)


def _information(pem: str) -> dict:
    return run(x509_certificate_info, content=pem, valid_at={"now": "+0s"})


def faults_of_peer(bundle: Bundle, completed: dict, seen: list[dict]) -> frozenset[str]:
    """The same words, for what two modules say; seen: the leaf first."""
    found = set()
    if "complete_chain" not in completed:
        found.add(CHAIN)
    if not all(one["valid_at"]["now"] for one in seen):
        found.add(VALIDITY)
    if f"DNS:{bundle.host}" not in (seen[0]["subject_alt_name"] or ()):
        found.add(NAMES)
    return frozenset(found)


# -- side by side -----------------------------------------------------------------------------------------------------


def expect(who: str, bundle: Bundle, faults: frozenset[str]) -> None:
    """End the benchmark for a wrong verdict: nobody shall be fast by not working."""
    if faults != bundle.faults:
        sys.exit(
            f"bench certificates: {who} says {sorted(faults) or 'good'} of a bundle of the kind {bundle.kind}, "
            f"and {sorted(bundle.faults) or 'good'} is right"
        )


def one_round(bundles: list[Bundle]) -> Seconds:
    """Seconds of each part for all bundles, and the processor's.

    The sides take turns at every bundle. Ours forgets between two bundles what a new process would not know; in the last part it
    remembers.
    """
    watch = Watch()
    for bundle in bundles:
        for part, with_key in (("ours", False), ("ours with key", True)):
            for cache in _CACHES:
                cache.cache_clear()
            with watch.part(part):
                faults = ours(bundle, with_key)
            expect("onprem.chat", bundle, faults)
        expect("community.crypto", bundle, peer(bundle, watch))
    for bundle in bundles:
        with watch.part("ours, one process"):
            faults = ours(bundle)
        expect("onprem.chat", bundle, faults)
    return {"wall": dict(watch.wall), "user": dict(watch.user)}


def trapped(traps: list[Bundle]) -> dict[str, str]:
    """Of each kind of trap, how many the peer judges right; ours must be right about all."""
    right, asked = collections.Counter(), collections.Counter()
    for bundle in traps:
        expect("onprem.chat", bundle, ours(bundle))
        asked[bundle.kind] += 1
        right[bundle.kind] += peer(bundle, Watch()) == bundle.faults
    return {kind: f"{right[kind]} of {number}" for kind, number in asked.items()}
