%% SPDX-License-Identifier: ISC
%% @doc Runs each scenario with OTP's gen_tcp and with the binding, and prints
%% what differs.  See the script `run'.
-module(oracle).

-export([main/0]).

-define(DEADLINE, 30000).

-type scenario() :: {Theme :: string(), Name :: string(), fun((map()) -> term())}.
-type step() :: {Label :: term(), Value :: term()}.
-type difference() :: {pos_integer(), step() | none, step() | none}.

%% @doc Reads the script's environment, runs, ends the node: 0 if all is equal or
%% different on purpose, 1 if not, 2 if the oracle itself is at fault.
-spec main() -> no_return().
main() ->
    logger:set_primary_config(level, none),
    Status =
        try run(options())
        catch Class:Reason:Stack ->
            io:format("oracle: ~p ~p~n~p~n", [Class, Reason, Stack]),
            2
        end,
    halt(Status).

options() ->
    #{
        themes => string:lexemes(os:getenv("ORACLE_THEMES", ""), " ,"),
        names => string:lexemes(os:getenv("ORACLE_NAMES", ""), " "),
        jobs => list_to_integer(os:getenv("ORACLE_JOBS", "12")),
        mode => list_to_atom(os:getenv("ORACLE_MODE", "compare")),
        binding => os:getenv("ORACLE_BINDING", "") =/= "",
        purpose => os:getenv("ORACLE_PURPOSE", ""),
        tmp => os:getenv("ORACLE_TMP", "/tmp")
    }.

run(Options) ->
    Scenarios = chosen(Options),
    case Options of
        #{mode := list} ->
            [io:format("~s/~s~n", [Theme, Name]) || {Theme, Name, _} <- Scenarios],
            0;
        #{} ->
            Second = second(Options),
            Start = erlang:monotonic_time(millisecond),
            Results = run_all(Scenarios, Second, Options),
            Took = erlang:monotonic_time(millisecond) - Start,
            report(Results, Second, Took, Options)
    end.

%% The two under test: what is always first, and what it is compared with.
first() ->
    #{tcp => gen_tcp, inet => inet, file => file, warm => fun() -> ok end}.

second(#{binding := false}) ->
    io:format("no binding: gen_tcp is compared with itself~n"),
    first();
second(#{binding := true}) ->
    {ok, _} = application:ensure_all_started(gentcp),
    %% A process is at the daemon before it calls, lest others overtake its first.
    Warm = fun() -> {ok, _} = gentcp_conn:find(self()) end,
    case os:getenv("ORACLE_BINDING") of
        "stock" -> #{tcp => oracle_stock, inet => inet, file => file, warm => Warm};
        _ -> #{tcp => gentcp, inet => gentcp_inet, file => gentcp_file, warm => Warm}
    end.

%%% Scenarios

-spec chosen(map()) -> [scenario()].
chosen(#{themes := Themes, names := Names}) ->
    All = lists:append([scenarios(M) || M <- modules()]),
    Keys = [Theme ++ "/" ++ Name || {Theme, Name, _} <- All],
    [] = Keys -- lists:usort(Keys),
    [S || {Theme, Name, _} = S <- All,
          Themes =:= [] orelse lists:member(Theme, Themes),
          Names =:= [] orelse lists:any(fun(N) -> matches(N, Theme ++ "/" ++ Name) end, Names)].

matches(Wanted, Key) ->
    string:find(Key, Wanted) =/= nomatch.

modules() ->
    Folder = filename:dirname(code:which(?MODULE)),
    [list_to_atom(filename:basename(F, ".beam"))
        || F <- lists:sort(filelib:wildcard(Folder ++ "/scenarios_*.beam"))].

scenarios(Module) ->
    "scenarios_" ++ Theme = atom_to_list(Module),
    [{Theme, lists:flatten(io_lib:format("~s", [Name])), Fun}
        || {Name, Fun} <- Module:scenarios()].

%%% Running

run_all(Scenarios, Second, #{jobs := Jobs} = Options) ->
    Work = lists:append([[{S, first, first()}, {S, second, Second}] || S <- Scenarios]),
    Done = pool(Work, Jobs, 0, Options, #{}),
    [{Theme ++ "/" ++ Name, maps:get({Theme, Name, first}, Done),
      maps:get({Theme, Name, second}, Done)} || {Theme, Name, _} <- Scenarios].

pool([], _Free, 0, _Options, Done) ->
    Done;
pool([{{Theme, Name, Fun}, Which, Modules} | Rest], Free, Busy, Options, Done) when Free > 0 ->
    Self = self(),
    Key = {Theme, Name, Which},
    spawn_link(fun() -> Self ! {done, Key, run_one(Fun, Modules, Options)} end),
    pool(Rest, Free - 1, Busy + 1, Options, Done);
pool(Work, Free, Busy, Options, Done) ->
    receive
        {done, Key, Steps} ->
            pool(Work, Free + 1, Busy - 1, Options, Done#{Key => Steps})
    end.

%% Runs one scenario; gives the steps that it recorded.
-spec run_one(fun((map()) -> term()), map(), map()) -> [step()].
run_one(Fun, Modules, #{tmp := Tmp}) ->
    Recorder = spawn_link(fun() -> recorder([], oracle_norm:new(), []) end),
    C = Modules#{recorder => Recorder, tmp => Tmp},
    {Pid, Ref} = spawn_monitor(fun() -> scenario(C, Fun) end),
    receive
        {'DOWN', Ref, process, Pid, normal} -> ok;
        {'DOWN', Ref, process, Pid, Why} -> oracle_lib:rec(C, died, Why)
    after ?DEADLINE ->
        oracle_lib:rec(C, hangs, process_info(Pid, current_function)),
        oracle_lib:kill(Pid)
    end,
    Recorder ! {stop, self()},
    receive {steps, Recorder, Steps} -> Steps end.

scenario(C, Fun) ->
    try Fun(C)
    catch Class:Reason:Stack ->
        Where = [{M, F, A, proplists:get_value(line, L)} || {M, F, A, L} <- lists:sublist(Stack, 3)],
        oracle_lib:rec(C, crashed, {Class, Reason, Where})
    end,
    case oracle_lib:flush(2) of
        [] -> ok;
        Left -> oracle_lib:rec(C, left, Left)
    end.

recorder(Steps, Norm, Tasks) ->
    receive
        {{record, Label, Value}, From, Ref} ->
            {Plain, Next} = oracle_norm:value(Label, Value, Norm),
            From ! {oracle, Ref},
            recorder([{Label, Plain} | Steps], Next, Tasks);
        {{name_port, Port, Name}, From, Ref} ->
            From ! {oracle, Ref},
            recorder(Steps, oracle_norm:name_port(Port, Name, Norm), Tasks);
        {{task, Pid}, From, Ref} ->
            From ! {oracle, Ref},
            recorder(Steps, Norm, [Pid | Tasks]);
        {stop, From} ->
            [exit(Pid, kill) || Pid <- Tasks],
            From ! {steps, self(), lists:reverse(Steps)}
    end.

%%% The report

report(Results, Second, Took, Options) ->
    Purpose = purpose(Options),
    Verdicts = [{Name, verdict(Name, One, Two, Purpose), One, Two} || {Name, One, Two} <- Results],
    [print(Name, Verdict, One, Two, Options) || {Name, Verdict, One, Two} <- Verdicts],
    Stale = stale(Purpose, Verdicts) ++ unknown(Purpose, Verdicts, Options),
    [io:format("stale in the list of differences on purpose: ~s~n", [Name]) || Name <- Stale],
    table(Verdicts, Second, Took),
    Bad = [bad || {_, {Kind, _}, _, _} <- Verdicts, Kind =/= equal, Kind =/= on_purpose],
    case Bad ++ Stale of
        [] -> 0;
        _ -> 1
    end.

%% The committed lists: {Name, Row, Reason, Differences}.
purpose(#{binding := false}) -> [];
purpose(#{purpose := Files}) ->
    lists:append([entries(File) || File <- string:lexemes(Files, ":")]).

entries(File) ->
    case file:consult(File) of
        {ok, Entries} -> Entries;
        {error, Why} -> error({File, file:format_error(Why)})
    end.

verdict(Name, One, Two, Purpose) ->
    Differences = differences(One, Two),
    case {broken(One), Differences, lists:keyfind(Name, 1, Purpose)} of
        {true, _, _} -> {broken, Differences};
        {false, [], _} -> {equal, []};
        {false, _, {Name, Row, _Reason, Differences}} -> {on_purpose, Row};
        {false, _, {Name, _, _, _}} -> {otherwise, Differences};
        {false, _, false} -> {different, Differences}
    end.

%% A scenario that does not come to its end with gen_tcp tests nothing.
broken(Steps) ->
    Steps =:= [] orelse lists:any(fun({Label, Value}) ->
        lists:member(Label, [crashed, hangs, died]) orelse Value =:= still_waiting
    end, Steps).

-spec differences([step()], [step()]) -> [difference()].
differences(One, Two) ->
    differences(One, Two, 1).

differences([], [], _) -> [];
differences([Step | One], [Step | Two], N) -> differences(One, Two, N + 1);
differences([], [B | Two], N) -> [{N, none, B} | differences([], Two, N + 1)];
differences([A | One], [], N) -> [{N, A, none} | differences(One, [], N + 1)];
differences([A | One], [B | Two], N) -> [{N, A, B} | differences(One, Two, N + 1)].

stale(Purpose, Verdicts) ->
    [Name || {Name, _, _, _} <- Purpose, lists:keyfind(Name, 1, Verdicts) =/= false,
             element(1, element(2, lists:keyfind(Name, 1, Verdicts))) =:= equal].

%% Where all run, an entry must have its scenario.
unknown(Purpose, Verdicts, #{themes := [], names := []}) ->
    [Name || {Name, _, _, _} <- Purpose, not lists:keymember(Name, 1, Verdicts)];
unknown(_Purpose, _Verdicts, _Options) ->
    [].

print(Name, _Verdict, One, _Two, #{mode := verbose}) ->
    io:format("~s~n", [Name]),
    [io:format("    ~3b ~0tp~n", [N, Step]) || {N, Step} <- number(One)];
print(_Name, {equal, _}, _One, _Two, _Options) ->
    ok;
print(_Name, {on_purpose, _}, _One, _Two, _Options) ->
    ok;
print(Name, {_, Differences}, _One, _Two, #{mode := terms}) ->
    io:format("{~0tp, \"\", \"\",~n ~0tp}.~n", [Name, Differences]);
print(Name, {Kind, Differences}, One, _Two, _Options) ->
    io:format("~s: ~s~n", [Name, Kind]),
    [print_difference(D) || D <- Differences],
    case Kind of
        broken -> [io:format("    ~3b ~0tp~n", [N, Step]) || {N, Step} <- number(One)];
        _ -> ok
    end.

print_difference({N, A, B}) ->
    io:format("    ~3b gen_tcp  ~s~n        gentcp   ~s~n", [N, text(A), text(B)]).

text(Step) ->
    string:slice(io_lib:format("~0tp", [Step]), 0, 400).

number(Steps) ->
    lists:zip(lists:seq(1, length(Steps)), Steps).

table(Verdicts, Second, Took) ->
    Kinds = [Kind || {_, {Kind, _}, _, _} <- Verdicts],
    Count = fun(Wanted) -> length([K || K <- Kinds, K =:= Wanted]) end,
    io:format("~n~-28s~8s~8s~12s~11s~n", ["theme", "run", "equal", "on purpose", "different"]),
    [row(Theme, [V || {Name, _, _, _} = V <- Verdicts, theme(Name) =:= Theme])
        || Theme <- lists:usort([theme(Name) || {Name, _, _, _} <- Verdicts])],
    row("all", Verdicts),
    io:format("gen_tcp and ~s, ~.1f s~n", [maps:get(tcp, Second), Took / 1000]),
    Good = Count(equal) + Count(on_purpose),
    io:format("~b passed, ~b failed~n", [Good, length(Kinds) - Good]).

theme(Name) ->
    hd(string:lexemes(Name, "/")).

row(Title, Verdicts) ->
    Equal = length([1 || {_, {equal, _}, _, _} <- Verdicts]),
    Purpose = length([1 || {_, {on_purpose, _}, _, _} <- Verdicts]),
    All = length(Verdicts),
    io:format("~-28s~8b~8b~12b~11b~n", [Title, All, Equal, Purpose, All - Equal - Purpose]).
