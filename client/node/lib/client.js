// SPDX-License-Identifier: ISC
// One connection to gentcpd: requests and replies, and which socket an event is for.
'use strict';

const {EventEmitter} = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const {GentcpError, LostError, ProtocolError} = require('./errors');
const {resume} = require('./kept');
const {Decoder, asJson, encode, flatten, payload} = require('./wire');

const SYSTEM_PATH = '/run/gentcpd/gentcpd.sock';
const OPENING = new Set(['gen_tcp.connect', 'gen_tcp.listen', 'gen_tcp.accept', 'gen_tcp.fdopen']);
const WITHDRAWABLE = new Set(['gen_tcp.connect', 'gen_tcp.accept', 'gen_tcp.recv', 'inet.getaddrs']);

/** The control socket: what is given, $GENTCPD_SOCKET, the user's own, or the system's. */
function socketPath(given) {
	if (given !== undefined) return given;
	if (process.env.GENTCPD_SOCKET) return process.env.GENTCPD_SOCKET;
	if (!process.env.XDG_RUNTIME_DIR) return SYSTEM_PATH;
	const own = path.join(process.env.XDG_RUNTIME_DIR, 'gentcpd.sock');
	// neither there: the user's is the likelier one to be missed
	return fs.existsSync(SYSTEM_PATH) && !fs.existsSync(own) ? SYSTEM_PATH : own;
}

const isNumber = (value) => Number.isSafeInteger(value) && value > 0;

/**
 * A client: what a process is to Erlang. It owns the sockets that it opens.
 * Events: 'socket' (a Socket that another client gave, and that client's number),
 * 'down' (monitor, reason), 'close' (why, a LostError).
 */
class Client extends EventEmitter {
	constructor(options = {}) {
		super();
		this.path = socketPath(options.path);
		this.name = options.name ?? 'node';
		this.server = null; // what session.hello answered
		this.lost = null;
		this.sockets = new Map(); // number -> what takes its events
		this.monitors = new Map(); // number -> its down event, once it came
		this.ephemeral = false; // ends with its last socket
		this.calls = new Map();
		this.nextId = 1;
		this.decoder = new Decoder(options.maxLine, options.maxAttachment);
		this.connection = null;
		this.kept = options.kept; // the file of one that outlives its connection …
		this.ttl = options.ttl ?? 60000; // … by so many ms
		this.resumed = false; // is it one that was there before?
		this.acks = null;
		this.attached = false; // sockets may be ours that we have not seen open
		this.order = []; // numbers of sockets whose events nextEvent() takes
		this.taker = null; // who waits in it
	}

	/** The client's number: what others give sockets to. */
	get id() {
		return this.server.client;
	}

	/** Connects, and says hello. */
	async open() {
		this.connection = net.createConnection({path: this.path});
		this.connection.on('data', (chunk) => this.feed(chunk));
		this.connection.on('error', (e) => this.end(new LostError(`${this.path}: ${e.message}`)));
		this.connection.on('close', () => this.end(new LostError('gentcpd ended the connection')));
		const hello = {client: this.name, protocol: 1, data: 'attached', attachments: true};
		this.server = (await this.request('session.hello', hello)).result;
		if (!isNumber(this.server?.client)) this.fault(new ProtocolError('a broken reply to session.hello'));
		if (this.lost) throw this.lost;
		if (this.kept !== undefined) this.resumed = await resume(this, this.kept, this.ttl);
		return this;
	}

	/** Ends the client: its sockets close; what they have queued is still sent. */
	close() {
		this.acks?.flush();
		this.end(new LostError('the client was closed'));
	}

	end(why) {
		if (this.lost) return;
		this.lost = why;
		this.connection?.destroySoon();
		const calls = [...this.calls.values()];
		this.calls.clear();
		for (const call of calls) call.reject(why);
		for (const socket of [...this.sockets.values()]) socket.lose(why);
		this.taker?.();
		this.emit('close', why);
	}

	/** gentcpd broke the protocol. */
	fault(error) {
		this.end(error);
		this.connection.destroy();
	}

	// --- requests ---

	/**
	 * Makes a request: a promise of {result, data}. With signal, an AbortSignal, one that
	 * waits is withdrawn; what it may have got until then is late's, and null where it is
	 * nothing. This promise of that is given to withdrew.
	 */
	request(method, params, {data, signal, late, withdrew, ack} = {}) {
		if (this.lost) return Promise.reject(this.lost);
		if (signal?.aborted) return Promise.reject(signal.reason);
		const id = this.nextId;
		const pieces = encode(id, method, params, data, ack);
		this.nextId++;
		return new Promise((resolve, reject) => {
			const call = {method, resolve, reject};
			if (signal !== undefined) this.withdrawable(call, id, signal, late, withdrew);
			this.calls.set(id, call);
			this.write(pieces);
		});
	}

	withdrawable(call, id, signal, late, withdrew) {
		const {resolve, reject, method} = call;
		const abort = () => {
			const answered = new Promise((resolve) => {
				call.resolve = (reply) => resolve(reply);
				call.reject = () => resolve(null);
			}).then((reply) => late?.(reply));
			withdrew?.(answered);
			if (WITHDRAWABLE.has(method)) this.notify('session.cancel', {id});
			reject(signal.reason);
		};
		signal.addEventListener('abort', abort, {once: true});
		call.resolve = (reply) => {
			signal.removeEventListener('abort', abort);
			resolve(reply);
		};
		call.reject = (error) => {
			signal.removeEventListener('abort', abort);
			reject(error);
		};
	}

	/** A request whose answer nobody wants. */
	notify(method, params) {
		if (!this.lost) this.write(encode(null, method, params));
	}

	write(pieces) {
		// what is written in one turn goes out at once
		if (this.connection.writableCorked === 0) {
			this.connection.cork();
			process.nextTick(() => this.connection.uncork());
		}
		for (const piece of pieces) this.connection.write(piece);
	}

	/** Any method: its result. Bytes in params are base64; attached data is result.data. */
	async call(method, params = {}, options = {}) {
		const {result, data} = await this.request(method, params, options);
		return data === null ? result : {...result, data};
	}

	// --- what comes ---

	feed(chunk) {
		if (this.lost) return;
		try {
			for (const message of this.decoder.feed(chunk)) {
				if (message.value.method !== undefined) this.event(message);
				else this.reply(message);
				if (this.lost) return;
			}
		} catch (e) {
			if (!(e instanceof ProtocolError)) throw e;
			this.fault(e);
		}
	}

	reply({value, attachment}) {
		const call = this.calls.get(value.id);
		if (value.id === null) throw new ProtocolError(`gentcpd cannot read us: ${JSON.stringify(value.error)}`);
		if (call === undefined) throw new ProtocolError('a reply to nothing');
		if ((value.result === undefined) === (value.error === undefined)) throw new ProtocolError('a broken reply');
		if (value.error !== undefined) {
			const error = this.error(value.error, attachment);
			this.calls.delete(value.id);
			call.reject(error);
			return;
		}
		this.check(call.method, value.result, attachment);
		this.calls.delete(value.id);
		call.resolve({result: value.result, data: attachment});
	}

	/** What we look into has to be what it is said to be. */
	check(method, result, attachment) {
		const object = result !== null && typeof result === 'object';
		try {
			if (OPENING.has(method)) {
				if (!isNumber(result.socket) || this.sockets.has(result.socket)) throw new TypeError('no new socket');
				this.sockets.set(result.socket, new Waiting());
			} else if (method === 'gen_tcp.recv') {
				if (result.http === undefined && attachment === null) payload(result.data);
			} else if (method === 'inet.monitor') {
				if (!isNumber(result.monitor)) throw new TypeError('no monitor');
				this.monitors.set(result.monitor, null);
			} else if (/^inet\.(getopts|getstat|info|sockname|peername)$/.test(method) && !object) {
				throw new TypeError('no object');
			}
		} catch (e) {
			throw new ProtocolError(`a broken reply to ${method}: ${e.message}`);
		}
	}

	error(value, attachment) {
		const data = value?.data ?? {};
		if (typeof value?.message !== 'string' || !Number.isInteger(value.code)
			|| typeof data !== 'object' || Array.isArray(data)) {
			throw new ProtocolError('a broken error');
		}
		try {
			const rest = data.rest === undefined ? attachment ?? Buffer.alloc(0) : payload(data.rest);
			return new GentcpError(value.message, value.code, data, rest);
		} catch (e) {
			throw new ProtocolError(`a broken error: ${e.message}`);
		}
	}

	event({value: {method, params, seq}, attachment}) {
		const known = typeof method === 'string' && params !== null && typeof params === 'object';
		if (known && method === 'shutdown') return; // the end of the connection follows
		if (known && method === 'taken') {
			this.end(new LostError('another connection has attached this client'));
			return;
		}
		if (!known || !isNumber(params.socket)) throw new ProtocolError('a broken event');
		if (seq !== undefined) {
			if (!isNumber(seq)) throw new ProtocolError('a broken seq');
			this.acks?.came(seq);
			if (method === 'down' || method === 'tcp_owner') this.acks?.handled(seq);
		}
		if (method === 'down') {
			this.wentDown(params);
			return;
		}
		if (this.attached && !this.sockets.has(params.socket)) this.sockets.set(params.socket, new Waiting());
		const socket = this.sockets.get(params.socket);
		if (method === 'tcp_owner') {
			if (!isNumber(params.from)) throw new ProtocolError('a broken tcp_owner');
			if (socket === undefined) this.sockets.set(params.socket, new Waiting());
			this.emit('given', params.socket, params.from);
			return;
		}
		if (socket === undefined) throw new ProtocolError(`${method} of a socket that is none of ours`);
		const event = this.readEvent(method, params, attachment);
		if (seq !== undefined) event.seq = seq;
		socket.take(event);
		if (this.acks !== null) this.order.push(params.socket);
		this.taker?.();
	}

	readEvent(name, params, attachment) {
		const event = {name, socket: params.socket};
		try {
			if (name === 'tcp' || name === 'port') {
				event.data = attachment ?? payload(params.data);
				if (params.header !== undefined) event.header = flatten(params.header);
			} else if (name === 'http') {
				if (typeof params.http?.type !== 'string') throw new TypeError('no http');
				event.http = params.http;
			} else if (name === 'tcp_error') {
				if (typeof params.reason !== 'string') throw new TypeError('no reason');
				event.reason = params.reason;
			}
		} catch (e) {
			throw new ProtocolError(`a broken event ${name}: ${e.message}`);
		}
		return event;
	}

	wentDown({monitor, socket, reason}) {
		if (this.attached && !this.monitors.has(monitor)) return; // of a program that is no more
		if (this.monitors.get(monitor) !== null || typeof reason !== 'string') throw new ProtocolError('down of no monitor');
		this.monitors.set(monitor, {monitor, socket, reason});
		this.emit('down', monitor, reason);
	}
}

/** Keeps the events of a socket until its object is there. */
class Waiting {
	constructor() {
		this.events = [];
	}

	take(event) {
		this.events.push(event);
	}

	lose() {}
}

module.exports = {Client, Waiting, asJson};
