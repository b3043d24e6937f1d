# SPDX-License-Identifier: ISC
"""Runs tests/conformance by either API; see the README there.

One runner for both: the blocking API's calls are made in threads.
"""

import asyncio
import base64
import os
import pathlib
import socket
import tempfile

import gentcp
from gentcp import blocking, http

FOLDER = pathlib.Path(__file__).resolve().parents[3] / "tests/conformance"
DEADLINE = 20
BYTES = ("data", "rest", "header")


def seconds(params):
    timeout = params.get("timeout", "infinity")
    return None if timeout == "infinity" else timeout / 1000


def iodata(value):
    """Data as the protocol has it -> as the binding takes it."""
    if isinstance(value, dict):
        return base64.b64decode(value["base64"])
    if isinstance(value, list):
        return [v if isinstance(v, int) else iodata(v) for v in value]
    return value


def as_bytes(value):
    return gentcp._wire.flatten(iodata(value))


# method: the params that the function takes, the function, its result as the protocol's
def opened(sock, _params):
    made = {"socket": sock.number}
    if isinstance(sock, (gentcp.Listener, blocking.Listener)):
        made["port"] = sock.listening_port
    return made


def ok(result, _params):
    assert result is None
    return "ok"


def same(result, _params):
    return result


def address(result, _params):
    return {"family": result.family, "addr": result.host, "port": result.port}


CALLS = {
    "gen_tcp.connect": ("address port options timeout", lambda c, p, fd: c.connect(
        p["address"], p.get("port"), p.get("options"), timeout=seconds(p), fd=fd), opened),
    "gen_tcp.listen": ("port options", lambda c, p, fd: c.listen(
        p["port"], p.get("options"), fd=fd), opened),
    "gen_tcp.accept": ("socket timeout", lambda c, p, fd: c.listener(p["socket"]).accept(
        seconds(p)), opened),
    "gen_tcp.fdopen": ("options", lambda c, p, fd: c.fdopen(fd, p["options"]), opened),
    "gen_tcp.send": ("socket data", lambda c, p, fd: c.socket(p["socket"]).send(
        iodata(p["data"])), ok),
    "gen_tcp.recv": ("socket length timeout", lambda c, p, fd: c.socket(p["socket"]).recv(
        p["length"], seconds(p)), lambda r, p: {"data": r}),
    "gen_tcp.close": ("socket", lambda c, p, fd: c.socket(p["socket"]).close(), ok),
    "gen_tcp.shutdown": ("socket how", lambda c, p, fd: c.socket(p["socket"]).shutdown(
        p["how"]), ok),
    "gen_tcp.controlling_process": ("socket client", lambda c, p, fd: c.socket(
        p["socket"]).controlling_process(p["client"]), ok),
    "gen_tcp.unrecv": ("socket data", lambda c, p, fd: c.socket(p["socket"]).unrecv(
        iodata(p["data"])), ok),
    "inet.setopts": ("socket options", lambda c, p, fd: c.socket(p["socket"]).setopts(
        p["options"]), ok),
    "inet.getopts": ("socket names", lambda c, p, fd: c.socket(p["socket"]).getopts(
        *p["names"]), same),
    "inet.sockname": ("socket", lambda c, p, fd: c.socket(p["socket"]).sockname(), address),
    "inet.peername": ("socket", lambda c, p, fd: c.socket(p["socket"]).peername(), address),
    "inet.port": ("socket", lambda c, p, fd: c.socket(p["socket"]).port(), same),
    "inet.getstat": ("socket names", lambda c, p, fd: c.socket(p["socket"]).getstat(
        *p.get("names", ())), same),
    "inet.info": ("socket", lambda c, p, fd: c.socket(p["socket"]).info(), same),
    "inet.i": ("", lambda c, p, fd: c.sockets(), same),
    "inet.getfd": ("socket", lambda c, p, fd: c.socket(p["socket"]).getfd(),
                   lambda r, p: os.close(r) or {"fd": "passed"}),
    "inet.getaddrs": ("host family", lambda c, p, fd: c.getaddrs(
        p["host"], p.get("family", "inet")), same),
    "file.sendfile": ("socket offset bytes", lambda c, p, fd: c.socket(p["socket"]).sendfile(
        fd, p["offset"], p["bytes"]), lambda r, p: {"sent": r}),
    "session.self": ("", lambda c, p, fd: c.whoami(), same),
    "session.clients": ("", lambda c, p, fd: c.clients(), same),
    "rpc.discover": ("", lambda c, p, fd: c.discover(), same),
}


def http_json(packet):
    """A packet of HTTP as the protocol has it."""
    kinds = {http.Request: "http_request", http.Response: "http_response",
             http.Header: "http_header", http.EndOfHeaders: "http_eoh",
             http.BadLine: "http_error"}
    made = {"type": kinds[type(packet)], **vars(packet)}
    if "uri" in made:
        made["uri"] = vars(made["uri"])
    return {k: list(v) if isinstance(v, tuple) else v for k, v in made.items()}


class Asyncio:
    """The API of gentcp itself."""

    async def client(self):
        return await gentcp.Client().open()

    async def run(self, call):
        return await call()

    async def cancel(self, client, task):
        task.cancel()

    async def close(self, client):
        await client.close()


class Blocking:
    """The API of gentcp.blocking, each call in a thread."""

    async def client(self):
        return await asyncio.to_thread(blocking.Client)

    async def run(self, call):
        return await asyncio.to_thread(call)

    async def cancel(self, client, task):
        """Nothing but a signal interrupts a thread; the daemon withdraws the oldest."""
        waiting = [c.id for c in client._core._calls.values() if c.method == task.method]
        assert await self.run(
            lambda: client.call("session.cancel", {"id": waiting[0]})) is True

    async def close(self, client):
        await asyncio.to_thread(client.close)


class Runner:
    """One case."""

    def __init__(self, api):
        self.api, self.names = api, {}
        self.clients, self.later, self.monitors = {}, {}, {}
        self.checked = 0

    def fill(self, value):
        if isinstance(value, str) and value.startswith("$"):
            return self.names[value]
        if isinstance(value, dict):
            return {k: self.fill(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.fill(v) for v in value]
        return value

    def match(self, shown, real, name=None):
        if shown == "$_":
            return True
        if isinstance(shown, str) and shown.startswith("$"):
            return self.names.setdefault(shown, real) == real
        if isinstance(shown, dict) and "$has" in shown:
            return all(any(self.match(s, r) for r in real) for s in shown["$has"])
        if name in BYTES and not (isinstance(shown, dict) and "base64" not in shown):
            return as_bytes(shown) == (real if isinstance(real, bytes) else as_bytes(real))
        if isinstance(shown, dict):
            return isinstance(real, dict) and all(
                k in real and self.match(v, real[k], k) for k, v in shown.items())
        if isinstance(shown, list):
            return isinstance(real, list) and len(shown) == len(real) and all(
                map(self.match, shown, real))
        return type(shown) is type(real) and shown == real

    async def client(self, name):
        if name not in self.clients:
            self.clients[name] = await self.api.client()
            self.names[f"${name}:id"] = self.clients[name].id
        return self.clients[name]

    # - steps -

    async def call(self, client, method, params, fds):
        fd, file = self.descriptor(fds)
        known, function, shape = CALLS.get(method, ("", None, same))
        try:
            if function is None or not isinstance(params, dict) \
                    or not set(params) <= set(known.split()) or fd is None and (
                        method in ("gen_tcp.fdopen", "file.sendfile")):
                result = await self.api.run(lambda: client.call(method, params))
            elif method == "gen_tcp.recv":
                return await self.recv(client, params)
            else:
                result = shape(await self.api.run(lambda: function(client, params, fd)), params)
            if method == "inet.monitor":
                monitors = gentcp if isinstance(client, gentcp.Client) else blocking
                made = monitors.Monitor(client, result["monitor"])
                self.monitors[made.number] = made
            return result
        finally:
            if file is not None:
                file.close()

    async def recv(self, client, params):
        """Either function, by what the socket's packets are."""
        sock = client.socket(params["socket"])
        http_now = params["socket"] in self.http
        if not http_now:
            function = CALLS["gen_tcp.recv"][1]
            return {"data": await self.api.run(lambda: function(client, params, None))}
        packet = await self.api.run(lambda: sock.recv_http(seconds(params)))
        return {"http": http_json(packet)}

    def descriptor(self, fds):
        if fds is None or "reply" in fds:
            return None, None
        if "file" in fds:
            file = tempfile.TemporaryFile()
            file.write(fds["file"].encode())
            file.flush()
        else:
            file = socket.create_connection(("127.0.0.1", self.fill(fds["connect"])))
        return file.fileno(), file

    async def answered(self, step, call):
        try:
            result = await asyncio.wait_for(call, DEADLINE)
        except gentcp.Error as e:
            assert "error" in step, (step, e)
            data = {**e.data, "rest": e.rest}
            told = {"message": e.reason, "code": e.code, "data": data}
            assert self.match(step["error"], told), (step, told)
        except asyncio.CancelledError:
            assert step["error"]["message"] == "cancelled", step
        else:
            assert "result" in step, (step, result)
            assert self.match(step["result"], result), (step, result, self.names)

    async def event(self, client, step):
        params = self.fill({k: v for k, v in step["params"].items() if k in
                            ("socket", "monitor")})
        if step["event"] == "down":
            monitor = self.monitors[params["monitor"]]
            reason = await self.api.run(lambda: monitor.wait(DEADLINE))
            assert self.match(step["params"], {**params, "reason": reason}), (step, reason)
        elif step["event"] == "tcp_owner":
            sock = await self.api.run(lambda: client.given(DEADLINE))
            told = {"socket": sock.number, "from": sock.given_by}
            assert self.match(step["params"], told), (step, told)
        else:
            sock = client.socket(params["socket"])
            event = await self.api.run(lambda: sock.event(DEADLINE))
            told = {"socket": event.socket, "data": event.data, "header": event.header,
                    "reason": event.reason}
            if event.http is not None:
                told["http"] = http_json(event.http)
            assert event.name == step["event"], (step, event)
            assert self.match(step["params"], told), (step, event)

    async def silent(self, client, number):
        await self.api.run(client.whoami)
        assert not client.socket(number)._state.mailbox

    async def step(self, step):
        client = await self.client(step.get("by", "a"))
        if "call" in step:
            params = self.fill(step["params"])
            call = asyncio.ensure_future(
                self.call(client, step["call"], params, step.get("fds")))
            if "later" in step:
                call.method = step["call"]
                self.later[step["later"]] = call
                # it is on its way before the next step is
                await asyncio.sleep(0)
                await self.sent(client, step["call"])
            else:
                await self.answered(step, call)
        elif "reply" in step:
            await self.answered(step, self.later.pop(step["reply"]))
        elif "cancel" in step:
            await self.api.cancel(client, self.later[step["cancel"]])
        elif "event" in step:
            await self.event(client, step)
        elif "silent" in step:
            await self.silent(client, self.fill(step["silent"]))
        elif "end" in step:
            await self.api.close(self.clients.pop(step.get("by", "a")))
        else:
            raise AssertionError("no step: %r" % (step,))
        self.checked += 1

    async def sent(self, client, method):
        """A thread has made its request."""
        for _ in range(1000):
            if any(c.method == method for c in client._core._calls.values()):
                break
            await asyncio.sleep(0.001)
        await self.api.run(client.whoami)

    async def run(self, case):
        self.http = set()
        try:
            for step in case["steps"]:
                await self.step(step)
                self.note_http(step)
        finally:
            for call in self.later.values():
                call.cancel()
            for client in self.clients.values():
                await self.api.close(client)

    def note_http(self, step):
        """Which sockets have packets of HTTP, from the options that they are given."""
        options = step.get("params", {})
        options = options.get("options", {}) if isinstance(options, dict) else {}
        packet = options.get("packet") if isinstance(options, dict) else None
        if packet is None or "result" not in step:
            return
        result = step["result"] if isinstance(step["result"], dict) else step["params"]
        number = self.fill(result["socket"])
        if str(packet).startswith("http"):
            self.http.add(number)
        else:
            self.http.discard(number)
