%% SPDX-License-Identifier: ISC
%% getstat, info, monitor, names, and file:sendfile.
-module(scenarios_info).

-export([scenarios/0]).

-include("oracle.hrl").

-spec scenarios() -> [{term(), fun((map()) -> term())}].
scenarios() ->
    stats() ++ infos() ++ names() ++ monitors() ++ sendfile() ++ sendfile_errors().

%% Packets come, are read; the counters.
stats() ->
    [{["stat/", Name], fun(C) ->
        {S, P} = pair(C, Opts),
        p_send(P, Bytes),
        [do(C, recv, [S, N]) || N <- Lengths],
        [do(C, send, [S, D]) || D <- Sends],
        inet(C, getstat, [S])
     end} || {Name, Opts, Bytes, Lengths, Sends} <- [
        {"fresh", [], "", [], []},
        {"2_3_10", [], "aabbbcccccccccc", [2, 3, 10], []},
        {"10_3_2", [], "ccccccccccbbbaa", [10, 3, 2], []},
        {"packet_2", [{packet, 2}], <<0, 3, "abc", 0, 0>>, [0, 0], ["abc", "", "hello"]},
        {"packet_4", [{packet, 4}], <<0, 0, 0, 1, "a">>, [0], ["abcdef"]},
        {"line", [{packet, line}], "a\nbb\nccc\n", [0, 0, 0], ["x\n"]},
        {"http", [{packet, http}], "GET / HTTP/1.1\r\nA: b\r\n\r\n", [0, 0, 0], []},
        {"sends", [], "", [], ["a", "bb", "ccc", "", "dddddddddd"]},
        {"waiting_bytes_do_not_count", [], "unread", [], []},
        {"rest_does_not_count", [], "abcdef", [2], []},
        {"seven_sizes", [], lists:duplicate(127, $x), [1, 2, 4, 8, 16, 32, 64], []}
     ]] ++
    [{"stat/asked_order", fun(C) ->
        {S, _} = pair(C, []),
        inet(C, getstat, [S, [send_cnt, recv_oct, send_cnt]]),
        inet(C, getstat, [S, []])
      end},
     {"stat/unknown", fun(C) ->
        {S, _} = pair(C, []),
        inet(C, getstat, [S, [foo]]),
        inet(C, getstat, [S, [recv_oct, foo]]),
        inet(C, getstat, [S, foo])
      end},
     {"stat/active", fun(C) ->
        {S, P} = pair(C, [{active, true}, {packet, 1}]),
        p_send(P, [1, "a", 3, "abc"]),
        mail(C, 2),
        inet(C, getstat, [S])
      end},
     {"stat/accepted_starts_at_zero", fun(C) ->
        {L, A, P} = lpair(C, []),
        p_send(P, "x"),
        do(C, recv, [A, 0]),
        inet(C, getstat, [A, [recv_oct]]),
        inet(C, getstat, [L])
      end},
     {"stat/failed_send", fun(C) ->
        {S, _} = pair(C, []),
        tcp(C, shutdown, [S, write]),
        tcp(C, send, [S, "abc"]),
        tcp(C, send, [S, "abc"]),
        inet(C, getstat, [S, [send_oct, send_cnt]])
      end},
     {"stat/refused_send", fun(C) ->
        {S, _} = pair(C, []),
        tcp(C, send, [S, foo]),
        inet(C, getstat, [S, [send_oct, send_cnt]])
      end}].

infos() ->
    [{"info/connected", fun(C) -> {S, _} = pair(C, []), inet(C, info, [S]) end},
     {"info/accepted", fun(C) -> {_, A, _} = lpair(C, []), inet(C, info, [A]) end},
     {"info/listener", fun(C) -> {L, _} = listener(C, []), inet(C, info, [L]) end},
     {"info/gone", fun(C) -> {S, _} = pair(C, []), do(C, close, [S]), inet(C, info, [S]) end},
     {"info/of_another", fun(C) ->
        {S, _} = pair(C, []),
        #{inet := Inet} = C,
        Self = self(),
        await(C, other, task(C, fun() -> maps:get(owner, Inet:info(S)) =:= Self end))
      end},
     {"info/after_traffic", fun(C) ->
        {S, P} = pair(C, []),
        p_send(P, "abc"),
        do(C, recv, [S, 0]),
        do(C, send, [S, "hello"]),
        inet(C, info, [S])
      end},
     {"info/after_shutdown", fun(C) -> {S, _} = pair(C, []), do(C, shutdown, [S, write]), inet(C, info, [S]) end}].

names() ->
    [{"name/connected", fun(C) ->
        {S, P} = pair(C, []),
        inet(C, sockname, [S]),
        inet(C, peername, [S]),
        {ok, Port} = inet(C, port, [S]),
        {ok, #{port := Seen}} = socket:peername(P),
        rec(C, same, Port =:= Seen)
      end},
     {"name/accepted", fun(C) ->
        {_, A, P} = lpair(C, []),
        inet(C, sockname, [A]),
        inet(C, peername, [A]),
        inet(C, port, [A]),
        rec(C, same, element(2, element(2, (maps:get(inet, C)):peername(A))) =:= p_port(P))
      end},
     {"name/peername_before_the_end_is_read", fun(C) ->
        {S, P} = pair(C, []),
        p_fin(P),
        inet(C, peername, [S]),
        tcp(C, recv, [S, 0]),
        inet(C, peername, [S]),
        inet(C, sockname, [S]),
        inet(C, port, [S])
      end},
     {"name/half_closed", fun(C) ->
        {S, P} = pair(C, [{exit_on_close, false}]),
        p_fin(P),
        tcp(C, recv, [S, 0]),
        inet(C, peername, [S]),
        inet(C, sockname, [S])
      end},
     {"name/reset", fun(C) ->
        {S, P} = pair(C, []),
        p_reset(P),
        tcp(C, recv, [S, 0]),
        inet(C, peername, [S])
      end},
     {"name/inet6", fun(C) ->
        {ok, L} = tcp(C, listen, [0, [inet6, {ip, {0, 0, 0, 0, 0, 0, 0, 1}}]]),
        Port = do(C, port, [L]),
        name_port(C, Port, listener),
        {ok, S} = tcp(C, connect, [{0, 0, 0, 0, 0, 0, 0, 1}, Port, [inet6]]),
        inet(C, peername, [S]),
        inet(C, sockname, [S]),
        inet(C, getopts, [S, [tclass, tos]])
      end},
     {"name/mapped", fun(C) ->
        {ok, L} = tcp(C, listen, [0, [inet6, {active, false}]]),
        Port = do(C, port, [L]),
        P = p_connect(Port),
        {ok, A} = tcp(C, accept, [L]),
        inet(C, peername, [A]),
        p_send(P, "x"),
        tcp(C, recv, [A, 1])
      end},
     {"name/plural", fun(C) ->
        {S, _} = pair(C, []),
        inet(C, socknames, [S]),
        inet(C, peernames, [S])
      end}].

monitors() ->
    [{"monitor/close", fun(C) ->
        {S, _} = pair(C, []),
        inet(C, monitor, [S]),
        mail(C),
        tcp(C, close, [S]),
        mail(C, 1)
      end},
     {"monitor/twice", fun(C) ->
        {S, _} = pair(C, []),
        A = inet(C, monitor, [S]),
        B = inet(C, monitor, [S]),
        tcp(C, close, [S]),
        rec(C, downs, lists:sort([down(R) || R <- [A, B]]))
      end},
     {"monitor/gone", fun(C) ->
        {S, _} = pair(C, []),
        tcp(C, close, [S]),
        inet(C, monitor, [S]),
        mail(C, 1)
      end},
     {"monitor/peer_closes_passive", fun(C) ->
        {S, P} = pair(C, []),
        inet(C, monitor, [S]),
        p_fin(P),
        tcp(C, recv, [S, 0]),
        mail(C),
        tcp(C, close, [S]),
        mail(C, 1)
      end},
     {"monitor/peer_closes_active", fun(C) ->
        {S, P} = pair(C, [{active, true}]),
        inet(C, monitor, [S]),
        p_fin(P),
        mail(C, 2)
      end},
     {"monitor/owner_dies", fun(C) ->
        H = helper(C),
        L = p_listen([]),
        S = ask(H, fun() -> do(C, connect, [{127, 0, 0, 1}, p_port(L), []]) end),
        inet(C, monitor, [S]),
        stop(H),
        mail(C, 1)
      end},
     {"monitor/owner_killed", fun(C) ->
        H = helper(C),
        L = p_listen([]),
        S = ask(H, fun() -> do(C, connect, [{127, 0, 0, 1}, p_port(L), []]) end),
        inet(C, monitor, [S]),
        kill(H),
        mail(C, 1)
      end},
     {"monitor/listener", fun(C) ->
        {L, _} = listener(C, []),
        inet(C, monitor, [L]),
        tcp(C, close, [L]),
        mail(C, 1)
      end},
     {"monitor/cancelled", fun(C) ->
        {S, _} = pair(C, []),
        R = inet(C, monitor, [S]),
        inet(C, cancel_monitor, [R]),
        inet(C, cancel_monitor, [R]),
        tcp(C, close, [S]),
        mail(C)
      end},
     {"monitor/cancelled_after", fun(C) ->
        {S, _} = pair(C, []),
        R = inet(C, monitor, [S]),
        tcp(C, close, [S]),
        mail(C, 1),
        inet(C, cancel_monitor, [R])
      end},
     {"monitor/wrong", fun(C) ->
        [inet(C, monitor, [X]) || X <- [foo, 1, {a, b}]],
        inet(C, cancel_monitor, [make_ref()]),
        inet(C, cancel_monitor, [foo])
      end},
     {"monitor/by_another", fun(C) ->
        {S, _} = pair(C, []),
        #{inet := Inet} = C,
        T = task(C, fun() -> _ = Inet:monitor(S), oracle_lib:take(1) end),
        blocked(T),
        tcp(C, close, [S]),
        await(C, other, T),
        mail(C)
      end}].

down(Ref) ->
    receive {'DOWN', Ref, Type, _, Reason} -> {Type, Reason} after 5000 -> nothing end.

%%% file:sendfile

path(C, Bytes) ->
    Path = tmp(C),
    ok = file:write_file(Path, Bytes),
    Path.

sendfile() ->
    [{["sendfile/", Name], fun(C) ->
        {S, P} = pair(C, Opts),
        {ok, Fd} = file:open(path(C, "0123456789"), [read, raw, binary]),
        file(C, sendfile, [Fd, S, Offset, Bytes, FileOpts]),
        rec(C, position, file:position(Fd, cur)),
        inet(C, getstat, [S, [send_oct, send_cnt]]),
        tcp(C, close, [S]),
        p_eof(C, P)
     end} || {Name, Opts, Offset, Bytes, FileOpts} <- [
        {"all", [], 0, 0, []}, {"some", [], 2, 3, []}, {"to_the_end", [], 7, 0, []},
        {"beyond", [], 5, 100, []}, {"offset_beyond", [], 50, 0, []}, {"packet_4", [{packet, 4}], 0, 0, []},
        {"chunks", [], 0, 0, [{chunk_size, 3}]}, {"threads", [], 0, 0, [{use_threads, true}]},
        {"active", [{active, true}], 0, 0, []}, {"last", [], 9, 1, []}
     ]] ++
    [{"sendfile/by_name", fun(C) ->
        {S, P} = pair(C, []),
        file(C, sendfile, [path(C, "0123456789"), S]),
        rec(C, peer, p_recv(P, 10))
      end},
     {"sendfile/between_sends", fun(C) ->
        {S, P} = pair(C, []),
        tcp(C, send, [S, "<"]),
        file(C, sendfile, [path(C, "file"), S]),
        tcp(C, send, [S, ">"]),
        rec(C, peer, p_recv(P, 6))
      end},
     {"sendfile/big_behind_a_queue", fun(C) ->
        {S, P} = pair(C, [{sndbuf, 16384}], [{{socket, rcvbuf}, 4096}]),
        N = fill(C, S),
        T = task(C, fun() -> p_recv(P, N + 300000) end),
        file(C, sendfile, [path(C, binary:copy(<<"f">>, 300000)), S]),
        receive {oracle, T, Bytes} -> rec(C, tail, binary:part(Bytes, N, 300000)) after 6000 -> rec(C, tail, none) end
      end},
     {"sendfile/senders_wait", fun(C) ->
        {S, P} = pair(C, [{sndbuf, 16384}], [{{socket, rcvbuf}, 4096}]),
        #{tcp := Tcp, file := File} = C,
        Path = path(C, binary:copy(<<"f">>, 600000)),
        T = task(C, fun() -> owner_ready(), Tcp:send(S, "behind") end),
        R = task(C, fun() -> blocked(T), p_recv(P, 600006) end),
        rec(C, sendfile, File:sendfile(Path, S)),
        await(C, sender, T),
        receive {oracle, R, Bytes} -> rec(C, tail, binary:part(Bytes, 599995, 11)) after 6000 -> rec(C, tail, none) end
      end},
     {"sendfile/peer_resets_meanwhile", fun(C) ->
        {S, P} = pair(C, [{sndbuf, 16384}], [{{socket, rcvbuf}, 4096}]),
        #{tcp := Tcp, file := File} = C,
        Path = path(C, binary:copy(<<"f">>, 600000)),
        _ = task(C, fun() -> owner_ready(), p_reset(P) end),
        rec(C, sendfile, File:sendfile(Path, S)),
        rec(C, send, Tcp:send(S, "x")),
        rec(C, recv, Tcp:recv(S, 0))
      end},
     {"sendfile/empty_file", fun(C) ->
        {S, _} = pair(C, []),
        file(C, sendfile, [path(C, ""), S]),
        tcp(C, send, [S, "x"])
      end}].

sendfile_errors() ->
    [{"sendfile_error/no_file", fun(C) -> {S, _} = pair(C, []), file(C, sendfile, [tmp(C), S]) end},
     {"sendfile_error/not_owner", fun(C) ->
        {S, _} = pair(C, []),
        Path = path(C, "x"),
        #{file := File} = C,
        await(C, other, task(C, fun() -> File:sendfile(Path, S) end))
      end},
     {"sendfile_error/gone", fun(C) ->
        {S, _} = pair(C, []),
        tcp(C, close, [S]),
        file(C, sendfile, [path(C, "x"), S])
      end},
     {"sendfile_error/listener", fun(C) ->
        {L, _} = listener(C, []),
        file(C, sendfile, [path(C, "x"), L])
      end},
     {"sendfile_error/zombie", fun(C) ->
        {S, P} = pair(C, []),
        p_fin(P),
        tcp(C, recv, [S, 0]),
        file(C, sendfile, [path(C, "x"), S])
      end},
     {"sendfile_error/negative", fun(C) ->
        {S, _} = pair(C, []),
        {ok, Fd} = file:open(path(C, "0123"), [read, raw, binary]),
        file(C, sendfile, [Fd, S, -1, 0, []]),
        file(C, sendfile, [Fd, S, 0, -1, []])
      end},
     {"sendfile_error/not_raw", fun(C) ->
        {S, _} = pair(C, []),
        {ok, Fd} = file:open(path(C, "0123"), [read]),
        file(C, sendfile, [Fd, S, 0, 0, []])
      end},
     {"sendfile_error/peer_reset", fun(C) ->
        #{inet := Inet} = C,
        {S, P} = pair(C, []),
        p_reset(P),
        until(fun() -> Inet:peername(S) =:= {error, enotconn} end),
        file(C, sendfile, [path(C, "0123"), S]),
        tcp(C, recv, [S, 0]),
        tcp(C, send, [S, "x"])
      end},
     {"sendfile_error/after_shutdown", fun(C) ->
        {S, _} = pair(C, []),
        tcp(C, shutdown, [S, write]),
        file(C, sendfile, [path(C, "0123"), S])
      end},
     {"sendfile_error/folder", fun(C) -> {S, _} = pair(C, []), file(C, sendfile, ["/tmp", S]) end}].
