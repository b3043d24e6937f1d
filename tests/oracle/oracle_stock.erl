%% SPDX-License-Identifier: ISC
%% @doc OTP's own gen_tcp, which is told by an option alone to use gentcpd: what an
%% unchanged program has.
-module(oracle_stock).

-export([connect/2, connect/3, connect/4, listen/2, accept/1, accept/2, send/2, recv/2, recv/3,
         unrecv/2, close/1, shutdown/2, controlling_process/2]).

-spec connect(term(), term()) -> term().
connect(Address, Opts) -> gen_tcp:connect(Address, with_module(Opts)).

-spec connect(term(), term(), term()) -> term().
connect(#{} = Address, Opts, Timeout) -> gen_tcp:connect(Address, with_module(Opts), Timeout);
connect(Address, Port, Opts) -> gen_tcp:connect(Address, Port, with_module(Opts)).

-spec connect(term(), term(), term(), term()) -> term().
connect(Address, Port, Opts, Timeout) -> gen_tcp:connect(Address, Port, with_module(Opts), Timeout).

-spec listen(term(), term()) -> term().
listen(Port, Opts) -> gen_tcp:listen(Port, with_module(Opts)).

%% gen_tcp takes the first word on the family in the list: with inet6 that is ours.
with_module(Opts) when is_list(Opts) ->
    case [O || O <- proper(Opts), O =:= inet orelse O =:= inet6] of
        [inet6 | _] -> [{tcp_module, gentcp6} | Opts];
        _ -> [{tcp_module, gentcp} | Opts]
    end;
with_module(Opts) ->
    Opts.

proper([Head | Tail]) -> [Head | proper(Tail)];
proper(_) -> [].

-spec accept(term()) -> term().
accept(L) -> gen_tcp:accept(L).

-spec accept(term(), term()) -> term().
accept(L, Timeout) -> gen_tcp:accept(L, Timeout).

-spec send(term(), term()) -> term().
send(S, Data) -> gen_tcp:send(S, Data).

-spec recv(term(), term()) -> term().
recv(S, Length) -> gen_tcp:recv(S, Length).

-spec recv(term(), term(), term()) -> term().
recv(S, Length, Timeout) -> gen_tcp:recv(S, Length, Timeout).

-spec unrecv(term(), term()) -> term().
unrecv(S, Data) -> gen_tcp:unrecv(S, Data).

-spec close(term()) -> term().
close(S) -> gen_tcp:close(S).

-spec shutdown(term(), term()) -> term().
shutdown(S, How) -> gen_tcp:shutdown(S, How).

-spec controlling_process(term(), term()) -> term().
controlling_process(S, Pid) -> gen_tcp:controlling_process(S, Pid).
