# SPDX-License-Identifier: ISC
"""Every option of proto/option.c in every family that has it: at connect, at listen
and inherited, by setopts and getopts, refused where it has to be; and what the kernel
itself says of the descriptor that inet.getfd hands out.  The rows are option_rows.py.
"""

import csv
import itertools
import json
import os
import socket
import subprocess

import pytest

import gentcp_test as g
from gentcp_test import check_reason
from option_rows import BY_NAME, ROWS

FAMILIES = {"inet": "127.0.0.1", "inet6": "::1", "local": None}
DOMAINS = {"inet": socket.AF_INET, "inet6": socket.AF_INET6, "local": socket.AF_UNIX}


def table():
    """The rows that proto/option.c has, by tests/print_options."""
    program = g.binary("PRINT_OPTIONS", "tests/print_options")
    text = subprocess.run([program, "tsv"], stdout=subprocess.PIPE, check=True).stdout
    return list(csv.DictReader(text.decode().splitlines(), dialect="excel-tab"))


class Ends:
    """The daemon's sockets and their plain peers, in one family."""

    numbers = itertools.count()

    def __init__(self, room, client, family):
        self.room, self.client, self.family = room, client, family
        self.host = FAMILIES[family]
        self.always = []  # options of all that is opened

    def path(self):
        """A file's name that is not there, gone with the daemon's folder."""
        return os.path.join(self.room.daemon.folder, "end-%d" % next(self.numbers))

    def plain_listener(self):
        s = self.room.own(socket.socket(DOMAINS[self.family]))
        s.bind(self.path() if self.host is None else (self.host, 0))
        s.listen(8)
        s.settimeout(g.DEADLINE)
        return s

    def connect(self, options, word=True, fds=None):
        """Asks the daemon to connect to a peer of ours; the request's id."""
        listener = self.plain_listener()
        name = listener.getsockname()
        params = {"address": {"local": name}, "port": 0} if self.host is None else \
            {"address": self.host, "port": name[1]}
        params["options"] = \
            self.always + [self.family] * word + [["active", False]] + list(options)
        return self.client.request("gen_tcp.connect", params, fds=fds)

    def connected(self, options=()):
        return self.client.reply(self.connect(options)).result()["socket"]

    def listen(self, options, word=True, bound=True, fds=None):
        own = [["ip", {"local": self.path()} if self.host is None else self.host]]
        params = {"port": 0, "options": self.always + [self.family] * word +
            [["active", False]] + own * bound + list(options)}
        return self.client.request("gen_tcp.listen", params, fds=fds)

    def listening(self, options=()):
        return self.client.reply(self.listen(options)).result()["socket"]

    def accepted(self, listener):
        """What the daemon accepts of a peer's connection."""
        name = self.client.call("inet.sockname", {"socket": listener})
        s = self.room.own(socket.socket(DOMAINS[self.family]))
        s.connect(name["addr"] if self.host is None else (self.host, name["port"]))
        return self.client.accept(listener)

    def set(self, s, name, value):
        params = {"socket": s, "options": {name: value}}
        return self.client.reply(self.client.request("inet.setopts", params))

    def shows(self, s, row, wanted):
        """getopts says so, and so does the kernel, where it is the kernel's."""
        if "G" in row.when:
            found = self.client.getopts(s, [row.name])
            # exclusiveaddruse has no value, nodelay none on a local socket
            nothing = wanted is None or self.family in row.ignored
            assert found == ({} if nothing else {row.name: wanted})
        if row.kernel is not None and self.family in row.on:
            with self.client.getfd(s) as fd:
                assert row.seen(fd) == wanted


@pytest.fixture
def ends(room, client, has_ipv6):
    def make(family):
        if family == "inet6" and not has_ipv6:
            pytest.skip("this machine has no IPv6")
        return Ends(room, client, family)

    return make


def rows(check=lambda row: True):
    """(row, family) of each row and each family that takes it."""
    return pytest.mark.parametrize("row,family", [
        pytest.param(row, family, id="%s-%s" % (row.name, family))
        for row in ROWS if check(row) for family in row.on + row.ignored
    ])


def values(when):
    """(row, family, value, shown) of what can be given then."""
    return pytest.mark.parametrize("row,family,value,shown", [
        pytest.param(row, family, value, shown, id="%s-%s-%s" % (row.name, family, value))
        for row in ROWS if when in row.when
        for family in row.on + row.ignored for value, shown in row.good
    ])


def wrong(when):
    """(row, value) of what is no value then."""
    return pytest.mark.parametrize("row,value", [
        pytest.param(row, value, id="%s-%.30s" % (row.name, value))
        for row in ROWS if when in row.when for value in row.bad
    ])


def refused(when):
    """(row, family, value) of what the kernel will not have then."""
    return pytest.mark.parametrize("row,family,value", [
        pytest.param(row, family, value, id="%s-%s-%s" % (row.name, family, value))
        for row in ROWS if when in row.when for family in row.on for value in row.refused
    ])


# --- the table ----------------------------------------------------------------


def test_every_row_of_the_table_is_here():
    """Where this fails: add the option to option_rows.py."""
    assert sorted(r["name"] for r in table()) == sorted(BY_NAME)
    assert len(BY_NAME) == len(ROWS)
    for row in ROWS:
        assert row.bad or row.bare or row.when == "G", row.name
        if row.elsewhere is not None:
            with open(os.path.join(g.HERE, row.elsewhere)) as f:
                assert '"%s"' % row.name in f.read(), row.name
        else:
            assert row.good or row.bare or row.opens, row.name


@pytest.mark.parametrize(
    "of_table", [r for r in table() if r["name"] in BY_NAME], ids=lambda r: r["name"])
def test_the_table_says_the_same(of_table):
    row = BY_NAME[of_table["name"]]
    words = {"C": "connect", "L": "listen", "S": "setopts", "G": "getopts"}
    assert of_table["when"].split(", ") == [words[c] for c in row.when]
    if row.bare is None and row.name != "family":
        assert of_table["families"].split(", ") == row.on
    assert of_table["inherit"] == row.accept
    assert (int(of_table["level"]), int(of_table["optname"])) == (row.kernel or (0, 0))
    assert of_table["stands_for"] == (row.bare[0] if row.bare else "")
    if row.default is not None:
        text = of_table["default"]
        assert (text if isinstance(row.default, str) else json.loads(text)) == row.default


# --- what is taken ------------------------------------------------------------


@values("C")
def test_at_connect(ends, row, family, value, shown):
    e = ends(family)
    e.shows(e.connected([[row.name, value]]), row, shown)


@values("L")
def test_at_listen(ends, row, family, value, shown):
    """Of any address, for a bind to another changes ipv6_v6only."""
    e = ends(family)
    s = e.client.reply(e.listen([[row.name, value]], bound=e.host is None)).result()["socket"]
    e.shows(s, row, shown)


def inherited(ends, row, shown):
    """What an accepted socket shows, whose listener shows that."""
    unix = ends.family == "local" and row.accept == "kernel"  # Linux hands nothing on
    if row.accept != "no" and not unix:
        return shown
    if "G" not in row.when:
        return None
    return ends.client.getopts(ends.accepted(ends.listening()), [row.name]).get(row.name)


@values("L")
def test_inherited(ends, row, family, value, shown):
    """No look at the listener's descriptor before: who has got that is not trusted."""
    e = ends(family)
    listener = e.listening([[row.name, value]])
    s = e.accepted(listener)
    if row.name == "active" and value not in (True, False, "once"):
        e.shows(listener, row, shown)  # each has a count of its own
    e.shows(s, row, inherited(e, row, shown))


@values("S")
def test_set_on_a_listener_and_inherited(ends, row, family, value, shown):
    e = ends(family)
    listener = e.listening()
    reply = e.set(listener, row.name, value)
    if row.early:
        check_reason(reply.error(), "einval")
        return
    assert reply.result() == "ok"
    s = e.accepted(listener)
    e.shows(s, row, inherited(e, row, shown))
    e.shows(listener, row, shown)


@values("S")
def test_by_setopts(ends, row, family, value, shown):
    e = ends(family)
    s = e.connected()
    reply = e.set(s, row.name, value)
    if row.early:
        check_reason(reply.error(), "einval")
        return
    assert reply.result() == "ok"
    e.shows(s, row, shown)


@pytest.mark.parametrize("row,family", [
    pytest.param(row, family, id="%s-%s" % (row.name, family))
    for row in ROWS if "S" in row.when and not row.early for family in row.on
])
def test_the_backend_socket_has_it_too(ends, row, family):
    """What differs there is test_backend.py's; a new local socket has no nodelay."""
    e = ends(family)
    e.always = [["inet_backend", "socket"]]
    for value, shown in row.good:
        pair = [[row.name, value]]
        if "C" in row.when:
            e.shows(e.connected(pair), row, shown)
        if "L" in row.when:
            e.shows(e.accepted(e.listening(pair)), row, inherited(e, row, shown))
        s = e.connected()
        assert e.set(s, row.name, value).result() == "ok"
        e.shows(s, row, shown)
        state = e.client.call("inet.info", {"socket": s})
        assert state["inet_backend"] == "socket"


@rows(lambda row: "G" in row.when and row.default is not None)
def test_default(ends, row, family):
    e = ends(family)
    for s in (e.connected([["active", row.default]] if row.name == "active" else []),
              e.listening([["active", row.default]] if row.name == "active" else [])):
        e.shows(s, row, row.default)


@rows(lambda row: row.kernel is not None and row.good)
def test_a_new_socket_is_as_the_kernel_makes_it(ends, row, family):
    """Buffers of connections grow by themselves; those of listeners do not."""
    e = ends(family)
    if family in row.ignored:
        return
    plain = e.plain_listener()
    e.shows(e.listening(), row, row.seen(plain))
    if row.name not in ("sndbuf", "recbuf"):
        plain = e.room.own(socket.socket(DOMAINS[family]))
        e.shows(e.connected(), row, row.seen(plain))


@rows(lambda row: row.bare is not None and row.bare[0] == "mode")
def test_bare_words(ends, row, family):
    e = ends(family)
    option, value = row.bare
    other = "list" if value == "binary" else "binary"
    s = e.connected([["mode", other], row.name])
    assert e.client.getopts(s, [option]) == {option: value}
    s = e.accepted(e.listening([["mode", other], row.name]))
    assert e.client.getopts(s, [option]) == {option: value}
    e.client.setopts(s, {option: other})
    e.client.setopts(s, [row.name])
    assert e.client.getopts(s, [option]) == {option: value}


# --- where it is bound --------------------------------------------------------


def filled(value, path, port):
    """The value with PATH and PORT filled in."""
    if isinstance(value, dict):
        return {k: filled(v, path, port) for k, v in value.items()}
    return {"PATH": path, "PORT": port}.get(value, value) if isinstance(value, str) else value


def bound(e, row, options, shown, method):
    """Opens a socket so; its number and what sockname has to show."""
    passed = e.room.own(socket.socket(DOMAINS[e.family]))
    passed.bind(e.path() if e.host is None else (e.host, 0))
    name = passed.getsockname()
    with socket.socket(DOMAINS["inet" if e.host is None else e.family]) as s:
        s.bind((e.host or "127.0.0.1", 0))
        port = s.getsockname()[1]
    path = e.path()
    wanted = {k: (name if e.host is None else name[1]) if v == "PASSED" else v
        for k, v in filled(shown, path, port).items()}
    more = {"word": row.name != "family"}
    if row.name == "fd":
        if method == "listen":
            passed.listen(1)
        more["fds"] = [passed.fileno()]
    if method == "listen":
        more["bound"] = row.name not in ("ip", "ifaddr", "fd") and e.host is not None
    id = getattr(e, method)(list(filled(options, path, port).items()), **more)
    return e.client.reply(id).result()["socket"], wanted


@pytest.mark.parametrize("method", ["connect", "listen"])
@pytest.mark.parametrize("row,family,options,shown", [
    pytest.param(row, family, *case, id="%s-%s-%d" % (row.name, family, i))
    for row in ROWS for family in row.opens for i, case in enumerate(row.opens[family])
])
def test_where_a_socket_is_bound(ends, row, family, options, shown, method):
    e = ends(family)
    for left in range(10, 0, -1):
        try:
            s, wanted = bound(e, row, options, shown, method)
            break
        except g.RpcError as error:  # somebody took the free port
            if left == 1 or error.message != "eaddrinuse" or "PORT" not in str(options):
                raise
    found = e.client.call("inet.sockname", {"socket": s})
    assert {k: found[k] for k in wanted} == wanted
    with e.client.getfd(s) as fd:
        assert fd.family == DOMAINS[family] and fd.type == socket.SOCK_STREAM
        name = fd.getsockname()
        assert found["addr"] == (name if e.host is None else name[0])
        assert e.host is None or found["port"] == name[1]


@rows(lambda row: row.bare is not None and row.bare[0] == "family")
def test_words_for_a_family(ends, row, family):
    e = ends(row.name)
    for s in (e.connected(), e.listening()):
        with e.client.getfd(s) as fd:
            assert fd.family == DOMAINS[row.name]


# --- what is refused ----------------------------------------------------------


@wrong("C")
def test_no_value_at_connect_is_badarg(ends, row, value):
    error = ends(row.on[0]).connect([[row.name, value]])
    error = ends(row.on[0]).client.reply(error).error()
    check_reason(error, "badarg")
    assert error.data["option"] == row.name and error.data["detail"]


@wrong("L")
def test_no_value_at_listen_is_badarg(ends, client, row, value):
    error = client.reply(ends(row.on[0]).listen([[row.name, value]])).error()
    check_reason(error, "badarg")
    assert error.data["option"] == row.name and error.data["detail"]


@wrong("S")
def test_no_value_by_setopts_is_einval_and_changes_nothing(ends, row, value):
    e = ends(row.on[0])
    s = e.connected()
    before = e.client.getopts(s, [row.name]) if "G" in row.when and row.good else None
    error = e.set(s, row.name, value).error()
    check_reason(error, "einval")
    assert error.data["option"] == row.name and error.data["detail"]
    if before is not None:
        assert e.client.getopts(s, [row.name]) == before


@refused("C")
def test_what_the_kernel_refuses_at_connect_is_badarg(ends, client, row, family, value):
    error = client.reply(ends(family).connect([[row.name, value]])).error()
    check_reason(error, "badarg")
    assert error.data["option"] == row.name


@refused("L")
def test_what_the_kernel_refuses_at_listen_is_einval(ends, client, row, family, value):
    error = client.reply(ends(family).listen([[row.name, value]])).error()
    check_reason(error, "einval")
    assert error.data["option"] == row.name


@refused("S")
def test_what_the_kernel_refuses_by_setopts_is_einval(ends, row, family, value):
    e = ends(family)
    s = e.connected()
    before = e.client.getopts(s, [row.name])
    error = e.set(s, row.name, value).error()
    check_reason(error, "einval")
    assert error.data["option"] == row.name
    assert e.client.getopts(s, [row.name]) == before


def a_value(row):
    return row.good[0][0] if row.good else "x"


@rows(lambda row: row.bare is None and row.name != "fd")
def test_where_it_cannot_be_given(ends, client, row, family):
    e = ends(family)
    pair = [[row.name, a_value(row)]]
    if "C" not in row.when:
        check_reason(client.reply(e.connect(pair)).error(), "badarg")
    if "L" not in row.when:
        check_reason(client.reply(e.listen(pair)).error(), "badarg")
    s = e.connected()
    if "S" not in row.when:
        check_reason(e.set(s, *pair[0]).error(), "einval")
    if "G" not in row.when:
        error = client.fails("inet.getopts", {"socket": s, "names": [row.name]})
        check_reason(error, "einval")


@pytest.mark.parametrize("row", [r for r in ROWS if r.bare], ids=lambda r: r.name)
def test_where_a_bare_word_cannot_be_given(ends, client, row):
    s = ends("inet").connected()
    check_reason(client.fails("inet.getopts", {"socket": s, "names": [row.name]}), "einval")
    if "S" not in row.when:
        error = client.fails("inet.setopts", {"socket": s, "options": [row.name]})
        check_reason(error, "einval")
    for form in ([[row.name, True]], [{row.name: True}]):
        error = client.fails("inet.setopts", {"socket": s, "options": form})
        check_reason(error, "einval")


@pytest.mark.parametrize("row,family", [
    pytest.param(row, family, id="%s-%s" % (row.name, family))
    for row in ROWS for family in FAMILIES
    if row.kernel and row.good and family not in row.on + row.ignored
])
def test_a_family_that_has_it_not(ends, client, row, family):
    e = ends(family)
    pair = [[row.name, a_value(row)]]
    if "C" in row.when:
        error = client.reply(e.connect(pair)).error()
        check_reason(error, "badarg")
        assert error.data["option"] == row.name
    if "L" in row.when:
        check_reason(client.reply(e.listen(pair)).error(), "einval")
    for s in (e.connected(), e.listening()):
        error = e.set(s, *pair[0]).error()
        check_reason(error, "einval")
        assert error.data["option"] == row.name
        assert client.getopts(s, [row.name]) == {}


# --- sockets that have ended --------------------------------------------------


@pytest.mark.parametrize(
    "row", [r for r in ROWS if "S" in r.when and r.good], ids=lambda r: r.name)
def test_a_socket_whose_end_was_noticed(room, client, ends, row):
    """gen_tcp's own options live on; of the kernel's only those fail that it tells of."""
    s, _ = room.zombie(client)
    value, shown = row.good[0]
    params = {"socket": s, "options": {row.name: value}}
    if row.name == "active":
        assert client.setopts(s, {"active": False}) == "ok"
    elif row.told:
        check_reason(client.fails("inet.setopts", params), "einval")
    else:
        assert client.call("inet.setopts", params) == "ok"
    if "G" in row.when:
        own = row.kernel is None and shown is not None
        assert client.getopts(s, [row.name]) == ({row.name: shown} if own else {})


@pytest.mark.parametrize("row", [r for r in ROWS if not r.bare], ids=lambda r: r.name)
def test_a_closed_socket(room, client, row):
    s = room.gone(client)
    error = client.fails("inet.setopts", {"socket": s, "options": {row.name: a_value(row)}})
    check_reason(error, "einval")
    check_reason(client.fails("inet.getopts", {"socket": s, "names": [row.name]}), "einval")
