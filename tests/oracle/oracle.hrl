%% SPDX-License-Identifier: ISC
%% What every file of scenarios needs.  C is the context of a run: the modules
%% under test (tcp, inet, file) and the recorder.
-import(oracle_lib, [
    tcp/3, inet/3, file/3, do/3, rec/3, timed/4,
    pair/2, pair/3, lpair/2, both/3, listener/2,
    p_listen/1, p_accept/1, p_connect/1, p_connect/2, p_port/1, p_send/2, p_arrived/1,
    p_recv/2, p_recv/3, p_all/1, p_eof/2, p_close/1, p_reset/1, p_fin/1, p_quiet/1,
    mail/2, mail/1, closed_mail/2, data_mail/3, flush/0, flush/1, take/1,
    task/2, await/3, started/1, ended/2, blocked/1, kill/1, ask/2, helper/1, stop/1,
    until/1, fill/2, free_port/0, name_port/3, owner_ready/0, tmp/1, proplist/2
]).
