# SPDX-License-Identifier: ISC
"""A daemon that says what a test wants: lines to be sent for each line that comes."""

import contextlib
import os
import socket
import tempfile
import threading

HELLO = b'{"jsonrpc":"2.0","id":1,"result":{"client":1,"server":"fake/1","protocol":1}}\n'


@contextlib.contextmanager
def daemon(*answers):
    """Its path.  It answers hello, then the n-th read with answers[n], then hangs up."""
    with tempfile.TemporaryDirectory() as folder, \
            socket.socket(socket.AF_UNIX) as listener:
        path = os.path.join(folder, "s")
        listener.bind(path)
        listener.listen(1)

        def serve():
            with contextlib.suppress(OSError):
                conn = listener.accept()[0]
                with conn:
                    conn.recv(65536)
                    conn.sendall(HELLO)
                    for answer in answers:
                        if not conn.recv(65536):
                            return
                        if isinstance(answer, tuple):
                            socket.send_fds(conn, [answer[0]], answer[1])
                        else:
                            conn.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield path
        finally:
            thread.join(5)
            assert not thread.is_alive()
