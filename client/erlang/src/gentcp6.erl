%% SPDX-License-Identifier: ISC
%% @doc A `tcp_module' for IPv6: `[{tcp_module, gentcp6}]' is what `[inet6]' is to gen_tcp,
%% which takes the one or the other.
-module(gentcp6).

-export([getserv/1, mask/2, parse_address/1, getaddr/1, getaddr/2, getaddrs/1, getaddrs/2]).

-define(FAMILY, inet6).
-include("gentcp_family.hrl").

-spec getserv(term()) -> {ok, term()} | {error, atom()}.
getserv(Port) -> gentcp:getserv(Port).

-spec mask(tuple(), tuple()) -> tuple().
mask(Mask, Address) -> gentcp:mask(Mask, Address).

-spec parse_address(string()) -> {ok, inet:ip_address()} | {error, einval}.
parse_address(Host) -> gentcp:parse_address(Host).

-spec getaddr(term()) -> {ok, term()} | {error, einval}.
getaddr(Address) -> gentcp:getaddr(Address).

-spec getaddr(term(), term()) -> {ok, term()} | {error, einval}.
getaddr(Address, Timer) -> gentcp:getaddr(Address, Timer).

-spec getaddrs(term()) -> {ok, [term()]} | {error, einval}.
getaddrs(Address) -> gentcp:getaddrs(Address).

-spec getaddrs(term(), term()) -> {ok, [term()]} | {error, einval}.
getaddrs(Address, Timer) -> gentcp:getaddrs(Address, Timer).
