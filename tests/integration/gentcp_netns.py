# SPDX-License-Identifier: ISC
"""Network namespaces of a test's own; only root can make them."""

import ctypes
import os
import socket
import subprocess

CLONE_NEWNET = 0x40000000


def ip(*args):
    done = subprocess.run(["ip", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=10)
    if done.returncode != 0:
        raise OSError(done.stderr.decode().strip())
    return done.stdout.decode()


class Namespace:
    """One with its loopback up, by a name in /run/netns."""

    def __init__(self):
        self.name = "gentcp-test-%d" % os.getpid()
        self.path = "/run/netns/" + self.name
        ip("netns", "add", self.name)
        try:
            ip("-n", self.name, "link", "set", "lo", "up")
        except BaseException:
            self.close()
            raise

    def close(self):
        if os.path.exists(self.path):
            ip("netns", "delete", self.name)

    def socket(self, *args):
        """A plain socket in it, socket.socket(*args); this process stays where it is."""
        libc = ctypes.CDLL(None, use_errno=True)
        own = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open(self.path, os.O_RDONLY)
        try:
            assert libc.setns(there, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            try:
                return socket.socket(*args)
            finally:
                assert libc.setns(own, CLONE_NEWNET) == 0
        finally:
            os.close(own)
            os.close(there)
