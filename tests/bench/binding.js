// SPDX-License-Identifier: ISC
// What binding.c measures, by the Node binding.
'use strict';

const {performance} = require('node:perf_hooks');
const gentcp = require('gentcp');

const IN_FLIGHT = 64;

async function receive(socket, end) {
	let count = 0;
	for await (const packet of socket) {
		count += packet.length > 0;
		if (performance.now() >= end) break;
	}
	return count;
}

async function send(socket, end, packet) {
	let count = 0;
	for (; performance.now() < end; count++) await socket.send(packet);
	return count;
}

async function pipeline(socket, end, packet) {
	const counts = await Promise.all(Array.from({length: IN_FLIGHT}, () => send(socket, end, packet)));
	return counts.reduce((a, b) => a + b);
}

async function main(what, seconds, size) {
	const listener = await gentcp.listen({options: {ip: 'loopback', packet: 4}});
	console.log(`port ${listener.port}`);
	const socket = await listener.accept();
	const begun = performance.now();
	const count = await {receive, send, pipeline}[what](socket, begun + 1000 * seconds, Buffer.alloc(Number(size)));
	console.log(Math.round(1000 * count / (performance.now() - begun)));
	process.exit(0);
}

main(...process.argv.slice(2));
