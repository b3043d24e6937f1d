# SPDX-License-Identifier: ISC
"""Clients that outlive their connection: session.keep and session.attach."""

import contextlib
import os
import time

import pytest

import gentcp_test as g
from gentcp_test import check_reason, line, request

MINUTE = 60000
NOBODY = 1000


@contextlib.contextmanager
def own(args):
    """A daemon with these arguments."""
    daemon = g.Daemon(args)
    room = g.Room(daemon)
    try:
        yield room
        room.end()
        daemon.stop()
    finally:
        room.end()
        daemon.kill()
        daemon.remove()


class End:
    """Ends a kept client, if it is still there."""

    def __init__(self, path, id, token):
        self.path, self.id, self.token = path, id, token

    def close(self):
        c = g.Client(self.path)
        r = c.reply(c.request("session.attach", {"client": self.id, "token": self.token}))
        if "result" in r.json:
            c.call("session.keep", {"ttl": 0})
        c.close()


def kept(room, ttl=MINUTE, data=None, **more):
    """A kept client; it carries its token."""
    c = room.known(data) if data else room.known()
    r = c.call("session.keep", {"ttl": ttl, **more})
    assert r["client"] == c.id
    c.token = r["token"]
    room.own(End(room.daemon.path, c.id, c.token))
    return c


def row(c, number):
    """What session.clients says of that client; None: nothing."""
    for r in c.call("session.clients"):
        if r["client"] == number:
            return r
    return None


def vanish(room, c):
    """The program of c dies; the daemon has noticed it."""
    c.close()
    watcher = room.client()
    g.until(lambda: not (row(watcher, c.id) or {"connected": False})["connected"],
            "the end of the connection")
    watcher.close()


def attach(room, c, data=None, connection=None, **more):
    """Another program becomes c's client."""
    n = connection or (room.client(data) if data else room.client())
    r = n.call("session.attach", {"client": c.id, "token": c.token, **more})
    assert r["client"] == c.id
    n.id, n.token = c.id, c.token
    return n


BLOCK = g.pattern(100003)


def fill(peer):
    """Sends until nobody takes more; how much went."""
    sent = g.blast(peer.sock, BLOCK)
    assert sent > 0
    return sent


def filled(size):
    """The bytes that fill() sent."""
    return (BLOCK * (size // len(BLOCK) + 1))[:size]


# --- keeping and attaching ------------------------------------------------------------


def test_a_kept_client_keeps_its_sockets(room):
    c = kept(room)
    s, peer = room.pair(c, {"packet": "line"})
    listener, port = c.listen()
    vanish(room, c)
    n = attach(room, c)
    me = n.call("session.self")
    assert me["client"] == c.id and sorted(me["sockets"]) == sorted([s, listener])
    assert me["connected"] is True and me["keep"]["ttl"] == MINUTE
    assert n.getopt(s, "packet") == "line"
    peer.put(b"one\n")
    assert n.recv(s) == b"one\n"
    n.send(s, b"two\n")
    assert peer.read(4) == b"two\n"
    room.dial(port)
    assert n.accept(listener) > listener


def test_keep_tells_the_same_token_until_it_ends(room):
    c = kept(room)
    assert len(c.token) == 64 and set(c.token) <= set("0123456789abcdef")
    assert c.call("session.keep", {"ttl": 5000}) == {"client": c.id, "token": c.token}
    assert c.call("session.self")["keep"]["ttl"] == 5000
    assert c.call("session.keep", [0]) == {"client": c.id, "token": None}
    assert c.call("session.self")["keep"] is None
    assert c.call("session.keep", {"ttl": MINUTE})["token"] != c.token
    c.call("session.keep", {"ttl": 0})
    s, peer = room.pair(c)
    c.close()
    assert peer.read_end() == b""


@pytest.mark.parametrize("ttl", [-1, 1.5, "5", None, True, [], {}, "infinity", 604800001, 2**53])
def test_a_ttl_that_is_none(room, client, ttl):
    assert client.fails("session.keep", {"ttl": ttl}).code == g.INVALID_PARAMS
    assert client.call("session.self")["keep"] is None


def test_the_longest_ttl(room):
    assert kept(room, 604800000).call("session.self")["keep"]["ttl"] == 604800000


def test_a_detached_client_is_shown(room):
    c = kept(room)
    s, _ = room.pair(c)
    other = room.client()
    assert row(other, c.id)["connected"] is True and row(other, c.id)["keep"]["left"] is None
    vanish(room, c)
    r = row(other, c.id)
    assert r["sockets"] == [s] and r["pid"] == os.getpid()
    assert r["keep"]["ttl"] == MINUTE and 0 < r["keep"]["left"] <= MINUTE


def test_the_settings_of_the_connection_hold(room):
    c = kept(room, data="base64")
    s, peer = room.pair(c, {"active": True})
    vanish(room, c)
    n = attach(room, c, data="attached")
    peer.put(b"abc")
    assert n.event("tcp", s).attachment == b"abc"
    number = n.request("gen_tcp.send", {"socket": s}, attachment=b"def")
    assert n.reply(number).result() == "ok" and peer.read(3) == b"def"
    n.close()
    n = attach(room, n)
    peer.put(b"ghi")
    assert n.event("tcp", s).params["data"] == "ghi"
    n.call("session.hello", {"data": "base64"})
    peer.put(b"jkl")
    assert n.event("tcp", s).params["data"] == {"base64": "amts"}


def test_attach_takes_the_name_that_the_connection_has(room):
    c = kept(room)
    c.call("session.hello", {"client": "first/1"})
    c = attach(room, c)
    assert c.sync()["name"] == "first/1"
    c = attach(room, c, connection=room.client(name="second/2"))
    assert c.sync()["name"] == "second/2"


def test_the_attaching_client_is_no_more(room):
    c = kept(room)
    s, _ = room.pair(c)
    vanish(room, c)
    n = room.known()
    old = n.id
    attach(room, c, connection=n)
    assert n.sync()["client"] == c.id
    assert row(n, old) is None
    check_reason(
        n.fails("gen_tcp.controlling_process", {"socket": s, "client": old}), "badarg")


def test_a_reply_to_attach_precedes_all_events(room):
    c = kept(room)
    s, peer = room.pair(c, {"active": True})
    vanish(room, c)
    peer.put(b"x")
    n = room.client()
    i = n.request("session.attach", {"client": c.id, "token": c.token})
    reply = n.reply(i)
    assert reply.result()["client"] == c.id
    assert n.event("tcp", s).number > reply.number


# --- who may -----------------------------------------------------------------------------


def wrong(token):
    return ("0" if token[0] != "0" else "1") + token[1:]


def test_a_wrong_token_and_a_wrong_client_answer_the_same(room):
    c = kept(room)
    plain = room.known()
    n = room.client()
    answers = [n.fails("session.attach", {"client": client, "token": token}) for client, token in [
        (c.id, wrong(c.token)), (c.id, c.token[:-1]), (c.id, c.token + "0"), (c.id, ""),
        (c.id, c.token.upper() if c.token.upper() != c.token else "x"), (c.id, "x" * 100000),
        (plain.id, c.token), (plain.id, "0" * 64), (2**50, c.token), (2**50, "0" * 64)]]
    assert {(a.message, a.code, str(a.data)) for a in answers} == {
        ("eacces", 13, str(answers[0].data))}
    c.sync()  # it is still the one
    for token in (None, 1, [], {}, "a\0b"):
        error = n.fails("session.attach", {"client": c.id, "token": token})
        assert error.code == g.INVALID_PARAMS
    for client in (0, -1, "1", None, 1.5):
        error = n.fails("session.attach", {"client": client, "token": c.token})
        assert error.code == g.INVALID_PARAMS


def as_other_uid(pipe, path, number, token):
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    c = g.Client(path)
    errors = [c.fails("session.attach", {"client": number, "token": t})
              for t in (token, wrong(token))]
    pipe.send([(e.message, e.code, e.data) for e in errors])
    pipe.recv()
    c.close()


@pytest.mark.skipif(not g.is_root(), reason="only root can become somebody else")
def test_the_token_is_of_no_use_to_another_uid(room):
    g.open_to_all(room.daemon)
    c = kept(room)
    child = room.own(g.Child(as_other_uid, room.daemon.path, c.id, c.token))
    right, false = child.recv()
    assert right == false and right[0] == "eacces"
    child.send("end")
    c.sync()


def test_the_token_is_not_logged():
    with own(["-v"]) as room:
        c = kept(room)
        attach(room, c)
        room.client().fails("session.attach", {"client": c.id, "token": c.token + "0"})
        assert c.token not in room.daemon.output()
        assert "attached" in room.daemon.output()


def test_who_owns_something_may_not_attach(room):
    c = kept(room)
    s, _ = room.pair(c)

    def refused(n):
        error = n.fails("session.attach", {"client": c.id, "token": c.token})
        check_reason(error, "ealready")

    owner = room.client()
    room.pair(owner)
    refused(owner)
    watcher = room.client()
    monitor = watcher.call("inet.monitor", {"socket": s})["monitor"]
    refused(watcher)
    waiting = room.client()
    i = waiting.start_recv(s)
    refused(waiting)
    assert waiting.call("session.cancel", {"id": i}) is True
    refused(kept(room))
    refused(c)
    # What it has no more it does not own.
    watcher.call("inet.cancel_monitor", {"monitor": monitor})
    attach(room, c, connection=watcher)
    c.closes()
    refused(watcher)
    attach(room, c, connection=waiting)
    watcher.closes()


def test_attach_is_not_for_a_batch(room):
    c = kept(room)
    n = room.client()
    n.raw(line([request(1, "session.attach", params=[c.id, c.token]), request(2)]))
    answers = {a["id"]: a for a in n.other().json}
    assert answers[1]["error"]["code"] == g.INVALID_REQUEST
    assert answers[2]["result"]["client"] != c.id


def test_kept_clients_count_as_clients(tmp_path):
    conf = tmp_path / "conf"
    conf.write_text('{"uid_clients": 3}')
    with own(["-c", str(conf)]) as room:
        watcher = room.client()
        gone = room.known()
        gone.token = gone.call("session.keep", {"ttl": MINUTE})["token"]
        gone.close()
        g.until(lambda: not row(watcher, gone.id)["connected"], "the end of it")
        d = room.client()
        d.sync()
        # one more can attach, and nothing else; whoever attached has left its own place
        e = room.client()
        check_reason(e.fails("session.self"), "system_limit")
        f = room.client()
        f.closes()
        attach(room, gone, connection=e)
        e.close()
        g.until(lambda: not row(watcher, gone.id)["connected"], "the end of it")
        attach(room, gone, connection=d)
        room.client().sync()
        d.call("session.keep", {"ttl": 0})


# --- time --------------------------------------------------------------------------------


def test_at_the_end_of_the_ttl_everything_closes(room):
    c = kept(room, 150)
    s, peer = room.pair(c)
    listener, port = c.listen()
    watcher = room.client()
    monitor = watcher.call("inet.monitor", {"socket": s})["monitor"]
    c.close()
    assert peer.read_end() == b""
    e = watcher.event("down", s)
    assert e.params == {"monitor": monitor, "socket": s, "reason": "killed"}
    check_reason(
        room.client().fails("session.attach", {"client": c.id, "token": c.token}), "eacces")
    with pytest.raises(OSError):
        room.dial(port)
    assert row(watcher, c.id) is None


def test_the_ttl_does_not_run_while_one_is_attached(room):
    c = kept(room, 100)
    time.sleep(0.3)
    c.sync()
    vanish(room, c)
    n = attach(room, c)
    time.sleep(0.3)
    n.sync()


def test_a_call_on_its_socket_lets_the_ttl_begin_anew(room):
    c = kept(room, 600)
    s, peer = room.pair(c)
    other = room.client()
    vanish(room, c)
    for n in range(10):
        time.sleep(0.15)
        if n % 2:
            other.send(s, b"x")
        else:
            other.call("inet.getopts", {"socket": s, "names": ["active"]})
    assert peer.read(5) == b"xxxxx"
    assert row(other, c.id)["keep"]["left"] > 100
    # what is no call on one of its sockets does not
    g.until(lambda: row(other, c.id) is None, "the end of the ttl")
    assert peer.read_end() == b""


# --- while nobody is attached --------------------------------------------------------------


def test_data_waits_with_bounded_memory(room):
    c = kept(room)
    s, peer = room.pair(c, {"active": True})
    vanish(room, c)
    before = room.daemon.rss()
    sent = fill(peer)
    if not room.daemon.sanitized():
        assert room.daemon.rss() - before < 4 * g.MB
    n = attach(room, c)
    assert n.gather(s, sent) == filled(sent)


def test_waiting_requests_vanish(room):
    c = kept(room)
    s, peer = room.pair(c)
    listener, port = c.listen()
    c.start_recv(s)
    c.request("gen_tcp.accept", {"socket": listener})
    other = room.client()
    assert other.call("inet.info", {"socket": s})["waiting"]["recv"] == 1
    vanish(room, c)
    assert other.call("inet.info", {"socket": s})["waiting"]["recv"] == 0
    assert other.call("inet.info", {"socket": listener})["waiting"]["accept"] == 0
    peer.put(b"abc")
    room.dial(port)
    n = attach(room, c)
    assert n.recv(s, 3) == b"abc"
    assert n.accept(listener)
    assert not n.replies


def test_events_are_remembered_in_order(room):
    c = kept(room)
    s, peer = room.pair(c, {"active": 2})
    t, other = room.pair(c, {"active": True})
    mine = room.client()
    u, _ = room.pair(mine)
    monitor = c.call("inet.monitor", {"socket": u})["monitor"]
    vanish(room, c)
    peer.put(b"a")
    mine.close_socket(u)
    other.put(b"last")
    other.half_close()
    n = attach(room, c)
    assert n.gather(s, 1) == b"a"
    peer.put(b"b")
    assert n.gather(s, 1) == b"b"
    assert n.event("tcp_passive", s)
    assert n.gather(t, 4) == b"last"
    n.event("tcp_closed", t)
    assert n.event("down").params == {"monitor": monitor, "socket": u, "reason": "normal"}


def test_an_error_is_remembered(room):
    c = kept(room)
    s, peer = room.pair(c, {"active": True, "show_econnreset": True})
    vanish(room, c)
    peer.reset()
    n = attach(room, c)
    assert n.event("tcp_error", s).params["reason"] == "econnreset"
    n.event("tcp_closed", s)


def test_passive_is_remembered(room):
    """The count was used up while the channel was full, or nobody there."""
    c = kept(room)
    s, peer = room.pair(c)
    other = room.client()
    vanish(room, c)
    other.setopts(s, {"active": 1})
    other.setopts(s, {"active": -1})
    n = attach(room, c)
    n.event("tcp_passive", s)
    n.no_event(s)


def test_a_socket_is_given_to_a_client_without_connection(room):
    c = kept(room)
    giver = room.known()
    s, peer = room.pair(giver, {"active": True})
    vanish(room, c)
    giver.give(s, c.id)
    peer.put(b"for you")
    giver.no_event(s)
    n = attach(room, c)
    assert n.event("tcp_owner", s).params["from"] == giver.id
    assert n.gather(s, 7) == b"for you"
    assert n.sync()["sockets"] == [s]


def test_others_use_its_sockets_meanwhile(room):
    c = kept(room)
    s, peer = room.pair(c)
    listener, port = c.listen()
    other = room.client()
    vanish(room, c)
    peer.put(b"in")
    assert other.recv(s, 2) == b"in"
    other.send(s, b"out")
    assert peer.read(3) == b"out"
    room.dial(port)
    assert other.accept(listener)
    other.close_socket(s)
    assert peer.read_end() == b""
    assert attach(room, c).sync()["sockets"] == [listener]


def test_monitors_survive(room):
    c = kept(room)
    other = room.client()
    s, _ = room.pair(other)
    monitor = c.call("inet.monitor", {"socket": s})["monitor"]
    vanish(room, c)
    n = attach(room, c)
    other.close_socket(s)
    assert n.event("down").params["monitor"] == monitor


# --- one connection --------------------------------------------------------------------------


def test_a_new_attach_ends_the_old_connection(room):
    c = kept(room)
    s, peer = room.pair(c, {"active": True})
    peer.put(b"first")
    assert c.gather(s, 5) == b"first"
    waiting = c.request("gen_tcp.accept", {"socket": c.listen()[0]})
    n = attach(room, c)
    c.closes()
    assert waiting not in c.replies
    # It is the last that is said, about no socket and without a number.
    last = c.events[-1]
    assert (last.name, last.params, last.seq) == ("taken", {"client": c.id}, None)
    peer.put(b"second")
    assert n.gather(s, 6) == b"second"
    again = attach(room, n)
    n.closes()
    peer.put(b"third")
    assert again.gather(s, 5) == b"third"


def test_of_two_that_attach_the_later_wins(room):
    c = kept(room)
    s, peer = room.pair(c, {"active": True})
    vanish(room, c)
    first, second = room.client(), room.client()
    for n in (first, second):
        n.request("session.attach", {"client": c.id, "token": c.token}, id="attach")
    answers = [n.reply("attach").result()["client"] for n in (first, second)]
    assert answers == [c.id, c.id]
    ended = first if not second.ended and row(second, c.id) else second
    winner = second if ended is first else first
    ended.closes()
    peer.put(b"x")
    assert winner.gather(s, 1) == b"x"


def test_what_was_not_written_goes_to_the_new_connection(room):
    """A program that hangs: what its connection could not take is not lost."""
    c = kept(room)
    s, peer = room.pair(c, {"active": True})
    sent = fill(peer)  # nobody reads
    n = attach(room, c)
    c.closes()
    assert c.events.pop().name == "taken"
    first = b"".join(e.data for e in c.events)
    rest = n.gather(s, sent - len(first))
    assert first + rest == filled(sent)


def test_what_is_missing_is_what_had_been_written(room):
    """Without replay: not a byte more than what the dead program was told."""
    c = kept(room)
    s, peer = room.pair(c, {"active": True})
    sent = fill(peer)  # the program does not read
    watcher = room.client()
    vanish(room, c)
    told = watcher.getstat(s, ["recv_oct"])["recv_oct"]
    assert 0 < told < sent
    n = attach(room, c)
    assert n.gather(s, sent - told) == filled(sent)[told:]
    n.no_event(s)
