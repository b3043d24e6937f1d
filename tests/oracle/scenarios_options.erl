%% SPDX-License-Identifier: ISC
%% setopts/2 and getopts/2: each option's values, odd ones, order, inheritance.
-module(scenarios_options).

-export([scenarios/0]).

-include("oracle.hrl").

-spec scenarios() -> [{term(), fun((map()) -> term())}].
scenarios() ->
    defaults() ++ values() ++ refused() ++ lists() ++ names() ++ opened() ++ inherited() ++
        listeners() ++ raws() ++ others().

all_names() ->
    [active, mode, packet, packet_size, header, deliver, buffer, exit_on_close, send_timeout,
     send_timeout_close, delay_send, high_watermark, low_watermark, high_msgq_watermark,
     low_msgq_watermark, show_econnreset, reuseaddr, keepalive, linger, nodelay, priority, tos, ttl,
     recvtos, recvttl, dontroute, nopush, bind_to_device].

defaults() ->
    [{"defaults/connected", fun(C) ->
        {S, _} = pair(C, []),
        [inet(C, getopts, [S, [N]]) || N <- all_names()]
      end},
     {"defaults/accepted", fun(C) ->
        {_, A, _} = lpair(C, []),
        [inet(C, getopts, [A, [N]]) || N <- all_names()]
      end},
     {"defaults/listener", fun(C) ->
        {L, _} = listener(C, []),
        [inet(C, getopts, [L, [N]]) || N <- all_names()]
      end},
     {"defaults/no_options_at_all", fun(C) ->
        PL = p_listen([]),
        S = do(C, connect, [{127, 0, 0, 1}, p_port(PL), []]),
        inet(C, getopts, [S, [active, mode, packet]]),
        P = p_accept(PL),
        p_send(P, "abc"),
        mail(C, 1)
      end}].

%% setopts, and what getopts says then.
values() ->
    [{["set/", io_lib:format("~0tp", [Set])], fun(C) ->
        {S, _} = pair(C, []),
        inet(C, setopts, [S, Set]),
        inet(C, getopts, [S, [Name]])
     end} || {Name, Sets} <- [
        {mode, [[{mode, list}], [{mode, binary}], [list], [binary], [list, binary], [binary, list]]},
        {packet, [[{packet, P}] || P <- [0, raw, 1, 2, 4, sunrm, asn1, cdr, fcgi, line, tpkt, http, httph,
                                         http_bin, httph_bin]]},
        {packet_size, [[{packet_size, 0}], [{packet_size, 77}], [{packet_size, 1000000}]]},
        {header, [[{header, 0}], [{header, 5}], [{header, 1000}]]},
        {deliver, [[{deliver, port}], [{deliver, term}]]},
        {buffer, [[{buffer, 1}], [{buffer, 0}], [{buffer, -5}], [{buffer, 100000}]]},
        {exit_on_close, [[{exit_on_close, false}]]},
        {send_timeout, [[{send_timeout, 0}], [{send_timeout, 100}], [{send_timeout, infinity}]]},
        {send_timeout_close, [[{send_timeout_close, true}]]},
        {delay_send, [[{delay_send, true}]]},
        {high_watermark, [[{high_watermark, 100}], [{high_watermark, 0}], [{high_watermark, -1}],
                          [{high_watermark, 100000}]]},
        {low_watermark, [[{low_watermark, 100}], [{low_watermark, 0}], [{low_watermark, -1}],
                         [{low_watermark, 100000}], [{high_watermark, 10}]]},
        {high_msgq_watermark, [[{high_msgq_watermark, 100}], [{high_msgq_watermark, 20000}]]},
        {low_msgq_watermark, [[{low_msgq_watermark, 100}], [{low_msgq_watermark, 20000}]]},
        {show_econnreset, [[{show_econnreset, true}]]},
        {keepalive, [[{keepalive, true}]]},
        {reuseaddr, [[{reuseaddr, true}]]},
        {linger, [[{linger, {true, 5}}], [{linger, {false, 7}}], [{linger, {true, 0}}]]},
        {nodelay, [[{nodelay, true}]]},
        {nopush, [[{nopush, true}]]},
        {dontroute, [[{dontroute, true}]]},
        {priority, [[{priority, 3}], [{priority, 6}]]},
        {tos, [[{tos, 8}], [{tos, 255}], [{tos, 256}], [{tos, -1}]]},
        {ttl, [[{ttl, 1}], [{ttl, 77}], [{ttl, 255}], [{ttl, -1}]]},
        {recvtos, [[{recvtos, true}]]},
        {recvttl, [[{recvttl, true}]]},
        {recbuf, [[{recbuf, 5000}], [{recbuf, 1}]]},
        {sndbuf, [[{sndbuf, 10000}], [{sndbuf, 1}]]},
        {buffer, [[{recbuf, 4000}], [{recbuf, 500}], [{recbuf, 5000}, {buffer, 200}],
                  [{buffer, 200}, {recbuf, 5000}]]}
     ], Set <- Sets].

%% A bad value: what setopts says, what connect and listen say, and that nothing changed.
refused() ->
    [{["refused/", io_lib:format("~0tp", [Bad])], fun(C) ->
        {S, _} = pair(C, []),
        inet(C, setopts, [S, [{packet, 4}, Bad, {header, 9}]]),
        inet(C, getopts, [S, [packet, header]]),
        tcp(C, listen, [0, [Bad]]),
        tcp(C, connect, [{127, 0, 0, 1}, 1, [Bad]])
     end} || Bad <- [
        {packet, 3}, {packet, 8}, {packet, nope}, {packet, "line"}, {packet_size, -1}, {packet_size, a},
        {packet_size, 1.0}, {header, -1}, {header, a}, {deliver, pid}, {mode, text}, {mode, 1}, {buffer, a},
        {buffer, 1.5}, {exit_on_close, 1}, {exit_on_close, yes}, {send_timeout, -1}, {send_timeout, never},
        {send_timeout, 1.0}, {send_timeout_close, 0}, {delay_send, yes}, {high_watermark, a},
        {low_watermark, infinity}, {high_msgq_watermark, 0}, {high_msgq_watermark, -1},
        {low_msgq_watermark, 0}, {show_econnreset, 2}, {keepalive, 1}, {reuseaddr, a}, {linger, true},
        {linger, {1, 2}}, {linger, {true, a}}, {linger, [true, 1]}, {nodelay, 1}, {priority, a}, {tos, a},
        {ttl, a}, {recbuf, a}, {sndbuf, "1"}, {bind_to_device, "lo"}, {bind_to_device, lo},
        {active, maybe_so}, {active, 40000}, {foo, 1}, foo, "foo", 1, {packet}, {packet, 1, 2},
        {line_delimiter, a}, {line_delimiter, "x"}, {raw, 6, a, <<1>>}, {raw, 6, 1}, {raw, 6, 1, "x"},
        {debug, 1}
     ]].

lists() ->
    [{["list/", Name], fun(C) ->
        {S, _} = pair(C, Opts),
        inet(C, setopts, [S, Set]),
        inet(C, getopts, [S, Get])
     end} || {Name, Opts, Set, Get} <- [
        {"twice_the_same", [], [{packet, 1}, {packet, 2}], [packet]},
        {"watermarks", [], [{low_watermark, 1000}, {high_watermark, 10}], [low_watermark, high_watermark]},
        {"watermarks_turned", [], [{high_watermark, 10}, {low_watermark, 1000}], [low_watermark, high_watermark]},
        {"watermarks_plain", [], [{high_watermark, 50000}, {low_watermark, 20000}],
            [low_watermark, high_watermark]},
        {"kernel_failure_in_the_middle", [], [{header, 7}, {ttl, 0}, {packet_size, 77}],
            [header, packet_size, ttl]},
        {"bad_type_in_the_middle", [], [{header, 7}, {foo, 1}, {packet_size, 77}], [header, packet_size]},
        {"empty", [], [], [packet]},
        {"get_empty", [], [{packet, 1}], []},
        {"get_twice", [], [], [packet, mode, packet]},
        {"get_unsupported", [], [], [mode, tclass, packet]},
        {"connect_twice", [{packet, 1}, {packet, 2}], [], [packet]},
        {"connect_watermarks", [{low_watermark, 5000}, {high_watermark, 10}], [], [low_watermark, high_watermark]},
        {"connect_recbuf_buffer", [{recbuf, 5000}, {buffer, 200}], [], [buffer, recbuf]},
        {"recbuf_falls", [{recbuf, 5000}], [{recbuf, 3000}], [buffer, recbuf]},
        {"linger_keeps_seconds", [{linger, {true, 5}}], [{linger, {false, 9}}], [linger]},
        {"tos_and_priority", [], [{tos, 16}], [tos]},
        {"all_user_space", [], [{packet, 2}, {header, 1}, {packet_size, 9}, {buffer, 99}, {mode, list}],
            [packet, header, packet_size, buffer, mode]}
     ]].

names() ->
    [{["get_refused/", io_lib:format("~0tp", [Names])], fun(C) ->
        {S, _} = pair(C, []),
        inet(C, getopts, [S, Names])
     end} || Names <- [[foo], [packet, foo], [binary], [list], [line_delimiter], [ip], [port], [backlog],
                       [inet], [fd], ["packet"], [1], [{packet, 1}], packet, [ipv6_v6only], [pktoptions],
                       [netns], [{raw, 6, 1, 70000}], [{raw, 6, 9999, 4}, mode], [recvtclass, mode]]] ++
    [{["set_refused/", io_lib:format("~0tp", [Set])], fun(C) ->
        {S, _} = pair(C, []),
        inet(C, setopts, [S, Set])
     end} || Set <- [[{ip, {127, 0, 0, 1}}], [{port, 1}], [{backlog, 3}], [inet], [inet6], [{fd, 1}],
                     [{ifaddr, {127, 0, 0, 1}}], [{tcp_module, inet_tcp}], [{tclass, 1}], [{recvtclass, true}],
                     [{ttl, 0}], [{ttl, 256}], [{priority, 100}], [{ipv6_v6only, true}],
                     [{bind_to_device, <<"nope">>}], [{inet_backend, inet}], packet, {packet, 1}]].

%% The same options at connect and at listen.
opened() ->
    [{["open/", io_lib:format("~0tp", [Opt])], fun(C) ->
        {S, _} = pair(C, [Opt]),
        inet(C, getopts, [S, [Name]]),
        {L, _} = listener(C, [Opt]),
        inet(C, getopts, [L, [Name]])
     end} || {Name, Opt} <- [
        {packet, {packet, line}}, {mode, list}, {header, {header, 3}}, {packet_size, {packet_size, 5}},
        {buffer, {buffer, 0}}, {exit_on_close, {exit_on_close, false}}, {send_timeout, {send_timeout, 9}},
        {nodelay, {nodelay, true}}, {keepalive, {keepalive, true}}, {linger, {linger, {true, 3}}},
        {tos, {tos, 8}}, {ttl, {ttl, 9}}, {priority, {priority, 2}}, {recbuf, {recbuf, 4000}},
        {sndbuf, {sndbuf, 9000}}, {reuseaddr, {reuseaddr, true}}, {high_watermark, {high_watermark, 5}},
        {low_watermark, {low_watermark, 50000}}, {delay_send, {delay_send, true}},
        {show_econnreset, {show_econnreset, true}}, {deliver, {deliver, port}}
     ]] ++
    [{["open_refused/", io_lib:format("~0tp", [Opts])], fun(C) ->
        tcp(C, connect, [{127, 0, 0, 1}, 1, Opts]),
        tcp(C, listen, [0, Opts])
     end} || Opts <- [[{ttl, 0}], [{ttl, 256}], [{tclass, 3}], [{recvtclass, true}],
                      [{bind_to_device, <<"nope">>}], [{inet_backend, foo}], foo, [binary | foo],
                      [binary, {inet_backend, inet}], [{nopush, true}], [{pktoptions, 1}],
                      [{broadcast, true}], [{netns, 1}]]] ++
    [{"open_refused/listen_line_delimiter", fun(C) -> tcp(C, listen, [0, [{line_delimiter, $;}]]) end},
     {"open_refused/connect_backlog", fun(C) -> tcp(C, connect, [{127, 0, 0, 1}, 1, [{backlog, 1}]]) end}].

%% What an accepted socket has of its listener's.
inherited() ->
    [{["inherit/", atom_to_list(Name)], fun(C) ->
        {L, A, _} = lpair(C, Opts),
        inet(C, getopts, [L, [Name]]),
        inet(C, getopts, [A, [Name]])
     end} || {Name, Opts} <- [
        {mode, [list]}, {packet, [{packet, 2}]}, {packet_size, [{packet_size, 7}]}, {header, [{header, 3}]},
        {deliver, [{deliver, port}]}, {exit_on_close, [{exit_on_close, false}]}, {buffer, [{buffer, 77}]},
        {high_watermark, [{high_watermark, 777}]}, {low_watermark, [{low_watermark, 77}]},
        {high_msgq_watermark, [{high_msgq_watermark, 7777}]},
        {low_msgq_watermark, [{low_msgq_watermark, 77}]}, {send_timeout, [{send_timeout, 77}]},
        {send_timeout_close, [{send_timeout_close, true}]}, {show_econnreset, [{show_econnreset, true}]},
        {active, [{active, once}]}, {nodelay, [{nodelay, true}]}, {keepalive, [{keepalive, true}]},
        {delay_send, [{delay_send, true}]}, {priority, [{priority, 4}]}, {linger, [{linger, {true, 4}}]},
        {tos, [{tos, 8}]}, {ttl, [{ttl, 44}]}, {recvtos, [{recvtos, true}]}, {recvttl, [{recvttl, true}]},
        {recbuf, [{recbuf, 7000}]}, {sndbuf, [{sndbuf, 7000}]}, {reuseaddr, [{reuseaddr, true}]}
     ]] ++
    [{"inherit/at_accept_time", fun(C) ->
        {L, Port} = listener(C, [{packet, 4}]),
        _ = p_connect(Port),
        inet(C, setopts, [L, [{packet, 1}, list, {nodelay, true}, {ttl, 33}, {header, 2}]]),
        A = do(C, accept, [L]),
        inet(C, getopts, [A, [packet, mode, nodelay, ttl, header]])
      end},
     {"inherit/not_line_delimiter", fun(C) ->
        {L, Port} = listener(C, [{packet, line}]),
        inet(C, setopts, [L, [{line_delimiter, $;}]]),
        P = p_connect(Port),
        A = do(C, accept, [L]),
        p_send(P, "a;b\n"),
        tcp(C, recv, [A, 0])
      end},
     {"inherit/dontroute", fun(C) ->
        {L, Port} = listener(C, []),
        inet(C, setopts, [L, [{dontroute, true}]]),
        _ = p_connect(Port),
        A = do(C, accept, [L]),
        inet(C, getopts, [A, [dontroute]])
      end},
     {"inherit/recbuf_then_buffer", fun(C) ->
        {_, A, _} = lpair(C, [{recbuf, 5000}]),
        inet(C, getopts, [A, [buffer]]),
        inet(C, setopts, [A, [{recbuf, 9000}]]),
        inet(C, getopts, [A, [buffer]])
      end},
     {"inherit/buffer_set_then_recbuf", fun(C) ->
        {_, A, _} = lpair(C, [{buffer, 300}]),
        inet(C, setopts, [A, [{recbuf, 9000}]]),
        inet(C, getopts, [A, [buffer]])
      end}].

listeners() ->
    [{"listener/user_space_options", fun(C) ->
        {L, _} = listener(C, []),
        inet(C, setopts, [L, [{packet, 2}, {active, once}, {header, 4}]]),
        inet(C, getopts, [L, [packet, active, header]]),
        mail(C)
      end},
     {"listener/active_zero", fun(C) ->
        {L, _} = listener(C, []),
        inet(C, setopts, [L, [{active, 0}]]),
        mail(C, 1)
      end},
     {"listener/reuseaddr_default", fun(C) ->
        {L, _} = listener(C, []),
        inet(C, getopts, [L, [reuseaddr]])
      end}].

raws() ->
    [{"raw/set_and_get", fun(C) ->
        {S, _} = pair(C, []),
        inet(C, setopts, [S, [{raw, 6, 1, <<1:32/native>>}]]),
        inet(C, getopts, [S, [{raw, 6, 1, 4}, nodelay]]),
        inet(C, getopts, [S, [{raw, 6, 1, <<0:32>>}]])
      end},
     {"raw/tuple", fun(C) ->
        {S, _} = pair(C, []),
        inet(C, setopts, [S, [{raw, {6, 1, <<1:32/native>>}}]]),
        inet(C, getopts, [S, [nodelay]])
      end},
     {"raw/connect_and_listen", fun(C) ->
        {S, _} = pair(C, [{raw, 6, 1, <<1:32/native>>}]),
        inet(C, getopts, [S, [nodelay]]),
        {L, _} = listener(C, [{raw, 1, 9, <<1:32/native>>}, {raw, 6, 1, <<1:32/native>>}]),
        inet(C, getopts, [L, [nodelay, keepalive]])
      end},
     {"raw/get_many", fun(C) ->
        {S, _} = pair(C, []),
        inet(C, getopts, [S, [packet, {raw, 1, 9, 4}, mode, {raw, 6, 1, 4}]])
      end}].

others() ->
    [{"pktoptions/tos_ttl", fun(C) ->
        {_, A, S} = both(C, [{recvtos, true}, {recvttl, true}], [{tos, 8}, {ttl, 77}]),
        ok = do(C, send, [S, "x"]),
        tcp(C, recv, [A, 0]),
        inet(C, getopts, [A, [pktoptions]]),
        inet(C, getopts, [A, [pktoptions]])
      end},
     {"pktoptions/none", fun(C) ->
        {S, _} = pair(C, []),
        inet(C, getopts, [S, [pktoptions, mode]])
      end},
     {"by_another_process", fun(C) ->
        {S, _} = pair(C, []),
        await(C, other, task(C, fun() -> do(C, setopts, [S, [{packet, 2}]]) end)),
        inet(C, getopts, [S, [packet]])
      end},
     {"after_close", fun(C) ->
        {S, _} = pair(C, []),
        ok = do(C, close, [S]),
        inet(C, setopts, [S, [{packet, 1}]]),
        inet(C, setopts, [S, []]),
        inet(C, setopts, [S, [{foo, 1}]]),
        inet(C, getopts, [S, [packet]]),
        inet(C, getopts, [S, []])
      end}] ++
    [{["zombie/", io_lib:format("~0tp", [Step])], fun(C) ->
        {S, P} = pair(C, []),
        p_fin(P),
        tcp(C, recv, [S, 0]),
        case Step of
            {get, Names} -> inet(C, getopts, [S, Names]);
            {set, Opts} -> inet(C, setopts, [S, Opts])
        end
     end} || Step <- [{get, [active, packet, recbuf, nodelay]}, {get, [nodelay]}, {get, [mode, ttl]},
                      {set, [{packet, 1}]}, {set, [{nodelay, true}]}, {set, [{tos, 8}]},
                      {set, [{header, 3}, {sndbuf, 8000}]}, {get, [foo]}, {set, [{foo, 1}]}]].
