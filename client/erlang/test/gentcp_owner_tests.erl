%% SPDX-License-Identifier: ISC
%% Owners, the binding as a part of OTP, and daemons that are not there.
-module(gentcp_owner_tests).
-compile([export_all, nowarn_export_all]).

-include("gentcp_test.hrl").

-import(gentcp_test_lib, [alone/1, pair/1, pair/2, elsewhere/1, result/1, waits/1, eventually/1, teller/0, listen/1]).

gentcp_owner_test_() -> gentcp_test_lib:all(?MODULE).

%% --- owners ----------------------------------------------------------------

t_controlling_process() ->
    {A, C} = pair([{active, true}]),
    Teller = teller(),
    ok = gentcp:controlling_process(A, Teller),
    ok = gentcp:send(C, "x"),
    ?assertTold({told, Teller, {tcp, A, "x"}}),
    ?assertMatch(#{owner := Teller}, gentcp_inet:info(A)),
    ?assertEqual({error, not_owner}, gentcp:controlling_process(A, self())),
    ?assertEqual(ok, gentcp:controlling_process(A, Teller)),
    ok = gentcp:close(A),
    ?assertEqual({error, closed}, gentcp:controlling_process(A, self())).

t_controlling_process_moves() ->
    {A, C} = pair([{active, 10}, {packet, 1}], [{packet, 1}]),
    Texts = ["1", "2", "3"],
    [ok = gentcp:send(C, Text) || Text <- Texts],
    eventually(fun() -> length(element(2, process_info(self(), messages))) =:= 3 end),
    Teller = teller(),
    ok = gentcp:controlling_process(A, Teller),
    ok = gentcp:send(C, "4"),
    [receive {told, Teller, Message} -> ?assertEqual({tcp, A, Text}, Message)
     after ?DEADLINE -> error(none) end || Text <- Texts ++ ["4"]],
    ?assertEqual({ok, [{active, 6}]}, gentcp_inet:getopts(A, [active])).

%% By the daemon's number, which another program may have as well.
t_controlling_process_of_a_client() ->
    {A, C} = pair([{active, 10}, {packet, 1}], [{packet, 1}]),
    Texts = ["1", "2", "3"],
    [ok = gentcp:send(C, Text) || Text <- Texts],
    eventually(fun() -> length(element(2, process_info(self(), messages))) =:= 3 end),
    Teller = teller(),
    {ok, {_, _, Number}} = gentcp_conn:find(Teller),
    ?assertEqual({error, badarg}, gentcp:controlling_process(A, {client, 4711})),
    ok = gentcp:controlling_process(A, {client, Number}),
    ?assertEqual(ok, gentcp:controlling_process(A, {client, Number})),
    ok = gentcp:send(C, "4"),
    [receive {told, Teller, Message} -> ?assertEqual({tcp, A, Text}, Message)
     after ?DEADLINE -> error(none) end || Text <- Texts ++ ["4"]],
    ?assertMatch(#{owner := Teller}, gentcp_inet:info(A)),
    ?assertEqual({ok, [{active, 6}]}, gentcp_inet:getopts(A, [active])),
    {ok, {_, _, Mine}} = gentcp_conn:find(self()),
    ?assertEqual({error, not_owner}, gentcp:controlling_process(A, {client, Mine})),
    ?assertError(function_clause, gentcp:controlling_process(A, {client, none})).

t_controlling_process_refused() ->
    {A, _} = pair([]),
    Other = elsewhere(fun() -> gentcp:controlling_process(A, self()) end),
    ?assertEqual({error, not_owner}, result(Other)),
    ?assertError(function_clause, gentcp:controlling_process(A, nobody)).

t_controlling_process_of_a_dead() ->
    {A, _} = pair([{active, once}]),
    {Pid, Ref} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Ref, _, _, _} -> ok end,
    ?assertEqual({error, badarg}, gentcp:controlling_process(A, Pid)),
    ?assertMatch(#{active := once}, gentcp_inet:info(A)),
    ?assertEqual(ok, gentcp:controlling_process(A, self())).

t_controlling_process_active_n() ->
    {A, C} = pair([{active, 1}]),
    ok = gentcp:send(C, "x"),
    eventually(fun() -> length(element(2, process_info(self(), messages))) =:= 2 end),
    Teller = teller(),
    ok = gentcp:controlling_process(A, Teller),
    ?assertTold({told, Teller, {tcp, A, "x"}}),
    %% it stays, as with gen_tcp
    ?assertTold({tcp_passive, A}).

%% --- as part of OTP --------------------------------------------------------

t_stock_dispatch() ->
    {ok, L} = gen_tcp:listen(0, [{tcp_module, gentcp}, {ip, {127, 0, 0, 1}}, {active, false}]),
    {ok, Port} = inet:port(L),
    {ok, C} = gen_tcp:connect("127.0.0.1", Port, [{tcp_module, gentcp}, binary, {active, once}]),
    {ok, A} = gen_tcp:accept(L, 1000),
    {'$inet', gentcp, _} = A,
    ok = gen_tcp:send(A, "x"),
    ?assertTold({tcp, C, <<"x">>}),
    ok = inet:setopts(C, [{active, false}]),
    {ok, [{active, false}]} = inet:getopts(C, [active]),
    ok = gen_tcp:send(C, "y"),
    {ok, "y"} = gen_tcp:recv(A, 0, 1000),
    {ok, [{recv_cnt, 1}]} = inet:getstat(A, [recv_cnt]),
    {ok, {{127, 0, 0, 1}, Port}} = inet:sockname(A),
    ?assertEqual(inet:sockname(C), inet:peername(A)),
    ?assertMatch("#Gentcp<" ++ _, inet:socket_to_list(A)),
    Ref = inet:monitor(A),
    true = inet:cancel_monitor(Ref),
    ok = gen_tcp:shutdown(A, write),
    ?assertEqual({error, closed}, gen_tcp:recv(C, 0)),
    ok = gen_tcp:controlling_process(A, self()),
    ok = inet:close(C),
    ok = gen_tcp:close(A),
    ?assertExit(badarg, gen_tcp:connect("127.0.0.1", Port, [{tcp_module, gentcp}, {foo, 1}])),
    ok = gen_tcp:close(L),
    ?assertEqual({error, econnrefused},
                 gen_tcp:connect({127, 0, 0, 1}, Port, [{tcp_module, gentcp}])),
    ?assertEqual({error, nxdomain},
                 gen_tcp:connect("no.such.host.invalid", Port, [{tcp_module, gentcp}])),
    ?assertExit(badarg, gen_tcp:connect({1, 2, 3}, Port, [{tcp_module, gentcp}])).

%% gen_tcp drops a family behind a tcp_module, so that there is one for IPv6.
t_stock_dispatch_of_inet6() ->
    case file:read_file("/proc/net/if_inet6") of
        {ok, <<_, _/binary>>} -> stock_inet6();
        _ -> io:put_chars(user, "skipped: gentcp_owner_tests::inet6: no IPv6\n")
    end.

stock_inet6() ->
    {ok, L} = gen_tcp:listen(0, [{tcp_module, gentcp6}, {active, false}]),
    {ok, {{0, 0, 0, 0, 0, 0, 0, 0}, Port}} = inet:sockname(L),
    {ok, C} = gen_tcp:connect("::1", Port, [{tcp_module, gentcp6}, {active, false}]),
    {ok, A} = gen_tcp:accept(L),
    ?assertMatch({ok, {{0, 0, 0, 0, 0, 0, 0, 1}, _}}, inet:peername(A)),
    [ok = gen_tcp:close(S) || S <- [A, C, L]].

t_inetrc() ->
    Name = string:trim(os:cmd("mktemp")),
    ok = file:write_file(Name, "{tcp, gentcp}.\n"),
    {ok, Path} = application:get_env(gentcp, socket),
    {ok, Peer, _} = peer:start(#{connection => standard_io,
                                 env => [{"GENTCPD_SOCKET", Path}],
                                 args => ["-kernel", "inetrc", "\"" ++ Name ++ "\"",
                                          "-pa" | code:get_path()]}),
    {ok, L} = peer:call(Peer, gen_tcp, listen, [0, [{active, false}]]),
    ?assertMatch({'$inet', gentcp, _}, L),
    ok = peer:stop(Peer),
    ok = file:delete(Name).

t_application_takes_over() ->
    {_A, _C} = pair([]),
    Sup = whereis(gentcp_sup),
    {ok, [gentcp]} = application:ensure_all_started(gentcp),
    ?assertEqual(Sup, whereis(gentcp_sup)),
    {_, _} = pair([]),
    ok = application:stop(gentcp),
    ?assertEqual(undefined, whereis(gentcp_sup)),
    {_, _} = pair([]),
    %% those that went with it
    flush_closed().

flush_closed() ->
    receive {tcp_closed, _} -> flush_closed() after ?SOON -> ok end.

t_gone() ->
    {A, _C} = pair([{active, false}]),
    ok = gentcp:close(A),
    ok = gentcp:close(A),
    [?assertEqual({error, closed}, Result)
     || Result <- [gentcp:send(A, "x"), gentcp:recv(A, 0), gentcp:accept(A, 0),
                   gentcp:shutdown(A, read), gentcp:unrecv(A, "x"),
                   gentcp:controlling_process(A, self())]],
    [?assertEqual({error, einval}, Result)
     || Result <- [gentcp_inet:setopts(A, [{active, true}]), gentcp_inet:getopts(A, [active]),
                   gentcp_inet:getstat(A), gentcp_inet:sockname(A), gentcp_inet:peername(A),
                   gentcp_inet:port(A), file:sendfile("/etc/passwd", A)]].

%% --- without a daemon ------------------------------------------------------

no_daemon_test() ->
    application:set_env(gentcp, socket, "/nonexistent/gentcpd.sock"),
    alone(fun() ->
        ?assertEqual({error, enoent}, gentcp:connect({127, 0, 0, 1}, 9, [])),
        ?assertEqual({error, enoent}, gentcp:listen(0, []))
    end),
    application:unset_env(gentcp, socket).

daemon_dies_test_() ->
    {timeout, 60, fun daemon_dies/0}.

daemon_dies() ->
    Daemon = gentcp_daemon:start(),
    Me = self(),
    Pid = spawn_link(fun() ->
        {A, C} = pair([{active, true}]),
        Ref = gentcp_inet:monitor(C),
        Waiting = elsewhere(fun() -> gentcp:recv(C, 0) end),
        waits(Waiting),
        Me ! {self(), ready},
        ?assertTold({tcp_closed, A}),
        ?assertTold({'DOWN', Ref, port, C, noconnection}),
        ?assertEqual({error, closed}, result(Waiting)),
        ?assertEqual({error, closed}, gentcp:send(A, "x")),
        ?assertEqual({error, einval}, gentcp_inet:setopts(A, [{active, true}])),
        ?assertEqual(ok, gentcp:close(A)),
        receive {restarted, Me} -> ok end,
        %% those of the former daemon are not the new one's
        {_, _} = pair([]),
        ?assertEqual({error, closed}, gentcp:send(A, "x")),
        ?assertEqual(#{states => [closed]}, gentcp_inet:info(A)),
        Me ! {self(), done}
    end),
    receive {Pid, ready} -> ok end,
    gentcp_daemon:kill(Daemon),
    Next = gentcp_daemon:start(),
    Pid ! {restarted, Me},
    receive {Pid, done} -> ok after ?DEADLINE -> error(not_done) end,
    gentcp_daemon:stop(Next).
