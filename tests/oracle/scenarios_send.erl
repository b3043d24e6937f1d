%% SPDX-License-Identifier: ISC
%% send/2: data, full queues, timeouts, a peer that is gone.
-module(scenarios_send).

-export([scenarios/0]).

-include("oracle.hrl").

-spec scenarios() -> [{term(), fun((map()) -> term())}].
scenarios() ->
    data() ++ refused() ++ peer_gone() ++ queued() ++ timeouts() ++ waiters() ++ own_shutdown().

data() ->
    [{["data/", Name], fun(C) ->
        {S, P} = pair(C, []),
        tcp(C, send, [S, Data]),
        inet(C, getstat, [S, [send_oct, send_cnt, send_max, send_avg]]),
        ok = do(C, close, [S]),
        p_eof(C, P)
     end} || {Name, Data} <- [
        {"string", "abc"}, {"binary", <<"abc">>}, {"empty_list", []}, {"empty_binary", <<>>},
        {"nested", [[$a, [<<"b">>]], "c"]}, {"improper", [$a | <<"b">>]}, {"bytes", [0, 127, 128, 255]},
        {"sub_binary", binary:part(<<"abcdef">>, 2, 3)}, {"many", [<<"x">> || _ <- lists:seq(1, 2000)]},
        {"deep", lists:foldl(fun(_, A) -> [A] end, "z", lists:seq(1, 3000))},
        {"100k", binary:copy(<<"0123456789">>, 10000)}, {"100k_list", lists:duplicate(100000, $a)}
     ]].

refused() ->
    [{["refused/", io_lib:format("~0tp", [Data])], fun(C) ->
        {S, P} = pair(C, []),
        tcp(C, send, [S, Data]),
        tcp(C, send, [S, "ok"]),
        rec(C, peer, p_recv(P, 2))
     end} || Data <- [foo, {a, b}, [256], [-1], [foo], 5, <<1:3>>, [<<1:3>>], ["ab" | c], 1.0, self, #{}]] ++
    [{"refused/listener", fun(C) -> {L, _} = listener(C, []), tcp(C, send, [L, "x"]) end},
     {"refused/gone", fun(C) ->
        {S, _} = pair(C, []),
        ok = do(C, close, [S]),
        tcp(C, send, [S, "x"]),
        tcp(C, send, [S, foo])
      end},
     {"refused/nonsense_socket", fun(C) -> [tcp(C, send, [X, "x"]) || X <- [foo, 1, {a}, self()]] end}].

%% The peer is gone in some way: what sends and a recv say.
peer_gone() ->
    [{["peer/", Name], fun(C) ->
        {S, P} = pair(C, Opts),
        #{inet := Inet} = C,
        case How of
            reset ->
                p_reset(P),
                until(fun() -> Inet:peername(S) =:= {error, enotconn} end),
                [tcp(C, F, [S | A]) || {F, A} <- Calls];
            close ->
                p_close(P),
                tcp(C, send, [S, "first"]),
                until(fun() -> gone(C, S) end),
                [tcp(C, F, [S | A]) || {F, A} <- Calls];
            shut_read ->
                ok = socket:shutdown(P, read),
                [tcp(C, F, [S | A]) || {F, A} <- Calls]
        end,
        mail(C, N)
     end} || {Name, How, Opts, N, Calls} <- [
        {"closed", close, [], 0, [{send, ["x"]}, {recv, [0]}, {send, ["x"]}, {recv, [0]}]},
        {"closed_shown", close, [{show_econnreset, true}], 0,
            [{send, ["x"]}, {recv, [0]}, {send, ["x"]}, {recv, [0]}]},
        {"closed_recv_first", close, [], 0, [{recv, [0]}, {send, ["x"]}, {send, ["x"]}]},
        {"closed_half", close, [{exit_on_close, false}], 0,
            [{send, ["x"]}, {send, ["x"]}, {recv, [0]}, {recv, [0]}]},
        {"reset", reset, [], 0, [{send, ["x"]}, {send, ["x"]}, {recv, [0]}, {recv, [0]}, {close, []}]},
        {"reset_shown", reset, [{show_econnreset, true}], 0,
            [{send, ["x"]}, {send, ["x"]}, {recv, [0]}, {recv, [0]}]},
        {"reset_half", reset, [{exit_on_close, false}], 0, [{send, ["x"]}, {send, ["x"]}, {recv, [0]}]},
        {"reset_empty_send", reset, [], 0, [{send, [""]}, {send, [""]}, {recv, [0]}]},
        {"reset_recv_then_send", reset, [{show_econnreset, true}], 0,
            [{recv, [0]}, {send, ["x"]}, {recv, [0]}, {send, ["x"]}]},
        {"shut_read", shut_read, [], 0, [{send, ["x"]}, {send, ["y"]}]}
     ]].

%% The RST that answers our bytes is there.
gone(#{inet := Inet}, S) ->
    case Inet:getopts(S, [{raw, 6, 11, 8}]) of
        {ok, [{raw, 6, 11, <<7, _/binary>>}]} -> true;
        {ok, [{raw, 6, 11, _}]} -> false;
        _ -> true
    end.

%% A pair whose kernel takes little, and whose peer does not read by itself.
narrow(C, Opts) ->
    pair(C, [{sndbuf, 16384} | Opts], [{{socket, rcvbuf}, 4096}]).

queued() ->
    [{"queue/big_send_is_taken_at_once", fun(C) ->
        {S, P} = narrow(C, [{high_watermark, 8192}]),
        N = 1500000,
        tcp(C, send, [S, binary:copy(<<"x">>, N)]),
        inet(C, getstat, [S, [send_oct, send_cnt]]),
        {ok, [{send_pend, Pend}]} = pend(C, S),
        rec(C, much_pends, Pend > N div 4),
        rec(C, states, states(C, S)),
        rec(C, peer, erlang:phash2(p_recv(P, N))),
        until(fun() -> pend(C, S) =:= {ok, [{send_pend, 0}]} end)
      end},
     {"queue/second_send_waits", fun(C) ->
        {S, P} = narrow(C, []),
        N = fill(C, S),
        #{tcp := Tcp} = C,
        T = task(C, fun() -> Tcp:send(S, "more") end),
        blocked(T),
        rec(C, states, states(C, S)),
        inet(C, getstat, [S, [send_oct, send_cnt]]),
        rec(C, tail, binary:part(p_recv(P, N + 4), N, 4)),
        await(C, sender, T),
        rec(C, states, states(C, S))
      end},
     {"queue/third_is_not_taken", fun(C) ->
        {S, P} = narrow(C, []),
        N = fill(C, S),
        #{tcp := Tcp} = C,
        T1 = task(C, fun() -> Tcp:send(S, "1st") end),
        blocked(T1),
        T2 = task(C, fun() -> Tcp:send(S, "2nd") end),
        blocked(T2),
        inet(C, getstat, [S, [send_oct, send_cnt]]),
        rec(C, tail, binary:part(p_recv(P, N + 6), N, 6)),
        await(C, first, T1),
        await(C, second, T2)
      end},
     {"queue/high_watermark_lets_pass", fun(C) ->
        {S, P} = narrow(C, [{high_watermark, 100000000}]),
        N = fill(C, S),
        [tcp(C, send, [S, binary:copy(<<"y">>, 100000)]) || _ <- [1, 2, 3]],
        rec(C, states, states(C, S)),
        rec(C, peer, byte_size(p_recv(P, N + 300000)))
      end},
     {"queue/below_high_watermark", fun(C) ->
        {S, P} = narrow(C, [{high_watermark, 4000000}, {low_watermark, 1000}]),
        N = fill(C, S),
        tcp(C, send, [S, "a"]),
        rec(C, states, states(C, S)),
        rec(C, peer, byte_size(p_recv(P, N + 1)))
      end},
     {"queue/recv_goes_on", fun(C) ->
        {S, P} = narrow(C, []),
        _ = fill(C, S),
        p_send(P, "hello"),
        tcp(C, recv, [S, 0])
      end},
     {"queue/delay_send", fun(C) ->
        {S, P} = pair(C, [{delay_send, true}]),
        [tcp(C, send, [S, D]) || D <- ["a", "b", "c"]],
        rec(C, peer, p_recv(P, 3)),
        inet(C, getstat, [S, [send_oct, send_cnt]])
      end},
     {"queue/packets", fun(C) ->
        {S, P} = narrow(C, [{packet, 2}, {high_watermark, 1000000}]),
        Sent = [binary:copy(<<I>>, 60000) || I <- lists:seq(1, 8)],
        [tcp(C, send, [S, D]) || D <- Sent],
        Bytes = p_recv(P, 8 * 60002),
        rec(C, same, Bytes =:= iolist_to_binary([[<<60000:16>>, D] || D <- Sent]))
      end}].

pend(#{inet := Inet}, S) -> Inet:getstat(S, [send_pend]).
states(#{inet := Inet}, S) -> maps:get(states, Inet:info(S)).

timeouts() ->
    [{"timeout/expires", fun(C) ->
        {S, P} = narrow(C, [{send_timeout, 60}]),
        N = fill(C, S),
        #{tcp := Tcp} = C,
        timed(C, send, 60, fun() -> Tcp:send(S, "one") end),
        timed(C, send, 60, fun() -> Tcp:send(S, "two") end),
        rec(C, tail, binary:part(p_recv(P, N + 6), N, 6)),
        tcp(C, send, [S, "three"]),
        rec(C, peer, p_recv(P, 5))
      end},
     {"timeout/zero", fun(C) ->
        {S, P} = narrow(C, [{send_timeout, 0}]),
        N = fill(C, S),
        tcp(C, send, [S, "one"]),
        tcp(C, send, [S, "two"]),
        rec(C, tail, binary:part(p_recv(P, N + 6), N, 6))
      end},
     {"timeout/close", fun(C) ->
        {S, P} = narrow(C, [{send_timeout, 40}, {send_timeout_close, true}]),
        _ = fill(C, S),
        tcp(C, send, [S, "one"]),
        tcp(C, send, [S, "two"]),
        tcp(C, recv, [S, 0]),
        rec(C, states, states(C, S)),
        {_, End} = p_all(P),
        rec(C, peer, End)
      end},
     {"timeout/close_active", fun(C) ->
        {S, _} = narrow(C, [{send_timeout, 40}, {send_timeout_close, true}, {active, true}]),
        _ = fill(C, S),
        tcp(C, send, [S, "one"]),
        mail(C),
        tcp(C, send, [S, "two"]),
        inet(C, getopts, [S, [active]]),
        rec(C, states, states(C, S))
      end},
     {"timeout/not_reached", fun(C) ->
        {S, P} = narrow(C, [{send_timeout, 5000}]),
        N = fill(C, S),
        #{tcp := Tcp} = C,
        T = task(C, fun() -> Tcp:send(S, "x") end),
        blocked(T),
        rec(C, peer, byte_size(p_recv(P, N + 1))),
        await(C, sender, T)
      end},
     {"timeout/empty_queue_does_not_matter", fun(C) ->
        {S, P} = pair(C, [{send_timeout, 0}]),
        tcp(C, send, [S, "a"]),
        rec(C, peer, p_recv(P, 1))
      end}].

%% Senders that wait while something happens.
waiters() ->
    [{["waiter/", Name], fun(C) ->
        {S, P} = narrow(C, Opts),
        _ = fill(C, S),
        #{tcp := Tcp} = C,
        T = task(C, fun() -> Tcp:send(S, "waits") end),
        blocked(T),
        What(P),
        await(C, sender, T),
        [tcp(C, F, [S | A]) || {F, A} <- Calls],
        mail(C, N)
     end} || {Name, Opts, What, N, Calls} <- [
        {"peer_resets", [], fun oracle_lib:p_reset/1, 0, [{send, ["x"]}, {recv, [0]}, {recv, [0]}]},
        {"peer_resets_shown", [{show_econnreset, true}], fun oracle_lib:p_reset/1, 0,
            [{send, ["x"]}, {recv, [0]}, {recv, [0]}]},
        {"peer_resets_active", [{active, true}], fun oracle_lib:p_reset/1, 1, [{send, ["x"]}]},
        {"peer_resets_active_shown", [{active, true}, {show_econnreset, true}], fun oracle_lib:p_reset/1, 2,
            [{send, ["x"]}]},
        {"peer_closes", [], fun oracle_lib:p_close/1, 0, [{send, ["x"]}, {recv, [0]}]}
     ]] ++
    [{"waiter/killed_sender_loses_nothing", fun(C) ->
        {S, P} = narrow(C, []),
        N = fill(C, S),
        #{tcp := Tcp} = C,
        T = task(C, fun() -> Tcp:send(S, "killed") end),
        blocked(T),
        kill(T),
        rec(C, tail, binary:part(p_recv(P, N + 6), N, 6)),
        rec(C, more, p_quiet(P))
      end},
     {"waiter/closed_by_another", fun(C) ->
        {S, P} = narrow(C, []),
        N = fill(C, S),
        #{tcp := Tcp} = C,
        T = task(C, fun() -> Tcp:send(S, "waits") end),
        blocked(T),
        D = task(C, fun() -> Tcp:close(S) end),
        blocked(D),
        {Bytes, End} = p_all(P),
        await(C, closer, D),
        rec(C, all_came, byte_size(Bytes) - N),
        rec(C, peer_end, End)
      end},
     {"waiter/own_timeout_of_each", fun(C) ->
        {S, P} = narrow(C, [{send_timeout, 50}]),
        N = fill(C, S),
        #{tcp := Tcp} = C,
        Ts = [task(C, fun() -> Tcp:send(S, "a") end) || _ <- [1, 2]],
        [await(C, sender, T) || T <- Ts],
        rec(C, tail, binary:part(p_recv(P, N + 2), N, 2))
      end},
     {"waiter/another_process_sends", fun(C) ->
        {S, P} = pair(C, []),
        await(C, other, task(C, fun() -> do(C, send, [S, "hello"]) end)),
        rec(C, peer, p_recv(P, 5))
      end}].

own_shutdown() ->
    [{["shutdown/", Name], fun(C) ->
        {S, P} = pair(C, Opts),
        tcp(C, shutdown, [S, How]),
        [tcp(C, F, [S | A]) || {F, A} <- Calls],
        mail(C, N),
        p_eof(C, P)
     end} || {Name, Opts, How, N, Calls} <- [
        {"write_send_send_recv", [], write, 0, [{send, ["x"]}, {send, ["x"]}, {recv, [0]}, {recv, [0]}]},
        {"write_send_recv_send", [], write, 0, [{send, ["x"]}, {recv, [0]}, {send, ["x"]}]},
        {"write_twice", [], write, 0, [{shutdown, [write]}, {shutdown, [write]}]},
        {"write_then_read", [], write, 0, [{shutdown, [read]}, {recv, [0]}]},
        {"read_write", [], read_write, 0, [{recv, [0]}, {send, ["x"]}, {shutdown, [write]}]},
        {"read_write_send_first", [], read_write, 0, [{send, ["x"]}, {recv, [0]}, {shutdown, [read]}]},
        {"write_half", [{exit_on_close, false}], write, 0, [{send, ["x"]}, {send, ["x"]}, {recv, [0]}]},
        {"write_empty_send", [], write, 0, [{send, [""]}, {recv, [0, 10]}, {close, []}]},
        {"write_active", [{active, true}], write, 1, [{send, ["x"]}, {send, ["x"]}]}
     ]].
