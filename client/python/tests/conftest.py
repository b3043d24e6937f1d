# SPDX-License-Identifier: ISC
"""Fixtures: a daemon for each file, as tests/integration has them."""

import os
import pathlib
import sys

import pytest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve()
TOP = HERE.parents[3]
sys.path[:0] = [str(HERE.parent), str(TOP / "tests/integration")]

import gentcp_test as g  # noqa: E402


@pytest.fixture(scope="module")
def daemon():
    """A gentcpd, where gentcp finds it by itself; it must end with status 0."""
    d = g.Daemon()
    before = os.environ.get("GENTCPD_SOCKET")
    os.environ["GENTCPD_SOCKET"] = d.path
    yield d
    if before is None:
        del os.environ["GENTCPD_SOCKET"]
    else:
        os.environ["GENTCPD_SOCKET"] = before
    d.stop()


@pytest.fixture(autouse=True)
def tidy(request):
    """No descriptor is left of a test, here or in the daemon."""
    if "daemon" not in request.fixturenames:
        yield
        return
    daemon = request.getfixturevalue("daemon")
    before = len(os.listdir("/proc/self/fd"))
    yield
    daemon.wait_baseline()
    daemon.check_log()
    assert len(os.listdir("/proc/self/fd")) <= before
