%% SPDX-License-Identifier: ISC
%% @private controlling_process: a socket goes from the calling process to another,
%% and with it what of its messages is in the caller's mailbox.
-module(gentcp_owner).

-export([change/2]).

%% @doc As gen_tcp:controlling_process/2: the socket is made passive, its messages go
%% to the new owner, then the socket does, as active as it was.  A new owner that is
%% `{client, Number}' may be of another program; to that the messages go with the socket.
-spec change(gentcp_call:socket(), pid() | {client, pos_integer()}) -> ok | {error, atom()}.
change(Socket, To) ->
    case gentcp_call:on(Socket, "inet.info", [], closed) of
        {ok, #{<<"owner">> := Owner, <<"options">> := Options}, none} ->
            {ok, {_, _, Caller}} = gentcp_call:gone(Socket, self()),
            owned(Socket, To, {Owner, Caller}, maps:get(<<"active">>, Options));
        {ok, _Closed, none} ->
            {error, closed};
        Error ->
            Error
    end.

owned(_, {client, Owner}, {Owner, _}, _) ->
    ok;
owned({'$inet', gentcp, {gentcp_socket, Key, _}} = Socket, To, {Owner, Caller}, Active) ->
    case gentcp_conn:user(Key, Owner) of
        {ok, To} -> ok;
        _ when Owner =/= Caller -> {error, not_owner};
        _ -> silence(Socket, To, Active)
    end.

%% At once: a peer that closes an active socket takes it away.
silence(Socket, To, false) ->
    give(Socket, To, null);
silence(Socket, To, Active) ->
    case gentcp_inet:setopts(Socket, [{active, false}]) of
        ok ->
            Result = give(Socket, To, Active),
            Result =:= ok orelse restore(Socket, Active),
            Result;
        Error ->
            Error
    end.

restore(Socket, <<"once">>) -> gentcp_inet:setopts(Socket, [{active, once}]);
restore(Socket, Active) -> gentcp_inet:setopts(Socket, [{active, Active}]).

give(Socket, {client, Client}, Active) ->
    Messages = taken(Socket),
    Result = hand_over(Socket, Client, [as_json(Message) || Message <- Messages], Active),
    Result =:= ok orelse [self() ! Message || Message <- Messages],
    Result;
give(Socket, Pid, Active) ->
    case client(Socket, Pid) of
        {ok, Client} ->
            _ = [Pid ! Message || Message <- taken(Socket)],
            hand_over(Socket, Client, [], Active);
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
taken(Socket) ->
    receive
        {tcp, Socket, _} = Message -> [Message | taken(Socket)];
        {tcp_closed, Socket} = Message -> [Message | taken(Socket)];
        {Socket, {data, _}} = Message -> [Message | taken(Socket)]
    after 0 -> []
    end.

%% The event that the message was.
as_json({tcp, Socket, Data}) -> event(<<"tcp">>, Socket, data(Data));
as_json({Socket, {data, Data}}) -> event(<<"port">>, Socket, data(Data));
as_json({tcp_closed, Socket}) -> event(<<"tcp_closed">>, Socket, #{}).

event(Name, {'$inet', gentcp, {gentcp_socket, _, Number}}, Params) ->
    #{<<"method">> => Name, <<"params">> => Params#{<<"socket">> => Number}}.

data(Data) when length(Data) > 0 ->
    (bytes(Data))#{<<"mode">> => <<"list">>};
data(Data) ->
    bytes(Data).

%% A header, before a binary, is again bytes like the rest.
bytes(Data) ->
    #{<<"data">> => #{<<"base64">> => base64:encode(iolist_to_binary(Data))}}.

hand_over({'$inet', gentcp, {gentcp_socket, _, Number}} = Socket, Client, Messages, Active) ->
    Params = [gentcp_call:number(Client) | more(Messages, Active)],
    What = {{drops, Number}, []},
    case gentcp_call:on(Socket, "gen_tcp.controlling_process", Params, none, closed, What) of
        {ok, _, _} -> ok;
        {error, noproc} -> {error, badarg};
        Error -> Error
    end.

more([], null) -> [];
more([], Active) -> [<<",null">> | gentcp_call:member(Active, [])];
more(Messages, null) -> gentcp_call:member(Messages, []);
more(Messages, Active) -> gentcp_call:member(Messages, gentcp_call:member(Active, [])).
