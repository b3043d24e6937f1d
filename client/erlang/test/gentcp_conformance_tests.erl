%% SPDX-License-Identifier: ISC
%% tests/conformance by this binding: the calls through gentcp_conn, a process for each
%% client, which gets the events as gen_tcp's messages.
%%
%% What the binding has not, and is not looked at here:
%%  - an error's code, and its data but for the rest: gen_tcp has atoms alone; of what
%%    JSON-RPC calls an error it raises function_clause.
%%  - tcp_owner: gen_tcp tells no process that it was given a socket.  Whose it is
%%    the daemon says.
%%  - withdrawing a call: a process ends instead.  The number that session.cancel wants
%%    is looked up in the connection.
%%  - the descriptor of inet.getfd: the node can do nothing with it, and closes it.
-module(gentcp_conformance_tests).
-compile([export_all, nowarn_export_all]).

-include("gentcp_test.hrl").

-record(run, {names = #{}, clients = #{}, later = #{}}).

-define(CALLS, 8).      % the place of calls in the state of gentcp_conn

conformance_test_() ->
    Files = filelib:wildcard(filename:join(folder(), "*.json")),
    {setup, fun gentcp_daemon:start/0, fun gentcp_daemon:stop/1,
     [{timeout, 60, {filename:basename(File) ++ ": " ++ binary_to_list(Name),
                     fun() -> gentcp_test_lib:alone(fun() -> run(Steps) end) end}}
      || File <- Files, #{<<"name">> := Name, <<"steps">> := Steps} <- read(File)]}.

there_are_enough_test() ->
    Cases = lists:append([read(F) || F <- filelib:wildcard(filename:join(folder(), "*.json"))]),
    ?assert(lists:sum([length(Steps) || #{<<"steps">> := Steps} <- Cases]) >= 150).

folder() ->
    filename:join(filename:dirname(?FILE), "../../../tests/conformance").

read(File) ->
    {ok, Text} = file:read_file(File),
    {ok, Cases} = gentcp_json:decode(Text),
    Cases.

run(Steps) ->
    Run = lists:foldl(fun(Step, Run) ->
        try step(Step, Run)
        catch Class:Reason:Stack -> erlang:raise(Class, {Step, Reason}, Stack)
        end
    end, #run{}, Steps),
    [ended(Client) || Client <- maps:values(Run#run.clients)].

step(Step, Run) ->
    {Client, Next} = client(maps:get(<<"by">>, Step, <<"a">>), Run),
    step(Step, Client, Next).

step(#{<<"call">> := Method, <<"later">> := Name} = Step, Client, #run{later = Later} = Run) ->
    Params = fill(maps:get(<<"params">>, Step), Run),
    Call = gentcp_test_lib:elsewhere(fun() -> call(Method, Params, none, Client, Run) end),
    gentcp_test_lib:eventually(fun() ->
        {status, waiting} =:= process_info(element(1, Call), status)
    end),
    Run#run{later = Later#{Name => {Call, Client}}};
step(#{<<"call">> := Method} = Step, Client, Run) ->
    {Fd, Close} = descriptor(fill(maps:get(<<"fds">>, Step, #{}), Run)),
    Answer = call(Method, fill(maps:get(<<"params">>, Step), Run), Fd, Client, Run),
    Close(),
    answered(Step, Answer, Run);
step(#{<<"reply">> := Name} = Step, _, #run{later = Later} = Run) ->
    {Call, _} = maps:get(Name, Later),
    answered(Step, gentcp_test_lib:result(Call), Run);
step(#{<<"cancel">> := Name}, _, #run{later = Later} = Run) ->
    {{Caller, _}, {_, {Conn, _, _}}} = maps:get(Name, Later),
    Calls = maps:to_list(element(?CALLS, sys:get_state(Conn))),
    [Id] = [Id || {Id, {{Pid, _}, _}} <- Calls, Pid =:= Caller],
    {ok, true, none} = gentcp_conn:call(Conn, "session.cancel", [$[, integer_to_list(Id), $]],
                                        none, {none, []}),
    Run;
step(#{<<"event">> := <<"tcp_owner">>, <<"params">> := #{<<"socket">> := Name}}, Client, Run) ->
    {_, {Conn, _, Number}} = Client,
    Params = gentcp_json:encode([fill(Name, Run)]),
    {ok, #{<<"owner">> := Number}, none} =
        gentcp_conn:call(Conn, "inet.info", Params, none, {none, []}),
    Run;
step(#{<<"event">> := Event, <<"params">> := Params}, Client, Run) ->
    event(Event, Params, Client, Run);
step(#{<<"silent">> := Name}, {_, {Conn, _, _}} = Client, Run) ->
    {ok, _, none} = gentcp_conn:call(Conn, "session.self", "[]", none, {none, []}),
    Socket = socket(fill(Name, Run), Client),
    [] = [M || M <- within(Client, fun() -> element(2, process_info(self(), messages)) end),
               lists:member(Socket, tuple_to_list(M))],
    Run;
step(#{<<"end">> := true} = Step, Client, #run{clients = Clients} = Run) ->
    ended(Client),
    Run#run{clients = maps:remove(maps:get(<<"by">>, Step, <<"a">>), Clients)}.

%% --- clients ------------------------------------------------------------------

client(Name, #run{clients = Clients, names = Names} = Run) ->
    case Clients of
        #{Name := Client} ->
            {Client, Run};
        #{} ->
            Pid = spawn(fun user/0),
            {ok, {_, _, Number} = Connection} = gentcp_conn:find(Pid),
            Client = {Pid, Connection},
            {Client, Run#run{clients = Clients#{Name => Client},
                             names = Names#{<<"$", Name/binary, ":id">> => Number}}}
    end.

%% Its messages stay in its mailbox until they are asked for.
user() ->
    receive {run, From, Ref, Fun} -> From ! {Ref, Fun()} end,
    user().

within({Pid, _}, Fun) ->
    Ref = monitor(process, Pid),
    Pid ! {run, self(), Ref, Fun},
    receive
        {Ref, Result} -> demonitor(Ref, [flush]), Result;
        {'DOWN', Ref, process, _, Reason} -> error(Reason)
    end.

%% Not before its connection has ended.
ended({Pid, {Conn, _, _}}) ->
    Ref = monitor(process, Conn),
    exit(Pid, kill),
    receive {'DOWN', Ref, process, _, _} -> ok end.

socket(Number, {_, {_, Key, _}}) ->
    {'$inet', gentcp, {gentcp_socket, Key, Number}}.

%% --- calls --------------------------------------------------------------------

call(<<"gen_tcp.controlling_process">>, #{<<"socket">> := Number, <<"client">> := To},
     _, Client, #run{clients = Clients}) ->
    Pid = case [Pid || {Pid, {_, _, Id}} <- maps:values(Clients), Id =:= To] of
        [One] -> One;
        [] -> nobody()
    end,
    case within(Client, fun() -> gentcp:controlling_process(socket(Number, Client), Pid) end) of
        ok -> {ok, <<"ok">>, none};
        {error, Reason} -> {error, Reason, none}
    end;
call(<<"inet.monitor">>, #{<<"socket">> := Number} = Params, _, {_, {Conn, _, _}}, _) ->
    case gentcp_conn:monitor(Conn, gentcp_json:encode(Params), Number) of
        {ok, Ref, none} -> {ok, #{<<"monitor">> => Ref}, none};
        Error -> Error
    end;
call(<<"inet.cancel_monitor">>, #{<<"monitor">> := Ref}, _, {_, {Conn, _, _}}, _) ->
    {ok, gentcp_conn:demonitor(Conn, Ref), none};
call(Method, #{<<"data">> := Data} = Params, none, {_, {Conn, _, _}}, _) ->
    gentcp_conn:call(Conn, Method, gentcp_json:encode(maps:remove(<<"data">>, Params)),
                     bytes(Data), {none, []});
call(Method, Params, Fd, {_, {Conn, _, _}}, _) ->
    Fds = [Fd || Fd =/= none],
    gentcp_conn:call(Conn, Method, gentcp_json:encode(Params), none, {meaning(Method, Params), Fds}).

%% A process that has ended.
nobody() ->
    {Pid, Ref} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Ref, process, Pid, _} -> Pid end.

meaning(<<"gen_tcp.listen">>, _) -> {opens, listening};
meaning(<<"gen_tcp.connect">>, _) -> {opens, connected};
meaning(<<"gen_tcp.accept">>, _) -> {opens, connected};
meaning(<<"gen_tcp.fdopen">>, _) -> {opens, connected};
meaning(<<"gen_tcp.close">>, #{<<"socket">> := Number}) -> {drops, Number};
meaning(_, _) -> none.

%% The descriptor that a step passes, and what closes it.
descriptor(#{<<"file">> := Text}) ->
    Name = string:trim(os:cmd("mktemp")),
    ok = file:write_file(Name, Text),
    {ok, File} = file:open(Name, [read, raw, binary]),
    ok = file:delete(Name),
    <<Fd:32/native>> = prim_file:get_handle(File),
    {Fd, fun() -> file:close(File) end};
descriptor(#{<<"connect">> := Port}) ->
    {ok, Socket} = socket:open(inet, stream),
    To = #{family => inet, addr => {127, 0, 0, 1}, port => Port},
    ok = socket:connect(Socket, To),
    %% to Linux one that did not block is connected when connect was called again
    _ = socket:connect(Socket, To),
    {ok, Fd} = socket:getopt(Socket, otp, fd),
    {Fd, fun() -> socket:close(Socket) end};
descriptor(#{}) ->
    {none, fun() -> ok end}.

answered(#{<<"result">> := Shown}, {ok, Result, none}, Run) ->
    match(Shown, Result, Run);
answered(#{<<"result">> := Shown}, {ok, Result, Data}, Run) ->
    match(Shown, Result#{<<"data">> => Data}, Run);
answered(#{<<"error">> := #{<<"code">> := Code}}, {fault, _}, Run) ->
    ?assert(Code >= -32768 andalso Code =< -32000),
    Run;
answered(#{<<"error">> := #{<<"message">> := Message} = Shown}, {error, Reason, Data}, Run) ->
    ?assertEqual(Message, atom_to_binary(Reason)),
    case Shown of
        #{<<"data">> := #{<<"rest">> := Rest}} -> match(bytes(Rest), Data, Run);
        #{} -> Run
    end;
answered(_, Answer, _) ->
    error({another_answer, Answer}).

%% --- events -------------------------------------------------------------------

event(<<"down">>, #{<<"monitor">> := Name, <<"reason">> := Reason}, Client, Run) ->
    Ref = fill(Name, Run),
    ?assertEqual(Reason, atom_to_binary(within(Client, fun() ->
        receive {'DOWN', Ref, port, _, Why} -> Why after ?DEADLINE -> timeout end
    end))),
    Run;
event(Event, #{<<"socket">> := Name} = Params, Client, Run) ->
    S = socket(fill(Name, Run), Client),
    Message = within(Client, fun() ->
        receive
            M when element(2, M) =:= S; element(1, M) =:= S -> M
        after ?DEADLINE -> timeout
        end
    end),
    ?assertEqual(message(Event, Params, S), whole(Message)),
    Run.

%% gen_tcp's message of an event.
message(<<"tcp">>, Params, S) -> {tcp, S, shown(Params)};
message(<<"port">>, Params, S) -> {S, {data, shown(Params)}};
message(<<"http">>, #{<<"http">> := Http}, S) -> {http, S, gentcp_opt:http(Http, list)};
message(<<"tcp_error">>, #{<<"reason">> := Reason}, S) -> {tcp_error, S, binary_to_atom(Reason)};
message(Name, _, S) -> {binary_to_existing_atom(Name), S}.

shown(#{<<"header">> := Header, <<"data">> := Data}) ->
    <<(bytes(Header))/binary, (bytes(Data))/binary>>;
shown(#{<<"data">> := Data}) ->
    bytes(Data).

%% A header comes as a list before the rest.
whole({tcp, S, Data}) -> {tcp, S, iolist_to_binary(Data)};
whole({S, {data, Data}}) -> {S, {data, iolist_to_binary(Data)}};
whole(Message) -> Message.

%% --- values -------------------------------------------------------------------

bytes(#{<<"base64">> := Text}) -> base64:decode(Text);
bytes(List) when is_list(List) ->
    iolist_to_binary([if is_integer(One) -> One; true -> bytes(One) end || One <- List]);
bytes(Text) -> Text.

fill(<<"$", _/binary>> = Name, #run{names = Names}) -> maps:get(Name, Names);
fill(List, Run) when is_list(List) -> [fill(One, Run) || One <- List];
fill(Map, Run) when is_map(Map) -> maps:map(fun(_, Value) -> fill(Value, Run) end, Map);
fill(Value, _) -> Value.

%% The names that are known then.
match(<<"$_">>, _, Run) ->
    Run;
match(<<"$", _/binary>> = Name, Real, #run{names = Names} = Run) ->
    ?assertEqual(Real, maps:get(Name, Names, Real)),
    Run#run{names = Names#{Name => Real}};
match(#{<<"$has">> := Shown}, Real, Run) ->
    [?assert(lists:any(fun(R) -> matches(S, R, Run) end, Real)) || S <- Shown],
    Run;
match(Shown, Real, Run) when is_map(Shown), is_map(Real) ->
    maps:fold(fun(Key, Value, R) -> member(Key, Value, maps:get(Key, Real), R) end, Run, Shown);
match(Shown, Real, Run) when is_list(Shown), length(Shown) =:= length(Real) ->
    lists:foldl(fun({S, R}, Next) -> match(S, R, Next) end, Run, lists:zip(Shown, Real));
match(Shown, Real, Run) ->
    ?assertEqual(Shown, Real),
    Run.

member(<<"data">>, Shown, Real, Run) ->
    ?assertEqual(bytes(Shown), bytes(Real)),
    Run;
member(_, Shown, Real, Run) ->
    match(Shown, Real, Run).

matches(Shown, Real, Run) ->
    try match(Shown, Real, Run) of
        _ -> true
    catch
        _:_ -> false
    end.
