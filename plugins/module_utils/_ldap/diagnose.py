# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Staged diagnosis of a directory server: name, port, TLS, bind, base, filter, users, group.

Knows no library: the network stages and the session are handed in, so that tests can script them.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._checks import FAIL, PASS, WARN, Checks
from ansible_collections.onprem.chat.plugins.module_utils._ldap import account, errors, names, primary
from ansible_collections.onprem.chat.plugins.module_utils._ldap import probe as network_probe
from ansible_collections.onprem.chat.plugins.module_utils._ldap.session import (
    BASE,
    BadFilter,
    Entry,
    Refused,
    Session,
    SessionLost,
    escape_filter,
)

MANY_MEMBERS = 1500  # MaxValRange of Active Directory
EXPIRY_WARNING_DAYS = 30
STAGES = ("ldap.dns", "ldap.tcp", "ldap.tls", "ldap.bind", "ldap.base", "ldap.filter", "ldap.user", "ldap.group")
LOST_HINT = "The server closed the connection or did not answer in time. See its log; raise timeout, of a search search_timeout."


@dataclasses.dataclass(frozen=True)
class Question:
    """What is asked of every server."""

    servers: list[str]
    port: int
    encryption: str
    base: str
    filter: str
    uid_attribute: str = "mail"
    ca_path: str | None = None
    bind_dn: str | None = None
    bind_password: str | None = dataclasses.field(default=None, repr=False)
    users: list[str] = dataclasses.field(default_factory=list)
    group: str | None = None
    domain: str | None = None
    timeout: float = 5.0
    search_timeout: float = 120.0


class _Stop(Exception):
    """The check is written; the stages above it cannot be asked."""


class _Server:
    def __init__(self, question: Question, host: str, checks: Checks, network: t.Any, sessions: t.Any, now: float):
        self.question = question
        self.host = host
        self.where = f"{host}:{question.port}"
        self.checks = checks
        self.network = network
        self.session = sessions(
            host, question.port, question.encryption, question.ca_path, question.timeout, question.search_timeout
        )
        self.now = now
        self.addresses: list[str] = []
        self.allowed: set[str] | None = None
        self.refused_by = ""  # the server that refused these credentials, this one or one before

    # -- order ---------------------------------------------------------------------------------------------------

    def run(self) -> None:
        stages = {"ldap.dns": self.dns, "ldap.tcp": self.tcp, "ldap.tls": self.tls, "ldap.bind": self.bind}
        try:
            for stage, ask in stages.items():
                try:
                    ask()
                except _Stop:
                    self.skip_after(stage)
                    return
            self.ask_directory()
        finally:
            self.session.close()

    def ask_directory(self) -> None:
        """Base, filter, users and group do not depend on each other's answer, only on that of the base."""
        try:
            self.base()
        except _Stop:
            self.skip_after("ldap.base", keep=("ldap.group",))
        else:
            self.guarded("ldap.filter", self.question.base, self.filter)
            for user in self.question.users:
                self.guarded("ldap.user", user, self.user, user)
        if self.question.group:
            self.guarded("ldap.group", self.question.group, self.group)

    def guarded(self, stage: str, subject: str, ask: t.Callable[..., None], *arguments: t.Any) -> None:
        try:
            ask(*arguments)
        except SessionLost as error:
            self.fail(stage, self.on(subject), f"no usable answer: {errors.one_line(str(error))}", LOST_HINT)
        except Refused as error:
            self.fail(stage, self.on(subject), *self.refusal(error, self.question.base))
        except _Stop:
            pass

    def skip_after(self, stage: str, keep: tuple[str, ...] = ()) -> None:
        blamed = self.refused_by if stage == "ldap.bind" and self.refused_by else self.where
        reason = f"not asked because {stage} failed for {blamed}"
        for later in STAGES[STAGES.index(stage) + 1 :]:
            if later in keep:
                continue
            if later == "ldap.user":
                for user in self.question.users:
                    self.checks.skipped(later, self.on(user), reason)
            elif later == "ldap.group":
                if self.question.group:
                    self.checks.skipped(later, self.on(self.question.group), reason)
            elif later in ("ldap.base", "ldap.filter"):
                self.checks.skipped(later, self.on(self.question.base), reason)
            else:
                self.checks.skipped(later, self.where, reason)

    # -- words ---------------------------------------------------------------------------------------------------

    def on(self, subject: str) -> str:
        return f"{subject} on {self.host}"

    def fail(self, id: str, subject: str, evidence: str, hint: str) -> None:
        self.checks.failed(id, subject, evidence, hint)

    @staticmethod
    def refusal(error: Refused, base: str) -> tuple[str, str]:
        return errors.explain_search(error.code, error.description, error.message, base, error.matched)

    # -- below LDAP ----------------------------------------------------------------------------------------------

    def dns(self) -> None:
        if self.network.is_address(self.host):
            self.addresses = [self.host]
            self.checks.passed("ldap.dns", self.host, "is an address, nothing to resolve")
            return
        try:
            self.addresses = self.network.resolve(self.host, self.question.port)
        except network_probe.ProbeError as error:
            self.fail("ldap.dns", self.host, error.evidence, error.hint)
            raise _Stop from error
        self.checks.passed("ldap.dns", self.host, ", ".join(self.addresses))

    def tcp(self) -> None:
        answering, refusals = [], []
        for address in self.addresses:
            try:
                self.network.connect(address, self.question.port, self.question.timeout).close()
                answering.append(address)
            except network_probe.ProbeError as error:
                refusals.append(error)
        if not answering:
            evidence = "; ".join(error.evidence for error in refusals)
            self.fail("ldap.tcp", self.where, evidence, refusals[0].hint)
            raise _Stop
        if refusals:
            evidence = f"{', '.join(answering)} answers, but " + "; ".join(error.evidence for error in refusals)
            self.checks.warned("ldap.tcp", self.where, evidence, refusals[0].hint)
        else:
            self.checks.passed("ldap.tcp", self.where, f"{', '.join(answering)} answers")
        self.addresses = answering

    def tls(self) -> None:
        question = self.question
        if question.encryption == "none":
            self.checks.warned(
                "ldap.tls",
                self.where,
                "not encrypted: encryption is none, so the bind password is readable on the network",
                "Use encryption ldaps or starttls.",
            )
            return
        try:
            for address in self.addresses:
                view = self.network.verified_tls(
                    self.host, address, question.port, question.encryption, question.ca_path, question.timeout
                )
        except network_probe.ProbeError as error:
            self.fail("ldap.tls", self.where, error.evidence, error.hint)
            raise _Stop from error
        evidence = f"{view.version}, trusted and for {self.host}, {view.certificate.summary(self.now)}"
        ends = view.certificate.not_after
        if ends is not None and ends - self.now < EXPIRY_WARNING_DAYS * 86400:
            self.checks.warned("ldap.tls", self.where, evidence, "Renew the domain controller's certificate soon.")
        else:
            self.checks.passed("ldap.tls", self.where, evidence)

    # -- LDAP ----------------------------------------------------------------------------------------------------

    def bind(self) -> None:
        question = self.question
        who = question.bind_dn or "anonymous"
        if question.bind_dn and not question.bind_password:
            self.fail(
                "ldap.bind",
                self.where,
                f"{who}: the password is empty",
                "Is the vaulted variable of the bind password set, and decrypted with the right vault password?",
            )
            raise _Stop
        if self.refused_by:
            # All domain controllers of a domain count wrong passwords together.
            self.checks.skipped(
                "ldap.bind",
                self.where,
                f"{who}: not tried because {self.refused_by} refused it, and several wrong attempts lock an account",
            )
            raise _Stop
        try:
            answer = self.session.bind(question.bind_dn, question.bind_password)
        except SessionLost as error:
            self.fail("ldap.bind", self.where, f"{who}: no usable answer: {errors.one_line(str(error))}", LOST_HINT)
            raise _Stop from error
        if answer.code != errors.SUCCESS:
            if answer.code == errors.INVALID_CREDENTIALS:
                self.refused_by = self.where
            evidence, hint = errors.explain_bind(answer.code, answer.description, answer.message)
            self.fail("ldap.bind", self.where, f"{who}: {evidence}", hint)
            raise _Stop
        self.checks.passed("ldap.bind", self.where, f"bound as {who} ({question.encryption})")

    def base(self) -> None:
        subject = self.on(self.question.base)
        try:
            found = list(self.session.search(self.question.base, "(objectClass=*)", BASE))
        except SessionLost as error:
            self.fail("ldap.base", subject, f"no usable answer: {errors.one_line(str(error))}", LOST_HINT)
            raise _Stop from error
        except Refused as error:
            self.fail("ldap.base", subject, *self.refusal(error, self.question.base))
            raise _Stop from error
        if not found:
            self.fail(
                "ldap.base", subject, "the server shows no such entry", "May the bind account read this part at all?"
            )
            raise _Stop
        self.checks.passed("ldap.base", subject, "exists")

    def filter(self) -> None:
        question, subject = self.question, self.on(self.question.base)
        owners: dict[str, list[str]] = {}
        allowed, found = set(), []
        try:
            for entry in self.session.search(question.base, question.filter, attributes=[question.uid_attribute]):
                allowed.add(entry.dn.casefold())
                values = entry.get(question.uid_attribute)
                found.append(values)
                for value in values:
                    owners.setdefault(value.casefold(), []).append(entry.dn)
        except BadFilter as error:
            self.fail(
                "ldap.filter",
                subject,
                f"{question.filter} is no LDAP filter: {errors.one_line(str(error))}",
                "Count the brackets; write \\28 and \\29 for brackets inside a value.",
            )
            return
        self.allowed = allowed
        named = [values for values in found if values]
        unnamed = len(found) - len(named)
        names.matches(self.checks, subject, question.filter, question.uid_attribute, len(allowed), unnamed)
        names.collisions(self.checks, owners, question.uid_attribute, self.host, question.domain)
        if question.domain:
            names.without_address(self.checks, subject, named, question.uid_attribute, question.domain)

    def user(self, user: str) -> None:
        question, subject = self.question, self.on(user)
        if question.domain and not names.is_address(
            self.checks, subject, user, question.uid_attribute, question.domain
        ):
            return
        wanted = f"({question.uid_attribute}={escape_filter(user)})"
        attributes = [question.uid_attribute, *account.ATTRIBUTES]
        found = list(self.session.search(question.base, wanted, attributes=attributes))
        # Contacts and disabled accounts of the same name disturb nobody: the filter leaves them out of every login.
        meant = [entry for entry in found if self.allowed and entry.dn.casefold() in self.allowed]
        found = meant if len(meant) == 1 else found
        if not found:
            self.fail("ldap.user", subject, f"no entry has {question.uid_attribute}={user}", self.elsewhere(user))
        elif len(found) > 1:
            self.fail(
                "ldap.user",
                subject,
                f"{len(found)} entries have {question.uid_attribute}={user}: "
                + "; ".join(sorted(entry.dn for entry in found)),
                "One name may belong to one account only: correct the attribute of the others.",
            )
        else:
            account.judge(self.checks, subject, found[0], self.now, self.allowed)

    def elsewhere(self, user: str) -> str:
        """Says where the user is when he is not where he was looked for."""
        local = user.partition("@")[0]
        other = f"(|(userPrincipalName={escape_filter(user)})(sAMAccountName={escape_filter(local)}))"
        attribute = self.question.uid_attribute
        near = list(self.session.search(self.question.base, other, attributes=[attribute]))
        if near:
            held = near[0].first(attribute)
            return f"{near[0].dn} may be meant: " + (
                f"its attribute {attribute} is {held}." if held else f"fill its attribute {attribute}."
            )
        return f"Is the name spelt right, is the account below {self.question.base}, and is {attribute} filled?"

    def group(self) -> None:
        group = self.question.group or ""
        subject = self.on(group)
        attributes = ["objectClass", "member"]
        if "=" in group:
            try:
                found = list(self.session.search(group, "(objectClass=*)", BASE, attributes))
            except Refused as error:
                self.fail("ldap.group", subject, *self.refusal(error, group))
                return
        else:
            name = escape_filter(group)
            wanted = f"(&(objectClass=group)(|(sAMAccountName={name})(cn={name})))"
            found = list(self.session.search(self.question.base, wanted, attributes=attributes))
        if len(found) != 1:
            self.fail(
                "ldap.group",
                subject,
                "no such group" if not found else f"{len(found)} groups have this name",
                "Give the group's full distinguished name.",
            )
            return
        classes = {name.lower() for name in found[0].get("objectClass")}
        if not classes & {"group", "groupofnames", "groupofuniquenames"}:
            self.fail("ldap.group", subject, f"{found[0].dn} is no group", "Give the distinguished name of a group.")
            return
        self.members(subject, found[0])

    def members(self, subject: str, entry: Entry) -> None:
        members = entry.get("member")
        if not members:
            self.fail(
                "ldap.group",
                subject,
                "the group has no members",
                "Add the users or groups that may use the service. A primary group such as Domain Users shows none.",
            )
            return
        nested_filter = f"(&(objectClass=group)(memberOf={escape_filter(entry.dn)}))"
        nested = sum(1 for _unused in self.session.search(self.question.base, nested_filter))
        evidence = f"{len(members)} direct members, {nested} of them groups below the base"
        if len(members) > MANY_MEMBERS:
            self.checks.warned(
                "ldap.group",
                subject,
                evidence,
                f"Above {MANY_MEMBERS} members, software that knows no range answers sees an empty group.",
            )
        else:
            self.checks.passed("ldap.group", subject, evidence)
        if self.allowed is not None:
            primary.unseen(self.checks, subject, entry, self.question.base, self.allowed, self.session)


def diagnose(
    question: Question, network: t.Any = network_probe, sessions: t.Any = Session, now: float | None = None
) -> Checks:
    """Asks every server everything that can be asked of it.

    A server that cannot be reached is a warning while another one can: whoever asks the directory goes on to that one.
    Credentials that one server refused are shown to no other.
    """
    answers, refused_by = [], ""
    for host in question.servers:
        answers.append(Checks())
        server = _Server(question, host, answers[-1], network, sessions, time.time() if now is None else now)
        server.refused_by = refused_by
        server.run()
        refused_by = server.refused_by
    found = [check for checks in answers for check in checks]
    reached = any(check.id == "ldap.tcp" and check.status in (PASS, WARN) for check in found)
    everything = Checks()
    for check in found:
        # DNS goes on naming a controller that was taken away without telling the others.
        if reached and check.id in ("ldap.dns", "ldap.tcp") and check.status == FAIL:
            everything.warned(check.id, check.subject, f"{check.evidence}; another server answers", check.hint)
        else:
            everything.add(**check.as_dict())
    return everything
