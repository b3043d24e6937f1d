// SPDX-License-Identifier: ISC
// Runs tests/conformance; see the README there.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {after, before, test} = require('node:test');
const {Client, GentcpError} = require('gentcp');
const {start} = require('./daemon');

const FOLDER = path.join(__dirname, '../../../tests/conformance');
const BYTES = new Set(['data', 'rest', 'header']);

function iodata(value) {
	if (Array.isArray(value)) return value.map((v) => (typeof v === 'number' ? v : iodata(v)));
	return typeof value === 'object' ? Buffer.from(value.base64, 'base64') : value;
}

function bytes(value) {
	if (Array.isArray(value)) return Buffer.concat(value.map((v) => (typeof v === 'number' ? Buffer.of(v) : bytes(v))));
	return Buffer.from(iodata(value));
}

const ok = async (promise) => ((await promise) === undefined ? 'ok' : 'something');
const timing = (p, signal) => ({timeout: p.timeout === 'infinity' ? undefined : p.timeout, signal});
const received = (packet) => (Buffer.isBuffer(packet) ? {data: packet} : {http: packet});

// method: the params that the function takes, the function
const CALLS = {
	'gen_tcp.connect': ['address port options timeout', async (c, p, signal) => ({
		socket: (await c.connect({host: p.address, port: p.port, options: p.options, ...timing(p, signal)})).number})],
	'gen_tcp.listen': ['port options', async (c, p) => {
		const made = await c.listen(p);
		return {socket: made.number, port: made.port};
	}],
	'gen_tcp.accept': ['socket timeout', async (c, p, signal) => ({
		socket: (await c.listener(p.socket, {options: {active: true}}).accept(timing(p, signal))).number})],
	'gen_tcp.send': ['socket data', (c, p) => ok(c.socket(p.socket).send(iodata(p.data)))],
	'gen_tcp.recv': ['socket length timeout', async (c, p, signal) => received(
		await c.socket(p.socket).recv(p.length, timing(p, signal)))],
	'gen_tcp.close': ['socket', (c, p) => ok((c.sockets.get(p.socket) ?? c.socket(p.socket)).close())],
	'gen_tcp.shutdown': ['socket how', (c, p) => ok(c.socket(p.socket).shutdown(p.how))],
	'gen_tcp.controlling_process': ['socket client', (c, p) => ok(c.socket(p.socket).controllingProcess(p.client))],
	'gen_tcp.unrecv': ['socket data', (c, p) => ok(c.socket(p.socket).unrecv(iodata(p.data)))],
	'inet.setopts': ['socket options', (c, p) => ok(c.socket(p.socket).setopts(p.options))],
	'inet.getopts': ['socket names', (c, p) => c.socket(p.socket).getopts(...p.names)],
	'inet.sockname': ['socket', (c, p) => c.socket(p.socket).sockname()],
	'inet.peername': ['socket', (c, p) => c.socket(p.socket).peername()],
	'inet.port': ['socket', (c, p) => c.socket(p.socket).port()],
	'inet.getstat': ['socket names', (c, p) => c.socket(p.socket).getstat(...p.names ?? [])],
	'inet.info': ['socket', (c, p) => c.socket(p.socket).info()],
	'inet.i': ['', (c) => c.allSockets()],
	'inet.getaddrs': ['host family', (c, p) => c.getaddrs(p.host, p.family)],
	'inet.monitor': ['socket', async (c, p) => ({monitor: await c.monitor(p.socket)})],
	'inet.cancel_monitor': ['monitor', (c, p) => c.cancelMonitor(p.monitor)],
	'session.self': ['', (c) => c.whoami()],
	'session.clients': ['', (c) => c.clients()],
	'rpc.discover': ['', (c) => c.discover()],
};

class Runner {
	constructor() {
		this.names = new Map();
		this.clients = new Map();
		this.later = new Map();
	}

	fill(value) {
		if (typeof value === 'string' && value.startsWith('$')) return this.names.get(value);
		if (Array.isArray(value)) return value.map((v) => this.fill(v));
		if (value === null || typeof value !== 'object') return value;
		return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, this.fill(v)]));
	}

	match(shown, real, name) {
		if (shown === '$_') return true;
		if (typeof shown === 'string' && shown.startsWith('$')) {
			if (!this.names.has(shown)) this.names.set(shown, real);
			return this.names.get(shown) === real;
		}
		if (shown?.$has) return shown.$has.every((s) => real.some((r) => this.match(s, r)));
		if (BYTES.has(name) && (typeof shown !== 'object' || Array.isArray(shown) || shown.base64 !== undefined)) {
			return real !== undefined && bytes(shown).equals(Buffer.isBuffer(real) ? real : bytes(real));
		}
		if (Array.isArray(shown)) {
			return Array.isArray(real) && shown.length === real.length && shown.every((s, i) => this.match(s, real[i]));
		}
		if (shown === null || typeof shown !== 'object') return shown === real;
		return real !== null && typeof real === 'object'
			&& Object.entries(shown).every(([k, v]) => this.match(v, real[k], k));
	}

	async client(name) {
		if (!this.clients.has(name)) {
			const client = await new Client().open();
			this.clients.set(name, client);
			this.names.set(`$${name}:id`, client.id);
		}
		return this.clients.get(name);
	}

	call(client, method, params, signal) {
		const [known, f] = CALLS[method] ?? [''];
		const asMethod = f !== undefined && !Array.isArray(params)
			&& Object.keys(params).every((key) => known.split(' ').includes(key));
		return asMethod ? f(client, params, signal) : client.call(method, params);
	}

	async answered(step, call) {
		let result;
		try {
			result = await call;
		} catch (e) {
			assert.ok(step.error, `${JSON.stringify(step)}: ${e.stack}`);
			if (e.name === 'AbortError') {
				assert.equal(step.error.message, 'cancelled');
				return;
			}
			assert.ok(e instanceof GentcpError, e.stack);
			const told = {message: e.reason, code: e.errno, data: {...e.data, rest: e.rest}};
			assert.ok(this.match(step.error, told), `${JSON.stringify(step)}: ${JSON.stringify(told)}`);
			return;
		}
		assert.ok('result' in step && this.match(step.result, result), `${JSON.stringify(step)}: ${JSON.stringify(result)}`);
	}

	async event(client, step) {
		const {socket, monitor} = this.fill({socket: step.params.socket ?? 0, monitor: step.params.monitor ?? 0});
		let told;
		if (step.event === 'down') {
			told = {monitor, reason: await client.down(monitor)};
		} else if (step.event === 'tcp_owner') {
			const given = await client.given();
			told = {socket: given.number, from: given.givenBy};
		} else {
			told = await client.socket(socket).event({timeout: 20000});
			assert.equal(told.name, step.event, JSON.stringify(step));
		}
		assert.ok(this.match(step.params, told), `${JSON.stringify(step)}: ${JSON.stringify(told)}`);
	}

	async step(step) {
		const client = await this.client(step.by ?? 'a');
		if (step.call) {
			const stop = new AbortController();
			const call = this.call(client, step.call, this.fill(step.params), step.later && stop.signal);
			if (!step.later) {
				await this.answered(step, call);
				return;
			}
			call.catch(() => {});
			this.later.set(step.later, {call, stop});
			await client.whoami();
		} else if (step.reply) {
			await this.answered(step, this.later.get(step.reply).call);
		} else if (step.cancel) {
			this.later.get(step.cancel).stop.abort();
		} else if (step.event) {
			await this.event(client, step);
		} else if (step.silent) {
			await client.whoami();
			assert.equal(client.socket(this.fill(step.silent)).mailbox.length, 0);
		} else {
			assert.ok(step.end, JSON.stringify(step));
			client.close();
		}
	}
}

let stop;
before(async () => {
	stop = await start();
});
after(() => stop());

for (const file of fs.readdirSync(FOLDER).filter((name) => name.endsWith('.json')).sort()) {
	for (const {name, steps, needs} of JSON.parse(fs.readFileSync(path.join(FOLDER, file)))) {
		// Node has no way to pass descriptors
		if (needs === 'descriptors') continue;
		test(`${file}: ${name}`, {timeout: 20000}, async () => {
			const runner = new Runner();
			try {
				for (const step of steps) {
					if (process.env.VERBOSE) console.error(JSON.stringify(step));
					await runner.step(step);
				}
			} finally {
				for (const client of runner.clients.values()) client.close();
			}
		});
	}
}
