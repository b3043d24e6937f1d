%% SPDX-License-Identifier: ISC
%% @private Calls of the calling process's own connection, and what their answers
%% are in Erlang.
-module(gentcp_call).

-export([open/5, on/4, on/5, on/6, gone/2, params/2, payload/2, number/1, member/2]).
-export_type([socket/0]).

-type socket() :: {'$inet', gentcp, {gentcp_socket, Key :: non_neg_integer(), pos_integer()}}.

%% @doc A call that makes a socket.
-spec open(Method, Params, How, Fds, Key) -> {ok, socket()} | {error, atom()} when
    Method :: iodata(),
    Params :: iodata(),
    How :: connected | listening,
    Fds :: [non_neg_integer()],
    Key :: any | non_neg_integer().
open(Method, Params, How, Fds, Wanted) ->
    case gentcp_conn:find(self()) of
        {ok, {Conn, Key, _}} when Wanted =:= Key; Wanted =:= any ->
            opened(gentcp_conn:call(Conn, Method, Params, none, {{opens, How}, Fds}), Key);
        {ok, _} ->
            {error, closed};
        {error, Reason} ->
            {error, Reason}
    end.

opened({ok, #{<<"socket">> := Socket}, none}, Key) ->
    {ok, {'$inet', gentcp, {gentcp_socket, Key, Socket}}};
opened(Answer, _) ->
    failed(Answer).

%% @doc A call on a socket, with no more params than the socket.
-spec on(socket(), Method :: iodata(), Params :: iodata(), Gone :: atom()) ->
    {ok, term(), none | binary()} | {error, term()}.
on(Socket, Method, Params, Gone) ->
    on(Socket, Method, Params, none, Gone).

%% @doc A call on a socket.  Params are the rest of them, as JSON text; Gone is the
%% error of the call where the socket is gone.
-spec on(socket(), Method, Params, Data, Gone) ->
    {ok, term(), none | binary()} | {error, term()} when
    Method :: iodata(),
    Params :: iodata(),
    Data :: none | iodata(),
    Gone :: atom().
on(Socket, Method, Params, Data, Gone) ->
    on(Socket, Method, Params, Data, Gone, {none, []}).

-spec on(socket(), Method, Params, Data, Gone, {What, Fds}) ->
    {ok, term(), none | binary()} | {error, term()} when
    Method :: iodata(),
    Params :: iodata(),
    Data :: none | iodata(),
    Gone :: atom(),
    What :: none | {drops, pos_integer()},
    Fds :: [non_neg_integer()].
on({'$inet', gentcp, {gentcp_socket, Key, _}} = Socket, Method, Params, Data, Gone, More) ->
    case gentcp_conn:find(self()) of
        {ok, {Conn, Key, _}} ->
            answered(gentcp_conn:call(Conn, Method, params(Socket, Params), Data, More));
        _ ->
            {error, Gone}
    end.

answered({ok, _, _} = Answer) -> Answer;
answered(Answer) -> failed(Answer).

%% What the daemon calls a fault gen_tcp answers by an exception.
failed({error, timeout, Rest}) when is_binary(Rest) -> {error, {timeout, Rest}};
failed({error, Reason, _}) -> {error, Reason};
failed({fault, Detail}) -> error(function_clause, [Detail]).

%% @doc Whether no call can reach the socket: its daemon has gone.
-spec gone(socket(), pid()) -> {ok, gentcp_conn:connection()} | gone.
gone({'$inet', gentcp, {gentcp_socket, Key, _}}, User) ->
    case gentcp_conn:find(User) of
        {ok, {_, Key, _} = Connection} -> {ok, Connection};
        _ -> gone
    end.

%% @doc Params by position: the socket's number, and the rest.
-spec params(socket(), iodata()) -> iodata().
params({'$inet', gentcp, {gentcp_socket, _, Number}}, Rest) ->
    [$[, integer_to_binary(Number), Rest, $]].

%% @doc A further param that is a number or a time.
-spec number(integer() | infinity) -> iodata().
number(infinity) -> <<",\"infinity\"">>;
number(N) -> [$,, integer_to_binary(N)].

%% @doc A further param, as JSON.
-spec member(gentcp_json:json(), iodata()) -> iodata().
member(Term, Rest) ->
    [$,, gentcp_json:encode(Term) | Rest].

%% @doc What a recv or an event brings, as gen_tcp shapes it.
-spec payload(map(), none | binary()) -> term().
payload(#{<<"http">> := Http} = Map, none) ->
    gentcp_opt:http(Http, strings(Map));
payload(#{<<"header">> := Header}, none) ->
    Header;
payload(#{<<"header">> := Header}, Data) ->
    Header ++ Data;
payload(#{<<"mode">> := <<"list">>}, Data) ->
    binary_to_list(Data);
payload(#{}, Data) ->
    Data.

strings(#{<<"packet">> := <<"http_bin">>}) -> bin;
strings(#{<<"packet">> := <<"httph_bin">>}) -> bin;
strings(#{}) -> list.
