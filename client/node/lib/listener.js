// SPDX-License-Identifier: ISC
// A listener: connections by accept(), by for await, or as events.
'use strict';

const {EventEmitter} = require('node:events');
const {Socket, wait} = require('./socket');

/** Events: 'close'. */
class Listener extends EventEmitter {
	constructor(client, number, port, settings = {}) {
		super();
		this.client = client;
		this.number = number;
		this.port = port;
		this.settings = settings;
		this.accepted = []; // that accepts got which were withdrawn too late
		this.withdrawn = Promise.resolve();
		this.closed = false;
		if (client.sockets.has(number)) client.sockets.set(number, this);
	}

	take() {} // a listener has no events

	lose() {
		this.closed = true;
		this.emit('close');
	}

	/** Waits for a connection; the client owns its socket. */
	async accept({timeout, signal} = {}) {
		await this.withdrawn;
		if (this.accepted.length > 0) return this.accepted.shift();
		const late = (reply) => reply && this.accepted.push(this.made(reply));
		const withdrew = (answered) => (this.withdrawn = answered);
		return this.made(await this.client.request('gen_tcp.accept',
			{socket: this.number, timeout: wait(timeout)}, {signal, late, withdrew}));
	}

	made(reply) {
		return new Socket(this.client, reply.result.socket, this.settings);
	}

	/** Accepts until the listener is closed. */
	async* [Symbol.asyncIterator]() {
		while (!this.closed) {
			let socket;
			try {
				socket = await this.accept();
			} catch (e) {
				if (e.reason === 'closed' || this.closed) return;
				throw e;
			}
			yield socket;
		}
	}

	/** Closes it; connections that were accepted stay. */
	async close() {
		if (this.closed) return;
		this.closed = true;
		await this.client.request('gen_tcp.close', {socket: this.number});
		this.client.sockets.delete(this.number);
		for (const socket of this.accepted) socket.destroy();
		if (this.client.ephemeral && this.client.sockets.size === 0) this.client.close();
		this.emit('close');
	}
}

module.exports = {Listener};
