%% SPDX-License-Identifier: ISC
%% http, httph, http_bin and httph_bin: terms, limits, states.
-module(scenarios_http).

-export([scenarios/0]).

-include("oracle.hrl").

-spec scenarios() -> [{term(), fun((map()) -> term())}].
scenarios() ->
    [{[Name, "/", atom_to_list(Type), "/", atom_to_list(How)],
      fun(C) -> oracle_stream:read(C, How, [{packet, Type} | Opts], Bytes) end}
        || {Name, Types, Opts, Bytes} <- rows(), {Type, Hows} <- ways(Types), How <- Hows] ++
    waits().

ways(all) -> [{http, [passive, active, pieces]}, {http_bin, [passive, once]}];
ways(one) -> [{http, [passive]}];
ways(head) -> [{httph, [passive, active]}, {httph_bin, [passive, pieces]}].

rows() ->
    whole() ++ requests() ++ responses() ++ headers() ++ limits().

whole() ->
    [{"request", all, [], "GET /a?b HTTP/1.1\r\nHost: h\r\nx-foo-bAR: v\r\n\r\n"},
     {"response", all, [], "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
     {"list", all, [list], "GET / HTTP/1.1\r\nA: b\r\n\r\n"},
     {"two_messages", all, [], "GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.0\r\nA: b\r\n\r\n"},
     {"bare_lf", all, [], "GET / HTTP/1.1\nHost: h\n\n"},
     {"continuation", all, [], "GET / HTTP/1.0\r\nA: line1\r\n line2\r\n\tline3\r\n\r\n"},
     {"error_goes_on", all, [], "\r\nGET / HTTP/1.0\r\nbad header\r\nA: b\r\n\r\n"},
     {"headers_only", head, [], "Host: h\r\nConnection: close\r\n\r\nX: y\r\n\r\n"},
     {"headers_error", head, [], "no colon here\r\nA: b\r\n\r\n"},
     {"deliver_port", one, [{deliver, port}], ""}].

requests() ->
    [{["request/", Name], one, [], [Line, "\r\n"]} || {Name, Line} <- [
        {"options", "OPTIONS * HTTP/1.1"}, {"head", "HEAD / HTTP/1.1"}, {"post", "POST /p HTTP/1.1"},
        {"put", "PUT /p HTTP/1.1"}, {"delete", "DELETE /p HTTP/1.1"}, {"trace", "TRACE / HTTP/1.1"},
        {"patch", "PATCH / HTTP/1.1"}, {"lower", "get / HTTP/1.1"}, {"connect", "CONNECT h:443 HTTP/1.1"},
        {"no_version", "GET /"}, {"no_version_blank", "GET /  "}, {"garbage", "garbage line"},
        {"one_word", "GET"}, {"empty", ""}, {"blank_first", " GET / HTTP/1.1"},
        {"tabs", "GET\t/\tHTTP/1.1"}, {"many_blanks", "GET   /   HTTP/1.1"},
        {"junk_behind", "GET / HTTP/1.1 junk"}, {"minor_junk", "GET / HTTP/1.1x"},
        {"big_numbers", "GET / HTTP/12.34"}, {"no_minor", "GET / HTTP/1"}, {"no_minor_dot", "GET / HTTP/1."},
        {"lower_http", "GET / http/1.1"}, {"uri_blank", "GET /a b HTTP/1.1"},
        {"absolute", "GET http://host/path HTTP/1.1"}, {"absolute_port", "GET http://host:81/p HTTP/1.1"},
        {"absolute_no_path", "GET http://host HTTP/1.1"}, {"https", "GET https://host/ HTTP/1.1"},
        {"upper_scheme", "GET HTTP://host/ HTTP/1.1"}, {"port_0", "GET http://host:0/ HTTP/1.1"},
        {"port_bad", "GET http://host:8a/ HTTP/1.1"}, {"port_empty", "GET http://host:/ HTTP/1.1"},
        {"ftp", "GET ftp://h/p HTTP/1.1"}, {"scheme", "GET mailto:a@b HTTP/1.1"},
        {"one_char", "GET x HTTP/1.1"}, {"relative", "GET xyz HTTP/1.1"}, {"star", "GET * HTTP/1.0"},
        {"ipv6_host", "GET http://[::1]:8080/x HTTP/1.1"}, {"user", "GET http://u@h/ HTTP/1.1"},
        {"query", "GET /?a=b&c=%20d#f HTTP/1.1"}, {"high_bytes", <<"GET /", 200, 255, " HTTP/1.1">>},
        {"nul", <<"GET /", 0, " HTTP/1.1">>}, {"special_method", "G(T / HTTP/1.1"},
        {"colon_method", "GET: / HTTP/1.1"}, {"long_method", "ABCDEFGHIJKLMNOPQRSTUVWXYZ / HTTP/1.1"}
    ]].

responses() ->
    [{["response/", Name], one, [], [Line, "\r\n"]} || {Name, Line} <- [
        {"ok", "HTTP/1.0 200 OK"}, {"no_phrase", "HTTP/1.1 204"}, {"blank_phrase", "HTTP/1.1 204 "},
        {"long_phrase", "HTTP/1.1 404 Not Found At All "}, {"no_status", "HTTP/1.1 OK"},
        {"glued", "HTTP/1.1 200OK"}, {"short_status", "HTTP/1.1 2 x"}, {"long_status", "HTTP/1.1 123456 x"},
        {"no_version", "HTTP/ 200 OK"}, {"half_version", "HTTP/1 200 OK"}, {"lower", "http/1.1 200 OK"},
        {"blanks", "HTTP/1.1   200   OK"}, {"only_version", "HTTP/1.1"}, {"icy", "ICY 200 OK"},
        {"negative", "HTTP/1.1 -1 OK"}, {"tab", "HTTP/1.1\t200\tOK"}
    ]].

headers() ->
    [{["header/", Name], head, [], [Line, "\r\n\r\n"]} || {Name, Line} <- [
        {"known", "content-length: 10"}, {"known_upper", "CONTENT-TYPE: text/plain"},
        {"etag", "ETag: x"}, {"md5", "Content-MD5: x"}, {"www", "www-authenticate: Basic"},
        {"unknown", "x-request-id: 7"}, {"mixed", "x-aBC-dEf: 7"}, {"no_value", "A:"},
        {"blanks_value", "A:   v  "}, {"tab_value", "A:\tv"}, {"no_name", ": v"},
        {"blank_before_colon", "Host : h"}, {"no_colon", "Host h"}, {"two_colons", "A: b: c"},
        {"fifty", [lists:duplicate(50, $a), ": v"]}, {"fifty_one", [lists:duplicate(51, $a), ": v"]},
        {"digits", "x1-2y: z"}, {"dash_last", "a-: z"}, {"dash_first", "-a: z"}, {"high", <<"A: ", 255, 128>>},
        {"special", "A(b: c"}, {"under", "a_b: c"}, {"continuation_blank", "A: b\r\n \r\nC: d"},
        {"cr_inside", "A: b\rc"}, {"leading_blank", " A: b"}
    ]] ++
    [{"header/all_known", head, [], [[H, ": v\r\n"] || H <- known()] ++ "\r\n"}].

known() ->
    ["Cache-Control", "Connection", "Date", "Pragma", "Transfer-Encoding", "Upgrade", "Via", "Accept",
     "Accept-Charset", "Accept-Encoding", "Accept-Language", "Authorization", "From", "Host",
     "If-Modified-Since", "If-Match", "If-None-Match", "If-Range", "If-Unmodified-Since", "Max-Forwards",
     "Proxy-Authorization", "Range", "Referer", "User-Agent", "Age", "Location", "Proxy-Authenticate",
     "Public", "Retry-After", "Server", "Vary", "Warning", "Www-Authenticate", "Allow", "Content-Base",
     "Content-Encoding", "Content-Language", "Content-Length", "Content-Location", "Content-Md5",
     "Content-Range", "Content-Type", "Etag", "Expires", "Last-Modified", "Accept-Ranges", "Set-Cookie",
     "Set-Cookie2", "X-Forwarded-For", "Cookie", "Keep-Alive", "Proxy-Connection"].

limits() ->
    Long = ["GET /", lists:duplicate(3000, $a), " HTTP/1.1\r\nA: b\r\n\r\n"],
    [{"limit/default", all, [], Long},
     {"limit/packet_size", all, [{packet_size, 5000}], Long},
     {"limit/buffer", one, [{buffer, 4000}], Long},
     {"limit/exact", one, [{packet_size, 18}], "GET / HTTP/1.111\r\n"},
     {"limit/one_less", one, [{packet_size, 17}], "GET / HTTP/1.111\r\n"},
     {"limit/open_line", one, [{packet_size, 20}], "GET /aaaaaaaaaaaaaaa"},
     {"limit/open_line_below", one, [{packet_size, 20}], "GET /aaaaaaaaaaaaaa"},
     {"limit/header", head, [{packet_size, 10}], "A: b\r\nC: defghijkl\r\n\r\n"},
     {"limit/continuation", head, [{packet_size, 10}], "A: b\r\n c\r\n d\r\n\r\n"}].

%% What is withheld until more comes.
waits() ->
    [{"last_header_waits", fun(C) ->
        {S, P} = pair(C, [{packet, httph}]),
        p_send(P, "Host: h\r\n"),
        tcp(C, recv, [S, 0, 30]),
        p_send(P, "A"),
        tcp(C, recv, [S, 0])
      end},
     {"empty_line_does_not_wait", fun(C) ->
        {S, P} = pair(C, [{packet, httph}]),
        p_send(P, "\r\n"),
        tcp(C, recv, [S, 0])
      end},
     {"start_line_does_not_wait", fun(C) ->
        {S, P} = pair(C, [{packet, http}]),
        p_send(P, "GET / HTTP/1.1\r\n"),
        tcp(C, recv, [S, 0]),
        p_send(P, "A: b\r\n"),
        tcp(C, recv, [S, 0, 30]),
        p_send(P, "\r\n"),
        tcp(C, recv, [S, 0]),
        tcp(C, recv, [S, 0])
      end},
     {"body", fun(C) ->
        {S, P} = pair(C, [{packet, http_bin}]),
        p_send(P, "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody"),
        [tcp(C, recv, [S, 0]) || _ <- [1, 2, 3]],
        inet(C, setopts, [S, [{packet, raw}]]),
        tcp(C, recv, [S, 4]),
        inet(C, setopts, [S, [{packet, http_bin}]]),
        p_send(P, "GET /next HTTP/1.1\r\n"),
        tcp(C, recv, [S, 0])
      end},
     {"active_body", fun(C) ->
        {S, P} = pair(C, [{packet, http}, {active, once}]),
        p_send(P, "POST / HTTP/1.1\r\n\r\nbody"),
        mail(C, 1),
        inet(C, setopts, [S, [{active, once}]]),
        mail(C, 1),
        inet(C, setopts, [S, [{packet, raw}, {active, once}]]),
        mail(C, 1)
      end},
     {"length_refused", fun(C) ->
        {S, _} = pair(C, [{packet, http}]),
        tcp(C, recv, [S, 3])
      end},
     {"timeout_then_rest", fun(C) ->
        {S, P} = pair(C, [{packet, http}]),
        p_send(P, "GET / HT"),
        tcp(C, recv, [S, 0, 20]),
        p_send(P, "TP/1.1\r\n"),
        tcp(C, recv, [S, 0])
      end},
     {"deliver_port_lines", fun(C) ->
        {S, P} = pair(C, [{packet, http}, {deliver, port}, {active, 2}]),
        p_send(P, "GET / HTTP/1.1\r\nA: b\r\nC: d\r\n\r\n"),
        mail(C, 3),
        inet(C, getopts, [S, [active]])
      end},
     {"unrecv", fun(C) ->
        {S, _} = pair(C, [{packet, http}]),
        tcp(C, unrecv, [S, <<"GET /u HTTP/1.0\r\n">>]),
        tcp(C, recv, [S, 0])
      end}].
