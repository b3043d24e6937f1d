// SPDX-License-Identifier: ISC
// Programs that are killed and started again, and whose peers notice nothing.
'use strict';

const assert = require('node:assert/strict');
const {spawn} = require('node:child_process');
const {once} = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const {after, before, test} = require('node:test');
const gentcp = require('gentcp');
const {start} = require('./daemon');

const [PEERS, LINES, KILLS] = [50, 30, 4];
let stop;
let folder;
before(async () => {
	stop = await start();
	folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gentcp-kept-'));
});
after(async () => {
	fs.rmSync(folder, {recursive: true});
	await stop();
});

async function serve(kept) {
	const client = await new gentcp.Client({kept, ttl: 30000}).open();
	const options = {packet: 'line', active: 20, ip: 'loopback', backlog: 200};
	const restored = (await client.restored({options})).filter((s) => s instanceof gentcp.Listener);
	const listener = restored[0] ?? await client.listen({options});
	(async () => {
		for (;;) await listener.accept();
	})();
	console.log((await client.call('inet.port', {socket: listener.number})), client.resumed);
	for (;;) {
		const event = await client.nextEvent();
		const socket = client.socket(event.socket);
		if (event.name === 'tcp') await socket.send(String(event.data).toUpperCase(), {ack: event});
		else if (event.name === 'tcp_passive') await socket.setopts({active: 20});
		else if (event.name === 'tcp_closed') await socket.close();
	}
}

/** The program above: {port, resumed, kill}. */
async function server(kept) {
	const script = `const gentcp = require('gentcp'); (${serve})(${JSON.stringify(kept)})`;
	const child = spawn(process.execPath, ['-e', script], {stdio: ['ignore', 'pipe', 'inherit']});
	const [line] = await once(readline.createInterface(child.stdout), 'line');
	const [port, resumed] = line.split(' ');
	const kill = async () => {
		child.kill('SIGKILL');
		await once(child, 'exit');
	};
	return {port: Number(port), resumed: resumed === 'true', kill};
}

async function peer(port, number, heard) {
	const socket = net.connect(port, '127.0.0.1');
	const lines = readline.createInterface(socket)[Symbol.asyncIterator]();
	for (let i = 0; i < LINES; i++) {
		socket.write(`peer ${number} line ${i}\n`);
		assert.equal((await lines.next()).value, `PEER ${number} LINE ${i}`);
		heard();
	}
	socket.destroy();
}

test('a server killed under fifty connections', {timeout: 60000}, async () => {
	const kept = path.join(folder, 'server');
	let running = await server(kept);
	let count = 0;
	let wake = () => {};
	const peers = Promise.all(Array.from({length: PEERS}, (_, number) => peer(running.port, number, () => {
		count++;
		wake();
	})));
	for (let kill = 1; kill <= KILLS; kill++) {
		while (count < kill * PEERS * LINES / (KILLS + 1)) await new Promise((resolve) => (wake = resolve));
		await running.kill();
		const next = await server(kept);
		assert.deepEqual([next.port, next.resumed], [running.port, true]);
		running = next;
	}
	await peers;
	await running.kill();
	const client = await new gentcp.Client({kept}).open();
	assert.ok(client.resumed);
	await client.forget();
	client.close();
});

test('what was not read is told again', {timeout: 20000}, async () => {
	const kept = path.join(folder, 'again');
	const first = await new gentcp.Client({kept}).open();
	const options = {packet: 'line', ip: 'loopback', active: true};
	const listener = await first.listen({options});
	const made = await gentcp.connect({host: '127.0.0.1', port: listener.port, options: {packet: 'line'}});
	const taken = await listener.accept();
	await made.send('1\n2\n3\n');
	for (const line of ['1\n', '2\n']) assert.equal(String((await taken.event()).data), line);
	first.close(); // the second was not handled: nobody had asked for another
	assert.equal(fs.statSync(kept).mode & 0o777, 0o600);
	const second = await new gentcp.Client({kept}).open();
	const restored = await second.restored();
	const again = restored.find((s) => s instanceof gentcp.Socket);
	const seen = [];
	while (seen.at(-1) !== '3\n') seen.push(String((await again.event()).data));
	assert.deepEqual(seen, ['2\n', '3\n']);
	await second.forget();
	second.close();
	await made.close();
});

test('who is thrown out hears why', {timeout: 20000}, async () => {
	const kept = path.join(folder, 'taken');
	const first = await new gentcp.Client({kept}).open();
	const closed = once(first, 'close');
	const second = await new gentcp.Client({kept}).open();
	assert.ok(second.resumed);
	const [why] = await closed;
	assert.ok(why instanceof gentcp.LostError);
	assert.match(why.message, /another connection has attached this client/);
	await second.forget();
	second.close();
});

test('a file that is none, and a client that is no more', async () => {
	const kept = path.join(folder, 'none');
	fs.writeFileSync(kept, '{"client":4711,"token":"5c0f"}');
	const client = await new gentcp.Client({kept}).open();
	assert.equal(client.resumed, false);
	await client.forget();
	client.close();
	for (const broken of ['', '[]', '{"client":1}', '{']) {
		fs.writeFileSync(kept, broken);
		const other = new gentcp.Client({kept});
		await assert.rejects(other.open(), /no file of a kept client/);
		other.close();
	}
});
