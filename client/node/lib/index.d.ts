// SPDX-License-Identifier: ISC
// Erlang's gen_tcp for Node, by way of the daemon gentcpd.
/// <reference types="node" />
import {EventEmitter} from 'node:events';
import {Duplex} from 'node:stream';

/** gen_tcp's iodata(): bytes, text (its UTF-8), or an array of these and of bytes' values. */
export type Data = string | NodeJS.ArrayBufferView | ReadonlyArray<number | Data>;
/** Options by name, or as in Erlang an array of words, one-member objects and pairs. */
export type Options = {readonly [name: string]: unknown} | ReadonlyArray<unknown>;
export type Active = boolean | 'once' | number;

/** What a peer wrote: text, or base64 where it is no UTF-8. */
export type HttpText = string | {base64: string};
export interface HttpUri {
	type: '*' | 'abs_path' | 'absoluteURI' | 'scheme' | 'string';
	path?: HttpText;
	scheme?: HttpText;
	host?: HttpText;
	port?: number | null;
	string?: HttpText;
}
/** A line of HTTP, under packet http and its like. */
export type HttpPacket =
	| {type: 'http_request'; method: HttpText; uri: HttpUri; version: [number, number]}
	| {type: 'http_response'; version: [number, number]; status: number; phrase: HttpText}
	| {type: 'http_header'; bit: number; name: HttpText; field: HttpText; value: HttpText}
	| {type: 'http_eoh'}
	| {type: 'http_error'; line: HttpText};
export type Packet = Buffer | HttpPacket;

export interface Address {
	family: 'inet' | 'inet6' | 'local';
	addr: HttpText;
	port?: number;
	scope_id?: number;
	flowinfo?: number;
}

/** A message of gen_tcp, named by its tag. */
export interface SocketEvent {
	name: 'tcp' | 'http' | 'port' | 'tcp_passive' | 'tcp_error' | 'tcp_closed';
	socket: number;
	data?: Buffer;
	header?: Buffer;
	http?: HttpPacket;
	reason?: string;
	/** Of a kept client's: its number. */
	seq?: number;
}

/** Milliseconds, and what withdraws the request. */
export interface Waiting {
	timeout?: number | undefined;
	signal?: AbortSignal | undefined;
}

export interface SocketSettings {
	/** gen_tcp's options. */
	options?: Options;
	/** As of node:net: the socket stays when its peer has ended (exit_on_close false). */
	allowHalfOpen?: boolean;
}
export interface ConnectSettings extends SocketSettings, Waiting {
	/** A name, a number, {local: path}, or a sockaddr. */
	host?: string | {local: string} | Address;
	port?: number | string | null;
}
export interface ListenSettings extends SocketSettings {
	port?: number | string;
}
export interface ClientSettings {
	/** The control socket; else $GENTCPD_SOCKET, or where it is usual. */
	path?: string;
	name?: string;
	/**
	 * A file. With it the client outlives its connection, by ttl ms: who opens one with the
	 * same file is that client, and is told again what was not handled.
	 */
	kept?: string;
	ttl?: number;
	maxLine?: number;
	maxAttachment?: number;
}

/** An error reply. */
export class GentcpError extends Error {
	/** gen_tcp's atom: 'econnrefused', 'closed'. */
	reason: string;
	/** The same as node:net has it: 'ECONNREFUSED'. */
	code: string;
	/** Its number: errno, 10001 and above for gen_tcp's own, negative for JSON-RPC's. */
	errno: number;
	data: {option?: string; detail?: string; [member: string]: unknown};
	/** Bytes that would else be lost. */
	rest: Buffer;
	constructor(reason: string, errno?: number, data?: object, rest?: Buffer);
}
/** The connection to gentcpd is gone, and with it all sockets. */
export class LostError extends GentcpError {
	constructor(detail: string);
}
/** gentcpd said something that it may not say. */
export class ProtocolError extends LostError {}

/**
 * A socket as a stream, of which each chunk is one packet. It is passive until it is read,
 * and then active some packets at a time. Also emits 'packet' (a Packet) for each.
 */
export class Socket extends Duplex {
	constructor(client: Client, number: number, settings?: SocketSettings);
	readonly client: Client;
	readonly number: number;
	/** The client that gave it, if one did. */
	givenBy?: number;
	send(data: Data, options?: {ack?: SocketEvent}): Promise<void>;
	recv(length?: number, waiting?: Waiting): Promise<Packet>;
	/** The next message of a socket that the program made active. */
	event(waiting?: Waiting): Promise<SocketEvent>;
	unrecv(data: Data): Promise<void>;
	setopts(options: Options): Promise<void>;
	getopts(...names: unknown[]): Promise<{[name: string]: unknown}>;
	sockname(): Promise<Address>;
	peername(): Promise<Address>;
	port(): Promise<number | string>;
	getstat(...names: string[]): Promise<{[name: string]: number}>;
	info(): Promise<{[member: string]: unknown}>;
	shutdown(how?: 'read' | 'write' | 'read_write'): Promise<void>;
	/** Gives it away with all that came and was not read. */
	controllingProcess(client: Client | number): Promise<void>;
	close(): Promise<void>;
}

/** Emits 'close', and 'error' where its handler's accepting fails. */
export class Listener extends EventEmitter implements AsyncIterable<Socket> {
	constructor(client: Client, number: number, port?: number, settings?: SocketSettings);
	readonly client: Client;
	readonly number: number;
	readonly port: number;
	readonly closed: boolean;
	accept(waiting?: Waiting): Promise<Socket>;
	close(): Promise<void>;
	[Symbol.asyncIterator](): AsyncGenerator<Socket, void, undefined>;
}

export interface CallOptions {
	/** Bytes that go attached. */
	data?: Buffer;
	signal?: AbortSignal;
}

/**
 * A client: what a process is to Erlang. Emits 'socket' (Socket, the client that gave it),
 * 'down' (monitor, reason) and 'close' (LostError).
 */
export class Client extends EventEmitter {
	constructor(settings?: ClientSettings);
	readonly id: number;
	readonly path: string;
	readonly server: {[member: string]: unknown} | null;
	readonly lost: LostError | null;
	open(): Promise<this>;
	close(): void;
	connect(settings: ConnectSettings): Promise<Socket>;
	listen(settings?: ListenSettings, handler?: (socket: Socket) => void): Promise<Listener>;
	socket(number: number): Socket;
	listener(number: number, settings?: SocketSettings): Listener;
	given(): Promise<Socket>;
	/** Is it a kept one that was there before? */
	readonly resumed: boolean;
	/** Its sockets then, listeners as Listener. */
	restored(settings?: SocketSettings): Promise<Array<Socket | Listener>>;
	/** The next event of any of a kept client's sockets, in order. */
	nextEvent(): Promise<SocketEvent>;
	/** It is kept no longer. */
	forget(): Promise<void>;
	getaddrs(host: string, family?: 'inet' | 'inet6'): Promise<string[]>;
	monitor(socket: Socket | number): Promise<number>;
	cancelMonitor(monitor: number): Promise<boolean>;
	down(monitor: number): Promise<string>;
	whoami(): Promise<{[member: string]: unknown}>;
	clients(): Promise<Array<{[member: string]: unknown}>>;
	allSockets(): Promise<Array<{[member: string]: unknown}>>;
	discover(): Promise<{[member: string]: unknown}>;
	/** Any method of the protocol. */
	call(method: string, params?: object, options?: CallOptions): Promise<any>;
}

/** Client.connect with a client of its own, which ends with the socket. */
export function connect(settings: ConnectSettings & {path?: string}): Promise<Socket>;
/** Client.listen with a client of its own, which ends with the last of its sockets. */
export function listen(settings?: ListenSettings & {path?: string},
	handler?: (socket: Socket) => void): Promise<Listener>;
