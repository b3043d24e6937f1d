# SPDX-License-Identifier: ISC
"""What each kind of waiting caller gets when its socket goes, what the owner is
told, and what calls get from then on: as gen_tcp answered the same."""

import pytest

import gentcp_test as g
from gentcp_test import MB, check_reason

# what ends it (close by another, the owner's end, the peer's FIN or reset, shutdown
# read, write or both by another, send_timeout_close, too large a packet), active,
# exit_on_close, show_econnreset: what a recv that waits, a blocked and a suspended
# sender get; the events; the state; then the answers to send, send, recv, recv.
# - is: there is no such caller, or it is not asked.
# Where gen_tcp gives a suspended sender einval (its port has vanished), or lets a
# caller wait for good, it gets closed here: row 7 of the decisions.
TABLE = """
close  false  T F | closed     -          -        | -     | gone   | closed closed closed closed
close  false  F F | closed     closed     closed   | -     | gone   | closed closed closed closed
close  true   T F | -          closed     closed   | -     | gone   | closed closed closed closed
owner  false  T F | closed     -          -        | -     | gone   | closed closed closed closed
owner  false  F F | closed     closed     closed   | -     | gone   | closed closed closed closed
owner  true   T F | -          closed     closed   | -     | gone   | closed closed closed closed
fin    false  T F | closed     -          -        | -     | zombie | closed enotconn enotconn enotconn
fin    false  F F | closed     -          -        | -     | open   | ok ok closed closed
fin    false  T F | -          waits      waits    | -     | busy   | - - closed enotconn
fin    false  F F | -          waits      waits    | -     | busy   | - - closed closed
fin    false  T F | closed     closed     enotconn | -     | zombie | enotconn enotconn enotconn enotconn
fin    false  F F | closed     closed     ok       | -     | open   | ok ok closed closed
fin    true   T F | -          closed     closed   | C     | gone   | closed closed closed closed
fin    true   F F | -          closed     ok       | C     | open   | ok ok einval einval
fin    once   T F | -          closed     closed   | C     | gone   | closed closed closed closed
fin    once   F F | -          closed     ok       | C     | open   | ok ok einval einval
fin    3      T F | -          closed     closed   | C     | gone   | closed closed closed closed
fin    3      F F | -          closed     ok       | C     | open   | ok ok einval einval
reset  false  T F | closed     -          -        | -     | zombie | closed enotconn enotconn enotconn
reset  false  T T | econnreset -          -        | -     | zombie | enotconn enotconn enotconn enotconn
reset  false  F F | closed     -          -        | -     | open   | closed closed closed enotconn
reset  false  F T | econnreset -          -        | -     | open   | econnreset enotconn econnreset enotconn
reset  false  T F | -          closed     enotconn | -     | zombie | enotconn enotconn closed enotconn
reset  false  T T | -          econnreset enotconn | -     | zombie | enotconn enotconn econnreset enotconn
reset  false  F F | -          closed     enotconn | -     | zombie | enotconn enotconn closed enotconn
reset  false  F T | -          econnreset enotconn | -     | zombie | enotconn enotconn econnreset enotconn
reset  false  T F | closed     closed     enotconn | -     | zombie | enotconn enotconn closed enotconn
reset  false  T T | closed     econnreset enotconn | -     | zombie | enotconn enotconn econnreset enotconn
reset  false  F F | closed     closed     enotconn | -     | zombie | enotconn enotconn closed enotconn
reset  false  F T | closed     econnreset enotconn | -     | zombie | enotconn enotconn econnreset enotconn
reset  true   T F | -          closed     closed   | C     | gone   | closed closed closed closed
reset  true   T T | -          econnreset closed   | E C   | gone   | closed closed closed closed
reset  true   F F | -          closed     enotconn | C     | zombie | enotconn enotconn enotconn enotconn
reset  true   F T | -          econnreset enotconn | E C   | zombie | enotconn enotconn enotconn enotconn
reset  once   T T | -          econnreset closed   | E C   | gone   | closed closed closed closed
reset  3      F T | -          econnreset enotconn | E C   | zombie | enotconn enotconn enotconn enotconn
read   false  T F | closed     -          -        | -     | zombie | closed enotconn enotconn enotconn
read   false  F F | closed     -          -        | -     | open   | ok ok closed closed
read   false  T F | -          waits      waits    | -     | busy   | - - closed enotconn
read   false  F F | -          waits      waits    | -     | busy   | - - closed closed
read   false  T F | closed     closed     enotconn | -     | zombie | enotconn enotconn enotconn enotconn
read   false  F F | closed     closed     ok       | -     | open   | ok ok closed closed
read   true   T F | -          closed     closed   | C     | gone   | closed closed closed closed
read   true   F F | -          closed     ok       | C     | open   | ok ok einval einval
write  false  T F | waits      -          -        | -     | open   | closed enotconn closed enotconn
write  false  F F | waits      -          -        | -     | open   | closed enotconn closed enotconn
write  false  T F | -          waits      waits    | -     | busy   | - - timeout timeout
write  false  F F | waits      waits      waits    | -     | busy   | - - ealready ealready
write  true   T F | -          waits      waits    | -     | busy   | - - einval einval
both   false  T F | closed     -          -        | -     | zombie | closed enotconn enotconn enotconn
both   false  F F | closed     -          -        | -     | open   | closed closed closed enotconn
both   false  F F | waits      waits      waits    | -     | busy   | - - ealready ealready
both   true   T F | -          waits      waits    | -     | busy   | - - einval einval
late   false  T F | -          timeout    enotconn | -     | zombie | enotconn enotconn enotconn enotconn
late   false  F F | closed     timeout    enotconn | -     | zombie | enotconn enotconn enotconn enotconn
late   true   T F | -          timeout    enotconn | -     | zombie | enotconn enotconn enotconn enotconn
late   true   F F | -          timeout    enotconn | -     | zombie | enotconn enotconn enotconn enotconn
large  false  T F | emsgsize   -          -        | -     | zombie | enotconn enotconn enotconn enotconn
large  false  F F | emsgsize   -          -        | -     | open   | ok ok timeout timeout
large  false  T F | -          waits      waits    | -     | busy   | - - emsgsize enotconn
large  false  F F | -          waits      waits    | -     | busy   | - - emsgsize timeout
large  false  T F | emsgsize   closed     enotconn | -     | zombie | enotconn enotconn enotconn enotconn
large  false  F F | emsgsize   closed     ok       | -     | open   | ok ok timeout timeout
large  true   T F | -          closed     closed   | M C   | gone   | closed closed closed closed
large  true   F F | -          closed     ok       | M C   | open   | ok ok einval einval
"""

STATES = {
    "open": ["connected", "open"],
    "busy": ["busy", "connected", "open"],
    "zombie": [],
    "gone": ["closed"],
}
MODES = {"true": True, "false": False, "once": "once", "3": 3}
EVENTS = {
    "E": ("tcp_error", "econnreset"), "M": ("tcp_error", "emsgsize"), "C": ("tcp_closed", None),
}
SIZE = 3 * MB  # more than the kernel takes for a peer that does not read


def rows():
    for text in TABLE.strip().splitlines():
        parts = [part.split() for part in text.split("|")]
        yield pytest.param(*parts, id=" ".join(text.replace("|", "").split()[:7]))


class Waiting:
    """A caller of its own client."""

    def __init__(self, room, kind, s):
        self.client = room.client()
        if kind == "recv":
            self.id = self.client.start_recv(s)
        else:
            self.id = self.client.start_send(s, b"waits")
        self.client.sync()

    def expect(self, wanted):
        if wanted == "waits":
            assert self.client.waiting(self.id)
        elif wanted == "ok":
            assert self.client.reply(self.id).result() == "ok"
        else:
            check_reason(self.client.reply(self.id).error(), wanted)


def end(room, client, owner, s, peer, why):
    if why == "close":
        client.setopts(s, {"linger": [True, 0]})
        client.close_socket(s)
    elif why == "owner":
        owner.close()
        g.until(lambda: client.states(s) == ["closed"], "the owner's end")
    elif why == "fin":
        peer.half_close()
    elif why == "reset":
        peer.reset()
    elif why == "large":
        peer.put(b"\0\x09x")
    elif why != "late":
        client.shutdown(s, "read_write" if why == "both" else why)


def answer(client, s, what):
    """What a send, or a recv that does not wait long, answers."""
    i = client.start_send(s, b"x") if what == "send" else client.start_recv(s, 0, 20)
    r = client.reply(i).json
    return r["error"]["message"] if "error" in r else r["result"]


@pytest.mark.parametrize("case,waiting,events,state,after", rows())
def test_a_socket_goes(room, case, waiting, events, state, after):
    why, active, exit_on_close, show = case
    owner, client = room.client(), room.client(attachments=True)
    s, peer = room.pair(owner, {
        "active": MODES[active], "exit_on_close": exit_on_close == "T",
        "show_econnreset": show == "T", "sndbuf": 4096,
    }, small=True)
    if waiting[1] != "-":
        client.send(s, b"q" * SIZE, attached=True)
    if why == "large":
        client.setopts(s, {"packet": 2, "packet_size": 4})
    elif why == "late":
        client.setopts(s, {"send_timeout": 250, "send_timeout_close": True})
    # in this order: the first of the two senders is the blocked one
    callers = [
        (Waiting(room, kind, s), wanted)
        for kind, wanted in (("send", waiting[1]), ("send", waiting[2]), ("recv", waiting[0]))
        if wanted != "-"
    ]
    end(room, client, owner, s, peer, why)
    for caller, wanted in callers:
        caller.expect(wanted)
    if why != "owner":
        for letter in events:
            if letter != "-":
                name, reason = EVENTS[letter]
                assert owner.event(name, s).params.get("reason") == reason
        owner.no_event(s)
    assert client.states(s) == STATES[state[0]]
    for what, wanted in zip(("send", "send", "recv", "recv"), after):
        if wanted != "-":
            assert answer(client, s, what) == wanted, (what, after)
    if why != "owner":
        owner.no_event(s)


def test_a_close_that_waits_when_the_peer_resets(room):
    client, other = room.client(attachments=True), room.client()
    s, peer = room.pair(client, {"high_watermark": 64 * MB, "sndbuf": 8192}, small=True)
    client.send(s, b"q" * SIZE, attached=True)
    closing = client.request("gen_tcp.close", {"socket": s})
    assert client.waiting(closing)
    # To everybody else it is closed, at once and with nothing to wait for.
    assert other.close_socket(s) == "ok"
    assert client.waiting(closing)
    peer.reset()
    assert client.reply(closing).result() == "ok"


def test_a_close_that_waits_when_the_owner_ends(room):
    """The socket is closed already: what is queued still goes out."""
    owner, client = room.client(attachments=True), room.client()
    s, peer = room.pair(owner, {"high_watermark": 64 * MB, "sndbuf": 8192}, small=True)
    data = g.pattern(SIZE)
    owner.send(s, data, attached=True)
    closing = client.request("gen_tcp.close", {"socket": s})
    assert client.waiting(closing)
    owner.close()
    assert client.reply(closing).result() == "ok"
    assert peer.read_end() == data


def test_acceptors_and_a_shutdown_of_their_listener(room, client):
    """shutdown is not for listeners: who waits goes on waiting."""
    listener, port = client.listen()
    waiting = client.request("gen_tcp.accept", {"socket": listener})
    error = client.fails("gen_tcp.shutdown", {"socket": listener, "how": "read_write"})
    check_reason(error, "enotconn")
    assert client.waiting(waiting)
    room.dial(port)
    assert client.states(client.reply(waiting).result()["socket"]) == ["connected", "open"]


def test_all_of_many_suspended_senders_are_answered(room):
    owner, client = room.client(), room.client(attachments=True)
    s, peer = room.pair(owner, {"active": True, "sndbuf": 4096}, small=True)
    client.send(s, b"q" * SIZE, attached=True)
    waiting = [client.start_send(s, b"%d" % n) for n in range(200)]
    assert client.waiting(waiting[0])
    peer.reset()
    for i in waiting:
        check_reason(client.reply(i).error(), "closed")
    owner.event("tcp_closed", s)
    assert client.states(s) == ["closed"]
