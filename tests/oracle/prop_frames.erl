%% SPDX-License-Identifier: ISC
%% @doc Packets of each type as bytes, of sizes that are asked for.
-module(prop_frames).

-export([types/0, frames/2]).

-type packet() :: 0 | 1 | 2 | 4 | atom().

-spec types() -> [packet()].
types() ->
    [0, 1, 2, 4, line, sunrm, asn1, cdr, fcgi, tpkt, http, httph, http_bin, httph_bin].

%% @doc A packet for each size, which is that of its body.
-spec frames(packet(), [non_neg_integer()]) -> binary().
frames(Type, Sizes) ->
    iolist_to_binary([frame(Type, Size) || Size <- Sizes]).

frame(0, N) -> body(N);
frame(1, N) -> [min(N, 255), body(min(N, 255))];
frame(2, N) -> [<<N:16>>, body(N)];
frame(4, N) -> [<<N:32>>, body(N)];
frame(line, N) -> [body(N), $\n];
frame(sunrm, N) -> [<<(N rem 2):1, N:31>>, body(N)];
frame(asn1, N) -> [16#30, 16#82, <<N:16>>, body(N)];
frame(cdr, N) -> ["GIOP", 1, 1, 0, 0, <<N:32>>, body(N)];
frame(fcgi, N) -> [1, 5, 0, 1, <<N:16>>, N rem 4, 0, body(N + N rem 4)];
frame(tpkt, N) -> [3, 0, <<(N + 4):16>>, body(N)];
frame(http, N) -> start_line(N rem 8);
frame(http_bin, N) -> start_line(N rem 8);
frame(_Httph, N) -> header(N rem 6).

body(N) -> binary:part(binary:copy(<<"abcdefghij">>, N div 10 + 1), 0, N).

start_line(0) -> "GET / HTTP/1.1\r\n\r\n";
start_line(1) -> "POST http://host:80/p?q HTTP/1.0\r\nHost: h\r\nX-Y: z\r\n\r\n";
start_line(2) -> "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n";
start_line(3) -> "nonsense with too many words\r\n";
start_line(4) -> "OPTIONS * HTTP/1.1\nA: b\n c\n\n";
start_line(5) -> "BREW h:443 HTTP/1.1\r\n: v\r\nno header\r\n\r\n";
start_line(6) -> "HTTP/1.0 404\r\n\r\n";
start_line(7) -> "get x\r\n\r\n".

header(0) -> "\r\n";
header(1) -> "Host: example.org\r\n";
header(2) -> "x-some-THING:  v \r\n\tmore\r\n";
header(3) -> "set-cookie: a=b\n";
header(4) -> "not a header\r\n";
header(5) -> "Age:\r\n".
