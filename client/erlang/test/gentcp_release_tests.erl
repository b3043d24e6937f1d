%% SPDX-License-Identifier: ISC
%% The application as it is built: what a release or a tool takes it for.
-module(gentcp_release_tests).

-include_lib("eunit/include/eunit.hrl").

properties() ->
    _ = application:load(gentcp),
    {ok, Properties} = application:get_all_key(gentcp),
    Properties.

ebin() -> filename:dirname(code:which(gentcp_json)).

%% The list of modules is that of the files, no more and no less.
modules_test() ->
    Beams = filelib:wildcard("*.beam", ebin()),
    Built = [list_to_atom(filename:basename(Beam, ".beam")) || Beam <- Beams],
    {modules, Listed} = lists:keyfind(modules, 1, properties()),
    ?assertEqual(lists:sort(Built), lists:sort(Listed)).

%% It needs nothing but OTP's smallest.
applications_test() ->
    {applications, Applications} = lists:keyfind(applications, 1, properties()),
    ?assertEqual([kernel, stdlib], lists:sort(Applications)).

version_test() ->
    {vsn, Version} = lists:keyfind(vsn, 1, properties()),
    ?assertEqual(os:getenv("GENTCP_VERSION", Version), Version).

%% No module calls a function that is not there, and none is of another application.
calls_test_() ->
    case code:lib_dir(tools) of
        {error, _} -> [];
        _ -> {timeout, 60, fun calls/0}
    end.

calls() ->
    {ok, _} = xref:start(gentcp_xref),
    xref:set_default(gentcp_xref, [{warnings, false}, {verbose, false}]),
    xref:set_library_path(gentcp_xref, code:get_path()),
    {ok, _} = xref:add_directory(gentcp_xref, ebin()),
    {ok, Undefined} = xref:analyze(gentcp_xref, undefined_function_calls),
    {ok, Unused} = xref:analyze(gentcp_xref, locals_not_used),
    {ok, Deprecated} = xref:analyze(gentcp_xref, deprecated_function_calls),
    xref:stop(gentcp_xref),
    ?assertEqual({[], [], []}, {Undefined, Unused, Deprecated}).
