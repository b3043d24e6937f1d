%% SPDX-License-Identifier: ISC
%% listen/2 and accept/1,2: arguments, the queue of acceptors, closing.
-module(scenarios_accept).

-export([scenarios/0]).

-include("oracle.hrl").

-define(LO, {127, 0, 0, 1}).

-spec scenarios() -> [{term(), fun((map()) -> term())}].
scenarios() ->
    listen() ++ addresses() ++ wrong() ++ timeouts() ++ queue() ++ clients() ++ closing().

listen() ->
    [{["listen/", io_lib:format("~0tp", [Args])], fun(C) -> tcp(C, listen, Args) end}
        || Args <- [[-1, []], [65536, []], ["1", []], [1.5, []], [nope, []], [0, foo], [0, [foo]],
                    [0, [{port, 70000}]], [0, [{backlog, a}]], [0, [{ip, "127.0.0.1"}]],
                    [0, [{ip, {1, 2, 3}}]], [0, [{ip, {300, 0, 0, 1}}]], [0, [inet6, {ip, ?LO}]],
                    [0, [inet, {ip, {0, 0, 0, 0, 0, 0, 0, 1}}]], [0, [{ip, {192, 0, 2, 1}}]],
                    [0, [{ttl, 0}]], [0, [local]], [0, [{netns, "/nonexistent/ns"}]], [0, [{fd, a}]],
                    [{0}, []], [0, [{ifaddr, {local, ""}}]], [1, [{ifaddr, {local, "/tmp/x"}}]],
                    [0, [{ip, nope}]], [0, [{active, 99999}]]]] ++
    [{["listen_ok/", io_lib:format("~0tp", [Opts])], fun(C) ->
        {ok, L} = tcp(C, listen, [0, Opts]),
        inet(C, port, [L]),
        inet(C, sockname, [L]),
        inet(C, peername, [L]),
        inet(C, info, [L]),
        tcp(C, close, [L])
     end} || Opts <- [[], [inet], [inet6], [{ip, any}], [{ip, loopback}], [{ip, {0, 0, 0, 0}}],
                      [{ip, {0, 0, 0, 0, 0, 0, 0, 1}}], [{ifaddr, ?LO}], [{backlog, 0}], [{backlog, -1}],
                      [{backlog, 70000}], [{ip, ?LO}, {ip, {127, 0, 0, 2}}], [inet6, {ip, any}],
                      [inet6, {ipv6_v6only, true}], [{ifaddr, #{family => inet, addr => ?LO}}],
                      [{ifaddr, #{family => inet, addr => any, port => 0}}], [{reuseaddr, true}],
                      [{port, 0}], [inet6, inet], [{ip, {127, 1, 2, 3}}, {active, once}]]].

addresses() ->
    [{"address/port_option_wins", fun(C) ->
        Port = free_port(),
        name_port(C, Port, chosen),
        {ok, L} = tcp(C, listen, [0, [{port, Port}, {ip, ?LO}]]),
        inet(C, sockname, [L])
      end},
     {"address/map_port_wins", fun(C) ->
        Port = free_port(),
        name_port(C, Port, chosen),
        {ok, L} = tcp(C, listen, [0, [{ifaddr, #{family => inet, addr => ?LO, port => Port}}]]),
        inet(C, sockname, [L])
      end},
     {"address/in_use", fun(C) ->
        {_, Port} = listener(C, []),
        tcp(C, listen, [Port, [{ip, ?LO}]]),
        tcp(C, listen, [Port, [{ip, ?LO}, {reuseaddr, true}]])
      end},
     {"address/free_after_close", fun(C) ->
        {L, Port} = listener(C, []),
        tcp(C, close, [L]),
        {ok, M} = tcp(C, listen, [Port, [{ip, ?LO}]]),
        inet(C, sockname, [M])
      end},
     {"address/time_wait", fun(C) ->
        {L, A, P} = lpair(C, []),
        Port = do(C, port, [L]),
        tcp(C, close, [A]),
        p_eof(C, P),
        p_close(P),
        tcp(C, close, [L]),
        tcp(C, listen, [Port, [{ip, ?LO}, {reuseaddr, true}]])
      end},
     {"address/time_wait_both_reuse", fun(C) ->
        {L, A, P} = lpair(C, [{reuseaddr, true}]),
        Port = do(C, port, [L]),
        tcp(C, close, [A]),
        p_eof(C, P),
        p_close(P),
        tcp(C, close, [L]),
        tcp(C, listen, [Port, [{ip, ?LO}, {reuseaddr, true}]])
      end}].

wrong() ->
    [{"wrong/connected", fun(C) -> {S, _} = pair(C, []), tcp(C, accept, [S]), tcp(C, accept, [S, 0]) end},
     {"wrong/gone", fun(C) ->
        {L, _} = listener(C, []),
        tcp(C, close, [L]),
        tcp(C, accept, [L]),
        tcp(C, accept, [L, 0])
      end},
     {"wrong/nonsense", fun(C) -> [tcp(C, accept, [X]) || X <- [foo, 1, self(), {a, b}]] end},
     {"wrong/timeouts", fun(C) ->
        {L, _} = listener(C, []),
        [tcp(C, accept, [L, T]) || T <- [foo, 1.5, "1"]]
      end}] ++
    [{["on_listener/", atom_to_list(F)], fun(C) ->
        {L, _} = listener(C, []),
        tcp(C, F, [L | A]),
        inet(C, info, [L])
     end} || {F, A} <- [{recv, [0]}, {send, ["x"]}, {unrecv, ["x"]}, {shutdown, [read]},
                        {controlling_process, [self]}]] ++
    [{"on_listener/shutdown_all", fun(C) ->
        {L, _} = listener(C, []),
        [tcp(C, shutdown, [L, How]) || How <- [read, write, read_write]]
      end}].

timeouts() ->
    [{"timeout/idle_zero", fun(C) -> {L, _} = listener(C, []), tcp(C, accept, [L, 0]) end},
     {"timeout/idle", fun(C) ->
        {L, _} = listener(C, []),
        #{tcp := Tcp} = C,
        timed(C, accept, 40, fun() -> Tcp:accept(L, 40) end)
      end},
     {"timeout/pending_zero", fun(C) ->
        {L, Port} = listener(C, []),
        _ = p_connect(Port),
        tcp(C, accept, [L, 0]),
        tcp(C, accept, [L, 0])
      end},
     {"timeout/negative_waits", fun(C) ->
        {L, Port} = listener(C, []),
        T = acceptor(C, L, -1),
        blocked(T),
        P = p_connect(Port),
        await(C, acceptor, T),
        rec(C, peer, p_recv(P, 2))
      end},
     {"timeout/then_again", fun(C) ->
        {L, Port} = listener(C, []),
        tcp(C, accept, [L, 5]),
        _ = p_connect(Port),
        tcp(C, accept, [L, 1000])
      end}].

%% Accepts in a process of its own, says its number to the peer.
acceptor(C, L, Timeout) -> acceptor(C, L, Timeout, "ok").

acceptor(#{tcp := Tcp} = C, L, Timeout, Word) ->
    task(C, fun() ->
        case Tcp:accept(L, Timeout) of
            {ok, A} -> Tcp:send(A, Word);
            Error -> Error
        end
    end).

waiting(C, L, Timeout, Word) ->
    T = acceptor(C, L, Timeout, Word),
    blocked(T),
    T.

queue() ->
    [{"queue/fifo", fun(C) ->
        {L, Port} = listener(C, []),
        _ = [waiting(C, L, infinity, W) || W <- ["1", "2", "3"]],
        rec(C, peers, [p_recv(p_connect(Port), 1) || _ <- [1, 2, 3]])
      end},
     {"queue/killed_is_skipped", fun(C) ->
        {L, Port} = listener(C, []),
        [_, B, _, _] = [waiting(C, L, infinity, W) || W <- ["1", "2", "3", "4"]],
        kill(B),
        owner_ready(),
        rec(C, peers, [p_recv(p_connect(Port), 1) || _ <- [1, 2, 3]])
      end},
     {"queue/first_killed", fun(C) ->
        {L, Port} = listener(C, []),
        [A, _] = [waiting(C, L, infinity, W) || W <- ["1", "2"]],
        kill(A),
        owner_ready(),
        rec(C, peer, p_recv(p_connect(Port), 1))
      end},
     {"queue/timed_out_is_skipped", fun(C) ->
        {L, Port} = listener(C, []),
        _ = waiting(C, L, infinity, "1"),
        B = waiting(C, L, 30, "2"),
        _ = waiting(C, L, infinity, "3"),
        await(C, second, B),
        rec(C, peers, [p_recv(p_connect(Port), 1) || _ <- [1, 2]])
      end},
     {"queue/close_ends_all", fun(C) ->
        {L, _} = listener(C, []),
        Ts = [waiting(C, L, T, "x") || T <- [infinity, 5000, infinity]],
        rec(C, states, states(C, L)),
        tcp(C, close, [L]),
        [await(C, acceptor, T) || T <- Ts]
      end},
     {"queue/states", fun(C) ->
        {L, Port} = listener(C, []),
        rec(C, states, states(C, L)),
        T = waiting(C, L, infinity, "x"),
        rec(C, states, states(C, L)),
        _ = p_connect(Port),
        await(C, acceptor, T),
        rec(C, states, states(C, L))
      end},
     {"queue/owner_of_listener_dies", fun(C) ->
        H = helper(C),
        L = ask(H, fun() -> do(C, listen, [0, [{ip, ?LO}]]) end),
        T = waiting(C, L, infinity, "x"),
        stop(H),
        await(C, acceptor, T),
        tcp(C, accept, [L])
      end},
     {"queue/acceptor_owns", fun(C) ->
        {L, Port} = listener(C, []),
        H = helper(C),
        P = p_connect(Port),
        A = ask(H, fun() -> do(C, accept, [L]) end),
        tcp(C, send, [A, "x"]),
        rec(C, peer, p_recv(P, 1)),
        kill(H),
        p_eof(C, P),
        tcp(C, send, [A, "x"])
      end},
     {"queue/pending_in_order", fun(C) ->
        {L, Port} = listener(C, []),
        Ps = [begin P = p_connect(Port), p_send(P, [I]), P end || I <- [1, 2, 3]],
        rec(C, got, [begin A = do(C, accept, [L]), do(C, recv, [A, 0]) end || _ <- Ps])
      end},
     {"queue/backlog_keeps_them", fun(C) ->
        {L, Port} = listener(C, [{backlog, 5}]),
        Ps = [p_connect(Port) || _ <- [1, 2, 3, 4]],
        [tcp(C, accept, [L, 1000]) || _ <- Ps],
        tcp(C, accept, [L, 0])
      end}].

states(#{inet := Inet}, S) -> maps:get(states, Inet:info(S)).

%% What the client did before it was accepted.
clients() ->
    [{["client/", Name], fun(C) ->
        {L, Port} = listener(C, Opts),
        P = p_connect(Port),
        What(P),
        {ok, A} = tcp(C, accept, [L, 2000]),
        mail(C, N),
        [tcp(C, F, [A | Args]) || {F, Args} <- Calls]
     end} || {Name, Opts, What, N, Calls} <- [
        {"data_first", [], fun(P) -> p_send(P, "abc") end, 0, [{recv, [0]}]},
        {"data_first_active", [{active, true}], fun(P) -> p_send(P, "abc") end, 1, []},
        {"data_first_once", [{active, once}], fun(P) -> p_send(P, "abc") end, 1, []},
        {"data_first_list", [list, {active, true}], fun(P) -> p_send(P, "abc") end, 1, []},
        {"closed_first", [], fun(P) -> p_send(P, "abc"), p_close(P) end, 0,
            [{recv, [0]}, {recv, [0]}, {recv, [0]}]},
        {"closed_first_active", [{active, true}], fun(P) -> p_send(P, "abc"), p_fin(P) end, 2, [{recv, [0]}]},
        {"packets_first", [{packet, 2}, {active, 2}],
            fun(P) -> p_send(P, <<0, 1, "a", 0, 1, "b", 0, 1, "c">>) end, 3, []},
        {"reset_first", [], fun(P) -> oracle_lib:p_reset(P), oracle_lib:owner_ready() end, 0,
            [{recv, [0]}, {send, ["x"]}]}
     ]] ++
    [{"client/reset_peername", fun(C) ->
        {L, Port} = listener(C, []),
        P = p_connect(Port),
        p_reset(P),
        owner_ready(),
        {ok, A} = tcp(C, accept, [L, 2000]),
        inet(C, peername, [A]),
        tcp(C, recv, [A, 0])
      end}].

closing() ->
    [{"close/listener_leaves_accepted", fun(C) ->
        {L, A, P} = lpair(C, []),
        tcp(C, close, [L]),
        tcp(C, send, [A, "x"]),
        rec(C, peer, p_recv(P, 1)),
        p_send(P, "y"),
        tcp(C, recv, [A, 0])
      end},
     {"close/pending_are_reset", fun(C) ->
        {L, Port} = listener(C, []),
        P = p_connect(Port),
        tcp(C, close, [L]),
        p_eof(C, P)
      end},
     {"close/nobody_listens", fun(C) ->
        {L, Port} = listener(C, []),
        tcp(C, close, [L]),
        tcp(C, connect, [?LO, Port, []])
      end},
     {"close/twice", fun(C) ->
        {L, _} = listener(C, []),
        tcp(C, close, [L]),
        tcp(C, close, [L]),
        inet(C, port, [L]),
        inet(C, sockname, [L]),
        inet(C, info, [L])
      end},
     {"close/by_another", fun(C) ->
        {L, _} = listener(C, []),
        T = waiting(C, L, infinity, "x"),
        await(C, closer, task(C, fun() -> do(C, close, [L]) end)),
        await(C, acceptor, T)
      end}].
