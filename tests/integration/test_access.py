# SPDX-License-Identifier: ISC
"""Access rules: every method for root, a member of a group, another user, and one who
is at his cap; then addresses, caps and receivers one by one.  With real uids.
"""

import contextlib
import ctypes
import os
import pathlib
import re
import socket

import pytest

import gentcp_test as g
from gentcp_access import (
    ADMINS, GROUP, MEMBER, OTHER, QUOTA, STRANGER, client, daemon_of, detail, free_port,
    needs_root, outcome, person)
from gentcp_test import check_reason, line, request

pytestmark = needs_root

RULES = [
    {"groups": [GROUP], "listen": ["127.0.0.0/8"], "connect": ["127.0.0.0/8"]},
    {"users": [OTHER], "methods": ["inet.*", "session.*"]},
    {"users": [QUOTA], "sockets": 3},
]

# What each is answered.  The other user can make no socket, so methods find none.
TABLE = {
    #                          root, member      other     at his cap
    "gen_tcp.connect": ("ok", "ok", "eacces", "system_limit"),
    "gen_tcp.listen": ("ok", "ok", "eacces", "system_limit"),
    "gen_tcp.accept": ("timeout", "timeout", "eacces", "system_limit"),
    "gen_tcp.fdopen": ("ok", "ok", "eacces", "system_limit"),
    "gen_tcp.send": ("ok", "ok", "eacces", "ok"),
    "gen_tcp.recv": ("timeout", "timeout", "eacces", "timeout"),
    "gen_tcp.unrecv": ("ok", "ok", "eacces", "ok"),
    "gen_tcp.controlling_process": ("ok", "ok", "eacces", "ok"),
    "inet.setopts": ("ok", "ok", "einval", "ok"),
    "inet.getopts": ("ok", "ok", "einval", "ok"),
    "inet.sockname": ("ok", "ok", "einval", "ok"),
    "inet.peername": ("ok", "ok", "einval", "ok"),
    "inet.port": ("ok", "ok", "einval", "ok"),
    "inet.getstat": ("ok", "ok", "einval", "ok"),
    "inet.info": ("ok", "ok", "ok", "ok"),  # of a socket that is gone, too
    "inet.i": ("ok", "ok", "ok", "ok"),
    "inet.getfd": ("ok", "eacces", "einval", "ok"),  # the member has a rule for addresses
    "inet.monitor": ("ok", "ok", "ok", "ok"),
    "inet.cancel_monitor": ("ok", "ok", "ok", "ok"),
    "inet.getaddrs": ("ok", "ok", "ok", "ok"),
    "file.sendfile": ("ok", "ok", "eacces", "system_limit"),
    "session.hello": ("ok", "ok", "ok", "ok"),
    "session.self": ("ok", "ok", "ok", "ok"),
    "session.clients": ("ok", "ok", "ok", "ok"),
    "session.cancel": ("ok", "ok", "ok", "ok"),
    "session.keep": ("ok", "ok", "ok", "ok"),
    "session.attach": ("ealready", "ealready", "eacces", "ealready"),  # other: a wrong token
    "session.ack": ("ok", "ok", "ok", "ok"),
    "rpc.discover": ("ok", "ok", "eacces", "ok"),
    "daemon.status": ("ok", "eacces", "eacces", "eacces"),
    "daemon.reload": ("ok", "eacces", "eacces", "eacces"),
    "daemon.metrics": ("ok", "eacces", "eacces", "eacces"),
    "daemon.log_level": ("ok", "eacces", "eacces", "eacces"),
    "gen_tcp.shutdown": ("ok", "ok", "eacces", "ok"),
    "gen_tcp.close": ("ok", "ok", "eacces", "ok"),
    "daemon.shutdown": ("ok", "eacces", "eacces", "eacces"),
}
PEOPLE = ["member", "other", "quota", "root"]  # root ends the daemon


def requests(c, listener, s, file):
    """Each method once, in the order of the table: (method, params, descriptors)."""
    pair = socket.socketpair()
    known = {
        "gen_tcp.connect": {"address": "127.0.0.1", "port": listener[1], "timeout": 5000},
        "gen_tcp.listen": {"port": 0, "options": {"ip": "127.0.0.1"}},
        "gen_tcp.accept": {"socket": listener[0], "timeout": 0},
        "gen_tcp.fdopen": {"options": {"fd": "passed"}},
        "gen_tcp.send": {"socket": s, "data": "x"},
        "gen_tcp.recv": {"socket": s, "length": 0, "timeout": 0},
        "gen_tcp.unrecv": {"socket": s, "data": "x"},
        "gen_tcp.controlling_process": {"socket": s, "client": c.id},
        "inet.setopts": {"socket": s, "options": {"nodelay": True}},
        "inet.getopts": {"socket": s, "names": ["nodelay"]},
        "inet.cancel_monitor": {"monitor": 2**40},
        "inet.getaddrs": {"host": "127.0.0.1"},
        "file.sendfile": {"socket": s, "offset": 0, "bytes": 1},
        "session.cancel": {"id": "none"},
        "session.keep": {"ttl": 0},
        "session.attach": {"client": 2**40, "token": "0" * 64},
        "session.ack": {"seq": 0},
        "gen_tcp.shutdown": {"socket": s, "how": "write"},
    }
    for method in TABLE:
        params = known.get(method)
        if params is None:
            params = {} if method.startswith(("session", "daemon", "rpc")) or method == "inet.i" else {
                "socket": s}
        fds = {"gen_tcp.fdopen": [pair[0].fileno()], "file.sendfile": [file]}.get(method, [])
        yield method, params, fds
    for end in pair:
        end.close()


def ask_all(room, who, file):
    uid, groups = {
        "root": (0, [0]), "member": (MEMBER, [7, GROUP]), "other": (OTHER, [OTHER]),
        "quota": (QUOTA, [])}[who]
    c = client(room, uid, groups)
    listener, s = (2**40, 9), 2**40
    if who != "other":
        listener = c.listen({"ip": "127.0.0.1", "active": False})
        s = c.connect(listener[1], {"active": False})
        c.accept(listener[0])
    answers = {}
    for method, params, fds in requests(c, listener, s, file):
        answers[method] = outcome(c, method, params, fds)
        if method == "gen_tcp.connect" and answers[method] == "ok":
            c.accept(listener[0])  # so that the next accept finds none
    return answers


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    if not g.is_root():
        pytest.skip("only root can become somebody else")
    path = tmp_path_factory.mktemp("access") / "file"
    path.write_bytes(b"x")
    file = os.open(path, os.O_RDONLY)
    found = {}
    with daemon_of({"access": RULES}, clean=False) as room:
        for who in PEOPLE:
            found[who] = ask_all(room, who, file)
        found["status"] = room.daemon.process.wait(g.DEADLINE)
        room.daemon.check_log()
    os.close(file)
    return found


def test_the_table_has_every_method():
    top = pathlib.Path(__file__).resolve().parents[2]
    rows = re.findall(r'^\t\[METHOD_\w+\] = \{METHOD_\w+,\s*"([a-z_.]+)"',
                      (top / "proto/method.c").read_text(), re.M)
    missing = set(rows) ^ set(TABLE)
    assert len(rows) > 30 and not missing, missing


@pytest.mark.parametrize("method", list(TABLE))
@pytest.mark.parametrize("who", ["root", "member", "other", "quota"])
def test_who_may(answers, who, method):
    column = {"root": 0, "member": 1, "other": 2, "quota": 3}[who]
    assert answers[who][method] == TABLE[method][column]


def test_shutdown_ended_the_daemon(answers):
    assert answers["status"] == 0


# --- addresses ------------------------------------------------------------------


def listens(c, number, **options):
    r = c.reply(c.request("gen_tcp.listen", {"port": number, "options": options}))
    if "error" in r.json:
        return r.json["error"]["message"]
    c.close_socket(r.json["result"]["socket"])
    return "ok"


def test_where_one_may_listen(has_ipv6):
    port = free_port()
    rule = {"users": [MEMBER], "listen": [
        "127.0.0.0/8:%d-%d" % (port, port), "127.0.0.1:0", "127.0.0.2:81", "[::1]:0", "[::/0]:%d" % port]}
    with daemon_of({"access": [rule]}) as room:
        c, without = client(room, MEMBER), client(room, STRANGER)
        assert listens(c, port, ip="127.0.0.1") == "ok"
        assert listens(c, port, ip="127.0.0.9") == "ok"
        assert listens(c, 0, ip="127.0.0.1") == "ok"
        assert listens(c, 0, ip="127.0.0.9") == "eacces"
        assert listens(c, 0) == "eacces"  # 0.0.0.0
        assert listens(c, port) == "eacces"
        # Below 1024 where a rule says so, and nowhere else.
        assert listens(c, 81, ip="127.0.0.2") == "ok"
        assert listens(c, 81, ip="127.0.0.1") == "eacces"
        assert listens(without, 81, ip="127.0.0.2") == "eacces"
        assert listens(without, 0) == "ok"
        # By each way to name a port.
        assert listens(c, 0, ifaddr={"family": "inet", "addr": "127.0.0.1", "port": 82}) == "eacces"
        assert listens(c, 0, ip="127.0.0.1", port=82) == "eacces"
        assert listens(c, 0, ip="127.0.0.2", port=81) == "ok"
        assert detail(c, "gen_tcp.listen", {"port": 82, "options": {"ip": "127.0.0.1"}}) == (
            "eacces", "the access rules do not have this own address and port")
        if has_ipv6:
            assert listens(c, 0, family="inet6", ip="::1") == "ok"
            # :: takes IPv4 as well, for which there is no rule at 0.0.0.0.
            assert listens(c, port, family="inet6", ip="::") == "eacces"
            assert listens(c, port, family="inet6", ip="::", ipv6_v6only=True) == "ok"
            assert listens(c, port, family="inet6", ip="::ffff:127.0.0.1") == "ok"
            assert listens(c, port, family="inet6", ip="::ffff:10.0.0.1") == "eacces"


def connects(c, address, to, **options):
    r = c.reply(c.request("gen_tcp.connect", {
        "address": address, "port": to, "options": options, "timeout": 5000}))
    if "error" in r.json:
        return r.json["error"]["message"]
    c.close_socket(r.json["result"]["socket"])
    return "ok"


def test_where_one_may_connect_to(has_ipv6):
    with daemon_of({}) as room:
        good = room.tcp_listener()
        bad = room.tcp_listener()
        port, other = good.getsockname()[1], bad.getsockname()[1]
        rule = {"users": [MEMBER], "connect": ["127.0.0.0/8:%d" % port]}
        room.daemon.write({"access": [rule]})
        assert outcome(room.known(), "daemon.reload") == "ok"
        c = client(room, MEMBER)
        assert connects(c, "127.0.0.1", port) == "ok"
        assert connects(c, "127.0.0.1", other) == "eacces"
        assert connects(c, "0.0.0.0", port) == "ok"  # which is 127.0.0.1
        assert connects(c, "0.0.0.0", other) == "eacces"
        # A name is judged by what it stands for.
        assert connects(c, "localhost", port) == "ok"
        assert connects(c, "localhost", other) == "eacces"
        assert connects(c, "10.9.8.7", port) == "eacces"
        assert connects(c, {"family": "inet", "addr": "127.0.0.1", "port": other}, None) == "eacces"
        assert detail(c, "gen_tcp.connect", {"address": "localhost", "port": other}) == (
            "eacces", "the access rules do not have this address and port")
        if has_ipv6:
            assert connects(c, "::1", port, family="inet6") == "eacces"
            assert connects(c, "::ffff:127.0.0.1", port, family="inet6") == "ok"
            assert connects(c, "::ffff:127.0.0.1", other, family="inet6") == "eacces"
        # Root is bound by no rule.
        assert connects(room.known(), "127.0.0.1", other) == "ok"


def test_any_is_judged_by_where_the_kernel_goes(has_ipv6):
    with contextlib.ExitStack() as stack:
        everywhere = stack.enter_context(socket.socket(socket.AF_INET6 if has_ipv6 else socket.AF_INET))
        everywhere.bind(("", 0))
        everywhere.listen()
        port = everywhere.getsockname()[1]
        rules = [{"users": [MEMBER], "connect": ["127.0.0.1"]}, {"users": [OTHER], "connect": ["[::1]"]},
                 {"users": [QUOTA], "connect": ["0.0.0.0/2"]}]
        room = stack.enter_context(daemon_of({"access": rules}))
        first, six, low = client(room, MEMBER), client(room, OTHER), client(room, QUOTA)
        # The own address, where a socket has one.
        assert connects(first, "0.0.0.0", port) == "ok"
        assert connects(first, "0.0.0.0", port, ip="127.0.0.1") == "ok"
        assert connects(first, "0.0.0.0", port, ip="127.0.0.2") == "eacces"
        assert connects(low, "0.0.0.0", port) == "eacces"
        if has_ipv6:
            mapped = {"family": "inet6", "ip": "::ffff:127.0.0.1"}
            assert connects(first, "::", port, **mapped) == "ok"
            assert connects(six, "::", port, family="inet6") == "ok"
            assert connects(six, "::", port, **mapped) == "eacces"
            assert connects(first, "::ffff:0.0.0.0", port, family="inet6") == "ok"
            assert connects(low, "::ffff:0.0.0.0", port, family="inet6") == "eacces"


def test_the_own_port_of_a_connection_is_one_of_the_rules():
    own = free_port()
    rule = {"users": [MEMBER], "listen": ["127.0.0.1:%d" % own]}
    with daemon_of({"access": [rule]}) as room:
        c = client(room, MEMBER)
        port = room.tcp_listener().getsockname()[1]
        assert connects(c, "127.0.0.1", port) == "ok"
        assert connects(c, "127.0.0.1", port, ip="127.0.0.1") == "ok"
        assert connects(c, "127.0.0.1", port, ip="127.0.0.1", port=own) == "ok"
        assert connects(c, "127.0.0.1", port, ip="127.0.0.1", port=own + 1 if own < 65535 else 2000) == "eacces"
        assert connects(c, "127.0.0.1", port, ip="127.0.0.1", port=81) == "eacces"


def test_a_descriptor_is_no_way_past_the_addresses():
    with daemon_of({}) as room:
        port, elsewhere = (room.tcp_listener().getsockname() for _ in range(2))
        rule = {"users": [MEMBER], "connect": ["127.0.0.1:%d" % port[1]]}
        room.daemon.write({"access": [rule]})
        root = room.known()
        assert outcome(root, "daemon.reload") == "ok"
        c = client(room, MEMBER)
        s = c.connect(port[1], {"active": False})
        assert detail(c, "inet.getfd", {"socket": s}) == ("eacces", "this method is not for you")
        # Where it is named one has to know what it means.
        room.daemon.write({"access": [dict(rule, methods=["*"])]})
        assert outcome(root, "daemon.reload") == "ok"
        with c.getfd(s) as handed:
            nowhere = ctypes.create_string_buffer(16)  # AF_UNSPEC: undoes the connection
            assert ctypes.CDLL(None).connect(handed.fileno(), nowhere, 16) == 0
            handed.setblocking(True)
            handed.connect(elsewhere)


# --- methods --------------------------------------------------------------------


def test_a_forbidden_send_by_every_way():
    with daemon_of({}) as room:
        c = client(room, MEMBER)
        s, peer = room.pair(c)
        room.daemon.write({"access": [{"users": [MEMBER], "methods": ["gen_tcp.recv"]}]})
        assert outcome(room.known(), "daemon.reload") == "ok"
        assert outcome(c, "gen_tcp.send", {"socket": s, "data": "x"}) == "eacces"
        c.raw(b'{"jsonrpc":"2.0","method":"gen_tcp.send","params":{"socket":%d,"data":"x"}}\n' % s)
        c.raw(b'[{"jsonrpc":"2.0","id":1,"method":"gen_tcp.send","params":[%d,"x"]}]\n' % s)
        assert c.other().json[0]["error"]["message"] == "eacces"
        assert outcome(c, "session.hello") == "ok"
        peer.send(b"in")
        assert c.recv(s) == b"in"
        room.daemon.write({})
        assert outcome(room.known(), "daemon.reload") == "ok"
        assert c.send(s, b"y") == "ok"
        assert peer.read(1) == b"y"


# --- caps -----------------------------------------------------------------------


def test_the_last_places_are_for_administrators():
    with daemon_of({"total_clients": 16}) as room:
        def now():
            return root[0].call("daemon.status")["used"]["clients"]

        others = [client(room, MEMBER + i % 3) for i in range(14)]
        assert refused_at_once(room, OTHER) == "system_limit"
        root = [room.known() for _ in range(2)]
        assert now() == 16
        assert refused_at_once(room, 0) == "system_limit"
        root.pop().close()
        others.pop().close()
        g.until(lambda: now() == 14, "free places")
        assert refused_at_once(room, OTHER) == "system_limit"
        others.pop().close()
        g.until(lambda: now() == 13, "one more")
        client(room, OTHER)


def test_caps_of_a_rule_are_for_each_uid():
    rules = [{"groups": [GROUP], "sockets": 2, "clients": 2, "bytes": 2 * g.MB}]
    with daemon_of({"access": rules}) as room:
        a, b = client(room, MEMBER, [GROUP]), client(room, MEMBER, [GROUP])
        other = client(room, OTHER, [GROUP])
        assert [outcome(c, "gen_tcp.listen", {"port": 0}) for c in (a, b, a, other, other, other)] \
            == ["ok", "ok", "system_limit", "ok", "ok", "system_limit"]
        # Without the group the same uid is under no rule.
        free = client(room, MEMBER)
        assert outcome(free, "gen_tcp.listen", {"port": 0}) == "ok"
        with person(MEMBER, [GROUP]):
            third = room.own(g.Client(room.daemon.path))
        third.raw(b'{"jsonrpc":"2.0","id":1,"method":"session.self"}\n')
        try:
            assert third.other().json["error"]["message"] == "system_limit"
        except g.Ended:
            pass
        # What was closed is free for others of the uid.
        a.close()
        g.until(lambda: outcome(b, "gen_tcp.listen", {"port": 0}) == "ok", "a free socket")


def refused_at_once(room, uid):
    with person(uid):
        c = room.own(g.Client(room.daemon.path))
    with contextlib.suppress(OSError):
        c.raw(line(request(1, "session.hello")))
    try:
        return c.other().json["error"]["message"]
    except g.Ended:
        return "system_limit"  # the line was overtaken by the end


def test_at_the_cap_a_kept_client_can_be_attached():
    with daemon_of({"access": [{"users": [MEMBER, OTHER], "clients": 2}]}) as room:
        kept = []
        for _ in range(2):
            c = client(room, MEMBER)
            kept.append((c.id, c.call("session.keep", {"ttl": 60000})["token"], c.listen()[0]))
            c.close()
        root = room.known()
        g.until(lambda: root.call("daemon.status")["used"]["clients"] == 3, "three places taken")
        # One connection for each, which may do nothing else; and for this user alone.
        a, b = client(room, MEMBER), client(room, MEMBER)
        assert refused_at_once(room, MEMBER) == "system_limit"
        for method in ("session.self", "session.keep", "gen_tcp.listen", "daemon.status"):
            assert detail(a, method, {"ttl": 1} if method == "session.keep" else {"port": 0}
                          if method == "gen_tcp.listen" else {}) == (
                "system_limit", "too many clients: this connection can only attach one that is kept")
        assert outcome(a, "gen_tcp.send", {"socket": kept[0][2], "data": "x"}) == "system_limit"
        assert outcome(a, "session.attach", {"client": kept[0][0], "token": "0" * 64}) == "eacces"
        assert outcome(root, "daemon.reload") == "ok"
        assert outcome(a, "session.self") == "system_limit"
        number, token, listener = kept[0]
        assert a.call("session.attach", {"client": number, "token": token})["client"] == number
        assert a.call("session.self")["sockets"] == [listener]
        # Also where it has a connection, which ends.
        assert b.call("session.attach", {"client": number, "token": token})["client"] == number
        a.closes()
        assert root.call("daemon.status")["used"]["clients"] == 3
        # Whoever came for nothing else is a client as soon as there is a place.
        waits = client(room, MEMBER)
        assert outcome(waits, "session.self") == "system_limit"
        b.call("session.keep", {"ttl": 0})
        b.close()
        g.until(lambda: outcome(waits, "session.self") == "ok", "a place")
        assert waits.listen()
        others = [client(room, OTHER) for _ in range(2)]
        assert refused_at_once(room, OTHER) == "system_limit"
        assert [outcome(c, "session.self") for c in others] == ["ok", "ok"]
        number, token, listener = kept[1]
        last = client(room, MEMBER)
        last.call("session.attach", {"client": number, "token": token})
        last.call("session.keep", {"ttl": 0})


def test_a_cap_of_bytes():
    with daemon_of({"access": [{"users": [MEMBER], "bytes": g.MB}]}) as room:
        c = client(room, MEMBER, attachments=True)
        s, peer = room.pair(c, {"high_watermark": 100 * g.MB}, small=True)
        reasons = set()
        for _ in range(20):
            r = c.reply(c.request("gen_tcp.send", {"socket": s}, attachment=b"x" * (g.MB // 2)))
            reasons.add(r.json.get("error", {}).get("message", "ok"))
        assert reasons == {"ok", "system_limit"}


def test_other_caps_for_who_is_there():
    with daemon_of({}) as room:
        c = client(room, MEMBER)
        sockets = [c.listen()[0] for _ in range(4)]
        root = room.known()
        for rule in ({"users": [MEMBER], "sockets": 3}, {"sockets": 2}):
            room.daemon.write({"access": [rule]})
            assert outcome(root, "daemon.reload") == "ok"
            assert outcome(c, "gen_tcp.listen", {"port": 0}) == "system_limit"
        for s in sockets[:3]:
            assert c.close_socket(s) == "ok"
        assert outcome(c, "gen_tcp.listen", {"port": 0}) == "ok"
        assert outcome(c, "gen_tcp.listen", {"port": 0}) == "system_limit"
        room.daemon.write({"uid_sockets": 3})
        assert outcome(root, "daemon.reload") == "ok"
        assert outcome(c, "gen_tcp.listen", {"port": 0}) == "ok"
        assert outcome(c, "gen_tcp.listen", {"port": 0}) == "system_limit"


# --- receivers ------------------------------------------------------------------


def test_to_whom_sockets_may_be_given():
    rules = [{"users": [0], "give_to": [MEMBER]}, {"users": [MEMBER], "give_to": "*"}]
    with daemon_of({"access": rules}) as room:
        root, member, other = room.known(), client(room, MEMBER), client(room, OTHER)
        s, peer = room.pair(root)
        check_reason(
            root.fails("gen_tcp.controlling_process", {"socket": s, "client": other.id}), "eacces")
        assert root.give(s, member.id) == "ok"
        assert member.event("tcp_owner", s).params["from"] == root.id
        # Who waits at it and sees it no more is told; root sees it still.
        colleague = client(room, MEMBER)
        waiting = colleague.start_recv(s)
        assert colleague.waiting(waiting)
        assert member.give(s, other.id) == "ok"
        check_reason(colleague.reply(waiting).error(), "einval")
        other.event("tcp_owner", s)
        peer.send(b"on")
        assert other.recv(s) == b"on"
        check_reason(member.fails("gen_tcp.send", {"socket": s, "data": "x"}), "closed")
        # Back: nobody said that OTHER may give.
        check_reason(
            other.fails("gen_tcp.controlling_process", {"socket": s, "client": member.id}), "eacces")


# --- the monitor socket ---------------------------------------------------------


def test_the_monitor_socket_is_for_questions():
    with daemon_of({}, clean=False) as plain:
        path = os.path.join(plain.daemon.conf_folder, "monitor.sock")
        os.chmod(plain.daemon.conf_folder, 0o711)
        plain.daemon.write({"monitor_mode": "0666", "monitor_socket": path})
        assert outcome(plain.known(), "daemon.reload") == "ok"
        g.until(lambda: "after a new start only" in plain.daemon.output(), "a warning")
        assert not os.path.exists(path)
        folder = plain.daemon.folder
        plain.daemon.process.terminate()
        assert plain.daemon.process.wait(g.DEADLINE) == 0
        plain.end()
        plain.daemon.start()
        os.chmod(folder, 0o711)
        room = g.Room(plain.daemon)
        owner = client(room, MEMBER)
        s, peer = room.pair(owner)
        watcher = client(room, OTHER, path=path)
        assert s in [row["socket"] for row in watcher.call("inet.i")]
        assert watcher.call("inet.info", {"socket": s})["owner"] == owner.id
        assert watcher.call("daemon.status")["used"]["sockets"] == 1
        assert "gentcp_sockets" in watcher.call("daemon.metrics")["text"]
        assert owner.id in [c["client"] for c in watcher.call("session.clients")]
        for method, params in (
            ("gen_tcp.send", {"socket": s, "data": "x"}), ("gen_tcp.close", {"socket": s}),
            ("gen_tcp.listen", {"port": 0}), ("inet.getfd", {"socket": s}),
            ("session.keep", {"ttl": 1000}), ("daemon.log_level", {}), ("daemon.shutdown", {}),
            ("inet.setopts", {"socket": s, "options": {"active": True}}),
        ):
            assert outcome(watcher, method, params) == "eacces", method
        # Nor is it given anything.
        assert outcome(owner, "gen_tcp.controlling_process",
                       {"socket": s, "client": watcher.id}) == "eacces"
        assert owner.send(s, b"x") == "ok"
        room.end()
        plain.daemon.process.terminate()
        assert plain.daemon.process.wait(g.DEADLINE) == 0
        assert not os.path.exists(path)
        plain.daemon.check_log()
        for leftover in os.listdir(plain.daemon.conf_folder):
            assert leftover == "gentcpd.conf"


# --- refusals -------------------------------------------------------------------


def test_refusals_are_counted_and_logged_once_a_second():
    with daemon_of({"access": [{"users": [MEMBER], "methods": ["inet.i"]}]}) as room:
        c, root = client(room, MEMBER), room.known()
        before = root.call("daemon.status")["refused"]
        for _ in range(300):
            assert outcome(c, "gen_tcp.listen", {"port": 0}) == "eacces"
        after = root.call("daemon.status")["refused"]
        assert after["access"] - before["access"] == 300
        assert after["limit"] == before["limit"]
        lines = [x for x in room.daemon.output().splitlines() if " access: " in x]
        assert 1 <= len(lines) < 30
        assert "client %d, uid %d," % (c.id, MEMBER) in lines[0]
        assert "gen_tcp.listen refused: eacces: this method is not for you" in lines[0]


def test_nobody_fills_the_log():
    """What a client can do over and over is a line a second, or none by default."""
    with daemon_of({}) as room, open("/dev/null") as null:
        for i in range(60):
            broken = client(room, MEMBER, attachments=True)
            broken.raw(b"no message\n")
            broken.closes()
            kept = client(room, MEMBER)
            kept.call("session.keep", {"ttl": 1})
            kept.close()
            many = client(room, MEMBER)
            many.raw_with_fds(b" " * 16, [null.fileno()] * 20)
            many.closes()
        root = room.known()
        g.until(lambda: root.call("daemon.status")["used"]["clients"] == 1, "the end of all")
        assert room.daemon.output().count("\n") < 20, room.daemon.output()
        assert "uid %d: closed: too many descriptors" % MEMBER in room.daemon.output()


def test_administrators():
    with daemon_of({"admin_group": ADMINS}) as room:
        admin, other = client(room, MEMBER, [ADMINS]), client(room, MEMBER, [GROUP])
        assert outcome(admin, "daemon.status") == "ok"
        assert outcome(admin, "daemon.metrics") == "ok"
        assert detail(other, "daemon.status") == ("eacces", "this method is for administrators")
        assert admin.call("daemon.log_level", {"level": "debug", "subsystem": "tcp"})["tcp"] == "debug"
        assert admin.call("daemon.log_level")["rpc"] == "info"
        assert "error" in admin.reply(admin.request("daemon.log_level", {"level": "loud"})).json
        assert "error" in admin.reply(admin.request(
            "daemon.log_level", {"level": "info", "subsystem": "tpc"})).json
        # It is as the configuration has it when that is read anew.
        assert outcome(admin, "daemon.reload") == "ok"
        assert admin.call("daemon.log_level")["tcp"] == "info"


def test_who_attaches_is_judged_by_its_own_groups():
    rule = {"groups": [GROUP], "listen": ["127.0.0.1:81"]}
    with daemon_of({"access": [rule], "admin_group": ADMINS}) as room:
        listen = {"port": 81, "options": {"ip": "127.0.0.1"}}
        c = client(room, MEMBER, [GROUP, ADMINS])
        s = c.call("gen_tcp.listen", listen)["socket"]
        token = c.call("session.keep", {"ttl": 60000})["token"]
        assert outcome(c, "daemon.status") == "ok"
        later = client(room, MEMBER)
        later.call("session.attach", {"client": c.id, "token": token})
        assert outcome(later, "daemon.status") == "eacces"
        assert later.close_socket(s) == "ok"
        assert outcome(later, "gen_tcp.listen", listen) == "eacces"
        later.call("session.keep", {"ttl": 0})
