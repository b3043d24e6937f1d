#!/usr/bin/env escript
%% SPDX-License-Identifier: ISC
%% What binding.c measures, by the Erlang binding: pipeline is 64 processes that send.
-mode(compile).

-define(IN_FLIGHT, 64).

main([What, Seconds, Size]) ->
    {ok, Listener} = gentcp:listen(0, [binary, {ip, loopback}, {packet, 4}, {active, 100}]),
    {ok, Port} = gentcp_inet:port(Listener),
    io:format("port ~b~n", [Port]),
    {ok, Socket} = gentcp:accept(Listener),
    Begun = now_us(),
    End = Begun + 1000000 * list_to_integer(Seconds),
    Count = run(What, Socket, End, binary:copy(<<0>>, list_to_integer(Size))),
    io:format("~b~n", [round(Count * 1.0e6 / (now_us() - Begun))]),
    halt().

now_us() -> erlang:monotonic_time(microsecond).

run("receive", Socket, End, _) -> get(Socket, End, 0);
run("send", Socket, End, Packet) -> send(Socket, End, Packet, 0);
run("pipeline", Socket, End, Packet) ->
    Me = self(),
    Pids = [spawn_link(fun() -> Me ! {self(), send(Socket, End, Packet, 0)} end)
            || _ <- lists:seq(1, ?IN_FLIGHT)],
    lists:sum([receive {Pid, Count} -> Count end || Pid <- Pids]).

get(Socket, End, Count) ->
    receive
        {tcp, Socket, _} ->
            case now_us() >= End of
                true -> Count + 1;
                false -> get(Socket, End, Count + 1)
            end;
        {tcp_passive, Socket} ->
            ok = gentcp_inet:setopts(Socket, [{active, 100}]),
            get(Socket, End, Count)
    end.

send(Socket, End, Packet, Count) ->
    case now_us() >= End of
        true -> Count;
        false -> ok = gentcp:send(Socket, Packet), send(Socket, End, Packet, Count + 1)
    end.
