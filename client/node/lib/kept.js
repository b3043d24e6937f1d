// SPDX-License-Identifier: ISC
// Kept clients: a program that is started again is the client that it was.
'use strict';

const fs = require('node:fs/promises');

const LAZY = 64; // handled events that are acknowledged at once

/** Which events are handled. A number stands for all up to it. */
class Acks {
	constructor(client) {
		this.client = client;
		this.next = null; // the first that is not handled
		this.early = new Set(); // handled ones behind it
		this.told = 0;
	}

	/** The first number that is seen begins the count. */
	came(seq) {
		if (this.next !== null) return;
		this.next = seq;
		this.told = seq - 1;
	}

	handled(seq) {
		if (this.next === null || seq < this.next) return;
		this.early.add(seq);
		while (this.early.delete(this.next)) this.next++;
		if (this.next - 1 - this.told >= LAZY) this.flush();
	}

	/** It is handled by a request that goes out now: the number to acknowledge with it. */
	withRequest(seq) {
		this.handled(seq);
		this.told = Math.max(this.told, this.next - 1);
		return this.told;
	}

	/** Acknowledges what is handled. */
	flush() {
		if (this.next === null || this.told >= this.next - 1) return;
		this.told = this.next - 1;
		this.client.notify('session.ack', {seq: this.told});
	}
}

/** Number and token of the file, or null where there is none. */
async function load(file) {
	let text;
	try {
		text = await fs.readFile(file, 'utf8');
	} catch (e) {
		if (e.code === 'ENOENT') return null;
		throw e;
	}
	try {
		const {client, token} = JSON.parse(text);
		if (!Number.isSafeInteger(client) || typeof token !== 'string') throw new TypeError('no number and token');
		return {client, token};
	} catch (e) {
		throw new TypeError(`${file} is no file of a kept client: ${e.message}`);
	}
}

/** Writes them where only this user can read them, all or nothing. */
async function store(file, {client, token}) {
	const made = `${file}.${process.pid}`;
	await fs.writeFile(made, JSON.stringify({client, token}), {mode: 0o600, flush: true});
	await fs.rename(made, file);
}

/** Becomes the client of the file, or else one that is kept: true for the former. */
async function resume(client, file, ttl) {
	const known = await load(file);
	client.acks = new Acks(client);
	if (known !== null) {
		client.attached = true; // events may follow the answer at once
		try {
			Object.assign(client.server, (await client.request('session.attach', known)).result);
			return true;
		} catch (e) {
			if (e.reason !== 'eacces') throw e; // its time was over, or the daemon is another
			client.attached = false;
		}
	}
	await store(file, (await client.request('session.keep', {ttl, replay: true})).result);
	return false;
}

/** The client ends with this connection. */
async function forget(client, file) {
	await client.request('session.keep', {ttl: 0});
	await fs.unlink(file);
}

module.exports = {forget, resume};
