%% SPDX-License-Identifier: ISC
%% @doc One connection in a process of its own, and what everybody sees of it
%% while a list of operations is carried out: what each call gave, which messages
%% came to whom, which bytes and which end came to the peer.
%%
%% After each operation it is waited until nothing moves any more, so that what is
%% seen does not hang on who was faster.  The socket a is under test; at the other
%% end is either the raw peer, OTP's `socket', or b, which is under test as well.
%% The processes p1 and p2 make the calls; p1 owns what is there at first.
-module(prop_world).

-export([run/4]).
-export_type([setup/0, op/0, observation/0]).

-type kind() :: connected | accepted | both.
-type setup() :: {kind(), [gen_tcp:option()]}.
-type op() :: tuple().
-type observation() :: {op(), Seen :: [term()]}.

-define(DEADLINE, 3000).
-define(LOOPBACK, {127, 0, 0, 1}).

-record(world, {
    tcp :: module(),
    inet :: module(),
    settle :: non_neg_integer(),
    %% p1, p2
    procs = #{} :: #{atom() => pid()},
    %% a, b
    ends = #{} :: #{atom() => term()},
    peer = none :: none | socket:socket(),
    came = <<>> :: binary(),
    peer_end = none :: term(),
    %% what the peer has still to send of a packet
    owed = <<>> :: binary(),
    %% processes by the names that they had
    names = #{} :: #{term() => atom()}
}).

%% @doc What is seen of each operation; settle is for how many ms nothing may move.
-spec run({Tcp :: module(), Inet :: module()}, setup(), [op()], non_neg_integer()) ->
    [observation()].
run({Tcp, Inet}, Setup, Ops, Settle) ->
    Self = self(),
    {Pid, Ref} = spawn_monitor(fun() ->
        World = open(Setup, #world{tcp = Tcp, inet = Inet, settle = Settle}),
        Self ! {seen, self(), steps(Ops ++ last(Setup), World)}
    end),
    receive
        {seen, Pid, Seen} ->
            demonitor(Ref, [flush]),
            Seen;
        {'DOWN', Ref, process, Pid, Reason} ->
            [{{crashed, Reason}, []}]
    end.

%% What is looked at in the end, and who closes.
last({both, _}) -> ends(a) ++ ends(b);
last(_) -> ends(a).

ends(End) ->
    [{stat, End, p1}, {getopts, End, p1, [active, packet, mode]}, {close, End, p2}].

%% --- setting up --------------------------------------------------------------

open(Setup, World) ->
    link_free(),
    P1 = spawn_link(fun helper/0),
    P2 = spawn_link(fun helper/0),
    World1 = World#world{procs = #{p1 => P1, p2 => P2}, names = #{P1 => p1, P2 => p2}},
    connect(Setup, World1).

link_free() -> process_flag(trap_exit, true).

connect({connected, Options}, World) ->
    L = oracle_lib:p_listen([]),
    Port = oracle_lib:p_port(L),
    {ok, S} = ask(p1, connector(Port, Options, World), World),
    P = oracle_lib:p_accept(L),
    oracle_lib:p_close(L),
    opened(#{a => S}, P, Options, World);
connect({accepted, Options}, World) ->
    {L, Port} = listener(Options, World),
    P = oracle_lib:p_connect(Port),
    {ok, S} = ask(p1, acceptor(L, World), World),
    opened(#{a => S}, P, Options, World);
connect({both, Options}, World) ->
    {L, Port} = listener(Options, World),
    {ok, A} = ask(p1, connector(Port, Options, World), World),
    {ok, B} = ask(p1, acceptor(L, World), World),
    opened(#{a => A, b => B}, none, Options, World).

connector(Port, Options, #world{tcp = Tcp}) ->
    fun() -> Tcp:connect(?LOOPBACK, Port, Options) end.

acceptor(L, #world{tcp = Tcp}) ->
    fun() -> Tcp:accept(L, ?DEADLINE) end.

listener(Options, #world{tcp = Tcp, inet = Inet} = World) ->
    {ok, L} = ask(p1, fun() -> Tcp:listen(0, [{ip, ?LOOPBACK} | Options]) end, World),
    {ok, Port} = ask(p1, fun() -> Inet:port(L) end, World),
    {L, Port}.

%% The buffer has to be set on the socket itself: else raw data of gentcpd may come
%% in greater pieces, on purpose.
opened(Ends, Peer, Options, #world{inet = Inet} = World) ->
    Buffer = lists:keyfind(buffer, 1, Options),
    [ok = ask(p1, fun() -> Inet:setopts(S, [Buffer]) end, World) || S <- maps:values(Ends)],
    Names = maps:from_list([{S, End} || {End, S} <- maps:to_list(Ends)]),
    World#world{ends = Ends, peer = Peer, names = maps:merge(World#world.names, Names)}.

%% --- processes ---------------------------------------------------------------

%% Does what it is told, and keeps its mailbox.
helper() ->
    receive
        {prop, From, Ref, Fun} ->
            From ! {prop, Ref, attempt(Fun)},
            helper()
    end.

attempt(Fun) ->
    try
        Fun()
    catch
        Class:Reason -> {raised, Class, reason(Reason)}
    end.

reason({Reason, [{_, _, _, _} | _]}) -> reason(Reason);
reason({function_clause, _}) -> function_clause;
reason(Reason) -> Reason.

%% The result of Fun in a process; the peer reads meanwhile.
ask(Who, Fun, World) -> element(1, ask_reading(Who, Fun, World)).

ask_reading(Who, Fun, World) ->
    Ref = start(Who, Fun, World),
    answer(Ref, deadline(), World).

start(Who, Fun, #world{procs = Procs}) ->
    Ref = make_ref(),
    maps:get(Who, Procs) ! {prop, self(), Ref, Fun},
    Ref.

deadline() -> erlang:monotonic_time(millisecond) + ?DEADLINE.

answer(Ref, Deadline, World) ->
    receive
        {prop, Ref, Result} -> {Result, World}
    after 1 ->
        case erlang:monotonic_time(millisecond) > Deadline of
            true -> {still_waiting, World};
            false -> answer(Ref, Deadline, peer_reads(World))
        end
    end.

%% All messages of a process, without those of this module.
mail(Pid) ->
    Ref = make_ref(),
    Pid ! {prop, self(), Ref, fun mailbox/0},
    receive
        {prop, Ref, Messages} -> Messages
    after ?DEADLINE -> still_waiting
    end.

mailbox() ->
    receive
        M when element(1, M) =/= prop; not is_tuple(M) -> [M | mailbox()]
    after 0 -> []
    end.

%% --- operations --------------------------------------------------------------

steps([], World) ->
    finish(World),
    [];
steps([Op | Ops], World) ->
    {Result, World1} = op(Op, World#world{came = <<>>}),
    World2 = settle(World1),
    Mail = [{Who, mail(Pid)} || {Who, Pid} <- lists:sort(maps:to_list(World2#world.procs))],
    Came = {World2#world.came, World2#world.peer_end},
    Seen = plain([{result, Result}, {mail, Mail}, {peer, Came}], World2),
    [{Op, Seen} | steps(Ops, World2)].

finish(#world{procs = Procs, peer = Peer}) ->
    [exit(Pid, kill) || Pid <- maps:values(Procs)],
    Peer =:= none orelse oracle_lib:p_close(Peer).

op({setopts, End, By, Options}, World) -> inet(setopts, End, [Options], By, World);
op({getopts, End, By, Names}, World) -> inet(getopts, End, [Names], By, World);
op({stat, End, By}, World) -> inet(getstat, End, [counters()], By, World);
op({sockname, End, By}, World) -> shape(inet(sockname, End, [], By, World));
op({peername, End, By}, World) -> shape(inet(peername, End, [], By, World));
op({send, End, By, N}, World) -> tcp(send, End, [bytes(N)], By, World);
op({recv, End, By, N, Timeout}, World) ->
    {Result, World1} = tcp(recv, End, [N, Timeout], By, World),
    rest(N, Result, By, World1);
op({unrecv, End, By, N}, World) -> tcp(unrecv, End, [bytes(N)], By, World);
op({shutdown, End, By, How}, World) -> tcp(shutdown, End, [How], By, World);
op({close, End, By}, World) -> tcp(close, End, [], By, World);
op({give, End, By, To}, World) ->
    tcp(controlling_process, End, [maps:get(To, World#world.procs)], By, World);
op({recv_waiting, By, N, Op}, #world{tcp = Tcp, ends = #{a := S}} = World) ->
    %% time enough for what comes when nothing moves
    Ref = start(By, fun() -> Tcp:recv(S, N, 300 + 5 * World#world.settle) end, World),
    %% who waits cannot be asked whether all is still
    World1 = still(World#world.settle, deadline(), moved(World), World),
    {_, World2} = op(Op, World1),
    {Result, World3} = answer(Ref, deadline(), World2),
    rest(N, Result, By, World3);
op({kill, Who}, World) ->
    {ok, killed(Who, World)};
op({peer, send, Type, Sizes, Less}, World) ->
    Data = prop_frames:frames(Type, Sizes),
    Now = byte_size(Data) - min(Less, byte_size(Data)),
    <<First:Now/binary, Rest/binary>> = Data,
    peer_sends(First, World#world{owed = Rest});
op({peer, rest}, #world{owed = Owed} = World) ->
    peer_sends(Owed, World#world{owed = <<>>});
op({peer, fin}, #world{peer = P} = World) ->
    _ = socket:shutdown(P, write),
    arrived(P),
    {ok, World};
op({peer, close}, #world{peer = P} = World) ->
    oracle_lib:p_close(P),
    {ok, World#world{peer_end = gone}};
op({peer, reset}, #world{peer = P} = World) ->
    _ = socket:setopt(P, {socket, linger}, #{onoff => true, linger => 0}),
    oracle_lib:p_close(P),
    {ok, World#world{peer_end = gone}}.

%% Behind a recv with a length the next pieces may be of any size: all of them are
%% taken, as one.
rest(N, {ok, _} = Result, By, #world{tcp = Tcp, ends = #{a := S}} = World) when N > 0 ->
    {Rest, World1} = ask_reading(By, fun() -> all(Tcp, S, []) end, World),
    {{Result, {rest, Rest}}, World1};
rest(_, Result, _, World) ->
    {Result, World}.

all(Tcp, S, Acc) ->
    case Tcp:recv(S, 0, 0) of
        {ok, Data} -> all(Tcp, S, [Acc, Data]);
        {error, Reason} -> {iolist_to_binary(Acc), Reason}
    end.

counters() -> [recv_cnt, recv_oct, recv_max, send_cnt, send_oct, send_max, send_pend].

%% Addresses are the kernel's choice.
shape({{ok, {Ip, Port}}, World}) when is_integer(Port) -> {{ok, {Ip, port}}, World};
shape(Other) -> Other.

tcp(Name, End, Args, By, #world{tcp = Tcp} = World) -> call(Tcp, Name, End, Args, By, World).

inet(Name, End, Args, By, #world{inet = Inet} = World) -> call(Inet, Name, End, Args, By, World).

call(Module, Name, End, Args, By, #world{ends = Ends} = World) ->
    S = maps:get(End, Ends),
    ask_reading(By, fun() -> apply(Module, Name, [S | Args]) end, World).

%% Such bytes that whatever packet type they are taken for, no length in them is great.
bytes(N) -> binary:part(binary:copy(<<0, 0, 1, 2>>, N div 4 + 1), 0, N).

killed(Who, #world{procs = Procs, names = Names} = World) ->
    Old = maps:get(Who, Procs),
    Ref = monitor(process, Old),
    exit(Old, kill),
    receive
        {'DOWN', Ref, process, Old, _} -> ok
    end,
    New = spawn_link(fun helper/0),
    World#world{procs = Procs#{Who := New}, names = Names#{New => Who}}.

%% --- the raw peer ------------------------------------------------------------

%% Whether a send fails behind an end hangs on its being an end or a reset.
peer_sends(Data, #world{peer = P} = World) ->
    _ = socket:send(P, Data, ?DEADLINE),
    arrived(P),
    {ok, World}.

arrived(P) ->
    try
        oracle_lib:p_arrived(P)
    catch
        error:deadline -> ok
    end.

peer_reads(#world{peer = none} = World) ->
    World;
peer_reads(#world{peer_end = End} = World) when End =/= none ->
    World;
peer_reads(#world{peer = P, came = Came} = World) ->
    case socket:recv(P, 0, 0) of
        {ok, Data} -> peer_reads(World#world{came = <<Came/binary, Data/binary>>});
        {error, timeout} -> World;
        {error, {timeout, Data}} -> World#world{came = <<Came/binary, Data/binary>>};
        {error, {Reason, Data}} -> ended(Reason, World#world{came = <<Came/binary, Data/binary>>});
        {error, Reason} -> ended(Reason, World)
    end.

%% What lies unread in the kernel when a socket is closed makes a reset of its end.
%% How much of it has been read by then is nobody's promise.
ended(econnreset, World) -> World#world{peer_end = closed};
ended(Reason, World) -> World#world{peer_end = Reason}.

%% --- until nothing moves -----------------------------------------------------

%% Who asks the other side twice knows that it has looked at what was there before.
settle(#world{settle = Settle} = World) ->
    World1 = peer_reads(World),
    _ = [asked(Who, End, World1) || Who <- [p1, p2, p1, p2], End <- maps:keys(World1#world.ends)],
    still(Settle, deadline(), moved(World1), World1).

asked(Who, End, #world{inet = Inet, ends = Ends} = World) ->
    S = maps:get(End, Ends),
    ask(Who, fun() -> Inet:getstat(S, [recv_oct]) end, World).

still(0, _, _, World) ->
    World;
still(Left, Deadline, Before, World) ->
    receive after 1 -> ok end,
    World1 = peer_reads(World),
    case moved(World1) of
        Before ->
            still(Left - 1, Deadline, Before, World1);
        Now ->
            erlang:monotonic_time(millisecond) < Deadline orelse exit(never_still),
            still(World1#world.settle, Deadline, Now, World1)
    end.

moved(#world{procs = Procs, came = Came, peer_end = End}) ->
    Queues = [process_info(Pid, message_queue_len) || Pid <- maps:values(Procs)],
    {Queues, byte_size(Came), End}.

%% --- what can be compared ----------------------------------------------------

plain(Term, #world{names = Names}) -> plain_term(Term, Names).

plain_term(Term, Names) ->
    case Names of
        #{Term := Name} -> {name, Name};
        #{} -> inside(Term, Names)
    end.

inside(Data, _) when is_binary(Data), byte_size(Data) > 60 ->
    {bytes, byte_size(Data), erlang:phash2(Data)};
inside(List, Names) when is_list(List) ->
    case is_bytes(List) of
        true when length(List) > 60 -> {list_of_bytes, length(List), erlang:phash2(List)};
        true -> List;
        false -> inside_list(List, Names)
    end;
inside(Tuple, Names) when is_tuple(Tuple) ->
    list_to_tuple([plain_term(One, Names) || One <- tuple_to_list(Tuple)]);
inside(Ref, _) when is_reference(Ref) -> reference;
inside(Other, _) -> Other.

inside_list([Head | Tail], Names) -> [plain_term(Head, Names) | plain_term(Tail, Names)];
inside_list([], _) -> [].

is_bytes([Byte | Tail]) when is_integer(Byte) -> is_bytes(Tail);
is_bytes(Tail) -> Tail =:= [].
