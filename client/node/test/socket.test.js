// SPDX-License-Identifier: ISC
// Sockets as streams, owners, withdrawn requests: what the conformance script does not say.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const {once} = require('node:events');
const {pipeline} = require('node:stream/promises');
const {after, before, test} = require('node:test');
const gentcp = require('gentcp');
const {start} = require('./daemon');

const LIMIT = {timeout: 30000};
let stop;
before(async () => {
	stop = await start();
});
after(() => stop());

/** With a client: f(client), and the client ends. */
async function withClients(count, f) {
	const clients = [];
	try {
		for (let i = 0; i < count; i++) clients.push(await new gentcp.Client().open());
		return await f(...clients);
	} finally {
		for (const client of clients) client.close();
	}
}

async function pair(client, settings = {}) {
	const listener = await client.listen({options: {ip: 'loopback', ...settings.options}, allowHalfOpen: settings.allowHalfOpen});
	const made = await client.connect({host: '127.0.0.1', port: listener.port, ...settings});
	const taken = await listener.accept({timeout: 5000});
	await listener.close();
	return [made, taken];
}

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

test('a first program', LIMIT, async () => {
	const listener = await gentcp.listen({options: {ip: 'loopback', packet: 'line'}}, (socket) => {
		socket.on('packet', (line) => socket.write(line));
	});
	const socket = await gentcp.connect({port: listener.port, options: {packet: 'line'}});
	const lines = Array.from({length: 100}, (_, i) => `line ${i}\n`);
	for (const line of lines) socket.write(line);
	const seen = [];
	for await (const line of socket) {
		if (seen.push(String(line)) === lines.length) break;
	}
	assert.deepEqual(seen, lines);
	await listener.close();
});

test('a chunk is a packet', LIMIT, () => withClients(1, async (client) => {
	const [made, taken] = await pair(client, {options: {packet: 2}});
	for (let i = 0; i < 300; i++) made.write(`packet ${i}`);
	made.end();
	const seen = [];
	for await (const packet of taken) seen.push(String(packet));
	assert.deepEqual(seen, Array.from({length: 300}, (_, i) => `packet ${i}`));
}));

test('30 MB through a pipeline, both ways', LIMIT, () => withClients(2, async (a, b) => {
	const listener = await b.listen({options: {ip: 'loopback'}, allowHalfOpen: true}, (socket) => {
		pipeline(socket, socket).catch(() => {});
	});
	const socket = await a.connect({host: '127.0.0.1', port: listener.port, allowHalfOpen: true});
	const chunk = crypto.randomBytes(2 ** 20);
	const sum = crypto.createHash('sha256');
	const heard = crypto.createHash('sha256');
	const writing = pipeline(async function* () {
		for (let i = 0; i < 30; i++) {
			sum.update(chunk);
			yield chunk;
		}
	}, socket, {end: true}).catch(() => {});
	let size = 0;
	for await (const data of socket) {
		heard.update(data);
		size += data.length;
	}
	await writing;
	assert.equal(size, 30 * 2 ** 20);
	assert.equal(heard.digest('hex'), sum.digest('hex'));
}));

test('who does not read slows its peer, and nobody else', LIMIT, () => withClients(2, async (a, b) => {
	for (const active of [undefined, true]) {
		const listener = await b.listen({options: {ip: 'loopback', ...(active && {active})}});
		const made = await a.connect({host: '127.0.0.1', port: listener.port});
		const taken = await listener.accept();
		if (active) taken.manual = true;
		const chunk = Buffer.alloc(2 ** 20, 'x');
		let sent = 0;
		const sending = (async () => {
			for (; sent < 60; sent++) await made.send(chunk);
			await made.close();
		})();
		if (!active) taken.once('readable', () => {}); // it wants some
		await later(400);
		assert.ok(sent < 50, `${sent} MB were sent`);
		assert.ok(taken.size < 8 * 2 ** 20);
		const other = await b.connect({host: '127.0.0.1', port: listener.port});
		await other.send('fine');
		const third = await listener.accept();
		assert.equal(String(active ? (await third.event({timeout: 5000})).data : await third.recv(4)), 'fine');
		let size = 0;
		for await (const data of taken) size += data.length;
		assert.equal(size, 60 * 2 ** 20);
		await sending;
	}
}));

test('a withdrawn recv loses nothing', LIMIT, () => withClients(1, async (client) => {
	const [made, taken] = await pair(client, {options: {packet: 'line'}});
	const seen = [];
	let sent = 0;
	for (let turn = 0; turn < 200; turn++) {
		const stopper = new AbortController();
		const recv = taken.recv(0, {signal: stopper.signal});
		const result = recv.then((data) => seen.push(String(data)), (e) => assert.equal(e.name, 'AbortError'));
		if (turn % 2) {
			const sending = made.send(`${sent++}\n`);
			if (turn % 3) await later(turn % 5 ? 0 : 1);
			stopper.abort();
			await sending;
		} else {
			stopper.abort();
		}
		await result;
	}
	while (seen.length < sent) seen.push(String(await taken.recv(0, {timeout: 5000})));
	assert.deepEqual(seen, Array.from({length: sent}, (_, i) => `${i}\n`));
}));

test('a withdrawn accept, connect and event', LIMIT, () => withClients(1, async (client) => {
	const listener = await client.listen({options: {ip: 'loopback'}});
	for (let turn = 0; turn < 20; turn++) {
		const stopper = new AbortController();
		const accepting = listener.accept({signal: stopper.signal}).catch((e) => assert.equal(e.name, 'AbortError'));
		const made = await client.connect({host: '127.0.0.1', port: listener.port});
		if (turn % 2) await later(1);
		stopper.abort();
		const taken = await accepting ?? await listener.accept({timeout: 5000});
		await made.close();
		await taken.close();
		const other = new AbortController();
		const connecting = client.connect({host: '127.0.0.1', port: listener.port, signal: other.signal});
		other.abort();
		await assert.rejects(connecting, {name: 'AbortError'});
		await (await listener.accept({timeout: 50}).catch(() => null))?.close();
	}
	const [, taken] = await pair(client, {options: {active: true}});
	const event = new AbortController();
	const waiting = taken.event({signal: event.signal});
	event.abort();
	await assert.rejects(waiting, {name: 'AbortError'});
	await assert.rejects(taken.event({timeout: 10}), {reason: 'timeout'});
	await assert.rejects(listener.accept({timeout: 10}), {reason: 'timeout', code: 'TIMEOUT', errno: 10002});
}));

test('many calls at once', LIMIT, () => withClients(1, async (client) => {
	const [made, taken] = await pair(client, {options: {packet: 4}});
	const sends = Array.from({length: 2000}, (_, i) => made.send(`${i}`));
	const facts = Array.from({length: 500}, () => taken.getstat('recv_oct'));
	for (let i = 0; i < 2000; i++) assert.equal(String(await taken.recv()), `${i}`);
	await Promise.all([...sends, ...facts]);
}));

test('a stream through three owners', LIMIT, () => withClients(3, async (a, b, c) => {
	const [made, first] = await pair(a, {options: {packet: 2}});
	const sending = (async () => {
		for (let i = 0; i < 2000; i++) await made.send(`${i}`);
		await made.close();
	})();
	const seen = [];
	let socket = first;
	for (let turn = 0; turn < 30; turn++) {
		// some by the stream, whose buffer is not empty then
		for (let i = 0; i < turn % 40; i++) {
			let packet = socket.read();
			if (packet === null) {
				await once(socket, 'readable');
				packet = socket.read();
			}
			if (packet !== null) seen.push(Number(String(packet)));
		}
		const to = [b, c, a][turn % 3];
		await socket.controllingProcess(to);
		socket = await to.given();
	}
	for await (const packet of socket) seen.push(Number(String(packet)));
	assert.deepEqual(seen, Array.from({length: 2000}, (_, i) => i));
	await sending;
}));

test('a failed hand-over changes nothing', LIMIT, () => withClients(1, async (client) => {
	const [made, taken] = await pair(client, {options: {packet: 'line', active: true}});
	await made.send('1\n2\n');
	await later(20);
	await assert.rejects(taken.controllingProcess(4711), {reason: 'badarg'});
	await made.send('3\n');
	for (const line of ['1\n', '2\n', '3\n']) assert.equal(String((await taken.event({timeout: 5000})).data), line);
	assert.deepEqual(await taken.getopts('active'), {active: true});
}));

test('the end of a client', LIMIT, async () => {
	const client = await new gentcp.Client().open();
	const [, taken] = await pair(client);
	const waits = [taken.recv(), client.given(), client.down(7)];
	const events = taken.event();
	client.close();
	for (const wait of [...waits, events]) await assert.rejects(wait, gentcp.LostError);
	await assert.rejects(taken.send('x'), gentcp.LostError);
	await taken.close();
});

test('a reset is an error of the stream', LIMIT, () => withClients(1, async (client) => {
	const [made, taken] = await pair(client, {options: {show_econnreset: true}});
	const failed = once(taken, 'error');
	taken.resume();
	await later(20);
	await made.setopts({linger: [true, 0]});
	await made.close();
	const [error] = await failed;
	assert.equal(error.code, 'ECONNRESET');
}));
