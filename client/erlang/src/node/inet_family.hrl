%% SPDX-License-Identifier: ISC
%% Addresses of kernel's inet_tcp and inet6_tcp, by the functions of inet.
%% For a module that includes gentcp_family.hrl before it.

-spec getserv(term()) -> {ok, term()} | {error, atom()}.
getserv(Port) -> gentcp:getserv(Port).

-spec mask(tuple(), tuple()) -> tuple().
mask(Mask, Address) ->
    Pairs = lists:zip(tuple_to_list(Mask), tuple_to_list(Address)),
    list_to_tuple([M band A || {M, A} <- Pairs]).

-spec getaddr(term()) -> {ok, inet:ip_address()} | {error, atom()}.
getaddr(Address) -> inet:getaddr(Address, ?FAMILY).

-spec getaddr(term(), term()) -> {ok, inet:ip_address()} | {error, atom()}.
getaddr(Address, Timer) -> inet:getaddr_tm(Address, ?FAMILY, Timer).

-spec getaddrs(term()) -> {ok, [inet:ip_address()]} | {error, atom()}.
getaddrs(Address) -> inet:getaddrs(Address, ?FAMILY).

-spec getaddrs(term(), term()) -> {ok, [inet:ip_address()]} | {error, atom()}.
getaddrs(Address, Timer) -> inet:getaddrs_tm(Address, ?FAMILY, Timer).
