%% SPDX-License-Identifier: ISC
-module(gentcp_json_tests).

-include_lib("eunit/include/eunit.hrl").

same(Term) ->
    Text = iolist_to_binary(gentcp_json:encode(Term)),
    ?assertEqual(nomatch, binary:match(Text, <<"\n">>)),
    ?assertEqual({ok, Term}, gentcp_json:decode(Text)).

round_trip_test_() ->
    [
        ?_test(same(Term))
     || Term <- [
            0, -1, 1 bsl 53, -(1 bsl 70), 0.1, -2.5e-300, 1.0e22, true, false, null, [], #{},
            <<>>, <<"plain">>, <<"quote \" back \\ slash / \b\f\n\r\t">>, <<0, 1, 31, 127>>,
            <<"ä€𝄞"/utf8>>, [[], [[1]], #{<<"a">> => []}],
            #{<<>> => 1, <<"\n">> => [<<"b">>, 2.0, null], <<"c">> => #{<<"d">> => false}},
            lists:seq(1, 3000)
        ]
    ].

%% Valid texts, in each form that JSON has.
decode_test_() ->
    [
        ?_assertEqual({ok, Term}, gentcp_json:decode(Text))
     || {Text, Term} <- [
            {<<" \t\r\n1 \n">>, 1},
            {<<"-0">>, 0},
            {<<"10e2">>, 1000.0},
            {<<"1E+2">>, 100.0},
            {<<"1e-2">>, 0.01},
            {<<"-1.50">>, -1.5},
            {<<"[ 1 ,2, [ ] ]">>, [1, 2, []]},
            {<<"{ \"a\" : { } , \"b\" : true }">>, #{<<"a">> => #{}, <<"b">> => true}},
            {<<"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"">>, <<"\"\\/\b\f\n\r\t">>},
            {<<"\"x\\u0000\\u00E9\\uD834\\udd1ey\"">>, <<"x", 0, "é𝄞y"/utf8>>},
            {<<"\"é\\n€\""/utf8>>, <<"é\n€"/utf8>>}
        ]
    ].

refused_test_() ->
    [
        ?_assertEqual({Text, {error, Reason}}, {Text, gentcp_json:decode(Text)})
     || {Text, Reason} <- [
            {<<>>, truncated},
            {<<"  ">>, truncated},
            {<<"[1">>, truncated},
            {<<"[1,">>, truncated},
            {<<"{\"a\"">>, truncated},
            {<<"{\"a\":">>, truncated},
            {<<"{">>, truncated},
            {<<"\"a">>, truncated},
            {<<"\"a\\">>, truncated},
            {<<"\"\\u12">>, truncated},
            {<<"-">>, truncated},
            {<<"1.">>, truncated},
            {<<"1e">>, truncated},
            {<<"1e+">>, truncated},
            {<<"1.x">>, number},
            {<<"1e+x">>, number},
            {<<"-x">>, number},
            {<<"1e999">>, number},
            {binary:copy(<<"1">>, 2000), number},
            {<<"01">>, {syntax, <<"1">>}},
            {<<"-01">>, {syntax, <<"1">>}},
            {<<"+1">>, {syntax, <<"+1">>}},
            {<<".5">>, {syntax, <<".5">>}},
            {<<"1 2">>, {syntax, <<"2">>}},
            {<<"[1,]">>, {syntax, <<"]">>}},
            {<<"[1 2]">>, {syntax, <<"2]">>}},
            {<<"{\"a\":1,}">>, {syntax, <<"}">>}},
            {<<"{\"a\" 1}">>, {syntax, <<"1}">>}},
            {<<"{a:1}">>, {syntax, <<"a:1}">>}},
            {<<"{\"a\":1 \"b\"">>, {syntax, <<"\"b\"">>}},
            {<<"True">>, {syntax, <<"True">>}},
            {<<"nul">>, {syntax, <<"nul">>}},
            {<<"'a'">>, {syntax, <<"'a'">>}},
            {<<"\"a\nb\"">>, {syntax, <<"\nb\"">>}},
            {<<"\"\\q\"">>, escape},
            {<<"\"\\ud800\"">>, escape},
            {<<"\"\\ud800\\u0041\"">>, escape},
            {<<"\"\\udc00\"">>, escape},
            {<<"\"\\u00g0\"">>, escape},
            {<<"\"", 16#80, "\"">>, utf8},
            {<<"\"", 16#C0, 16#80, "\"">>, utf8},
            {<<"\"", 16#ED, 16#A0, 16#80, "\"">>, utf8},
            {<<"\"", 16#F4, 16#90, 16#80, 16#80, "\"">>, utf8},
            {<<"\"\\n", 16#FF, "\"">>, utf8},
            {<<"{\"a\":1,\"a\":2}">>, {duplicate, <<"a">>}},
            {<<"{\"a\":1,\"\\u0061\":2}">>, {duplicate, <<"a">>}}
        ]
    ].

depth_test() ->
    Nested = fun(N) ->
        iolist_to_binary([lists:duplicate(N, $[), lists:duplicate(N, $])])
    end,
    ?assertMatch({ok, [_]}, gentcp_json:decode(Nested(64))),
    ?assertEqual({error, depth}, gentcp_json:decode(Nested(65))),
    ?assertEqual({error, depth}, gentcp_json:decode(Nested(100000))),
    Objects = iolist_to_binary([lists:duplicate(65, <<"{\"a\":">>), $1, lists:duplicate(65, $})]),
    ?assertEqual({error, depth}, gentcp_json:decode(Objects)).

encode_refuses_test_() ->
    [
        ?_assertError(badarg, gentcp_json:encode(Term))
     || Term <- [
            <<255>>, <<16#ED, 16#A0, 16#80>>, <<"\n", 255>>, foo, {a, b}, #{a => 1}, [1 | 2],
            #{1 => 2}, [self()], #{<<255>> => 1}
        ]
    ].

%% No text makes it crash, or answers anything but what it should.
mutations_test() ->
    rand:seed(exsss, {1, 2, 3}),
    Text = <<"{\"a\":[1,-2.5e3,\"x\\u00e9\\n\",{\"b\":null}],\"c\":\"€\",\"d\":true}"/utf8>>,
    [mutate(Text) || _ <- lists:seq(1, 5000)].

mutate(Text) ->
    At = rand:uniform(byte_size(Text)) - 1,
    <<Before:At/binary, _, After/binary>> = Text,
    case gentcp_json:decode(<<Before/binary, (rand:uniform(256) - 1), After/binary>>) of
        {ok, Term} -> same(Term);
        {error, _} -> ok
    end.
