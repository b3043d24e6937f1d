%% SPDX-License-Identifier: ISC
%% @private The process that has the socket of a connection to another node.
%%
%% It makes or accepts the connection, which so is its own, does what the handshake
%% asks of the socket, and then hands what comes to the runtime system, packet by
%% packet: each has its length before it in 4 bytes, which are read here and not by the
%% daemon, so that many small packets come as one.  It stands for the socket in all that
%% kernel's dist_util does.  What goes out is {@link gentcp_dist_output}'s, which may
%% wait for the other node; this one never does, or two nodes that send would wait for
%% each other.
-module(gentcp_dist_input).
-behaviour(gen_server).

-export([accept/1, connect/3, supervise/2, hs_data/1, peername/1, set/2]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-include_lib("kernel/include/net_address.hrl").
-include_lib("kernel/include/dist_util.hrl").

%% So many pieces of data may be on their way from the daemon, which stops to read the
%% socket where there is room for none.
-define(ACTIVE, 64).
-define(BUFFER, 16#10000).

-record(state, {
    socket :: gentcp:socket(),
    output :: pid(),
    supervisor = none :: none | pid(),
    handle :: undefined | erlang:dist_handle(),
    room = 0 :: non_neg_integer(),
    part = <<>> :: binary()     % of a packet that has yet to come
}).

%% @doc Waits for a connection to a listener, and starts the process that has it.
-spec accept(gentcp:socket()) -> {ok, pid()} | {error, term()}.
accept(Listener) ->
    gen_server:start(?MODULE, {accept, Listener}, options()).

%% @doc Connects, and links the process that has the connection to the caller, its
%% supervisor.
-spec connect(inet:ip_address(), inet:port_number(), [term()]) -> {ok, pid()} | {error, term()}.
connect(Ip, Port, Options) ->
    gen_server:start_link(?MODULE, {connect, self(), Ip, Port, Options}, options()).

%% The binaries that pass through are not to be kept for a collection.
options() ->
    [{spawn_opt, [{message_queue_data, off_heap}, {fullsweep_after, 0}]}].

%% @doc Says who the supervisor is, with whom the connection ends.
-spec supervise(pid(), pid()) -> ok | {error, closed}.
supervise(Input, Supervisor) ->
    ask(Input, {supervise, Supervisor}).

-spec peername(pid()) -> {ok, {inet:ip_address(), inet:port_number()}} | {error, atom()}.
peername(Input) ->
    ask(Input, peername).

%% @doc What dist_util has to know of a connection.
-spec hs_data(pid()) -> #hs_data{}.
hs_data(Input) ->
    #hs_data{
        socket = Input,
        this_flags = 0,
        f_send = fun(I, Data) -> ask(I, {send, Data}) end,
        f_recv = fun(I, Length, Time) -> ask(I, {recv, Length, Time}) end,
        f_setopts_pre_nodeup = fun(I) -> ask(I, established) end,
        f_setopts_post_nodeup = fun(_) -> ok end,
        f_getll = fun(I) -> ask(I, output) end,
        f_address = fun address/2,
        f_handshake_complete = fun(I, _, Handle) -> ask(I, {complete, Handle}) end,
        mf_tick = fun(I) -> gen_server:cast(I, tick) end,
        mf_getstat = fun(I) -> ask(I, getstat) end,
        mf_setopts = fun(I, Options) -> ask(I, {setopts, Options}) end,
        mf_getopts = fun(I, Names) -> ask(I, {getopts, Names}) end}.

address(Input, Node) ->
    [_, Host] = string:split(atom_to_list(Node), "@"),
    case peername(Input) of
        {ok, Address} ->
            #net_address{address = Address, host = Host, protocol = gentcp, family = inet};
        {error, _} ->
            ?shutdown(no_node)
    end.

ask(Input, Request) ->
    try
        gen_server:call(Input, Request, infinity)
    catch
        exit:_ -> {error, closed}
    end.

%% @doc Sets options that are not the distribution's own.
-spec set(gentcp:socket(), [term()]) -> ok | {error, term()}.
set(Socket, Options) ->
    case [Option || {Name, _} = Option <- Options, lists:member(Name, [active, deliver, packet])] of
        [] -> gentcp:setopts(Socket, Options);
        Bad -> {error, {badopts, Bad}}
    end.

-spec init({accept, gentcp:socket()}
           | {connect, pid(), inet:ip_address(), inet:port_number(), [term()]}) ->
    {ok, #state{}} | {stop, shutdown}.
init({accept, Listener}) ->
    opened(gentcp:accept(Listener), none);
init({connect, Supervisor, Ip, Port, Options}) ->
    opened(gentcp:connect(Ip, Port, Options), Supervisor).

opened({ok, Socket}, Supervisor) ->
    {ok, Output} = gentcp_dist_output:start_link(Socket),
    {ok, #state{socket = Socket, output = Output, supervisor = Supervisor}};
opened({error, _}, _) ->
    {stop, shutdown}.

-spec handle_call(term(), gen_server:from(), #state{}) -> {reply, term(), #state{}}.
handle_call({supervise, Supervisor}, _From, State) ->
    true = link(Supervisor),
    {reply, ok, State#state{supervisor = Supervisor}};
handle_call({complete, Handle}, _From, #state{output = Output} = State) ->
    ok = gentcp_dist_output:run(Output, Handle),
    {reply, ok, more(State#state{handle = Handle})};
handle_call(Request, _From, State) ->
    {reply, answer(Request, State), State}.

answer(output, #state{output = Output}) ->
    {ok, Output};
answer({send, Data}, #state{socket = Socket}) ->
    gentcp:send(Socket, Data);
answer({recv, Length, Time}, #state{socket = Socket}) ->
    case gentcp:recv(Socket, Length, Time) of
        {ok, Data} -> {ok, binary_to_list(Data)};
        Error -> Error
    end;
answer(established, #state{socket = Socket}) ->
    NoDelay = application:get_env(kernel, dist_nodelay, true) =/= false,
    gentcp:setopts(Socket, [{active, false}, {packet, raw}, {buffer, ?BUFFER}, {nodelay, NoDelay}]);
answer(getstat, #state{socket = Socket}) ->
    case gentcp:getstat(Socket, [recv_cnt, send_cnt, send_pend]) of
        {ok, [{_, Received}, {_, Sent}, {_, Pending}]} -> {ok, Received, Sent, Pending};
        Error -> Error
    end;
answer(peername, #state{socket = Socket}) ->
    gentcp:peername(Socket);
answer({setopts, Options}, #state{socket = Socket}) ->
    set(Socket, Options);
answer({getopts, Names}, #state{socket = Socket}) ->
    gentcp:getopts(Socket, Names).

-spec handle_cast(tick, #state{}) -> {noreply, #state{}}.
handle_cast(tick, #state{output = Output} = State) ->
    ok = gentcp_dist_output:tick(Output),
    {noreply, State}.

-spec handle_info(term(), #state{}) -> {noreply, #state{}}.
handle_info({tcp, Socket, Data}, #state{socket = Socket, room = Room, part = Part} = State) ->
    try packets(State#state.handle, join(Part, Data)) of
        Rest -> {noreply, more(State#state{room = Room - 1, part = Rest})}
    catch
        error:badarg -> {noreply, ended(State)}     % the runtime system has let go of it
    end;
handle_info({tcp_closed, _}, State) ->
    {noreply, ended(State)};
handle_info(_, State) ->
    {noreply, State}.

join(<<>>, Data) -> Data;
join(Part, Data) -> <<Part/binary, Data/binary>>.

%% One without a byte is a tick, for which it has come.
packets(Handle, <<Size:32, Packet:Size/binary, Rest/binary>>) ->
    ok = erlang:dist_ctrl_put_data(Handle, Packet),
    packets(Handle, Rest);
packets(_, Part) ->
    Part.

%% What has come before an end is behind us in the mailbox, and the end behind that.
more(#state{socket = Socket, room = Room} = State) when Room =< ?ACTIVE div 2 ->
    case gentcp:setopts(Socket, [{active, ?ACTIVE - Room}]) of
        ok -> ok;
        {error, _} -> self() ! {tcp_closed, Socket}
    end,
    State#state{room = ?ACTIVE};
more(State) ->
    State.

%% The supervisor says to kernel why, and we end with it.
ended(#state{supervisor = Supervisor} = State) ->
    Supervisor ! {tcp_closed, self()},
    State.
