%% SPDX-License-Identifier: ISC
%% @private The connection of one BEAM process to the daemon.
%%
%% To the daemon a client is what a process is to gen_tcp, so each process that
%% uses sockets, the user, has a connection of its own.  It carries the user's
%% calls, tells it its sockets' messages, and ends with it: then the daemon
%% closes the sockets, and forgets the calls that waited.
-module(gentcp_conn).
-behaviour(gen_server).

-export([new_table/0, start_link/1, find/1, user/2, call/5, monitor/3, demonitor/2]).
-export([init/1, handle_continue/2, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).
-export_type([connection/0, answer/0]).

-define(TABLE, ?MODULE).
-define(READS, 16).      % in a row, before others have their turn

-type key() :: non_neg_integer().
-type connection() :: {Connection :: pid(), key(), Client :: pos_integer()}.
-type answer() ::
    {ok, Result :: term(), none | binary()}
    | {error, Reason :: atom(), none | binary()}
    | {fault, Detail :: binary()}.

-record(state, {
    user :: pid(),
    key = 0 :: key(),
    client = 0 :: non_neg_integer(),
    transport :: undefined | gentcp_transport:transport(),
    wire = gentcp_wire:new() :: gentcp_wire:state(),
    id = 1 :: pos_integer(),
    calls = #{} :: #{integer() => {gen_server:from(), What :: term()}},
    owned = #{} :: #{pos_integer() => connected | listening},
    monitors = #{} :: #{pos_integer() => {reference(), Socket :: pos_integer()}},
    refs = #{} :: #{reference() => pos_integer()}
}).

%% @doc Makes the table of connections, which the calling process keeps.
-spec new_table() -> ok.
new_table() ->
    ?TABLE = ets:new(?TABLE, [named_table, public, {read_concurrency, true}]),
    ok.

-spec start_link(pid()) -> {ok, pid()} | {error, term()}.
start_link(User) ->
    gen_server:start_link(?MODULE, User, []).

%% @doc The connection of a process, made where it has none.
-spec find(pid()) -> {ok, connection()} | {error, term()}.
find(User) ->
    case lookup(User) of
        {Conn, Key, Client} -> {ok, {Conn, Key, Client}};
        none -> start(User)
    end.

lookup(User) ->
    try ets:lookup(?TABLE, User) of
        [{_, Conn, Key, Client}] -> {Conn, Key, Client};
        _ -> none
    catch
        error:badarg -> none
    end.

start(User) ->
    case gentcp_sup:start_connection(User) of
        {ok, Conn} ->
            try
                gen_server:call(Conn, ready, infinity)
            catch
                exit:{{shutdown, {no_daemon, Reason}}, _} -> {error, Reason};
                exit:_ -> {error, noproc}
            end;
        {error, _} ->
            {error, noproc}
    end.

%% @doc The process of this node that is the daemon's Client.
-spec user(key(), pos_integer()) -> {ok, pid()} | unknown.
user(Key, Client) ->
    case ets:lookup(?TABLE, {Key, Client}) of
        [{_, User}] -> {ok, User};
        [] -> unknown
    end.

%% @doc Asks the daemon, and waits for its answer.  Params are JSON text, Data
%% is attached.  What says what the answer means to the connection:
%% `{opens, connected | listening}' of a call that makes a socket,
%% `{drops, Socket}' of one that takes it from the user.
-spec call(pid(), Method, Params, Data, {What, Fds}) -> answer() when
    Method :: iodata(),
    Params :: iodata(),
    Data :: none | iodata(),
    What :: none | {opens, connected | listening} | {drops, pos_integer()},
    Fds :: [non_neg_integer()].
call(Conn, Method, Params, Data, {What, Fds}) ->
    ask(Conn, {call, Method, Params, Data, What, Fds}).

%% @doc Monitors a socket for the user.
-spec monitor(pid(), Params :: iodata(), pos_integer()) -> {ok, reference(), none} | answer().
monitor(Conn, Params, Socket) ->
    ask(Conn, {call, "inet.monitor", Params, none, {monitors, Socket}, []}).

%% @doc Ends a monitor of the user's.
-spec demonitor(pid(), reference()) -> boolean().
demonitor(Conn, Ref) ->
    case ask(Conn, {demonitor, Ref}) of
        {ok, Result, none} -> Result;
        _ -> false
    end.

ask(Conn, Request) ->
    try
        gen_server:call(Conn, Request, infinity)
    catch
        exit:_ -> {error, closed, none}
    end.

%% --- the process -----------------------------------------------------------

-spec init(pid()) -> {ok, #state{}, {continue, connect}} | {stop, term()}.
init(User) ->
    process_flag(trap_exit, true),
    case ets:insert_new(?TABLE, {User, self()}) of
        true ->
            _ = erlang:monitor(process, User),
            {ok, #state{user = User}, {continue, connect}};
        false ->
            case ets:lookup_element(?TABLE, User, 2) of
                Pid -> {stop, {already_started, Pid}}
            end
    end.

-spec handle_continue(connect, #state{}) -> {noreply, #state{}} | {stop, term(), #state{}}.
handle_continue(connect, State) ->
    case gentcp_transport:open(gentcp_transport:path()) of
        {ok, Socket} -> hello(Socket, State);
        {error, Reason} -> {stop, {shutdown, {no_daemon, Reason}}, State}
    end.

hello(Socket, #state{user = User} = State) ->
    case gentcp_transport:hello(Socket) of
        {ok, {Client, Key}} ->
            ets:insert(?TABLE, [{User, self(), Key, Client}, {{Key, Client}, User}]),
            received(State#state{key = Key, client = Client,
                                 transport = gentcp_transport:new(Socket)});
        {error, Reason} ->
            gentcp_transport:close(Socket),
            {stop, {shutdown, {no_daemon, Reason}}, State}
    end.

-spec handle_call(term(), gen_server:from(), #state{}) ->
    {reply, term(), #state{}} | {noreply, #state{}} | {stop, term(), #state{}}.
handle_call({call, Method, Params, Data, What, Fds}, From, State) ->
    send(Method, Params, Data, Fds, {From, What}, State);
handle_call({demonitor, Ref}, From, #state{refs = Refs} = State) ->
    case Refs of
        #{Ref := Number} ->
            Params = [$[, integer_to_binary(Number), $]],
            send("inet.cancel_monitor", Params, none, [], {From, {demonitors, Ref}}, State);
        #{} ->
            {reply, {ok, false, none}, State}
    end;
handle_call(ready, _From, #state{key = Key, client = Client} = State) ->
    {reply, {ok, {self(), Key, Client}}, State}.

send(Method, Params, Data, Fds, Call, #state{id = Id, calls = Calls} = State) ->
    Line = gentcp_wire:request(Id, Method, Params, size_of(Data), length(Fds)),
    Next = State#state{id = Id + 1, calls = Calls#{Id => Call}},
    sent(gentcp_transport:send(message(Line, Data), tagged(Fds, Id), State#state.transport), Next).

tagged([], _) -> none;
tagged(Fds, Id) -> {Fds, Id}.

sent({ok, Transport}, State) ->
    {Failed, Next} = gentcp_transport:failed(Transport),
    {noreply, lists:foldl(fun not_sent/2, State#state{transport = Next}, Failed)};
sent({error, Reason}, State) ->
    {stop, {shutdown, Reason}, State}.

%% What could not be sent for its descriptors alone.
not_sent({Id, Reason}, #state{calls = Calls} = State) ->
    {{From, _}, Rest} = maps:take(Id, Calls),
    gen_server:reply(From, {error, Reason, none}),
    State#state{calls = Rest}.

size_of(none) -> none;
size_of(Data) -> iolist_size(Data).

message(Line, none) -> Line;
message(Line, Data) -> [Line | Data].

-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast(_, State) ->
    {noreply, State}.

-spec handle_info(term(), #state{}) -> {noreply, #state{}} | {stop, term(), #state{}}.
handle_info({'$socket', _, select, Ref}, #state{transport = Transport} = State) ->
    case gentcp_transport:written(Ref, Transport) of
        not_mine -> received(State);
        Result -> sent(Result, State)
    end;
handle_info(read, State) ->
    received(State);
handle_info({'DOWN', _, process, User, Reason}, #state{user = User} = State) ->
    {stop, normal, farewell(Reason, State)};
handle_info(_, State) ->
    {noreply, State}.

%% To those who monitor a socket its owner's end is `killed', but for a normal one:
%% the socket is closed then, as a port is that its owner leaves behind.
farewell(normal, #state{transport = Transport, id = Id, owned = Owned} = State)
  when Transport =/= undefined, map_size(Owned) > 0 ->
    Lines = [gentcp_wire:request(Id, "gen_tcp.close", [$[, integer_to_binary(Socket), $]], none, 0)
             || Socket <- maps:keys(Owned)],
    case gentcp_transport:send(Lines, none, Transport) of
        {ok, Next} -> State#state{transport = Next};
        {error, _} -> State
    end;
farewell(_, State) ->
    State.

-spec terminate(term(), #state{}) -> ok.
terminate(_Reason, #state{user = User, key = Key, client = Client} = State) ->
    ets:delete(?TABLE, User),
    ets:delete(?TABLE, {Key, Client}),
    lost(State).

%% The daemon has gone: the user's sockets are closed.
lost(#state{transport = undefined}) ->
    ok;
lost(#state{user = User, key = Key, owned = Owned, monitors = Monitors}) ->
    [User ! {tcp_closed, socket(Key, S)} || {S, connected} <- maps:to_list(Owned)],
    [User ! {'DOWN', Ref, port, socket(Key, S), noconnection}
     || {Ref, S} <- maps:values(Monitors)],
    ok.

%% --- what comes ------------------------------------------------------------

received(State) ->
    received(State, ?READS).

received(State, 0) ->
    self() ! read,
    {noreply, State};
received(#state{transport = Transport, wire = Wire} = State, Reads) ->
    case gentcp_transport:read(Transport) of
        {ok, Data} ->
            {Messages, Next} = gentcp_wire:feed(Data, Wire),
            received(lists:foldl(fun took/2, State#state{wire = Next}, Messages), Reads - 1);
        wait ->
            {noreply, State};
        {error, Reason} ->
            {stop, {shutdown, Reason}, State}
    end.

took({event, Name, Params, Data}, State) ->
    event(Name, Params, Data, State);
took({reply, Id, Answer, Data}, #state{calls = Calls} = State) ->
    case maps:take(Id, Calls) of
        {{From, What}, Rest} -> answer(Answer, Data, From, What, State#state{calls = Rest});
        error -> State      % what the daemon says before it hangs up
    end.

answer({ok, Result}, Data, From, What, State) ->
    {Reply, Next} = done(What, Result, State),
    gen_server:reply(From, {ok, Reply, Data}),
    Next;
answer({error, #{<<"code">> := Code, <<"message">> := Message}}, _, From, _, State)
  when Code =< -32000, Code >= -32768 ->
    gen_server:reply(From, {fault, Message}),
    State;
answer({error, #{<<"message">> := Message}}, Data, From, _, State) ->
    gen_server:reply(From, {error, binary_to_atom(Message), Data}),
    State.

done({opens, How}, #{<<"socket">> := Socket} = Result, #state{owned = Owned} = State) ->
    {Result, State#state{owned = Owned#{Socket => How}}};
done({drops, Socket}, Result, #state{owned = Owned} = State) ->
    {Result, State#state{owned = maps:remove(Socket, Owned)}};
done({monitors, Socket}, #{<<"monitor">> := Number}, State) ->
    #state{monitors = Monitors, refs = Refs} = State,
    Ref = make_ref(),
    {Ref, State#state{monitors = Monitors#{Number => {Ref, Socket}}, refs = Refs#{Ref => Number}}};
done({demonitors, Ref}, true, State) ->
    #state{monitors = Monitors, refs = Refs} = State,
    {Number, Rest} = maps:take(Ref, Refs),
    {true, State#state{monitors = maps:remove(Number, Monitors), refs = Rest}};
done(_, Result, State) ->
    {Result, State}.

event(<<"tcp_owner">>, #{<<"socket">> := Socket}, none, #state{owned = Owned} = State) ->
    State#state{owned = Owned#{Socket => connected}};
event(<<"shutdown">>, _, none, State) ->
    State;
event(<<"down">>, #{<<"monitor">> := Number, <<"reason">> := Reason}, none, State) ->
    down(Number, binary_to_atom(Reason), State);
event(Name, #{<<"socket">> := Socket} = Params, Data, #state{user = User, key = Key} = State) ->
    S = socket(Key, Socket),
    case Name of
        <<"tcp">> -> User ! {tcp, S, gentcp_call:payload(Params, Data)};
        <<"port">> -> User ! {S, {data, gentcp_call:payload(Params, Data)}};
        <<"http">> -> User ! {http, S, gentcp_call:payload(Params, Data)};
        <<"tcp_passive">> -> User ! {tcp_passive, S};
        <<"tcp_error">> -> User ! {tcp_error, S, reason(Params)};
        <<"tcp_closed">> -> User ! {tcp_closed, S}
    end,
    forget(Name, Socket, State).

forget(<<"tcp_closed">>, Socket, #state{owned = Owned} = State) ->
    State#state{owned = maps:remove(Socket, Owned)};
forget(_, _, State) ->
    State.

reason(#{<<"reason">> := Reason}) -> binary_to_atom(Reason).

down(Number, Reason, #state{user = User, key = Key, monitors = Monitors, refs = Refs} = State) ->
    case maps:take(Number, Monitors) of
        {{Ref, Socket}, Rest} ->
            User ! {'DOWN', Ref, port, socket(Key, Socket), Reason},
            State#state{monitors = Rest, refs = maps:remove(Ref, Refs)};
        error ->
            State
    end.

socket(Key, Socket) ->
    {'$inet', gentcp, {gentcp_socket, Key, Socket}}.
