# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A test instrument, no server: it stands between the module and a real DNS server and misbehaves where it is told.

What it is not told about it hands on, byte by byte. A fault is a text, KIND:NUMBER:ACTION[=VALUE], as in

    update:1:forward,reset        the first update reaches the server, then the connection is reset
    question:*:rcode=SERVFAIL     every question is answered with SERVFAIL and reaches no server

KIND is connection, question, transfer, tkey or update; NUMBER counts messages of this kind, from 1, or is * for all.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import struct
import threading
from typing import ClassVar

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.tsig

LINGER_NOT = struct.pack("ii", 1, 0)


class Gone(Exception):
    """This connection is over."""


def read_message(connection: socket.socket) -> bytes | None:
    """One message, or nothing when the other side has closed."""
    head = connection.recv(2, socket.MSG_WAITALL)
    if len(head) < 2:
        return None
    length = struct.unpack("!H", head)[0]
    data = connection.recv(length, socket.MSG_WAITALL)
    return data if len(data) == length else None


def framed(wire: bytes) -> bytes:
    return struct.pack("!H", len(wire)) + wire


def reset(connection: socket.socket) -> None:
    """Close it so that the other side gets RST."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
    connection.close()


def loosely(wire: bytes) -> dns.message.Message:
    """A message without a look at its signature."""
    return dns.message.from_wire(wire, keyring=False, xfr=True, one_rr_per_rrset=True, ignore_trailing=True)


def kind_of(wire: bytes) -> tuple[str, str]:
    """What a message asks for, and about which name."""
    message = loosely(wire)
    name = message.question[0].name.to_text() if message.question else ""
    if message.opcode() == dns.opcode.UPDATE:
        return "update", name
    kind = message.question[0].rdtype if message.question else None
    return {dns.rdatatype.AXFR: "transfer", dns.rdatatype.TKEY: "tkey"}.get(kind, "question"), name


class Proxy:
    """``keys``: TSIG keys by name, with which it signs answers that it makes or changes, as the server would.

    ``seen``: a pair (kind, name) for each message that came from the module. ``held``: a queue with an entry for each
    message that waits for ``release``.
    """

    def __init__(self, server: tuple[str, int], keys: dict | None = None, port: int = 0) -> None:
        self.server = server
        self.keys = keys or {}
        self.seen: list[tuple[str, str]] = []
        self.reached: list[tuple[str, str]] = []
        self.held: queue.Queue[tuple[str, str]] = queue.Queue()
        self._decisions: queue.Queue[str] = queue.Queue()
        self._faults: list[tuple[str, str, list[str]]] = []
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def told(self, *faults: str) -> None:
        """Forget everything and misbehave like this from now on."""
        with self._lock:
            self._faults = [(*fault.split(":", 2)[:2], fault.split(":", 2)[2].split(",")) for fault in faults]
            for _kind, _number, actions in self._faults:
                for action in actions:
                    if action.partition("=")[0] not in _Conversation.ACTIONS:
                        raise ValueError(f"no such action: {action}")
            self._counts, self.seen, self.reached = {}, [], []
            while not self.held.empty():
                self.held.get()

    def release(self, what: str) -> None:
        """What to do with the message that is held: ``forward``, ``drop`` or any other action."""
        self._decisions.put(what)

    def wait_for_decision(self, message: tuple[str, str]) -> str:
        self.held.put(message)
        return self._decisions.get(timeout=60)

    def actions(self, kind: str, name: str = "") -> list[str]:
        """Count a message and say what to do with it."""
        with self._lock:
            if kind != "connection":
                self.seen.append((kind, name))
            number = self._counts[kind] = self._counts.get(kind, 0) + 1
            for which, when, actions in self._faults:
                if which == kind and when in ("*", str(number)):
                    return actions
        return ["forward"]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            if self.actions("connection") == ["reset"]:
                reset(client)
                continue
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_Conversation(self, client).run, daemon=True).start()


class _Conversation:
    """One connection of the module."""

    ACTIONS: ClassVar = (
        "forward", "drop", "reset", "close", "hold", "rcode", "unsigned_rcode", "accept", "wrong_id", "bad_signature",
        "unsign", "truncate", "other_question", "cut", "cut_frame", "cut_transfer", "cut_messages",
    )  # fmt: skip

    def __init__(self, proxy: Proxy, client: socket.socket) -> None:
        self.proxy = proxy
        self.client = client
        self.upstream: socket.socket | None = None

    def run(self) -> None:
        try:
            while (wire := read_message(self.client)) is not None:
                self._handle(wire)
        except (Gone, OSError, queue.Empty):
            pass
        finally:
            self.client.close()
            if self.upstream:
                self.upstream.close()

    def _handle(self, wire: bytes) -> None:
        kind, name = kind_of(wire)
        actions = list(self.proxy.actions(kind, name))
        answers: list[bytes] = []
        while actions:
            what, _sign, value = actions.pop(0).partition("=")
            if what == "hold":
                actions[:0] = self.proxy.wait_for_decision((kind, name)).split(",")
            elif what == "forward":
                answers = self._forwarded(wire, kind, name)
            else:
                answers = getattr(self, f"_{what}")(wire, answers, value)
        for answer in answers:
            self.client.sendall(framed(answer))

    def _forwarded(self, wire: bytes, kind: str, name: str) -> list[bytes]:
        try:
            if self.upstream is None:
                self.upstream = socket.create_connection(self.proxy.server, timeout=10)
                self.upstream.settimeout(None)  # with a limit MSG_WAITALL would not wait
            self.upstream.sendall(framed(wire))
            answers, soas = [], 0
            while True:
                answer = read_message(self.upstream)
                if answer is None:
                    raise ConnectionResetError
                answers.append(answer)
                if kind == "transfer":
                    message = loosely(answer)
                    soas += sum(rrset.rdtype == dns.rdatatype.SOA for rrset in message.answer)
                    if soas < 2 and message.rcode() == dns.rcode.NOERROR and message.answer:
                        continue
                self.proxy.reached.append((kind, name))
                return answers
        except OSError as error:
            reset(self.client)
            raise Gone from error

    # -- instead of forwarding --------------------------------------------------------------------------------------

    def _drop(self, wire: bytes, answers: list[bytes], value: str) -> list[bytes]:
        return []

    def _reset(self, wire: bytes, answers: list[bytes], value: str) -> list[bytes]:
        reset(self.client)
        raise Gone

    def _close(self, wire: bytes, answers: list[bytes], value: str) -> list[bytes]:
        raise Gone

    def _rcode(self, wire: bytes, answers: list[bytes], value: str) -> list[bytes]:
        """An answer of its own, signed as the server would."""
        request = self._request(wire)
        response = dns.message.make_response(request)
        response.flags |= dns.flags.AA
        response.set_rcode(dns.rcode.from_text(value))
        return [self._signed(response, request)]

    def _unsigned_rcode(self, wire: bytes, answers: list[bytes], value: str) -> list[bytes]:
        request = loosely(wire)
        response = dns.message.make_response(request)
        response.tsig = None
        response.set_rcode(dns.rcode.from_text(value))
        return [response.to_wire()]

    def _accept(self, wire: bytes, answers: list[bytes], value: str) -> list[bytes]:
        """Say that it is done, and do nothing."""
        return self._rcode(wire, answers, "NOERROR")

    # -- what becomes of the server's answers -----------------------------------------------------------------------

    def _wrong_id(self, wire: bytes, answers: list[bytes], value: str) -> list[bytes]:
        return [bytes([answer[0] ^ 0x55]) + answer[1:] for answer in answers]

    def _bad_signature(self, wire: bytes, answers: list[bytes], value: str) -> list[bytes]:
        # The record of the signature is the last one and ends with id, error and no other data: 6 bytes.
        return [answer[:-7] + bytes([answer[-7] ^ 0xFF]) + answer[-6:] for answer in answers]

    def _unsign(self, wire: bytes, answers: list[bytes], value: str) -> list[bytes]:
        return [self._changed(wire, answer, sign=False) for answer in answers]

    def _truncate(self, wire: bytes, answers: list[bytes], value: str) -> list[bytes]:
        """TC and no records."""

        def cut(message: dns.message.Message) -> None:
            message.flags |= dns.flags.TC
            message.answer, message.authority, message.additional = [], [], []

        return [self._changed(wire, answer, cut) for answer in answers]

    def _other_question(self, wire: bytes, answers: list[bytes], value: str) -> list[bytes]:
        """The answer to a question that nobody asked, under the right id."""

        def swap(message: dns.message.Message) -> None:
            message.question[0].name = dns.name.from_text(value)
            message.answer = []

        return [self._changed(wire, answer, swap) for answer in answers]

    def _cut(self, wire: bytes, answers: list[bytes], value: str) -> list[bytes]:
        """Half a message that says that it is a whole one."""
        return [answer[: len(answer) // 2] for answer in answers]

    def _cut_frame(self, wire: bytes, answers: list[bytes], value: str) -> list[bytes]:
        """Half a message, and then the end of the connection."""
        self.client.sendall(framed(answers[0])[: len(answers[0]) // 2])
        raise Gone

    def _cut_transfer(self, wire: bytes, answers: list[bytes], value: str) -> list[bytes]:
        """The only message without the last SOA record, rightly signed, and then the end."""

        def without_end(message: dns.message.Message) -> None:
            if message.answer[-1].rdtype == dns.rdatatype.SOA:
                message.answer.pop()

        self.client.sendall(framed(self._changed(wire, answers[0], without_end)))
        raise Gone

    def _cut_messages(self, wire: bytes, answers: list[bytes], value: str) -> list[bytes]:
        """All messages of a transfer but the last one, and then the end; nothing where there is only one."""
        if len(answers) > 1:
            for answer in answers[:-1]:
                self.client.sendall(framed(answer))
            raise Gone
        return []

    def _changed(self, wire: bytes, answer: bytes, change=None, sign: bool = True) -> bytes:
        request = self._request(wire)
        message = loosely(answer)
        message.tsig = None
        if change:
            change(message)
        return self._signed(message, request) if sign else message.to_wire()

    def _request(self, wire: bytes) -> dns.message.Message:
        keyring = self.proxy.keys or False
        return dns.message.from_wire(wire, keyring=keyring, one_rr_per_rrset=True, xfr=True, ignore_trailing=True)

    @staticmethod
    def _signed(message: dns.message.Message, request: dns.message.Message) -> bytes:
        if request.had_tsig and isinstance(request.keyring, dns.tsig.Key):
            message.use_tsig(request.keyring)
            message.request_mac = request.mac
        else:
            message.tsig = None
        return message.to_wire()
