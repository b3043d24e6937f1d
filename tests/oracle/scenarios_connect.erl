%% SPDX-License-Identifier: ISC
%% connect/2,3,4: addresses, ports, local addresses, local sockets, timeouts.
-module(scenarios_connect).

-export([scenarios/0]).

-include("oracle.hrl").

-define(LO, {127, 0, 0, 1}).

-spec scenarios() -> [{term(), fun((map()) -> term())}].
scenarios() ->
    reached() ++ wrong() ++ ports() ++ bound() ++ timeouts() ++ maps() ++ local() ++ life().

%% Every way to name 127.0.0.1.
reached() ->
    [{["address/", io_lib:format("~0tp~0tp", [Address, Opts])], fun(C) ->
        L = p_listen([]),
        Port = p_port(L),
        name_port(C, Port, peer),
        case tcp(C, connect, [Address, Port, [binary | Opts]]) of
            {ok, S} ->
                P = p_accept(L),
                inet(C, peername, [S]),
                inet(C, sockname, [S]),
                p_send(P, "hi"),
                mail(C, 1);
            _ ->
                ok
        end
     end} || {Address, Opts} <- [
        {?LO, []}, {"127.0.0.1", []}, {'127.0.0.1', []}, {"127.1", []}, {"localhost", []}, {localhost, []},
        {{0, 0, 0, 0}, []}, {loopback, []}, {any, []}, {{127, 0, 0, 1}, [inet]}, {"127.0.0.1", [inet]}
     ]].

wrong() ->
    [{["wrong/", io_lib:format("~0tp", [Args])], fun(C) -> tcp(C, connect, Args) end}
        || Args <- [[{1, 2, 3}, 1, []], [{256, 0, 0, 1}, 1, []], ["", 1, []], [<<"127.0.0.1">>, 1, []],
                    [5, 1, []], ["a b", 1, []], [[1, 2], 1, []], [{0, 0, 0, 0, 0, 0, 0, 70000}, 1, []],
                    [?LO, 1, [inet6]], [{0, 0, 0, 0, 0, 0, 0, 1}, 1, [inet]], ["::1", 1, []],
                    ["127.0.0.1", 1, [inet6]], [?LO, 1, [inet6, inet]], [?LO, -1, []], [?LO, 65536, []],
                    [?LO, "80", []], [?LO, 1.0, []], [?LO, no_such_service, []], [?LO, 0, []], [?LO, 1, []],
                    ["localhost", 1, []], [?LO, 1, [], -1], [?LO, 1, [], foo], [?LO, 1, [], 1.5],
                    [?LO, 1, foo], [?LO, 1, [{packet, 3}]], [?LO, 1, [{ip, "127.0.0.1"}]],
                    [?LO, 1, [{ip, {192, 0, 2, 1}}]], [?LO, 1, [{ip, {0, 0, 0, 0, 0, 0, 0, 1}}]],
                    [?LO, 1, [{port, 65536}]], [?LO, 1, [{port, a}]], [?LO, 1, [{fd, 99999}]],
                    [?LO, 1, [{netns, "/nonexistent/ns"}]], [{0, 0, 0, 0, 0, 0, 0, 1}, 1, []],
                    [?LO, 1, [{ifaddr, {127, 0, 0, 9}}]], [?LO, 1, [{local, "/x"}]],
                    [{local, "/x"}, 1, []], [#{}, 1, []]]].

ports() ->
    [{"port/service_name", fun(C) -> tcp(C, connect, [?LO, tcpmux, []]) end},
     {"port/refused", fun(C) ->
        L = p_listen([]),
        Port = p_port(L),
        p_close(L),
        tcp(C, connect, [?LO, Port, []]),
        tcp(C, connect, [?LO, Port, [], 1000]),
        mail(C)
      end},
     {"port/connect_3_and_4", fun(C) ->
        L = p_listen([]),
        Port = p_port(L),
        {ok, _} = tcp(C, connect, [?LO, Port, []]),
        {ok, _} = tcp(C, connect, [?LO, Port, [], infinity]),
        {ok, _} = tcp(C, connect, [?LO, Port, [], 5000])
      end}].

%% Options that say where it comes from.
bound() ->
    [{["bound/", io_lib:format("~0tp", [Opts])], fun(C) ->
        L = p_listen([]),
        Port = p_port(L),
        name_port(C, Port, peer),
        case tcp(C, connect, [?LO, Port, Opts]) of
            {ok, S} -> inet(C, sockname, [S]), inet(C, peername, [S]);
            _ -> ok
        end
     end} || Opts <- [[], [{ip, {127, 0, 0, 5}}], [{ifaddr, {127, 0, 0, 6}}], [{ip, any}], [{ip, loopback}],
                      [{ip, {127, 0, 0, 5}}, {ip, {127, 0, 0, 6}}], [{port, 0}],
                      [{ip, {127, 0, 0, 5}}, {ifaddr, {127, 0, 0, 7}}],
                      [{reuseaddr, true}, {ip, {127, 0, 0, 8}}], [{ip, {0, 0, 0, 0}}]]] ++
    [{"bound/port", fun(C) ->
        L = p_listen([]),
        Free = free_port(),
        name_port(C, p_port(L), peer),
        name_port(C, Free, chosen),
        {ok, S} = tcp(C, connect, [?LO, p_port(L), [{port, Free}]]),
        inet(C, sockname, [S])
      end},
     {"bound/in_use", fun(C) ->
        L = p_listen([]),
        tcp(C, connect, [?LO, p_port(L), [{port, p_port(L)}, {ip, ?LO}]])
      end}].

timeouts() ->
    [{"timeout/expires", fun(C) ->
        %% a listener whose queue is full answers nobody
        {ok, L} = socket:open(inet, stream, tcp),
        ok = socket:bind(L, #{family => inet, addr => loopback, port => 0}),
        ok = socket:listen(L, 0),
        Port = p_port(L),
        #{tcp := Tcp} = C,
        _ = p_connect(Port),
        timed(C, connect, 60, fun() -> Tcp:connect(?LO, Port, [], 60) end),
        mail(C)
      end},
     {"timeout/killed_connector", fun(C) ->
        {ok, L} = socket:open(inet, stream, tcp),
        ok = socket:bind(L, #{family => inet, addr => loopback, port => 0}),
        ok = socket:listen(L, 0),
        Port = p_port(L),
        #{tcp := Tcp} = C,
        _ = p_connect(Port),
        T = task(C, fun() -> Tcp:connect(?LO, Port, []) end),
        blocked(T),
        kill(T),
        mail(C)
      end},
     {"timeout/name_lookup_fails", fun(C) -> tcp(C, connect, ["no.such.name.invalid", 1, [], 5000]) end}].

%% connect/2,3 with a sockaddr.
maps() ->
    [{["map/", Name], fun(C) ->
        L = p_listen([]),
        Port = p_port(L),
        name_port(C, Port, peer),
        case tcp(C, connect, [Address(Port) | Args]) of
            {ok, S} -> inet(C, peername, [S]), inet(C, sockname, [S]);
            _ -> ok
        end
     end} || {Name, Address, Args} <- [
        {"plain", fun(P) -> #{family => inet, addr => ?LO, port => P} end, [[]]},
        {"timeout", fun(P) -> #{family => inet, addr => ?LO, port => P} end, [[binary], 5000]},
        {"no_port", fun(_) -> #{family => inet, addr => ?LO} end, [[]]},
        {"no_family", fun(P) -> #{addr => ?LO, port => P} end, [[]]},
        {"bad_family", fun(P) -> #{family => foo, addr => ?LO, port => P} end, [[]]},
        {"loopback", fun(P) -> #{family => inet, addr => loopback, port => P} end, [[]]},
        {"wrong_tuple", fun(P) -> #{family => inet, addr => {0, 0, 0, 0, 0, 0, 0, 1}, port => P} end, [[]]},
        {"ip_after_map", fun(P) -> #{family => inet, addr => ?LO, port => P} end,
            [[{ifaddr, #{family => inet, addr => {127, 0, 0, 5}, port => 0}}, {ip, {127, 0, 0, 6}}]]},
        {"map_after_ip", fun(P) -> #{family => inet, addr => ?LO, port => P} end,
            [[{ip, {127, 0, 0, 6}}, {ifaddr, #{family => inet, addr => {127, 0, 0, 5}, port => 0}}]]},
        {"port_then_map", fun(P) -> #{family => inet, addr => ?LO, port => P} end,
            [[{port, 1}, {ifaddr, #{family => inet, addr => {127, 0, 0, 5}, port => 0}}]]},
        {"inet6", fun(_) -> #{family => inet6, addr => {0, 0, 0, 0, 0, 0, 0, 1}, port => 1} end, [[]]}
     ]] ++
    [{"map/ifaddr_with_tuple_destination", fun(C) ->
        L = p_listen([]),
        name_port(C, p_port(L), peer),
        tcp(C, connect, [?LO, p_port(L), [{ifaddr, #{family => inet, addr => {127, 0, 0, 5}, port => 0}}]])
      end}].

local() ->
    [{"local/whole", fun(C) ->
        Path = tmp(C),
        L = do(C, listen, [0, [binary, {active, false}, {ifaddr, {local, Path}}]]),
        {ok, S} = tcp(C, connect, [{local, Path}, 0, [binary, {active, false}]]),
        {ok, A} = tcp(C, accept, [L]),
        tcp(C, send, [S, "ping"]),
        tcp(C, recv, [A, 0]),
        rec(C, port, inet_is(C, port, L, Path)),
        rec(C, peer, inet_is(C, peername, S, Path)),
        rec(C, name, inet_is(C, sockname, L, Path)),
        inet(C, sockname, [S]),
        inet(C, getopts, [S, [nodelay, mode, packet]]),
        inet(C, setopts, [S, [{nodelay, true}]]),
        inet(C, setopts, [S, [{tos, 1}]]),
        tcp(C, close, [A]),
        tcp(C, recv, [S, 0]),
        tcp(C, close, [L]),
        rec(C, file_stays, filelib:is_file(Path) orelse element(1, file:read_link_info(Path)) =:= ok)
      end},
     {"local/binary_path", fun(C) ->
        Path = list_to_binary(tmp(C)),
        L = do(C, listen, [0, [local, {ifaddr, {local, Path}}]]),
        {ok, _} = tcp(C, connect, [{local, Path}, 0, [local]]),
        tcp(C, accept, [L])
      end},
     {"local/active", fun(C) ->
        Path = tmp(C),
        L = do(C, listen, [0, [binary, {packet, 2}, {ifaddr, {local, Path}}]]),
        {ok, S} = tcp(C, connect, [{local, Path}, 0, [binary, {packet, 2}, {active, false}]]),
        {ok, _} = tcp(C, accept, [L]),
        tcp(C, send, [S, "abc"]),
        mail(C, 1),
        tcp(C, close, [S]),
        mail(C, 1)
      end},
     {"local/in_use", fun(C) ->
        Path = tmp(C),
        _ = do(C, listen, [0, [{ifaddr, {local, Path}}]]),
        tcp(C, listen, [0, [{ifaddr, {local, Path}}]])
      end},
     {"local/missing", fun(C) -> tcp(C, connect, [{local, tmp(C)}, 0, []]) end},
     {"local/dead", fun(C) ->
        Path = tmp(C),
        L = do(C, listen, [0, [{ifaddr, {local, Path}}]]),
        ok = do(C, close, [L]),
        tcp(C, connect, [{local, Path}, 0, []])
      end},
     {"local/not_a_socket", fun(C) ->
        Path = tmp(C),
        ok = file:write_file(Path, "x"),
        tcp(C, connect, [{local, Path}, 0, []])
      end},
     {"local/too_long", fun(C) ->
        Path = lists:duplicate(150, $a),
        tcp(C, connect, [{local, Path}, 0, []]),
        tcp(C, listen, [0, [{ifaddr, {local, Path}}]])
      end},
     {"local/nodelay", fun(C) ->
        Path = tmp(C),
        tcp(C, listen, [0, [{ifaddr, {local, Path}}, {nodelay, true}]]),
        tcp(C, connect, [{local, Path}, 0, [{nodelay, true}]])
      end},
     {"local/inet_option", fun(C) ->
        tcp(C, connect, [{local, tmp(C)}, 0, [inet]]),
        tcp(C, connect, [{local, tmp(C)}, 0, [{tos, 8}]])
      end}].

inet_is(#{inet := Inet}, Name, S, Path) ->
    Bytes = iolist_to_binary(Path),
    case Inet:Name(S) of
        {ok, Bytes} -> the_path;
        {ok, {local, Bytes}} -> the_path;
        Other -> Other
    end.

life() ->
    [{"life/owner_dies", fun(C) ->
        L = p_listen([]),
        Port = p_port(L),
        H = helper(C),
        S = ask(H, fun() -> do(C, connect, [?LO, Port, []]) end),
        P = p_accept(L),
        stop(H),
        p_eof(C, P),
        tcp(C, send, [S, "x"]),
        tcp(C, recv, [S, 0])
      end},
     {"life/connect_to_itself_both_ends", fun(C) ->
        {_, A, S} = both(C, [], []),
        {ok, {_, _} = Name} = inet(C, sockname, [S]),
        rec(C, same, {ok, Name} =:= (maps:get(inet, C)):peername(A)),
        tcp(C, send, [S, "x"]),
        tcp(C, recv, [A, 0]),
        tcp(C, send, [A, "y"]),
        tcp(C, recv, [S, 0])
      end}].
