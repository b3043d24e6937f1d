// SPDX-License-Identifier: ISC
// A socket of gentcpd as a stream: each chunk that is read or written is one packet.
'use strict';

const {Duplex} = require('node:stream');
const {GentcpError} = require('./errors');
const {asJson, flatten, payload} = require('./wire');

const PACKETS = 16; // that are asked for at a time; they wait in the mailbox, not in the stream
const HIGH = 2 ** 20; // bytes in a mailbox from which its socket is made passive
const LOW = 2 ** 18;
const COST = 256; // what an event counts beside its bytes
const OVER = new Set(['closed', 'enotconn', 'einval', 'epipe']);

const isPacket = (event) => event.data !== undefined || event.http !== undefined;
const sizeOf = (event) => COST + (event.data?.length ?? 0);
const packetOf = (event) => event.http
	?? (event.header ? Buffer.concat([event.header, event.data]) : event.data);
const wait = (timeout) => (timeout === undefined || timeout === Infinity ? 'infinity' : Math.ceil(timeout));

/** The value of active that options end with; undefined where there is none. */
function activeOf(options) {
	let found;
	for (const option of Array.isArray(options) ? options : Object.entries(options ?? {})) {
		const pair = Array.isArray(option) || typeof option !== 'object' ? option : Object.entries(option)[0];
		if (Array.isArray(pair) && pair[0] === 'active') [, found] = pair;
	}
	return found;
}

/**
 * As a stream it is passive until it is read, and then active PACKETS at a time: a reader
 * that stops stops its peer. Where the program sets active itself, events come as it says,
 * for event(), or for the stream if that is read.
 */
class Socket extends Duplex {
	constructor(client, number, {allowHalfOpen = false, options} = {}) {
		super({readableObjectMode: true, readableHighWaterMark: 1, allowHalfOpen});
		this.client = client;
		this.number = number;
		this.mailbox = [];
		this.size = 0; // of the mailbox
		this.waiting = []; // who waits for an event
		this.manual = activeOf(options) !== undefined; // who sets active: the program?
		this.armed = false; // have packets been asked for?
		this.wanted = false; // does the stream want more?
		this.paused = null; // a promise of the value of active to restore
		this.giving = false;
		this.gone = false; // another's
		this.doing = 0; // the number of the event that was taken last
		this.over = false; // the peer has closed
		this.kept = []; // bytes of recvs that were withdrawn too late
		this.withdrawn = Promise.resolve(); // those recvs
		const before = client.sockets.get(number);
		client.sockets.set(number, this);
		this.on('newListener', (name) => {
			if (name === 'packet' && this.listenerCount('packet') === 0) this.on('data', (p) => this.emit('packet', p));
		});
		for (const event of before?.events ?? []) this.take(event);
	}

	ask(method, params = {}, options = {}) {
		return this.client.request(method, {socket: this.number, ...params}, options);
	}

	async result(method, params) {
		return (await this.ask(method, params)).result;
	}

	// --- events ---

	take(event) {
		this.mailbox.push(event);
		this.size += sizeOf(event);
		if (event.name === 'tcp_passive') this.armed = false;
		if (event.name === 'tcp_closed') this.over = true;
		this.deliver();
		if (this.size > HIGH && this.paused === null) this.holdBack();
	}

	next() {
		this.done();
		const event = this.mailbox.shift();
		this.doing = event.seq ?? 0;
		this.size -= sizeOf(event);
		if (this.size < LOW) this.paused?.then((active) => this.goOn(active));
		return event;
	}

	/** The event that was taken last is handled. */
	done() {
		if (this.doing) this.client.acks?.handled(this.doing);
		this.doing = 0;
	}

	/** The mailbox runs over: the socket is passive until it is read. */
	holdBack() {
		const paused = this.ask('inet.getopts', {names: ['active']})
			.then(({result}) => result.active, () => false);
		this.paused = paused;
		this.client.notify('inet.setopts', {socket: this.number, options: {active: false}});
		paused.then((active) => this.goOn(active));
	}

	goOn(active) {
		if (this.paused === null || this.size >= LOW || this.giving) return;
		this.paused = null;
		if (active) this.client.notify('inet.setopts', {socket: this.number, options: {active}});
	}

	deliver() {
		if (this.giving) return;
		while (this.waiting.length > 0 && this.mailbox.length > 0) this.waiting.shift().resolve(this.next());
		while (this.wanted && this.mailbox.length > 0) this.pass(this.next());
		if (this.mailbox.length === 0) this.client.acks?.flush();
	}

	/** An event to the stream. */
	pass(event) {
		if (isPacket(event)) {
			this.wanted = this.push(packetOf(event));
		} else if (event.name === 'tcp_closed') {
			this.wanted = false;
			this.push(null);
		} else if (event.name === 'tcp_error') {
			this.destroy(new GentcpError(event.reason));
		} else {
			this.emit('event', event);
			this._read();
		}
	}

	/** The next message of gen_tcp: {name, socket, data, header, http, reason}. */
	event({timeout, signal} = {}) {
		if (this.mailbox.length > 0 && !this.giving) return Promise.resolve(this.next());
		if (this.client.lost) return Promise.reject(this.client.lost);
		this.done();
		this.client.acks?.flush();
		return new Promise((resolve, reject) => {
			let timer;
			const entry = {};
			const leave = (done) => (value) => {
				clearTimeout(timer);
				signal?.removeEventListener('abort', abort);
				this.waiting = this.waiting.filter((other) => other !== entry);
				done(value);
			};
			const abort = () => entry.reject(signal.reason);
			entry.resolve = leave(resolve);
			entry.reject = leave(reject);
			this.waiting.push(entry);
			if (signal?.aborted) abort();
			else signal?.addEventListener('abort', abort, {once: true});
			if (timeout !== undefined && timeout !== Infinity) {
				timer = setTimeout(() => entry.reject(new GentcpError('timeout', 10002)), timeout);
			}
		});
	}

	/** The client's connection is gone. */
	lose(why) {
		for (const entry of [...this.waiting]) entry.reject(why);
		this.gone = true;
		this.destroy(this.listenerCount('error') > 0 ? why : undefined);
	}

	// --- the stream ---

	_read() {
		this.done();
		this.wanted = true;
		this.deliver();
		if (!this.wanted || this.armed || this.manual || this.giving || this.over) return;
		this.armed = true;
		this.withdrawn.then(() => {
			for (const data of this.kept.splice(0)) this.wanted = this.push(data);
			return this.ask('inet.setopts', {options: {active: PACKETS}});
		}).catch((e) => {
			// closed by somebody, without a word
			if (!this.mailbox.length && !this.over && !this.destroyed) this.take({name: 'tcp_closed', socket: this.number});
			if (!OVER.has(e.reason)) this.destroy(e);
		});
	}

	_write(chunk, encoding, done) {
		this.send(chunk).then(() => done(), done);
	}

	/** All go out at once; the last answer is that of all. */
	_writev(chunks, done) {
		Promise.all(chunks.map(({chunk}) => this.send(chunk))).then(() => done(), done);
	}

	_final(done) {
		this.shutdown('write').then(() => done(), (e) => done(OVER.has(e.reason) ? null : e));
	}

	_destroy(error, done) {
		for (const entry of [...this.waiting]) entry.reject(error ?? new GentcpError('closed', 10001));
		if (this.gone) {
			this.forget();
			done(error);
			return;
		}
		const end = () => {
			this.gone = true;
			this.forget();
			done(error);
		};
		this.ask('gen_tcp.close').then(end, end);
	}

	/** Events of it are no longer ours. */
	forget() {
		this.done();
		for (const {seq} of this.mailbox.splice(0)) if (seq) this.client.acks?.handled(seq);
		if (this.client.sockets.get(this.number) === this) this.client.sockets.delete(this.number);
		if (this.client.ephemeral && this.client.sockets.size === 0) this.client.close();
	}

	/** Closes it; queued output is still sent. */
	close() {
		return new Promise((resolve) => {
			if (this.closed) {
				resolve();
				return;
			}
			this.once('close', resolve);
			this.destroy();
		});
	}

	// --- data ---

	/**
	 * Sends data as one packet; resolves when gen_tcp:send would return. With ack, an event
	 * of a kept client, that is handled and answered in one step.
	 */
	async send(data, {ack} = {}) {
		const number = ack?.seq ? this.client.acks?.withRequest(ack.seq) : undefined;
		await this.ask('gen_tcp.send', {}, {data: flatten(data), ack: number});
	}

	/**
	 * Receives from a socket that is passive, as it is while the stream is not read: length
	 * bytes, or with 0 what there is, or a packet.
	 */
	async recv(length = 0, {timeout, signal} = {}) {
		await this.withdrawn;
		const size = this.kept.reduce((sum, data) => sum + data.length, 0);
		if (this.kept.length > 0 && length === 0) return this.kept.shift();
		if (size > 0 && !Buffer.isBuffer(this.kept[0])) return this.kept.shift();
		if (size > 0 && size >= length) {
			const whole = Buffer.concat(this.kept);
			this.kept = size > length ? [whole.subarray(length)] : [];
			return whole.subarray(0, length);
		}
		if (size > 0) await this.unrecv(this.kept.splice(0));
		const received = ({result, data}) => result.http ?? Buffer.concat(
			[flatten(result.header ?? []), data ?? payload(result.data)]);
		const late = (reply) => reply && this.kept.push(received(reply));
		const withdrew = (answered) => (this.withdrawn = answered);
		return received(await this.ask('gen_tcp.recv', {length, timeout: wait(timeout)}, {signal, late, withdrew}));
	}

	/** Puts data back, before what is still to be received. */
	async unrecv(data) {
		await this.ask('gen_tcp.unrecv', {}, {data: flatten(data)});
	}

	// --- options and facts ---

	async setopts(options) {
		const active = activeOf(options);
		if (active !== undefined) {
			this.manual = true;
			this.paused = null;
			this.armed = active !== false;
		}
		await this.ask('inet.setopts', {options});
	}

	getopts(...names) {
		return this.result('inet.getopts', {names});
	}

	sockname() {
		return this.result('inet.sockname');
	}

	peername() {
		return this.result('inet.peername');
	}

	port() {
		return this.result('inet.port');
	}

	getstat(...names) {
		return this.result('inet.getstat', names.length > 0 ? {names} : {});
	}

	info() {
		return this.result('inet.info');
	}

	async shutdown(how = 'write') {
		await this.ask('gen_tcp.shutdown', {how});
	}

	// --- owners ---

	/** Gives it to another client, with all that came and was not taken. */
	async controllingProcess(client) {
		const number = typeof client === 'number' ? client : client.id;
		this.giving = true;
		let active = false;
		let events = [];
		try {
			await this.withdrawn;
			active = await (this.paused ?? this.result('inet.getopts', {names: ['active']}).then((o) => o.active, () => false));
			if (active) await this.result('inet.setopts', {options: {active: false}});
			events = [...this.unread(), ...this.mailbox.splice(0)];
			const messages = events.filter((e) => e.name !== 'tcp_owner').map(({name, seq, ...params}) => ({method: name, params: asJson(params)}));
			if (this.kept.length > 0) await this.unrecv(this.kept.splice(0));
			await this.result('gen_tcp.controlling_process', {
				client: number, ...(messages.length > 0 && {messages}), ...(active && {active}),
			});
		} catch (e) {
			this.stay(active, events);
			throw e;
		}
		this.gone = true;
		this.destroy();
	}

	/** What the stream holds and nobody read, as the events that it was. */
	unread() {
		const listeners = this.listeners('data');
		this.removeAllListeners('data');
		const events = [];
		for (let count = this.readableLength; count > 0; count--) {
			const packet = this.read();
			events.push({name: Buffer.isBuffer(packet) ? 'tcp' : 'http', socket: this.number,
				[Buffer.isBuffer(packet) ? 'data' : 'http']: packet});
		}
		for (const listener of listeners) this.on('data', listener);
		return events;
	}

	/** It could not be given away: it is as it was. */
	stay(active, events) {
		this.giving = false;
		this.paused = null;
		this.mailbox.unshift(...events);
		this.size = this.mailbox.reduce((sum, event) => sum + sizeOf(event), 0);
		if (active) this.client.notify('inet.setopts', {socket: this.number, options: {active}});
		this.deliver();
	}
}

module.exports = {Socket, activeOf, wait};
