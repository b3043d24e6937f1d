%% SPDX-License-Identifier: ISC
%% @doc What may differ between two runs of the same scenario, in one place.
%%
%% Sockets, processes and references become names in the order in which they
%% are first seen; ports become the name that the scenario gave them, or
%% `ephemeral'; long data becomes its length and a hash; of info/1 stays what
%% the binding promises.  All else is compared as it is.
-module(oracle_norm).

-export([new/0, name_port/3, value/3]).

-export_type([state/0]).

-type state() :: #{ids := map(), counts := map(), ports := map()}.

-define(LONG, 160).
%% Ports below are the scenario's own numbers, not the kernel's choice.
-define(FIRST_EPHEMERAL, 10000).

-spec new() -> state().
new() ->
    #{ids => #{}, counts => #{}, ports => #{}}.

%% @doc Gives the port number a name for this run.
-spec name_port(inet:port_number(), term(), state()) -> state().
name_port(Port, Name, #{ports := Ports} = State) ->
    State#{ports := Ports#{Port => Name}}.

%% @doc The comparable form of what the call or step Label gave.
-spec value(term(), term(), state()) -> {term(), state()}.
value(Label, Value, State) ->
    norm(by_label(Label, Value, State), State).

by_label(port, {ok, Port}, State) when is_integer(Port) ->
    {ok, port_name(Port, State)};
by_label(info, #{} = Info, _State) ->
    maps:with([owner, states, counters], Info);
by_label(_Label, Value, _State) ->
    Value.

norm({raised, Class, Reason}, State) ->
    {{raised, Class, reason(Reason)}, State};
norm({'$inet', _, _} = Socket, State) ->
    name(socket, Socket, State);
norm(Port, State) when is_port(Port) ->
    name(socket, Port, State);
norm(Pid, State) when is_pid(Pid) ->
    name(pid, Pid, State);
norm(Ref, State) when is_reference(Ref) ->
    name(ref, Ref, State);
norm({Address, Port}, State) when is_integer(Port), tuple_size(Address) =:= 4;
                                  is_integer(Port), tuple_size(Address) =:= 8 ->
    {{Address, port_name(Port, State)}, State};
norm(Tuple, State) when is_tuple(Tuple) ->
    {List, Next} = lists:mapfoldl(fun norm/2, State, tuple_to_list(Tuple)),
    {list_to_tuple(List), Next};
norm(#{port := Port} = Map, State) when is_integer(Port) ->
    {Map#{port := port_name(Port, State)}, State};
norm(Map, State) when is_map(Map) ->
    {List, Next} = lists:mapfoldl(fun norm/2, State, lists:sort(maps:to_list(Map))),
    {maps:from_list(List), Next};
norm(Bytes, State) when is_binary(Bytes), byte_size(Bytes) > ?LONG ->
    {{long_binary, byte_size(Bytes), erlang:phash2(Bytes)}, State};
norm([First | _] = List, State) when is_integer(First) ->
    {long(List), State};
norm([Head | Tail], State) ->
    {NewHead, Next} = norm(Head, State),
    {NewTail, Last} = norm(Tail, Next),
    {[NewHead | NewTail], Last};
norm(Fun, State) when is_function(Fun) ->
    {a_fun, State};
norm(Other, State) ->
    {Other, State}.

%% A list of bytes, which may be improper ({header, N}).
long(List) ->
    case is_list_of_bytes(List, 0) of
        {true, Length} when Length > ?LONG ->
            {long_list, Length, erlang:phash2(list_to_binary(List))};
        _ ->
            List
    end.

is_list_of_bytes([Byte | Tail], N) when is_integer(Byte), Byte >= 0, Byte < 256 ->
    is_list_of_bytes(Tail, N + 1);
is_list_of_bytes([], N) ->
    {true, N};
is_list_of_bytes(_, _) ->
    false.

reason({function_clause, _}) -> function_clause;
reason({Reason, [{_, _, _, _} | _]}) -> reason(Reason);
reason({case_clause, _}) -> case_clause;
reason({bad_generator, _}) -> function_clause;
reason(Reason) -> Reason.

port_name(Port, #{ports := Ports}) ->
    case Ports of
        #{Port := Name} -> Name;
        #{} when Port >= ?FIRST_EPHEMERAL -> ephemeral;
        #{} -> Port
    end.

name(Kind, Term, #{ids := Ids, counts := Counts} = State) ->
    case Ids of
        #{Term := Name} ->
            {Name, State};
        #{} ->
            N = maps:get(Kind, Counts, 0) + 1,
            Name = {Kind, N},
            {Name, State#{ids := Ids#{Term => Name}, counts := Counts#{Kind => N}}}
    end.
