# SPDX-License-Identifier: ISC
"""file.sendfile: what file:sendfile does (semantics 1.14)."""

import contextlib
import os
import select
import socket
import tempfile
import time

import pytest

import gentcp_test as g
from gentcp_test import check_reason, probe
from test_config import configured

BIG = g.scaled(24, 6) * g.MB


@contextlib.contextmanager
def file_of(data=b"", size=0):
    """A file with that data, or with holes, open for reading."""
    with tempfile.TemporaryFile() as f:
        f.write(data)
        if size:
            f.truncate(size)
        f.flush()
        yield f


def start(client, number, f, offset=0, count=0):
    params = {"socket": number, "offset": offset, "bytes": count}
    return client.request("file.sendfile", params, fds=[f.fileno()])


def sendfile(client, number, f, offset=0, count=0):
    return client.reply(start(client, number, f, offset, count)).result()["sent"]


def refused(client, number, f, offset=0, count=0):
    return client.reply(start(client, number, f, offset, count)).error()


def begun(client, number, peer):
    """Waits until the first bytes of a file have come."""
    assert select.select([peer], [], [], g.DEADLINE)[0]
    assert client.call("inet.info", {"socket": number})["waiting"]["send"] >= 1


# - what is sent -


def test_whole_and_parts(room, client):
    number, peer = room.pair(client)
    with file_of(b"0123456789") as f:
        f.seek(7)
        assert sendfile(client, number, f) == 10
        assert sendfile(client, number, f, 3, 4) == 4
        assert sendfile(client, number, f, 8, 100) == 2
        assert sendfile(client, number, f, 5, 0) == 5
        assert sendfile(client, number, f, 10) == 0
        assert sendfile(client, number, f, 2**53, 2**53) == 0
        assert sendfile(client, number, f, 0, 2**53) == 10
        assert f.tell() == 7
    assert peer.read(31) == b"0123456789" b"3456" b"89" b"56789" b"0123456789"
    with file_of(b"") as f:
        assert sendfile(client, number, f) == 0


def test_a_large_one(room, client):
    number, peer = room.pair(client)
    data = g.pattern(BIG)
    with file_of(data) as f:
        id = start(client, number, f, 5)
    assert peer.read(BIG - 5) == data[5:]
    assert client.reply(id).result() == {"sent": BIG - 5}


@probe(72)
def test_no_header_no_statistics_and_the_cork_is_off(room, client):
    number, peer = room.pair(client, {"packet": 4})
    with file_of(b"plain") as f:
        assert sendfile(client, number, f) == 5
    assert peer.read(5) == b"plain"
    assert client.getstat(number)["send_oct"] == 0
    with client.getfd(number) as mine:
        assert mine.getsockopt(socket.IPPROTO_TCP, socket.TCP_CORK) == 0
        mine.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        with file_of(b"corked") as f:
            assert sendfile(client, number, f) == 6
        assert mine.getsockopt(socket.IPPROTO_TCP, socket.TCP_CORK) == 1
        mine.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
    assert peer.read(6) == b"corked"


def test_a_socket_that_is_shared(room, client, bystander):
    """Its client may let it block; then the daemon copies, and still does not wait."""
    number, peer = room.pair(client, small=True)
    mine = client.getfd(number)
    mine.setblocking(True)
    data = g.pattern(BIG)
    with file_of(data) as f:
        id = start(client, number, f, 1, len(data) - 2)
    begun(client, number, peer)
    bystander.fine()
    assert peer.read(len(data) - 2) == data[1:-1]
    assert client.reply(id).result() == {"sent": len(data) - 2}


def test_over_a_local_socket(room, client):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        listener = room.own(socket.socket(socket.AF_UNIX))
        listener.bind(path)
        listener.listen()
        number = client.connect(0, address={"local": path})
        peer = g.Peer(room.own(listener.accept()[0]))
        data = g.pattern(g.MB)
        with file_of(data) as f:
            id = start(client, number, f)
        assert peer.read(len(data)) == data
        assert client.reply(id).result() == {"sent": len(data)}


# - order -


def test_behind_what_is_queued_and_before_what_comes(room, client):
    number, peer = room.pair(client, {"high_watermark": 64 * g.MB}, small=True)
    other = room.client()
    before, data = b"b" * (4 * g.MB), g.pattern(BIG)
    client.send(number, before)
    with file_of(data) as f:
        id = start(client, number, f)
    client.sync()
    client.send(number, b"mine")
    other.send(number, b"theirs")
    assert client.waiting(id)
    assert client.getstat(number, ["send_pend"])["send_pend"] > 10
    assert peer.read(len(before)) == before
    assert peer.read(len(data)) == data
    assert client.reply(id).result() == {"sent": len(data)}
    assert peer.read(10) == b"minetheirs"


def test_with_the_backend_socket(room, client):
    """Nothing is queued there: who sends meanwhile waits until the file is through."""
    number, peer = room.pair(client, {"inet_backend": "socket"}, small=True)
    other = room.client()
    data = g.pattern(BIG)
    with file_of(data) as f:
        id = start(client, number, f)
        begun(client, number, peer)
        behind = other.start_send(number, b"behind")
        second = start(client, number, f, BIG - 3)
    assert other.waiting(behind)
    assert peer.read(BIG) == data
    assert client.reply(id).result() == {"sent": BIG}
    assert client.reply(second).result() == {"sent": 3}
    assert other.reply(behind).result() == "ok"
    assert peer.read(9) in (b"behind" + data[-3:], data[-3:] + b"behind")


def test_over_mptcp(room, client):
    try:
        listener = room.own(socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262))
    except OSError:
        pytest.skip("this kernel has no MPTCP")
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    number = client.connect(listener.getsockname()[1], {"protocol": "mptcp"})
    peer = g.Peer(room.own(listener.accept()[0]))
    data = g.pattern(BIG)
    with file_of(data) as f:
        id = start(client, number, f)
    assert peer.read(BIG) == data
    assert client.reply(id).result() == {"sent": BIG}


def test_several_in_order(room, client):
    number, peer = room.pair(client, small=True)
    ids, want = [], b""
    for n in range(5):
        data = b"%d" % n * (g.MB // 2)
        with file_of(data) as f:
            ids.append(start(client, number, f))
        line = b"<%d>" % n
        ids.append(client.start_send(number, line))
        want += data + line
    assert peer.read(len(want)) == want
    for id in ids:
        assert client.reply(id).result() in ("ok", {"sent": g.MB // 2})


def test_watermarks_count_it_as_a_queue(room, client):
    """A send of high_watermark behind a file blocks its sender, and is timed."""
    number, peer = room.pair(client, {"send_timeout": 1000}, small=True)
    other = room.client()
    with file_of(size=BIG) as f:
        id = start(client, number, f)
    begun(client, number, peer)
    client.send(number, b"s" * 100)
    blocked = other.start_send(number, b"l" * 10000)
    g.until(lambda: "busy" in client.states(number), "a blocked sender")
    check_reason(other.reply(blocked).error(), "timeout")
    # the file has no such limit
    assert client.waiting(id)
    assert peer.read(BIG) == b"\0" * BIG
    assert client.reply(id).result() == {"sent": BIG}
    assert peer.read(10100) == b"s" * 100 + b"l" * 10000


def test_shutdown_waits_for_it(room, client):
    number, peer = room.pair(client, small=True)
    other = room.client()
    with file_of(size=BIG) as f:
        id = start(client, number, f)
    begun(client, number, peer)
    shut = other.request("gen_tcp.shutdown", {"socket": number, "how": "write"})
    assert other.waiting(shut)
    assert len(peer.read_end()) == BIG
    assert client.reply(id).result() == {"sent": BIG}
    assert other.reply(shut).result() == "ok"


def test_close_by_the_same_client_waits_for_it(room, client):
    number, peer = room.pair(client, small=True)
    with file_of(size=BIG) as f:
        id = start(client, number, f)
    close = client.request("gen_tcp.close", {"socket": number})
    assert client.waiting(close)
    assert len(peer.read_end()) == BIG
    assert client.reply(id).result() == {"sent": BIG}
    assert client.reply(close).result() == "ok"


def test_close_by_another_discards_it(room, client):
    number, peer = room.pair(client, small=True)
    other = room.client()
    with file_of(size=BIG) as f:
        id = start(client, number, f)
    begun(client, number, peer)
    client.send(number, b"behind it")
    assert other.close_socket(number) == "ok"
    check_reason(client.reply(id).error(), "closed")
    assert len(peer.read_end()) < BIG


def test_what_was_sent_before_it_is_flushed(room, client):
    """Another client closes while the file waits behind a queue."""
    owner = room.client()
    number, peer = room.pair(owner, small=True)
    size = 8 * g.MB
    assert owner.send(number, b"s" * size) == "ok"
    with file_of(size=BIG) as f:
        id = start(owner, number, f)
    behind = owner.start_send(number, b"behind")
    owner.sync()
    client.request("gen_tcp.close", {"socket": number})
    client.sync()
    check_reason(owner.reply(id).error(), "closed")
    check_reason(owner.reply(behind).error(), "closed")
    assert peer.read(size) == b"s" * size
    assert peer.read_end() == b""


def test_its_owner_goes(room, client):
    owner = room.client()
    number, peer = room.pair(owner, small=True)
    with file_of(size=BIG) as f:
        start(owner, number, f)
    begun(owner, number, peer)
    owner.close()
    assert len(peer.read_end()) < BIG


def test_cancelled_before_its_turn(room, client):
    number, peer = room.pair(client, {"high_watermark": 64 * g.MB}, small=True)
    client.send(number, b"q" * (4 * g.MB))
    with file_of(b"never") as f:
        first = start(client, number, f)
        second = start(client, number, f)
    for id in (second, first):
        assert client.call("session.cancel", {"id": id}) is True
        check_reason(client.reply(id).error(), "cancelled")
    client.send(number, b"behind")
    assert peer.read(4 * g.MB + 6) == b"q" * (4 * g.MB) + b"behind"


def test_cancelled_when_it_has_begun_it_goes_on(room, client):
    """As what a send gave: half a file would be garbage to the peer."""
    number, peer = room.pair(client, small=True)
    data = g.pattern(BIG)
    with file_of(data) as f:
        id = start(client, number, f)
    begun(client, number, peer)
    client.send(number, b"behind")
    assert client.call("session.cancel", {"id": id}) is True
    check_reason(client.reply(id).error(), "cancelled")
    assert peer.read(BIG + 6) == data + b"behind"


# - who may, and what fails -


@probe(72)
def test_only_the_owner(room, client):
    number, peer = room.pair(client)
    other = room.client()
    with file_of(b"x") as f:
        check_reason(refused(other, number, f), "not_owner")
        other.send(number, b"but this")
        assert peer.read(8) == b"but this"


def test_bad_requests_leave_the_socket_alone(room, client):
    number, peer = room.pair(client)
    with file_of(b"data") as f:
        check_reason(refused(client, number, f, -1), "einval")
        check_reason(refused(client, number, f, 0, -1), "einval")
        e = client.fails("file.sendfile", {"socket": number, "offset": 0, "bytes": 0})
        check_reason(e, "ebadf")
        for wrong in ({"offset": "0"}, {"bytes": 1.5}, {"bytes": None}):
            params = {"socket": number, "offset": 0, "bytes": 0, **wrong}
            e = client.fails("file.sendfile", params, fds=[f.fileno()])
            assert e.code == g.INVALID_PARAMS
        params = {"socket": number, "offset": 0, "bytes": 0}
        e = client.fails("file.sendfile", params, fds=[f.fileno(), f.fileno()])
        check_reason(e, "ebadf")
        client.raw(g.line([g.request(1, "file.sendfile", params=params)]))
        assert client.other().json[0]["error"]["code"] == g.INVALID_REQUEST
    r, w = os.pipe()
    folder = os.open("/", os.O_RDONLY)
    null = os.open("/dev/zero", os.O_RDONLY)
    for fd in (r, folder, null, peer.fileno()):
        params = {"socket": number, "offset": 0, "bytes": 1}
        check_reason(client.fails("file.sendfile", params, fds=[fd]), "badarg")
    for fd in (r, w, folder, null):
        os.close(fd)
    with tempfile.NamedTemporaryFile() as f:
        f.write(b"secret")
        f.flush()
        fd = os.open(f.name, os.O_WRONLY)
        params = {"socket": number, "offset": 0, "bytes": 0}
        check_reason(client.fails("file.sendfile", params, fds=[fd]), "ebadf")
        os.close(fd)
    client.send(number, b"whole")
    assert peer.read(5) == b"whole"


def test_sockets_that_are_not_connected(room, client):
    listener, _ = client.listen()
    zombie, _ = room.zombie(client)
    with file_of(b"data") as f:
        check_reason(refused(client, listener, f), "enotconn")
        check_reason(refused(client, zombie, f), "enotconn")
        check_reason(refused(client, room.gone(client), f), "einval")


def test_after_shutdown(room, client):
    number, _ = room.pair(client)
    assert client.shutdown(number, "write") == "ok"
    with file_of(b"data") as f:
        check_reason(refused(client, number, f), "closed")
        check_reason(client.recv_fails(number), "closed")
        check_reason(client.recv_fails(number), "enotconn")
        check_reason(client.send_fails(number), "enotconn")
        check_reason(refused(client, number, f), "enotconn")


@pytest.mark.parametrize("shown", [False, True])
def test_the_peer_resets(room, client, shown):
    number, peer = room.pair(client, {"show_econnreset": shown}, small=True)
    with file_of(size=BIG) as f:
        id = start(client, number, f)
        begun(client, number, peer)
        client.send(number, b"behind")
        peer.reset()
        check_reason(client.reply(id).error(), "closed")
        check_reason(client.recv_fails(number), "econnreset" if shown else "closed")
        check_reason(client.recv_fails(number), "enotconn")
        check_reason(client.send_fails(number), "enotconn")


def test_the_peer_resets_an_active_socket(room, client):
    number, peer = room.pair(client, {"active": True}, small=True)
    with file_of(size=BIG) as f:
        id = start(client, number, f)
    begun(client, number, peer)
    peer.reset()
    check_reason(client.reply(id).error(), "closed")
    client.event("tcp_closed", number)


def test_a_file_that_shrinks(room, client):
    number, peer = room.pair(client, small=True)
    with file_of(size=BIG) as f:
        id = start(client, number, f, 0, BIG)
        begun(client, number, peer)
        f.truncate(g.MB)
        client.send(number, b"end")
        got = bytearray()
        while not got.endswith(b"end"):
            got += peer.sock.recv(g.MB)
    assert client.reply(id).result() == {"sent": len(got) - 3}
    assert len(got) < BIG


# - what it costs -


def test_slow_peers_cost_no_thread(room, client, bystander):
    """Many more files than threads wait for peers that do not read."""
    slow = [room.pair(client, small=True) for _ in range(20)]
    with file_of(size=BIG) as f:
        ids = [start(client, number, f) for number, _ in slow]
        for number, peer in slow:
            begun(client, number, peer)
        bystander.fine()
        number, peer = room.pair(client)
        with file_of(b"quick") as quick:
            assert sendfile(client, number, quick) == 5
        assert peer.read(5) == b"quick"
        assert all(client.waiting(id) for id in ids[:2])


def test_they_count_as_waiting_requests(tmp_path):
    with configured(tmp_path, client_calls=2, file_threads=1) as room:
        client = room.client()
        number, peer = room.pair(client, small=True)
        with file_of(size=BIG) as f:
            ids = [start(client, number, f) for _ in range(4)]
            for id in ids[2:]:
                check_reason(client.reply(id).error(), "system_limit")
            assert peer.read(2 * BIG) == b"\0" * (2 * BIG)
            for id in ids[:2]:
                assert client.reply(id).result() == {"sent": BIG}
            assert sendfile(client, number, f, BIG - 5) == 5


def test_their_descriptors_count(tmp_path):
    with configured(tmp_path, client_sockets=5) as room:
        client = room.client()
        number, peer = room.pair(client, small=True)
        with file_of(size=BIG) as f:
            ids = [start(client, number, f) for _ in range(3)]
            check_reason(client.reply(ids[2]).error(), "system_limit")
            assert peer.read(2 * BIG) == b"\0" * (2 * BIG)
            for id in ids[:2]:
                assert client.reply(id).result() == {"sent": BIG}
            assert sendfile(client, number, f, BIG - 5) == 5


def swallow(pipe, sock, size):
    """Reads so many bytes as fast as it can; tells how long that took."""
    buffer = bytearray(4 * g.MB)
    start, left = time.monotonic(), size
    while left > 0:
        n = sock.recv_into(buffer, min(left, len(buffer)))
        assert n > 0, "%d bytes are missing" % left
        left -= n
    pipe.send(time.monotonic() - start)


def test_a_large_sparse_file_while_others_talk(room, client):
    """It goes at full speed, and the loop has time for others."""
    size = g.scaled(256, 32) * g.MB
    number, peer = room.pair(client)
    other = room.client()
    talk, talker = room.pair(other, {"active": True})
    reader = room.own(g.Child(swallow, peer.sock, size))
    with file_of(size=size) as f:
        id = start(client, number, f)
    waits = []
    while not reader.pipe.poll(0):
        at = time.monotonic()
        talker.send(b"ping")
        assert other.gather(talk, 4) == b"ping"
        other.send(talk, b"pong")
        assert talker.read(4) == b"pong"
        waits.append(time.monotonic() - at)
    took = reader.recv()
    assert client.reply(id).result() == {"sent": size}
    waits.sort()
    print(
        "%.0f MB/s; %d echoes, median %.2f ms, p99 %.2f ms"
        % (size / took / 1e6, len(waits), waits[len(waits) // 2] * 1e3, waits[len(waits) * 99 // 100] * 1e3)
    )
    assert waits[len(waits) // 2] < g.DEADLINE / 100
