%% SPDX-License-Identifier: ISC
%% @private The distribution controller of a connection to another node: it takes what
%% the runtime system has for that node, and sends it.
%%
%% A send waits while the other node does not read: the runtime system holds the data
%% then, and suspends who makes more of it.
-module(gentcp_dist_output).
-behaviour(gen_server).

-export([start_link/1, run/2, tick/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-record(state, {
    socket :: gentcp:socket(),
    input :: pid(),
    handle :: undefined | erlang:dist_handle()
}).

%% @doc Starts it for the calling process's socket.
-spec start_link(gentcp:socket()) -> {ok, pid()}.
start_link(Socket) ->
    Options = [{spawn_opt, [{message_queue_data, off_heap}, {fullsweep_after, 0}]}],
    {ok, _} = gen_server:start_link(?MODULE, {Socket, self()}, Options).

%% @doc The handshake is done: begins to send, and lets the caller hand in what comes.
-spec run(pid(), erlang:dist_handle()) -> ok.
run(Output, Handle) ->
    gen_server:call(Output, {run, Handle}, infinity).

%% @doc Sends a sign of life, behind what is being sent.
-spec tick(pid()) -> ok.
tick(Output) ->
    gen_server:cast(Output, tick).

-spec init({gentcp:socket(), pid()}) -> {ok, #state{}}.
init({Socket, Input}) ->
    {ok, #state{socket = Socket, input = Input}}.

-spec handle_call({run, erlang:dist_handle()}, gen_server:from(), #state{}) ->
    {reply, ok, #state{}}.
handle_call({run, Handle}, {Input, _}, State) ->
    ok = erlang:dist_ctrl_input_handler(Handle, Input),
    ok = erlang:dist_ctrl_get_data_notification(Handle),
    {reply, ok, State#state{handle = Handle}}.

-spec handle_cast(tick, #state{}) -> {noreply, #state{}}.
handle_cast(tick, State) ->
    _ = send([], State),
    {noreply, State}.

-spec handle_info(term(), #state{}) -> {noreply, #state{}}.
handle_info(dist_data, #state{handle = Handle} = State) ->
    try
        drain(Handle, State)
    catch
        error:badarg -> ended(State)       % the runtime system has let go of it
    end,
    {noreply, State};
handle_info(_, State) ->
    {noreply, State}.

drain(Handle, State) ->
    case erlang:dist_ctrl_get_data(Handle) of
        none -> erlang:dist_ctrl_get_data_notification(Handle);
        Data -> send(Data, State) =:= ok andalso drain(Handle, State)
    end.

send(Data, #state{socket = Socket} = State) ->
    case gentcp:send(Socket, Data) of
        ok -> ok;
        {error, _} -> ended(State)
    end.

%% It is the other process that knows whom to tell.
ended(#state{socket = Socket, input = Input}) ->
    Input ! {tcp_closed, Socket},
    closed.
