%% SPDX-License-Identifier: ISC
%% @doc Random operations on the two ends of a connection, carried out with gen_tcp
%% and with gentcpd: all that is seen of them has to be the same.  See `proper', the
%% script, and prop_world, which carries them out.
%%
%% What is known of a connection while operations are made for it is so much that
%% they mean something, and that they keep away from what differs on purpose
%% (gentcp-protocol(7), Differences from gen_tcp), from what gen_tcp itself does
%% not do twice alike, and from packets of gigabytes.
-module(prop_gentcp).

-export([main/0, op/1]).
%% proper_statem's
-export([initial_state/0, command/1, precondition/2, postcondition/3, next_state/3]).

-import(proper_types, [frequency/1, oneof/1, integer/2, bind/3]).

-record(known, {
    kind = connected :: connected | accepted | both,
    first = 0 :: term(),
    options = [] :: list(),
    %% what a is set to, as far as one knows
    packet = 0 :: term(),
    switched = false :: boolean(),
    peer = open :: open | half | gone,
    %% what is still to be sent of a packet
    owed = false :: boolean(),
    %% a packet came in pieces: gen_tcp reads what is missing of it alone
    pieces = false :: boolean(),
    unrecved = false :: boolean(),
    %% deliver port was set: recv answers here, and never does in gen_tcp
    as_port = false :: boolean(),
    %% packet_size may be small, and the peer sends one packet at a time
    tight = false :: boolean(),
    %% a recv with a length was made: gen_tcp reads pieces of that length from then on
    lengthed = false :: boolean(),
    %% exit_on_close false, or show_econnreset, may be set: with both gen_tcp tells a reset
    %% even behind tcp_closed
    ends = half :: half | shown,
    %% such a recv may have timed out
    stale = false :: boolean(),
    %% bytes that may lie in the kernel
    sent = 0 :: non_neg_integer()
}).

-type commands() :: list().

-define(GEN_TCP, {gen_tcp, inet}).
-define(GENTCP, {gentcp, gentcp_inet}).
%% For how many ms nothing may move, first; and where that showed a difference.
-define(SETTLES, [8, 30, 120]).
%% More than a window would hold a sender up.
-define(SENT_MAX, 40000).

%% --- the script's ------------------------------------------------------------

%% @doc Does what the script's environment says, and ends the node: 0 if there was no
%% difference, 1 if there was one.
-spec main() -> no_return().
main() ->
    logger:set_primary_config(level, none),
    halt(
        try
            work(os:getenv("PROPER_REPLAY", ""))
        catch
            Class:Reason:Stack ->
                io:format("prop_gentcp: ~p ~p~n~p~n", [Class, Reason, Stack]),
                2
        end
    ).

work("") ->
    Second = second(),
    Runs = number("PROPER_RUNS", 200),
    Seed = number("PROPER_SEED", 1),
    Jobs = min(number("PROPER_JOBS", 4), Runs),
    io:format("~b sequences, seed ~b~n", [Runs, Seed]),
    Self = self(),
    Ids = lists:seq(1, Jobs),
    [spawn_link(fun() -> Self ! {job, Id, job(lists:seq(Id, Runs, Jobs), Seed, Second)} end) || Id <- Ids],
    Results = [receive {job, Id, Result} -> Result end || Id <- Ids],
    os:getenv("PROPER_VERBOSE", "") =:= "" orelse table([Seen || {_, _, Seen} <- Results]),
    verdict(Runs, lists:append([Found || {Found, _, _} <- Results]),
        lists:sum([Unsteady || {_, Unsteady, _} <- Results]));
work(Files) ->
    Second = second(),
    Names = string:lexemes(Files, "\n"),
    Found = lists:append([replay(Name, Second) || Name <- Names]),
    verdict(length(Names), Found, 0).

number(Name, Default) ->
    case os:getenv(Name) of
        false -> Default;
        Text -> list_to_integer(Text)
    end.

second() ->
    case os:getenv("PROPER_BINDING", "") of
        "" ->
            io:format("no binding: gen_tcp is compared with itself~n"),
            ?GEN_TCP;
        _ ->
            {ok, _} = application:ensure_all_started(gentcp),
            ?GENTCP
    end.

verdict(Runs, Found, Unsteady) ->
    [describe(Commands, Difference) || {Commands, Difference} <- Found],
    [io:format("~b differences went away with more time~n", [Unsteady]) || Unsteady > 0],
    Failed = length(Found),
    io:format("~b passed, ~b failed~n", [Runs - Failed, Failed]),
    min(Failed, 1).

%% How often which operation gave what.
table(Counts) ->
    Sum = lists:foldl(
        fun(Map, Acc) -> maps:fold(fun(Key, N, M) -> maps:update_with(Key, fun(Old) -> Old + N end, N, M) end, Acc, Map) end,
        #{},
        Counts
    ),
    io:format("~b operations~n", [lists:sum(maps:values(Sum))]),
    [io:format("~6b ~w ~w~n", [N, Name, Kind]) || {{Name, Kind}, N} <- lists:sort(maps:to_list(Sum))].

%% --- runs --------------------------------------------------------------------

%% A job's share of the sequences: those that differ, and how many did at first.
%% What goes wrong here must not leave the others waiting.
job(Numbers, Seed, Second) ->
    put(unsteady, 0),
    try
        Found = lists:append([check({Seed, Number, 1}, Number, Second) || Number <- Numbers]),
        {Found, get(unsteady), maps:from_list([{Key, N} || {{seen, Key}, N} <- get()])}
    catch
        Class:Reason:Stack ->
            io:format("prop_gentcp: ~p ~p~n~p~n", [Class, Reason, Stack]),
            halt(2)
    end.

%% One sequence, and the shortest made of it where it differs.
check(Seed, Number, Second) ->
    Property = proper:forall(seeded(Seed), fun(Commands) ->
        difference(Commands, Second) =:= none
    end),
    Shrink = [noshrink || os:getenv("PROPER_SHRINK") =:= "no"],
    os:getenv("PROPER_VERBOSE", "") =:= "all" andalso io:format("sequence ~b~n", [Number]),
    Size = 5 + Number rem 26,
    Options = [{numtests, 1}, {start_size, Size}, {max_size, Size}, {max_shrinks, 60}, long_result, quiet | Shrink],
    case proper:quickcheck(Property, Options) of
        true ->
            [];
        [Commands] ->
            io:format("sequence ~b differs~n", [Number]),
            steady(Commands, difference(Commands, Second));
        Other ->
            exit({proper, Other})
    end.

%% What does not come again was a matter of time, for all that was given to it.
steady(_, none) ->
    count(unsteady),
    [];
steady(Commands, Difference) ->
    [{Commands, Difference}].

%% The same for a seed wherever it runs: PropEr itself begins where the clock says.
seeded(Seed) ->
    bind(
        proper_types:exactly(Seed),
        fun(It) ->
            _ = rand:seed(exsplus, It),
            bind(setup(), fun(Known) -> proper_statem:commands(?MODULE, Known) end, false)
        end,
        false
    ).

%% none, or the first operation that is not seen alike with each of them.
-spec difference(commands(), {module(), module()}) -> none | tuple().
difference(Commands, Second) ->
    {Setup, Ops} = plan(Commands),
    difference(Setup, Ops, Second, ?SETTLES, 0).

difference(Setup, Ops, Second, [Settle | Settles], Tries) ->
    case compare(Setup, Ops, Second, Settle) of
        none ->
            Tries =:= 0 orelse count(unsteady),
            none;
        Difference when Settles =:= [] ->
            Difference;
        _ ->
            difference(Setup, Ops, Second, Settles, Tries + 1)
    end.

count(Key) ->
    case get(Key) of
        undefined -> put(Key, 1);
        N -> put(Key, N + 1)
    end.

kind({ok, _}) -> ok;
kind({error, Reason}) -> Reason;
kind({raised, _, Reason}) -> {raised, Reason};
kind(Message) when is_tuple(Message), is_atom(element(1, Message)) -> element(1, Message);
kind(Other) -> Other.

compare(Setup, Ops, Second, Settle) ->
    os:getenv("PROPER_VERBOSE", "") =:= "all" andalso io:format("~w~n", [{Setup, Ops}]),
    Self = self(),
    Ref = make_ref(),
    spawn_link(fun() -> Self ! {Ref, prop_world:run(Second, Setup, Ops, Settle)} end),
    Expected = prop_world:run(?GEN_TCP, Setup, Ops, Settle),
    Seen = receive {Ref, It} -> It end,
    [count({seen, Key}) || {Op, [{result, Result}, {mail, Mail} | _]} <- Expected,
        Key <- [{element(1, Op), kind(Result)} | [{mail, kind(M)} || {_, Ms} <- Mail, is_list(Ms), M <- Ms]]],
    first_difference(Expected, Seen, 1).

%% a world that broke has shown nothing
first_difference([{{crashed, _}, _} | _] = Expected, Seen, N) -> {N, Expected, Seen};
first_difference([Same | Expected], [Same | Seen], N) -> first_difference(Expected, Seen, N + 1);
first_difference([], [], _) -> none;
first_difference([One | _], [Other | _], N) -> {N, One, Other};
first_difference(Expected, Seen, N) -> {N, Expected, Seen}.

plan([{init, #known{kind = Kind, options = Options}} | Commands]) ->
    {{Kind, Options}, [Op || {set, _, {call, ?MODULE, op, [Op]}} <- Commands]}.

describe(_, none) ->
    ok;
describe(Commands, Difference) ->
    {Setup, Ops} = plan(Commands),
    io:format("~n%% differs, operation ~p~n{~p,~n [~n", [element(1, Difference), Setup]),
    io:format("~s~n ]}.~n", [lists:join(",\n", [io_lib:format("  ~w", [Op]) || Op <- Ops])]),
    tell(Difference).

tell({_, {Op, Expected}, {Op, Seen}}) ->
    io:format("~p~n", [Op]),
    [
        io:format("  ~p: gen_tcp  ~p~n  ~*s  gentcpd  ~p~n",
            [What, A, length(atom_to_list(What)), "", B])
     || {{What, A}, {What, B}} <- lists:zip(Expected, Seen), A =/= B
    ];
tell({_, Expected, Seen}) ->
    io:format("  gen_tcp ~p~n  gentcpd ~p~n", [Expected, Seen]).

%% A file holds {Setup, Ops}, as a difference is printed; or {Setup, Ops, N, Why}, which
%% differs on purpose at operation N.
replay(Name, Second) ->
    {ok, [Term]} = file:consult(Name),
    {Setup, Ops, Wanted} =
        case Term of
            {One, Two} -> {One, Two, none};
            {One, Two, N, _Why} -> {One, Two, N}
        end,
    case difference(Setup, Ops, Second, ?SETTLES, 0) of
        none when Wanted =:= none ->
            [];
        Difference when element(1, Difference) =:= Wanted, Second =/= ?GEN_TCP ->
            [];
        Difference ->
            io:format("~n~s ~s~n", [Name, if Difference =:= none -> "is equal by now"; true -> "differs" end]),
            Init = {init, #known{kind = element(1, Setup), options = element(2, Setup)}},
            [{[Init | [{set, {var, 0}, {call, ?MODULE, op, [Op]}} || Op <- Ops]], Difference}]
    end.

%% --- proper_statem's ---------------------------------------------------------

%% @private Stands for an operation in a list of commands.
-spec op(tuple()) -> ok.
op(_) -> ok.

-spec initial_state() -> #known{}.
initial_state() -> #known{}.

%% A connection to begin with.
setup() ->
    bind(
        {oneof([connected, accepted, both]), packet(), active(), mode(), oneof([200, 1460, 4000, 30000]),
            few(option()), frequency([{4, false}, {1, true}]), frequency([{2, half}, {1, shown}])},
        fun({Kind, Packet, Active, Mode, Buffer, Options, Narrow, Either}) ->
            Tight = Narrow andalso Kind =/= both,
            %% with exit_on_close false gen_tcp reads on behind a bad packet
            Ends = if Tight -> shown; true -> Either end,
            Base = [{packet, Packet}, {active, Active}, {buffer, Buffer}, {send_timeout, 1000} | Mode],
            #known{kind = Kind, first = Packet, packet = Packet, ends = Ends,
                options = Base ++ [O || O <- Options, may_end(O, Ends)],
                tight = Tight}
        end,
        false
    ).

packet() ->
    frequency([{4, 0}, {1, oneof(prop_frames:types())}, {3, oneof([1, 2, 4, line, http])}]).

active() -> frequency([{3, false}, {2, true}, {2, once}, {2, integer(1, 3)}]).

mode() -> oneof([[binary], [list], [binary, {header, 2}]]).

option() ->
    oneof([
        {exit_on_close, boolean()},
        {show_econnreset, boolean()},
        {nodelay, boolean()},
        {delay_send, boolean()},
        {packet_size, 60000},
        {keepalive, boolean()},
        {high_watermark, integer(1, 20000)},
        {low_watermark, integer(1, 20000)},
        {header, integer(0, 3)},
        {send_timeout_close, boolean()},
        {linger, {boolean(), integer(0, 1)}}
    ]).

boolean() -> proper_types:boolean().

-spec command(#known{}) -> proper_types:type().
command(Known) ->
    bind(operation(Known), fun(Op) -> {call, ?MODULE, op, [Op]} end, false).

operation(#known{kind = both} = Known) ->
    frequency(calls(Known));
operation(Known) ->
    frequency([{40, peer(Known)}, {8, waiting(Known)} | calls(Known)]).

calls(Known) ->
    End = an_end(Known),
    By = who(),
    [
        {20, {setopts, End, By, settings(Known)}},
        {5, {getopts, End, By, few(name())}},
        {16, {send, End, By, sent_size(Known)}},
        {20, {recv, End, By, 0, oneof([0, 0, 15])}},
        {3, {recv, a, By, oneof([1, 7, 300, 67108864, 67108865]), 15}},
        {4, {unrecv, End, By, integer(1, 9)}},
        {2, {shutdown, End, By, oneof([read, write, read_write])}},
        {1, {close, End, By}},
        {8, {give, End, By, who()}},
        {1, {kill, frequency([{1, p1}, {3, p2}])}},
        {3, {stat, End, By}},
        {1, {oneof([sockname, peername]), End, By}}
    ].

few(Type) ->
    bind(integer(1, 3), fun(N) -> proper_types:vector(N, Type) end, false).

an_end(#known{kind = both}) -> oneof([a, b]);
an_end(_) -> a.

who() -> frequency([{3, p1}, {1, p2}]).

size() -> frequency([{6, integer(0, 30)}, {2, integer(100, 250)}, {1, oneof([1000, 4000, 9000])}]).

%% What the raw peer reads at once may be of any size.
sent_size(#known{kind = both}) -> size();
sent_size(_) -> frequency([{10, size()}, {1, oneof([60000, 300000, 1000000])}]).

settings(#known{first = First}) ->
    few(
        frequency([
            {6, {active, frequency([{3, true}, {3, false}, {3, once}, {3, integer(1, 4)}, {1, integer(-3, 0)}])}},
            {2, {packet, oneof(switches(First))}},
            {1, {mode, oneof([list, binary])}},
            {1, {packet_size, oneof([0, 3, 20, 300])}},
            {1, {deliver, oneof([term, port])}},
            {3, option()}
        ])
    ).

%% Between which types a connection may be switched, so that what lies there is
%% never a length of gigabytes, nor broken behind packets that are not.
switches(First) when First =:= 0; First =:= 1; First =:= 2; First =:= line -> [0, 1, 2, line];
switches(First) when First =:= http; First =:= httph; First =:= http_bin; First =:= httph_bin ->
    [0, http, httph, http_bin, httph_bin];
switches(First) -> [First, 0].

name() ->
    oneof([
        active, packet, mode, header, exit_on_close, show_econnreset, nodelay, delay_send, buffer,
        packet_size, high_watermark, low_watermark, send_timeout, deliver, keepalive,
        send_timeout_close, linger
    ]).

peer(#known{owed = true}) ->
    oneof([{peer, rest}, {peer, rest}, {peer, fin}]);
peer(#known{packet = Packet}) ->
    frequency([
        {25, {peer, send, Packet, few(size()), less()}},
        {1, {peer, fin}},
        {1, {peer, close}},
        {1, {peer, reset}}
    ]).

%% How much is left out at the end of what is sent.
less() -> frequency([{3, 0}, {2, integer(1, 9)}]).

waiting(#known{packet = Packet} = Known) ->
    {recv_waiting, who(), oneof([0, 0, 1, 5]), peer(Known#known{packet = Packet})}.

-spec precondition(#known{}, term()) -> boolean().
precondition(Known, {call, _, op, [Op]}) -> may(Op, Known).

may({recv_waiting, _, _, _}, #known{stale = true}) ->
    false;
%% a length that did not come in time stays behind in gen_tcp: what comes later may
%% be read or awaited up to it, and with another type its node dies (OTP 25)
may({recv_waiting, _, N, {peer, send, 0, Sizes, Less} = Op}, #known{as_port = false} = Known) ->
    may(Op, Known#known{lengthed = Known#known.lengthed andalso N =:= 0}) andalso lists:sum(Sizes) - Less >= N;
may({recv_waiting, _, N, {peer, rest} = Op}, #known{as_port = false} = Known) ->
    may(Op, Known) andalso N =:= 0;
may({recv_waiting, _, _, _}, #known{as_port = true}) ->
    false;
may({recv_waiting, _, _, Op}, Known) ->
    may(Op, Known);
%% under another type gen_tcp takes what was put back for a packet
may({unrecv, End, _, _}, #known{first = First, packet = Packet, lengthed = Lengthed}) ->
    End =:= a andalso First =:= 0 andalso Packet =:= 0 andalso not Lengthed;
may({peer, send, _, _, _}, #known{lengthed = true}) ->
    false;
may({peer, send, _, [_, _ | _], _}, #known{tight = true}) ->
    false;
may({peer, rest}, #known{lengthed = true}) ->
    false;
may({peer, send, Packet, Sizes, _}, #known{owed = false, packet = Packet, peer = open} = Known) ->
    Known#known.sent + lists:sum(Sizes) < room(Known);
may({peer, send, _, _, _}, _) ->
    false;
may({peer, rest}, #known{owed = Owed, peer = open}) ->
    Owed;
may({peer, fin}, #known{peer = open}) ->
    true;
may({peer, How}, #known{peer = Peer}) when How =:= close; How =:= reset ->
    Peer =/= gone;
may({peer, _}, _) ->
    false;
%% gen_tcp reads once where there is no time, and a packet may need more; and goes on
%% with one of a type that is no more
may({recv, _, _, 0, 0}, #known{packet = Packet, as_port = AsPort, switched = Switched}) ->
    not AsPort andalso Packet =:= 0 andalso not Switched;
may({recv, _, _, 0, _}, #known{as_port = AsPort}) ->
    not AsPort;
%% what is missing of such a packet gen_tcp reads alone, and leaves the rest in the kernel
may({send, _, _, _}, #known{kind = both, first = First, sent = Sent}) when
    Sent > 0, First =:= sunrm orelse First =:= asn1 orelse First =:= cdr orelse First =:= fcgi orelse First =:= tpkt
->
    false;
%% too long a packet for its header goes out broken, on purpose not here
may({send, _, _, Size}, Known) ->
    (Known#known.first =/= 1 orelse Size < 256) andalso (not has_short(Known) orelse Size < 256) andalso
        (Known#known.kind =/= both orelse Known#known.sent + Size < room(Known)) andalso
        (Known#known.peer =:= open orelse Size < 10000);
%% a length stays behind in gen_tcp, see above, and so does the buffer of that size
may({recv, a, _, N, _}, #known{kind = Kind, first = 0, packet = 0} = Known) when N > 0 ->
    Kind =/= both andalso not Known#known.as_port andalso
        (Known#known.sent =:= 0 orelse N =< proplists:get_value(buffer, Known#known.options));
may({recv, a, _, N, _}, Known) when N > 0 ->
    Known#known.first =/= 0 andalso Known#known.packet =/= 0 andalso not Known#known.as_port;
may({setopts, _, _, Options}, #known{first = First} = Known) ->
    lists:all(
        fun
            ({packet, _}) when Known#known.unrecved; Known#known.pieces -> false;
            %% the sockets of accept have lists then, on purpose not here
            ({deliver, _}) -> Known#known.kind =:= connected;
            %% a packet too long is told at once here, not with its next byte
            ({packet_size, Size}) when Size < 60000, Size > 0 -> Known#known.tight andalso not Known#known.owed;
            ({packet, Packet}) -> is_great(Known) andalso lists:member(Packet, switches(First));
            (Option) -> may_end(Option, Known#known.ends)
        end,
        Options
    );
may(_, _) ->
    true.

may_end({exit_on_close, false}, Ends) -> Ends =:= half;
may_end({show_econnreset, true}, Ends) -> Ends =:= shown;
may_end(_, _) -> true.

%% What is unread when a socket closes makes the difference between an end and a reset,
%% and what is there when the type changes that between one piece and two: gentcpd reads
%% more at a time.  So all is kept within a buffer, but where it is small on purpose.
room(#known{kind = Kind, options = Options} = Known) ->
    case Kind =/= both andalso not is_great(Known) of
        true -> ?SENT_MAX;
        false -> proplists:get_value(buffer, Options)
    end.

is_great(#known{options = Options}) -> proplists:get_value(buffer, Options) > 200.

has_short(#known{first = First}) -> lists:member(1, switches(First)).

-spec next_state(#known{}, term(), term()) -> #known{}.
next_state(Known, _, {call, _, op, [Op]}) -> after_op(Op, Known).

after_op({recv_waiting, _, N, Op}, #known{lengthed = Before} = Known) ->
    after_op(Op, Known#known{lengthed = Before orelse N > 0});
after_op({recv, a, _, N, _}, #known{first = 0} = Known) when N > 0 ->
    Known#known{lengthed = true, stale = true};
after_op({setopts, End, _, Options}, #known{as_port = AsPort, packet = Before} = Known) ->
    Known#known{
        %% the first one of a list stays
        packet = if End =:= a -> proplists:get_value(packet, Options, Before); true -> Before end,
        switched = Known#known.switched orelse lists:keymember(packet, 1, Options),
        as_port = AsPort orelse lists:member({deliver, port}, Options)
    };
after_op({peer, send, _, Sizes, Less}, #known{sent = Sent} = Known) ->
    Known#known{owed = Less > 0, pieces = Known#known.pieces orelse Less > 0, sent = Sent + lists:sum(Sizes)};
after_op({unrecv, _, _, _}, Known) ->
    Known#known{unrecved = true};
after_op({peer, rest}, Known) ->
    Known#known{owed = false};
after_op({peer, fin}, Known) ->
    Known#known{peer = half};
after_op({peer, _}, Known) ->
    Known#known{peer = gone};
after_op({send, _, _, Size}, #known{sent = Sent} = Known) ->
    Known#known{sent = Sent + Size};
after_op(_, Known) ->
    Known.

%% The comparison is made when all is done.
-spec postcondition(#known{}, term(), term()) -> boolean().
postcondition(_, _, _) -> true.
