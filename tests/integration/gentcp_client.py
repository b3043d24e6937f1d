# SPDX-License-Identifier: ISC
"""A client that speaks the daemon's protocol.

It never starts a thread.  It reads while it waits for something and while it
writes, and keeps what it read: replies by id, events in order.  Every wait has
a deadline.  A test that wants a client that does not read simply does not call
it.
"""

import base64
import collections
import json
import os
import select
import socket
import struct
import time
import weakref

from gentcp_base import DEADLINE, MB

live_clients = weakref.WeakSet()  # for Child, whose process must not keep them alive


class RpcError(Exception):
    """An error reply.  str() is its message, gen_tcp's reason atom."""

    def __init__(self, error, attachment=None):
        super().__init__(error["message"])
        self.message = error["message"]
        self.code = error["code"]
        self.data = error.get("data") or {}
        self.attachment = attachment

    def rest(self):
        """The bytes that the error brings."""
        return payload(self.data.get("rest"), self.attachment)


class Ended(Exception):
    """The daemon closed the connection."""


def payload(value, attachment=None):
    """The bytes of a data member as the daemon sends it."""
    if value is None:
        return attachment
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, list):
        return bytes(value)
    assert set(value) == {"base64"}, value
    return base64.b64decode(value["base64"], validate=True)


def as_data(data):
    """Bytes as a data param."""
    if isinstance(data, (bytes, bytearray, memoryview)):
        return {"base64": base64.b64encode(data).decode()}
    return data


class Message:
    """One line from the daemon with its attachment; number tells the order."""

    __slots__ = ("json", "attachment", "fds", "number")

    def __init__(self, value, attachment, fds, number):
        self.json = value
        self.attachment = attachment
        self.fds = fds
        self.number = number

    def result(self):
        if "error" in self.json:
            raise RpcError(self.json["error"], self.attachment)
        return self.json["result"]

    def error(self):
        """The error; the test fails if it is a success."""
        assert "error" in self.json, "no error: %.300r" % (self.json,)
        return RpcError(self.json["error"], self.attachment)

    # of events
    @property
    def name(self):
        return self.json["method"]

    @property
    def params(self):
        return self.json["params"]

    @property
    def socket(self):
        return self.json["params"].get("socket")

    @property
    def seq(self):
        return self.json.get("seq")

    @property
    def data(self):
        return payload(self.json["params"].get("data"), self.attachment)

    def __repr__(self):
        return "<%d %.200r %s>" % (
            self.number,
            self.json,
            "" if self.attachment is None else "+%d" % len(self.attachment),
        )


class Client:
    def __init__(self, path, data=None, attachments=None, name=None, read_size=MB):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        live_clients.add(self)
        try:
            self.sock.settimeout(DEADLINE)
            self.sock.connect(path)
            self.sock.setblocking(False)
        except BaseException:
            self.sock.close()
            raise
        self.buffer = bytearray()
        self.scanned = 0
        self.header = None  # a parsed line that waits for its attachment
        self.outgoing = collections.deque()
        self.incoming_fds = []
        self.handed = []  # sockets made of descriptors that came
        self.read_size = read_size
        self.next_id = 1
        self.count = 0
        self.replies = {}
        self.events = collections.deque()
        self.others = collections.deque()  # replies without an id, batches
        self.ended = False
        self.hello = None
        self.id = None
        settings = {"data": data, "attachments": attachments, "client": name}
        settings = {k: v for k, v in settings.items() if v is not None}
        if settings:
            self.hello = self.call("session.hello", settings)
            self.id = self.hello["client"]
        self.attach = bool(attachments) or data == "attached"

    # - bytes -

    def close(self):
        self.sock.close()
        self.ended = True
        for fd in self.incoming_fds:
            os.close(fd)
        self.incoming_fds = []
        for handed in self.handed:
            handed.close()

    def raw(self, data):
        """Sends these bytes as they are, reading meanwhile."""
        self.outgoing.append(memoryview(bytes(data)))
        self.flush()

    def raw_with_fds(self, data, fds):
        """Sends bytes in a sendmsg of their own with descriptors."""
        self.flush()
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("%di" % len(fds), *fds))]
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                sent = self.sock.sendmsg([data], rights)
                break
            except BlockingIOError:  # reading meanwhile
                assert time.monotonic() < deadline, "not in time: room for descriptors"
                if self.sock in select.select([self.sock], [self.sock], [], DEADLINE)[0]:
                    self.read_some()
        if sent < len(data):
            self.raw(data[sent:])

    def flush(self, timeout=None):
        deadline = time.monotonic() + (3 * DEADLINE if timeout is None else timeout)
        while self.outgoing:
            self.step(deadline, "room for a request")

    def write_some(self):
        try:
            while self.outgoing:
                view = self.outgoing[0]
                n = self.sock.send(view)
                if n == len(view):
                    self.outgoing.popleft()
                else:
                    self.outgoing[0] = view[n:]
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            self.outgoing.clear()
            self.read_some()
            self.ended = True

    def read_some(self):
        try:
            data, rights, _, _ = self.sock.recvmsg(
                self.read_size, 256, socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return
        except ConnectionResetError:
            data, rights = b"", []
        for level, kind, value in rights:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                n = len(value) // 4
                self.incoming_fds += struct.unpack("%di" % n, value[: 4 * n])
        if not data:
            self.ended = True
            return
        self.buffer += data
        while self.parse():
            pass

    def parse(self):
        if self.header is None:
            end = self.buffer.find(b"\n", self.scanned)
            if end < 0:
                self.scanned = len(self.buffer)
                return False
            line = bytes(self.buffer[:end])
            del self.buffer[: end + 1]
            self.scanned = 0
            self.header = json.loads(line.decode("utf-8"))
        value = self.header
        attachment = None
        fds = []
        if isinstance(value, dict):
            size = value.get("attached")
            if size is not None:
                if len(self.buffer) < size:
                    return False
                attachment = bytes(memoryview(self.buffer)[:size])
                del self.buffer[:size]
            for _ in range(value.get("fds", 0)):
                fds.append(self.incoming_fds.pop(0))
        self.header = None
        self.count += 1
        self.take(Message(value, attachment, fds, self.count))
        return True

    def take(self, message):
        value = message.json
        if not isinstance(value, dict):
            self.others.append(message)
            return
        assert value.get("jsonrpc") == "2.0", message
        if "method" in value:
            assert "id" not in value, message
            self.events.append(message)
            return
        assert ("result" in value) != ("error" in value), message
        assert "id" in value, message
        if value["id"] is None:
            self.others.append(message)
        else:
            assert value["id"] not in self.replies, message
            self.replies[value["id"]] = message

    def step(self, deadline, what):
        """Waits for the socket and does what it allows."""
        if self.ended:
            raise Ended("the daemon closed the connection; wanted: " + what)
        left = deadline - time.monotonic()
        if left < 0:
            raise AssertionError(
                "not in time: %s; events %r, others %r"
                % (what, list(self.events)[:5], list(self.others)[:5])
            )
        poll = select.poll()
        poll.register(self.sock, select.POLLIN | (select.POLLOUT if self.outgoing else 0))
        for _, mask in poll.poll(left * 1000):
            if mask & select.POLLOUT:
                self.write_some()
            if mask & (select.POLLIN | select.POLLHUP | select.POLLERR):
                self.read_some()

    def wait(self, check, what, timeout=None):
        deadline = time.monotonic() + (DEADLINE if timeout is None else timeout)
        while True:
            value = check()
            if value:
                return value
            self.step(deadline, what)

    # - requests -

    def request(self, method, params=None, attachment=None, fds=None, id=None, ack=None):
        """Sends a request and returns its id."""
        if id is None:
            id = self.next_id
            self.next_id += 1
        value = {"jsonrpc": "2.0", "id": id, "method": method}
        if params is not None:
            value["params"] = params
        if ack is not None:
            value["ack"] = ack
        if attachment is not None:
            value["attached"] = len(attachment)
        if fds is not None:
            value["fds"] = len(fds)
        line = json.dumps(value).encode() + b"\n"
        if fds is not None:
            self.raw_with_fds(line, fds)
        else:
            self.outgoing.append(memoryview(line))
        if attachment is not None:
            self.outgoing.append(memoryview(attachment))
        self.flush()
        return id

    def notify(self, method, params=None):
        value = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            value["params"] = params
        self.raw(json.dumps(value).encode() + b"\n")

    def reply(self, id, timeout=None):
        self.wait(lambda: id in self.replies, "the reply to %r" % (id,), timeout)
        return self.replies.pop(id)

    def waiting(self, id):
        """After a round trip: is there still no reply to id?"""
        self.sync()
        return id not in self.replies

    def other(self, timeout=None):
        """The next reply without an id, or batch."""
        self.wait(lambda: self.others, "a reply without an id", timeout)
        return self.others.popleft()

    def call(self, method, params=None, attachment=None, fds=None, timeout=None):
        return self.reply(self.request(method, params, attachment, fds), timeout).result()

    def fails(self, method, params=None, attachment=None, fds=None, timeout=None):
        """A call that must fail; its RpcError."""
        return self.reply(self.request(method, params, attachment, fds), timeout).error()

    def sync(self):
        """A round trip: all that the daemon said before is here."""
        return self.call("session.self")

    def closes(self, timeout=None):
        """The daemon ends this connection."""
        try:
            self.wait(lambda: self.ended, "the end of the connection", timeout)
        except Ended:
            pass

    # - events -

    def event(self, name=None, socket=None, timeout=None):
        """Takes the next event (of that socket), which must have that name."""

        def first():
            for e in self.events:
                if socket is None or e.socket == socket:
                    return e
            return None

        e = self.wait(first, "event %s of socket %s" % (name or "", socket or "any"), timeout)
        self.events.remove(e)
        assert name is None or e.name == name, "wanted %s, got %r" % (name, e)
        return e

    def no_event(self, socket=None):
        """After a round trip there is no event (of that socket)."""
        self.sync()
        found = [e for e in self.events if socket is None or e.socket == socket]
        assert not found, found

    def gather(self, socket, size, timeout=None):
        """Joins tcp events until there are that many bytes."""
        got = bytearray()
        while len(got) < size:
            got += self.event("tcp", socket, timeout).data
        return bytes(got)

    # - gen_tcp -

    def connect(self, port, options=None, address="127.0.0.1", timeout=None):
        params = {"address": address, "options": passive(options)}
        if port is not None:
            params["port"] = port
        if timeout is not None:
            params["timeout"] = timeout
        return self.call("gen_tcp.connect", params)["socket"]

    def listen(self, options=None, port=0):
        r = self.call("gen_tcp.listen", {"port": port, "options": loopback(options)})
        return r["socket"], r["port"]

    def accept(self, listener, timeout=None):
        params = {"socket": listener}
        if timeout is not None:
            params["timeout"] = timeout
        return self.call("gen_tcp.accept", params)["socket"]

    def send(self, socket, data, attached=None, timeout=None):
        if attached is None:
            attached = self.attach
        if attached:
            return self.call("gen_tcp.send", {"socket": socket}, attachment=data, timeout=timeout)
        return self.call(
            "gen_tcp.send", {"socket": socket, "data": as_data(data)}, timeout=timeout
        )

    def start_send(self, socket, data):
        return self.request("gen_tcp.send", {"socket": socket, "data": as_data(data)})

    def start_recv(self, socket, length=0, timeout=None):
        params = {"socket": socket, "length": length}
        if timeout is not None:
            params["timeout"] = timeout
        return self.request("gen_tcp.recv", params)

    def received(self, id, timeout=None):
        """The bytes that a recv brought."""
        message = self.reply(id, timeout)
        return payload(message.result().get("data"), message.attachment)

    def recv(self, socket, length=0, timeout=None):
        return self.received(self.start_recv(socket, length, timeout))

    def recv_fails(self, socket, length=0, timeout=None):
        return self.reply(self.start_recv(socket, length, timeout)).error()

    def send_fails(self, socket, data=b"x"):
        return self.reply(self.start_send(socket, data)).error()

    def recv_all(self, socket, size):
        """Calls recv until there are that many bytes."""
        got = bytearray()
        while len(got) < size:
            got += self.recv(socket)
        return bytes(got)

    def setopts(self, socket, options):
        return self.call("inet.setopts", {"socket": socket, "options": options})

    def getopts(self, socket, names):
        return self.call("inet.getopts", {"socket": socket, "names": names})

    def getopt(self, socket, name):
        return self.getopts(socket, [name])[name]

    def getstat(self, socket, names=None):
        params = {"socket": socket}
        if names is not None:
            params["names"] = names
        return self.call("inet.getstat", params)

    def states(self, socket):
        return sorted(self.call("inet.info", {"socket": socket})["states"])

    def close_socket(self, socket, timeout=None):
        return self.call("gen_tcp.close", {"socket": socket}, timeout=timeout)

    def getfd(self, number):
        """The socket's own descriptor, as a Python socket that ends with the client."""
        message = self.reply(self.request("inet.getfd", {"socket": number}))
        assert message.result() == {"fd": "passed"} and len(message.fds) == 1, message
        self.handed.append(socket.socket(fileno=message.fds[0]))
        return self.handed[-1]

    def shutdown(self, socket, how):
        return self.call("gen_tcp.shutdown", {"socket": socket, "how": how})

    def give(self, socket, client):
        return self.call("gen_tcp.controlling_process", {"socket": socket, "client": client})


def _add(options, **more):
    """Options with more before them, so that the given ones win."""
    if options is None:
        options = {}
    if isinstance(options, dict):
        return {**more, **options}
    return list(more.items()) + list(options)


def passive(options):
    return _add(options, active=False)


def loopback(options):
    if isinstance(options, dict) and ("ip" in options or "ifaddr" in options):
        return _add(options, active=False)
    if isinstance(options, list):
        return _add(options, active=False)
    return _add(options, active=False, ip="127.0.0.1")


# - by hand -


def line(value):
    """A message as it goes on the wire."""
    return json.dumps(value).encode() + b"\n"


def request(id, method="session.self", **more):
    """A request with any further members at its top."""
    return {"jsonrpc": "2.0", "id": id, "method": method, **more}


def one_error(c):
    """The next reply, with or without an id, which must be an error."""
    c.wait(lambda: c.replies or c.others, "an error")
    r = c.replies.popitem()[1] if c.replies else c.others.popleft()
    return r.error()
