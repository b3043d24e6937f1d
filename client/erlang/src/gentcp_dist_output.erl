%% SPDX-License-Identifier: ISC
%% @private The distribution controller of a connection to another node: it takes what
%% the runtime system has for that node, and sends it.
%%
%% A send waits while the other node does not read: the runtime system holds the data
%% then, and suspends who makes more of it.  And a send costs two ways through the
%% daemon: so what there is goes in one, each packet behind its length in 4 bytes.
-module(gentcp_dist_output).
-behaviour(gen_server).

-export([start_link/1, run/2, tick/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-define(AT_ONCE, 16#20000).     % bytes of packets in one send, or one packet that has more
-define(TICK, <<0:32>>).

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
    _ = erlang:dist_ctrl_set_opt(Handle, get_size, true),
    ok = erlang:dist_ctrl_input_handler(Handle, Input),
    ok = erlang:dist_ctrl_get_data_notification(Handle),
    {reply, ok, State#state{handle = Handle}}.

-spec handle_cast(tick, #state{}) -> {noreply, #state{}}.
handle_cast(tick, State) ->
    _ = send([?TICK], State),
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
    {Left, Packets} = packets(Handle, [], 0),
    case send(Packets, State) of
        ok when Left =:= more -> drain(Handle, State);
        ok -> erlang:dist_ctrl_get_data_notification(Handle);
        closed -> closed
    end.

packets(_, Packets, Bytes) when Bytes >= ?AT_ONCE ->
    {more, lists:reverse(Packets)};
packets(Handle, Packets, Bytes) ->
    case erlang:dist_ctrl_get_data(Handle) of
        none -> {none, lists:reverse(Packets)};
        {Size, Data} -> packets(Handle, [[<<Size:32>> | Data] | Packets], Bytes + Size)
    end.

send([], _) ->
    ok;
send(Packets, #state{socket = Socket} = State) ->
    case gentcp:send(Socket, Packets) of
        ok -> ok;
        {error, _} -> ended(State)
    end.

%% It is the other process that knows whom to tell.
ended(#state{socket = Socket, input = Input}) ->
    Input ! {tcp_closed, Socket},
    closed.
