#!/usr/bin/env node
// SPDX-License-Identifier: ISC
// Answers lines: each connection is a pipeline, and four loops accept.
'use strict';

const {pipeline} = require('node:stream/promises');
const gentcp = require('gentcp');

async function* answers(socket) {
	// not destroyed at its end: that is when the last answers are on their way
	for await (const line of socket.iterator({destroyOnReturn: false})) {
		yield Buffer.concat([Buffer.from('you said: '), line]);
	}
}

async function acceptor(listener) {
	for await (const socket of listener) {
		pipeline(answers(socket), socket).catch((e) => console.error(`${socket.number}: ${e.message}`));
	}
}

async function main(port = 0) {
	const options = {ip: 'loopback', packet: 'line', reuseaddr: true, backlog: 128};
	// a peer that has said all still gets its answers
	const listener = await gentcp.listen({port: Number(port), options, allowHalfOpen: true});
	console.log(`listening on port ${listener.port}`);
	await Promise.all([1, 2, 3, 4].map(() => acceptor(listener)));
}

main(process.argv[2]);
