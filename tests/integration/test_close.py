# SPDX-License-Identifier: ISC
"""gen_tcp:close and shutdown, with output that is still queued, and the owner's end."""

import time

import pytest

import gentcp_test as g
from gentcp_test import MB, check_reason, probe


@pytest.fixture
def client(room):
    return room.client(attachments=True)


def queued_pair(room, client, size, options=None):
    """A socket with size bytes sent, most of them in its own queue."""
    s, peer = room.pair(
        client, {"high_watermark": 64 * MB, "sndbuf": 8192, **(options or {})}, small=True
    )
    assert client.send(s, g.pattern(size), attached=True) == "ok"
    assert client.getstat(s, ["send_pend"])["send_pend"] > size // 2
    return s, peer


def start_close(client, s):
    return client.request("gen_tcp.close", {"socket": s})


def test_close_returns_ok_again_and_again(room, client):
    s, peer = room.pair(client)
    for _ in range(3):
        assert client.close_socket(s) == "ok"
    assert client.close_socket(2**50) == "ok"
    assert peer.read_end() == b""


def test_anybody_of_the_uid_may_close(room, client):
    s, peer = room.pair(client)
    assert room.client().close_socket(s) == "ok"
    assert peer.read_end() == b""


def test_close_with_unread_input_resets_the_peer(room, client):
    s, peer = room.pair(client)
    peer.put(b"unread")
    assert client.close_socket(s) == "ok"
    assert peer.read_reset() == b""


@probe(42)
def test_close_waits_for_queued_output(room, client):
    size = 3 * MB
    s, peer = queued_pair(room, client, size)
    closing = start_close(client, s)
    assert client.waiting(closing)
    # From now on it is gone to everybody.
    other = room.client()
    check_reason(other.send_fails(s), "closed")
    check_reason(other.recv_fails(s), "closed")
    assert peer.read(size) == g.pattern(size)
    assert client.reply(closing).result() == "ok"
    assert peer.read_end() == b""


@probe(43)
def test_close_with_linger_0_drops_and_resets(room, client):
    size = 3 * MB
    s, peer = queued_pair(room, client, size, {"linger": [True, 0]})
    start = time.monotonic()
    assert client.close_socket(s) == "ok"
    assert time.monotonic() - start < 1
    got = peer.read_reset()
    assert len(got) < size and g.pattern(size).startswith(got)


@probe(44)
def test_close_with_linger_t_waits_at_most_t(room, client):
    s, peer = queued_pair(room, client, 3 * MB, {"linger": [True, 1]})
    start = time.monotonic()
    assert client.close_socket(s) == "ok"
    assert 0.9 < time.monotonic() - start < 3 * max(1, g.DEADLINE / 10)


def test_close_with_linger_and_nothing_queued_does_not_wait(room, client):
    s, peer = room.pair(client, {"linger": [True, 60]})
    peer_sees = client.send(s, b"last", attached=True)
    assert peer_sees == "ok" and client.close_socket(s) == "ok"
    assert peer.read_end() == b"last"


@probe(89)
def test_close_gives_up_waiting_after_5_s_but_still_sends(room, client):
    size = 3 * MB
    s, peer = queued_pair(room, client, size)
    seen = []

    def still():
        seen.append(client.getstat(s, ["send_pend"])["send_pend"])
        return len(seen) > 30 and len(set(seen[-30:])) == 1

    g.until(still, "a full kernel")
    start = time.monotonic()
    assert client.close_socket(s, timeout=30) == "ok"
    assert 4.5 < time.monotonic() - start < 12
    assert peer.read_end() == g.pattern(size)


def test_close_ends_blocked_and_suspended_senders_at_once(room, client):
    s, peer = room.pair(client, {"high_watermark": 8192}, small=True)
    client.send(s, b"q" * 10 * MB, attached=True)
    others = [room.client() for _ in range(2)]
    waiting = []
    for c in others:
        waiting.append(c.start_send(s, b"x"))
        c.sync()
    closing = start_close(client, s)
    for c, i in zip(others, waiting):
        check_reason(c.reply(i, 3).error(), "closed")
    assert peer.read(10 * MB) == b"q" * 10 * MB
    assert client.reply(closing).result() == "ok"


@probe(45)
def test_the_owners_end_flushes_what_is_queued(room, client):
    size = 3 * MB
    owner = room.client(attachments=True)
    s, peer = queued_pair(room, owner, size)
    owner.close()
    assert peer.read_end() == g.pattern(size)


def test_the_owners_end_with_linger_0_resets(room, client):
    size = 3 * MB
    owner = room.client(attachments=True)
    s, peer = queued_pair(room, owner, size, {"linger": [True, 0]})
    owner.close()
    assert len(peer.read_reset()) < size


def test_the_owners_end_with_unread_input_resets(room, client):
    owner = room.client()
    _, accepted, connected = room.both(owner, None, {"show_econnreset": True})
    assert owner.give(connected, room.known().id) == "ok"
    assert client.send(connected, b"unread", attached=True) == "ok"
    owner.close()
    check_reason(client.recv_fails(connected), "econnreset")


def test_the_owners_end_ends_other_clients_calls(room, client):
    owner = room.client()
    s, _ = room.pair(owner)
    listener, _ = owner.listen()
    receiving = client.start_recv(s)
    accepting = client.request("gen_tcp.accept", {"socket": listener})
    client.sync()
    owner.close()
    check_reason(client.reply(receiving).error(), "closed")
    check_reason(client.reply(accepting).error(), "closed")
    check_reason(client.send_fails(s), "closed")
    assert client.states(s) == ["closed"]


def test_the_owners_end_closes_a_thousand_sockets(room, client):
    owner = room.client()
    listener, port = owner.listen({"backlog": 1024})
    n = g.scaled(1000, 100)
    peers = [room.dial(port) for _ in range(n)]
    ids = [owner.request("gen_tcp.accept", {"socket": listener}) for _ in peers]
    for i in ids:
        owner.reply(i).result()
    owner.close()
    for peer in peers:
        assert peer.read_end() == b""


def test_half_a_request_is_not_carried_out(room, client):
    owner = room.client()
    s, peer = room.pair(owner)
    line = '{"jsonrpc":"2.0","id":99,"method":"gen_tcp.send","params":{"socket":%d,' % s
    owner.raw(line.encode())
    owner.close()
    assert peer.read_end() == b""


def test_requests_before_the_end_of_the_connection_are_carried_out(room, client):
    owner = room.client()
    s, peer = room.pair(owner)
    for n in range(100):
        owner.outgoing.append(memoryview(
            b'{"jsonrpc":"2.0","method":"gen_tcp.send","params":{"socket":%d,"data":"%02d"}}\n'
            % (s, n)
        ))
    owner.flush()
    owner.close()
    assert peer.read_end() == b"".join(b"%02d" % n for n in range(100))


def test_a_client_that_only_stopped_sending_gets_its_answers_and_events(room, client):
    """A script that pipes its requests in and reads to the end."""
    half = room.client()
    listener, port = half.listen({"active": True})
    waiting = half.request("gen_tcp.accept", {"socket": listener})
    half.sock.shutdown(g.socket.SHUT_WR)
    client.sync()
    peer = room.dial(port)
    s = half.reply(waiting).result()["socket"]
    peer.send(b"event")
    assert half.gather(s, 5) == b"event"
    half.close()
    assert peer.read_end() == b""


def test_a_client_that_stopped_sending_and_waits_for_nothing_is_ended(room, client):
    half = room.client()
    i = half.request("session.self")
    half.sock.shutdown(g.socket.SHUT_WR)
    half.reply(i)
    half.closes()


# --- shutdown ----------------------------------------------------------------


def test_shutdown_write_ends_the_stream_and_leaves_receiving(room, client):
    s, peer = room.pair(client)
    assert client.send(s, b"all") == "ok"
    assert client.shutdown(s, "write") == "ok"
    assert client.shutdown(s, "write") == "ok"
    assert peer.read_end() == b"all"
    peer.put(b"answer")
    assert client.recv(s) == b"answer"


@probe(40)
def test_send_after_shutdown_write(room, client):
    s, peer = room.pair(client)
    assert client.shutdown(s, "write") == "ok"
    check_reason(client.send_fails(s), "closed")
    check_reason(client.send_fails(s), "enotconn")
    check_reason(client.recv_fails(s), "closed")
    check_reason(client.recv_fails(s), "enotconn")


def test_send_after_shutdown_write_of_an_active_socket(room, client):
    s, peer = room.pair(client, {"active": True})
    assert client.shutdown(s, "write") == "ok"
    check_reason(client.send_fails(s), "closed")
    client.event("tcp_closed", s)
    assert client.states(s) == ["closed"]


def test_shutdown_read(room, client):
    s, peer = room.pair(client)
    peer.put(b"in")
    assert client.shutdown(s, "read") == "ok"
    assert client.recv(s) == b"in"
    check_reason(client.recv_fails(s), "closed")
    check_reason(client.send_fails(s), "closed")


def test_shutdown_read_write(room, client):
    s, peer = room.pair(client)
    assert client.shutdown(s, "read_write") == "ok"
    assert peer.read_end() == b""
    check_reason(client.recv_fails(s), "closed")
    check_reason(client.send_fails(s), "closed")
    error = client.fails("gen_tcp.shutdown", {"socket": s, "how": "read"})
    check_reason(error, "enotconn")


@probe(39)
def test_shutdown_write_comes_after_queued_output(room, client):
    size = 2 * MB
    s, peer = queued_pair(room, client, size)
    assert client.shutdown(s, "write") == "ok"
    assert client.getstat(s, ["send_pend"])["send_pend"] > 0
    assert peer.read_end() == g.pattern(size)
    assert client.states(s) == ["connected", "open"]


def test_shutdown_read_write_comes_after_queued_output(room, client):
    size = 2 * MB
    s, peer = queued_pair(room, client, size)
    assert client.shutdown(s, "read_write") == "ok"
    check_reason(client.recv_fails(s, 0, 20), "timeout")
    assert client.shutdown(s, "write") == "ok"
    assert peer.read_end() == g.pattern(size)
    check_reason(client.recv_fails(s), "closed")
    check_reason(client.send_fails(s), "closed")
    check_reason(client.send_fails(s), "enotconn")


def test_an_end_that_recv_notices_drops_the_queue(room, client):
    """gen_tcp closes the descriptor then: exit_on_close false is against that."""
    size = 2 * MB
    s, peer = queued_pair(room, client, size)
    assert client.shutdown(s, "read") == "ok"
    check_reason(client.recv_fails(s), "closed")
    assert client.getstat(s, ["send_pend"])["send_pend"] == 0
    assert len(peer.read_end()) < size
    check_reason(client.send_fails(s), "closed")
    check_reason(client.send_fails(s), "enotconn")


@probe(38)
def test_a_send_between_shutdown_and_its_execution_drops_the_queue(room, client):
    size = 2 * MB
    s, peer = queued_pair(room, client, size)
    assert client.shutdown(s, "write") == "ok"
    check_reason(client.send_fails(s, b"y"), "closed")
    try:
        got = peer.read_end()
    except ConnectionResetError:
        got = b""
    assert len(got) < size


@pytest.mark.parametrize("how", ["readwrite", "", 1, None, ["read"]])
def test_shutdown_refuses_a_bad_how(room, client, how):
    s, _ = room.pair(client)
    error = client.fails("gen_tcp.shutdown", {"socket": s, "how": how})
    assert error.code == g.INVALID_PARAMS and "how" in error.message


def test_shutdown_after_a_reset_says_what_the_kernel_says(room, client):
    s, peer = room.pair(client)
    peer.reset()
    g.reset_seen(client, s)
    error = client.fails("gen_tcp.shutdown", {"socket": s, "how": "write"})
    check_reason(error, "enotconn")
