# SPDX-License-Identifier: ISC
"""Reads the files of tests/data/packet; its README says what is in them."""

import os
import re

from gentcp_base import HERE

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
    """out holds a packet after the other, and what each took."""

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
        elif key == "take":
            self.take.append(int(rest))
        elif key == "end":
            self.invalid = rest == "invalid"
        else:
            raise AssertionError("%s: no key %s" % (self.name, key))

    @property
    def raw(self):
        return self.options["packet"] in (0, "raw")


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
