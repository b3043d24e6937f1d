%% SPDX-License-Identifier: ISC
%% @doc The functions of {@link //kernel/inet. inet} that take a socket, for sockets
%% of {@link gentcp}.  inet's own do the same with them, but for `getfd/1', `i/0' and
%% its like, and `getstat/1' of a socket that is gone.
-module(gentcp_inet).

-export([setopts/2, getopts/2, getstat/1, getstat/2]).
-export([sockname/1, peername/1, socknames/1, peernames/1, port/1, close/1, socket_to_list/1]).
-export([info/1, monitor/1, cancel_monitor/1, i/0, i/1, i/2]).
-export([getaddrs/2]).

-define(SOCKET, {'$inet', gentcp, {gentcp_socket, _, _}}).

%% @doc Sets options, as inet:setopts/2.
-spec setopts(gentcp:socket(), [inet:socket_setopt()]) -> ok | {error, atom()}.
setopts(?SOCKET = Socket, [{active, once}]) ->
    set(Socket, <<",{\"active\":\"once\"}">>);
setopts(?SOCKET = Socket, Options) when is_list(Options) ->
    case gentcp_opt:encode(setopts, Options) of
        {ok, Json, _} -> set(Socket, gentcp_call:member(Json, []));
        error -> {error, einval}
    end;
setopts(?SOCKET, NoList) ->
    error({bad_generator, NoList}).

set(Socket, Params) ->
    case gentcp_call:on(Socket, "inet.setopts", Params, einval) of
        {ok, _, _} -> ok;
        {error, badarg} -> {error, einval};
        Error -> Error
    end.

%% @doc Asks for options, as inet:getopts/2.
-spec getopts(gentcp:socket(), [inet:socket_getopt()]) ->
    {ok, [inet:socket_setopt()]} | {error, atom()}.
getopts(?SOCKET = Socket, Names) ->
    case gentcp_opt:names(Names) of
        {ok, Json} ->
            case gentcp_call:on(Socket, "inet.getopts", gentcp_call:member(Json, []), einval) of
                {ok, Map, _} -> {ok, gentcp_opt:decode(Names, Map)};
                Error -> Error
            end;
        error ->
            {error, einval}
    end.

%% @equiv getstat(Socket, inet:stats())
-spec getstat(gentcp:socket()) -> {ok, [{inet:stat_option(), integer()}]} | {error, atom()}.
getstat(Socket) ->
    getstat(Socket, counters()).

counters() ->
    [recv_oct, recv_cnt, recv_max, recv_avg, recv_dvi,
     send_oct, send_cnt, send_max, send_avg, send_pend].

%% @doc A socket's counters, as inet:getstat/2.
-spec getstat(gentcp:socket(), [inet:stat_option()]) ->
    {ok, [{inet:stat_option(), integer()}]} | {error, atom()}.
getstat(?SOCKET = Socket, Names) when is_list(Names) ->
    case lists:all(fun(Name) -> lists:member(Name, counters()) end, Names) of
        true ->
            case gentcp_call:on(Socket, "inet.getstat", [], einval) of
                {ok, Map, _} -> {ok, [{Name, maps:get(atom_to_binary(Name), Map)} || Name <- Names]};
                Error -> Error
            end;
        false ->
            {error, einval}
    end.

%% @doc A socket's own address, as inet:sockname/1.
-spec sockname(gentcp:socket()) ->
    {ok, {inet:ip_address(), inet:port_number()} | {local, binary()}} | {error, atom()}.
sockname(?SOCKET = Socket) ->
    name(gentcp_call:on(Socket, "inet.sockname", [], einval)).

%% @doc The address of a socket's peer, as inet:peername/1.
-spec peername(gentcp:socket()) ->
    {ok, {inet:ip_address(), inet:port_number()} | {local, binary()}} | {error, atom()}.
peername(?SOCKET = Socket) ->
    name(gentcp_call:on(Socket, "inet.peername", [], einval)).

%% @doc A socket's own addresses, as inet:socknames/1: the one.
-spec socknames(gentcp:socket()) -> {ok, [term()]} | {error, atom()}.
socknames(Socket) ->
    names(sockname(Socket)).

%% @doc The addresses of a socket's peer, as inet:peernames/1: the one.
-spec peernames(gentcp:socket()) -> {ok, [term()]} | {error, atom()}.
peernames(Socket) ->
    names(peername(Socket)).

names({ok, Name}) -> {ok, [Name]};
names(Error) -> Error.

name({ok, Map, _}) -> {ok, gentcp_opt:from_address(Map)};
name(Error) -> Error.

%% @doc A socket's own port, as inet:port/1; of a local one the path.
-spec port(gentcp:socket()) -> {ok, inet:port_number() | binary()} | {error, atom()}.
port(Socket) ->
    case sockname(Socket) of
        {ok, {_, Port}} -> {ok, Port};
        Error -> Error
    end.

%% @equiv gentcp:close(Socket)
-spec close(gentcp:socket()) -> ok.
close(Socket) ->
    gentcp:close(Socket).

%% @doc A text that names the socket.
-spec socket_to_list(gentcp:socket()) -> string().
socket_to_list({'$inet', gentcp, {gentcp_socket, _, Number}}) ->
    "#Gentcp<" ++ integer_to_list(Number) ++ ">".

%% @doc What is known of a socket, as inet:info/1: `owner', `states', `counters',
%% `input', `output', `links', `memory', `monitors' and `active'.  The owner of a
%% socket of another node is the daemon's number of it, `{client, N}'.
-spec info(gentcp:socket()) -> map().
info({'$inet', gentcp, {gentcp_socket, Key, _}} = Socket) ->
    case gentcp_call:on(Socket, "inet.info", [], closed) of
        {ok, #{<<"owner">> := _} = Map, none} -> facts(Key, Map);
        _ -> #{states => [closed]}
    end.

facts(Key, Map) ->
    #{<<"owner">> := Client, <<"states">> := States, <<"counters">> := Counters,
      <<"memory">> := Memory, <<"input">> := Input, <<"monitors">> := Monitors} = Map,
    Owner = owner(Key, Client),
    Active = case Map of
        #{<<"options">> := Options} -> maps:from_list(gentcp_opt:decode([active], Options));
        #{} -> #{}
    end,
    Active#{owner => Owner,
            states => [binary_to_atom(State) || State <- States],
            counters => maps:from_list([{Name, maps:get(atom_to_binary(Name), Counters)}
                                        || Name <- counters()]),
            input => Input,
            output => maps:get(<<"send_oct">>, Counters),
            links => [Owner],
            memory => Memory,
            monitors => Monitors}.

owner(Key, Client) ->
    case gentcp_conn:user(Key, Client) of
        {ok, Pid} -> Pid;
        unknown -> {client, Client}
    end.

%% @doc Asks for the message `{'DOWN', Ref, port, Socket, Reason}' when the socket is
%% gone, as inet:monitor/1.
-spec monitor(gentcp:socket()) -> reference().
monitor({'$inet', gentcp, {gentcp_socket, _, Number}} = Socket) ->
    case gentcp_call:gone(Socket, self()) of
        {ok, {Conn, _, _}} ->
            case gentcp_conn:monitor(Conn, gentcp_call:params(Socket, []), Number) of
                {ok, Ref, none} -> Ref;
                {error, Reason, _} -> error(Reason)
            end;
        gone ->
            Ref = make_ref(),
            self() ! {'DOWN', Ref, port, Socket, noproc},
            Ref
    end;
monitor(_) ->
    error(badarg).

%% @doc Ends a monitor of the calling process, as inet:cancel_monitor/1.
-spec cancel_monitor(reference()) -> boolean().
cancel_monitor(Ref) when is_reference(Ref) ->
    case gentcp_conn:find(self()) of
        {ok, {Conn, _, _}} -> gentcp_conn:demonitor(Conn, Ref);
        {error, _} -> false
    end;
cancel_monitor(_) ->
    error(badarg).

%% @doc Looks a name up where the daemon is, as inet:getaddrs/2.
-spec getaddrs(inet:hostname() | inet:ip_address(), inet | inet6) ->
    {ok, [inet:ip_address()]} | {error, atom()}.
getaddrs(Host, Family) when Family =:= inet; Family =:= inet6 ->
    case gentcp_opt:address(Host) of
        {ok, Text} when is_binary(Text) -> looked_up(Text, Family);
        _ -> {error, einval}
    end;
getaddrs(_, _) ->
    {error, einval}.

looked_up(Text, Family) ->
    Params = gentcp_json:encode([Text, atom_to_binary(Family)]),
    case gentcp_conn:find(self()) of
        {ok, {Conn, _, _}} ->
            case gentcp_conn:call(Conn, "inet.getaddrs", Params, none, {none, []}) of
                {ok, Addresses, none} -> {ok, [ip(Address) || Address <- Addresses]};
                {error, Reason, _} -> {error, Reason};
                {fault, _} -> {error, einval}
            end;
        Error ->
            Error
    end.

ip(Text) ->
    {ok, Address} = inet:parse_address(binary_to_list(Text)),
    Address.

%% --- i ------------------------------------------------------------------------

%% @equiv i(tcp)
-spec i() -> ok.
i() ->
    i(tcp).

%% @doc Prints the daemon's sockets that the caller may see, as inet:i/1.
-spec i(inet:socket_protocol()) -> ok.
i(Protocol) ->
    i(Protocol, [port, module, recv, sent, owner, local_address, foreign_address, state, type]).

%% @doc Prints these facts of the daemon's sockets, as inet:i/2.
-spec i(inet:socket_protocol(), [atom()]) -> ok.
i(tcp, Fields) ->
    case gentcp_conn:find(self()) of
        {ok, {Conn, Key, _}} ->
            {ok, Rows, none} = gentcp_conn:call(Conn, "inet.i", <<"[]">>, none, {none, []}),
            table([[title(Field) || Field <- Fields] || Rows =/= []] ++
                  [[field(Field, Key, Row) || Field <- Fields] || Row <- Rows]);
        {error, _} ->
            ok
    end;
i(_, _) ->
    ok.

table(Lines) ->
    Widths = lists:foldl(fun widest/2, [], Lines),
    [io:format("~ts~n", [[pad(Text, Width) || {Text, Width} <- lists:zip(Line, Widths)]])
     || Line <- Lines],
    ok.

widest(Line, []) -> [length(Text) || Text <- Line];
widest(Line, Widths) -> lists:zipwith(fun(Text, W) -> max(length(Text), W) end, Line, Widths).

pad(Text, Width) -> string:pad(Text, Width + 1).

title(Field) ->
    Words = string:split(atom_to_list(Field), "_", all),
    lists:flatten(lists:join(" ", [string:titlecase(Word) || Word <- Words])).

field(port, _, #{<<"socket">> := N}) -> integer_to_list(N);
field(module, _, _) -> "gentcp";
field(type, _, _) -> "STREAM";
field(recv, _, Row) -> counter(<<"recv_oct">>, Row);
field(sent, _, Row) -> counter(<<"send_oct">>, Row);
field(owner, Key, #{<<"owner">> := Client}) -> owner_text(owner(Key, Client));
field(state, _, #{<<"states">> := States}) -> state(States);
field(local_address, Key, Row) -> address(sockname(socket(Key, Row)));
field(foreign_address, Key, Row) -> address(peername(socket(Key, Row)));
field(packet, Key, Row) -> packet(gentcp:which_packet_type(socket(Key, Row)));
field(_, _, _) -> " ".

socket(Key, #{<<"socket">> := N}) -> {'$inet', gentcp, {gentcp_socket, Key, N}}.

counter(Name, #{<<"counters">> := Counters}) -> integer_to_list(maps:get(Name, Counters)).

owner_text({client, N}) -> "client " ++ integer_to_list(N);
owner_text(Pid) -> pid_to_list(Pid).

state(States) ->
    lists:flatten(lists:join(",", [string:uppercase(binary_to_list(State)) || State <- States])).

packet({ok, Type}) -> atom_to_list(Type);
packet(error) -> " ".

address({ok, {local, Path}}) -> "local:" ++ binary_to_list(Path);
address({ok, {Address, Port}}) -> inet:ntoa(Address) ++ ":" ++ integer_to_list(Port);
address({error, enotconn}) -> "*:*";
address({error, _}) -> " ".
