# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The TCP transport against real sockets on the loopback interface."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time

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


# -- many messages for one question -----------------------------------------------------------------------------------


def zone_in(*texts):
    """Answers each question with these messages and closes the connection."""

    def handler(connection):
        data = read_one(connection)
        connection.sendall(b"".join(framed(data[:2] + text) for text in texts))

    return handler


def test_stream_gives_every_message_and_ends_with_the_connection():
    with peer(zone_in(b"one", b"two", b"", b"three")) as (port, accepted):
        transport = TcpTransport("127.0.0.1", port, 5)
        assert list(transport.stream(message(7, b"axfr"))) == [
            message(7, text) for text in (b"one", b"two", b"", b"three")
        ]
        assert len(accepted) == 1


def test_stream_uses_a_new_connection_and_the_next_question_another_one():
    with peer(echo, zone_in(b"one", b"two"), echo) as (port, accepted):
        transport = TcpTransport("127.0.0.1", port, 5)
        transport.ask([message(1)])
        messages = transport.stream(message(2))
        assert next(messages) == message(2, b"one")
        messages.close()
        transport.close()
        assert transport.ask([message(2)]) == [message(2, b" answered")]
        transport.close()
        assert len(accepted) == 3


def test_stream_asks_nothing_before_it_is_read():
    with peer(echo) as (port, accepted):
        TcpTransport("127.0.0.1", port, 5).stream(message(1))
        assert accepted == []


def test_stream_leaves_out_foreign_messages():
    def handler(connection):
        data = read_one(connection)
        connection.sendall(framed(message(999, b"foreign")) + framed(data))

    with peer(handler) as (port, _accepted):
        assert list(TcpTransport("127.0.0.1", port, 5).stream(message(7))) == [message(7)]


def test_stream_cut_within_a_message_ends_before_it():
    def handler(connection):
        data = read_one(connection)
        connection.sendall(framed(data) + framed(data + b"x" * 100)[:50])

    with peer(handler) as (port, _accepted):
        assert list(TcpTransport("127.0.0.1", port, 5).stream(message(7))) == [message(7)]


def test_stream_that_is_reset():
    def handler(connection):
        data = read_one(connection)
        connection.sendall(framed(data))
        assert read_one(connection) == message(8)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with peer(handler) as (port, _accepted):
        transport = TcpTransport("127.0.0.1", port, 5)
        messages = transport.stream(message(7))
        assert next(messages) == message(7)
        transport._socket.sendall(framed(message(8)))  # now the peer goes on, and resets
        with pytest.raises(LostAnswer) as error:
            next(messages)
        assert transport._socket is None
    assert str(error.value).startswith(
        f"DNS server 127.0.0.1 port {port} did not answer over TCP: Connection reset by peer. Is the service"
    )


def test_stream_that_stops():
    silent = threading.Event()

    def handler(connection):
        connection.sendall(framed(read_one(connection)))
        silent.wait(5)

    with peer(handler) as (port, _accepted):
        messages = TcpTransport("127.0.0.1", port, 0.2).stream(message(7))
        assert next(messages) == message(7)
        with pytest.raises(LostAnswer, match=rf"port {port} did not answer over TCP: no answer within 0\.2 s\."):
            next(messages)
        silent.set()


def test_stream_may_take_longer_than_the_time_limit_of_each_message():
    def handler(connection):
        data = read_one(connection)
        for _number in range(4):
            time.sleep(0.15)
            connection.sendall(framed(data))

    with peer(handler) as (port, _accepted):
        assert len(list(TcpTransport("127.0.0.1", port, 0.4).stream(message(7)))) == 4


def test_stream_from_a_server_that_is_not_there():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match=rf"DNS server 127\.0\.0\.1 port {port} could not be reached over TCP"):
        next(TcpTransport("127.0.0.1", port, 5).stream(message(1)))


# -- the answer to an update is lost ---------------------------------------------------------------------------------


def test_update_whose_connection_is_reset():
    def handler(connection):
        read_one(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with peer(handler) as (port, _accepted), pytest.raises(LostAnswer, match=r"TCP: Connection reset by"):
        TcpTransport("127.0.0.1", port, 5).tell(message(3, b"update"))
