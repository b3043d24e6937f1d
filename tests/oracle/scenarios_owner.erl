%% SPDX-License-Identifier: ISC
%% controlling_process/2: who may, what moves, what stays.
-module(scenarios_owner).

-export([scenarios/0]).

-include("oracle.hrl").

-spec scenarios() -> [{term(), fun((map()) -> term())}].
scenarios() ->
    results() ++ moves() ++ afterwards() ++ listeners() ++ death().

results() ->
    [{"result/to_itself", fun(C) -> {S, _} = pair(C, []), tcp(C, controlling_process, [S, self()]) end},
     {"result/not_owner", fun(C) ->
        {S, _} = pair(C, []),
        await(C, other, task(C, fun() -> give(C, S, self()) end)),
        H = helper(C),
        await(C, third, task(C, fun() -> give(C, S, H) end))
      end},
     {"result/not_owner_to_owner", fun(C) ->
        {S, _} = pair(C, []),
        Self = self(),
        await(C, other, task(C, fun() -> give(C, S, Self) end))
      end},
     {"result/to_the_dead", fun(C) ->
        {S, P} = pair(C, [{active, true}]),
        tcp(C, controlling_process, [S, dead(C)]),
        inet(C, getopts, [S, [active]]),
        p_send(P, "x"),
        mail(C)
      end},
     {"result/to_the_dead_passive", fun(C) ->
        {S, P} = pair(C, []),
        tcp(C, controlling_process, [S, dead(C)]),
        p_send(P, "x"),
        tcp(C, recv, [S, 0]),
        rec(C, owner, owner(C, S) =:= self())
      end},
     {"result/gone", fun(C) ->
        {S, _} = pair(C, []),
        ok = do(C, close, [S]),
        tcp(C, controlling_process, [S, self()]),
        tcp(C, controlling_process, [S, helper(C)])
      end},
     {"result/not_a_pid", fun(C) ->
        {S, _} = pair(C, []),
        [tcp(C, controlling_process, [S, X]) || X <- [foo, 1, "pid", make_ref()]]
      end},
     {"result/nonsense_socket", fun(C) ->
        [tcp(C, controlling_process, [X, self()]) || X <- [foo, 1, {a, b}]]
      end},
     {"result/given_twice", fun(C) ->
        {S, _} = pair(C, []),
        H = helper(C),
        tcp(C, controlling_process, [S, H]),
        tcp(C, controlling_process, [S, helper(C)]),
        tcp(C, controlling_process, [S, H])
      end},
     {"result/zombie", fun(C) ->
        {S, P} = pair(C, []),
        p_fin(P),
        tcp(C, recv, [S, 0]),
        H = helper(C),
        tcp(C, controlling_process, [S, H]),
        rec(C, owner, owner(C, S) =:= H)
      end}].

states(#{inet := Inet}, S) -> maps:get(states, Inet:info(S)).

give(#{tcp := Tcp}, S, Pid) -> Tcp:controlling_process(S, Pid).

owner(#{inet := Inet}, S) -> maps:get(owner, Inet:info(S)).

dead(C) ->
    H = helper(C),
    kill(H),
    H.

%% What was in the old owner's mailbox, and what comes then.
moves() ->
    [{["move/", Name], fun(C) ->
        {S, P} = pair(C, Opts),
        H = helper(C),
        First(P),
        messages(Before),
        tcp(C, controlling_process, [S, H]),
        inet(C, getopts, [S, [active]]),
        Then(P),
        rec(C, new_owner, ask(H, fun() -> oracle_lib:take(After) end)),
        mail(C),
        rec(C, owner, owner_name(C, S, H))
     end} || {Name, Opts, First, Before, Then, After} <- [
        {"nothing", [{active, true}], none(), 0, none(), 0},
        {"then_data", [{active, true}], none(), 0, send("x"), 1},
        {"data", [{active, true}, {packet, 1}], send([1, "a", 1, "b", 1, "c"]), 3, send([1, "d"]), 4},
        {"once_taken", [{active, once}], send("a"), 1, none(), 1},
        {"once_kept", [{active, once}], none(), 0, send("a"), 1},
        {"number_kept", [{active, 3}, {packet, 1}], send([1, "a"]), 1, send([1, "b"]), 2},
        {"number_taken", [{active, 1}], send("a"), 2, none(), 1},
        {"number_of_many", [{active, 2}, {packet, 1}], send([1, "a", 1, "b", 1, "c"]), 3, none(), 2},
        {"passive", [], send("a"), 0, none(), 0},
        {"closed_half", [{active, true}, {exit_on_close, false}], fun oracle_lib:p_fin/1, 1, none(), 1},
        {"data_closed_half", [{active, true}, {exit_on_close, false}, {packet, 1}],
            fun(P) -> p_send(P, [1, "a"]), p_fin(P) end, 2, none(), 2},
        {"http", [{active, true}, {packet, http}], send("GET / HTTP/1.0\r\n"), 1, send("A: b\r\n\r\n"), 2},
        {"deliver_port", [{active, true}, {deliver, port}], send("a"), 1, send("b"), 2},
        {"list", [{active, true}, list], send("a"), 1, send("b"), 2},
        {"end_then", [{active, true}], none(), 0, fun oracle_lib:p_fin/1, 1},
        {"shown_reset_then", [{active, true}, {show_econnreset, true}], none(), 0, fun oracle_lib:p_reset/1, 2}
     ]] ++
    [{"move/others_messages_stay", fun(C) ->
        {S, P} = pair(C, [{active, true}]),
        {T, Q} = pair(C, [{active, true}]),
        H = helper(C),
        self() ! before,
        p_send(Q, "q"),
        messages(2),
        p_send(P, "p"),
        messages(3),
        self() ! behind,
        tcp(C, controlling_process, [S, H]),
        rec(C, new_owner, ask(H, fun() -> oracle_lib:take(1) end)),
        mail(C, 3),
        rec(C, mine, owner(C, T) =:= self())
      end},
     {"move/closed_before", fun(C) ->
        {S, P} = pair(C, [{active, true}]),
        H = helper(C),
        p_fin(P),
        messages(1),
        tcp(C, controlling_process, [S, H]),
        rec(C, new_owner, ask(H, fun() -> oracle_lib:flush() end)),
        mail(C)
      end},
     {"move/chain", fun(C) ->
        {S, P} = pair(C, [{active, true}, {packet, 1}]),
        [H1, H2] = [helper(C), helper(C)],
        p_send(P, [1, "a"]),
        messages(1),
        tcp(C, controlling_process, [S, H1]),
        p_send(P, [1, "b"]),
        rec(C, second, ask(H1, fun() -> messages(2), give(C, S, H2) end)),
        p_send(P, [1, "c"]),
        rec(C, third, ask(H2, fun() -> oracle_lib:take(3) end)),
        rec(C, left, ask(H1, fun() -> oracle_lib:flush() end))
      end},
     {"move/there_and_back", fun(C) ->
        {S, P} = pair(C, [{active, true}, {packet, 1}]),
        Self = self(),
        H = helper(C),
        p_send(P, [1, "a"]),
        messages(1),
        tcp(C, controlling_process, [S, H]),
        p_send(P, [1, "b"]),
        rec(C, back, ask(H, fun() -> messages(2), give(C, S, Self) end)),
        mail(C, 2)
      end}].

none() -> fun(_) -> ok end.
send(Bytes) -> fun(P) -> p_send(P, Bytes) end.

owner_name(C, S, H) ->
    #{inet := Inet} = C,
    Self = self(),
    case Inet:info(S) of
        #{owner := Self} -> old;
        #{owner := H} -> new;
        Other -> maps:get(states, Other)
    end.

messages(N) ->
    Self = self(),
    until(fun() -> {message_queue_len, Now} = process_info(Self, message_queue_len), Now >= N end).

afterwards() ->
    [{"after/old_owner_may_all", fun(C) ->
        {S, P} = pair(C, []),
        tcp(C, controlling_process, [S, helper(C)]),
        tcp(C, send, [S, "x"]),
        rec(C, peer, p_recv(P, 1)),
        p_send(P, "y"),
        tcp(C, recv, [S, 0]),
        inet(C, setopts, [S, [{packet, 2}]]),
        tcp(C, close, [S]),
        p_eof(C, P)
      end},
     {"after/new_owner_sets_active", fun(C) ->
        {S, P} = pair(C, []),
        H = helper(C),
        p_send(P, "abc"),
        tcp(C, controlling_process, [S, H]),
        rec(C, new_owner, ask(H, fun() -> [do(C, setopts, [S, [{active, once}]]) | oracle_lib:take(1)] end)),
        mail(C)
      end},
     {"after/old_owner_sets_active", fun(C) ->
        {S, P} = pair(C, []),
        H = helper(C),
        p_send(P, "abc"),
        tcp(C, controlling_process, [S, H]),
        inet(C, setopts, [S, [{active, once}]]),
        rec(C, new_owner, ask(H, fun() -> oracle_lib:take(1) end)),
        mail(C)
      end},
     {"after/accepted_given_away", fun(C) ->
        {_, A, P} = lpair(C, [{active, once}, {packet, line}]),
        H = helper(C),
        tcp(C, controlling_process, [A, H]),
        p_send(P, "one\ntwo\n"),
        rec(C, new_owner, ask(H, fun() -> oracle_lib:take(1) end)),
        mail(C)
      end},
     {"after/recv_waits_over_it", fun(C) ->
        {S, P} = pair(C, []),
        #{tcp := Tcp} = C,
        T = task(C, fun() -> Tcp:recv(S, 0) end),
        blocked(T),
        tcp(C, controlling_process, [S, helper(C)]),
        p_send(P, "abc"),
        await(C, receiver, T)
      end}].

listeners() ->
    [{"listener/given", fun(C) ->
        {L, Port} = listener(C, []),
        H = helper(C),
        tcp(C, controlling_process, [L, H]),
        P = p_connect(Port),
        {ok, A} = tcp(C, accept, [L, 1000]),
        rec(C, mine, owner(C, A) =:= self()),
        p_send(P, "x"),
        tcp(C, recv, [A, 0]),
        kill(H),
        until(fun() -> states(C, L) =:= [closed] end),
        tcp(C, accept, [L, 1000])
      end},
     {"listener/old_owner_dies", fun(C) ->
        H = helper(C),
        Self = self(),
        L = ask(H, fun() -> do(C, listen, [0, [{ip, {127, 0, 0, 1}}]]) end),
        rec(C, given, ask(H, fun() -> give(C, L, Self) end)),
        kill(H),
        tcp(C, accept, [L, 0]),
        inet(C, info, [L])
      end}].

death() ->
    [{["death/", Name], fun(C) ->
        {S, P} = pair(C, [{active, Active}]),
        H = helper(C),
        tcp(C, controlling_process, [S, H]),
        How(H),
        p_eof(C, P),
        tcp(C, send, [S, "x"]),
        inet(C, info, [S])
     end} || {Name, Active, How} <- [{"new_owner_killed", false, fun oracle_lib:kill/1},
                                     {"new_owner_ends", true, fun oracle_lib:stop/1}]] ++
    [{"death/old_owner_does_not_matter", fun(C) ->
        H = helper(C),
        Self = self(),
        L = p_listen([]),
        S = ask(H, fun() -> do(C, connect, [{127, 0, 0, 1}, p_port(L), [{active, true}, binary]]) end),
        P = p_accept(L),
        rec(C, given, ask(H, fun() -> give(C, S, Self) end)),
        kill(H),
        p_send(P, "x"),
        mail(C, 1),
        tcp(C, send, [S, "y"]),
        rec(C, peer, p_recv(P, 1))
      end},
     {"death/unread_input_resets", fun(C) ->
        H = helper(C),
        L = p_listen([]),
        _ = ask(H, fun() -> do(C, connect, [{127, 0, 0, 1}, p_port(L), [{active, false}]]) end),
        P = p_accept(L),
        p_send(P, "unread"),
        kill(H),
        p_eof(C, P)
      end}].
