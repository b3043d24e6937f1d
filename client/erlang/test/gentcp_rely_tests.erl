%% SPDX-License-Identifier: ISC
%% What real programs rely on, over the real daemon.
-module(gentcp_rely_tests).
-compile([export_all, nowarn_export_all]).

-include("gentcp_test.hrl").

-import(gentcp_test_lib, [listen/1, pair/1, pair/2, elsewhere/1, result/1, waits/1, eventually/1]).

gentcp_rely_test_() -> gentcp_test_lib:all(?MODULE).

%% --- what programs rely on -------------------------------------------------

t_close_takes_tcp_closed() ->
    {A, C} = pair([{active, true}], [{active, true}]),
    ok = gentcp:send(C, "x"),
    ok = gentcp:close(C),
    eventually(fun() ->
        lists:member({tcp_closed, A}, element(2, process_info(self(), messages)))
    end),
    ok = gentcp:close(A),
    ?assertTold({tcp, A, "x"}),
    ?assertQuiet().

t_error_then_closed() ->
    {A, C} = pair([{active, true}, {show_econnreset, true}], [{linger, {true, 0}}]),
    ok = gentcp:close(C),
    receive Any1 -> ?assertEqual({tcp_error, A, econnreset}, Any1) after ?DEADLINE -> error(none) end,
    receive Any2 -> ?assertEqual({tcp_closed, A}, Any2) after ?DEADLINE -> error(none) end,
    ?assertQuiet().

t_nothing_else_in_the_mailbox() ->
    {A, C} = pair([binary, {active, once}]),
    ok = gentcp:send(C, "x"),
    {error, timeout} = gentcp:recv(C, 0, 10),
    {error, einval} = gentcp_inet:setopts(C, [{foo, 1}]),
    {ok, _} = gentcp_inet:getopts(C, [mode]),
    #{} = gentcp_inet:info(A),
    Ref = gentcp_inet:monitor(A),
    true = gentcp_inet:cancel_monitor(Ref),
    Taker = elsewhere(fun() -> receive stop -> ok after 200 -> ok end end),
    ok = gentcp:controlling_process(C, element(1, Taker)),
    ?assertTold({tcp, A, <<"x">>}),
    result(Taker),
    ok = gentcp:close(A),
    ?assertQuiet().

t_down_carries_port() ->
    {A, C} = pair([{active, true}]),
    Ref = gentcp_inet:monitor(A),
    ok = gentcp:close(C),
    ?assertTold({tcp_closed, A}),
    ?assertTold({'DOWN', Ref, port, A, normal}),
    Late = gentcp_inet:monitor(A),
    ?assertTold({'DOWN', Late, port, A, noproc}),
    ?assertEqual(false, gentcp_inet:cancel_monitor(Late)),
    ?assertEqual(false, gentcp_inet:cancel_monitor(make_ref())),
    ?assertError(badarg, gentcp_inet:monitor(socket)),
    ?assertError(badarg, gentcp_inet:cancel_monitor(socket)).

t_monitors() ->
    {A, _C} = pair([{active, false}]),
    Other = elsewhere(fun() ->
        Ref = inet:monitor(A),
        receive {'DOWN', Ref, port, A, Reason} -> Reason after ?DEADLINE -> none end
    end),
    [R1, R2, R3] = [inet:monitor(A) || _ <- [1, 2, 3]],
    true = inet:cancel_monitor(R2),
    waits(Other),
    ok = gen_tcp:close(A),
    ?assertTold({'DOWN', R1, port, A, normal}),
    ?assertTold({'DOWN', R3, port, A, normal}),
    ?assertEqual(normal, result(Other)),
    ?assertQuiet().

t_bad_options() ->
    Bad = [[{foo, 1}], [{active, maybe}], [{packet, 3}], [foo], [{ip, "127.0.0.1"}],
           [{nodelay, true}, {inet_backend, inet}]],
    [begin
         ?assertExit(badarg, gentcp:connect({127, 0, 0, 1}, 9, Options)),
         ?assertExit(badarg, gentcp:listen(0, Options))
     end || Options <- Bad],
    ?assertExit(badarg, gentcp:connect({127, 0, 0, 1}, 9, [{ttl, 0}])),
    {A, _} = pair([]),
    [?assertEqual({error, einval}, gentcp_inet:setopts(A, Options))
     || Options <- [[{foo, 1}], [{active, maybe}], [foo], [{ip, any}], [{ttl, 0}]]],
    ?assertEqual({error, einval}, gentcp_inet:getopts(A, [foo])),
    ?assertEqual({error, einval}, gentcp_inet:getstat(A, [foo])).

t_bad_arguments() ->
    [?assertExit(badarg, gentcp:connect(Address, 9, [], 1000))
     || Address <- [{1, 2, 3}, {256, 0, 0, 1}, "", <<"localhost">>, 17, "a b"]],
    [?assertExit({function_clause, _}, gentcp:connect({127, 0, 0, 1}, Port, []))
     || Port <- [-1, 65536, "80", 1.0]],
    [?assertExit(badarg, gentcp:listen(Port, [])) || Port <- [-1, 65536, no_such_service]],
    [?assertError(function_clause, gentcp:listen(Port, [])) || Port <- ["1", 1.5]],
    ?assertExit(badarg, gentcp:connect({127, 0, 0, 1}, no_such_service, [])),
    [?assertError(function_clause, Call())
     || Call <- [fun() -> gentcp:send(x, "") end, fun() -> gentcp:recv(x, 0) end,
                 fun() -> gentcp:close(x) end, fun() -> gentcp:accept(x) end,
                 fun() -> gentcp:controlling_process(x, self()) end]].

t_waiting_recv_and_close() ->
    {A, _C} = pair([{active, false}]),
    Waiting = elsewhere(fun() -> gentcp:recv(A, 0) end),
    waits(Waiting),
    ?assertEqual({error, ealready}, gentcp:recv(A, 0)),
    ok = gentcp:close(A),
    ?assertEqual({error, closed}, result(Waiting)).

t_waiting_accept_and_close() ->
    {L, _} = listen([]),
    Waiting = [elsewhere(fun() -> gentcp:accept(L) end) || _ <- [1, 2, 3]],
    [waits(One) || One <- Waiting],
    ok = gentcp:close(L),
    [?assertEqual({error, closed}, result(One)) || One <- Waiting].

t_waiting_send_and_close() ->
    {A, C} = pair([{active, false}, {recbuf, 4096}], [{sndbuf, 4096}, {linger, {true, 0}}]),
    Data = binary:copy(<<"x">>, 8000000),
    ok = gentcp:send(C, Data),
    Waiting = elsewhere(fun() -> gentcp:send(C, Data) end),
    waits(Waiting),
    ok = gentcp:close(C),
    ?assertEqual({error, closed}, result(Waiting)),
    ok = gentcp:close(A).

t_killed_acceptor() ->
    {L, Port} = listen([{active, false}]),
    {First, _} = elsewhere(fun() -> gentcp:accept(L) end),
    eventually(fun() -> lists:member(accepting, maps:get(states, gentcp_inet:info(L))) end),
    Second = elsewhere(fun() -> gentcp:accept(L) end),
    waits(Second),
    unlink(First),
    exit(First, kill),
    %% the daemon has to see it gone: it is a client less
    eventually(fun() -> not is_process_alive(First) end),
    timer:sleep(?SOON),
    {ok, C} = gentcp:connect({127, 0, 0, 1}, Port, []),
    {ok, A} = result(Second),
    ok = gentcp:close(A),
    ok = gentcp:close(C).

t_sends_wait_for_sendfile() ->
    Name = string:trim(os:cmd("mktemp")),
    ok = file:write_file(Name, binary:copy(<<"f">>, 6000000)),
    {A, C} = pair([binary, {active, false}, {recbuf, 4096}],
                  [{sndbuf, 4096}, {high_watermark, 1}, {low_watermark, 0}]),
    {Owner, Files} = {self(), make_ref()},
    Sender = elsewhere(fun() ->
        receive begin_now -> ok end,
        gentcp:send(C, "behind it")
    end),
    Reader = elsewhere(fun() ->
        receive begin_now -> ok end,
        {ok, Data} = gentcp:recv(A, 6000009),
        {binary:part(Data, 5999999, 1), binary:part(Data, 6000000, 9)}
    end),
    %% the sendfile is the owner's, so that others have to be told by a timer
    erlang:send_after(?SOON, element(1, Sender), begin_now),
    erlang:send_after(4 * ?SOON, element(1, Reader), begin_now),
    ?assertEqual({ok, 6000000}, file:sendfile(Name, C)),
    ?assertEqual(ok, result(Sender)),
    ?assertEqual({<<"f">>, <<"behind it">>}, result(Reader)),
    true = is_pid(Owner) andalso is_reference(Files),
    ok = file:delete(Name).

t_any_process() ->
    {A, C} = pair([binary, {active, false}]),
    ok = result(elsewhere(fun() -> gentcp:send(C, "from another") end)),
    ?assertEqual({ok, <<"from another">>}, result(elsewhere(fun() -> gentcp:recv(A, 12) end))),
    ok = result(elsewhere(fun() -> gentcp_inet:setopts(A, [{active, once}]) end)),
    ok = result(elsewhere(fun() -> gentcp:send(C, "to the owner") end)),
    ?assertTold({tcp, A, <<"to the owner">>}),
    ok = result(elsewhere(fun() -> gentcp:close(C) end)),
    ?assertEqual({error, closed}, gentcp:recv(A, 0)).

t_other_node() ->
    {A, C} = pair([binary, {active, false}]),
    {ok, Peer, _} = peer:start(#{connection => standard_io,
                                 args => ["-pa" | code:get_path()]}),
    {ok, Path} = application:get_env(gentcp, socket),
    ok = peer:call(Peer, application, set_env, [gentcp, socket, Path]),
    ok = peer:call(Peer, gentcp, send, [C, <<"over there">>]),
    ?assertEqual({ok, <<"over there">>}, gentcp:recv(A, 10)),
    ok = gentcp:send(A, "back"),
    ?assertEqual({ok, <<"back">>}, peer:call(Peer, gen_tcp, recv, [C, 4])),
    ?assertEqual(gentcp_inet:sockname(C), peer:call(Peer, inet, sockname, [C])),
    ok = peer:stop(Peer).

t_default_options() ->
    ok = application:set_env(kernel, inet_default_connect_options, [{nodelay, true}, {active, false}]),
    ok = application:set_env(kernel, inet_default_listen_options, {keepalive, true}),
    try
        {A, C} = pair([{packet, 1}], []),
        ?assertEqual({ok, [{nodelay, true}, {active, true}]}, gentcp_inet:getopts(C, [nodelay, active])),
        ?assertEqual({ok, [{keepalive, true}, {packet, 1}]}, gentcp_inet:getopts(A, [keepalive, packet]))
    after
        application:unset_env(kernel, inet_default_connect_options),
        application:unset_env(kernel, inet_default_listen_options)
    end.

t_info() ->
    {L, _} = listen([]),
    {A, C} = pair([{active, false}]),
    #{owner := Owner, states := [listen, open], counters := #{recv_oct := 0}} = gentcp_inet:info(L),
    ?assertEqual(self(), Owner),
    ok = gentcp:send(C, "abc"),
    {ok, _} = gentcp:recv(A, 3),
    ?assertMatch(#{states := [connected, open], active := false,
                   counters := #{recv_oct := 3, recv_cnt := 1}}, inet:info(A)),
    ok = gentcp:close(A),
    ?assertEqual(#{states => [closed]}, inet:info(A)).

t_no_inet_port() ->
    {_A, _C} = pair([]),
    Names = [element(2, erlang:port_info(Port, name)) || Port <- erlang:ports()],
    ?assertEqual([], [Name || Name <- Names, lists:suffix("_inet", Name)]).

t_owner_dies() ->
    {L, Port} = listen([]),
    Me = self(),
    {Pid, _} = elsewhere(fun() ->
        {ok, C} = gentcp:connect({127, 0, 0, 1}, Port, []),
        Me ! {connected, C},
        receive stop -> ok end
    end),
    {ok, A} = gentcp:accept(L),
    C = receive {connected, Socket} -> Socket end,
    Ref = gentcp_inet:monitor(C),
    unlink(Pid),
    exit(Pid, kill),
    ?assertTold({tcp_closed, A}),
    ?assertTold({'DOWN', Ref, port, C, killed}),
    ?assertEqual({error, closed}, gentcp:send(C, "x")).

t_owner_ends() ->
    {L, Port} = listen([]),
    Me = self(),
    Pid = spawn_link(fun() ->
        {ok, C} = gentcp:connect({127, 0, 0, 1}, Port, []),
        Me ! {connected, C},
        receive stop -> ok end
    end),
    {ok, A} = gentcp:accept(L),
    C = receive {connected, Socket} -> Socket end,
    Ref = gentcp_inet:monitor(C),
    Pid ! stop,
    ?assertTold({tcp_closed, A}),
    ?assertTold({'DOWN', Ref, port, C, normal}).

t_many_processes() ->
    {L, Port} = listen([binary, {active, false}, {packet, 2}, {backlog, 200}]),
    Servers = [elsewhere(fun() ->
        {ok, A} = gentcp:accept(L),
        {ok, Data} = gentcp:recv(A, 0),
        gentcp:send(A, Data)
    end) || _ <- lists:seq(1, 50)],
    Clients = [{N, elsewhere(fun() ->
        {ok, C} = gentcp:connect({127, 0, 0, 1}, Port, [{packet, 2}, {active, true}]),
        ok = gentcp:send(C, integer_to_list(N)),
        receive {tcp, C, Data} -> Data after ?DEADLINE -> none end
    end)} || N <- lists:seq(1, 50)],
    [?assertEqual(integer_to_list(N), result(Client)) || {N, Client} <- Clients],
    [?assertEqual(ok, result(Server)) || Server <- Servers].
