%% SPDX-License-Identifier: ISC
%% @doc What scenarios are written with.
%%
%% tcp/3, inet/3 and file/3 call the module under test and record the result;
%% do/3 calls it for the setting up, where only success is of use.  The peer's
%% raw end (p_*) is OTP's `socket': its bytes, FIN and RST are seen by nobody
%% under test.  Whatever waits has a deadline; a settle time is spent only where
%% it is to be seen that nothing comes.
-module(oracle_lib).

-include_lib("kernel/include/file.hrl").

-export([tcp/3, inet/3, file/3, do/3, rec/3, timed/4]).
-export([pair/2, pair/3, lpair/2, both/3, listener/2]).
-export([p_listen/1, p_accept/1, p_connect/1, p_connect/2, p_port/1, p_send/2, p_arrived/1,
         p_recv/2, p_recv/3, p_all/1, p_eof/2, p_close/1, p_reset/1, p_fin/1, p_quiet/1]).
-export([mail/2, mail/1, closed_mail/2, data_mail/3, flush/0, flush/1, take/1]).
-export([task/2, await/3, started/1, ended/2, blocked/1, kill/1, ask/2, helper/1, stop/1]).
-export([until/1, fill/2, free_port/0, name_port/3, owner_ready/0, tmp/1, proplist/2]).

-export_type([context/0, peer/0]).

-type context() :: #{tcp := module(), inet := module(), file := module(),
                     warm := fun(() -> term()), recorder := pid(), tmp := file:filename()}.
-type peer() :: socket:socket().
-type name() :: iodata() | atom() | tuple().

-define(DEADLINE, 6000).
-define(SETTLE, 25).
-define(TCP_INFO, {6, 11}).

%%% Calls

%% @doc Calls the gen_tcp under test; records and gives what it gave.
-spec tcp(context(), atom(), [term()]) -> term().
tcp(#{tcp := Module} = C, Name, Args) -> call(C, Module, Name, Args).

-spec inet(context(), atom(), [term()]) -> term().
inet(#{inet := Module} = C, Name, Args) -> call(C, Module, Name, Args).

-spec file(context(), atom(), [term()]) -> term().
file(#{file := Module} = C, Name, Args) -> call(C, Module, Name, Args).

call(C, Module, Name, Args) ->
    rec(C, Name, try_apply(Module, Name, Args)).

try_apply(Module, Name, Args) ->
    try apply(Module, Name, Args)
    catch Class:Reason -> {raised, Class, Reason}
    end.

%% @doc Calls without a record; the result must be ok, and its value is given.
-spec do(context(), atom(), [term()]) -> term().
do(C, Name, Args) ->
    case try_apply(module(C, Name), Name, Args) of
        ok -> ok;
        {ok, Value} -> Value;
        Other -> error({setup, Name, Other})
    end.

module(#{inet := Module}, Name) when Name =:= setopts; Name =:= getopts; Name =:= port;
                                     Name =:= sockname; Name =:= peername; Name =:= getstat ->
    Module;
module(#{tcp := Module}, _Name) ->
    Module.

%% @doc Records Value under Label, and gives it.
-spec rec(context(), term(), Value) -> Value.
rec(#{recorder := Recorder}, Label, Value) ->
    ask_recorder(Recorder, {record, Label, Value}),
    Value.

%% @doc Runs Fun; records its result, and whether it took T ms at least.
-spec timed(context(), term(), non_neg_integer(), fun(() -> Result)) -> Result.
timed(C, Label, T, Fun) ->
    Start = erlang:monotonic_time(millisecond),
    Result = try Fun() catch Class:Reason -> {raised, Class, Reason} end,
    Took = erlang:monotonic_time(millisecond) - Start,
    Class1 = if Took >= T - 1 -> waited; true -> early end,
    rec(C, Label, {Class1, Result}),
    Result.

%% @doc Records the port Name instead of its number from now on.
-spec name_port(context(), inet:port_number(), term()) -> ok.
name_port(#{recorder := Recorder}, Port, Name) ->
    ask_recorder(Recorder, {name_port, Port, Name}).

ask_recorder(Recorder, Request) ->
    Ref = make_ref(),
    Recorder ! {Request, self(), Ref},
    receive {oracle, Ref} -> ok after ?DEADLINE -> error(no_recorder) end.

%%% Connections

%% @doc A connected socket under test, passive and binary unless Opts say
%% otherwise, and the peer's raw end.
-spec pair(context(), [term()]) -> {term(), peer()}.
pair(C, Opts) -> pair(C, Opts, []).

-spec pair(context(), [term()], [term()]) -> {term(), peer()}.
pair(C, Opts, PeerOpts) ->
    L = p_listen(PeerOpts),
    Port = p_port(L),
    name_port(C, Port, peer),
    S = do(C, connect, [{127, 0, 0, 1}, Port, [binary, {active, false} | Opts]]),
    P = p_accept(L),
    p_close(L),
    {S, P}.

%% @doc A listener under test on 127.0.0.1, passive and binary, and its port.
-spec listener(context(), [term()]) -> {term(), inet:port_number()}.
listener(C, Opts) ->
    L = do(C, listen, [0, [binary, {active, false}, {ip, {127, 0, 0, 1}} | Opts]]),
    Port = do(C, port, [L]),
    name_port(C, Port, listener),
    {L, Port}.

%% @doc A listener under test, a socket accepted from it, and its peer's raw end.
-spec lpair(context(), [term()]) -> {term(), term(), peer()}.
lpair(C, Opts) ->
    {L, Port} = listener(C, Opts),
    P = p_connect(Port),
    A = do(C, accept, [L, ?DEADLINE]),
    {L, A, P}.

%% @doc As lpair/2, but both ends are under test.
-spec both(context(), [term()], [term()]) -> {term(), term(), term()}.
both(C, ListenOpts, ConnectOpts) ->
    {L, Port} = listener(C, ListenOpts),
    S = do(C, connect, [{127, 0, 0, 1}, Port, [binary, {active, false} | ConnectOpts]]),
    A = do(C, accept, [L, ?DEADLINE]),
    {L, A, S}.

%%% The peer's raw end

-spec p_listen([{term(), term()}]) -> peer().
p_listen(Opts) ->
    {ok, L} = socket:open(inet, stream, tcp),
    ok = socket:bind(L, #{family => inet, addr => loopback, port => 0}),
    [ok = socket:setopt(L, Name, Value) || {Name, Value} <- Opts],
    ok = socket:listen(L, 16),
    L.

-spec p_accept(peer()) -> peer().
p_accept(L) ->
    {ok, P} = socket:accept(L, ?DEADLINE),
    P.

-spec p_connect(inet:port_number()) -> peer().
p_connect(Port) -> p_connect(Port, []).

-spec p_connect(inet:port_number(), [{term(), term()}]) -> peer().
p_connect(Port, Opts) ->
    {ok, P} = socket:open(inet, stream, tcp),
    [ok = socket:setopt(P, Name, Value) || {Name, Value} <- Opts],
    ok = socket:connect(P, #{family => inet, addr => loopback, port => Port}, ?DEADLINE),
    P.

-spec p_port(peer()) -> inet:port_number().
p_port(P) ->
    {ok, #{port := Port}} = socket:sockname(P),
    Port.

%% @doc Sends, and returns when the other end's kernel has it.
-spec p_send(peer(), iodata()) -> ok.
p_send(P, Data) ->
    ok = socket:send(P, iolist_to_binary(Data), ?DEADLINE),
    p_arrived(P).

%% @doc Returns when the other end's kernel has all that was sent, or is gone.
-spec p_arrived(peer()) -> ok.
p_arrived(P) ->
    until(fun() ->
        case socket:getopt_native(P, ?TCP_INFO, 104) of
            {ok, <<State, _:23/binary, Unacked:32/native, _/binary>>} ->
                %% FIN_WAIT1 (4) and LAST_ACK (9): the FIN is not there yet
                State =:= 7 orelse (Unacked =:= 0 andalso State =/= 4 andalso State =/= 9);
            {error, _} ->
                true
        end
    end).

%% @doc Exactly N bytes that came to the peer, or why not.
-spec p_recv(peer(), pos_integer()) -> binary() | {error, term()}.
p_recv(P, N) -> p_recv(P, N, ?DEADLINE).

-spec p_recv(peer(), pos_integer(), timeout()) -> binary() | {error, term()}.
p_recv(P, N, Timeout) ->
    case socket:recv(P, N, Timeout) of
        {ok, Data} -> Data;
        {error, {Reason, Data}} -> {error, {Reason, Data}};
        {error, Reason} -> {error, Reason}
    end.

%% @doc All that comes until the end: the bytes, and closed or econnreset.
-spec p_all(peer()) -> {binary(), atom()}.
p_all(P) -> p_all(P, []).

p_all(P, Got) ->
    case socket:recv(P, 0, ?DEADLINE) of
        {ok, Data} -> p_all(P, [Got, Data]);
        {error, {Reason, Data}} -> {iolist_to_binary([Got, Data]), Reason};
        {error, Reason} -> {iolist_to_binary(Got), Reason}
    end.

%% @doc Records all that comes until the end, and the kind of end.
-spec p_eof(context(), peer()) -> {binary(), atom()}.
p_eof(C, P) -> rec(C, peer_end, p_all(P)).

%% @doc Whether nothing, not even an end, comes to the peer within the settle time.
-spec p_quiet(peer()) -> quiet | term().
p_quiet(P) ->
    case socket:recv(P, 0, ?SETTLE) of
        {error, timeout} -> quiet;
        Other -> Other
    end.

-spec p_close(peer()) -> ok.
p_close(P) ->
    _ = socket:close(P),
    ok.

%% @doc Ends the connection with a RST.
-spec p_reset(peer()) -> ok.
p_reset(P) ->
    ok = socket:setopt(P, {socket, linger}, #{onoff => true, linger => 0}),
    p_close(P).

%% @doc Sends a FIN (if there is still a connection), returns when it has arrived.
-spec p_fin(peer()) -> ok.
p_fin(P) ->
    _ = socket:shutdown(P, write),
    p_arrived(P).

%%% The caller's mailbox

%% @doc Waits for N messages, lets things settle, records all messages.
-spec mail(context(), non_neg_integer()) -> [term()].
mail(C, N) ->
    rec(C, mail, take(N)).

-spec mail(context()) -> [term()].
mail(C) -> mail(C, 0).

%% @doc Records all messages up to the tcp_closed of S, and what settles after it.
-spec closed_mail(context(), term()) -> [term()].
closed_mail(C, S) ->
    rec(C, mail, until_closed(S)).

until_closed(S) ->
    case next(?DEADLINE) of
        none -> [no_tcp_closed];
        {message, {tcp_closed, S} = M} -> [M | flush(5)];
        {message, M} -> [M | until_closed(S)]
    end.

%% @doc N messages, and those that come within the settle time after them.
-spec take(non_neg_integer()) -> [term()].
take(0) ->
    flush();
take(N) ->
    case next(?DEADLINE) of
        none -> [];
        {message, M} -> [M | take(N - 1)]
    end.

%% @doc What comes within the settle time.
-spec flush() -> [term()].
flush() -> flush(?SETTLE).

-spec flush(timeout()) -> [term()].
flush(Time) ->
    case next(Time) of
        none -> [];
        {message, M} -> [M | flush(Time)]
    end.

next(Time) ->
    receive
        M when not (is_tuple(M) andalso element(1, M) =:= oracle) -> {message, M}
    after Time ->
        none
    end.

%% @doc Collects {tcp, S, Data} until Total bytes are there; records the bytes
%% and whether each message had its data as a list or a binary.
-spec data_mail(context(), term(), non_neg_integer()) -> binary().
data_mail(C, S, Total) ->
    {Bytes, Kinds} = collect(S, Total, [], []),
    rec(C, data, {Bytes, lists:usort(Kinds)}),
    Bytes.

collect(_S, Total, Got, Kinds) when Total =< 0 ->
    {iolist_to_binary(Got), Kinds};
collect(S, Total, Got, Kinds) ->
    receive
        {tcp, S, Data} when is_binary(Data) ->
            collect(S, Total - byte_size(Data), [Got, Data], [binary | Kinds]);
        {tcp, S, Data} ->
            collect(S, Total - length(Data), [Got, Data], [list | Kinds])
    after ?DEADLINE ->
        {iolist_to_binary(Got), [short | Kinds]}
    end.

%%% Processes

%% @doc Runs Fun in a process of its own, which ends with the scenario at the latest.
-spec task(context(), fun(() -> term())) -> pid().
task(#{recorder := Recorder, warm := Warm}, Fun) ->
    Self = self(),
    Pid = spawn(fun() ->
        Warm(),
        Self ! {oracle, self(), ready},
        Result = try Fun() catch Class:Reason -> {raised, Class, Reason} end,
        Self ! {oracle, self(), Result}
    end),
    ask_recorder(Recorder, {task, Pid}),
    receive {oracle, Pid, ready} -> Pid after ?DEADLINE -> error(no_task) end.

%% @doc Waits for the task's result, records it under Label.
-spec await(context(), term(), pid()) -> term().
await(C, Label, Pid) ->
    receive {oracle, Pid, Result} -> rec(C, Label, Result)
    after ?DEADLINE -> rec(C, Label, still_waiting)
    end.

%% @doc Says {Result} if the task is done, else that it still runs.
-spec ended(pid(), timeout()) -> {term()} | running.
ended(Pid, Time) ->
    receive {oracle, Pid, Result} -> {Result}
    after Time -> running
    end.

%% @doc Records nothing; returns Pid once it waits in the call it was made for.
-spec started(pid()) -> pid().
started(Pid) ->
    blocked(Pid),
    Pid.

%% @doc Returns when Pid waits, and went on waiting for the settle time: its
%% request has reached whoever is to answer it.
-spec blocked(pid()) -> ok.
blocked(Pid) ->
    until(fun() -> waits(Pid) end),
    timer:sleep(?SETTLE),
    until(fun() -> waits(Pid) end).

waits(Pid) ->
    case process_info(Pid, status) of
        {status, Status} when Status =:= waiting; Status =:= suspended -> true;
        undefined -> true;
        _ -> false
    end.

-spec kill(pid()) -> ok.
kill(Pid) ->
    Ref = monitor(process, Pid),
    exit(Pid, kill),
    receive {'DOWN', Ref, process, Pid, _} -> ok after ?DEADLINE -> error(immortal) end.

%% @doc A process that does what ask/2 sends it, and keeps its own mailbox.
-spec helper(context()) -> pid().
helper(C) ->
    task(C, fun helper_loop/0).

helper_loop() ->
    receive
        {oracle, From, Ref, Fun} ->
            Result = try Fun() catch Class:Reason -> {raised, Class, Reason} end,
            From ! {oracle, Ref, Result},
            helper_loop();
        {oracle, stop} ->
            ok
    end.

%% @doc Runs Fun in the helper, gives its result.
-spec ask(pid(), fun(() -> Result)) -> Result.
ask(Pid, Fun) ->
    Ref = make_ref(),
    Pid ! {oracle, self(), Ref, Fun},
    receive {oracle, Ref, Result} -> Result after ?DEADLINE * 2 -> error(helper_silent) end.

%% @doc Lets the helper end by itself, with reason normal.
-spec stop(pid()) -> ok.
stop(Pid) ->
    Ref = monitor(process, Pid),
    Pid ! {oracle, stop},
    receive {'DOWN', Ref, process, Pid, _} -> ok after ?DEADLINE -> error(immortal) end.

%%% Conditions and places

%% @doc Waits until Fun says true.
-spec until(fun(() -> boolean())) -> ok.
until(Fun) -> until(Fun, erlang:monotonic_time(millisecond) + ?DEADLINE).

until(Fun, Deadline) ->
    case Fun() of
        true ->
            ok;
        false ->
            case erlang:monotonic_time(millisecond) > Deadline of
                true -> error(deadline);
                false -> receive after 1 -> until(Fun, Deadline) end
            end
    end.

%% @doc Sends so much that the peer, who does not read, leaves some queued:
%% the bytes that were sent.
-spec fill(context(), term()) -> non_neg_integer().
fill(C, S) ->
    Size = 512 * 1024,
    ok = do(C, send, [S, binary:copy(<<"0123456789abcdef">>, Size div 16)]),
    Size.

%% @doc A port that nobody listens on, of those that the kernel does not give out.
-spec free_port() -> inet:port_number().
free_port() ->
    Port = 20000 + rand:uniform(10000),
    {ok, L} = socket:open(inet, stream, tcp),
    Bound = socket:bind(L, #{family => inet, addr => loopback, port => Port}),
    p_close(L),
    case Bound of
        ok -> Port;
        {error, _} -> free_port()
    end.

%% @doc Returns after a moment in which the mailbox stays as it is.
-spec owner_ready() -> ok.
owner_ready() ->
    timer:sleep(?SETTLE).

%% @doc A path in the run's folder that nobody has used.
-spec tmp(context()) -> file:filename().
tmp(#{tmp := Folder}) ->
    filename:join(Folder, integer_to_list(erlang:unique_integer([positive]))).

%% @doc The entries of {ok, List} whose names are asked for.
-spec proplist([name()], term()) -> term().
proplist(Names, {ok, List}) -> {ok, [{N, proplists:get_value(N, List)} || N <- Names]};
proplist(_Names, Other) -> Other.
