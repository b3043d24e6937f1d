// SPDX-License-Identifier: ISC
// A gentcpd of the test's own, and daemons that say what a test wants.
'use strict';

const {spawn} = require('node:child_process');
const {once} = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

const PROGRAM = process.env.GENTCPD ?? path.join(__dirname, '../../../build-test/src/gentcpd');

/** Starts one where gentcp finds it by itself: a function that ends it. */
async function start() {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gentcp-node-'));
	const socket = path.join(folder, 's');
	const child = spawn(PROGRAM, ['--socket', socket], {stdio: ['ignore', 'ignore', 'pipe']});
	let said = '';
	child.stderr.on('data', (data) => (said += data));
	while (!said.includes('listening')) {
		await Promise.race([once(child.stderr, 'data'), once(child, 'exit').then(() => {
			throw new Error(`gentcpd does not start: ${said}`);
		})]);
	}
	process.env.GENTCPD_SOCKET = socket;
	return async () => {
		child.kill();
		const [status] = await once(child, 'exit');
		fs.rmSync(folder, {recursive: true});
		if (status !== 0) throw new Error(`gentcpd ended with ${status}: ${said}`);
	};
}

const HELLO = '{"jsonrpc":"2.0","id":1,"result":{"client":1,"server":"fake/1","protocol":1}}\n';

/** A daemon that says hello, then this, then hangs up: calls use with its path. */
async function fake(said, use) {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gentcp-fake-'));
	const server = net.createServer((connection) => {
		connection.on('error', () => {});
		connection.once('data', () => {
			connection.write(HELLO);
			connection.once('data', () => connection.end(said));
		});
	});
	server.listen(path.join(folder, 's'));
	await once(server, 'listening');
	try {
		await use(path.join(folder, 's'));
	} finally {
		server.close();
		fs.rmSync(folder, {recursive: true});
	}
}

module.exports = {fake, start};
