%% SPDX-License-Identifier: ISC
%% @private Supervises the connections, one for each process that uses sockets.
%%
%% A program that never heard of gentcpd comes here by an inetrc file or by
%% `{tcp_module, gentcp}', and nobody starts the application for it.  So it is the
%% first use that starts the supervisor; see {@link gentcp_app}.
-module(gentcp_sup).
-behaviour(supervisor).

-export([ensure/0, start_connection/1]).
-export([init/1]).

%% @doc Sees to it that there is a supervisor.
-spec ensure() -> ok.
ensure() ->
    case whereis(?MODULE) of
        undefined -> start();
        _ -> ok
    end.

%% Its parent must neither be a process of the user's, nor send it messages.
start() ->
    {Pid, Ref} = spawn_monitor(fun() ->
        group_leader(whereis(init), self()),
        case supervisor:start_link({local, ?MODULE}, ?MODULE, []) of
            {ok, Sup} -> unlink(Sup);
            {error, {already_started, _}} -> ok
        end
    end),
    receive
        {'DOWN', Ref, process, Pid, _} -> ok
    end.

%% @doc Starts the connection of the process User, or finds the one it has.
-spec start_connection(pid()) -> {ok, pid()} | {error, term()}.
start_connection(User) ->
    ok = ensure(),
    case supervisor:start_child(?MODULE, [User]) of
        {error, {already_started, Pid}} -> {ok, Pid};
        Result -> Result
    end.

-spec init([]) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init([]) ->
    ok = gentcp_conn:new_table(),
    Child = #{id => gentcp_conn,
              start => {gentcp_conn, start_link, []},
              restart => temporary,
              shutdown => 1000},
    {ok, {#{strategy => simple_one_for_one}, [Child]}}.
