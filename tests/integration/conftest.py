# SPDX-License-Identifier: ISC
"""Fixtures of the integration tests.

To be run as
    PYTHONDONTWRITEBYTECODE=1 GENTCPD=… GENTCP_CLI=… PRINT_OPTIONS=… \
        python3 -m pytest -p no:cacheprovider tests/integration
which writes nothing into the source tree.  GENTCP_TEST_SCALE below 1 makes the
large tests smaller, for builds with sanitizers.
"""

import os
import resource
import socket
import subprocess
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import gentcp_test as g  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "probe(number, ...): gen_tcp's edge cases, by number")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def pytest_terminal_summary(terminalreporter):
    """A line for each test that was skipped, as build-aux/count reads it."""
    for report in terminalreporter.stats.get("skipped", []):
        path, _, name = report.nodeid.partition("::")
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        reason = str(reason).removeprefix("Skipped: ")
        terminalreporter.write_line(
            "skipped: %s::%s: %s" % (os.path.basename(path), name, reason))


@pytest.fixture(scope="module")
def daemon():
    """A gentcpd for the tests of one file; it must end with status 0."""
    if not os.access(g.gentcpd(), os.X_OK):
        pytest.fail("there is no gentcpd at " + g.gentcpd())
    d = g.Daemon()
    yield d
    d.stop()


def _room(daemon):
    if not daemon.alive():  # an earlier test has told of that
        daemon.start()
    room = g.Room(daemon)
    try:
        yield room
    finally:
        room.end()
    assert daemon.alive(), "gentcpd ended:\n" + daemon.output()
    daemon.wait_baseline()
    daemon.check_log()


@pytest.fixture
def room(daemon):
    """Clients and peers of one test; afterwards no descriptor may be left."""
    yield from _room(daemon)


@pytest.fixture
def own_room():
    """The same with a daemon of the test's own."""
    d = g.Daemon()
    try:
        yield from _room(d)
    except BaseException:
        d.kill()
        d.remove()
        raise
    d.stop()


@pytest.fixture
def client(room):
    """A client with the default settings."""
    return room.client()


@pytest.fixture
def cli(room):
    """Runs gentcp-cli to its end: (status, stdout, stderr); with raw=True stdout is
    bytes.  Input is text, bytes, or an open file."""

    def run(*args, input="", timeout=None, path=None, raw=False, **env):
        env = dict(os.environ, GENTCPD_SOCKET=path or room.daemon.path, **env)
        given = {"stdin": input} if hasattr(input, "fileno") else {
            "input": input.encode() if isinstance(input, str) else input}
        done = subprocess.run(
            [g.gentcp_cli(), *map(str, args)], env=env, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=timeout or 3 * g.DEADLINE, **given)
        return done.returncode, done.stdout if raw else done.stdout.decode(), done.stderr.decode()

    return run


@pytest.fixture
def languages(room, tmp_path):
    """Python, Node and Erlang, as programs use the bindings in them."""
    return g.Languages(room.daemon, tmp_path)


@pytest.fixture
def bystander(room):
    """A client that does its work, whatever the others do."""
    b = g.Bystander(room)
    b.fine()
    yield b
    b.fine()


@pytest.fixture(scope="session")
def has_ipv6():
    """Is there an IPv6 loopback?"""
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.fixture
def namespace():
    """A network namespace."""
    if not g.is_root():
        pytest.skip("only root can make a network namespace")
    try:
        made = g.Namespace()
    except OSError as e:
        pytest.skip("no network namespace can be made: %s" % e)
    yield made
    made.close()
