%% SPDX-License-Identifier: ISC
%% A daemon of the test's own, in a folder of its own; $GENTCPD says which program.
-module(gentcp_daemon).

-export([start/0, stop/1, kill/1, path/1]).

-define(DEADLINE, 30000).

-spec start() -> {port(), file:filename()}.
start() ->
    Folder = string:trim(os:cmd("mktemp -d")),
    Path = Folder ++ "/control.sock",
    Program = os:getenv("GENTCPD", "gentcpd"),
    Options = [{env, [{"GENTCPD_SOCKET", Path}]}, exit_status, stderr_to_stdout, hide, binary],
    Port = open_port({spawn_executable, os:find_executable(Program)}, Options),
    %% the old daemon's connections may still be about to end
    application:set_env(gentcp, socket, Path),
    until(fun() -> connects(Path) end, erlang:monotonic_time(millisecond) + ?DEADLINE),
    {Port, Folder}.

connects(Path) ->
    {ok, Socket} = socket:open(local, stream),
    Result = socket:connect(Socket, #{family => local, path => Path}),
    ok = socket:close(Socket),
    Result =:= ok.

until(Fun, Deadline) ->
    case Fun() of
        true -> ok;
        false ->
            true = erlang:monotonic_time(millisecond) < Deadline,
            timer:sleep(10),
            until(Fun, Deadline)
    end.

-spec path({port(), file:filename()}) -> file:filename().
path({_, Folder}) -> Folder ++ "/control.sock".

%% The daemon has to end well.
-spec stop({port(), file:filename()}) -> ok.
stop(Daemon) ->
    0 = signal("TERM", Daemon),
    ok.

-spec kill({port(), file:filename()}) -> ok.
kill(Daemon) ->
    _ = signal("KILL", Daemon),
    ok.

signal(Name, {Port, Folder}) ->
    {os_pid, Pid} = erlang:port_info(Port, os_pid),
    %% whoever started it, it ends here
    true = erlang:port_connect(Port, self()),
    [] = os:cmd("kill -" ++ Name ++ " " ++ integer_to_list(Pid)),
    Status = ended(Port),
    ok = file:del_dir_r(Folder),
    application:unset_env(gentcp, socket),
    Status.

ended(Port) ->
    receive
        {Port, {exit_status, Status}} -> Status;
        {Port, {data, _}} -> ended(Port)
    after ?DEADLINE -> error(daemon_goes_on)
    end.
