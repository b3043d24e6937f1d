# SPDX-License-Identifier: ISC
"""The option matrix: what each row of proto/option.c does, said once more and
independently.  test_option_matrix.py runs each row against the daemon, in every
family that has the option; it fails where a row of the table is not here.
"""

import socket
import struct

# From the kernel's headers; Python 3.11 has not got them.
SO_PRIORITY = 12
IP_RECVTTL = 12
IP_PKTOPTIONS = 9

BOOLEANS = [(True, True), (False, False)]
NO_BOOLEAN = [0, 1, "true", None, [], {}, 1.0]
NO_INTEGER = ["1", True, None, 1.5, [1], {}, 2**32 + 7, 2**53]
NO_TIMEOUT = [-1, "x", "1", True, None, 1.5, [], {}]
NO_WORD = ["text", "", 0, True, None, [], {}]
NO_ADDRESS = ["300.0.0.1", "", 1, True, None, [], {}, {"local": 1}, {"family": "inet"}]

ALL = "inet inet6 local"
IP = "inet inet6"


class Row:
    """One option.

    good      (value given, value that getopts shows) for each value worth a try
    bad       values that are none, by type or range: refused before anything is done
    refused   values that the kernel refuses
    default   what a new socket shows; None where it is the kernel's, see kernel
    when      C connect, L listen, S setopts, G getopts
    on        families that have it
    accept    "copied", "set", "kernel" or "no": how an accepted socket comes by it
    kernel    (level, name) of getsockopt, which must show the same
    told      on a socket whose end was noticed a failure is told, as gen_tcp does
    bare      it is a word alone: the option that it stands for, and its value there
    opens     of creation: (options, what sockname then shows) in each family
    ignored   families where it is taken and does nothing
    early     only before bind: setopts is always refused by the kernel
    elsewhere the file that tests what it does, where that takes more than a row
    """

    def __init__(self, name, good, bad, default=None, when="CLSG", on=ALL, accept="copied",
            kernel=None, told=False, bare=None, refused=(), opens=None, ignored="",
            early=False, elsewhere=None):
        self.name, self.good, self.bad, self.default = name, good, bad, default
        self.when, self.on, self.accept, self.kernel = when, on.split(), accept, kernel
        self.told, self.bare, self.refused = told, bare, list(refused)
        self.opens, self.ignored, self.early = opens or {}, ignored.split(), early
        self.elsewhere = elsewhere

    def seen(self, fd):
        """The kernel's value, as getopts would show it."""
        if self.name == "linger":
            on, seconds = struct.unpack("ii", fd.getsockopt(*self.kernel, 8))
            return [on != 0, seconds]
        if self.name == "bind_to_device":
            return fd.getsockopt(*self.kernel, 16).rstrip(b"\0").decode()
        value = fd.getsockopt(*self.kernel)
        return value != 0 if isinstance(self.good[0][1], bool) else value


def boolean(name, default=False, **more):
    return Row(name, BOOLEANS, NO_BOOLEAN, default, **more)


def sol(name, accept, **more):
    return dict(kernel=(socket.SOL_SOCKET, name), accept=accept, **more)


def tcp(name, accept="kernel", **more):
    return dict(kernel=(socket.IPPROTO_TCP, name), accept=accept, on=IP, **more)


def ip(name, **more):
    return dict(kernel=(socket.IPPROTO_IP, name), accept="set", on=IP, told=True, **more)


def ipv6(name, accept="set", **more):
    return dict(kernel=(socket.IPPROTO_IPV6, name), accept=accept, on="inet6", told=True, **more)


ROWS = [
    # --- gen_tcp's own ----------------------------------------------------------
    Row("active", [(False, False), (True, True), ("once", "once"), (3, 3), (32767, 32767)],
        ["never", "", None, 1.0, [], {}, 32768, -32769, 2**32 + 1], True),
    Row("mode", [("list", "list"), ("binary", "binary")], NO_WORD, "binary"),
    Row("packet",
        [("raw", 0), (0, 0), (1, 1), (2, 2), (4, 4), ("line", "line"), ("sunrm", "sunrm"),
            ("asn1", "asn1"), ("cdr", "cdr"), ("fcgi", "fcgi"), ("tpkt", "tpkt"),
            ("http", "http"), ("httph", "httph"), ("http_bin", "http_bin"),
            ("httph_bin", "httph_bin")],
        [3, 8, -1, "LINE", "4", True, None, 1.0, "", 2**32, 2**32 + 1], 0),
    Row("packet_size", [(77, 77), (0, 0), (2**31 - 1, 2**31 - 1)], NO_INTEGER + [-1, 2**31], 0),
    Row("line_delimiter", [(59, None), (0, None), (255, None)],
        ["x", True, None, 1.5, -1, 256, 300], when="CS", accept="no"),
    Row("header", [(2, 2), (0, 0), (65535, 65535)], NO_INTEGER + [-1, 65536], 0),
    Row("deliver", [("port", "port"), ("term", "term")], NO_WORD + ["PORT"], "term"),
    Row("buffer", [(100, 100), (100000, 100000), (0, 1), (-5, 1)], NO_INTEGER, 1460),
    boolean("exit_on_close", True),
    Row("send_timeout", [(100, 100), (0, 0), (2**40, 2**40), ("infinity", "infinity")],
        NO_TIMEOUT + [2**53 + 1], "infinity"),
    boolean("send_timeout_close"),
    boolean("delay_send"),
    Row("high_watermark", [(20000, 20000), (10, 10), (-1, 0)], NO_INTEGER, 8192),
    Row("low_watermark", [(100, 100), (-1, 0)], NO_INTEGER, 4096),
    boolean("show_econnreset"),
    Row("high_msgq_watermark", [(20000, 20000), (1, 1), (2**31 - 1, 2**31 - 1)],
        NO_INTEGER + [2**31], 8192, refused=[-1, 0]),
    Row("low_msgq_watermark", [(100, 100), (1, 1)], NO_INTEGER + [2**31], 4096,
        refused=[-1, 0]),
    boolean("debug", accept="no"),
    Row("exclusiveaddruse", [(True, None), (False, None)], NO_BOOLEAN, on=IP, accept="no"),

    # --- of connect and listen alone --------------------------------------------
    Row("backlog", [(1, None), (100, None), (0, None)], NO_INTEGER, when="L", accept="no"),
    Row("ip", [], NO_ADDRESS, when="CL", accept="no", opens={
        "inet": [({"ip": "127.0.0.5"}, {"addr": "127.0.0.5"}),
            ({"ip": "loopback"}, {"addr": "127.0.0.1"})],
        "inet6": [({"ip": "::1"}, {"addr": "::1"}), ({"ip": "loopback"}, {"addr": "::1"})],
        "local": [({"ip": {"local": "PATH"}}, {"addr": "PATH"})],
    }),
    Row("ifaddr", [], NO_ADDRESS, when="CL", accept="no", opens={
        "inet": [({"ifaddr": "127.0.0.5"}, {"addr": "127.0.0.5"}),
            ({"ifaddr": {"family": "inet", "addr": "127.0.0.6", "port": "PORT"}},
                {"addr": "127.0.0.6", "port": "PORT"})],
        "inet6": [({"ifaddr": {"family": "inet6", "addr": "::1", "port": "PORT"}},
            {"addr": "::1", "port": "PORT"})],
        "local": [({"ifaddr": {"local": "PATH"}}, {"addr": "PATH"})],
    }),
    Row("port", [], NO_INTEGER + [-1, 65536], when="CL", accept="no", opens={
        "inet": [({"port": "PORT"}, {"port": "PORT"})],
        "inet6": [({"port": "PORT"}, {"port": "PORT"})],
    }),
    Row("fd", [], ["fd", 3, True, None, [], {}, ""], when="CL", accept="no", opens={
        "inet": [({"fd": "passed"}, {"port": "PASSED"})],
        "inet6": [({"fd": "passed"}, {"port": "PASSED"})],
        "local": [({"fd": "passed"}, {"addr": "PASSED"})],
    }),
    Row("family", [], NO_WORD, when="CL", accept="no", opens={
        "inet": [({"family": "inet"}, {"family": "inet"})],
        "inet6": [({"family": "inet6"}, {"family": "inet6"})],
        "local": [({"family": "local", "ip": {"local": "PATH"}}, {"family": "local"})],
    }),
    Row("tcp_module", [], ["inet", "inet_udp", 4, True, None], when="CL", accept="no", opens={
        "inet": [({"tcp_module": "inet_tcp"}, {"family": "inet"})],
        "inet6": [({"tcp_module": "inet6_tcp"}, {"family": "inet6"})],
        "local": [({"tcp_module": "local_tcp", "ip": {"local": "PATH"}}, {"family": "local"})],
    }),
    Row("protocol", [("tcp", None), ("mptcp", None)], ["udp", 6, True, None, 262], when="CL",
        on=IP, accept="no"),
    Row("netns", [], [1, True, None, {}, "a" * 256, "/nul\0", [256]], accept="no",
        elsewhere="test_netns.py"),
    Row("inet_backend", [("inet", None), ("socket", None)],
        ["Socket", "", 0, True, None, [], {}], when="CL", accept="copied"),

    # --- the kernel's -----------------------------------------------------------
    boolean("reuseaddr", **sol(socket.SO_REUSEADDR, "kernel")),
    boolean("reuseport", on=IP, **sol(socket.SO_REUSEPORT, "kernel")),
    boolean("reuseport_lb", on=IP, **sol(socket.SO_REUSEPORT, "kernel")),
    boolean("keepalive", **sol(socket.SO_KEEPALIVE, "set")),
    Row("keepcnt", [(5, 5), (1, 1), (127, 127)], NO_INTEGER, refused=[0, 128, -1],
        **tcp(socket.TCP_KEEPCNT)),
    Row("keepidle", [(100, 100), (1, 1), (32767, 32767)], NO_INTEGER, refused=[0, 32768, -1],
        **tcp(socket.TCP_KEEPIDLE)),
    Row("keepintvl", [(20, 20), (1, 1), (32767, 32767)], NO_INTEGER, refused=[0, 32768, -1],
        **tcp(socket.TCP_KEEPINTVL)),
    Row("user_timeout", [(5000, 5000), (0, 0), (2**31 - 1, 2**31 - 1)], NO_INTEGER + [-1], 0,
        **tcp(socket.TCP_USER_TIMEOUT)),
    boolean("dontroute", **sol(socket.SO_DONTROUTE, "kernel")),
    Row("linger", [([True, 5], [True, 5]), ([True, 0], [True, 0]), ([False, 0], [False, 0])],
        [True, 5, None, [], [True], [1, 5], [True, "5"], [True, 5, 5], {"true": 5}, [True, 1.5],
            [True, -1], [True, 2**31]],
        [False, 0], **sol(socket.SO_LINGER, "set")),
    boolean("nodelay", ignored="local", **tcp(socket.TCP_NODELAY, "set")),
    boolean("nopush", when="SG", **tcp(socket.TCP_CORK)),
    Row("priority", [(3, 3), (0, 0), (7, 7)], NO_INTEGER, 0, told=True,
        **sol(SO_PRIORITY, "set")),
    Row("tos", [(8, 8), (255, 252), (0, 0)], NO_INTEGER, 0, **ip(socket.IP_TOS)),
    Row("ttl", [(77, 77), (255, 255), (1, 1)], NO_INTEGER, refused=[0, 256, -2],
        **ip(socket.IP_TTL)),
    Row("tclass", [(8, 8), (0, 0)], NO_INTEGER, 0, refused=[256, -2], **ipv6(socket.IPV6_TCLASS)),
    boolean("recvtos", **ip(socket.IP_RECVTOS)),
    boolean("recvttl", **ip(IP_RECVTTL)),
    boolean("recvtclass", **ipv6(socket.IPV6_RECVTCLASS)),
    Row("sndbuf", [(10000, 20000), (1, 4608)], NO_INTEGER, **sol(socket.SO_SNDBUF, "kernel")),
    Row("recbuf", [(5000, 10000), (1, 2304)], NO_INTEGER, **sol(socket.SO_RCVBUF, "kernel")),
    boolean("ipv6_v6only", None, early=True, **ipv6(socket.IPV6_V6ONLY, "no")),
    Row("bind_to_device",
        [("lo", "lo"), ("", ""), ({"base64": "bG8="}, "lo"), ([108, "o"], "lo")],
        ["0123456789abcdef", "lo\0", 1, True, None, {}], "", refused=["no-such-device"], on=IP, told=True,
        **sol(socket.SO_BINDTODEVICE, "kernel")),
    Row("pktoptions", [], [], when="G", on=IP, accept="no",
        kernel=(socket.IPPROTO_IP, IP_PKTOPTIONS), elsewhere="test_raw.py"),
    Row("raw", [], [4, None, "raw", [], [6], [6, 1], [6, 1, 4], [6, 1, None], ["6", 1, "abcd"],
        [6, 2**31, "abcd"], [6, 1, "a", "b"]], accept="kernel", elsewhere="test_raw.py"),

    # --- bare words -------------------------------------------------------------
    Row("binary", [], [], when="CLS", accept="no", bare=("mode", "binary")),
    Row("list", [], [], when="CLS", accept="no", bare=("mode", "list")),
    Row("inet", [], [], when="CL", accept="no", bare=("family", "inet")),
    Row("inet6", [], [], when="CL", accept="no", bare=("family", "inet6")),
    Row("local", [], [], when="CL", accept="no", bare=("family", "local")),
]

BY_NAME = {row.name: row for row in ROWS}
