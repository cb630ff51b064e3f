# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The TCP transport against real sockets on the loopback interface."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import LostAnswer, Unreachable
from ansible_collections.onprem.chat.plugins.module_utils._dns.transport import TcpTransport


def message(number, text=b""):
    return struct.pack("!H", number) + text


def framed(data):
    return struct.pack("!H", len(data)) + data


def read_one(connection):
    head = connection.recv(2, socket.MSG_WAITALL)
    if len(head) < 2:
        return None
    return connection.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL)


@contextlib.contextmanager
def peer(*handlers):
    """A server whose n-th connection is served by the n-th handler."""
    listener = socket.create_server(("127.0.0.1", 0))
    accepted = []

    def serve():
        for handler in handlers:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            accepted.append(connection)
            with connection, contextlib.suppress(OSError):
                handler(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], accepted
    finally:
        listener.shutdown(socket.SHUT_RDWR)  # wakes a waiting accept()
        listener.close()
        thread.join(5)


def echo(connection):
    while (data := read_one(connection)) is not None:
        connection.sendall(framed(data + b" answered"))


def echo_only(count):
    def handler(connection):
        for _number in range(count):
            connection.sendall(framed(read_one(connection) + b" answered"))

    return handler


def test_many_questions_over_one_connection():
    with peer(echo) as (port, accepted):
        transport = TcpTransport("127.0.0.1", port, 5)
        wires = [message(number) for number in range(200)]
        assert transport.ask(wires) == [wire + b" answered" for wire in wires]
        transport.close()
        assert len(accepted) == 1


def test_answers_in_another_order():
    def backwards(connection):
        for data in reversed([read_one(connection) for _number in range(3)]):
            connection.sendall(framed(data))

    with peer(backwards) as (port, _accepted):
        transport = TcpTransport("127.0.0.1", port, 5)
        wires = [message(1), message(2), message(3)]
        assert transport.ask(wires) == wires
        transport.close()


def test_answer_with_a_foreign_id_is_not_taken():
    def foreign_first(connection):
        data = read_one(connection)
        connection.sendall(framed(message(999, b"not yours")) + framed(data))

    with peer(foreign_first) as (port, _accepted):
        transport = TcpTransport("127.0.0.1", port, 5)
        assert transport.ask([message(7, b"mine")]) == [message(7, b"mine")]
        transport.close()


def test_server_that_closes_after_each_answer():
    with peer(echo_only(1), echo_only(1), echo_only(1)) as (port, accepted):
        transport = TcpTransport("127.0.0.1", port, 5)
        assert len(transport.ask([message(1), message(2), message(3)])) == 3
        transport.close()
        assert len(accepted) == 3


def test_question_over_a_connection_that_was_closed_while_idle():
    with peer(echo_only(1), echo) as (port, accepted):
        transport = TcpTransport("127.0.0.1", port, 5)
        transport.ask([message(1)])
        assert transport.ask([message(2)]) == [message(2, b" answered")]
        transport.close()
        assert len(accepted) == 2


def test_server_that_closes_without_an_answer():
    def close(connection):
        read_one(connection)

    with peer(close) as (port, _accepted):
        transport = TcpTransport("127.0.0.1", port, 5)
        with pytest.raises(LostAnswer) as error:
            transport.ask([message(1)])
    assert str(error.value).startswith(
        f"DNS server 127.0.0.1 port {port} did not answer over TCP: the connection was closed."
    )


def test_silence():
    silent = threading.Event()
    with peer(lambda connection: silent.wait(5)) as (port, _accepted):
        transport = TcpTransport("127.0.0.1", port, 0.2)
        with pytest.raises(LostAnswer) as error:
            transport.ask([message(1)])
        silent.set()
    assert str(error.value) == (
        f"DNS server 127.0.0.1 port {port} did not answer over TCP: no answer within 0.2 s. Is the service overloaded or "
        f"restarting, or does a firewall on the way drop DNS over TCP? Check with: dig +tcp @127.0.0.1 -p {port} . SOA"
    )


def test_update_is_sent_once_over_a_new_connection():
    received = []

    def swallow(connection):
        received.append(read_one(connection))

    with peer(echo, swallow, echo) as (port, accepted):
        transport = TcpTransport("127.0.0.1", port, 5)
        transport.ask([message(1)])
        with pytest.raises(LostAnswer):
            transport.tell(message(2, b"update"))
        assert received == [message(2, b"update")]
        assert len(accepted) == 2


def test_update_answered_in_pieces():
    def slowly(connection):
        for byte in framed(read_one(connection)):
            connection.sendall(bytes([byte]))

    with peer(slowly) as (port, _accepted):
        assert TcpTransport("127.0.0.1", port, 5).tell(message(3, b"update")) == message(3, b"update")


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable) as error:
        TcpTransport("127.0.0.1", port, 5).ask([message(1)])
    assert str(error.value) == (
        f"DNS server 127.0.0.1 port {port} could not be reached over TCP: Connection refused. Is the DNS service running "
        f"there, and is TCP port {port} open between the controller and it? Check with: dig +tcp @127.0.0.1 -p {port} . SOA"
    )


def test_name_without_an_address(monkeypatch):
    def unknown(*_arguments, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", unknown)
    with pytest.raises(Unreachable) as error:
        TcpTransport("dc9.corp.test").tell(message(1))
    assert str(error.value) == (
        "The name of the DNS server dc9.corp.test has no address: Name or service not known. Does the resolver of the "
        "controller know this name? Check with: getent hosts dc9.corp.test"
    )
