%% SPDX-License-Identifier: ISC
%% close/1 and shutdown/2: what the peer sees, what others see, linger.
-module(scenarios_close).

-export([scenarios/0]).

-include("oracle.hrl").

-spec scenarios() -> [{term(), fun((map()) -> term())}].
scenarios() ->
    plain() ++ gone() ++ mailbox() ++ queued() ++ shutdown() ++ deferred() ++ linger() ++ waiters().

plain() ->
    [{["plain/", Name], fun(C) ->
        {S, P} = pair(C, Opts),
        Before(P),
        tcp(C, close, [S]),
        mail(C),
        p_eof(C, P)
     end} || {Name, Opts, Before} <- [
        {"fin", [], fun(_) -> ok end},
        {"active", [{active, true}], fun(_) -> ok end},
        {"unread_input_resets", [], fun(P) -> p_send(P, "unread") end},
        {"peer_finished", [], fun oracle_lib:p_fin/1},
        {"linger_zero_resets", [{linger, {true, 0}}], fun(_) -> ok end},
        {"linger_five", [{linger, {true, 5}}], fun(_) -> ok end},
        {"half", [{exit_on_close, false}], fun(_) -> ok end}
     ]] ++
    [{"plain/sent_comes_before_the_end", fun(C) ->
        {S, P} = pair(C, []),
        tcp(C, send, [S, "last words"]),
        tcp(C, close, [S]),
        p_eof(C, P)
      end},
     {"plain/by_another_process", fun(C) ->
        {S, P} = pair(C, [{active, true}]),
        await(C, closer, task(C, fun() -> do(C, close, [S]) end)),
        mail(C),
        p_eof(C, P)
      end},
     {"plain/nonsense", fun(C) -> [tcp(C, close, [X]) || X <- [foo, 1, self(), {a, b}]] end},
     {"plain/exit_of_owner_normal", fun(C) -> owner_ends(C, fun oracle_lib:stop/1, []) end},
     {"plain/exit_of_owner_killed", fun(C) -> owner_ends(C, fun oracle_lib:kill/1, []) end},
     {"plain/exit_of_owner_linger", fun(C) -> owner_ends(C, fun oracle_lib:kill/1, [{linger, {true, 0}}]) end},
     {"plain/inet_close", fun(C) ->
        {S, P} = pair(C, []),
        inet(C, close, [S]),
        p_eof(C, P),
        tcp(C, send, [S, "x"])
      end}].

owner_ends(C, How, Opts) ->
    L = p_listen([]),
    H = helper(C),
    S = ask(H, fun() -> do(C, connect, [{127, 0, 0, 1}, p_port(L), [{active, false} | Opts]]) end),
    P = p_accept(L),
    How(H),
    p_eof(C, P),
    tcp(C, recv, [S, 0]),
    tcp(C, send, [S, "x"]),
    inet(C, info, [S]).

%% Each function on a handle that is gone.
gone() ->
    [{["gone/", How, "/", atom_to_list(F)], fun(C) ->
        S = gone_socket(C, How),
        case Which of
            tcp -> tcp(C, F, [S | Args]);
            inet -> inet(C, F, [S | Args])
        end
     end} || How <- ["closed", "active_end"], {Which, F, Args} <- calls()] ++
    [{["zombie/", atom_to_list(F)], fun(C) ->
        {S, P} = pair(C, []),
        p_fin(P),
        tcp(C, recv, [S, 0]),
        case Which of
            tcp -> tcp(C, F, [S | Args]);
            inet -> inet(C, F, [S | Args])
        end,
        tcp(C, recv, [S, 0]),
        tcp(C, send, [S, "x"])
     end} || {Which, F, Args} <- calls()].

calls() ->
    [{tcp, send, ["x"]}, {tcp, recv, [0]}, {tcp, recv, [0, 0]}, {tcp, accept, []}, {tcp, accept, [0]},
     {tcp, shutdown, [read]}, {tcp, unrecv, ["x"]}, {tcp, close, []}, {inet, setopts, [[{active, false}]]},
     {inet, getopts, [[active]]}, {inet, getstat, []}, {inet, getstat, [[recv_cnt]]}, {inet, sockname, []},
     {inet, peername, []}, {inet, port, []}, {inet, info, []}, {inet, getfd, []}]
    -- [{tcp, recv, [0, 0]}, {tcp, accept, [0]}, {inet, getstat, [[recv_cnt]]}, {inet, getfd, []}].

gone_socket(C, "closed") ->
    {S, _} = pair(C, []),
    ok = do(C, close, [S]),
    S;
gone_socket(C, "active_end") ->
    {S, P} = pair(C, [{active, true}]),
    p_fin(P),
    mail(C, 1),
    S.

%% What close does to the caller's mailbox.
mailbox() ->
    [{"mailbox/takes_tcp_closed", fun(C) ->
        {S, P} = pair(C, [{active, true}]),
        p_fin(P),
        messages(1),
        tcp(C, close, [S]),
        mail(C)
      end},
     {"mailbox/leaves_data", fun(C) ->
        {S, P} = pair(C, [{active, true}]),
        p_send(P, "data"),
        p_fin(P),
        messages(2),
        tcp(C, close, [S]),
        mail(C)
      end},
     {"mailbox/leaves_error", fun(C) ->
        {S, P} = pair(C, [{active, true}, {show_econnreset, true}]),
        p_reset(P),
        messages(2),
        tcp(C, close, [S]),
        mail(C)
      end},
     {"mailbox/leaves_passive", fun(C) ->
        {S, P} = pair(C, [{active, 1}]),
        p_send(P, "data"),
        messages(2),
        tcp(C, close, [S]),
        mail(C)
      end},
     {"mailbox/of_the_caller_alone", fun(C) ->
        {S, P} = pair(C, [{active, true}]),
        p_fin(P),
        messages(1),
        await(C, closer, task(C, fun() -> do(C, close, [S]) end)),
        mail(C)
      end},
     {"mailbox/half_takes_tcp_closed", fun(C) ->
        {S, P} = pair(C, [{active, true}, {exit_on_close, false}]),
        p_fin(P),
        messages(1),
        tcp(C, close, [S]),
        mail(C)
      end},
     {"mailbox/of_others_sockets_stays", fun(C) ->
        {S, P} = pair(C, [{active, true}]),
        {T, Q} = pair(C, [{active, true}]),
        p_fin(P),
        messages(1),
        p_fin(Q),
        messages(2),
        tcp(C, close, [T]),
        mail(C),
        tcp(C, close, [S])
      end},
     {"mailbox/own_messages_stay", fun(C) ->
        {S, P} = pair(C, [{active, true}]),
        self() ! {tcp_closed, not_a_socket},
        self() ! hello,
        p_fin(P),
        messages(3),
        tcp(C, close, [S]),
        mail(C)
      end}].

%% Returns when N messages are in the mailbox, without taking them.
messages(N) ->
    Self = self(),
    until(fun() -> {message_queue_len, Now} = process_info(Self, message_queue_len), Now >= N end).

narrow(C, Opts) ->
    pair(C, [{sndbuf, 16384} | Opts], [{{socket, rcvbuf}, 4096}]).

queued() ->
    [{["queued/", Name], fun(C) ->
        {S, P} = narrow(C, Opts),
        #{tcp := Tcp} = C,
        N = fill(C, S),
        T = task(C, fun() -> Tcp:close(S) end),
        {Bytes, End} = p_all(P),
        await(C, closer, T),
        rec(C, all_came, byte_size(Bytes) =:= N),
        rec(C, peer_end, End)
     end} || {Name, Opts} <- [{"reading_peer", []}, {"linger_five", [{linger, {true, 5}}]},
                              {"active", [{active, true}]}, {"half", [{exit_on_close, false}]}]] ++
    [{"queued/linger_zero_drops", fun(C) ->
        {S, P} = narrow(C, [{linger, {true, 0}}]),
        N = fill(C, S),
        #{tcp := Tcp} = C,
        timed(C, close, 1000, fun() -> Tcp:close(S) end),
        {Bytes, End} = p_all(P),
        rec(C, all_came, byte_size(Bytes) =:= N),
        rec(C, peer_end, End)
      end},
     {"queued/linger_one_silent_peer", fun(C) ->
        {S, _} = narrow(C, [{linger, {true, 1}}]),
        _ = fill(C, S),
        #{tcp := Tcp} = C,
        timed(C, close, 1000, fun() -> Tcp:close(S) end)
      end},
     {"queued/owner_killed", fun(C) ->
        H = helper(C),
        L = p_listen([{{socket, rcvbuf}, 4096}]),
        S = ask(H, fun() ->
            do(C, connect, [{127, 0, 0, 1}, p_port(L), [{active, false}, {sndbuf, 16384}]])
        end),
        P = p_accept(L),
        N = fill(C, S),
        kill(H),
        {Bytes, End} = p_all(P),
        rec(C, all_came, byte_size(Bytes) =:= N),
        rec(C, peer_end, End)
      end},
     {"queued/owner_killed_linger_zero", fun(C) ->
        H = helper(C),
        L = p_listen([{{socket, rcvbuf}, 4096}]),
        S = ask(H, fun() ->
            do(C, connect, [{127, 0, 0, 1}, p_port(L),
                            [{active, false}, {sndbuf, 16384}, {linger, {true, 0}}]])
        end),
        P = p_accept(L),
        N = fill(C, S),
        kill(H),
        {Bytes, End} = p_all(P),
        rec(C, all_came, byte_size(Bytes) =:= N),
        rec(C, peer_end, End)
      end},
     {"queued/peer_resets_meanwhile", fun(C) ->
        {S, P} = narrow(C, []),
        _ = fill(C, S),
        #{tcp := Tcp} = C,
        T = task(C, fun() -> Tcp:close(S) end),
        blocked(T),
        p_reset(P),
        rec(C, closer, ended(T, 5900))
      end}].

shutdown() ->
    [{["shutdown/", atom_to_list(How)], fun(C) ->
        {S, P} = pair(C, []),
        p_send(P, "input"),
        tcp(C, shutdown, [S, How]),
        tcp(C, recv, [S, 5]),
        rec(C, peer, p_quiet(P)),
        tcp(C, shutdown, [S, How]),
        inet(C, info, [S])
     end} || How <- [read, write, read_write]] ++
    [{"shutdown/bad_how", fun(C) ->
        {S, _} = pair(C, []),
        [tcp(C, shutdown, [S, How]) || How <- [both, "read", 1, rw]]
      end},
     {"shutdown/nonsense", fun(C) -> [tcp(C, shutdown, [X, read]) || X <- [foo, 1, {a, b}]] end},
     {"shutdown/write_then_receive", fun(C) ->
        {S, P} = pair(C, []),
        tcp(C, send, [S, "question"]),
        tcp(C, shutdown, [S, write]),
        p_eof(C, P),
        p_send(P, "answer"),
        p_fin(P),
        tcp(C, recv, [S, 0]),
        tcp(C, recv, [S, 0])
      end},
     {"shutdown/write_active_then_receive", fun(C) ->
        {S, P} = pair(C, [{active, true}]),
        tcp(C, shutdown, [S, write]),
        p_eof(C, P),
        p_send(P, "answer"),
        p_fin(P),
        mail(C, 2),
        inet(C, info, [S])
      end},
     {"shutdown/read_then_input", fun(C) ->
        {S, P} = pair(C, []),
        p_send(P, "in the kernel"),
        tcp(C, shutdown, [S, read]),
        tcp(C, recv, [S, 0]),
        tcp(C, recv, [S, 0]),
        tcp(C, send, [S, "x"])
      end},
     {"shutdown/read_half_then_send", fun(C) ->
        {S, P} = pair(C, [{exit_on_close, false}]),
        tcp(C, shutdown, [S, read]),
        tcp(C, recv, [S, 0]),
        tcp(C, send, [S, "x"]),
        rec(C, peer, p_recv(P, 1))
      end},
     {"shutdown/by_another_process", fun(C) ->
        {S, P} = pair(C, []),
        await(C, other, task(C, fun() -> do(C, shutdown, [S, write]) end)),
        p_eof(C, P),
        tcp(C, send, [S, "x"])
      end},
     {"shutdown/after_reset", fun(C) ->
        #{inet := Inet} = C,
        {S, P} = pair(C, []),
        p_reset(P),
        until(fun() -> Inet:peername(S) =:= {error, enotconn} end),
        tcp(C, shutdown, [S, write]),
        tcp(C, shutdown, [S, read_write])
      end},
     {"shutdown/refused_then_send", fun(C) ->
        #{inet := Inet} = C,
        {S, P} = pair(C, [{show_econnreset, true}, {exit_on_close, false}]),
        p_close(P),
        tcp(C, recv, [S, 0]),
        tcp(C, send, [S, "x"]),
        until(fun() -> Inet:peername(S) =:= {error, enotconn} end),
        tcp(C, shutdown, [S, write]),
        tcp(C, send, [S, "x"]),
        tcp(C, recv, [S, 0])
      end},
     {"shutdown/both_ways_one_by_one", fun(C) ->
        {S, P} = pair(C, []),
        tcp(C, shutdown, [S, write]),
        tcp(C, shutdown, [S, read]),
        p_eof(C, P),
        tcp(C, recv, [S, 0]),
        tcp(C, recv, [S, 0])
      end}].

deferred() ->
    [{"deferred/write_with_queue", fun(C) ->
        {S, P} = narrow(C, []),
        N = fill(C, S),
        tcp(C, shutdown, [S, write]),
        {Bytes, End} = p_all(P),
        rec(C, all_came, byte_size(Bytes) =:= N),
        rec(C, peer_end, End),
        p_send(P, "answer"),
        tcp(C, recv, [S, 0])
      end},
     {"deferred/send_drops_the_queue", fun(C) ->
        {S, P} = narrow(C, []),
        N = fill(C, S),
        tcp(C, shutdown, [S, write]),
        tcp(C, send, [S, "y"]),
        tcp(C, send, [S, "y"]),
        {Bytes, _} = p_all(P),
        rec(C, all_came, byte_size(Bytes) =:= N)
      end},
     {"deferred/read_write_with_queue", fun(C) ->
        {S, P} = narrow(C, []),
        N = fill(C, S),
        tcp(C, shutdown, [S, read_write]),
        {Bytes, End} = p_all(P),
        rec(C, all_came, byte_size(Bytes) =:= N),
        rec(C, peer_end, End)
      end},
     {"deferred/then_close", fun(C) ->
        {S, P} = narrow(C, []),
        N = fill(C, S),
        tcp(C, shutdown, [S, write]),
        #{tcp := Tcp} = C,
        T = task(C, fun() -> Tcp:close(S) end),
        {Bytes, End} = p_all(P),
        await(C, closer, T),
        rec(C, all_came, byte_size(Bytes) =:= N),
        rec(C, peer_end, End)
      end}].

linger() ->
    [{"linger/inherited_by_accepted", fun(C) ->
        {_, A, P} = lpair(C, [{linger, {true, 0}}]),
        tcp(C, close, [A]),
        p_eof(C, P)
      end},
     {"linger/peer_under_test_hidden", fun(C) ->
        {_, A, S} = both(C, [{linger, {true, 0}}], []),
        tcp(C, close, [A]),
        tcp(C, recv, [S, 0]),
        tcp(C, recv, [S, 0])
      end},
     {"linger/peer_under_test_shown", fun(C) ->
        {_, A, S} = both(C, [{linger, {true, 0}}], [{show_econnreset, true}]),
        tcp(C, close, [A]),
        tcp(C, recv, [S, 0]),
        tcp(C, recv, [S, 0])
      end},
     {"linger/set_later", fun(C) ->
        {S, P} = pair(C, []),
        inet(C, setopts, [S, [{linger, {true, 0}}]]),
        tcp(C, close, [S]),
        p_eof(C, P)
      end}].

waiters() ->
    [{"waiters/recv_and_close_by_owner", fun(C) ->
        {S, _} = pair(C, []),
        #{tcp := Tcp} = C,
        T = task(C, fun() -> Tcp:recv(S, 10) end),
        blocked(T),
        tcp(C, close, [S]),
        await(C, receiver, T)
      end},
     {"waiters/recv_and_owner_dies", fun(C) ->
        H = helper(C),
        L = p_listen([]),
        S = ask(H, fun() -> do(C, connect, [{127, 0, 0, 1}, p_port(L), [{active, false}]]) end),
        _ = p_accept(L),
        #{tcp := Tcp} = C,
        T = task(C, fun() -> Tcp:recv(S, 10) end),
        blocked(T),
        kill(H),
        await(C, receiver, T)
      end}].
