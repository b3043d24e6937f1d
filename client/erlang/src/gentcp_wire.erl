%% SPDX-License-Identifier: ISC
%% @private Messages of the control protocol: requests to bytes, and bytes to
%% replies and events.  No process, no socket.
-module(gentcp_wire).

-export([request/5, new/0, feed/2]).
-export_type([state/0, message/0]).

-type attachment() :: none | binary().
-type message() ::
    {reply, Id :: integer() | null, {ok, term()} | {error, map()}, attachment()}
    | {event, Name :: binary(), Params :: map(), attachment()}.
-opaque state() ::
    {line, binary()}
    | {body, message(), Missing :: pos_integer(), [binary()]}.

%% @doc A request.  Params are JSON text.  Size says how many bytes are
%% attached, the attachment itself follows the line; Fds how many descriptors
%% travel with it.
-spec request(Id, Method, Params, Size, Fds) -> iolist() when
    Id :: integer(),
    Method :: iodata(),
    Params :: iodata(),
    Size :: none | non_neg_integer(),
    Fds :: non_neg_integer().
request(Id, Method, Params, Size, Fds) ->
    [<<"{\"jsonrpc\":\"2.0\",\"id\":">>, integer_to_binary(Id),
     <<",\"method\":\"">>, Method, <<"\",\"params\":">>, Params,
     attached(Size), fds(Fds), <<"}\n">>].

attached(none) -> [];
attached(Size) -> [<<",\"attached\":">>, integer_to_binary(Size)].

fds(0) -> [];
fds(N) -> [<<",\"fds\":">>, integer_to_binary(N)].

%% @doc Nothing received yet.
-spec new() -> state().
new() ->
    {line, <<>>}.

%% @doc Takes what was read, and gives the messages that are complete.
-spec feed(binary(), state()) -> {[message()], state()}.
feed(Data, State) ->
    feed(Data, State, []).

feed(Data, {body, Message, Missing, Parts}, Done) ->
    case Data of
        <<Last:Missing/binary, Rest/binary>> ->
            Body = own(iolist_to_binary(lists:reverse(Parts, [Last]))),
            feed(Rest, new(), [setelement(4, Message, Body) | Done]);
        _ ->
            Left = Missing - byte_size(Data),
            {lists:reverse(Done), {body, Message, Left, [Data | Parts]}}
    end;
feed(Data, {line, <<>>}, Done) ->
    lines(Data, Done);
feed(Data, {line, Before}, Done) ->
    lines(<<Before/binary, Data/binary>>, Done).

lines(<<>>, Done) ->
    {lists:reverse(Done), new()};
lines(Data, Done) ->
    case binary:match(Data, <<"\n">>) of
        nomatch ->
            {lists:reverse(Done), {line, Data}};
        {At, 1} ->
            <<Line:At/binary, _, Rest/binary>> = Data,
            line(message(Line), Rest, Done)
    end.

line({Message, none}, Rest, Done) ->
    lines(Rest, [Message | Done]);
line({Message, 0}, Rest, Done) ->
    lines(Rest, [setelement(4, Message, <<>>) | Done]);
line({Message, Size}, Rest, Done) ->
    feed(Rest, {body, Message, Size, []}, Done).

%% A part of a bigger binary would keep all of that alive.
own(Bin) ->
    case binary:referenced_byte_size(Bin) > 2 * byte_size(Bin) of
        true -> binary:copy(Bin);
        false -> Bin
    end.

%% The most frequent lines are read without JSON.
message(<<"{\"jsonrpc\":\"2.0\",\"id\":", Rest/binary>> = Line) ->
    case number(Rest, 0) of
        {Id, <<",\"result\":\"ok\"}">>} ->
            {{reply, Id, {ok, <<"ok">>}, none}, none};
        {Id, <<",\"result\":{},\"attached\":", Tail/binary>>} ->
            data(Tail, {reply, Id, {ok, #{}}, none}, Line);
        {Id, <<",\"result\":{\"mode\":\"list\"},\"attached\":", Tail/binary>>} ->
            data(Tail, {reply, Id, {ok, #{<<"mode">> => <<"list">>}}, none}, Line);
        _ ->
            any(Line)
    end;
message(<<"{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":",
          Rest/binary>> = Line) ->
    case number(Rest, 0) of
        {Socket, <<"},\"attached\":", Tail/binary>>} ->
            data(Tail, {event, <<"tcp">>, #{<<"socket">> => Socket}, none}, Line);
        {Socket, <<",\"mode\":\"list\"},\"attached\":", Tail/binary>>} ->
            Params = #{<<"socket">> => Socket, <<"mode">> => <<"list">>},
            data(Tail, {event, <<"tcp">>, Params, none}, Line);
        _ ->
            any(Line)
    end;
message(Line) ->
    any(Line).

data(Tail, Message, Line) ->
    case number(Tail, 0) of
        {Size, <<"}">>} -> {Message, Size};
        _ -> any(Line)
    end.

number(<<C, Rest/binary>>, N) when C >= $0, C =< $9 -> number(Rest, 10 * N + C - $0);
number(Rest, N) -> {N, Rest}.

any(Line) ->
    {ok, Map} = gentcp_json:decode(Line),
    Size = maps:get(<<"attached">>, Map, none),
    case Map of
        #{<<"method">> := Name} ->
            {{event, Name, maps:get(<<"params">>, Map, #{}), none}, Size};
        #{<<"id">> := Id, <<"error">> := Error} ->
            {{reply, Id, {error, Error}, none}, Size};
        #{<<"id">> := Id, <<"result">> := Result} ->
            {{reply, Id, {ok, Result}, none}, Size}
    end.
