%% SPDX-License-Identifier: ISC
%% @doc gen_tcp's functions over gentcpd.
%%
%% Each function here has the arguments, results, exceptions and messages of the
%% function of the same name in {@link //kernel/gen_tcp. gen_tcp}, or of
%% {@link //kernel/inet. inet}, to which the daemon's sockets are as good as its own:
%% `gen_tcp', `inet' and `file:sendfile' take them as well.  So a program may call
%% this module by name, or stay as it is and have its sockets opened here, by the
%% option `{tcp_module, gentcp}', or by `{tcp, gentcp}.' in an inetrc file.
%%
%% The functions for sockets that are not in gen_tcp are for those modules to call:
%% see {@link gentcp_inet} and {@link gentcp_file}.
-module(gentcp).

%% gen_tcp's own.
-export([connect/2, connect/3, connect/4, listen/2, accept/1, accept/2]).
-export([send/2, recv/2, recv/3, unrecv/2, shutdown/2, close/1]).
-export([controlling_process/2, fdopen/2]).

%% What gen_tcp wants of a `tcp_module'.
-export([family/0, getserv/1, getaddr/1, getaddr/2, getaddrs/1, getaddrs/2]).
-export([mask/2, parse_address/1, translate_ip/1]).

%% What inet and file want of the module in a socket.
-export([setopts/2, getopts/2, getstat/1, getstat/2, port/1, sockname/1, socknames/1, peername/1, info/1]).
-export([monitor/1, cancel_monitor/1, socket_to_list/1, which_packet_type/1, sendfile/4]).

-export_type([socket/0, data/0]).

-type socket() :: gentcp_call:socket().
-type data() :: binary() | string() | term().

-define(SOCKET, {'$inet', gentcp, {gentcp_socket, _, _}}).
-define(MAX_ATTACHMENT, 16#4000000).
-define(MAX_LENGTH, 16#4000000).
-define(IS_TIMEOUT(T), ((T) =:= infinity orelse is_integer(T))).

%% @equiv connect(SockAddr, Options, infinity)
-spec connect(map(), [gen_tcp:connect_option() | inet:inet_backend()]) ->
    {ok, socket()} | {error, atom()}.
connect(SockAddr, Options) ->
    connect(SockAddr, Options, infinity).

%% @doc Connects, as gen_tcp:connect/3, to an address and port, or to a sockaddr
%% within a time.
-spec connect(inet:socket_address() | inet:hostname() | map(),
              inet:port_number() | [term()],
              [gen_tcp:connect_option() | inet:inet_backend()] | timeout()) ->
    {ok, socket()} | {error, atom()}.
connect(#{family := Family} = SockAddr, Options, Timeout)
  when Family =:= inet; Family =:= inet6 ->
    Time = connect_time(Timeout),
    ok = backend(Options),
    raising(fun() -> open(is_exact(SockAddr), null, Options, Time) end);
connect(Address, Port, Options)
  when is_tuple(Address); is_list(Address); is_atom(Address) ->
    connect(Address, Port, Options, infinity).

%% @doc Connects to a port of an address or name, as gen_tcp:connect/4.
-spec connect(inet:socket_address() | inet:hostname(), inet:port_number() | atom(),
              [gen_tcp:connect_option() | inet:inet_backend()], timeout()) ->
    {ok, socket()} | {error, atom()}.
connect(Address, Port, Options, Timeout) ->
    Time = connect_time(Timeout),
    ok = backend(Options),
    raising(fun() -> open(Address, service(Port), Options, Time) end).

%% gen_tcp looks at this one before all else.
backend([{inet_backend, Backend} | _]) when Backend =/= inet, Backend =/= socket ->
    error(function_clause);
backend(_) ->
    ok.

%% gen_tcp connects to an address only, not to `any' or `loopback'.
is_exact(#{family := inet, addr := Address} = SockAddr) when tuple_size(Address) =:= 4 -> SockAddr;
is_exact(#{family := inet6, addr := Address} = SockAddr) when tuple_size(Address) =:= 8 -> SockAddr.

%% gen_tcp starts a timer of this time.
connect_time(infinity) -> infinity;
connect_time(Time) when is_integer(Time), Time >= 0 -> Time;
connect_time(_) -> error(badarg).

%% gen_tcp catches what connect and listen raise, and exits with it.
raising(Fun) ->
    case catch Fun() of
        {ok, _} = Ok -> Ok;
        {error, einval} -> exit(badarg);
        {error, badarg} -> exit(badarg);
        {'EXIT', Reason} -> exit(Reason);
        Error -> Error
    end.

service(Port) when is_integer(Port), Port >= 0, Port =< 16#FFFF -> Port;
service(Name) when is_atom(Name) -> atom_to_binary(Name).

open(Address, Port, Options, Time) ->
    {Place, Family} = destination(Address, Port),
    {Json, Extra} = options(connect, Options),
    Params = [$[, tl(gentcp_call:member(Place, [])), gentcp_call:member(place_port(Place, Port), []),
              gentcp_call:member(Json ++ Family, []), gentcp_call:number(Time), $]],
    gentcp_call:open("gen_tcp.connect", Params, connected, fds(Extra), any).

options(Place, Options) ->
    is_integer(catch length(Options)) orelse error(function_clause),
    case gentcp_opt:encode(Place, Options) of
        {ok, Json, Extra} -> {Json, Extra};
        error -> exit(badarg)
    end.

fds(#{fd := Fd}) -> [Fd];
fds(#{}) -> [].

place_port(#{<<"addr">> := _}, _) -> null;
place_port(_, Port) -> Port.

%% An address in a tuple is of one family; a text would be looked up in another.
destination({local, _}, Port) when Port =/= 0 ->
    error(function_clause);
destination(Address, Port) ->
    case gentcp_opt:address(Address) of
        {ok, Text} when tuple_size(Address) =:= 4 -> sockaddr(<<"inet">>, Text, Port);
        {ok, Text} when tuple_size(Address) =:= 8 -> sockaddr(<<"inet6">>, Text, Port);
        {ok, Place} -> {Place, []};
        error -> exit(badarg)
    end.

sockaddr(Family, Text, Port) when is_integer(Port) ->
    {#{<<"family">> => Family, <<"addr">> => Text, <<"port">> => Port}, []};
sockaddr(Family, Text, _Service) ->
    {Text, [Family]}.

%% @doc Opens a listener, as gen_tcp:listen/2.
-spec listen(inet:port_number() | atom(), [gen_tcp:listen_option() | inet:inet_backend()]) ->
    {ok, socket()} | {error, atom()}.
listen(Port, Options) when is_integer(Port); is_atom(Port) ->
    ok = backend(Options),
    {Json, Extra} = options(listen, Options),
    Port =:= 0 orelse is_local(Options) andalso error(function_clause),
    Params = [$[, tl(gentcp_call:member(listen_port(Port), [])), gentcp_call:member(Json, []), $]],
    case gentcp_call:open("gen_tcp.listen", Params, listening, fds(Extra), any) of
        {error, badarg} -> exit(badarg);
        Result -> Result
    end.

is_local(Options) ->
    lists:any(fun({Name, {local, _}}) -> Name =:= ifaddr orelse Name =:= ip; (_) -> false end,
              Options).

listen_port(Port) when is_integer(Port), (Port < 0 orelse Port > 16#FFFF) -> exit(badarg);
listen_port(Port) -> service(Port).

%% @equiv accept(Listener, infinity)
-spec accept(socket()) -> {ok, socket()} | {error, atom()}.
accept(Listener) ->
    accept(Listener, infinity).

%% @doc Waits for a connection to a listener, as gen_tcp:accept/2.
-spec accept(socket(), timeout()) -> {ok, socket()} | {error, atom()}.
accept({'$inet', gentcp, {gentcp_socket, Key, _}} = Listener, Timeout) when ?IS_TIMEOUT(Timeout) ->
    Params = gentcp_call:params(Listener, time(Timeout)),
    gentcp_call:open("gen_tcp.accept", Params, connected, [], Key).

%% A negative time is no limit; the daemon takes none past what JSON has.
time(infinity) -> gentcp_call:number(infinity);
time(Time) when Time < 0; Time >= 1 bsl 53 -> gentcp_call:number(infinity);
time(Time) -> gentcp_call:number(Time).

%% @doc Adopts a connected socket by its file descriptor, as gen_tcp:fdopen/2.  The
%% daemon has a duplicate of it.
-spec fdopen(non_neg_integer(), [gen_tcp:option()]) -> {ok, socket()} | {error, atom()}.
fdopen(Fd, Options) when is_integer(Fd), Fd >= 0 ->
    {Json, _} = options(connect, [{fd, Fd} | lists:keydelete(fd, 1, Options)]),
    Params = [$[, gentcp_json:encode(Json), $]],
    gentcp_call:open("gen_tcp.fdopen", Params, connected, [Fd], any).

%% @doc Sends data as one packet, as gen_tcp:send/2.
-spec send(socket(), iodata()) -> ok | {error, atom() | {timeout, binary()}}.
send(?SOCKET = Socket, Data) ->
    try erlang:iolist_to_iovec(Data) of
        Iov -> send_iov(Socket, Iov, iolist_size(Iov))
    catch
        error:badarg -> bad_data(getstat(Socket, []))
    end.

bad_data({ok, _}) -> {error, einval};
bad_data({error, _}) -> {error, closed}.

send_iov(Socket, Iov, Size) when Size > ?MAX_ATTACHMENT ->
    case getopts(Socket, [packet]) of
        {ok, [{packet, N}]} when N =:= 1; N =:= 2; N =:= 4 -> {error, emsgsize};
        _ -> send_parts(Socket, iolist_to_binary(Iov))
    end;
send_iov(Socket, Iov, _) ->
    ok(gentcp_call:on(Socket, "gen_tcp.send", [], Iov, closed)).

%% More than the daemon takes at once.
send_parts(Socket, <<Part:?MAX_ATTACHMENT/binary, Rest/binary>>) when Rest =/= <<>> ->
    case send_iov(Socket, [Part], ?MAX_ATTACHMENT) of
        ok -> send_parts(Socket, Rest);
        {error, {timeout, Unsent}} -> {error, {timeout, <<Unsent/binary, Rest/binary>>}};
        Error -> Error
    end;
send_parts(Socket, Last) ->
    send_iov(Socket, [Last], byte_size(Last)).

ok({ok, _, _}) -> ok;
ok(Error) -> Error.

%% @equiv recv(Socket, Length, infinity)
-spec recv(socket(), non_neg_integer()) -> {ok, data()} | {error, atom()}.
recv(Socket, Length) ->
    recv(Socket, Length, infinity).

%% @doc Waits for data of a passive socket, as gen_tcp:recv/3.
-spec recv(socket(), non_neg_integer(), timeout()) -> {ok, data()} | {error, atom()}.
recv(?SOCKET = Socket, Length, Timeout)
  when is_integer(Length), Length >= 0, ?IS_TIMEOUT(Timeout) ->
    Params = [gentcp_call:number(min(Length, ?MAX_LENGTH + 1)) | time(Timeout)],
    case gentcp_call:on(Socket, "gen_tcp.recv", Params, closed) of
        {ok, Result, Data} -> {ok, gentcp_call:payload(Result, Data)};
        Error -> Error
    end.

%% @doc Puts data back before what is still to be received.
-spec unrecv(socket(), iodata()) -> ok | {error, atom()}.
unrecv(?SOCKET = Socket, Data) ->
    ok(gentcp_call:on(Socket, "gen_tcp.unrecv", [], iolist_to_binary(Data), closed)).

%% @doc Closes one direction, or both, as gen_tcp:shutdown/2.
-spec shutdown(socket(), read | write | read_write) -> ok | {error, atom()}.
shutdown(?SOCKET = Socket, How) when How =:= read; How =:= write; How =:= read_write ->
    Params = gentcp_call:member(atom_to_binary(How), []),
    ok(gentcp_call:on(Socket, "gen_tcp.shutdown", Params, closed)).

%% @doc Closes a socket, as gen_tcp:close/1.  A `{tcp_closed, Socket}' in the caller's
%% mailbox is taken out of it.
-spec close(socket()) -> ok.
close({'$inet', gentcp, {gentcp_socket, _, Number}} = Socket) ->
    _ = gentcp_call:on(Socket, "gen_tcp.close", [], none, closed, {{drops, Number}, []}),
    receive
        {tcp_closed, Socket} -> ok
    after 0 -> ok
    end.

%% @doc Gives a socket to another process, as gen_tcp:controlling_process/2, or to another
%% program, `{client, Number}', by the number that the daemon gave it.
-spec controlling_process(socket(), pid() | {client, pos_integer()}) -> ok | {error, atom()}.
controlling_process(?SOCKET = Socket, Pid) when is_pid(Pid) ->
    gentcp_owner:change(Socket, Pid);
controlling_process(?SOCKET = Socket, {client, Number} = Client)
  when is_integer(Number), Number > 0 ->
    gentcp_owner:change(Socket, Client).

%% --- gen_tcp's side of {tcp_module, gentcp} -----------------------------------

%% @private
-spec family() -> inet.
family() -> inet.

%% @private A service is looked up by the daemon.
-spec getserv(inet:port_number() | atom()) -> {ok, inet:port_number() | atom()}.
getserv(Port) when is_integer(Port); is_atom(Port) -> {ok, Port}.

%% @private
-spec getaddr(term()) -> {ok, term()} | {error, einval}.
getaddr(Address) -> getaddr(Address, false).

%% @private
-spec getaddr(term(), term()) -> {ok, term()} | {error, einval}.
getaddr(Address, Timer) ->
    case getaddrs(Address, Timer) of
        {ok, [First]} -> {ok, First};
        Error -> Error
    end.

%% @private
-spec getaddrs(term()) -> {ok, [term()]} | {error, einval}.
getaddrs(Address) -> getaddrs(Address, false).

%% @private A name is looked up by the daemon, and all its addresses tried there.
-spec getaddrs(term(), term()) -> {ok, [term()]} | {error, einval}.
getaddrs(Address, _Timer) ->
    case gentcp_opt:address(Address) of
        {ok, _} -> {ok, [Address]};
        error -> {error, einval}
    end.

%% @private
-spec mask(tuple(), tuple()) -> tuple().
mask(Mask, Address) when tuple_size(Mask) =:= 8 -> inet6_tcp:mask(Mask, Address);
mask(Mask, Address) -> inet_tcp:mask(Mask, Address).

%% @private
-spec parse_address(string()) -> {ok, inet:ip_address()} | {error, einval}.
parse_address(Host) -> inet:parse_strict_address(Host).

%% @private
-spec translate_ip(term()) -> term().
translate_ip(Address) -> Address.

%% --- inet's side of the socket ------------------------------------------------

%% @private
-spec setopts(socket(), [term()]) -> ok | {error, atom()}.
setopts(Socket, Options) -> gentcp_inet:setopts(Socket, Options).

%% @private
-spec getopts(socket(), [term()]) -> {ok, [term()]} | {error, atom()}.
getopts(Socket, Names) -> gentcp_inet:getopts(Socket, Names).

%% @private
-spec getstat(socket(), [inet:stat_option()]) -> {ok, [term()]} | {error, atom()}.
getstat(Socket, Names) -> gentcp_inet:getstat(Socket, Names).

%% @private ssl's name for it, of a transport in `cb_info'.
-spec getstat(socket()) -> {ok, [term()]} | {error, atom()}.
getstat(Socket) -> gentcp_inet:getstat(Socket).

%% @private Another of ssl's.
-spec port(socket()) -> {ok, inet:port_number() | binary()} | {error, atom()}.
port(Socket) -> gentcp_inet:port(Socket).

%% @private
-spec sockname(socket()) -> {ok, term()} | {error, atom()}.
sockname(Socket) -> gentcp_inet:sockname(Socket).

%% @private
-spec socknames(socket()) -> {ok, [term()]} | {error, atom()}.
socknames(Socket) -> gentcp_inet:socknames(Socket).

%% @private
-spec peername(socket()) -> {ok, term()} | {error, atom()}.
peername(Socket) -> gentcp_inet:peername(Socket).

%% @private
-spec info(socket()) -> map().
info(Socket) -> gentcp_inet:info(Socket).

%% @private
-spec monitor(socket()) -> reference().
monitor(Socket) -> gentcp_inet:monitor(Socket).

%% @private
-spec cancel_monitor(reference()) -> boolean().
cancel_monitor(Ref) -> gentcp_inet:cancel_monitor(Ref).

%% @private
-spec socket_to_list(socket()) -> string().
socket_to_list(Socket) -> gentcp_inet:socket_to_list(Socket).

%% @private
-spec which_packet_type(socket()) -> {ok, term()} | error.
which_packet_type(Socket) ->
    case getopts(Socket, [packet]) of
        {ok, [{packet, Type}]} when is_atom(Type) -> {ok, Type};
        {ok, [{packet, 0}]} -> {ok, raw};
        _ -> error
    end.

%% @private
-spec sendfile(socket(), file:fd(), non_neg_integer(), non_neg_integer()) ->
    {ok, non_neg_integer()} | {error, atom()}.
sendfile(Socket, File, Offset, Bytes) ->
    gentcp_file:send(Socket, File, Offset, Bytes).
