#!/usr/bin/env escript
%% SPDX-License-Identifier: ISC
%% Erlang's own gen_tcp as an echo server, as its manual would write it: a
%% process for each connection, packet 4, active true.  Prints "port N".
-mode(compile).

main([]) ->
    {ok, L} = gen_tcp:listen(0, [binary, {packet, 4}, {active, true}, {nodelay, true},
                                 {backlog, 4096}, {ip, {127, 0, 0, 1}}]),
    {ok, Port} = inet:port(L),
    io:format("port ~b~n", [Port]),
    [spawn_link(fun() -> acceptor(L) end) || _ <- lists:seq(1, 16)],
    receive stop -> ok end.

acceptor(L) ->
    case gen_tcp:accept(L) of
        {ok, S} ->
            Pid = spawn(fun() -> receive go -> echo(S) end end),
            ok = gen_tcp:controlling_process(S, Pid),
            Pid ! go,
            acceptor(L);
        {error, _} ->
            acceptor(L)
    end.

echo(S) ->
    receive
        {tcp, S, Data} ->
            _ = gen_tcp:send(S, Data),
            echo(S);
        {tcp_closed, S} ->
            ok;
        {tcp_error, S, _} ->
            ok
    end.
