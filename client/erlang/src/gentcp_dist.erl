%% SPDX-License-Identifier: ISC
%% @doc Erlang's distribution over gentcpd: a carrier for `erl -proto_dist gentcp'.
%%
%% ```
%% GENTCPD_SOCKET=/path erl -pa .../ebin -proto_dist gentcp -sname one
%% '''
%% A node that is started so, or that has the flag and calls `net_kernel:start/2' later,
%% listens and connects by the daemon.  On the wire it is what kernel's `inet_tcp' is:
%% nodes of either kind connect to each other.  The names of nodes are epmd's, or those
%% of `-epmd_module', and kernel's settings are honoured: `inet_dist_listen_min' and
%% `_max', `inet_dist_use_interface', `inet_dist_listen_options',
%% `inet_dist_connect_options', `dist_nodelay', `net_setuptime', `net_ticktime',
%% `check_ip'.  It is IPv4's.
%%
%% The daemon must be there when the distribution starts.  When it ends, so do the
%% connections, as by `connection_closed', and as soon as there is a daemon again the
%% node listens again at the port that it had.
%%
%% The functions are for {@link //kernel/net_kernel. net_kernel} to call.  What they have
%% to do says the chapter "How to Implement an Alternative Carrier for the Erlang
%% Distribution" of OTP's User's Guide.  A connection is two processes, of
%% `gentcp_dist_input' and `gentcp_dist_output', beside the one that net_kernel has for
%% it, its supervisor.
-module(gentcp_dist).

-export([listen/1, listen/2, address/0, accept/1, accept_connection/5, setup/5]).
-export([close/1, select/1, is_node_name/1, setopts/2, getopts/2]).
-export([is_carrier/0]).

-include_lib("kernel/include/net_address.hrl").
-include_lib("kernel/include/dist_util.hrl").

-define(BACKLOG, 128).
-define(AGAIN_TIME, 500).

-type listener() :: {gentcp:socket(), inet:port_number()}.

%% @doc Whether this node's distribution goes over the daemon.
-spec is_carrier() -> boolean().
is_carrier() ->
    erlang:is_alive() andalso case init:get_argument(proto_dist) of
        {ok, [Protocols | _]} -> lists:member("gentcp", Protocols);
        _ -> false
    end.

%% @equiv listen(Name, Host)
-spec listen(atom()) -> {ok, {listener(), #net_address{}, integer()}} | {error, term()}.
listen(Name) ->
    {ok, Host} = inet:gethostname(),
    listen(Name, Host).

%% @doc Opens the node's listener, and has its name registered.
-spec listen(atom(), string()) ->
    {ok, {listener(), #net_address{}, integer()}} | {error, term()}.
listen(Name, Host) ->
    {First, Last} = case epmd(listen_port_please, [Name, Host]) of
        {ok, 0} -> port_range(kernel(inet_dist_listen_min, 0));
        {ok, Port} -> {Port, Port}
    end,
    case listen_in(First, Last) of
        {ok, Socket} -> register_node(Name, Socket);
        Error -> Error
    end.

port_range(0) -> {0, 0};
port_range(First) -> {First, kernel(inet_dist_listen_max, First)}.

listen_in(Port, Last) when Port > Last ->
    {error, eaddrinuse};
listen_in(Port, Last) ->
    case gentcp:listen(Port, listen_options()) of
        {error, eaddrinuse} -> listen_in(Port + 1, Last);
        Result -> Result
    end.

listen_options() ->
    Interface = case kernel(inet_dist_use_interface, any) of
        any -> [];
        Ip -> [{ip, Ip}]
    end,
    [{reuseaddr, true}, {backlog, ?BACKLOG} | kernel(inet_dist_listen_options, [])]
        ++ [inet, binary, {active, false}, {packet, 2} | Interface].

register_node(Name, Socket) ->
    {ok, {_, Port} = Place} = gentcp:sockname(Socket),
    case epmd(register_node, [Name, Port, inet]) of
        {ok, Creation} ->
            {ok, {{Socket, Port}, (address())#net_address{address = Place}, Creation}};
        Error ->
            ok = gentcp:close(Socket),
            Error
    end.

%% @doc What net_kernel knows a listener by, but for its address.
-spec address() -> #net_address{}.
address() ->
    {ok, Host} = inet:gethostname(),
    #net_address{host = Host, protocol = gentcp, family = inet}.

%% @doc Starts the process that gives net_kernel each connection that comes.
-spec accept(listener()) -> pid().
accept(Listener) ->
    Kernel = self(),
    spawn_link(fun() -> accept(Kernel, Listener) end).

accept(Kernel, {Socket, _} = Listener) ->
    case gentcp_dist_input:accept(Socket) of
        {ok, Input} ->
            Kernel ! {accept, self(), Input, inet, gentcp},
            receive
                {Kernel, controller, Supervisor} ->
                    _ = gentcp_dist_input:supervise(Input, Supervisor),
                    Supervisor ! {self(), controller};
                {Kernel, unsupported_protocol} ->
                    exit(unsupported_protocol)
            end,
            accept(Kernel, Listener);
        {error, _} ->
            accept(Kernel, again(Listener))
    end.

%% The daemon has gone, and the listener with it, or it lacks something for now.
again({Socket, Port} = Listener) ->
    timer:sleep(?AGAIN_TIME),
    case gentcp:sockname(Socket) of
        {ok, _} ->
            Listener;
        {error, _} ->
            case gentcp:listen(Port, listen_options()) of
                {ok, New} -> {New, Port};
                {error, _} -> again(Listener)
            end
    end.

%% @doc Starts the supervisor of a connection that came.
-spec accept_connection(pid(), pid(), node(), [node()], timeout()) -> pid().
accept_connection(Acceptor, Input, Me, Allowed, SetupTime) ->
    Kernel = self(),
    spawn_opt(fun() ->
        receive {Acceptor, controller} -> ok end,
        Timer = dist_util:start_timer(SetupTime),
        is_near(Input) orelse ?shutdown(no_node),
        HsData = gentcp_dist_input:hs_data(Input),
        dist_util:handshake_other_started(HsData#hs_data{
            kernel_pid = Kernel, this_node = Me, timer = Timer, allowed = Allowed})
    end, dist_util:net_ticker_spawn_options()).

%% With kernel's check_ip only who is of a network of this host's may come.
is_near(Input) ->
    kernel(check_ip, false) =/= true orelse is_neighbour(gentcp_dist_input:peername(Input)).

is_neighbour({ok, {Ip, _}}) ->
    {ok, Interfaces} = inet:getifaddrs(),
    Networks = lists:append([networks(Options) || {_, Options} <- Interfaces]),
    Near = lists:any(fun({Own, Mask}) ->
        gentcp:mask(Mask, Own) =:= gentcp:mask(Mask, Ip)
    end, Networks),
    Near orelse error_logger:error_msg("** Connection attempt from disallowed IP ~w ** ~n", [Ip]),
    Near;
is_neighbour({error, _}) ->
    false.

networks([{addr, Own}, {netmask, Mask} | Options]) when tuple_size(Own) =:= 4 ->
    [{Own, Mask} | networks(Options)];
networks([_ | Options]) ->
    networks(Options);
networks([]) ->
    [].

%% @doc Starts the supervisor of a connection to Node, which makes it.
-spec setup(node(), normal | hidden, node(), longnames | shortnames, timeout()) -> pid().
setup(Node, Type, Me, Names, SetupTime) ->
    Kernel = self(),
    spawn_opt(fun() ->
        {Name, Host} = name_and_host(Node, Names),
        Timer = dist_util:start_timer(SetupTime),
        {Ip, Port, Version} = place(Node, Name, Host),
        ok = dist_util:reset_timer(Timer),
        HsData = connect(Node, Ip, Port),
        Address = #net_address{address = {Ip, Port}, host = Host, protocol = gentcp, family = inet},
        dist_util:handshake_we_started(HsData#hs_data{
            kernel_pid = Kernel, other_node = Node, this_node = Me, timer = Timer,
            other_version = Version, request_type = Type, f_address = fun(_, _) -> Address end})
    end, dist_util:net_ticker_spawn_options()).

connect(Node, Ip, Port) ->
    Options = kernel(inet_dist_connect_options, [])
        ++ [inet, binary, {active, false}, {packet, 2}],
    case gentcp_dist_input:connect(Ip, Port, Options) of
        {ok, Input} -> gentcp_dist_input:hs_data(Input);
        {error, _} -> ?shutdown(Node)
    end.

place(Node, Name, Host) ->
    case epmd(address_please, [Name, Host, inet]) of
        {ok, Ip, Port, Version} ->
            {Ip, Port, Version};
        {ok, Ip} ->
            case epmd(port_please, [Name, Ip]) of
                {port, Port, Version} -> {Ip, Port, Version};
                _ -> ?shutdown(Node)
            end;
        _ ->
            ?shutdown(Node)
    end.

name_and_host(Node, Names) ->
    case split(Node) of
        {Name, Host} ->
            is_host(Host, Names) orelse illegal("Hostname ~ts is illegal", Host, Node),
            {Name, Host};
        none ->
            illegal("Nodename ~ts is illegal", atom_to_list(Node), Node)
    end.

is_host(Host, longnames) ->
    lists:member($., Host) orelse element(1, inet:parse_ipv4strict_address(Host)) =:= ok;
is_host(Host, shortnames) ->
    not lists:member($., Host).

illegal(Format, What, Node) ->
    error_logger:error_msg("** " ++ Format ++ " **~n", [What]),
    ?shutdown(Node).

%% @doc Closes the node's listener.
-spec close(listener()) -> ok.
close({Socket, _}) ->
    gentcp:close(Socket).

%% @doc Whether a node can be connected to by this carrier.
-spec select(node()) -> boolean().
select(Node) ->
    case split(Node) of
        {Name, Host} -> element(1, epmd(address_please, [Name, Host, inet])) =:= ok;
        none -> false
    end.

%% @doc Whether it is a name of a node.
-spec is_node_name(term()) -> boolean().
is_node_name(Node) ->
    is_atom(Node) andalso split(Node) =/= none.

split(Node) ->
    case string:split(atom_to_list(Node), "@", all) of
        [[_ | _] = Name, [_ | _] = Host] -> {Name, Host};
        _ -> none
    end.

%% @doc Options of the listener, for net_kernel:setopts/2.
-spec setopts(listener(), [term()]) -> ok | {error, term()}.
setopts({Socket, _}, Options) ->
    gentcp_dist_input:set(Socket, Options).

%% @doc For net_kernel:getopts/2.
-spec getopts(listener(), [term()]) -> {ok, [term()]} | {error, term()}.
getopts({Socket, _}, Names) ->
    gentcp:getopts(Socket, Names).

kernel(Name, Default) ->
    application:get_env(kernel, Name, Default).

%% A module of -epmd_module need not have all functions.
epmd(Function, Arguments) ->
    Module = net_kernel:epmd_module(),
    _ = code:ensure_loaded(Module),
    case erlang:function_exported(Module, Function, length(Arguments)) of
        true -> apply(Module, Function, Arguments);
        false -> apply(erl_epmd, Function, Arguments)
    end.
