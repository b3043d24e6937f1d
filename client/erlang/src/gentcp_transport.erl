%% SPDX-License-Identifier: ISC
%% @private The control socket: finding it, and writing to it and reading from
%% it without ever waiting.
%%
%% The daemon stops to read from a client that does not read, so a connection
%% must never wait in a write: what the kernel does not take stays in a queue
%% here until the socket is writable again.  All of it is OTP's `socket', so
%% that the node needs no port for it.
-module(gentcp_transport).

-export([path/0, open/1, close/1, hello/1]).
-export([new/1, send/3, written/2, failed/1, read/1]).
-export_type([transport/0]).

-define(HELLO_TIME, 10000).
-define(READ_SIZE, 65536).
-define(SEND_AS_ONE, 16384).

-record(transport, {
    socket :: socket:socket(),
    select = none :: none | reference(),        % while the kernel takes no more
    queue = queue:new() :: queue:queue(item()),
    failed = [] :: [{tag(), atom()}]
}).
-opaque transport() :: #transport{}.
-type tag() :: term().
-type item() :: {[binary()], none | {[Fd :: non_neg_integer()], tag()}}.

%% @doc Where the daemon is: the application's `socket', else the environment's
%% `GENTCPD_SOCKET', else the user's own daemon, else the system's.
-spec path() -> binary().
path() ->
    Path = case application:get_env(gentcp, socket) of
        {ok, Configured} -> Configured;
        undefined -> environment_path()
    end,
    unicode:characters_to_binary(Path).

environment_path() ->
    case {os:getenv("GENTCPD_SOCKET"), os:getenv("XDG_RUNTIME_DIR")} of
        {Path, _} when is_list(Path), Path =/= "" -> Path;
        {_, Dir} when is_list(Dir), Dir =/= "" -> Dir ++ "/gentcpd.sock";
        _ -> "/run/gentcpd/gentcpd.sock"
    end.

%% @doc Connects to the daemon at Path.
-spec open(binary()) -> {ok, socket:socket()} | {error, term()}.
open(Path) ->
    case socket:open(local, stream) of
        {ok, Socket} -> connect(Socket, Path);
        Error -> Error
    end.

connect(Socket, Path) ->
    ok = socket:setopt(Socket, {otp, rcvbuf}, ?READ_SIZE),
    case socket:connect(Socket, #{family => local, path => Path}) of
        ok ->
            {ok, Socket};
        {error, Reason} ->
            _ = socket:close(Socket),
            {error, reason(Reason)}
    end.

-spec close(socket:socket()) -> ok.
close(Socket) ->
    _ = socket:close(Socket),
    ok.

reason(Reason) when is_atom(Reason) -> Reason;
reason(_) -> einval.

%% @doc Says hello, and waits for the answer: this client's number, and one
%% that tells this run of the daemon from others.
-spec hello(socket:socket()) -> {ok, {Client, Daemon}} | {error, term()} when
    Client :: pos_integer(),
    Daemon :: non_neg_integer().
hello(Socket) ->
    Params = gentcp_json:encode(#{<<"client">> => <<"gentcp-erlang/0.1.0">>,
                                  <<"protocol">> => 1,
                                  <<"data">> => <<"attached">>}),
    Line = gentcp_wire:request(0, "session.hello", Params, none, 0),
    case socket:send(Socket, iolist_to_binary(Line), [], ?HELLO_TIME) of
        ok -> welcome(Socket, gentcp_wire:new());
        {error, Reason} -> {error, reason(Reason)}
    end.

welcome(Socket, State0) ->
    case socket:recv(Socket, 0, [], ?HELLO_TIME) of
        {ok, Data} ->
            case gentcp_wire:feed(Data, State0) of
                {[], State} -> welcome(Socket, State);
                {[Message | _], _} -> welcomed(Message)
            end;
        {error, Reason} ->
            {error, reason(Reason)}
    end.

welcomed({reply, 0, {ok, #{<<"client">> := Client, <<"instance">> := Instance}}, none}) ->
    {ok, {Client, erlang:binary_to_integer(Instance, 16) bsr 8}};      % fits in a word
welcomed({reply, _, {error, #{<<"message">> := <<"system_limit">>}}, _}) ->
    {error, system_limit};
welcomed(_) ->
    {error, eproto}.

%% @doc Begins to write and read without waiting.
-spec new(socket:socket()) -> transport().
new(Socket) ->
    #transport{socket = Socket}.

%% @doc Writes Data, or queues it behind what waits.  Descriptors go in a message
%% of their own, under a tag: it may be that they are none, see failed/1.
-spec send(iodata(), none | {[non_neg_integer()], tag()}, transport()) ->
    {ok, transport()} | {error, term()}.
send(Data, Fds, #transport{select = none} = T) ->
    write({erlang:iolist_to_iovec(Data), Fds}, T);
send(Data, Fds, #transport{queue = Queue} = T) ->
    {ok, T#transport{queue = queue:in({erlang:iolist_to_iovec(Data), Fds}, Queue)}}.

%% @doc The messages with descriptors that could not be sent, which does no harm to
%% others, each once.
-spec failed(transport()) -> {[{tag(), atom()}], transport()}.
failed(#transport{failed = Failed} = T) ->
    {Failed, T#transport{failed = []}}.

%% @doc The socket told that Ref is ready: if it was a write, goes on with it.
-spec written(reference(), transport()) ->
    {ok, transport()} | {error, term()} | not_mine.
written(Ref, #transport{select = Ref} = T) ->
    flush(T#transport{select = none});
written(_, _) ->
    not_mine.

flush(#transport{select = none, queue = Queue} = T) ->
    case queue:out(Queue) of
        {empty, _} ->
            {ok, T};
        {{value, Item}, Rest} ->
            case write(Item, T#transport{queue = Rest}) of
                {ok, Next} -> flush(Next);
                Error -> Error
            end
    end;
flush(T) ->
    {ok, T}.

write({Iov, Fds} = Item, #transport{socket = Socket} = T) ->
    case try_write(Socket, Iov, Fds) of
        ok -> {ok, T};
        {ok, Rest} -> write({rest(Rest), none}, T);
        {select, {{select_info, _, Ref}, Rest}} -> {ok, wait(Ref, {rest(Rest), none}, T)};
        {select, {select_info, _, Ref}} -> {ok, wait(Ref, Item, T)};
        {error, Reason} -> failed(plain(Reason), Fds, T)
    end.

plain({Reason, _Rest}) -> Reason;
plain(Reason) -> Reason.

failed(Reason, none, _) ->
    {error, Reason};
failed(Reason, _, _) when Reason =:= epipe; Reason =:= closed; Reason =:= econnreset ->
    {error, Reason};
failed(Reason, {_, Tag}, #transport{failed = Failed} = T) ->
    {ok, T#transport{failed = [{Tag, reason(Reason)} | Failed]}}.

wait(Ref, Item, #transport{queue = Queue} = T) ->
    T#transport{select = Ref, queue = queue:in_r(Item, Queue)}.

rest(Rest) when is_binary(Rest) -> [Rest];
rest(Rest) -> Rest.

try_write(Socket, Iov, none) ->
    case iolist_size(Iov) =< ?SEND_AS_ONE of
        true -> socket:send(Socket, iolist_to_binary(Iov), [], nowait);
        false -> socket:sendmsg(Socket, #{iov => Iov}, [], nowait)
    end;
try_write(Socket, Iov, {Fds, _}) ->
    Rights = << <<Fd:32/native>> || Fd <- Fds >>,
    Ctrl = [#{level => socket, type => rights, data => Rights}],
    socket:sendmsg(Socket, #{iov => Iov, ctrl => Ctrl}, [], nowait).

%% @doc Reads what there is; `wait' if a message will tell of more.
-spec read(transport()) -> {ok, binary()} | wait | {error, term()}.
read(#transport{socket = Socket}) ->
    case socket:recv(Socket, 0, [], nowait) of
        {ok, Data} -> {ok, Data};
        {select, _} -> wait;
        {error, Reason} -> {error, Reason}
    end.
