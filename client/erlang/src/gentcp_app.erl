%% SPDX-License-Identifier: ISC
%% @private The application.
%%
%% Nobody has to start it: {@link gentcp_sup} is there when the first socket is
%% opened, and may be older.  So the application holds it by a bridge, which takes it
%% over, and ends it when the application is stopped; but not where the distribution
%% is carried over it, which goes on until kernel is stopped.
-module(gentcp_app).
-behaviour(application).
-behaviour(supervisor_bridge).

-export([start/2, stop/1]).
-export([init/1, terminate/2]).

-define(STOP_TIME, 5000).

-spec start(application:start_type(), term()) -> {ok, pid()} | ignore | {error, term()}.
start(_Type, _Args) ->
    supervisor_bridge:start_link(?MODULE, []).

-spec stop(term()) -> ok.
stop(_State) ->
    ok.

-spec init([]) -> {ok, pid(), pid()}.
init([]) ->
    ok = gentcp_sup:ensure(),
    Pid = whereis(gentcp_sup),
    true = link(Pid),
    {ok, Pid, Pid}.

-spec terminate(term(), pid()) -> ok.
terminate(_Reason, Pid) ->
    unlink(Pid),
    gentcp_dist:is_carrier() orelse stop_supervisor(Pid),
    ok.

stop_supervisor(Pid) ->
    try
        proc_lib:stop(Pid, shutdown, ?STOP_TIME)
    catch
        exit:_ -> ok
    end.
