%% SPDX-License-Identifier: ISC
%% @private
%% @doc gen_tcp's options to those of the protocol and back, without any I/O.
%%
%% What gen_tcp checks before it asks its driver is checked here as it does:
%% names, types, where an option may stand. Numbers past 32 bits are refused, where
%% gen_tcp cuts them. The rest is for the daemon to refuse.
%%
%% Order: gen_tcp carries out a list of setopts last to first, and one of connect or
%% listen likewise, after it has taken all but the last of each name away. The daemon
%% goes first to last. So what is made here is turned round, and a program sees what it
%% is used to.
%%
%% A socket of the binding begins as gen_tcp's does, with `list' and `{active, true}',
%% and with kernel's `inet_default_connect_options' or `inet_default_listen_options'.
%% With the latter it is as with gen_tcp: `active' in them counts for nothing.
-module(gentcp_opt).

-export([encode/2, names/1, decode/2]).
-export([address/1, from_address/1, http/2, bytes/1, from_bytes/1]).
-export_type([place/0, extra/0]).

-type place() :: connect | listen | setopts.
%% What goes beside the options: a descriptor to pass.
-type extra() :: #{fd => non_neg_integer()}.
-type json() :: gentcp_json:json().

%% What gen_tcp keeps of the options of connect and listen while it reads them.
-record(open, {
    place :: connect | listen,
    family :: undefined | binary(),
    ifaddr :: undefined | any | loopback | tuple() | map() | term(),
    port :: undefined | term(),
    backlog :: undefined | term(),
    %% fd and netns take each other's place
    fd :: undefined | {fd, non_neg_integer()} | {netns, term()},
    options :: [term()]
}).

-define(IN_INT32(N), (N >= -16#80000000 andalso N =< 16#7FFFFFFF)).

%% @doc The options of a call as an array of names and values, in the order for the
%% daemon. `error' stands for gen_tcp's `badarg' in connect and listen, and for its
%% `einval' in setopts. What crashes gen_tcp, a list that is none or a backlog that is
%% no number, is `error:function_clause'.
-spec encode(place(), term()) -> {ok, [json()], extra()} | error.
encode(setopts, Options) when is_list(Options) ->
    attempt(fun() -> {ok, settings(Options), #{}} end);
encode(setopts, _) ->
    error(function_clause);
encode(Place, [{inet_backend, Backend} | Options]) when is_list(Options) ->
    attempt(fun() -> open(Place, Backend, Options) end);
encode(Place, Options) when is_list(Options) ->
    Backend = persistent_term:get({kernel, inet_backend}, inet),
    attempt(fun() -> open(Place, Backend, Options) end);
encode(_, _) ->
    error.

attempt(Fun) ->
    try
        Fun()
    catch
        throw:refused -> error
    end.

-spec refuse() -> no_return().
refuse() -> throw(refused).

%% Last to first.
settings(Options) ->
    [setting(Option) || Option <- proper_reverse(Options), not is_idle(Option)].

proper_reverse(Options) ->
    is_integer(catch length(Options)) orelse error(function_clause),
    lists:reverse(Options).

setting(binary) -> [<<"mode">>, <<"binary">>];
setting(list) -> [<<"mode">>, <<"list">>];
setting({raw, Protocol, Option, Data}) -> setting({raw, {Protocol, Option, Data}});
setting({Name, Value}) when is_atom(Name) -> named(Name, value(type(Name), Value));
setting(_) -> refuse().

named(Name, Value) -> [atom_to_binary(Name), Value].

%% Options of UDP, which gen_tcp takes and which mean nothing to TCP.
is_idle({broadcast, On}) -> is_boolean(On);
is_idle({multicast_loop, On}) -> is_boolean(On);
is_idle({multicast_ttl, N}) -> is_integer(N);
is_idle({read_packets, N}) -> is_integer(N) andalso N >= 0;
is_idle(_) -> false.

%% --- connect and listen ------------------------------------------------------

open(Place, Backend, Options) ->
    Open = lists:foldl(fun open_option/2, new(Place), options(Options)),
    Settings = [setting(Option) || Option <- Open#open.options],
    Parts = [family(Open), backend(Backend), netns(Open), Settings, bind(Open)],
    {ok, [[<<"mode">>, <<"list">>] | lists:append(Parts)], extra(Open)}.

options(Options) ->
    is_integer(catch length(Options)) orelse refuse(),
    Options.

new(Place) ->
    #open{place = Place, options = [{active, true} | defaults(Place)]}.

%% Kernel's, in the place where gen_tcp has them: carried out behind all others.
defaults(Place) ->
    case application:get_env(kernel, default_key(Place)) of
        {ok, List} when is_list(List) -> lists:keydelete(active, 1, List);
        {ok, {active, _}} -> [];
        {ok, Option} -> [Option];
        undefined -> []
    end.

default_key(connect) -> inet_default_connect_options;
default_key(listen) -> inet_default_listen_options.

open_option(Family, Open) when Family =:= inet; Family =:= inet6; Family =:= local ->
    choose(atom_to_binary(Family), Open);
open_option({tcp_module, Module}, Open) ->
    tcp_module(Module, Open);
open_option({ifaddr, Map}, Open) when is_map(Map) ->
    Open#open{ifaddr = sockaddr(Map)};
open_option({ifaddr, Address}, Open) ->
    Open#open{ifaddr = Address};
open_option({ip, Address}, #open{ifaddr = #{} = Map} = Open) ->
    Open#open{ifaddr = sockaddr(Map#{addr => Address})};
open_option({ip, Address}, Open) ->
    Open#open{ifaddr = Address};
open_option({port, Port}, #open{ifaddr = #{} = Map} = Open) ->
    Open#open{ifaddr = sockaddr(Map#{port => Port})};
open_option({port, Port}, Open) ->
    Open#open{port = port(Port)};
open_option({fd, Fd}, Open) when is_integer(Fd), Fd >= 0 ->
    Open#open{fd = {fd, Fd}};
open_option({fd, _}, Open) ->
    Open#open{fd = undefined};
open_option({netns, Path}, Open) ->
    Open#open{fd = {netns, value(path, Path)}};
open_option({backlog, N}, #open{place = listen} = Open) when is_integer(N) ->
    Open#open{backlog = N band 16#FFFF};
open_option({backlog, _}, #open{place = listen}) ->
    error(function_clause);
open_option({raw, Protocol, Option, Data}, Open) ->
    open_option({raw, {Protocol, Option, Data}}, Open);
open_option(Mode, Open) when Mode =:= binary; Mode =:= list ->
    add(mode, Mode, Open);
open_option({Name, Value}, Open) when is_atom(Name) ->
    is_for(Open#open.place, Name) orelse refuse(),
    _ = value(type(Name), Value),
    add(Name, Value, Open);
open_option(_, _) ->
    refuse().

%% The last one of a name counts, of raw all.
add(raw, Value, Open) ->
    Open#open{options = [{raw, Value} | Open#open.options]};
add(Name, Value, Open) ->
    Open#open{options = [{Name, Value} | lists:keydelete(Name, 1, Open#open.options)]}.

%% The first one counts.
choose(Family, #open{family = undefined} = Open) -> Open#open{family = Family};
choose(_, Open) -> Open.

%% The binding itself stands here where gen_tcp was told to use it.
tcp_module(gentcp, Open) -> Open;
tcp_module(inet_tcp, Open) -> choose(<<"inet">>, Open);
tcp_module(inet6_tcp, Open) -> choose(<<"inet6">>, Open);
tcp_module(local_tcp, Open) -> choose(<<"local">>, Open);
tcp_module(_, _) -> refuse().

port(Port) when is_integer(Port), Port >= 0, Port =< 16#FFFF -> Port;
port(_) -> refuse().

family(#open{family = undefined}) -> [];
family(#open{family = Family}) -> [[<<"family">>, Family]].

backend(inet) -> [];
backend(socket) -> [[<<"inet_backend">>, <<"socket">>]];
backend(_) -> error(function_clause).

netns(#open{fd = {netns, Path}}) -> [[<<"netns">>, Path]];
netns(_) -> [].

bind(#open{ifaddr = Address, port = Port, backlog = Backlog, fd = Fd}) ->
    [[<<"backlog">>, Backlog] || Backlog =/= undefined] ++
        [[<<"fd">>, <<"passed">>] || is_tuple(Fd), element(1, Fd) =:= fd] ++
        [[<<"ifaddr">>, own(Address)] || Address =/= undefined] ++
        [[<<"port">>, Port] || Port =/= undefined, not is_map(Address)].

own(any) -> <<"any">>;
own(loopback) -> <<"loopback">>;
own(#{} = Map) -> json_sockaddr(Map);
own(Address) when is_tuple(Address) -> ip(Address);
own(_) -> refuse().

extra(#open{fd = {fd, Fd}}) -> #{fd => Fd};
extra(_) -> #{}.

%% --- the table ---------------------------------------------------------------

%% Those that connect or listen refuse.
is_for(listen, line_delimiter) -> false;
is_for(_, nopush) -> false;
is_for(_, Name) -> type(Name) =/= undefined.

%% What a value has to be; undefined for a name that there is not.
type(active) -> active;
type(mode) -> {one_of, [list, binary]};
type(deliver) -> {one_of, [port, term]};
type(protocol) -> {one_of, [tcp, mptcp]};
type(packet) -> packet;
type(linger) -> linger;
type(raw) -> raw;
type(netns) -> path;
type(bind_to_device) -> binary;
type(send_timeout) -> time;
type(line_delimiter) -> byte;
type(Name) ->
    case {is_bool(Name), is_int(Name), is_uint(Name)} of
        {true, _, _} -> bool;
        {_, true, _} -> int;
        {_, _, true} -> uint;
        _ -> undefined
    end.

is_bool(Name) ->
    lists:member(Name, [
        nodelay, reuseaddr, keepalive, exit_on_close, delay_send, send_timeout_close,
        show_econnreset, debug, nopush, dontroute, recvtos, recvttl, recvtclass,
        ipv6_v6only, reuseport, reuseport_lb, exclusiveaddruse
    ]).

is_int(Name) ->
    lists:member(Name, [
        buffer, sndbuf, recbuf, high_watermark, low_watermark, high_msgq_watermark,
        low_msgq_watermark, priority, tos, ttl, tclass, keepcnt, keepidle, keepintvl
    ]).

is_uint(Name) ->
    lists:member(Name, [packet_size, header, user_timeout]).

packets() ->
    [raw, sunrm, asn1, cdr, fcgi, line, tpkt, http, httph, http_bin, httph_bin].

%% A value as JSON.
value(bool, On) when is_boolean(On) -> On;
value(int, N) when is_integer(N), ?IN_INT32(N) -> N;
value(uint, N) when is_integer(N), N >= 0, ?IN_INT32(N) -> N;
value(byte, N) when is_integer(N) -> N band 16#FF;
value(time, infinity) -> <<"infinity">>;
value(time, N) when is_integer(N), N >= 0, N < 1 bsl 53 -> N;
value(active, On) when is_boolean(On) -> On;
value(active, once) -> <<"once">>;
value(active, N) when is_integer(N), N >= -32768, N =< 32767 -> N;
value(packet, N) when N =:= 0; N =:= 1; N =:= 2; N =:= 4 -> N;
value(packet, Type) -> value({one_of, packets()}, Type);
value({one_of, Names}, Name) ->
    (is_atom(Name) andalso lists:member(Name, Names)) orelse refuse(),
    atom_to_binary(Name);
value(linger, {On, N}) when is_boolean(On), is_integer(N), ?IN_INT32(N) -> [On, N];
value(binary, Data) when is_binary(Data) -> bytes(Data);
value(path, Path) -> bytes(path(Path));
value(raw, {Protocol, Option, Data}) when is_binary(Data) ->
    [value(int, Protocol), value(int, Option), bytes(Data)];
value(_, _) ->
    refuse().

path(Path) when is_binary(Path) ->
    Path;
path(Path) ->
    try unicode:characters_to_binary(Path, unicode, file:native_name_encoding()) of
        Bin when is_binary(Bin) -> Bin;
        _ -> refuse()
    catch
        error:badarg -> refuse()
    end.

%% --- getopts -----------------------------------------------------------------

%% @doc The names for getopts as JSON, each once; `error' stands for `einval'.
-spec names(term()) -> {ok, [json()]} | error.
names(Names) when is_list(Names) ->
    is_integer(catch length(Names)) orelse error(function_clause),
    attempt(fun() -> {ok, wanted(Names, [])} end);
names(_) ->
    error(function_clause).

wanted([], Acc) ->
    lists:reverse(Acc);
wanted([{raw, {Protocol, Option, Size}} | Names], Acc) ->
    wanted([{raw, Protocol, Option, Size} | Names], Acc);
wanted([{raw, Protocol, Option, Size} | Names], Acc) ->
    Raw = [value(int, Protocol), value(int, Option), raw_size(Size)],
    wanted(Names, [#{<<"raw">> => Raw} | Acc]);
wanted([Name | Names], Acc) when is_atom(Name) ->
    Text = atom_to_binary(Name),
    case readable(Name) andalso not lists:member(Text, Acc) of
        true -> wanted(Names, [Text | Acc]);
        false -> wanted(Names, Acc)
    end;
wanted(_, _) ->
    refuse().

raw_size(Data) when is_binary(Data), byte_size(Data) =< 16#10000 -> bytes(Data);
raw_size(N) when is_integer(N), N >= 0, N =< 16#10000 -> N;
raw_size(_) -> refuse().

%% Those of UDP are known, and left out of the answer.
readable(pktoptions) ->
    true;
readable(Name) when Name =:= line_delimiter; Name =:= raw; Name =:= protocol ->
    refuse();
readable(Name) ->
    Known = type(Name) =/= undefined,
    Known orelse lists:member(Name, idle_names()) orelse refuse(),
    Known.

idle_names() ->
    [broadcast, multicast_loop, multicast_ttl, read_packets].

%% @doc The daemon's answer as gen_tcp gives it: in the order of the names, each as
%% often as it was asked for, those left out that the socket does not have.
-spec decode([term()], #{binary() => json()}) -> [tuple()].
decode(Names, Map) ->
    answer(Names, maps:get(<<"raw">>, Map, []), Map).

answer([], _, _) ->
    [];
answer([Name | Names], Raw, Map) when is_atom(Name) ->
    case maps:find(atom_to_binary(Name), Map) of
        {ok, Value} -> [{Name, term(Name, Value)} | answer(Names, Raw, Map)];
        error -> answer(Names, Raw, Map)
    end;
answer([_ | Names], [null | Raw], Map) ->
    answer(Names, Raw, Map);
answer([_ | Names], [[Protocol, Option, Data] | Raw], Map) ->
    [{raw, Protocol, Option, from_bytes(Data)} | answer(Names, Raw, Map)];
answer([_ | Names], [], Map) ->
    answer(Names, [], Map).

term(linger, [On, Seconds]) -> {On, Seconds};
term(bind_to_device, Data) -> from_bytes(Data);
term(netns, Data) -> file_name(from_bytes(Data));
term(pktoptions, List) -> [packet_option(One) || One <- List];
term(_, Value) when is_binary(Value) -> word(Value);
term(_, Value) -> Value.

packet_option(#{} = One) ->
    [{Name, Value}] = maps:to_list(One),
    {word(Name), Value}.

file_name(Path) ->
    case unicode:characters_to_list(Path, file:native_name_encoding()) of
        Name when is_list(Name) -> Name;
        _ -> Path
    end.

%% The names that values have are all in this module.
word(Text) -> binary_to_existing_atom(Text).

%% --- addresses and bytes -----------------------------------------------------

%% @doc An address to connect to: a tuple, a name, `{local, Path}', or a map that holds
%% the port as well. `error' stands for `badarg'.
-spec address(term()) -> {ok, json()} | error.
address(Map) when is_map(Map) ->
    attempt(fun() -> {ok, json_sockaddr(sockaddr(Map))} end);
address(Address) when is_tuple(Address) ->
    attempt(fun() -> {ok, ip(Address)} end);
address(Name) when is_atom(Name) ->
    address(atom_to_list(Name));
address(Name) when is_list(Name) ->
    case inet_parse:visible_string(Name) andalso unicode:characters_to_binary(Name) of
        Text when is_binary(Text) -> {ok, Text};
        _ -> error
    end;
address(_) ->
    error.

ip({local, Path}) ->
    #{<<"local">> => bytes(path(Path))};
ip(Address) when tuple_size(Address) =:= 4; tuple_size(Address) =:= 8 ->
    is_ip(Address) orelse refuse(),
    list_to_binary(inet:ntoa(Address));
ip(_) ->
    refuse().

is_ip(Address) ->
    Max =
        case tuple_size(Address) of
            4 -> 16#FF;
            8 -> 16#FFFF
        end,
    lists:all(fun(N) -> is_integer(N) andalso N >= 0 andalso N =< Max end, tuple_to_list(Address)).

%% The members that a sockaddr may have, the missing ones added.
sockaddr(#{family := local, path := _} = Map) ->
    only(Map, #{family => local, path => <<>>});
sockaddr(#{family := inet} = Map) ->
    only(Map, #{family => inet, addr => any, port => 0});
sockaddr(#{family := inet6} = Map) ->
    only(Map, #{family => inet6, addr => any, port => 0, scope_id => 0, flowinfo => 0});
sockaddr(_) ->
    refuse().

only(Map, Defaults) ->
    map_size(maps:without(maps:keys(Defaults), Map)) =:= 0 orelse refuse(),
    maps:merge(Defaults, Map).

json_sockaddr(#{family := local, path := Path}) ->
    #{<<"family">> => <<"local">>, <<"addr">> => bytes(path(Path))};
json_sockaddr(#{family := Family, addr := Address, port := Port} = Map) ->
    Base = #{
        <<"family">> => atom_to_binary(Family),
        <<"addr">> => sockaddr_ip(Family, Address),
        <<"port">> => port(Port)
    },
    Numbers = maps:with([scope_id, flowinfo], Map),
    maps:fold(fun(Key, N, Acc) -> Acc#{atom_to_binary(Key) => uint32(N)} end, Base, Numbers).

sockaddr_ip(_, any) -> <<"any">>;
sockaddr_ip(_, loopback) -> <<"loopback">>;
sockaddr_ip(inet, Address) when tuple_size(Address) =:= 4 -> ip(Address);
sockaddr_ip(inet6, Address) when tuple_size(Address) =:= 8 -> ip(Address);
sockaddr_ip(_, _) -> refuse().

uint32(N) when is_integer(N), N >= 0, N =< 16#FFFFFFFF -> N;
uint32(_) -> refuse().

%% @doc A sockaddr of the daemon as sockname and peername give it.
-spec from_address(#{binary() => json()}) ->
    {inet:ip_address(), inet:port_number()} | {local, binary()}.
from_address(#{<<"family">> := <<"local">>, <<"addr">> := Path}) ->
    {local, from_bytes(Path)};
from_address(#{<<"addr">> := Text, <<"port">> := Port}) ->
    {ok, Address} = inet:parse_strict_address(binary_to_list(Text)),
    {Address, Port}.

%% @doc Bytes as JSON.
-spec bytes(binary()) -> json().
bytes(Data) -> #{<<"base64">> => base64:encode(Data)}.

%% @doc Bytes of the daemon.
-spec from_bytes(json()) -> binary().
from_bytes(Text) when is_binary(Text) -> Text;
from_bytes(#{<<"base64">> := Text}) -> base64:decode(Text).

%% @doc An http packet as gen_tcp shapes it: with strings that are lists for `http'
%% and `httph', and binaries for `http_bin' and `httph_bin'.
-spec http(#{binary() => json()}, bin | list) -> gentcp_http:packet().
http(Map, Form) -> gentcp_http:packet(Map, Form).
