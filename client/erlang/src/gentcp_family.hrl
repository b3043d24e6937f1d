%% SPDX-License-Identifier: ISC
%% What a tcp_module has in common with those of the other families.  The module that
%% includes this defines FAMILY, and gives the functions for addresses itself.
-export([connect/3, connect/4, listen/2, fdopen/2]).
-export([accept/1, accept/2, send/2, send/3, recv/2, recv/3, unrecv/2, shutdown/2, close/1]).
-export([controlling_process/2]).
-export([family/0, translate_ip/1]).

-spec family() -> ?FAMILY.
family() -> ?FAMILY.

-spec connect(term(), term(), term()) -> {ok, gentcp:socket()} | {error, atom()}.
connect(Address, Port, Options) -> gentcp_node:connect(?FAMILY, Address, Port, Options).

-spec connect(term(), term(), [term()], timeout()) -> {ok, gentcp:socket()} | {error, atom()}.
connect(Address, Port, Options, Time) ->
    gentcp_node:connect(?FAMILY, Address, Port, Options, Time).

-spec listen(term(), [term()]) -> {ok, gentcp:socket()} | {error, atom()}.
listen(Port, Options) -> gentcp_node:listen(?FAMILY, Port, Options).

-spec fdopen(non_neg_integer(), [term()]) -> {ok, gentcp:socket()} | {error, atom()}.
fdopen(Fd, Options) -> gentcp_node:fdopen(?FAMILY, Fd, Options).

-spec accept(gentcp:socket()) -> {ok, gentcp:socket()} | {error, atom()}.
accept(Listener) -> gentcp:accept(Listener).

-spec accept(gentcp:socket(), timeout()) -> {ok, gentcp:socket()} | {error, atom()}.
accept(Listener, Time) -> gentcp:accept(Listener, Time).

-spec send(gentcp:socket(), iodata()) -> ok | {error, term()}.
send(Socket, Data) -> gentcp:send(Socket, Data).

-spec send(gentcp:socket(), iodata(), [term()]) -> ok | {error, term()}.
send(Socket, Data, _Options) -> gentcp:send(Socket, Data).

-spec recv(gentcp:socket(), non_neg_integer()) -> {ok, term()} | {error, atom()}.
recv(Socket, Length) -> gentcp:recv(Socket, Length).

-spec recv(gentcp:socket(), non_neg_integer(), timeout()) -> {ok, term()} | {error, atom()}.
recv(Socket, Length, Time) -> gentcp:recv(Socket, Length, Time).

-spec unrecv(gentcp:socket(), iodata()) -> ok | {error, atom()}.
unrecv(Socket, Data) -> gentcp:unrecv(Socket, Data).

-spec shutdown(gentcp:socket(), read | write | read_write) -> ok | {error, atom()}.
shutdown(Socket, How) -> gentcp:shutdown(Socket, How).

-spec close(gentcp:socket()) -> ok.
close(Socket) -> gentcp:close(Socket).

-spec controlling_process(gentcp:socket(), pid()) -> ok | {error, atom()}.
controlling_process(Socket, Pid) -> gentcp:controlling_process(Socket, Pid).

-spec translate_ip(term()) -> term().
translate_ip(Address) -> Address.
