%% SPDX-License-Identifier: ISC
%% @doc The same bytes from a peer, and a FIN, read in each of the ways there are.
-module(oracle_stream).

-include("oracle.hrl").

-export([read/4]).

-type how() :: passive | active | once | counted | pieces.

%% @doc Records what comes of Bytes and the FIN behind them.
-spec read(oracle_lib:context(), how(), [term()], iodata()) -> term().
read(C, How, Opts, Bytes) ->
    {S, P} = pair(C, Opts),
    bytes(How, P, iolist_to_binary(Bytes), C, S).

bytes(pieces, P, Bytes, C, S) ->
    ok = socket:setopt(P, {tcp, nodelay}, true),
    #{tcp := Tcp} = C,
    T = task(C, fun() -> all(Tcp, S) end),
    [ok = send_piece(P, B) || B <- pieces(Bytes)],
    p_fin(P),
    await(C, all, T);
bytes(How, P, Bytes, C, S) ->
    p_send(P, Bytes),
    p_fin(P),
    by(How, C, S).

%% The socket may be closed in the middle: a bad packet.
send_piece(P, Bytes) ->
    _ = socket:send(P, Bytes),
    erlang:yield(),
    ok.

pieces(Bytes) when byte_size(Bytes) =< 64 ->
    [<<B>> || <<B>> <= Bytes];
pieces(<<Head:20/binary, Tail/binary>>) ->
    Third = max(1, byte_size(Tail) div 3),
    <<A:Third/binary, B:Third/binary, Rest/binary>> = Tail,
    [<<X>> || <<X>> <= Head] ++ [A, B, Rest].

all(Tcp, S) ->
    case Tcp:recv(S, 0) of
        {ok, Data} -> [Data | all(Tcp, S)];
        Error -> [Error]
    end.

by(passive, C, S) ->
    recv_all(C, S),
    tcp(C, recv, [S, 0]),
    inet(C, getstat, [S]);
by(active, C, S) ->
    inet(C, setopts, [S, [{active, true}]]),
    closed_mail(C, S),
    inet(C, getopts, [S, [active, packet]]);
by(once, C, S) ->
    one_by_one(C, S, once);
by(counted, C, S) ->
    one_by_one(C, S, 1).

recv_all(C, S) ->
    case tcp(C, recv, [S, 0]) of
        {ok, _} -> recv_all(C, S);
        _ -> ok
    end.

%% Active once, or for one packet, again and again until the end.
one_by_one(C, S, Active) ->
    case inet(C, setopts, [S, [{active, Active}]]) of
        ok -> batch(C, S, Active);
        _ -> ok
    end.

batch(C, S, Active) ->
    Wanted = case Active of once -> 1; _ -> 2 end,
    Messages = up_to(Wanted),
    rec(C, batch, Messages),
    case [M || M <- Messages, element(1, M) =:= tcp_closed] of
        [] when Messages =/= [] -> one_by_one(C, S, Active);
        _ -> rec(C, left, flush(3))
    end.

up_to(0) -> [];
up_to(N) ->
    receive
        {tcp_closed, _} = M -> [M];
        {tcp_error, _, _} = M -> [M | up_to(1)];
        M when element(1, M) =/= oracle -> [M | up_to(N - 1)]
    after 6000 -> [nothing_comes]
    end.
