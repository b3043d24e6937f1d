%% SPDX-License-Identifier: ISC
%% Active mode: the values, the count, the order of messages, closing.
-module(scenarios_active).

-export([scenarios/0]).

-include("oracle.hrl").

-spec scenarios() -> [{term(), fun((map()) -> term())}].
scenarios() ->
    arithmetic() ++ opened() ++ delivery() ++ toggles() ++ ends() ++ resets() ++ zombies() ++ ports().

%% setopts one after the other, with getopts and the mail behind each.
arithmetic() ->
    [{["set/", Name], fun(C) ->
        {S, _} = pair(C, Opts),
        [begin
            inet(C, setopts, [S, Set]),
            inet(C, getopts, [S, [active]])
         end || Set <- Sets],
        mail(C)
     end} || {Name, Opts, Sets} <- [
            {"true_false", [], [[{active, true}], [{active, false}]]},
            {"once_false", [], [[{active, once}], [{active, false}]]},
            {"once_true", [], [[{active, once}], [{active, true}]]},
            {"zero", [], [[{active, 0}]]},
            {"zero_twice", [], [[{active, 0}], [{active, 0}]]},
            {"negative", [], [[{active, -5}]]},
            {"adds", [], [[{active, 3}], [{active, 2}]]},
            {"subtracts", [], [[{active, 5}], [{active, -1}]]},
            {"to_zero", [], [[{active, 5}], [{active, -5}]]},
            {"below_zero", [], [[{active, 5}], [{active, -9}], [{active, 1}]]},
            {"zero_keeps_count", [], [[{active, 5}], [{active, 0}]]},
            {"largest", [], [[{active, 32767}]]},
            {"too_large", [], [[{active, 32768}]]},
            {"smallest", [], [[{active, -32768}]]},
            {"too_small", [], [[{active, -32769}]]},
            {"over_by_adding", [], [[{active, 32767}], [{active, 1}], [{active, -1}]]},
            {"under_by_adding", [], [[{active, 5}], [{active, -32768}]]},
            {"number_after_true", [], [[{active, true}], [{active, 2}]]},
            {"number_after_once", [], [[{active, once}], [{active, 2}]]},
            {"negative_after_true", [], [[{active, true}], [{active, -1}]]},
            {"true_after_number", [], [[{active, 7}], [{active, true}], [{active, 2}]]},
            {"false_after_number", [], [[{active, 7}], [{active, false}], [{active, 2}]]},
            {"once_after_number", [], [[{active, 7}], [{active, once}], [{active, 2}]]},
            {"two_in_a_list", [], [[{active, 3}, {active, 2}]]},
            {"zero_twice_in_a_list", [], [[{active, 0}, {active, 0}]]},
            {"once_between_in_a_list", [], [[{active, -2}, {active, once}, {active, -2}]]},
            {"float", [], [[{active, 1.0}]]},
            {"other_atom", [], [[{active, yes}]]},
            {"string", [], [[{active, "true"}]]},
            {"nothing", [{active, 3}], [[]]}
        ]].

%% The option at connect and at listen.
opened() ->
    [{["connect/", Name], fun(C) ->
        {S, P} = pair(C, Opts),
        inet(C, getopts, [S, [active]]),
        mail(C),
        p_send(P, "abc"),
        mail(C),
        inet(C, getopts, [S, [active]])
     end} || {Name, Opts} <- [
            {"default", [{active, true}]}, {"once", [{active, once}]}, {"zero", [{active, 0}]},
            {"one", [{active, 1}]}, {"two", [{active, 2}]}, {"negative", [{active, -1}]},
            {"last_wins", [{active, 3}, {active, true}]}, {"numbers_last", [{active, 3}, {active, 2}]}
        ]] ++
    [{["listen/", Name], fun(C) ->
        {L, A, P} = lpair(C, [{active, Active}]),
        mail(C),
        inet(C, getopts, [A, [active]]),
        inet(C, getopts, [L, [active]]),
        p_send(P, "abc"),
        mail(C),
        inet(C, getopts, [A, [active]]),
        inet(C, getopts, [L, [active]])
     end} || {Name, Active} <- [
            {"true", true}, {"once", once}, {"three", 3}, {"one", 1}, {"zero", 0}, {"negative", -2}
        ]] ++
    [{"listen/counts_are_its_own", fun(C) ->
        {L, Port} = listener(C, [{active, 2}]),
        [begin
            P = p_connect(Port),
            A = do(C, accept, [L]),
            p_send(P, "x"),
            mail(C, 1),
            inet(C, getopts, [A, [active]]),
            inet(C, getopts, [L, [active]])
         end || _ <- [1, 2]]
      end},
     {"listen/added_to", fun(C) ->
        {L, Port} = listener(C, [{active, 2}]),
        inet(C, setopts, [L, [{active, 3}]]),
        _ = p_connect(Port),
        A = do(C, accept, [L]),
        inet(C, getopts, [A, [active]]),
        inet(C, setopts, [L, [{active, -5}]]),
        mail(C, 1)
      end}].

%% N packets wait; then active; the mail; what is left.
delivery() ->
    [{["delivery/", Name], fun(C) ->
        {S, P} = pair(C, [{packet, 1}]),
        p_send(P, [[1, $a + I] || I <- lists:seq(0, N - 1)]),
        inet(C, setopts, [S, [{active, Active}]]),
        mail(C, Messages),
        inet(C, getopts, [S, [active]]),
        inet(C, setopts, [S, [{active, false}]]),
        tcp(C, recv, [S, 0, 0]),
        mail(C)
     end} || {Name, N, Active, Messages} <- [
            {"once_of_3", 3, once, 1}, {"1_of_3", 3, 1, 2}, {"2_of_3", 3, 2, 3}, {"3_of_3", 3, 3, 4},
            {"3_of_4", 4, 3, 4}, {"4_of_3", 3, 4, 3}, {"true_of_3", 3, true, 3}, {"20_of_25", 25, 20, 21}
        ]] ++
    [{"delivery/in_the_mailbox_at_once", fun(C) ->
        {S, P} = pair(C, []),
        p_send(P, "abc"),
        inet(C, setopts, [S, [{active, once}]]),
        rec(C, already, receive M -> M after 0 -> nothing end)
      end},
     {"delivery/number_in_the_mailbox_at_once", fun(C) ->
        {S, P} = pair(C, [{packet, 1}]),
        p_send(P, [1, "a", 1, "b"]),
        inet(C, setopts, [S, [{active, 1}]]),
        rec(C, already, receive M -> M after 0 -> nothing end),
        mail(C, 1)
      end},
     {"delivery/to_owner_whoever_sets", fun(C) ->
        {S, P} = pair(C, []),
        p_send(P, "abc"),
        await(C, setter, task(C, fun() -> R = do(C, setopts, [S, [{active, once}]]), {R, flush(10)} end)),
        mail(C, 1)
      end},
     {"delivery/list", fun(C) ->
        {_, P} = pair(C, [list, {active, true}]),
        p_send(P, "abc"),
        mail(C, 1)
      end},
     {"delivery/mode_changes_between", fun(C) ->
        {S, P} = pair(C, [{active, true}]),
        p_send(P, "abc"),
        mail(C, 1),
        inet(C, setopts, [S, [list]]),
        p_send(P, "def"),
        mail(C, 1)
      end},
     {"delivery/header", fun(C) ->
        {_, P} = pair(C, [{header, 2}, {active, true}]),
        p_send(P, "abcdef"),
        mail(C, 1),
        p_send(P, "a"),
        mail(C, 1)
      end},
     {"delivery/big", fun(C) ->
        {S, P} = pair(C, [{active, true}]),
        ok = socket:send(P, binary:copy(<<"0123456789">>, 30000), 5000),
        data_mail(C, S, 300000)
      end},
     {"delivery/big_packet", fun(C) ->
        {_, P} = pair(C, [{active, true}, {packet, 4}]),
        ok = socket:send(P, [<<300000:32>>, binary:copy(<<"0123456789">>, 30000)], 5000),
        mail(C, 1)
      end},
     {"delivery/buffer_10", fun(C) ->
        {S, P} = pair(C, [{buffer, 10}]),
        p_send(P, binary:copy(<<"0123456789">>, 3)),
        inet(C, setopts, [S, [{active, true}]]),
        mail(C, 3)
      end},
     {"delivery/counted_raw", fun(C) ->
        {S, P} = pair(C, [{buffer, 10}]),
        p_send(P, binary:copy(<<"0123456789">>, 3)),
        inet(C, setopts, [S, [{active, 2}]]),
        mail(C, 3),
        tcp(C, recv, [S, 0])
      end},
     {"delivery/long_line_counts_twice", fun(C) ->
        {S, P} = pair(C, [{packet, line}]),
        p_send(P, [binary:copy(<<"a">>, 1461), "\n"]),
        inet(C, setopts, [S, [{active, 2}]]),
        mail(C, 3)
      end},
     {"delivery/many_one_by_one", fun(C) ->
        {S, P} = pair(C, [{packet, 1}, {active, 3}]),
        [begin p_send(P, [1, I]), mail_one(C) end || I <- lists:seq(1, 3)],
        mail(C, 1),
        inet(C, setopts, [S, [{active, 1}]]),
        p_send(P, [1, 4]),
        mail(C, 2)
      end}].

mail_one(C) ->
    rec(C, mail, receive M -> M after 5000 -> nothing end).

toggles() ->
    [{"toggle/once_once", fun(C) ->
        {S, P} = pair(C, [{active, once}]),
        p_send(P, "a"),
        mail(C, 1),
        p_send(P, "b"),
        mail(C),
        inet(C, setopts, [S, [{active, once}]]),
        mail(C, 1)
      end},
     {"toggle/false_then_recv", fun(C) ->
        {S, P} = pair(C, [{active, true}]),
        p_send(P, "a"),
        mail(C, 1),
        inet(C, setopts, [S, [{active, false}]]),
        p_send(P, "b"),
        tcp(C, recv, [S, 0]),
        mail(C)
      end},
     {"toggle/recv_between", fun(C) ->
        {S, P} = pair(C, [{packet, 1}]),
        p_send(P, [1, "a", 1, "b", 1, "c"]),
        tcp(C, recv, [S, 0]),
        inet(C, setopts, [S, [{active, once}]]),
        mail(C, 1),
        tcp(C, recv, [S, 0])
      end},
     {"toggle/recv_of_rest_then_active", fun(C) ->
        {S, P} = pair(C, []),
        p_send(P, "abcdef"),
        tcp(C, recv, [S, 2]),
        inet(C, setopts, [S, [{active, true}]]),
        data_mail(C, S, 4)
      end},
     {"toggle/recv_waits_when_it_becomes_active", fun(C) ->
        {S, P} = pair(C, []),
        #{tcp := Tcp} = C,
        T = task(C, fun() -> Tcp:recv(S, 0) end),
        blocked(T),
        inet(C, setopts, [S, [{active, true}]]),
        p_send(P, "abc"),
        mail(C, 1),
        rec(C, waiter, ended(T, 20))
      end}].

%% FIN behind Bytes while active.
ends() ->
    [{["end/", Name], fun(C) ->
        {S, P} = pair(C, [{active, Active} | Opts]),
        p_send(P, Bytes),
        p_fin(P),
        mail(C, N),
        [step(C, S, Step) || Step <- Steps]
     end} || {Name, Active, Opts, Bytes, N, Steps} <- [
            {"true", true, [], "", 1, [active, send, recv, close]},
            {"once", once, [], "", 1, [active, send, recv]},
            {"number", 3, [], "", 1, [active, send]},
            {"data_true", true, [{packet, 1}], [1, "a", 1, "b"], 3, [send, send, recv]},
            {"data_once", once, [{packet, 1}], [1, "a", 1, "b"], 1, [once, once, once, active]},
            {"data_1", 1, [{packet, 1}], [1, "a"], 2, [{set, 1}, active]},
            {"data_2", 2, [{packet, 1}], [1, "a"], 2, [active]},
            {"part", true, [{packet, 4}], [0, 0, 0, 9, "ab"], 1, [send]},
            {"half", true, [{exit_on_close, false}], "", 1, [active, send, {active, false}, recv, recv]},
            {"half_toggled", true, [{exit_on_close, false}], "", 1, [{set, false}, {set, true}, {set, once}]},
            {"half_once", once, [{exit_on_close, false}], "", 1, [active, {set, false}, recv]},
            {"half_number", 2, [{exit_on_close, false}], "", 1, [active, {set, 1}, active]},
            {"half_whole_kept", true, [{exit_on_close, false}], "", 1, [whole, send, {set, true}, send, recv]},
            {"half_whole_changed", once, [{exit_on_close, false}], "", 1, [whole, {set, 3}, send, recv, info]},
            {"half_whole_recv", true, [{exit_on_close, false}], "", 1,
                [{set, false}, recv, whole, recv, recv, send, send, info]},
            {"half_whole_again", true, [{exit_on_close, false}], "", 1,
                [{set, false}, whole, {set, once}, active, info, send]},
            {"shutdown_after", true, [], "", 1, [shutdown]},
            {"info_after", true, [], "", 1, [info]},
            {"info_half", true, [{exit_on_close, false}], "", 1, [info, shutdown, close, info]}
        ]].

step(C, S, whole) -> inet(C, setopts, [S, [{exit_on_close, true}]]), mail(C);
step(C, S, active) -> inet(C, getopts, [S, [active]]);
step(C, S, {active, A}) -> inet(C, setopts, [S, [{active, A}]]);
step(C, S, {set, A}) -> inet(C, setopts, [S, [{active, A}]]), mail(C);
step(C, S, once) -> inet(C, setopts, [S, [{active, once}]]), mail(C, 1);
step(C, S, send) -> tcp(C, send, [S, "x"]);
step(C, S, recv) -> tcp(C, recv, [S, 0, 0]);
step(C, S, close) -> tcp(C, close, [S]);
step(C, S, shutdown) -> tcp(C, shutdown, [S, write]);
step(C, S, info) -> inet(C, info, [S]).

resets() ->
    [{["reset/", Name], fun(C) ->
        {S, P} = pair(C, [{active, Active} | Opts]),
        p_reset(P),
        mail(C, N),
        [step(C, S, Step) || Step <- Steps]
     end} || {Name, Active, Opts, N, Steps} <- [
            {"hidden", true, [], 1, [active, send, recv]},
            {"shown", true, [{show_econnreset, true}], 2, [active, send, recv]},
            {"shown_once", once, [{show_econnreset, true}], 2, [active]},
            {"shown_number", 1, [{show_econnreset, true}], 2, [active]},
            {"half_hidden", true, [{exit_on_close, false}], 1, [active, {set, false}, recv]},
            {"half_shown", true, [{exit_on_close, false}, {show_econnreset, true}], 2, [active]}
        ]] ++
    [{"reset/passive_then_active", fun(C) ->
        #{inet := Inet} = C,
        {S, P} = pair(C, [{show_econnreset, true}]),
        p_reset(P),
        until(fun() -> Inet:peername(S) =:= {error, enotconn} end),
        inet(C, setopts, [S, [{active, true}]]),
        mail(C, 2)
      end},
     {"reset/own_shutdown_read", fun(C) ->
        {S, _} = pair(C, [{active, true}]),
        tcp(C, shutdown, [S, read]),
        mail(C, 1),
        tcp(C, send, [S, "x"])
      end},
     {"reset/own_shutdown_read_write", fun(C) ->
        {S, P} = pair(C, [{active, true}]),
        tcp(C, shutdown, [S, read_write]),
        mail(C, 1),
        p_eof(C, P)
      end},
     {"reset/own_shutdown_write_then_send", fun(C) ->
        {S, P} = pair(C, [{active, true}]),
        tcp(C, shutdown, [S, write]),
        mail(C),
        tcp(C, send, [S, "x"]),
        mail(C, 1),
        p_eof(C, P)
      end},
     {"reset/own_close_says_nothing", fun(C) ->
        {S, P} = pair(C, [{active, true}]),
        tcp(C, close, [S]),
        mail(C),
        p_eof(C, P)
      end}].

%% The end was noticed in passive mode; then active.
zombies() ->
    [{["zombie/", Name], fun(C) ->
        {S, P} = pair(C, [{show_econnreset, Show}]),
        #{inet := Inet} = C,
        case Show of
            true -> p_reset(P), until(fun() -> Inet:peername(S) =:= {error, enotconn} end);
            false -> p_fin(P)
        end,
        First(C, S),
        inet(C, setopts, [S, case Active of {list, List} -> List; _ -> [{active, Active}] end]),
        mail(C, N),
        inet(C, getopts, [S, [active]]),
        tcp(C, recv, [S, 0])
     end} || {Name, Show, First, Active, N} <- [
            {"list_true_last_false", false, fun recv_once/2, {list, [{active, false}, {active, 3}]}, 1},
            {"list_true_first", false, fun recv_once/2, {list, [{active, 3}, {active, false}]}, 1},
            {"list_zero_then_true", false, fun recv_once/2, {list, [{active, true}, {active, 0}]}, 2},
            {"list_true_then_zero", false, fun recv_once/2, {list, [{active, 0}, {active, true}]}, 1},
            {"list_half_first", false, fun recv_once/2, {list, [{active, true}, {exit_on_close, false}]}, 1},
            {"list_half_last", false, fun recv_once/2, {list, [{exit_on_close, false}, {active, true}]}, 1},
            {"true", false, fun recv_once/2, true, 1},
            {"once", false, fun recv_once/2, once, 1},
            {"number", false, fun recv_once/2, 2, 1},
            {"zero", false, fun recv_once/2, 0, 1},
            {"negative", false, fun recv_once/2, -3, 1},
            {"false", false, fun recv_once/2, false, 0},
            {"unread_true", false, fun(_, _) -> ok end, true, 1},
            {"unread_once", false, fun(_, _) -> ok end, once, 1},
            {"unread_number", false, fun(_, _) -> ok end, 2, 1},
            {"shown_by_send", true, fun send_once/2, true, 2},
            {"shown_by_recv", true, fun recv_once/2, true, 1}
        ]].

recv_once(C, S) -> tcp(C, recv, [S, 0]).
send_once(C, S) -> tcp(C, send, [S, "x"]).

ports() ->
    [{"deliver_port/connected", fun(C) ->
        {_, P} = pair(C, [{deliver, port}, {active, true}]),
        p_send(P, "abc"),
        mail(C, 1)
      end},
     {"deliver_port/accepted", fun(C) ->
        {_, _, P} = lpair(C, [{deliver, port}, {active, true}]),
        p_send(P, "abc"),
        mail(C, 1)
      end},
     {"deliver_port/list", fun(C) ->
        {_, P} = pair(C, [{deliver, port}, list, {active, true}]),
        p_send(P, "abc"),
        mail(C, 1)
      end},
     {"deliver_port/number_and_end", fun(C) ->
        {S, P} = pair(C, [{deliver, port}, {packet, 1}]),
        p_send(P, [1, "a", 1, "b"]),
        p_fin(P),
        inet(C, setopts, [S, [{active, 2}]]),
        mail(C, 3),
        inet(C, setopts, [S, [{active, true}]]),
        mail(C, 1)
      end},
     {"deliver_port/back_to_term", fun(C) ->
        {S, P} = pair(C, [{deliver, port}, {active, true}]),
        p_send(P, "a"),
        mail(C, 1),
        inet(C, setopts, [S, [{deliver, term}]]),
        p_send(P, "b"),
        mail(C, 1)
      end}].
