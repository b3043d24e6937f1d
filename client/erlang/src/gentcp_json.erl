%% SPDX-License-Identifier: ISC
%% @private
%% @doc JSON as RFC 8259 has it, strictly, for the lines of the protocol.
%%
%% Objects are maps with binary keys, strings are binaries in UTF-8, and the rest
%% is what one expects: integers, floats, lists, `true', `false', `null'.
%% What is not valid UTF-8, a key that an object has twice, and more than 64
%% levels are refused, as the daemon refuses them.
-module(gentcp_json).

-export([encode/1, decode/1]).
-export_type([json/0, reason/0]).

-type json() ::
    binary() | integer() | float() | boolean() | null | [json()] | #{binary() => json()}.
-type reason() ::
    truncated | utf8 | escape | number | depth | {duplicate, binary()} | {syntax, binary()}.

-define(DEPTH, 64).
%% The digits of a number: enough for all that can be meant, few enough to read fast.
-define(DIGITS, 1024).

-define(IS_SPACE(C), (C =:= $\s orelse C =:= $\n orelse C =:= $\r orelse C =:= $\t)).
-define(IS_DIGIT(C), (C >= $0 andalso C =< $9)).

%% @doc The text of a term, without a raw line end in it.
%% A term that JSON cannot say is an `error' exception with the reason `badarg'.
-spec encode(json()) -> iodata().
encode(Text) when is_binary(Text) -> string(Text);
encode(N) when is_integer(N) -> integer_to_binary(N);
encode(true) -> <<"true">>;
encode(false) -> <<"false">>;
encode(null) -> <<"null">>;
encode(F) when is_float(F) -> float_to_binary(F, [short]);
encode([]) -> <<"[]">>;
encode([First | Rest]) -> [$[, encode(First), elements(Rest)];
encode(Map) when is_map(Map) -> object(maps:to_list(Map));
encode(_) -> error(badarg).

elements([]) -> [$]];
elements([One | Rest]) -> [$,, encode(One) | elements(Rest)];
elements(_) -> error(badarg).

object([]) -> <<"{}">>;
object([First | Rest]) -> [${, member(First), members(Rest)].

members([]) -> [$}];
members([One | Rest]) -> [$,, member(One) | members(Rest)].

member({Key, Value}) when is_binary(Key) -> [string(Key), $:, encode(Value)];
member(_) -> error(badarg).

%% Most strings stand as they are.
string(Text) ->
    case plain(Text) of
        true -> [$", Text, $"];
        false -> [$", escape(Text, []), $"]
    end.

plain(<<C, Rest/binary>>) when C >= 16#20, C < 16#80, C =/= $", C =/= $\\ -> plain(Rest);
plain(<<>>) -> true;
plain(<<C/utf8, Rest/binary>>) when C >= 16#80 -> plain(Rest);
plain(<<C, _/binary>>) when C < 16#80 -> false;
plain(_) -> error(badarg).

escape(<<>>, Acc) -> lists:reverse(Acc);
escape(<<$", Rest/binary>>, Acc) -> escape(Rest, [<<"\\\"">> | Acc]);
escape(<<$\\, Rest/binary>>, Acc) -> escape(Rest, [<<"\\\\">> | Acc]);
escape(<<C, Rest/binary>>, Acc) when C < 16#20 -> escape(Rest, [control(C) | Acc]);
escape(<<C/utf8, Rest/binary>>, Acc) -> escape(Rest, [<<C/utf8>> | Acc]);
escape(_, _) -> error(badarg).

control($\n) -> <<"\\n">>;
control($\r) -> <<"\\r">>;
control($\t) -> <<"\\t">>;
control(C) -> [<<"\\u00">>, hex(C bsr 4), hex(C band 15)].

hex(N) when N < 10 -> $0 + N;
hex(N) -> $a + N - 10.

%% @doc The term of a text: one value, and blanks around it.
-spec decode(binary()) -> {ok, json()} | {error, reason()}.
decode(Text) when is_binary(Text) ->
    try value(Text, ?DEPTH) of
        {Term, Rest} -> finish(Term, skip(Rest))
    catch
        throw:{json, Reason} -> {error, Reason}
    end.

finish(Term, <<>>) -> {ok, Term};
finish(_, Rest) -> {error, {syntax, excerpt(Rest)}}.

-spec refuse(reason()) -> no_return().
refuse(Reason) -> throw({json, Reason}).

%% What stands where something else should.
-spec unexpected(binary()) -> no_return().
unexpected(<<>>) -> refuse(truncated);
unexpected(Text) -> refuse({syntax, excerpt(Text)}).

excerpt(Text) -> binary:copy(binary:part(Text, 0, min(20, byte_size(Text)))).

skip(<<C, Rest/binary>>) when ?IS_SPACE(C) -> skip(Rest);
skip(Text) -> Text.

value(<<$", Rest/binary>>, _) -> text(Rest);
value(<<${, Rest/binary>>, Depth) -> first_member(skip(Rest), deeper(Depth));
value(<<$[, Rest/binary>>, Depth) -> first_element(skip(Rest), deeper(Depth));
value(<<"true", Rest/binary>>, _) -> {true, Rest};
value(<<"false", Rest/binary>>, _) -> {false, Rest};
value(<<"null", Rest/binary>>, _) -> {null, Rest};
value(<<C, _/binary>> = Text, _) when C =:= $-; ?IS_DIGIT(C) -> number(Text);
value(<<C, Rest/binary>>, Depth) when ?IS_SPACE(C) -> value(Rest, Depth);
value(Text, _) -> unexpected(Text).

deeper(0) -> refuse(depth);
deeper(Depth) -> Depth - 1.

%% --- arrays and objects ------------------------------------------------------

first_element(<<$], Rest/binary>>, _) -> {[], Rest};
first_element(Text, Depth) -> more_elements(value(Text, Depth), Depth, []).

more_elements({Value, Text}, Depth, Acc) ->
    case skip(Text) of
        <<$,, Rest/binary>> -> more_elements(value(Rest, Depth), Depth, [Value | Acc]);
        <<$], Rest/binary>> -> {lists:reverse(Acc, [Value]), Rest};
        Rest -> unexpected(Rest)
    end.

first_member(<<$}, Rest/binary>>, _) -> {#{}, Rest};
first_member(Text, Depth) -> next_member(Text, Depth, #{}).

next_member(<<$", Text/binary>>, Depth, Map) ->
    {Key, Rest} = text(Text),
    is_map_key(Key, Map) andalso refuse({duplicate, Key}),
    case skip(Rest) of
        <<$:, Rest1/binary>> ->
            {Value, Rest2} = value(Rest1, Depth),
            more_members(skip(Rest2), Depth, Map#{Key => Value});
        Rest1 ->
            unexpected(Rest1)
    end;
next_member(Text, _, _) ->
    unexpected(Text).

more_members(<<$,, Rest/binary>>, Depth, Map) -> next_member(skip(Rest), Depth, Map);
more_members(<<$}, Rest/binary>>, _, Map) -> {Map, Rest};
more_members(Text, _, _) -> unexpected(Text).

%% --- strings -----------------------------------------------------------------

%% Up to the closing quote; without an escape it is a part of the text as it is.
text(Text) -> text(Text, Text, 0).

text(<<C, Rest/binary>>, Whole, Len) when C >= 16#20, C < 16#80, C =/= $", C =/= $\\ ->
    text(Rest, Whole, Len + 1);
text(<<$", Rest/binary>>, Whole, Len) ->
    {binary:part(Whole, 0, Len), Rest};
text(<<$\\, _/binary>> = Rest, Whole, Len) ->
    escaped(Rest, binary:part(Whole, 0, Len));
text(<<C/utf8, Rest/binary>>, Whole, Len) when C >= 16#80 ->
    text(Rest, Whole, Len + width(C));
text(Text, _, _) ->
    no_text(Text).

width(C) when C < 16#800 -> 2;
width(C) when C < 16#10000 -> 3;
width(_) -> 4.

-spec no_text(binary()) -> no_return().
no_text(<<C, _/binary>> = Text) when C < 16#20 -> unexpected(Text);
no_text(<<>>) -> refuse(truncated);
no_text(_) -> refuse(utf8).

escaped(<<$", Rest/binary>>, Acc) ->
    {Acc, Rest};
escaped(<<$\\, C, Rest/binary>>, Acc) when C =/= $u ->
    escaped(Rest, <<Acc/binary, (unescape(C))>>);
escaped(<<$\\, $u, Rest/binary>>, Acc) ->
    {C, Rest1} = code_point(Rest),
    escaped(Rest1, <<Acc/binary, C/utf8>>);
escaped(<<C/utf8, Rest/binary>>, Acc) when C >= 16#20, C =/= $\\ ->
    escaped(Rest, <<Acc/binary, C/utf8>>);
escaped(<<$\\>>, _) ->
    refuse(truncated);
escaped(Text, _) ->
    no_text(Text).

unescape($") -> $";
unescape($\\) -> $\\;
unescape($/) -> $/;
unescape($b) -> $\b;
unescape($f) -> $\f;
unescape($n) -> $\n;
unescape($r) -> $\r;
unescape($t) -> $\t;
unescape(_) -> refuse(escape).

code_point(Text) ->
    case hex4(Text) of
        {High, <<$\\, $u, Rest/binary>>} when High >= 16#D800, High =< 16#DBFF ->
            surrogate(High, hex4(Rest));
        {Lone, _} when Lone >= 16#D800, Lone =< 16#DFFF ->
            refuse(escape);
        Found ->
            Found
    end.

surrogate(High, {Low, Rest}) when Low >= 16#DC00, Low =< 16#DFFF ->
    {16#10000 + ((High band 16#3FF) bsl 10) + (Low band 16#3FF), Rest};
surrogate(_, _) ->
    refuse(escape).

hex4(<<A, B, C, D, Rest/binary>>) ->
    {(digit(A) bsl 12) bor (digit(B) bsl 8) bor (digit(C) bsl 4) bor digit(D), Rest};
hex4(_) ->
    refuse(truncated).

digit(C) when ?IS_DIGIT(C) -> C - $0;
digit(C) when C >= $a, C =< $f -> C - $a + 10;
digit(C) when C >= $A, C =< $F -> C - $A + 10;
digit(_) -> refuse(escape).

%% --- numbers -----------------------------------------------------------------

%% -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?
number(Text) ->
    Whole = whole(Text),
    case binary:part(Text, Whole, min(1, byte_size(Text) - Whole)) of
        <<$.>> -> exponent(Text, Whole, digits(Text, Whole + 1));
        <<E>> when E =:= $e; E =:= $E -> exponent(Text, Whole, Whole);
        _ -> {binary_to_integer(binary:part(Text, 0, Whole)), rest(Text, Whole)}
    end.

%% Where the part before a point or an exponent ends.
whole(<<$-, $0, _/binary>>) -> 2;
whole(<<$-, _/binary>> = Text) -> digits(Text, 1);
whole(<<$0, _/binary>>) -> 1;
whole(Text) -> digits(Text, 0).

%% Where the digits that must begin at a place end.
digits(Text, From) ->
    case count(rest(Text, From), 0) of
        0 when From >= byte_size(Text) -> refuse(truncated);
        0 -> refuse(number);
        N -> From + N
    end.

count(_, N) when N > ?DIGITS -> refuse(number);
count(<<C, Rest/binary>>, N) when ?IS_DIGIT(C) -> count(Rest, N + 1);
count(_, N) -> N.

rest(Text, From) -> binary:part(Text, From, byte_size(Text) - From).

exponent(Text, Whole, At) ->
    End = exponent_end(Text, At, rest(Text, At)),
    Exponent = binary:part(Text, At, End - At),
    %% Erlang wants a point
    Fraction =
        case binary:part(Text, Whole, At - Whole) of
            <<>> -> <<".0">>;
            Some -> Some
        end,
    Number = [binary:part(Text, 0, Whole), Fraction, Exponent],
    try
        {binary_to_float(iolist_to_binary(Number)), rest(Text, End)}
    catch
        error:badarg -> refuse(number)
    end.

exponent_end(Text, At, <<E, Sign, _/binary>>) when
    (E =:= $e orelse E =:= $E) andalso (Sign =:= $+ orelse Sign =:= $-)
->
    digits(Text, At + 2);
exponent_end(Text, At, <<E, _/binary>>) when E =:= $e; E =:= $E ->
    digits(Text, At + 1);
exponent_end(_, At, _) ->
    At.
