%% SPDX-License-Identifier: ISC
%% Data, options and addresses, over the real daemon.
-module(gentcp_data_tests).
-compile([export_all, nowarn_export_all]).

-include("gentcp_test.hrl").

-import(gentcp_test_lib, [listen/1, pair/1, pair/2, elsewhere/1, result/1]).

gentcp_data_test_() -> gentcp_test_lib:all(?MODULE).

%% --- data ------------------------------------------------------------------

t_echo() ->
    {A, C} = pair([binary, {active, false}]),
    ok = gentcp:send(C, ["one", <<" two">>, [$\s, "three"]]),
    ?assertEqual({ok, <<"one two three">>}, gentcp:recv(A, 13)),
    ok = gentcp:send(A, <<>>),
    ok = gentcp:send(A, <<0, 255, 10, 13>>),
    ?assertEqual({ok, <<0, 255, 10, 13>>}, gentcp:recv(C, 0, ?DEADLINE)),
    ok = gentcp:close(C),
    ?assertEqual({error, closed}, gentcp:recv(A, 0)),
    ?assertEqual({error, enotconn}, gentcp:recv(A, 0)).

t_active() ->
    {A, C} = pair([{packet, 2}, {active, 2}], [{packet, 2}, {active, false}]),
    [ok = gentcp:send(C, Text) || Text <- ["a", "b", "c"]],
    ?assertTold({tcp, A, "a"}),
    ?assertTold({tcp, A, "b"}),
    ?assertTold({tcp_passive, A}),
    ?assertQuiet(),
    ok = gentcp_inet:setopts(A, [{active, true}]),
    ?assertTold({tcp, A, "c"}),
    ok = gentcp:close(C),
    ?assertTold({tcp_closed, A}).

t_list_and_header() ->
    {A, C} = pair([{packet, 1}, {active, true}, binary, {header, 2}], [{packet, 1}]),
    [ok = gentcp:send(C, Text) || Text <- ["abc", "ab", "a"]],
    ?assertTold({tcp, A, [$a, $b | <<"c">>]}),
    ?assertTold({tcp, A, [$a, $b | <<>>]}),
    ?assertTold({tcp, A, "a"}),
    ok = gentcp:send(A, <<1, 2>>),
    ?assertTold({tcp, C, [1, 2]}),
    ok = gentcp_inet:setopts(C, [{active, false}]),
    ok = gentcp:send(A, <<3>>),
    ?assertEqual({ok, [3]}, gentcp:recv(C, 0)).

t_http() ->
    {A, C} = pair([binary, {packet, http}, {active, true}]),
    ok = gentcp:send(C, "GET /a HTTP/1.1\r\nHost: h\r\nx-y: z\r\n\r\n"),
    ?assertTold({http, A, {http_request, 'GET', {abs_path, "/a"}, {1, 1}}}),
    ?assertTold({http, A, {http_header, 14, 'Host', "Host", "h"}}),
    ?assertTold({http, A, {http_header, 0, "X-Y", "x-y", "z"}}),
    ?assertTold({http, A, http_eoh}).

t_http_bin() ->
    {A, C} = pair([list, {packet, httph_bin}, {active, once}]),
    ok = gentcp:send(C, "Host: h\r\nx-y: \xff\r\n\r\n"),
    ?assertTold({http, A, {http_header, 14, 'Host', <<"Host">>, <<"h">>}}),
    ?assertEqual({ok, {http_header, 0, <<"X-Y">>, <<"x-y">>, <<255>>}}, gentcp:recv(A, 0)),
    ?assertEqual({ok, http_eoh}, gentcp:recv(A, 0)).

t_deliver_port() ->
    {A, C} = pair([binary, {deliver, port}, {active, true}]),
    ok = gentcp:send(C, "x"),
    ?assertTold({A, {data, <<"x">>}}).

t_once_before_it_returns() ->
    {A, C} = pair([binary, {active, false}, {packet, 1}], [{packet, 1}]),
    ok = gentcp:send(C, "x"),
    %% it is there when it can be read
    {ok, <<"x">>} = gentcp:recv(A, 0),
    ok = gentcp:unrecv(A, <<1, $y>>),
    ok = gentcp_inet:setopts(A, [{active, once}]),
    receive {tcp, A, <<"y">>} -> ok after 0 -> error(not_yet) end.

t_recv_lengths() ->
    {A, C} = pair([binary, {active, false}]),
    ok = gentcp:send(C, "abcdef"),
    ?assertEqual({ok, <<"ab">>}, gentcp:recv(A, 2)),
    ?assertEqual({error, timeout}, gentcp:recv(A, 5, 20)),
    ?assertEqual({ok, <<"cdef">>}, gentcp:recv(A, 4)),
    ?assertEqual({error, enomem}, gentcp:recv(A, 16#4000001)),
    ?assertEqual({error, enomem}, gentcp:recv(A, 1 bsl 70)),
    ?assertError(function_clause, gentcp:recv(A, -1)),
    ?assertError(function_clause, gentcp:recv(A, 0, soon)).

t_unrecv() ->
    {A, _C} = pair([binary, {active, false}]),
    ok = gentcp:unrecv(A, "B"),
    ok = gentcp:unrecv(A, <<"A">>),
    ?assertEqual({ok, <<"AB">>}, gentcp:recv(A, 0)).

t_shutdown() ->
    {A, C} = pair([binary, {active, false}]),
    ok = gentcp:shutdown(C, write),
    ?assertEqual({error, closed}, gentcp:recv(A, 0)),
    ?assertError(function_clause, gentcp:shutdown(C, both)).

t_timeouts() ->
    {L, _} = listen([]),
    ?assertEqual({error, timeout}, gentcp:accept(L, 0)),
    ?assertEqual({error, timeout}, gentcp:accept(L, 20)),
    ?assertError(function_clause, gentcp:accept(L, soon)),
    ?assertError(badarg, gentcp:connect({127, 0, 0, 1}, 1, [], -1)).

t_large() ->
    {A, C} = pair([binary, {active, false}]),
    Data = binary:copy(<<"0123456789abcdef">>, 5 * 1024 * 1024),      % 80 MiB
    Sender = elsewhere(fun() -> gentcp:send(C, Data) end),
    {ok, First} = gentcp:recv(A, 16#4000000),
    {ok, Last} = gentcp:recv(A, byte_size(Data) - 16#4000000),
    ?assertEqual(ok, result(Sender)),
    ?assert(Data =:= <<First/binary, Last/binary>>).

t_many_parts() ->
    {A, C} = pair([binary, {active, false}]),
    Part = binary:copy(<<"x">>, 100),
    ok = gentcp:send(C, lists:duplicate(5000, Part)),
    ?assertEqual({ok, binary:copy(Part, 5000)}, gentcp:recv(A, 500000)).

t_bad_data() ->
    {A, C} = pair([binary, {active, false}]),
    [?assertEqual({error, einval}, gentcp:send(C, Bad)) || Bad <- [atom, {}, [256], <<1:3>>, 1]],
    ok = gentcp:send(C, "good"),
    ?assertEqual({ok, <<"good">>}, gentcp:recv(A, 0)).

t_send_timeout_rest() ->
    {L, Port} = listen([{recbuf, 4096}, {active, false}]),
    {ok, C} = gentcp:connect({127, 0, 0, 1}, Port,
                             [{inet_backend, socket}, {sndbuf, 4096}, {active, false}, {send_timeout, 50}]),
    Data = binary:copy(<<"z">>, 4000000),
    {error, {timeout, Rest}} = gentcp:send(C, Data),
    ?assert(is_binary(Rest)),
    ?assert(byte_size(Rest) > 0),
    ?assert(byte_size(Rest) < byte_size(Data)),
    ok = gentcp:close(L).

%% --- the rest --------------------------------------------------------------

t_fd() ->
    {ok, Raw} = socket:open(inet, stream, tcp),
    ok = socket:bind(Raw, #{family => inet, addr => loopback, port => 0}),
    {ok, #{port := Port}} = socket:sockname(Raw),
    {ok, Fd} = socket:getopt(Raw, {otp, fd}),
    {ok, L} = gentcp:listen(0, [{fd, Fd}]),
    ?assertEqual({ok, Port}, gentcp_inet:port(L)),
    ok = socket:close(Raw),
    {ok, C} = gentcp:connect({127, 0, 0, 1}, Port, []),
    {ok, A} = gentcp:accept(L),
    [ok = gentcp:close(S) || S <- [A, C, L]].

t_bad_fd() ->
    {A, C} = pair([binary, {active, false}]),
    ?assertEqual({error, ebadf}, gentcp:listen(0, [{fd, 99999}])),
    ?assertEqual({error, ebadf}, gentcp:connect({127, 0, 0, 1}, 1, [{fd, 99999}])),
    ok = gentcp:send(C, "x"),
    ?assertEqual({ok, <<"x">>}, gentcp:recv(A, 1)).

t_fdopen() ->
    {L, Port} = listen([binary, {active, false}]),
    {ok, Raw} = socket:open(inet, stream, tcp),
    ok = socket:connect(Raw, #{family => inet, addr => {127, 0, 0, 1}, port => Port}),
    {ok, A} = gentcp:accept(L),
    {ok, Fd} = socket:getopt(Raw, {otp, fd}),
    {ok, S} = gentcp:fdopen(Fd, [binary, {active, false}]),
    ok = socket:close(Raw),
    ok = gentcp:send(S, "x"),
    ?assertEqual({ok, <<"x">>}, gentcp:recv(A, 1)).

t_sendfile() ->
    Name = string:trim(os:cmd("mktemp")),
    ok = file:write_file(Name, "0123456789"),
    {A, C} = pair([binary, {active, false}]),
    ?assertEqual({ok, 10}, gentcp_file:sendfile(Name, C)),
    ?assertEqual({ok, <<"0123456789">>}, gentcp:recv(A, 10)),
    {ok, File} = file:open(Name, [read, raw, binary]),
    ?assertEqual({ok, 3}, gentcp_file:sendfile(File, C, 4, 3, [])),
    ?assertEqual({ok, <<"456">>}, gentcp:recv(A, 3)),
    ?assertEqual({ok, 0}, file:sendfile(File, C, 100, 3, [])),
    ?assertEqual({error, einval}, file:sendfile(File, C, -1, 3, [])),
    ?assertEqual({error, not_owner}, result(elsewhere(fun() -> file:sendfile(Name, C) end))),
    ok = file:close(File),
    ok = file:delete(Name),
    ?assertEqual({error, enoent}, gentcp_file:sendfile(Name, C)).

t_options() ->
    {A, _} = pair([]),
    ok = inet:setopts(A, [binary, {packet, 4}, {linger, {true, 3}}, {nodelay, true},
                          {raw, 6, 1, <<0:32>>}]),      % last to first
    ?assertEqual({ok, [{packet, 4}, {linger, {true, 3}}, {mode, binary}, {packet, 4},
                       {nodelay, true}, {raw, 6, 1, <<1:32/native>>}]},
                 inet:getopts(A, [packet, linger, mode, packet, nodelay, {raw, 6, 1, 4}])).

t_addresses() ->
    {L, Port} = listen([{active, false}]),
    [begin
         {ok, C} = gentcp:connect(Address, Port, []),
         ok = gentcp:close(C)
     end || Address <- [{127, 0, 0, 1}, "localhost", localhost, "127.1"]],
    {ok, _} = gentcp:connect(#{family => inet, addr => {127, 0, 0, 1}, port => Port}, [{active, false}]),
    ?assertEqual({error, nxdomain}, gentcp:connect(loopback, Port, [])),
    ?assertEqual({error, eafnosupport}, gentcp:connect({127, 0, 0, 1}, Port, [inet6])),
    ok = gentcp:close(L),
    ?assertEqual({error, econnrefused}, gentcp:connect({127, 0, 0, 1}, Port, [])).

t_local() ->
    Path = string:trim(os:cmd("mktemp -u")),
    {ok, L} = gentcp:listen(0, [{ifaddr, {local, Path}}, {active, false}]),
    {ok, C} = gentcp:connect({local, Path}, 0, []),
    {ok, A} = gentcp:accept(L),
    ?assertEqual({ok, {local, list_to_binary(Path)}}, inet:sockname(L)),
    ?assertEqual({ok, {local, list_to_binary(Path)}}, inet:peername(C)),
    ?assertEqual({ok, list_to_binary(Path)}, inet:port(A)),
    ok = file:delete(Path).

t_getstat() ->
    {A, C} = pair([{active, false}, {packet, 2}], [{packet, 2}]),
    ok = gentcp:send(C, "abc"),
    {ok, "abc"} = gentcp:recv(A, 0),
    ?assertEqual({ok, [{send_cnt, 1}, {send_oct, 5}]}, gentcp_inet:getstat(C, [send_cnt, send_oct])),
    {ok, All} = gentcp_inet:getstat(A),
    ?assertEqual(inet:stats(), [Name || {Name, _} <- All]).

t_i() ->
    {_A, _C} = pair([]),
    Me = self(),
    Leader = group_leader(),
    group_leader(spawn_link(fun() -> printed(Me) end), self()),
    ok = gentcp_inet:i(),
    group_leader(Leader, self()),
    Title = receive {printed, First} -> First end,
    ?assertMatch("Port Module " ++ _, Title),
    ?assertNotEqual(nomatch, string:find(rest_of_it(), pid_to_list(self()))).

%% An I/O server that tells what is printed.
printed(To) ->
    receive
        {io_request, From, Ref, {put_chars, unicode, Module, Function, Args}} ->
            To ! {printed, unicode:characters_to_list(apply(Module, Function, Args))},
            From ! {io_reply, Ref, ok},
            printed(To)
    end.

rest_of_it() ->
    receive {printed, Line} -> Line ++ rest_of_it() after 0 -> "" end.

t_getaddrs() ->
    ?assertEqual({ok, [{127, 0, 0, 1}]}, gentcp_inet:getaddrs("127.0.0.1", inet)),
    ?assertEqual({error, einval}, gentcp_inet:getaddrs("localhost", ipx)).
