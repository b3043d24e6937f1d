%% SPDX-License-Identifier: ISC
%% @doc In place of kernel's module, see {@link gentcp_node}.
-module(local_tcp).

-export([getserv/1, getaddr/1, getaddr/2, getaddrs/1, getaddrs/2]).

-define(FAMILY, local).
-include("../gentcp_family.hrl").

-spec getserv(term()) -> {ok, 0} | {error, einval}.
getserv(0) -> {ok, 0};
getserv(_) -> {error, einval}.

-spec getaddr(term()) -> {ok, term()}.
getaddr(Address) -> {ok, Address}.

-spec getaddr(term(), term()) -> {ok, term()}.
getaddr(Address, _Timer) -> {ok, Address}.

-spec getaddrs(term()) -> {ok, [term()]}.
getaddrs(Address) -> {ok, [Address]}.

-spec getaddrs(term(), term()) -> {ok, [term()]}.
getaddrs(Address, _Timer) -> {ok, [Address]}.
