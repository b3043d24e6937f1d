// SPDX-License-Identifier: ISC
// Is given a socket, gives back COUNT of its packets, and gives it to client NEXT.
'use strict';

const gentcp = require('gentcp');

async function main(count, next) {
	const client = await new gentcp.Client().open();
	console.log(`client ${client.id}`);
	const socket = await client.given();
	for (let i = 0; i < count; i++) {
		const {data} = await socket.event();
		await socket.send(['Node ', data]);
	}
	await socket.controllingProcess(next);
	client.close();
}

main(...process.argv.slice(2).map(Number));
