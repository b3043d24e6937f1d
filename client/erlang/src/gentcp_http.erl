%% SPDX-License-Identifier: ISC
%% @private
%% @doc http packets of the protocol as the terms that gen_tcp makes of them.
-module(gentcp_http).

-export([packet/2]).
-export_type([packet/0, text/0]).

-type text() :: string() | binary().
-type uri() ::
    '*'
    | text()
    | {abs_path, text()}
    | {scheme, text(), text()}
    | {absoluteURI, http | https, text(), inet:port_number() | undefined, text()}.
-type version() :: {non_neg_integer(), non_neg_integer()}.
-type packet() ::
    {http_request, atom() | text(), uri(), version()}
    | {http_response, version(), non_neg_integer(), text()}
    | {http_header, 0..52, atom() | text(), text(), text()}
    | http_eoh
    | {http_error, text()}.

%% @doc A packet with its strings as lists or as binaries.
-spec packet(#{binary() => gentcp_json:json()}, bin | list) -> packet().
packet(#{<<"type">> := <<"http_request">>} = Map, Form) ->
    #{<<"method">> := Method, <<"uri">> := Uri, <<"version">> := Version} = Map,
    {http_request, method(Method, Form), uri(Uri, Form), version(Version)};
packet(#{<<"type">> := <<"http_response">>} = Map, Form) ->
    #{<<"version">> := Version, <<"status">> := Status, <<"phrase">> := Phrase} = Map,
    {http_response, version(Version), Status, text(Phrase, Form)};
packet(#{<<"type">> := <<"http_header">>, <<"bit">> := Bit} = Map, Form) ->
    #{<<"name">> := Name, <<"field">> := Field, <<"value">> := Value} = Map,
    {http_header, Bit, name(Bit, Name, Form), text(Field, Form), text(Value, Form)};
packet(#{<<"type">> := <<"http_eoh">>}, _) ->
    http_eoh;
packet(#{<<"type">> := <<"http_error">>, <<"line">> := Line}, Form) ->
    {http_error, text(Line, Form)}.

text(Json, bin) -> gentcp_opt:from_bytes(Json);
text(Json, list) -> binary_to_list(gentcp_opt:from_bytes(Json)).

version([Major, Minor]) -> {Major, Minor}.

method(<<"OPTIONS">>, _) -> 'OPTIONS';
method(<<"GET">>, _) -> 'GET';
method(<<"HEAD">>, _) -> 'HEAD';
method(<<"POST">>, _) -> 'POST';
method(<<"PUT">>, _) -> 'PUT';
method(<<"DELETE">>, _) -> 'DELETE';
method(<<"TRACE">>, _) -> 'TRACE';
method(Other, Form) -> text(Other, Form).

uri(#{<<"type">> := <<"*">>}, _) ->
    '*';
uri(#{<<"type">> := <<"abs_path">>, <<"path">> := Path}, Form) ->
    {abs_path, text(Path, Form)};
uri(#{<<"type">> := <<"absoluteURI">>, <<"scheme">> := Scheme} = Map, Form) ->
    #{<<"host">> := Host, <<"port">> := Port, <<"path">> := Path} = Map,
    {absoluteURI, scheme(Scheme), text(Host, Form), port(Port), text(Path, Form)};
uri(#{<<"type">> := <<"scheme">>, <<"scheme">> := Scheme, <<"string">> := Text}, Form) ->
    {scheme, text(Scheme, Form), text(Text, Form)};
uri(#{<<"type">> := <<"string">>, <<"string">> := Text}, Form) ->
    text(Text, Form).

scheme(<<"http">>) -> http;
scheme(<<"https">>) -> https.

port(null) -> undefined;
port(Port) -> Port.

name(0, Name, Form) -> text(Name, Form);
name(Bit, _, _) -> element(Bit, known()).

%% The headers that have an atom, in the order of their numbers.
known() ->
    {
        'Cache-Control', 'Connection', 'Date', 'Pragma', 'Transfer-Encoding', 'Upgrade',
        'Via', 'Accept', 'Accept-Charset', 'Accept-Encoding', 'Accept-Language',
        'Authorization', 'From', 'Host', 'If-Modified-Since', 'If-Match', 'If-None-Match',
        'If-Range', 'If-Unmodified-Since', 'Max-Forwards', 'Proxy-Authorization', 'Range',
        'Referer', 'User-Agent', 'Age', 'Location', 'Proxy-Authenticate', 'Public',
        'Retry-After', 'Server', 'Vary', 'Warning', 'Www-Authenticate', 'Allow',
        'Content-Base', 'Content-Encoding', 'Content-Language', 'Content-Length',
        'Content-Location', 'Content-Md5', 'Content-Range', 'Content-Type', 'Etag',
        'Expires', 'Last-Modified', 'Accept-Ranges', 'Set-Cookie', 'Set-Cookie2',
        'X-Forwarded-For', 'Cookie', 'Keep-Alive', 'Proxy-Connection'
    }.
