%% SPDX-License-Identifier: ISC
%% @private controlling_process: a socket goes from the calling process to another,
%% and with it what of its messages is in the caller's mailbox.
-module(gentcp_owner).

-export([change/2]).

%% @doc As gen_tcp:controlling_process/2: the socket is made passive, its messages go
%% to the new owner, then the socket does, as active as it was.
-spec change(gentcp_call:socket(), pid()) -> ok | {error, atom()}.
change(Socket, Pid) ->
    case gentcp_call:on(Socket, "inet.info", [], closed) of
        {ok, #{<<"owner">> := Owner, <<"options">> := Options}, none} ->
            {ok, {_, _, Caller}} = gentcp_call:gone(Socket, self()),
            owned(Socket, Pid, {Owner, Caller}, maps:get(<<"active">>, Options));
        {ok, _Closed, none} ->
            {error, closed};
        Error ->
            Error
    end.

owned({'$inet', gentcp, {gentcp_socket, Key, _}} = Socket, Pid, {Owner, Caller}, Active) ->
    case gentcp_conn:user(Key, Owner) of
        {ok, Pid} -> ok;
        _ when Owner =/= Caller -> {error, not_owner};
        _ -> silence(Socket, Pid, Active)
    end.

%% At once: a peer that closes an active socket takes it away.
silence(Socket, Pid, false) ->
    give(Socket, Pid, []);
silence(Socket, Pid, Active) ->
    case gentcp_inet:setopts(Socket, [{active, false}]) of
        ok ->
            Result = give(Socket, Pid, [<<",null">> | gentcp_call:member(Active, [])]),
            Result =:= ok orelse restore(Socket, Active),
            Result;
        Error ->
            Error
    end.

restore(Socket, <<"once">>) -> gentcp_inet:setopts(Socket, [{active, once}]);
restore(Socket, Active) -> gentcp_inet:setopts(Socket, [{active, Active}]).

give(Socket, Pid, More) ->
    case client(Socket, Pid) of
        {ok, Client} ->
            move(Socket, Pid),
            hand_over(Socket, Client, More);
        error ->
            {error, badarg}
    end.

%% The daemon's number of a process of this node, which gets one where it has none.
client(Socket, Pid) when node(Pid) =:= node() ->
    case is_process_alive(Pid) andalso gentcp_call:gone(Socket, Pid) of
        {ok, {_, _, Client}} -> {ok, Client};
        _ -> error
    end;
client(_, _) ->
    error.

%% Those that gen_tcp moves, and no others.
move(Socket, Pid) ->
    receive
        {tcp, Socket, _} = Message -> move(Socket, Pid, Message);
        {tcp_closed, Socket} = Message -> move(Socket, Pid, Message);
        {Socket, {data, _}} = Message -> move(Socket, Pid, Message)
    after 0 -> ok
    end.

move(Socket, Pid, Message) ->
    Pid ! Message,
    move(Socket, Pid).

hand_over({'$inet', gentcp, {gentcp_socket, _, Number}} = Socket, Client, More) ->
    Params = [gentcp_call:number(Client) | More],
    What = {{drops, Number}, []},
    case gentcp_call:on(Socket, "gen_tcp.controlling_process", Params, none, closed, What) of
        {ok, _, _} -> ok;
        {error, noproc} -> {error, badarg};
        Error -> Error
    end.
