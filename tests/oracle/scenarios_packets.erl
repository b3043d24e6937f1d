%% SPDX-License-Identifier: ISC
%% Packet types: the same bytes and a FIN in passive mode, active, once by once,
%% counted, and in pieces.
-module(scenarios_packets).

-export([scenarios/0]).

-include("oracle.hrl").

-spec scenarios() -> [{term(), fun((map()) -> term())}].
scenarios() ->
    [{[Name, "/", atom_to_list(How)], fun(C) -> oracle_stream:read(C, How, Opts, Bytes) end}
        || {Name, Opts, Bytes} <- rows(), How <- [passive, active, once, counted, pieces],
           %% what one read gets of pieces is chance
           {How, hd(Name)} =/= {pieces, $r}] ++
    sent() ++ switched() ++ oversized().

%% {Name, Options, Bytes from the peer}
rows() ->
    lengths() ++ limits() ++ others() ++ lines().

lengths() ->
    [{"raw", [], <<"abc">>},
     {"raw_word", [{packet, raw}], <<"abc">>},
     {"1", [{packet, 1}], <<3, "abc", 0, 1, "z">>},
     {"1_list", [{packet, 1}, list], <<3, "abc", 0, 1, "z">>},
     {"1_part", [{packet, 1}], <<3, "abc", 5, "z">>},
     {"1_header", [{packet, 1}, {header, 2}], <<3, "abc", 1, "z", 2, "yz", 0>>},
     {"2", [{packet, 2}], <<0, 3, "abc", 0, 0, 0, 1, "z">>},
     {"2_header_part", [{packet, 2}], <<0, 3, "abc", 0>>},
     {"2_over_buffer", [{packet, 2}, {buffer, 10}], [<<3000:16>>, binary:copy(<<"q">>, 3000)]},
     {"4", [{packet, 4}], <<0, 0, 0, 3, "abc", 0, 0, 0, 0>>},
     {"4_list", [{packet, 4}, list], <<0, 0, 0, 3, "abc", 0, 0, 0, 0>>},
     {"4_huge", [{packet, 4}], <<16#7f, 16#ff, 16#ff, 16#fc, "x">>},
     {"4_negative", [{packet, 4}], <<16#ff, 16#ff, 16#ff, 16#ff, "x">>},
     {"4_64k", [{packet, 4}], [<<65536:32>>, binary:copy(<<"q">>, 65536), <<1:32, "e">>]}].

limits() ->
    [{"1_size_3", [{packet, 1}, {packet_size, 3}], <<3, "abc", 4, "defg">>},
     {"2_size_10", [{packet, 2}, {packet_size, 10}], <<0, 3, "abc", 0, 11, "x">>},
     {"4_size_3", [{packet, 4}, {packet_size, 3}], <<0, 0, 0, 3, "abc", 0, 0, 0, 4>>},
     {"4_size_first", [{packet, 4}, {packet_size, 3}], <<0, 0, 0, 9, "abcdefghi">>},
     {"half_size", [{packet, 2}, {packet_size, 2}, {exit_on_close, false}], <<0, 1, "a", 0, 3, "abc">>},
     {"asn1_size", [{packet, asn1}, {packet_size, 2}], <<16#30, 3, 1, 2, 3>>},
     {"fcgi_size", [{packet, fcgi}, {packet_size, 3}], <<1, 5, 0, 1, 0, 3, 1, 0, "abc", 0>>},
     {"tpkt_size", [{packet, tpkt}, {packet_size, 3}], <<3, 0, 0, 8, "abcd">>},
     {"cdr_size", [{packet, cdr}, {packet_size, 2}], <<"GIOP", 1, 1, 0, 0, 3:32, "abc">>},
     {"sunrm_size", [{packet, sunrm}, {packet_size, 2}], <<3:32, "abc">>}].

others() ->
    [{"sunrm", [{packet, sunrm}], <<16#80, 0, 0, 3, "abc", 0, 0, 0, 2, "de">>},
     {"sunrm_list", [{packet, sunrm}, list], <<16#80, 0, 0, 1, "a">>},
     {"sunrm_empty", [{packet, sunrm}], <<16#80, 0, 0, 0, 0, 0, 0, 0>>},
     {"asn1", [{packet, asn1}], <<16#30, 3, 1, 2, 3, 4, 0>>},
     {"asn1_81", [{packet, asn1}], <<16#30, 16#81, 3, 1, 2, 3>>},
     {"asn1_82", [{packet, asn1}], <<16#30, 16#82, 0, 1, 9>>},
     {"asn1_84", [{packet, asn1}], <<16#30, 16#84, 0, 0, 0, 1, 9>>},
     {"asn1_85", [{packet, asn1}], <<16#30, 16#85, 0, 0, 0, 0, 1, 9>>},
     {"asn1_80", [{packet, asn1}], <<16#30, 16#80, 0, 0>>},
     {"asn1_huge", [{packet, asn1}], <<16#30, 16#84, 16#ff, 16#ff, 16#ff, 16#ff>>},
     {"asn1_long_tag", [{packet, asn1}], <<16#1f, 16#85, 1, 2, 7, 7>>},
     {"cdr", [{packet, cdr}], <<"GIOP", 1, 1, 0, 0, 3:32, "abc">>},
     {"cdr_little", [{packet, cdr}], <<"GIOP", 1, 1, 1, 0, 3, 0, 0, 0, "abc">>},
     {"cdr_magic", [{packet, cdr}], <<"XIOP", 1, 1, 0, 0, 3:32, "abc">>},
     {"cdr_magic_short", [{packet, cdr}], <<"XIOP">>},
     {"fcgi", [{packet, fcgi}], <<1, 5, 0, 1, 0, 3, 2, 0, "abc", 0, 0, 1, 5, 0, 1, 0, 0, 0, 0>>},
     {"fcgi_version", [{packet, fcgi}], <<2, 5, 0, 1, 0, 3, 2, 0, "abc", 0, 0>>},
     {"tpkt", [{packet, tpkt}], <<3, 0, 0, 7, "abc", 3, 0, 0, 4>>},
     {"tpkt_version", [{packet, tpkt}], <<2, 0, 0, 7, "abc">>},
     {"tpkt_short", [{packet, tpkt}], <<3, 0, 0, 3, "abc">>}].

lines() ->
    [{"line", [{packet, line}], "one\ntwo\r\n\nlast"},
     {"line_list", [{packet, line}, list], "one\ntwo\n"},
     {"line_delimiter", [{packet, line}, {line_delimiter, $;}], "a;b\nc;d"},
     {"line_delimiter_0", [{packet, line}, {line_delimiter, 0}], <<"a", 0, "b", 0>>},
     {"line_delimiter_255", [{packet, line}, {line_delimiter, 255}], <<"a", 255, "b", 255>>},
     {"line_delimiter_300", [{packet, line}, {line_delimiter, 300}], "a,b\n,c"},
     {"line_delimiter_negative", [{packet, line}, {line_delimiter, -1}], <<"a", 255, "b">>},
     {"line_long", [{packet, line}], [binary:copy(<<"a">>, 3000), "\nb\n"]},
     {"line_buffer", [{packet, line}, {buffer, 10}], "0123456789\nab\n"},
     {"line_buffer_exact", [{packet, line}, {buffer, 10}], "012345678\nab\n"},
     {"line_size", [{packet, line}, {packet_size, 5}], "abc\nabcd\nabcde\n"},
     {"line_size_open", [{packet, line}, {packet_size, 5}], "abc\nabcdefgh"},
     {"line_size_exact_open", [{packet, line}, {packet_size, 5}], "abcde"},
     {"line_size_over_buffer", [{packet, line}, {packet_size, 20}, {buffer, 10}], "abcdefghijklmno\n"},
     {"line_header", [{packet, line}, {header, 1}], "abc\nd\n\n"}].

%% What goes on the wire.
sent() ->
    [{["send/", Name], fun(C) ->
        {S, P} = pair(C, Opts),
        [tcp(C, send, [S, D]) || D <- Datas],
        inet(C, getstat, [S, [send_oct, send_cnt, send_max]]),
        tcp(C, close, [S]),
        p_eof(C, P)
     end} || {Name, Opts, Datas} <- [
            {"raw", [], ["abc", <<"def">>]},
            {"1", [{packet, 1}], ["abc", "", <<"z">>]},
            {"1_full", [{packet, 1}], [binary:copy(<<"x">>, 255)]},
            {"1_too_long", [{packet, 1}], [binary:copy(<<"x">>, 256)]},
            {"1_too_long_then_short", [{packet, 1}], [binary:copy(<<"x">>, 300), "ok"]},
            {"2", [{packet, 2}], ["abc", "", <<"z">>]},
            {"2_full", [{packet, 2}], [binary:copy(<<"x">>, 65535)]},
            {"2_too_long", [{packet, 2}], [binary:copy(<<"x">>, 65536)]},
            {"4", [{packet, 4}], ["abc", "", <<"z">>]},
            {"4_100k", [{packet, 4}], [binary:copy(<<"x">>, 100000)]},
            {"4_size", [{packet, 4}, {packet_size, 2}], ["abc"]},
            {"line", [{packet, line}], ["abc", "d\n"]},
            {"sunrm", [{packet, sunrm}], [<<16#80, 0, 0, 1, "a">>]},
            {"asn1", [{packet, asn1}], ["abc"]},
            {"cdr", [{packet, cdr}], ["abc"]},
            {"fcgi", [{packet, fcgi}], ["abc"]},
            {"tpkt", [{packet, tpkt}], ["abc"]},
            {"http", [{packet, http}], ["GET / HTTP/1.0\r\n\r\n"]},
            {"iolist", [{packet, 2}], [[$a, ["b", <<"c">>], [[]]]]},
            {"header", [{packet, 1}, {header, 3}], ["abcdef"]}
        ]].

%% Bytes come, some calls, another packet type, more calls.
switched() ->
    [{["switch/", Name], fun(C) ->
        {S, P} = pair(C, Opts),
        p_send(P, Bytes),
        p_fin(P),
        [step(C, S, Step) || Step <- Steps]
     end} || {Name, Opts, Bytes, Steps} <- [
            {"line_to_raw", [{packet, line}], "l1\nBODY", [recv, raw, recv, recv]},
            {"raw_to_line", [], "abl1\nl2\n", [{recv, 2}, line, recv, recv, recv]},
            {"1_to_2", [{packet, 1}], [1, "a", 0, 2, "bc"], [recv, 2, recv, recv]},
            {"2_to_4_to_1", [{packet, 2}], [0, 1, "a", 0, 0, 0, 1, "b", 1, "c"],
                [recv, 4, recv, 1, recv, recv]},
            {"line_to_http", [{packet, line}], "l1\nGET / HTTP/1.0\r\n", [recv, http, recv, recv]},
            {"http_to_raw", [{packet, http}], "GET / HTTP/1.0\r\n\r\nbody", [recv, recv, raw, recv, recv]},
            {"httph_to_raw", [{packet, httph}], "A: b\r\n\r\nbody", [recv, recv, raw, recv]},
            {"http_forgets_nothing", [{packet, http}],
                "GET / HTTP/1.0\r\nGET / HTTP/1.0\r\n\r\n", [recv, raw, http, recv, recv]},
            {"raw_part_to_1", [], [9, 3, "abc"], [{recv, 1}, 1, recv, recv]},
            {"to_line_many", [{packet, 1}], [2, "ab", "x\ny\nz\n"], [recv, line, recv, recv, recv, recv]},
            {"http_bin_mid", [{packet, http}], "GET / HTTP/1.0\r\nA: b\r\nC: d\r\n\r\n",
                [recv, recv, http_bin, recv, recv]},
            {"1_to_list", [{packet, 1}], [1, "a", 1, "b"], [recv, {set, [list]}, recv]},
            {"header_between", [], "abcdef", [{recv, 2}, {set, [{header, 1}]}, recv]},
            {"buffer_between", [{packet, line}], "abc\ndefghi\n", [recv, {set, [{buffer, 100}]}, recv]}
        ]] ++
    [{"switch/active_half", fun(C) ->
        {S, P} = pair(C, [{packet, 2}, {active, true}]),
        p_send(P, <<0, 4, "ab">>),
        mail(C),
        inet(C, setopts, [S, [{active, false}]]),
        p_send(P, <<"cd">>),
        tcp(C, recv, [S, 0])
      end},
     {"switch/packet_and_active_at_once", fun(C) ->
        {S, P} = pair(C, []),
        p_send(P, <<1, "a", 1, "b">>),
        p_fin(P),
        inet(C, setopts, [S, [{packet, 1}, {active, true}]]),
        closed_mail(C, S)
      end},
     {"switch/active_and_packet_at_once", fun(C) ->
        {S, P} = pair(C, []),
        p_send(P, <<1, "a", 1, "b">>),
        p_fin(P),
        inet(C, setopts, [S, [{active, true}, {packet, 1}]]),
        closed_mail(C, S)
      end},
     {"switch/active_line_to_raw", fun(C) ->
        {S, P} = pair(C, [{packet, line}, {active, true}]),
        p_send(P, <<"l1\nrest">>),
        mail(C, 1),
        inet(C, setopts, [S, [{packet, raw}]]),
        mail(C, 1)
      end}].

step(C, S, recv) -> tcp(C, recv, [S, 0]);
step(C, S, {recv, N}) -> tcp(C, recv, [S, N]);
step(C, S, {set, Opts}) -> inet(C, setopts, [S, Opts]);
step(C, S, Packet) ->
    inet(C, setopts, [S, [{packet, Packet}]]),
    inet(C, getopts, [S, [packet]]).

%% A packet too long: when it is told, and what stays.
oversized() ->
    [{"oversized/behind_a_good_one", fun(C) ->
        {_, P} = pair(C, [{packet, 2}, {packet_size, 10}, {active, true}]),
        p_send(P, <<0, 3, "abc", 0, 11, "x">>),
        mail(C, 1),
        p_send(P, <<"y">>),
        mail(C)
      end},
     {"oversized/in_two_segments", fun(C) ->
        {_, P} = pair(C, [{packet, 2}, {packet_size, 10}, {active, true}]),
        p_send(P, <<0, 3, "abc">>),
        mail(C, 1),
        p_send(P, <<0, 11, "x">>),
        mail(C, 2),
        p_eof(C, P)
      end},
     {"oversized/passive_peer_sees_the_end", fun(C) ->
        {S, P} = pair(C, [{packet, 4}, {packet_size, 10}]),
        p_send(P, <<0, 0, 0, 11>>),
        tcp(C, recv, [S, 0]),
        tcp(C, recv, [S, 0]),
        tcp(C, send, [S, "x"]),
        inet(C, info, [S]),
        p_eof(C, P)
      end},
     {"oversized/half_alive", fun(C) ->
        {S, P} = pair(C, [{packet, 2}, {packet_size, 3}, {exit_on_close, false}, {active, true}]),
        p_send(P, <<0, 4, "abcd">>),
        mail(C, 2),
        inet(C, getopts, [S, [active]]),
        tcp(C, send, [S, "still"]),
        rec(C, peer, p_recv(P, 7))
      end},
     {"oversized/recv_while_it_comes", fun(C) ->
        {S, P} = pair(C, [{packet, 1}, {packet_size, 3}]),
        #{tcp := Tcp} = C,
        T = task(C, fun() -> [Tcp:recv(S, 0), Tcp:recv(S, 0)] end),
        blocked(T),
        p_send(P, <<4, "abcd">>),
        await(C, waiter, T)
      end}].
