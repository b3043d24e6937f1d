%% SPDX-License-Identifier: ISC
%% @doc {@link //kernel/file. file}'s `sendfile', for sockets of {@link gentcp}.  That
%% module's own does the same with them.  The daemon gets the file's descriptor, and
%% sends it without a copy in the node.
-module(gentcp_file).

-export([sendfile/2, sendfile/5, send/4]).

%% @doc Sends a whole file, as file:sendfile/2.
-spec sendfile(file:name_all(), gentcp:socket()) -> {ok, non_neg_integer()} | {error, atom()}.
sendfile(Name, Socket) ->
    case file:open(Name, [read, raw, binary]) of
        {ok, File} ->
            Result = sendfile(File, Socket, 0, 0, []),
            _ = file:close(File),
            Result;
        Error ->
            Error
    end.

%% @doc Sends Bytes of a raw file from Offset on, as file:sendfile/5; 0 is all of it.
-spec sendfile(file:fd(), gentcp:socket(), non_neg_integer(), non_neg_integer(),
               [file:sendfile_option()]) -> {ok, non_neg_integer()} | {error, atom()}.
sendfile(File, Socket, Offset, Bytes, Options) ->
    file:sendfile(File, Socket, Offset, Bytes, Options).

%% @private
-spec send(gentcp:socket(), file:fd(), integer(), integer()) ->
    {ok, non_neg_integer()} | {error, atom()}.
send(_, _, Offset, Bytes) when Offset < 0; Bytes < 0 ->
    {error, einval};
send(Socket, File, Offset, Bytes) ->
    try prim_file:get_handle(File) of
        <<Fd:32/native>> -> send_fd(Socket, Fd, Offset, Bytes);
        _ -> {error, badarg}
    catch
        _:_ -> {error, badarg}
    end.

send_fd(Socket, Fd, Offset, Bytes) ->
    Params = [gentcp_call:number(Offset), gentcp_call:number(Bytes)],
    case gentcp_call:on(Socket, "file.sendfile", Params, none, einval, {none, [Fd]}) of
        {ok, #{<<"sent">> := Sent}, _} -> {ok, Sent};
        Error -> Error
    end.
