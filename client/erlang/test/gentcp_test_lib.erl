%% SPDX-License-Identifier: ISC
%% What the tests with a real daemon share.
-module(gentcp_test_lib).

-include("gentcp_test.hrl").

-export([all/1, alone/1, listen/1, pair/1, pair/2, elsewhere/1, result/1, waits/1]).
-export([eventually/1, teller/0]).

%% All tests of a module, the functions named t_..., with one daemon.
all(Module) ->
    {setup, fun gentcp_daemon:start/0, fun gentcp_daemon:stop/1,
     [{timeout, 60, {atom_to_list(Name), fun() -> alone(fun() -> Module:Name() end) end}}
      || {Name, 0} <- Module:module_info(exports),
         lists:prefix("t_", atom_to_list(Name))]}.

%% Each test is a process, whose sockets go with it, and whose mailbox is empty at
%% the end.
alone(Fun) ->
    {Pid, Ref} = spawn_monitor(fun() ->
        Fun(),
        {messages, []} = process_info(self(), messages)
    end),
    receive
        {'DOWN', Ref, process, Pid, normal} -> ok;
        {'DOWN', Ref, process, Pid, {Reason, Stack}} -> erlang:raise(error, Reason, Stack);
        {'DOWN', Ref, process, Pid, Reason} -> error(Reason)
    end.

listen(Options) ->
    {ok, L} = gentcp:listen(0, [{ip, {127, 0, 0, 1}} | Options]),
    {ok, Port} = gentcp_inet:port(L),
    {L, Port}.

pair(Options) -> pair(Options, [binary, {active, false}]).

%% The accepted end, and the one that connected.
pair(Options, PeerOptions) ->
    {L, Port} = listen(Options),
    {ok, C} = gentcp:connect({127, 0, 0, 1}, Port, PeerOptions),
    {ok, A} = gentcp:accept(L),
    ok = gentcp:close(L),
    {A, C}.

%% Runs Fun in a process of its own, which tells what it gave.
elsewhere(Fun) ->
    Me = self(),
    Ref = make_ref(),
    Pid = spawn_link(fun() -> Me ! {Ref, catch Fun(), self()}, receive go -> ok end end),
    {Pid, Ref}.

result({Pid, Ref}) ->
    receive
        {Ref, Result, _} -> Pid ! go, Result
    after ?DEADLINE -> error({no_result, process_info(Pid, current_stacktrace)})
    end.

waits({_, Ref}) ->
    receive {Ref, Result, _} -> error({result, Result}) after ?SOON -> ok end.

%% A process that tells what it gets.
teller() ->
    Me = self(),
    spawn_link(fun() -> tell(Me) end).

tell(To) ->
    receive Message -> To ! {told, self(), Message}, tell(To) end.

eventually(Fun) -> eventually(Fun, erlang:monotonic_time(millisecond) + ?DEADLINE).

eventually(Fun, Deadline) ->
    case Fun() of
        true -> ok;
        false ->
            ?assert(erlang:monotonic_time(millisecond) < Deadline),
            timer:sleep(5),
            eventually(Fun, Deadline)
    end.
