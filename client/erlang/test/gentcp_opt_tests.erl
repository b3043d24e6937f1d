%% SPDX-License-Identifier: ISC
-module(gentcp_opt_tests).

-include_lib("eunit/include/eunit.hrl").

-define(b64(Bin), #{<<"base64">> => base64:encode(Bin)}).

setopts(Options) ->
    {ok, Json, Extra} = gentcp_opt:encode(setopts, Options),
    ?assertEqual(#{}, Extra),
    _ = iolist_to_binary(gentcp_json:encode(Json)),
    Json.

open(Place, Options) ->
    {ok, Json, Extra} = gentcp_opt:encode(Place, Options),
    _ = iolist_to_binary(gentcp_json:encode(Json)),
    {Json, Extra}.

connect(Options) -> element(1, open(connect, Options)).

%% Last to first, as gen_tcp carries them out.
setopts_order_test() ->
    ?assertEqual([], setopts([])),
    ?assertEqual(
        [[<<"packet">>, 2], [<<"packet">>, 1], [<<"mode">>, <<"binary">>], [<<"active">>, 5]],
        setopts([{active, 5}, binary, {packet, 1}, {packet, 2}])
    ).

setopts_values_test() ->
    ?assertEqual([[<<"linger">>, [true, 5]]], setopts([{linger, {true, 5}}])),
    ?assertEqual([[<<"send_timeout">>, <<"infinity">>]], setopts([{send_timeout, infinity}])),
    ?assertEqual([[<<"send_timeout">>, 1 bsl 40]], setopts([{send_timeout, 1 bsl 40}])),
    ?assertEqual([[<<"packet">>, <<"raw">>]], setopts([{packet, raw}])),
    ?assertEqual([[<<"line_delimiter">>, 255]], setopts([{line_delimiter, -1}])),
    ?assertEqual([[<<"bind_to_device">>, ?b64(<<"lo">>)]], setopts([{bind_to_device, <<"lo">>}])),
    ?assertEqual([[<<"netns">>, ?b64(<<"/x">>)]], setopts([{netns, "/x"}])),
    Raw = [[<<"raw">>, [6, 1, ?b64(<<1:32/native>>)]]],
    ?assertEqual(Raw, setopts([{raw, 6, 1, <<1:32/native>>}])),
    ?assertEqual(Raw, setopts([{raw, {6, 1, <<1:32/native>>}}])),
    ?assertEqual([], setopts([{broadcast, true}, {read_packets, 3}])).

%% gen_tcp's own check of types, for each of its options and many values.
types_test_() ->
    Names = [
        reuseaddr, keepalive, dontroute, linger, sndbuf, recbuf, priority, tos, tclass,
        recvtos, recvtclass, ttl, recvttl, nodelay, nopush, ipv6_v6only, buffer, header,
        active, packet, mode, deliver, exit_on_close, high_watermark, low_watermark,
        high_msgq_watermark, low_msgq_watermark, send_timeout, send_timeout_close,
        delay_send, packet_size, show_econnreset, line_delimiter, raw, bind_to_device,
        debug, netns, broadcast, no_such_option
    ],
    Values = [
        true, false, once, infinity, 0, 1, 2, 3, 4, -1, 8, 1460, 1.0, foo, "text", <<"bin">>,
        {true, 5}, {true, -1}, {false, x}, {1, 5}, {5}, {true, 1, 2}, [], raw, line, http,
        httph_bin, sunrm, list, binary, port, term, {6, 1, <<"x">>}, {6, x, <<>>}, {6, 1, 4},
        {}, #{}, undefined
    ],
    [{atom_to_list(Name), [type_test(Name, Value) || Value <- Values]} || Name <- Names].

type_test(Name, Value) ->
    Good = is_good(Name, Value),
    Mine = gentcp_opt:encode(setopts, [{Name, Value}]) =/= error,
    ?_assertEqual({Name, Value, Good}, {Name, Value, Mine}).

%% A number for active is checked apart, and a path may be a list.
is_good(active, N) when is_integer(N) -> true;
is_good(netns, Path) when is_list(Path) -> true;
is_good(Name, Value) -> prim_inet:is_sockopt_val(Name, Value).

setopts_refused_test_() ->
    [
        ?_assertEqual({Option, error}, {Option, gentcp_opt:encode(setopts, [{nodelay, true}, Option])})
     || Option <- [
            foo, {foo, 1}, {1, 2}, {nodelay}, inet, inet6, local, {ip, any}, {ifaddr, any},
            {port, 0}, {fd, 3}, {backlog, 3}, {tcp_module, inet_tcp}, {inet_backend, inet},
            {active, 32768}, {active, -32769}, {packet, 3}, {packet, 8}, {packet, 0.0},
            {buffer, 1 bsl 31}, {buffer, -(1 bsl 31) - 1}, {packet_size, -1},
            {packet_size, 1 bsl 31}, {send_timeout, -1}, {send_timeout, 1 bsl 53},
            {raw, 1 bsl 40, 1, <<>>}, {raw, 6, 1, 4}, {linger, {true, 1 bsl 31}},
            {bind_to_device, "lo"}, {pktoptions, []}, {netns, nonsense}, {netns, [x]}
        ]
    ].

no_list_test() ->
    ?assertError(function_clause, gentcp_opt:encode(setopts, foo)),
    ?assertError(function_clause, gentcp_opt:encode(setopts, [binary | foo])),
    ?assertEqual(error, gentcp_opt:encode(connect, foo)),
    ?assertEqual(error, gentcp_opt:encode(listen, [binary | foo])),
    ?assertError(function_clause, gentcp_opt:encode(listen, [{backlog, x}])),
    ?assertError(function_clause, gentcp_opt:encode(listen, [{inet_backend, x}])),
    ?assertError(function_clause, gentcp_opt:names(foo)),
    ?assertError(function_clause, gentcp_opt:names([mode | foo])).

%% --- connect and listen ------------------------------------------------------

-define(BEGIN, [<<"mode">>, <<"list">>]).
-define(ACTIVE, [<<"active">>, true]).

open_test_() ->
    [
        ?_assertEqual({[?BEGIN, ?ACTIVE], #{}}, open(connect, [])),
        ?_assertEqual({[?BEGIN, ?ACTIVE], #{}}, open(listen, [])),
        %% the last of a name counts, and then last to first
        ?_assertEqual(
            [?BEGIN, [<<"packet">>, 2], [<<"low_watermark">>, 7], ?ACTIVE],
            connect([{packet, 1}, {low_watermark, 7}, {packet, 2}])
        ),
        ?_assertEqual(
            [?BEGIN, [<<"active">>, 3], [<<"mode">>, <<"binary">>]],
            connect([{active, false}, list, binary, {active, 3}])
        ),
        %% all raws
        ?_assertEqual(
            [?BEGIN, [<<"raw">>, [6, 1, ?b64(<<2>>)]], [<<"raw">>, [6, 1, ?b64(<<1>>)]], ?ACTIVE],
            connect([{raw, 6, 1, <<1>>}, {raw, {6, 1, <<2>>}}])
        ),
        %% the first family
        ?_assertEqual([?BEGIN, [<<"family">>, <<"inet6">>], ?ACTIVE], connect([inet6, inet])),
        ?_assertEqual(
            [?BEGIN, [<<"family">>, <<"local">>], ?ACTIVE],
            connect([{tcp_module, gentcp}, {tcp_module, local_tcp}, inet])
        ),
        ?_assertEqual(
            [?BEGIN, [<<"inet_backend">>, <<"socket">>], ?ACTIVE],
            connect([{inet_backend, socket}])
        ),
        ?_assertEqual({[?BEGIN, ?ACTIVE, [<<"fd">>, <<"passed">>]], #{fd => 7}},
            open(connect, [{fd, 7}])),
        ?_assertEqual({[?BEGIN, ?ACTIVE], #{}}, open(connect, [{fd, -1}, {fd, x}])),
        ?_assertEqual({[?BEGIN, [<<"netns">>, ?b64(<<"/x">>)], ?ACTIVE], #{}},
            open(connect, [{fd, 7}, {netns, <<"/x">>}])),
        ?_assertEqual({[?BEGIN, ?ACTIVE, [<<"backlog">>, 65535]], #{}},
            open(listen, [{backlog, -1}]))
    ].

bind_test_() ->
    Map = #{family => inet, addr => {127, 0, 0, 5}, port => 7},
    Json = fun(Addr, Port) ->
        #{<<"family">> => <<"inet">>, <<"addr">> => Addr, <<"port">> => Port}
    end,
    Own = fun(Options) -> lists:nthtail(2, connect(Options)) end,
    [
        ?_assertEqual([[<<"ifaddr">>, <<"127.0.0.1">>], [<<"port">>, 9]],
            Own([{ip, any}, {port, 9}, {ifaddr, {127, 0, 0, 1}}])),
        ?_assertEqual([[<<"ifaddr">>, <<"any">>]], Own([{ip, any}])),
        ?_assertEqual([[<<"ifaddr">>, <<"::1">>]], Own([{ip, {0, 0, 0, 0, 0, 0, 0, 1}}])),
        ?_assertEqual([[<<"ifaddr">>, #{<<"local">> => ?b64(<<"/p">>)}]], Own([{ip, {local, "/p"}}])),
        %% a map replaces ip and port, what comes behind replaces its part
        ?_assertEqual([[<<"ifaddr">>, Json(<<"127.0.0.5">>, 7)]],
            Own([{port, 1}, {ip, loopback}, {ifaddr, Map}])),
        ?_assertEqual([[<<"ifaddr">>, Json(<<"127.0.0.6">>, 8)]],
            Own([{ifaddr, Map}, {ip, {127, 0, 0, 6}}, {port, 8}])),
        ?_assertEqual([[<<"ifaddr">>, Json(<<"any">>, 0)]], Own([{ifaddr, #{family => inet}}])),
        ?_assertEqual(
            [[<<"ifaddr">>, #{<<"family">> => <<"local">>, <<"addr">> => ?b64(<<0, "a">>)}]],
            Own([{ifaddr, #{family => local, path => <<0, "a">>}}])
        )
    ].

open_refused_test_() ->
    Both = [
        foo, {foo, 1}, {1, 2}, {ip, "127.0.0.1"}, {ip, {1, 2, 3}}, {ip, {1, 2, 3, 256}},
        {ip, {1, 2, 3, a}}, {ip, foo}, {port, -1}, {port, 65536}, {port, "80"}, {nopush, true},
        {ifaddr, #{family => inet, addr => {1, 2, 3}}}, {ifaddr, #{family => inet, foo => 1}},
        {ifaddr, #{}}, {ifaddr, #{family => inet6, addr => {1, 2, 3, 4}}},
        {ifaddr, #{family => inet, addr => any, port => 65536}}, {tcp_module, foo},
        {inet_backend, inet}, {netns, foo}, {mode, foo}, {active, 40000}, {ip, {local, foo}}
    ],
    [
        ?_assertEqual({Place, Option, error}, {Place, Option, gentcp_opt:encode(Place, [binary, Option])})
     || {Place, Options} <- [
            {connect, [{backlog, 3} | Both]},
            {listen, [{line_delimiter, 3} | Both]}
        ],
        Option <- Options
    ].

newer_options_test_() ->
    [
        ?_assertMatch({ok, [_ | _], _}, gentcp_opt:encode(Place, [Option]))
     || Place <- [connect, listen, setopts],
        Option <- [
            {reuseport, true}, {reuseport_lb, false}, {exclusiveaddruse, true}, {keepcnt, 3},
            {keepidle, 3}, {keepintvl, 3}, {user_timeout, 3}, {dontroute, true},
            {ipv6_v6only, true}
        ]
    ].

defaults_test_() ->
    Set = fun(Key, Value) -> application:set_env(kernel, Key, Value) end,
    Keys = [inet_default_connect_options, inet_default_listen_options],
    Cleanup = fun(_) -> [application:unset_env(kernel, Key) || Key <- Keys] end,
    {foreach, fun() -> ok end, Cleanup, [
        fun(_) ->
            Set(inet_default_connect_options, [{nodelay, true}, {active, false}, {packet, 4}]),
            [
                ?_assertEqual(
                    [?BEGIN, [<<"packet">>, 1], ?ACTIVE, [<<"nodelay">>, true]],
                    connect([{packet, 1}])
                ),
                ?_assertEqual({[?BEGIN, ?ACTIVE], #{}}, open(listen, []))
            ]
        end,
        fun(_) ->
            Set(inet_default_listen_options, {delay_send, true}),
            ?_assertEqual({[?BEGIN, ?ACTIVE, [<<"delay_send">>, true]], #{}}, open(listen, []))
        end,
        fun(_) ->
            Set(inet_default_connect_options, {active, false}),
            ?_assertEqual([?BEGIN, ?ACTIVE], connect([]))
        end,
        fun(_) ->
            Set(inet_default_connect_options, [binary]),
            ?_assertEqual([?BEGIN, ?ACTIVE, [<<"mode">>, <<"binary">>]], connect([]))
        end,
        fun(_) ->
            Set(inet_default_connect_options, [{no_such_option, 1}]),
            ?_assertEqual(error, gentcp_opt:encode(connect, []))
        end
    ]}.

%% --- getopts -----------------------------------------------------------------

names_test() ->
    ?assertEqual({ok, []}, gentcp_opt:names([])),
    ?assertEqual(
        {ok, [<<"packet">>, <<"mode">>, #{<<"raw">> => [6, 1, 4]},
            #{<<"raw">> => [6, 2, ?b64(<<0>>)]}, <<"pktoptions">>]},
        gentcp_opt:names([packet, mode, {raw, 6, 1, 4}, packet, {raw, {6, 2, <<0>>}}, pktoptions,
            broadcast])
    ),
    [
        ?assertEqual({Name, error}, {Name, gentcp_opt:names([mode, Name])})
     || Name <- [
            foo, binary, list, line_delimiter, raw, backlog, ip, port, fd, {foo, 1}, "mode",
            {raw, 6, 1, -1}, {raw, 6, 1, 65537}, {raw, 6, x, 4}, inet, protocol, inet_backend
        ]
    ].

decode_test() ->
    Map = #{
        <<"active">> => 3, <<"packet">> => <<"line">>, <<"mode">> => <<"list">>,
        <<"linger">> => [true, 5], <<"send_timeout">> => <<"infinity">>, <<"nodelay">> => false,
        <<"bind_to_device">> => <<"lo">>, <<"netns">> => <<"/x">>,
        <<"raw">> => [[6, 1, ?b64(<<1, 2>>)], null, [6, 3, ?b64(<<>>)]],
        <<"pktoptions">> => [#{<<"ttl">> => 77}, #{<<"tos">> => 8}]
    },
    Names = [
        packet, {raw, 6, 1, 4}, active, packet, {raw, 6, 2, 4}, tclass, mode, {raw, {6, 3, <<>>}},
        linger, send_timeout, nodelay, bind_to_device, netns, pktoptions
    ],
    ?assertEqual(
        [
            {packet, line}, {raw, 6, 1, <<1, 2>>}, {active, 3}, {packet, line}, {mode, list},
            {raw, 6, 3, <<>>}, {linger, {true, 5}}, {send_timeout, infinity}, {nodelay, false},
            {bind_to_device, <<"lo">>}, {netns, "/x"}, {pktoptions, [{ttl, 77}, {tos, 8}]}
        ],
        gentcp_opt:decode(Names, Map)
    ),
    [
        ?assertEqual([{packet, Type}], gentcp_opt:decode([packet], #{<<"packet">> => Json}))
     || {Json, Type} <- [
            {0, 0}, {4, 4}, {<<"sunrm">>, sunrm}, {<<"asn1">>, asn1}, {<<"cdr">>, cdr},
            {<<"fcgi">>, fcgi}, {<<"tpkt">>, tpkt}, {<<"http">>, http}, {<<"httph">>, httph},
            {<<"http_bin">>, http_bin}, {<<"httph_bin">>, httph_bin}
        ]
    ].

%% --- addresses ---------------------------------------------------------------

address_test_() ->
    [
        ?_assertEqual({Term, Json}, {Term, gentcp_opt:address(Term)})
     || {Term, Json} <- [
            {{127, 0, 0, 1}, {ok, <<"127.0.0.1">>}},
            {{0, 0, 0, 0, 0, 0, 0, 1}, {ok, <<"::1">>}},
            {"localhost", {ok, <<"localhost">>}},
            {localhost, {ok, <<"localhost">>}},
            {{local, "/p"}, {ok, #{<<"local">> => ?b64(<<"/p">>)}}},
            {#{family => inet, addr => {127, 0, 0, 1}, port => 80},
                {ok, #{<<"family">> => <<"inet">>, <<"addr">> => <<"127.0.0.1">>, <<"port">> => 80}}},
            {#{family => inet6, addr => {16#FE80, 0, 0, 0, 0, 0, 0, 1}, scope_id => 2},
                {ok, #{<<"family">> => <<"inet6">>, <<"addr">> => <<"fe80::1">>, <<"port">> => 0,
                    <<"scope_id">> => 2, <<"flowinfo">> => 0}}},
            {{127, 0, 0, 256}, error},
            {{127, 0, 0, -1}, error},
            {{1, 2, 3}, error},
            {{local, foo}, error},
            {"", error},
            {"a b", error},
            {<<"localhost">>, error},
            {17, error},
            {#{family => foo}, error},
            {#{family => inet6, addr => any, scope_id => -1}, error}
        ]
    ].

from_address_test() ->
    ?assertEqual({{127, 0, 0, 1}, 80},
        gentcp_opt:from_address(
            #{<<"family">> => <<"inet">>, <<"addr">> => <<"127.0.0.1">>, <<"port">> => 80})),
    ?assertEqual({{16#FE80, 0, 0, 0, 0, 0, 0, 1}, 0},
        gentcp_opt:from_address(
            #{<<"family">> => <<"inet6">>, <<"addr">> => <<"fe80::1">>, <<"port">> => 0,
                <<"scope_id">> => 2, <<"flowinfo">> => 0})),
    ?assertEqual({{0, 0, 0, 0, 0, 16#FFFF, 16#7F00, 1}, 5},
        gentcp_opt:from_address(
            #{<<"family">> => <<"inet6">>, <<"addr">> => <<"::ffff:127.0.0.1">>, <<"port">> => 5})),
    ?assertEqual({local, <<"/p">>},
        gentcp_opt:from_address(#{<<"family">> => <<"local">>, <<"addr">> => <<"/p">>})),
    ?assertEqual({local, <<0, "a">>},
        gentcp_opt:from_address(#{<<"family">> => <<"local">>, <<"addr">> => ?b64(<<0, "a">>)})).

%% --- http --------------------------------------------------------------------

%% What erlang:decode_packet says, over its known names.
http_headers_test() ->
    Names = [
        "Cache-Control", "Host", "User-Agent", "Www-Authenticate", "Content-Length",
        "Content-Md5", "Etag", "Set-Cookie", "Proxy-Connection", "Keep-Alive", "Allow", "Age"
    ],
    [
        begin
            {ok, Packet, _} = erlang:decode_packet(httph, iolist_to_binary([Name, ": v\r\n\r\n"]), []),
            {http_header, Bit, _, Field, Value} = Packet,
            Json = #{
                <<"type">> => <<"http_header">>, <<"bit">> => Bit,
                <<"name">> => list_to_binary(Name), <<"field">> => list_to_binary(Field),
                <<"value">> => list_to_binary(Value)
            },
            ?assertEqual(Packet, gentcp_opt:http(Json, list))
        end
     || Name <- Names
    ].

http_test_() ->
    Request = fun(Method, Uri) ->
        #{<<"type">> => <<"http_request">>, <<"method">> => Method, <<"uri">> => Uri,
            <<"version">> => [1, 1]}
    end,
    Path = #{<<"type">> => <<"abs_path">>, <<"path">> => <<"/">>},
    Absolute = #{<<"type">> => <<"absoluteURI">>, <<"scheme">> => <<"https">>,
        <<"host">> => <<"h">>, <<"port">> => null, <<"path">> => <<"/">>},
    Scheme = #{<<"type">> => <<"scheme">>, <<"scheme">> => <<"h">>, <<"string">> => <<"443">>},
    [
        ?_assertEqual(Packet, gentcp_opt:http(Json, Form))
     || {Json, Form, Packet} <- [
            {Request(<<"GET">>, Path), list, {http_request, 'GET', {abs_path, "/"}, {1, 1}}},
            {Request(<<"GET">>, Path), bin, {http_request, 'GET', {abs_path, <<"/">>}, {1, 1}}},
            {Request(<<"PATCH">>, #{<<"type">> => <<"*">>}), list,
                {http_request, "PATCH", '*', {1, 1}}},
            {Request(<<"get">>, Absolute), bin,
                {http_request, <<"get">>, {absoluteURI, https, <<"h">>, undefined, <<"/">>}, {1, 1}}},
            {Request(<<"TRACE">>, Absolute#{<<"port">> => 8, <<"scheme">> => <<"http">>}), list,
                {http_request, 'TRACE', {absoluteURI, http, "h", 8, "/"}, {1, 1}}},
            {Request(<<"PUT">>, Scheme), list, {http_request, 'PUT', {scheme, "h", "443"}, {1, 1}}},
            {Request(<<"HEAD">>, #{<<"type">> => <<"string">>, <<"string">> => <<"x">>}), list,
                {http_request, 'HEAD', "x", {1, 1}}},
            {#{<<"type">> => <<"http_response">>, <<"version">> => [1, 0], <<"status">> => 200,
                    <<"phrase">> => ?b64(<<"OK", 255>>)}, list,
                {http_response, {1, 0}, 200, [$O, $K, 255]}},
            {#{<<"type">> => <<"http_header">>, <<"bit">> => 0, <<"name">> => <<"X-A">>,
                    <<"field">> => <<"x-a">>, <<"value">> => <<"é"/utf8>>}, bin,
                {http_header, 0, <<"X-A">>, <<"x-a">>, <<"é"/utf8>>}},
            {#{<<"type">> => <<"http_eoh">>}, list, http_eoh},
            {#{<<"type">> => <<"http_error">>, <<"line">> => <<"x\r\n">>}, list,
                {http_error, "x\r\n"}}
        ]
    ].
