# SPDX-License-Identifier: ISC
"""The Unix socket to gentcpd: where it is, bytes and descriptors through it."""

from __future__ import annotations

import os
import socket
import struct
from typing import List, Optional, Tuple

from . import errors
from ._core import Core

READ_SIZE = 1 << 18
BUFFER_SIZE = 1 << 20  # the kernel's, as far as it gives that
ROOM_FOR_FDS = socket.CMSG_SPACE(16 * 4)
PIECES = 64  # of what is written at once
SYSTEM_PATH = "/run/gentcpd/gentcpd.sock"


def socket_path(path: Optional[str] = None) -> str:
    """The control socket: path, $GENTCPD_SOCKET, the user's own, or the system's."""
    if path is not None:
        return path
    named = os.environ.get("GENTCPD_SOCKET")
    if named:
        return named
    folder = os.environ.get("XDG_RUNTIME_DIR")
    if not folder:
        return SYSTEM_PATH
    own = os.path.join(folder, "gentcpd.sock")
    # neither there: the user's is the likelier one to be missed
    return SYSTEM_PATH if os.path.exists(SYSTEM_PATH) and not os.path.exists(own) else own


def unix_socket() -> socket.socket:
    """A socket to be connected to the daemon's; it does not block."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_SIZE)
    return made


def _fds_of(ancillary: List[Tuple[int, int, bytes]]) -> List[int]:
    found: List[int] = []
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            count = len(data) // 4
            found += struct.unpack(f"{count}i", data[:4 * count])
    return found


def read_some(sock: socket.socket, buffer: bytearray, core: Core) -> None:
    """Gives core what is there to be read.  BlockingIOError where nothing is, Lost at the
    end."""
    try:
        count, ancillary, flags, _ = sock.recvmsg_into(
            [buffer], ROOM_FOR_FDS, socket.MSG_CMSG_CLOEXEC)
    except (BlockingIOError, InterruptedError):
        raise
    except OSError as e:
        raise errors.Lost(f"the connection to gentcpd failed: {e.strerror}") from e
    fds = _fds_of(ancillary)
    if count == 0 or flags & socket.MSG_CTRUNC:
        for fd in fds:
            os.close(fd)
        raise errors.Lost("gentcpd ended the connection")
    with memoryview(buffer) as view:
        core.feed(view[:count], fds)


def write_some(sock: socket.socket, core: Core) -> bool:
    """Writes what can be written at once; False when nothing is left."""
    if not core.outgoing:
        return False
    first, fds = core.outgoing[0]
    if fds:  # goes alone, with its descriptors
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"{len(fds)}i", *fds))]
        count = sock.sendmsg([first], rights)
    else:
        pieces: List[bytes] = []
        for piece, fds in core.outgoing:
            if fds or len(pieces) == PIECES:
                break
            pieces.append(piece)
        count = sock.sendmsg(pieces)
    core.wrote(count)
    return bool(core.outgoing)
