# SPDX-License-Identifier: ISC
"""Completion of gentcp-cli: its words, and bash, zsh and fish with them."""

import os
import pathlib
import shutil
import subprocess

import pytest

import gentcp_test as g

OK, USAGE = 0, 2


def words(cli, *given, **more):
    """What gentcp-cli says the last of these words may become."""
    status, out, err = cli("complete", "--", *given, **more)
    assert (status, err) == (OK, "")
    return [line.split("\t")[0] for line in out.splitlines()]


# --- the words ------------------------------------------------------------------


def test_commands_and_verbs(cli):
    everything = words(cli, "")
    assert {"call", "shell", "sockets", "top", "connect", "recv", "setopts"} <= set(everything)
    assert not {"hello", "cancel", "complete"} & set(everything)
    assert len(everything) == len(set(everything))
    assert words(cli, "con") == ["connect", "controlling_process"]
    assert words(cli, "call", "getst") == ["getstat"]
    assert words(cli, "help", "option", "keepi") == ["keepidle", "keepintvl"]
    assert words(cli, "introspect", "peer") == ["peername"]
    assert words(cli, "completion", "") == ["bash", "zsh", "fish"]
    assert words(cli, "no_such_command", "") == []
    assert words(cli, "-j", "-T", "3", "socket") == ["sockets"]
    assert words(cli, "-s", "") == []  # a file
    assert words(cli, "top", "-") == ["-s", "-T", "-j", "-n", "-d"]


def test_options_and_values(cli):
    assert words(cli, "connect", "localhost", "1", "packet") == ["packet=", "packet_size="]
    assert words(cli, "connect", "localhost", "1", "packet=h") == [
        "packet=http", "packet=httph", "packet=http_bin", "packet=httph_bin"]
    assert words(cli, "connect", "localhost", "1", "packet=line", "active=") == [
        "active=true", "active=false", "active=once"]
    assert words(cli, "listen", "0", "backlog") == ["backlog="]
    assert words(cli, "connect", "localhost", "1", "backlog") == []  # not there
    assert words(cli, "setopts", "1", "nodelay=") == ["nodelay=true", "nodelay=false"]
    assert words(cli, "setopts", "1", "ifad") == []
    assert words(cli, "getopts", "1", "packet", "act") == ["active"]
    assert words(cli, "getstat", "1", "send_p") == ["send_pend"]
    assert words(cli, "shutdown", "1", "read") == ["read", "read_write"]
    assert words(cli, "call", "listen", "0", "inet6", "ip=l") == ["ip=loopback"]
    assert words(cli, "pipe", "localhost", "1", "linger=[t") == ["linger=[true,0]"]
    assert words(cli, "pipe", "--listen", "0", "backl") == ["backlog="]
    assert "binary" in words(cli, "connect", "localhost", "1", "")
    assert "timeout=" in words(cli, "recv", "1", "")


def test_sockets_and_clients(cli, room, client):
    number, peer = room.pair(client)
    own = str(client.call("session.self")["client"])
    assert words(cli, "recv", "") == [str(number)]
    assert words(cli, "info", str(number)[0]) == [str(number)]
    assert own in words(cli, "controlling_process", number, "")
    status, out, err = cli("complete", "--", "send", "")
    assert out == "%d\tconnected 127.0.0.1:%d\n" % (number, peer.sock.getsockname()[1])
    # without a daemon nothing is known, and nothing said
    assert words(cli, "recv", "", path=room.daemon.path + ".none") == []
    assert words(cli, "-s", room.daemon.path, "recv", "", path="/nowhere") == [str(number)]


def test_completion_prints_the_files(cli):
    folder = pathlib.Path(__file__).resolve().parents[2] / "client" / "cli" / "completion"
    for shell, name in (("bash", "gentcp-cli.bash"), ("zsh", "_gentcp-cli"),
                        ("fish", "gentcp-cli.fish")):
        assert cli("completion", shell) == (OK, (folder / name).read_text(), "")
    assert cli("completion")[0] == cli("completion", "csh")[0] == USAGE


# --- the shells -------------------------------------------------------------------


@pytest.fixture
def shell(room, tmp_path):
    """Starts a shell with gentcp-cli in its PATH; its home is an empty folder."""

    def environment():
        path = tmp_path / "bin"
        path.mkdir(exist_ok=True)
        if not (path / "gentcp-cli").exists():
            (path / "gentcp-cli").symlink_to(g.gentcp_cli())
        return dict(os.environ, PATH="%s:%s" % (path, os.environ["PATH"]), TERM="xterm",
                    HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path), LC_ALL="C.UTF-8",
                    XDG_DATA_HOME=str(tmp_path), GENTCPD_SOCKET=room.daemon.path)

    def start(*argv):
        if shutil.which(argv[0]) is None:
            pytest.skip("there is no " + argv[0])
        return room.own(g.Terminal(argv, environment()))

    def run(*argv):
        if shutil.which(argv[0]) is None:
            pytest.skip("there is no " + argv[0])
        done = subprocess.run(argv, env=environment(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=3 * g.DEADLINE)
        return done.stdout.decode()

    start.run = run
    return start


def test_bash(shell, room, client):
    number, _ = room.pair(client)
    bash = shell("bash", "--norc", "--noprofile", "-i")
    bash.type("PS1='ready''> '\n")
    bash.wait_for("ready> ")
    bash.type('eval "$(gentcp-cli completion bash)"\n')
    bash.wait_for("ready> ")
    bash.type("echo gentcp-cli soc\tX\n")  # not of echo
    bash.wait_for("ready> ")
    bash.type("gentcp-cli intros\t")
    bash.wait_for("introspect ")
    bash.type("contro\t\x01echo \x05\n")
    bash.wait_for("gentcp-cli introspect controlling_process *\r\n")
    bash.type("gentcp-cli connect localhost 1 delay\tt\t\x01echo \x05\n")
    bash.wait_for("[\r\n]gentcp-cli connect localhost 1 delay_send=true *\r\n")
    bash.type("gentcp-cli recv \t\x01echo \x05\n")
    bash.wait_for("[\r\n]gentcp-cli recv %d *\r\n" % number)
    bash.type("gentcp-cli connect localhost 1 packet=h\t\t")
    bash.wait_for("ttp")
    bash.type("\x15exit\n")


def test_zsh(shell, room, client):
    number, _ = room.pair(client)
    zsh = shell("zsh", "-f", "-i")
    zsh.type("PS1='ready''> '; unsetopt zle_bracketed_paste; bindkey -e; stty -echo\n")
    zsh.wait_for("ready> ")
    zsh.type("autoload -U compinit && compinit -u -D && source <(gentcp-cli completion zsh)\n")
    zsh.wait_for("ready> ")
    zsh.type("gentcp-cli introspect contro\t\x01echo \x05\n")
    zsh.wait_for("[\r\n]gentcp-cli introspect controlling_process *\r\n")
    zsh.type("gentcp-cli connect localhost 1 delay\tt\t\x01echo \x05\n")
    zsh.wait_for("[\r\n]gentcp-cli connect localhost 1 delay_send=true *\r\n")
    zsh.type("gentcp-cli recv \t\x01echo \x05\n")
    zsh.wait_for("[\r\n]gentcp-cli recv %d *\r\n" % number)
    zsh.type("\x15exit\n")


def test_zsh_from_its_folder(shell, cli, tmp_path):
    """As it is installed: in fpath, by its first line."""
    folder = tmp_path / "functions"
    folder.mkdir()
    (folder / "_gentcp-cli").write_text(cli("completion", "zsh")[1])
    zsh = shell("zsh", "-f", "-i")
    zsh.type("PS1='ready''> '; unsetopt zle_bracketed_paste; bindkey -e; stty -echo\n")
    zsh.wait_for("ready> ")
    zsh.type("fpath=(%s $fpath); autoload -U compinit && compinit -u -D\n" % folder)
    zsh.wait_for("ready> ")
    for _ in range(2):  # the first time is when it is loaded
        zsh.type("gentcp-cli introspect contro\t\x01echo \x05\n")
        zsh.wait_for("[\r\n]gentcp-cli introspect controlling_process *\r\n")
    zsh.type("exit\n")


def test_fish(shell, room, client):
    number, peer = room.pair(client)

    def ask(line):
        out = shell.run("fish", "-N", "-c",
                        "gentcp-cli completion fish | source; complete -C %r" % line)
        return [one.split("\t") for one in out.splitlines()]

    assert ["introspect", "methods with their params and results"] in ask("gentcp-cli intro")
    assert sorted(one[0] for one in ask("gentcp-cli connect localhost 1 packet=ht")) == [
        "packet=http", "packet=http_bin", "packet=httph", "packet=httph_bin"]
    assert ask("gentcp-cli recv ") == [
        [str(number), "connected 127.0.0.1:%d" % peer.sock.getsockname()[1]]]
    assert [one[0] for one in ask("gentcp-cli -s /de")] == ["/dev/"]
