// SPDX-License-Identifier: ISC
// Erlang's gen_tcp for Node, by way of the daemon gentcpd.
'use strict';

const base = require('./client');
const {GentcpError, LostError, ProtocolError} = require('./errors');
const {forget} = require('./kept');
const {Listener} = require('./listener');
const {Socket, activeOf, wait} = require('./socket');

/** Options with active said: false, unless the program says it. */
function withActive(options = {}) {
	if (activeOf(options) !== undefined) return options;
	return Array.isArray(options) ? [{active: false}, ...options] : {active: false, ...options};
}

/** And exit_on_close, where the stream is to be half open. */
function openOptions({options, allowHalfOpen = false}) {
	const made = withActive(options);
	if (!allowHalfOpen) return made;
	return Array.isArray(made) ? [...made, {exit_on_close: false}] : {...made, exit_on_close: false};
}

class Client extends base.Client {
	constructor(options) {
		super(options);
		this.gifts = [];
		this.takers = [];
		this.on('given', (number, from) => this.gift(number, from));
	}

	gift(number, from) {
		const known = this.sockets.get(number);
		const socket = known instanceof Socket ? known : new Socket(this, number);
		socket.givenBy = from;
		if (this.takers.length > 0) this.takers.shift().resolve(socket);
		else if (!this.emit('socket', socket, from)) this.gifts.push(socket);
	}

	/** The next socket that another client gives, unless 'socket' is listened to. */
	given() {
		if (this.gifts.length > 0) return Promise.resolve(this.gifts.shift());
		if (this.lost) return Promise.reject(this.lost);
		return new Promise((resolve, reject) => this.takers.push({resolve, reject}));
	}

	end(why) {
		const first = this.lost === null;
		super.end(why);
		if (first) for (const taker of this.takers.splice(0)) taker.reject(why);
	}

	/** Opens a connection. */
	async connect({host = 'localhost', port, timeout, signal, ...settings}) {
		const late = (reply) => {
			if (reply === null) return;
			this.notify('gen_tcp.close', {socket: reply.result.socket});
			this.sockets.delete(reply.result.socket);
		};
		const params = {address: host, port, options: openOptions(settings), timeout: wait(timeout)};
		const {result} = await this.request('gen_tcp.connect', params, {signal, late});
		return new Socket(this, result.socket, settings);
	}

	/** Opens a listener; with handler, each connection is given to that. */
	async listen({port = 0, ...settings} = {}, handler) {
		const {result} = await this.request('gen_tcp.listen', {port, options: openOptions(settings)});
		const listener = new Listener(this, result.socket, result.port, settings);
		if (handler !== undefined) this.serve(listener, handler);
		return listener;
	}

	async serve(listener, handler) {
		try {
			for await (const socket of listener) handler(socket);
		} catch (e) {
			if (!listener.closed && !this.lost) listener.emit('error', e);
		}
	}

	/** A socket by its number: this client's, or another's of the same user. */
	socket(number) {
		const known = this.sockets.get(number);
		if (known instanceof Socket) return known;
		const socket = new Socket(this, number);
		if (known === undefined) this.sockets.delete(number);
		else this.sockets.set(number, known);
		return socket;
	}

	/** A listener by its number: several clients may accept from one. */
	listener(number, settings) {
		const known = this.sockets.get(number);
		return known instanceof Listener ? known : new Listener(this, number, undefined, settings);
	}

	/** The sockets of a client that was resumed, listeners as Listener. */
	async restored(settings) {
		const numbers = (await this.whoami()).sockets;
		return Promise.all(numbers.map(async (number) => {
			const {states} = await this.call('inet.info', {socket: number});
			if (!this.sockets.has(number)) this.sockets.set(number, new base.Waiting());
			return states.includes('listen') ? this.listener(number, settings) : new Socket(this, number, settings);
		}));
	}

	/**
	 * The next event of any of a kept client's sockets, in order. Asking for it tells that
	 * the one before is handled; or send(data, {ack: event}) does, with the answer.
	 */
	async nextEvent() {
		for (;;) {
			this.last?.done();
			this.last = null;
			while (this.order.length > 0) {
				const number = this.order.shift();
				const socket = this.sockets.get(number) instanceof base.Waiting ? new Socket(this, number) : this.sockets.get(number);
				if (!(socket instanceof Socket) || socket.mailbox.length === 0) continue;
				this.last = socket;
				return socket.next();
			}
			if (this.lost) throw this.lost;
			this.acks?.flush();
			await new Promise((resolve) => (this.taker = resolve));
			this.taker = null;
		}
	}

	/** The client is kept no longer: it ends with this connection. */
	async forget() {
		if (this.kept !== undefined) await forget(this, this.kept);
	}

	async getaddrs(host, family = 'inet') {
		return this.call('inet.getaddrs', {host, family});
	}

	/** Asks to be told, by 'down', when a socket is gone: the monitor's number. */
	async monitor(socket) {
		const number = typeof socket === 'number' ? socket : socket.number;
		return (await this.call('inet.monitor', {socket: number})).monitor;
	}

	cancelMonitor(monitor) {
		return this.call('inet.cancel_monitor', {monitor});
	}

	/** Why a monitored socket is gone. */
	down(monitor) {
		const told = this.monitors.get(monitor);
		if (told) return Promise.resolve(told.reason);
		return new Promise((resolve, reject) => {
			const tell = (number, reason) => {
				if (number !== monitor) return;
				this.off('down', tell);
				this.off('close', reject);
				resolve(reason);
			};
			this.on('down', tell);
			this.once('close', reject);
		});
	}

	whoami() {
		return this.call('session.self');
	}

	clients() {
		return this.call('session.clients');
	}

	allSockets() {
		return this.call('inet.i');
	}

	discover() {
		return this.call('rpc.discover');
	}
}

async function own(path) {
	const client = new Client({path});
	client.ephemeral = true;
	return client.open();
}

/** Client.connect, with a client of its own that ends with the socket. */
async function connect({path, ...settings}) {
	const client = await own(path);
	try {
		return await client.connect(settings);
	} catch (e) {
		client.close();
		throw e;
	}
}

/** Client.listen, with a client of its own that ends with the last of its sockets. */
async function listen({path, ...settings} = {}, handler) {
	const client = await own(path);
	try {
		return await client.listen(settings, handler);
	} catch (e) {
		client.close();
		throw e;
	}
}

module.exports = {Client, GentcpError, Listener, LostError, ProtocolError, Socket, connect, listen};
