%% SPDX-License-Identifier: ISC
%% @private What the modules of the folder `node' have in common.
%%
%% gen_tcp has a module for each family, and a program that names the family, as httpc
%% and httpd do, gets that one, whatever an inetrc file says.  The folder `node' has
%% modules of these names which open their sockets here.  A node that is started with
%% `-pa' of it loads them in place of kernel's, and has all its sockets from gentcpd.
-module(gentcp_node).

-export([connect/4, connect/5, listen/3, fdopen/3]).

-type family() :: inet | inet6 | local.

%% @doc With an address and a port, or a sockaddr and a time.
-spec connect(family(), term(), term(), term()) -> {ok, gentcp:socket()} | {error, atom()}.
connect(Family, SockAddr, Options, Time) when is_map(SockAddr) ->
    gentcp:connect(SockAddr, [Family | Options], Time);
connect(Family, Address, Port, Options) ->
    gentcp:connect(Address, Port, [Family | Options]).

-spec connect(family(), term(), term(), [term()], timeout()) ->
    {ok, gentcp:socket()} | {error, atom()}.
connect(Family, Address, Port, Options, Time) ->
    gentcp:connect(Address, Port, [Family | Options], Time).

-spec listen(family(), term(), [term()]) -> {ok, gentcp:socket()} | {error, atom()}.
listen(Family, Port, Options) ->
    gentcp:listen(Port, [Family | Options]).

-spec fdopen(family(), non_neg_integer(), [term()]) -> {ok, gentcp:socket()} | {error, atom()}.
fdopen(Family, Fd, Options) ->
    gentcp:fdopen(Fd, [Family | Options]).
