%% SPDX-License-Identifier: ISC
%% Nodes that are distributed over the real daemon, with an epmd of the test's own.
-module(gentcp_dist_tests).
-compile([export_all, nowarn_export_all]).

-include("gentcp_test.hrl").
-include_lib("kernel/include/net_address.hrl").

-define(CARRIER, ["-proto_dist", "gentcp"]).

gentcp_dist_test_() ->
    case os:find_executable("epmd") of
        false ->
            io:put_chars(user, "skipped: gentcp_dist_tests::all: no epmd\n"),
            [];
        Epmd ->
            {setup, fun() -> start_epmd(Epmd) end, fun stop_epmd/1, gentcp_test_lib:all(?MODULE)}
    end.

%% Nodes learn from the environment where it is.
start_epmd(Program) ->
    {ok, L} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}]),
    {ok, Number} = inet:port(L),
    ok = gen_tcp:close(L),
    Arguments = ["-port", integer_to_list(Number), "-address", "127.0.0.1"],
    Epmd = open_port({spawn_executable, Program},
                     [{args, Arguments}, exit_status, stderr_to_stdout, hide, binary]),
    gentcp_test_lib:eventually(fun() ->
        case gen_tcp:connect({127, 0, 0, 1}, Number, []) of
            {ok, S} -> gen_tcp:close(S) =:= ok;
            {error, econnrefused} -> false
        end
    end),
    true = os:putenv("ERL_EPMD_PORT", integer_to_list(Number)),
    Epmd.

stop_epmd(Epmd) ->
    true = os:unsetenv("ERL_EPMD_PORT"),
    {os_pid, Pid} = erlang:port_info(Epmd, os_pid),
    true = erlang:port_connect(Epmd, self()),
    [] = signal("TERM", integer_to_list(Pid)),
    receive {Epmd, {exit_status, _}} -> ok after ?DEADLINE -> error(epmd_goes_on) end.

signal(Name, Pid) -> os:cmd("kill -" ++ Name ++ " " ++ Pid).

%% A node, which ends at the latest with the test; its carrier is in Arguments.
start_node(Name, Arguments) ->
    {ok, Path} = application:get_env(gentcp, socket),
    [Ebin, Tests] = [filename:dirname(code:which(Module)) || Module <- [gentcp, ?MODULE]],
    {ok, Peer, _} = peer:start_link(#{
        connection => standard_io,
        env => [{"GENTCPD_SOCKET", Path}],
        args => ["-pa", Ebin, Tests, "-start_epmd", "false", "-setcookie", "gentcp" | Arguments]
                ++ ["-sname" || Name =/= none] ++ [address(Name) || Name =/= none]}),
    {Peer, list_to_atom(address(Name))}.

address(Name) -> atom_to_list(Name) ++ "@localhost".

two_nodes() -> two_nodes(?CARRIER).

two_nodes(Arguments) ->
    {start_node(one, Arguments), start_node(two, Arguments)}.

stop_nodes(Nodes) ->
    [ok = peer:stop(Peer) || {Peer, _} <- Nodes].

in(Node, Function, Arguments) ->
    in(Node, ?MODULE, Function, Arguments).

in({Peer, _}, Module, Function, Arguments) ->
    peer:call(Peer, Module, Function, Arguments, ?DEADLINE).

ping(From, {_, Node}) -> in(From, net_adm, ping, [Node]).

%% What the ports of TCP that a node has are connected to.
inet_ports() ->
    [inet:peername(Port) || Port <- erlang:ports(),
                            erlang:port_info(Port, name) =:= {name, "tcp_inet"}].

epmd_port() -> list_to_integer(os:getenv("ERL_EPMD_PORT")).

%% The one port that a node has is the one by which epmd knows of it.
t_ports() ->
    {One, Two} = two_nodes(),
    ?assertEqual(pong, ping(One, Two)),
    ?assertEqual(pong, ping(Two, One)),
    Epmd = [{ok, {{127, 0, 0, 1}, epmd_port()}}],
    [?assertEqual(Epmd, in(Node, inet_ports, [])) || Node <- [One, Two]],
    {ok, Info} = in(One, net_kernel, node_info, [element(2, Two)]),
    {address, Address} = lists:keyfind(address, 1, Info),
    ?assertMatch(#net_address{protocol = gentcp, host = "localhost"}, Address),
    ?assertEqual({ok, [{nodelay, true}]},
                 in(One, net_kernel, getopts, [element(2, Two), [nodelay]])),
    ?assertEqual({error, {badopts, [{active, true}]}},
                 in(One, net_kernel, setopts, [element(2, Two), [{active, true}]])),
    stop_nodes([One, Two]).

%% With the folder `node' that is the daemon's as well.
t_no_port() ->
    Node = filename:join(filename:dirname(filename:dirname(code:which(gentcp))), "node"),
    {One, Two} = two_nodes(["-pa", Node | ?CARRIER]),
    ?assertEqual(pong, ping(One, Two)),
    [?assertEqual([], in(N, inet_ports, [])) || N <- [One, Two]],
    ?assertEqual(ok, in(One, calls, [element(2, Two)])),
    stop_nodes([One, Two]).

%% Terms of many megabytes, by the ways that there are, several at once.
t_calls() ->
    {One, Two} = two_nodes(),
    ?assertEqual(ok, in(One, calls, [element(2, Two)])),
    stop_nodes([One, Two]).

calls(Node) ->
    Binary = binary:copy(<<"0123456789abcdef">>, 500000),
    Term = {lists:seq(1, 500000), #{key => Binary}, self(), make_ref(), fun lists:map/2},
    Ids = [erpc:send_request(Node, erlang, hd, [[Term]]) || _ <- lists:seq(1, 4)],
    Term = rpc:call(Node, erlang, hd, [[Term]]),
    [Term = erpc:receive_response(Id) || Id <- Ids],
    Node = erpc:call(Node, erlang, node, []),
    ok.

%% Both nodes send more than the sockets hold, at once.
t_order() ->
    {One, Two} = two_nodes(),
    pong = ping(One, Two),
    ?assertEqual([ok, ok], in(One, streams, [element(2, Two)])),
    stop_nodes([One, Two]).

-define(COUNT, 5000).

streams(Node) ->
    There = spawn_link(Node, ?MODULE, stream, []),
    Here = spawn_link(?MODULE, stream, []),
    There ! {to, Here, self()},
    Here ! {to, There, self()},
    [receive {done, From, Result} -> Result after ?DEADLINE -> late end || From <- [There, Here]].

stream() ->
    receive {to, Other, Starter} ->
        spawn_link(fun() -> [Other ! {N, fill(N)} || N <- lists:seq(1, ?COUNT)] end),
        [receive
             {Next, Data} -> {N, true} = {Next, Data =:= fill(N)}
         after ?DEADLINE -> error({nothing, N})
         end || N <- lists:seq(1, ?COUNT)],
        Starter ! {done, self(), ok}
    end.

%% Now and then one that goes in fragments.
fill(N) when N rem 100 =:= 0 -> binary:copy(<<N:16>>, 100000);
fill(N) -> binary:copy(<<N:16>>, N rem 1000).

%% The end of a node is seen, and one of the same name takes its place.
t_nodedown() ->
    {One, {Peer, Name} = Two} = two_nodes(),
    pong = ping(One, Two),
    Watch = in(One, watch, []),
    [] = signal("KILL", in(Two, os, getpid, [])),
    ?assertEqual({nodedown, Name, [{nodedown_reason, connection_closed}]},
                 in(One, watched, [Watch])),
    ?assertEqual([], in(One, erlang, nodes, [])),
    ?assertEqual(pang, ping(One, Two)),
    gentcp_test_lib:eventually(fun() -> not is_process_alive(Peer) end),
    Again = start_node(two, ?CARRIER),
    ?assertEqual(pong, ping(One, Again)),
    ?assertEqual({nodeup, Name, []}, in(One, watched, [Watch])),
    %% on purpose
    ?assertEqual(true, in(One, erlang, disconnect_node, [Name])),
    ?assertEqual({nodedown, Name, [{nodedown_reason, disconnect}]}, in(One, watched, [Watch])),
    %% a ping on a connection that the other end has closed fails
    gentcp_test_lib:eventually(fun() -> in(Again, erlang, nodes, []) =:= [] end),
    ?assertEqual(pong, ping(Again, One)),
    stop_nodes([One, Again]).

%% A process of the node that has what monitor_nodes tells.
watch() ->
    Me = self(),
    Pid = spawn(fun() ->
        ok = net_kernel:monitor_nodes(true, [nodedown_reason]),
        Me ! ready,
        watching()
    end),
    receive ready -> Pid end.

watching() ->
    receive {tell, From, Ref} ->
        receive {Kind, Name, More} -> From ! {Ref, {Kind, Name, More}} end,
        watching()
    end.

watched(Pid) ->
    Ref = make_ref(),
    Pid ! {tell, self(), Ref},
    receive {Ref, Told} -> Told after ?DEADLINE div 2 -> nothing end.

%% Nodes without a word for each other stay connected, and one that does not even tick
%% is given up, whatever waits to be sent to it.  There are four ticks in the time.
t_tick() ->
    {One, {_, Name} = Two} = two_nodes(["-kernel", "net_ticktime", "4" | ?CARRIER]),
    Watch = in(One, watch, []),
    pong = ping(One, Two),
    ?assertEqual({nodeup, Name, []}, in(One, watched, [Watch])),
    Before = [received(From, To) || {From, To} <- [{One, Two}, {Two, One}]],
    gentcp_test_lib:eventually(fun() ->
        Now = [received(From, To) || {From, To} <- [{One, Two}, {Two, One}]],
        lists:all(fun({B, N}) -> N >= B + 6 end, lists:zip(Before, Now))
    end),
    Pid = in(Two, os, getpid, []),
    [] = signal("STOP", Pid),
    try
        Flood = in(One, flood, [Name]),
        ?assertEqual({nodedown, Name, [{nodedown_reason, net_tick_timeout}]},
                     in(One, watched, [Watch])),
        gentcp_test_lib:eventually(fun() -> not in(One, erlang, is_process_alive, [Flood]) end)
    after
        %% it would not even see that the test ends
        [] = signal("KILL", Pid)
    end,
    stop_nodes([One]).

%% Sends until it has to wait.
flood(Node) ->
    {Pid, Ref} = spawn_monitor(fun() ->
        Data = binary:copy(<<"x">>, 1000000),
        [erlang:send({nobody, Node}, Data, [noconnect]) || _ <- lists:seq(1, 30)]
    end),
    receive {'DOWN', Ref, process, Pid, _} -> not_waiting after ?SOON -> Pid end.

received(From, {_, Name}) ->
    {ok, Info} = in(From, net_kernel, node_info, [Name]),
    proplists:get_value(in, Info).

%% A node that becomes distributed later, and ceases to be.
t_later() ->
    One = start_node(one, ?CARRIER),
    Two = start_node(none, ?CARRIER),
    Name = list_to_atom(address(two)),
    [begin
         {ok, _} = in(Two, net_kernel, start, [Name, #{name_domain => shortnames}]),
         true = in(Two, erlang, set_cookie, [gentcp]),
         ?assertEqual(pong, ping(Two, One)),
         ?assertEqual([Name], in(One, erlang, nodes, [])),
         ?assertEqual(ok, in(Two, net_kernel, stop, [])),
         gentcp_test_lib:eventually(fun() -> in(One, erlang, nodes, []) =:= [] end)
     end || _ <- [1, 2]],
    stop_nodes([One, Two]).

%% A node that kernel's own carrier distributes is as good.
t_kernels() ->
    One = start_node(one, ?CARRIER),
    Two = start_node(two, []),
    Three = start_node(three, []),
    ?assertEqual(pong, ping(One, Two)),
    ?assertEqual(pong, ping(Three, One)),
    ?assertEqual(ok, in(One, calls, [element(2, Two)])),
    ?assertEqual(ok, in(Three, calls, [element(2, One)])),
    ?assertMatch([_], in(One, inet_ports, [])),
    stop_nodes([One, Two, Three]).

%% A wrong cookie is refused, and a name that is taken.
t_refused() ->
    One = start_node(one, ?CARRIER),
    Two = start_node(two, ["-setcookie", "other" | ?CARRIER]),
    true = in(Two, erlang, set_cookie, [other]),
    ?assertEqual(pang, ping(Two, One)),
    Three = start_node(none, ?CARRIER),
    ?assertMatch({error, _}, in(Three, net_kernel, start, [list_to_atom(address(one)),
                                                           #{name_domain => shortnames}])),
    ?assertEqual(pang, in(One, net_adm, ping, ['nobody@localhost'])),
    ?assertEqual(pang, in(One, net_adm, ping, ['one@host.of.long.name'])),
    stop_nodes([One, Two, Three]).

%% The connections go with the daemon, and the nodes listen again at the next one.
t_daemon() ->
    {ok, Old} = application:get_env(gentcp, socket),
    First = gentcp_daemon:start(),
    {One, {_, Name} = Two} = two_nodes(),
    Watch = in(One, watch, []),
    pong = ping(One, Two),
    ?assertEqual({nodeup, Name, []}, in(One, watched, [Watch])),
    ok = gentcp_daemon:kill(First),
    ?assertEqual({nodedown, Name, [{nodedown_reason, connection_closed}]},
                 in(One, watched, [Watch])),
    ?assertEqual(pang, ping(Two, One)),
    Second = gentcp_daemon:start(),
    Path = gentcp_daemon:path(Second),
    [ok = in(Node, application, set_env, [gentcp, socket, Path]) || Node <- [One, Two]],
    [gentcp_test_lib:eventually(fun() ->
        in(From, erlang, disconnect_node, [element(2, To)]),
        ping(From, To) =:= pong
    end) || {From, To} <- [{One, Two}, {Two, One}]],
    stop_nodes([One, Two]),
    ok = gentcp_daemon:stop(Second),
    application:set_env(gentcp, socket, Old).

%% The application's stop is not the distribution's end.
t_application() ->
    {One, Two} = two_nodes(),
    pong = ping(One, Two),
    [begin
         {ok, [gentcp]} = in(One, application, ensure_all_started, [gentcp]),
         ok = in(One, application, stop, [gentcp]),
         ?assertEqual([element(2, Two)], in(One, erlang, nodes, []))
     end || _ <- [1, 2]],
    ?assertEqual(ok, in(One, calls, [element(2, Two)])),
    stop_nodes([One, Two]).
