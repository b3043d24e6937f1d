# SPDX-License-Identifier: ISC
"""Clients of other users, and daemons with access rules for them."""

import contextlib
import json
import os
import socket
import tempfile

import pytest

import gentcp_test as g

needs_root = pytest.mark.skipif(
    not g.is_root(), reason="only root can become somebody else")

MEMBER, OTHER, QUOTA, STRANGER = 4201, 4202, 4203, 4204  # uids
GROUP, ADMINS = 4301, 4302


@contextlib.contextmanager
def person(uid, groups=()):
    """The process is that user meanwhile, as the kernel tells those it connects to."""
    before = os.getgroups()
    os.setgroups(list(groups))
    os.setegid(uid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(before)


def client(room, uid, groups=(), path=None, **more):
    """A client of that user, hello said."""
    with person(uid, groups):
        c = g.Client(path or room.daemon.path, data="auto", **more)
    return room.own(c)


def outcome(c, method, params=None, fds=()):
    """"ok" or the reason."""
    r = c.reply(c.request(method, params or {}, fds=list(fds)))
    return r.json["error"]["message"] if "error" in r.json else "ok"


def detail(c, method, params=None):
    error = c.fails(method, params or {})
    return error.message, error.data.get("detail", "")


class Configured(g.Daemon):
    """A daemon with a configuration, that others may connect to."""

    def __init__(self, settings, args=(), **more):
        self.conf_folder = tempfile.mkdtemp(prefix="gentcp-")
        self.conf = os.path.join(self.conf_folder, "gentcpd.conf")
        self.write(settings)
        super().__init__(args=["-c", self.conf, *args], **more)
        os.chmod(self.folder, 0o711)

    def write(self, settings):
        text = settings if isinstance(settings, str) else json.dumps(
            dict({"mode": "0666"}, **settings))
        with open(self.conf, "w") as f:
            f.write(text)

    def remove(self):
        super().remove()
        with contextlib.suppress(OSError):
            os.unlink(self.conf)
        with contextlib.suppress(OSError):
            os.rmdir(self.conf_folder)


@contextlib.contextmanager
def daemon_of(settings, clean=True, **more):
    """A room with such a daemon; clean: it must end well."""
    with g.room_of(Configured(settings, **more), clean) as room:
        yield room


def free_port():
    with contextlib.closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def low_port():
    """A free one that takes a right to listen on."""
    for port in range(1023, 500, -1):
        with contextlib.suppress(OSError), contextlib.closing(socket.socket()) as s:
            s.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port below 1024 is free")
