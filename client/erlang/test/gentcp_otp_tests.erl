%% SPDX-License-Identifier: ISC
%% Programs of OTP over the real daemon, in a node without one port of TCP.
-module(gentcp_otp_tests).
-compile([export_all, nowarn_export_all]).

-include("gentcp_test.hrl").

-define(CB_INFO, {cb_info, {gentcp, tcp, tcp_closed, tcp_error, tcp_passive}}).

gentcp_otp_test_() ->
    case lists:all(fun(Application) -> is_list(code:lib_dir(Application)) end, [ssl, inets]) of
        true -> gentcp_test_lib:all(?MODULE);
        false -> []
    end.

no_inet_port() ->
    Names = [element(2, erlang:port_info(Port, name)) || Port <- erlang:ports()],
    ?assertEqual([], [Name || Name <- Names, Name =:= "tcp_inet"]).

certificate() ->
    {ok, _} = application:ensure_all_started(ssl),
    Root = [{key, {namedCurve, secp256r1}}],
    Chain = #{root => Root, intermediates => [], peer => Root},
    #{server_config := Server, client_config := Client} =
        public_key:pkix_test_data(#{server_chain => Chain, client_chain => Chain}),
    {Server, Client}.

t_ssl() ->
    {Server, Client} = certificate(),
    {ok, L} = ssl:listen(0, [?CB_INFO, {ip, {127, 0, 0, 1}}, binary, {active, false} | Server]),
    {ok, {_, Port}} = ssl:sockname(L),
    Serving = gentcp_test_lib:elsewhere(fun() ->
        {ok, Accepted} = ssl:transport_accept(L),
        {ok, S} = ssl:handshake(Accepted),
        {ok, Data} = ssl:recv(S, 5),
        ok = ssl:send(S, [Data, binary:copy(<<"x">>, 1000000)]),
        ssl:close(S)
    end),
    {ok, C} = ssl:connect({127, 0, 0, 1}, Port,
                          [?CB_INFO, binary, {active, true},
                           {server_name_indication, disable} | Client]),
    ok = ssl:send(C, "hello"),
    ?assertMatch({ok, {{127, 0, 0, 1}, _}}, ssl:sockname(C)),
    Got = until_closed(C, []),
    ?assertEqual(ok, gentcp_test_lib:result(Serving)),
    ?assertEqual(1000005, byte_size(Got)),
    ?assertEqual(<<"hello">>, binary:part(Got, 0, 5)),
    no_inet_port(),
    ok = ssl:close(L).

%% httpd wants files.
files(Folder, Config) ->
    {cert, Certificate} = lists:keyfind(cert, 1, Config),
    {key, {KeyType, Key}} = lists:keyfind(key, 1, Config),
    Name = filename:join(Folder, "server.pem"),
    Entries = [{'Certificate', Certificate, not_encrypted}, {KeyType, Key, not_encrypted}],
    ok = file:write_file(Name, public_key:pem_encode(Entries)),
    [{certfile, Name}, {keyfile, Name}].

until_closed(C, Got) ->
    receive
        {ssl, C, Data} -> until_closed(C, [Got, Data]);
        {ssl_closed, C} -> iolist_to_binary(Got)
    after ?DEADLINE -> error({no_end, iolist_size(Got)})
    end.

t_https() ->
    {Server, Client} = certificate(),
    {Folder, Body} = site(),
    {ok, _} = application:ensure_all_started(inets),
    {ok, Httpd} = inets:start(httpd, [
        {port, 0}, {server_name, "test"}, {server_root, Folder}, {document_root, Folder},
        {bind_address, {127, 0, 0, 1}}, {socket_type, {ssl, [?CB_INFO | files(Folder, Server)]}}]),
    [{port, Port}] = httpd:info(Httpd, [port]),
    Url = "https://localhost:" ++ integer_to_list(Port) ++ "/file.txt",
    [begin
         {ok, {Status, _, Got}} = httpc:request(get, {Url, []},
             [{ssl, [?CB_INFO, {server_name_indication, disable} | Client]}],
             [{body_format, binary}]),
         ?assertMatch({_, 200, _}, Status),
         ?assert(Got =:= Body)
     end || _ <- [1, 2, 3]],
    no_inet_port(),
    ok = inets:stop(httpd, Httpd),
    ok = inets:stop(),
    ok = file:del_dir_r(Folder).

%% A whole node without a socket of its own, whatever families its programs name.
t_node() ->
    in_a_node(http_in_the_node, []).

t_families() ->
    in_a_node(families_in_the_node, []).

%% gen_tcp with each family.
families_in_the_node() ->
    Path = string:trim(os:cmd("mktemp -u")),
    [begin
         {ok, L} = gen_tcp:listen(0, [{active, false}, {ifaddr, Address} | Family]),
         {ok, Port} = inet:port(L),
         {To, At} = case Address of
             {local, _} -> {Address, 0};
             _ -> {Address, Port}
         end,
         {ok, C} = gen_tcp:connect(To, At, [{active, false} | Family]),
         {ok, A} = gen_tcp:accept(L),
         ok = gen_tcp:send(C, "x"),
         {ok, "x"} = gen_tcp:recv(A, 1),
         [{'$inet', gentcp, _} = S || S <- [L, C, A]]
     end || {Address, Family} <- [{{127, 0, 0, 1}, [inet]}, {{127, 0, 0, 1}, []},
                                  {{local, Path}, []}, {{local, Path ++ "2"}, [local]}]
                                 ++ [{{0, 0, 0, 0, 0, 0, 0, 1}, F} || F <- [[inet6], []], has_inet6()]],
    [ok = file:delete(Path ++ Tail) || Tail <- ["", "2"]],
    no_inet_port().

has_inet6() ->
    case file:read_file("/proc/net/if_inet6") of
        {ok, <<_, _/binary>>} -> true;
        _ -> false
    end.

%% Debian's Yaws, a server of its own.
t_yaws() ->
    case filelib:wildcard("/usr/lib/yaws-*/ebin") of
        [Yaws | _] -> in_a_node(yaws_in_the_node, [Yaws]);
        [] -> io:put_chars(user, "skipped: gentcp_otp_tests::t_yaws: no yaws\n")
    end.

in_a_node(Function, More) ->
    {ok, Path} = application:get_env(gentcp, socket),
    [Ebin, Tests] = [filename:dirname(code:which(Module)) || Module <- [gentcp, ?MODULE]],
    Node = filename:join(filename:dirname(Ebin), "node"),
    {ok, Peer, _} = peer:start(#{connection => standard_io,
                                 env => [{"GENTCPD_SOCKET", Path}],
                                 args => ["-pa", Node, Ebin, Tests | More]}),
    ok = peer:call(Peer, ?MODULE, Function, [], ?DEADLINE),
    ok = peer:stop(Peer).

%% httpd and httpc, which say `inet'.
http_in_the_node() ->
    {Folder, Body} = site(),
    {ok, _} = application:ensure_all_started(inets),
    {ok, Httpd} = inets:start(httpd, [
        {port, 0}, {server_name, "test"}, {server_root, Folder}, {document_root, Folder},
        {bind_address, {127, 0, 0, 1}}]),
    [{port, Port}] = httpd:info(Httpd, [port]),
    fetch(Port, Body),
    ok = inets:stop(httpd, Httpd),
    ok = inets:stop(),
    ok = file:del_dir_r(Folder).

yaws_in_the_node() ->
    {Folder, Body} = site(),
    {ok, _} = application:ensure_all_started(inets),
    ok = apply(yaws, start_embedded, [
        Folder, [{port, 0}, {listen, {127, 0, 0, 1}}, {servername, "localhost"}],
        [{logdir, Folder}, {id, "test"}], "test"]),
    fetch(listening(), Body),
    ok = apply(yaws, stop, []),
    ok = inets:stop(),
    ok = file:del_dir_r(Folder).

%% A folder with a file.
site() ->
    Folder = string:trim(os:cmd("mktemp -d")),
    Body = binary:copy(<<"a line\n">>, 20000),
    ok = file:write_file(Folder ++ "/file.txt", Body),
    {Folder, Body}.

%% Several get the file at once.
fetch(Port, Body) ->
    Url = "http://localhost:" ++ integer_to_list(Port) ++ "/file.txt",
    Me = self(),
    Getters = [spawn_monitor(fun() ->
        {ok, {{_, 200, _}, _, Got}} = httpc:request(get, {Url, []}, [], [{body_format, binary}]),
        Me ! {got, Got}
    end) || _ <- lists:seq(1, 10)],
    [receive {got, Got} -> Got = Body end || _ <- Getters],
    {_, [_, _ | _]} = sockets(),
    no_inet_port().

%% The port of the one listener that there is.
listening() ->
    {Key, Rows} = sockets(),
    [Number] = [N || #{<<"socket">> := N, <<"states">> := States} <- Rows,
                     lists:member(<<"listen">>, States)],
    {ok, Port} = gentcp_inet:port({'$inet', gentcp, {gentcp_socket, Key, Number}}),
    Port.

sockets() ->
    {ok, {Conn, Key, _}} = gentcp_conn:find(self()),
    {ok, Rows, none} = gentcp_conn:call(Conn, "inet.i", <<"[]">>, none, {none, []}),
    {Key, Rows}.
