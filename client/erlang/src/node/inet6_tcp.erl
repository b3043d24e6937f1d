%% SPDX-License-Identifier: ISC
%% @doc In place of kernel's module, see {@link gentcp_node}.
-module(inet6_tcp).

-export([getserv/1, mask/2, parse_address/1, getaddr/1, getaddr/2, getaddrs/1, getaddrs/2]).

-define(FAMILY, inet6).
-include("../gentcp_family.hrl").
-include("inet_family.hrl").

-spec parse_address(string()) -> {ok, inet:ip_address()} | {error, einval}.
parse_address(Host) -> inet:parse_ipv6strict_address(Host).
