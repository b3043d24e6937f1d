#!/usr/bin/env escript
%% SPDX-License-Identifier: ISC
%% Answers lines: a process for each connection, and four that accept.
%%
%%     ERL_LIBS=/usr/local/lib/erlang/lib escript line_server.escript 5678
-mode(compile).

main([]) ->
    main(["0"]);
main([Port]) ->
    {ok, Listener} = gentcp:listen(list_to_integer(Port),
                                   [binary, {ip, loopback}, {packet, line}, {active, once},
                                    {reuseaddr, true}, {backlog, 128}]),
    {ok, Bound} = gentcp_inet:port(Listener),
    io:format("listening on port ~b~n", [Bound]),
    [acceptor(Listener) || _ <- lists:seq(1, 4)],
    receive stop -> ok end.

%% Its first connection is its own; another takes its place.
acceptor(Listener) ->
    spawn(fun() ->
        {ok, Socket} = gentcp:accept(Listener),
        acceptor(Listener),
        serve(Socket)
    end).

serve(Socket) ->
    receive
        {tcp, Socket, Line} ->
            _ = gentcp:send(Socket, [<<"you said: ">>, Line]),
            %% where that failed this is how to hear of the end
            _ = gentcp_inet:setopts(Socket, [{active, once}]),
            serve(Socket);
        {tcp_closed, Socket} ->
            ok
    end.
