%% SPDX-License-Identifier: ISC
%% @private The application: a supervisor of connections to the daemon.
-module(gentcp_app).
-behaviour(application).

-export([start/2, stop/1]).

-spec start(application:start_type(), term()) -> {ok, pid()} | {error, term()}.
start(_Type, _Args) ->
    case gentcp_sup:start_link() of
        %% A socket was opened before the application was started.
        {error, {already_started, Pid}} -> {ok, Pid};
        Result -> Result
    end.

-spec stop(term()) -> ok.
stop(_State) ->
    ok.
