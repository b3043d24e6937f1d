%% SPDX-License-Identifier: ISC
%% recv/2,3 and unrecv/2: lengths, timeouts, the end of the stream.
-module(scenarios_recv).

-export([scenarios/0]).

-include("oracle.hrl").

-spec scenarios() -> [{term(), fun((map()) -> term())}].
scenarios() ->
    lengths() ++ refused() ++ timeouts() ++ pending() ++ ends() ++ resets() ++ unrecv().

%% Peer sends Bytes, then one recv(Length) each.
lengths() ->
    [{["lengths/", Name], fun(C) -> sent_and_read(C, Opts, Bytes, Lengths) end}
        || {Name, Opts, Bytes, Lengths} <- [
            {"all", [], <<"abc">>, [0]},
            {"one_by_one", [], <<"abc">>, [1, 1, 1]},
            {"some_then_rest", [], <<"abcdef">>, [2, 0]},
            {"exact", [], <<"abcdef">>, [6]},
            {"list", [list], <<"abc">>, [0]},
            {"list_length", [list], <<0, 255, 128>>, [3]},
            {"mode_list", [{mode, list}], <<"xyz">>, [2, 0]},
            {"binary_last", [list, binary], <<"xyz">>, [0]},
            {"buffer_10", [{buffer, 10}], binary:copy(<<"0123456789">>, 3), [0, 0, 0]},
            {"buffer_7", [{buffer, 7}], binary:copy(<<"0123456789">>, 2), [0, 0, 0]},
            {"buffer_1", [{buffer, 1}], <<"abc">>, [0, 0, 0]},
            {"buffer_100_length_500", [{buffer, 100}], binary:copy(<<"x">>, 1000), [500, 500]},
            {"buffer_10_length_3", [{buffer, 10}], <<"0123456789abcdef">>, [3, 0, 0]},
            {"length_over_buffer", [{buffer, 4}], <<"0123456789">>, [10]},
            {"length_then_zero", [{buffer, 4}], <<"0123456789">>, [6, 0]},
            {"default_buffer_length", [], binary:copy(<<"y">>, 4000), [3000, 1000]},
            {"nul_bytes", [], <<0, 0, 0, 0>>, [4]},
            {"header_2", [{header, 2}], <<"abcdef">>, [0]},
            {"header_2_short", [{header, 2}], <<"a">>, [0]},
            {"header_2_exact", [{header, 2}], <<"ab">>, [0]},
            {"header_5_length_3", [{header, 5}], <<"abcdef">>, [3, 3]},
            {"header_1_list", [{header, 1}, list], <<"abc">>, [0]},
            {"header_0", [{header, 0}], <<"abc">>, [0]},
            {"packet_size_raw", [{packet_size, 2}], <<"abcdef">>, [0]}
        ]].

sent_and_read(C, Opts, Bytes, Lengths) ->
    {S, P} = pair(C, Opts),
    p_send(P, Bytes),
    [tcp(C, recv, [S, N]) || N <- Lengths],
    tcp(C, recv, [S, 0, 0]).

refused() ->
    [{["refused/", Name], fun(C) ->
        {S, P} = pair(C, Opts),
        tcp(C, recv, [S | Args]),
        inet(C, getopts, [S, [active]]),
        inet(C, setopts, [S, [{active, false}, {packet, raw}]]),
        p_send(P, <<"abcdef\n">>),
        tcp(C, recv, [S, 0])
     end} || {Name, Opts, Args} <- [
            {"negative_length", [], [-1]},
            {"atom_length", [], [foo]},
            {"float_length", [], [1.0]},
            {"too_long", [], [67108865]},
            {"too_long_timeout", [], [67108865, 10]},
            {"float_timeout", [], [0, 1.5]},
            {"atom_timeout", [], [0, foo]},
            {"length_line", [{packet, line}], [3]},
            {"length_1", [{packet, 1}], [1]},
            {"active", [{active, true}], [0]},
            {"active_n", [{active, 5}], [0]},
            {"active_once", [{active, once}], [0, 10]}
        ]] ++
    [{"refused/nonsense_socket", fun(C) -> [tcp(C, recv, [X, 0]) || X <- [foo, 1, {a, b}, self()]] end},
     {"refused/largest_length", fun(C) ->
        {S, P} = pair(C, []),
        p_send(P, <<"abc">>),
        tcp(C, recv, [S, 67108864, 20]),
        tcp(C, recv, [S, 0])
      end}].

timeouts() ->
    [{"timeout/nothing", fun(C) ->
        {S, _} = pair(C, []),
        timed(C, recv, 40, fun() -> do_recv(C, S, [0, 40]) end)
      end},
     {"timeout/zero", fun(C) ->
        {S, _} = pair(C, []),
        tcp(C, recv, [S, 0, 0]),
        tcp(C, recv, [S, 5, 0])
      end},
     {"timeout/zero_with_data", fun(C) ->
        {S, P} = pair(C, []),
        p_send(P, <<"abc">>),
        tcp(C, recv, [S, 0, 0])
      end},
     {"timeout/part_stays", fun(C) ->
        {S, P} = pair(C, []),
        p_send(P, <<"abc">>),
        tcp(C, recv, [S, 10, 30]),
        tcp(C, recv, [S, 0])
      end},
     {"timeout/part_then_more", fun(C) ->
        {S, P} = pair(C, []),
        p_send(P, <<"abc">>),
        tcp(C, recv, [S, 6, 30]),
        p_send(P, <<"def">>),
        tcp(C, recv, [S, 6])
      end},
     {"timeout/part_then_shorter", fun(C) ->
        {S, P} = pair(C, []),
        p_send(P, <<"abcd">>),
        tcp(C, recv, [S, 6, 30]),
        tcp(C, recv, [S, 2]),
        tcp(C, recv, [S, 2])
      end},
     {"timeout/negative_is_infinity", fun(C) ->
        {S, P} = pair(C, []),
        T = task(C, fun() -> tcp(C, recv, [S, 3, -1]) end),
        blocked(T),
        p_send(P, <<"abc">>),
        await(C, waiter, T)
      end},
     {"timeout/infinity", fun(C) ->
        {S, P} = pair(C, []),
        T = task(C, fun() -> tcp(C, recv, [S, 0, infinity]) end),
        blocked(T),
        p_send(P, <<"x">>),
        await(C, waiter, T)
      end},
     {"timeout/packet_part", fun(C) ->
        {S, P} = pair(C, [{packet, 2}]),
        p_send(P, <<0, 5, "ab">>),
        tcp(C, recv, [S, 0, 30]),
        p_send(P, <<"cde">>),
        tcp(C, recv, [S, 0])
      end},
     {"timeout/line_part", fun(C) ->
        {S, P} = pair(C, [{packet, line}]),
        p_send(P, <<"half">>),
        tcp(C, recv, [S, 0, 30]),
        p_send(P, <<" line\nnext">>),
        tcp(C, recv, [S, 0]),
        inet(C, setopts, [S, [{packet, raw}]]),
        tcp(C, recv, [S, 0])
      end},
     {"timeout/again_and_again", fun(C) ->
        {S, P} = pair(C, []),
        [tcp(C, recv, [S, 1, 3]) || _ <- lists:seq(1, 5)],
        p_send(P, <<"z">>),
        tcp(C, recv, [S, 1])
      end}].

do_recv(#{tcp := Module}, S, Args) -> apply(Module, recv, [S | Args]).

pending() ->
    [{"pending/second_is_ealready", fun(C) ->
        {S, P} = pair(C, []),
        T = task(C, fun() -> do_recv(C, S, [0]) end),
        blocked(T),
        tcp(C, recv, [S, 0]),
        tcp(C, recv, [S, 0, 0]),
        tcp(C, recv, [S, 3, 10]),
        p_send(P, <<"abc">>),
        await(C, waiter, T)
      end},
     {"pending/after_ealready", fun(C) ->
        {S, P} = pair(C, []),
        T = task(C, fun() -> do_recv(C, S, [2]) end),
        blocked(T),
        tcp(C, recv, [S, 0]),
        p_send(P, <<"abcd">>),
        await(C, waiter, T),
        tcp(C, recv, [S, 0])
      end},
     {"pending/closed_by_other", fun(C) ->
        {S, P} = pair(C, []),
        T = task(C, fun() -> do_recv(C, S, [0]) end),
        blocked(T),
        tcp(C, close, [S]),
        await(C, waiter, T),
        p_eof(C, P)
      end},
     {"pending/shutdown_read", fun(C) ->
        {S, _} = pair(C, []),
        T = task(C, fun() -> do_recv(C, S, [0]) end),
        blocked(T),
        tcp(C, shutdown, [S, read]),
        await(C, waiter, T)
      end},
     {"pending/fin", fun(C) ->
        {S, P} = pair(C, []),
        T = task(C, fun() -> do_recv(C, S, [0]) end),
        blocked(T),
        p_fin(P),
        await(C, waiter, T)
      end},
     {"pending/part_then_fin", fun(C) ->
        {S, P} = pair(C, []),
        T = task(C, fun() -> do_recv(C, S, [10]) end),
        blocked(T),
        p_send(P, <<"abc">>),
        p_fin(P),
        await(C, waiter, T),
        tcp(C, recv, [S, 0])
      end},
     {"pending/in_pieces", fun(C) ->
        {S, P} = pair(C, []),
        T = task(C, fun() -> do_recv(C, S, [6]) end),
        blocked(T),
        [p_send(P, B) || B <- ["a", "bc", "d", "efgh"]],
        await(C, waiter, T),
        tcp(C, recv, [S, 0])
      end},
     {"pending/killed_receiver", fun(C) ->
        {S, P} = pair(C, []),
        T = task(C, fun() -> do_recv(C, S, [0]) end),
        blocked(T),
        kill(T),
        owner_ready(),
        tcp(C, recv, [S, 0, 20]),
        p_send(P, <<"lost">>),
        owner_ready(),
        tcp(C, recv, [S, 0, 40]),
        p_send(P, <<"next">>),
        tcp(C, recv, [S, 0, 40])
      end},
     {"pending/not_owner", fun(C) ->
        {S, P} = pair(C, []),
        T = task(C, fun() -> [do_recv(C, S, [2]), do_recv(C, S, [0])] end),
        p_send(P, <<"abcd">>),
        await(C, waiter, T)
      end},
     {"pending/own_close_after_timeout", fun(C) ->
        {S, P} = pair(C, []),
        tcp(C, recv, [S, 0, 5]),
        tcp(C, close, [S]),
        tcp(C, recv, [S, 0]),
        p_eof(C, P)
      end},
     {"pending/peer_sends_then_closes", fun(C) ->
        {S, P} = pair(C, []),
        T = task(C, fun() -> [do_recv(C, S, [0]), do_recv(C, S, [0]), do_recv(C, S, [0])] end),
        blocked(T),
        p_send(P, <<"bye">>),
        p_close(P),
        await(C, waiter, T)
      end}].

%% Peer sends Bytes and a FIN; then the calls.
ends() ->
    [{["end/", Name], fun(C) ->
        {S, P} = pair(C, Opts),
        p_send(P, Bytes),
        p_fin(P),
        [tcp(C, F, [S | A]) || {F, A} <- Calls],
        inet(C, info, [S]),
        tcp(C, close, [S])
     end} || {Name, Opts, Bytes, Calls} <- [
            {"nothing", [], "", [{recv, [0]}, {recv, [0]}, {recv, [0]}]},
            {"data_then_closed", [], "hello", [{recv, [0]}, {recv, [0]}, {recv, [0]}]},
            {"data_exact", [], "hello", [{recv, [5]}, {recv, [5]}, {recv, [5]}]},
            {"short", [], "hello", [{recv, [10]}, {recv, [0]}, {recv, [0]}]},
            {"two_reads", [], "hello", [{recv, [2]}, {recv, [3]}, {recv, [1]}, {recv, [1]}]},
            {"short_second", [], "hello", [{recv, [2]}, {recv, [4]}, {recv, [0]}]},
            {"send_after", [], "hello", [{recv, [0]}, {recv, [0]}, {recv, [0]},
                                         {send, ["x"]}, {send, ["x"]}, {send, ["x"]}]},
            {"send_between", [], "", [{recv, [0]}, {send, ["x"]}, {recv, [0]}, {send, ["x"]}]},
            {"shutdown_after", [], "", [{recv, [0]}, {shutdown, [write]}, {shutdown, [read]},
                                        {shutdown, [read_write]}]},
            {"unrecv_after", [], "", [{recv, [0]}, {unrecv, ["x"]}, {recv, [0]}]},
            {"half", [{exit_on_close, false}], "hello",
                [{recv, [0]}, {recv, [0]}, {recv, [0]}, {send, ["x"]}, {recv, [0]}]},
            {"half_short", [{exit_on_close, false}], "hello", [{recv, [10]}, {recv, [0]}]},
            {"half_empty", [{exit_on_close, false}], "", [{recv, [0]}, {recv, [1]}, {recv, [0, 0]}]},
            {"half_unrecv", [{exit_on_close, false}], "",
                [{recv, [0]}, {unrecv, ["back"]}, {recv, [0]}, {recv, [0]}]},
            {"half_shutdown", [{exit_on_close, false}], "x",
                [{recv, [0]}, {recv, [0]}, {shutdown, [write]}, {recv, [0]}, {send, ["x"]},
                 {recv, [0]}]},
            {"timeout_zero", [], "a", [{recv, [0, 0]}, {recv, [0, 0]}, {recv, [0, 0]}]},
            {"packet_whole", [{packet, 1}], [3, "abc"], [{recv, [0]}, {recv, [0]}, {recv, [0]}]},
            {"packet_part", [{packet, 1}], [3, "ab"], [{recv, [0]}, {recv, [0]}]},
            {"packet_header_part", [{packet, 4}], [0, 0], [{recv, [0]}, {recv, [0]}]},
            {"line_part", [{packet, line}], "one\ntwo", [{recv, [0]}, {recv, [0]}, {recv, [0]}]},
            {"list_mode", [list], "abc", [{recv, [0]}, {recv, [0]}]}
        ]].

resets() ->
    [{["reset/", Name], fun(C) ->
        {S, P} = pair(C, Opts),
        p_send(P, Bytes),
        p_reset(P),
        reset_seen(C, S),
        [tcp(C, F, [S | A]) || {F, A} <- Calls],
        tcp(C, close, [S])
     end} || {Name, Opts, Bytes, Calls} <- [
            {"hidden", [], "", [{recv, [0]}, {recv, [0]}, {send, ["x"]}, {send, ["x"]}]},
            {"shown", [{show_econnreset, true}], "",
                [{recv, [0]}, {recv, [0]}, {send, ["x"]}, {send, ["x"]}]},
            {"shown_send_first", [{show_econnreset, true}], "",
                [{send, ["x"]}, {send, ["x"]}, {recv, [0]}, {recv, [0]}]},
            {"hidden_send_first", [], "",
                [{send, ["x"]}, {send, ["x"]}, {recv, [0]}, {recv, [0]}]},
            {"half_hidden", [{exit_on_close, false}], "",
                [{recv, [0]}, {recv, [0]}, {send, ["x"]}, {recv, [0]}, {send, ["x"]}]},
            {"half_shown", [{exit_on_close, false}, {show_econnreset, true}], "",
                [{recv, [0]}, {recv, [0]}, {send, ["x"]}, {recv, [0]}]},
            {"shutdown", [], "", [{shutdown, [write]}, {recv, [0]}]},
            {"shutdown_read", [], "", [{shutdown, [read]}, {recv, [0]}]}
        ]] ++
    [{"reset/pending_hidden", fun(C) -> pending_reset(C, []) end},
     {"reset/pending_shown", fun(C) -> pending_reset(C, [{show_econnreset, true}]) end}].

pending_reset(C, Opts) ->
    {S, P} = pair(C, Opts),
    T = task(C, fun() -> do_recv(C, S, [0]) end),
    blocked(T),
    p_reset(P),
    await(C, waiter, T),
    tcp(C, recv, [S, 0]).

%% A RST arrives without an answer: peername says when it is there.
reset_seen(#{inet := Inet}, S) ->
    until(fun() -> Inet:peername(S) =:= {error, enotconn} end).

unrecv() ->
    [{"unrecv/alone", fun(C) ->
        {S, _} = pair(C, []),
        tcp(C, unrecv, [S, "A"]),
        tcp(C, recv, [S, 0])
      end},
     {"unrecv/stacks", fun(C) ->
        {S, _} = pair(C, []),
        tcp(C, unrecv, [S, "B"]),
        tcp(C, unrecv, [S, <<"A">>]),
        tcp(C, recv, [S, 0])
      end},
     {"unrecv/before_kernel", fun(C) ->
        {S, P} = pair(C, []),
        p_send(P, <<"kernel">>),
        tcp(C, unrecv, [S, <<"pushed">>]),
        tcp(C, recv, [S, 0]),
        tcp(C, recv, [S, 0])
      end},
     {"unrecv/joined_by_length", fun(C) ->
        {S, P} = pair(C, []),
        p_send(P, <<"world">>),
        tcp(C, unrecv, [S, <<"hello ">>]),
        tcp(C, recv, [S, 11])
      end},
     {"unrecv/framed", fun(C) ->
        {S, P} = pair(C, [{packet, 1}]),
        tcp(C, unrecv, [S, <<5, "ab">>]),
        p_send(P, <<"cde">>),
        tcp(C, recv, [S, 0])
      end},
     {"unrecv/line", fun(C) ->
        {S, _} = pair(C, [{packet, line}]),
        tcp(C, unrecv, [S, <<"one\ntwo\n">>]),
        tcp(C, recv, [S, 0]),
        tcp(C, recv, [S, 0]),
        tcp(C, recv, [S, 0, 0])
      end},
     {"unrecv/active_once", fun(C) ->
        {S, _} = pair(C, [{active, once}]),
        tcp(C, unrecv, [S, <<"abc">>]),
        mail(C, 1),
        inet(C, getopts, [S, [active]])
      end},
     {"unrecv/active_true", fun(C) ->
        {S, _} = pair(C, [{active, true}]),
        tcp(C, unrecv, [S, <<"abc">>]),
        mail(C, 1)
      end},
     {"unrecv/what_was_read", fun(C) ->
        {S, P} = pair(C, []),
        p_send(P, <<"abcdef">>),
        tcp(C, recv, [S, 4]),
        tcp(C, unrecv, [S, <<"cd">>]),
        tcp(C, recv, [S, 4])
      end},
     {"unrecv/empty", fun(C) ->
        {S, _} = pair(C, []),
        tcp(C, unrecv, [S, <<>>]),
        tcp(C, recv, [S, 0, 10])
      end},
     {"unrecv/gone", fun(C) ->
        {S, _} = pair(C, []),
        tcp(C, close, [S]),
        tcp(C, unrecv, [S, <<"x">>])
      end},
     {"unrecv/listener", fun(C) ->
        {L, _} = listener(C, []),
        tcp(C, unrecv, [L, <<"x">>])
      end},
     {"unrecv/counts_again", fun(C) ->
        {S, P} = pair(C, []),
        p_send(P, <<"abc">>),
        tcp(C, recv, [S, 0]),
        tcp(C, unrecv, [S, <<"abc">>]),
        inet(C, getstat, [S, [recv_oct, recv_cnt]]),
        tcp(C, recv, [S, 0]),
        inet(C, getstat, [S, [recv_oct, recv_cnt]])
      end}].
