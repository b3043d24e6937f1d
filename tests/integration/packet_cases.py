# SPDX-License-Identifier: ISC
"""Reads the files of tests/data/packet, and writes http packets as they do; the
README there says what is in them."""

import os
import re

from gentcp_base import HERE
from gentcp_client import payload

FOLDER = os.path.join(HERE, "..", "data", "packet")
ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "0": b"\0"}
UNIT = re.compile(r'\s*(?:(\d+)\*)?(?:"((?:[^"\\]|\\.)*)"|([0-9a-f]{2}))')


def read_bytes(text):
    """BYTES."""
    out, at = bytearray(), 0
    while text[at:].strip():
        m = UNIT.match(text, at)
        assert m, text[at:]
        if m[2] is None:
            unit = bytes.fromhex(m[3])
        else:
            unit = b"".join(
                ESCAPES.get(part[1], part[1:].encode()) if part[0] == "\\" else part.encode()
                for part in re.findall(r"\\.|[^\\]+", m[2])
            )
        out += unit * int(m[1] or 1)
        at = m.end()
    return bytes(out)


def value(text):
    """An option's value as it goes into JSON."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if re.fullmatch(r"-?\d+", text) else text


class Case:
    """out holds a packet after the other, bytes or a term, and take what each took."""

    def __init__(self, name):
        self.name = name
        self.options = {}
        self.max_packet = None
        self.whole = False
        self.input = b""
        self.out = []
        self.take = []
        self.invalid = False

    def line(self, key, rest):
        if key in ("packet", "packet_size", "buffer", "delimiter"):
            self.options["line_delimiter" if key == "delimiter" else key] = value(rest)
        elif key == "max_packet":
            self.max_packet = int(rest)
        elif key == "whole":
            self.whole = True
        elif key == "input":
            self.input += read_bytes(rest)
        elif key == "out":
            self.out.append(read_bytes(rest))
        elif key == "http":
            self.out.append(rest)
        elif key == "take":
            self.take.append(int(rest))
        elif key == "end":
            self.invalid = rest == "invalid"
        else:
            raise AssertionError("%s: no key %s" % (self.name, key))

    @property
    def raw(self):
        return self.options["packet"] in (0, "raw")


class Term:
    """An http packet, as the daemon has it, as a term of erl's."""

    METHODS = ("OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE")
    NAMED = {0x22: '\\"', 0x5C: "\\\\", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}

    def __init__(self, binary):
        self.binary = binary

    def string(self, value):
        text = "".join(
            self.NAMED.get(c) or (chr(c) if 0x20 <= c < 0x7F else "\\x%02X" % c)
            for c in payload(value)
        )
        return '<<"%s">>' % text if self.binary else '"%s"' % text

    def uri(self, uri):
        if uri["type"] == "*":
            return "'*'"
        if uri["type"] == "abs_path":
            return "{abs_path,%s}" % self.string(uri["path"])
        if uri["type"] == "absoluteURI":
            port = "undefined" if uri["port"] is None else uri["port"]
            texts = (self.string(uri["host"]), port, self.string(uri["path"]))
            return "{absoluteURI,%s," % uri["scheme"] + "%s,%s,%s}" % texts
        if uri["type"] == "scheme":
            return "{scheme,%s,%s}" % (self.string(uri["scheme"]), self.string(uri["string"]))
        assert uri["type"] == "string"
        return self.string(uri["string"])

    def of(self, http):
        kind = http["type"]
        if kind == "http_eoh":
            return kind
        version = "{%s}" % ",".join(map(str, http.get("version", [])))
        if kind == "http_request":
            method = http["method"]
            method = "'%s'" % method if method in self.METHODS else self.string(method)
            parts = (method, self.uri(http["uri"]), version)
        elif kind == "http_response":
            parts = (version, str(http["status"]), self.string(http["phrase"]))
        elif kind == "http_header":
            name = http["name"]
            name = "'%s'" % name if http["bit"] > 0 else self.string(name)
            texts = (self.string(http["field"]), self.string(http["value"]))
            parts = (str(http["bit"]), name, *texts)
        else:
            assert kind == "http_error", http
            parts = (self.string(http["line"]),)
        return "{%s}" % ",".join((kind, *parts))


class Step:
    """A step, and what it brings: what gentcpd decided to do differently counts."""

    def __init__(self, key, rest):
        self.key = key
        self.rest = rest
        self.erl = []
        self.but = None

    def brings(self):
        return self.erl if self.but is None else self.but


class Steps:
    def __init__(self, name):
        self.name = name
        self.steps = []

    def line(self, key, rest):
        if key == "=":
            self.steps[-1].erl.append(rest)
        elif key == "but":
            self.steps[-1].but = (self.steps[-1].but or []) + ([rest] if rest else [])
        else:
            self.steps.append(Step(key, rest))


def _read(file, kind):
    found = []
    with open(os.path.join(FOLDER, file), encoding="ascii") as f:
        for text in f.read().splitlines():
            if not text or text.startswith("#"):
                continue
            key, _, rest = text.partition(" ")
            if key == "case":
                found.append(kind(rest))
            else:
                found[-1].line(key, rest)
    assert found
    return found


def cases(file):
    return _read(file, Case)


def steps(file):
    return _read(file, Steps)


def data_of(text):
    """DATA: (header, rest); list data is all header, as far as that goes."""
    if text.startswith("list "):
        return read_bytes(text[5:])
    parts = re.match(r'((?:"(?:[^"\\]|\\.)*"|[^"|])*)(?:\|(.*))?$', text)
    if parts[2] is None:
        return read_bytes(text)
    return (read_bytes(parts[1]), read_bytes(parts[2]))
