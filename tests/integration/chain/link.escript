#!/usr/bin/env escript
%% SPDX-License-Identifier: ISC
%% Accepts a connection, gives back Count of its packets, and gives it to client Next.
-mode(compile).

main([Count, Next]) ->
    {ok, Listener} = gentcp:listen(0, [binary, {ip, loopback}, {packet, 4}, {active, true}]),
    {ok, Port} = gentcp_inet:port(Listener),
    io:format("port ~b~n", [Port]),
    {ok, Socket} = gentcp:accept(Listener),
    [echo(Socket) || _ <- lists:seq(1, list_to_integer(Count))],
    ok = gentcp:controlling_process(Socket, {client, list_to_integer(Next)}),
    {messages, []} = process_info(self(), messages).

echo(Socket) ->
    receive {tcp, Socket, Packet} -> ok = gentcp:send(Socket, [<<"Erlang ">>, Packet]) end.
