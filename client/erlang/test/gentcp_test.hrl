%% SPDX-License-Identifier: ISC
-include_lib("eunit/include/eunit.hrl").

-define(DEADLINE, 20000).
-define(SOON, 100).

-define(assertTold(Pattern),
    receive Pattern -> ok
    after ?DEADLINE -> error({nothing_like, ??Pattern, process_info(self(), messages)}) end).
-define(assertQuiet(),
    receive Unwanted -> error({unwanted, Unwanted}) after ?SOON -> ok end).
