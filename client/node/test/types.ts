// SPDX-License-Identifier: ISC
// Compiled, not run: what the types have to allow.
import * as gentcp from 'gentcp';

export async function main(): Promise<void> {
	const client = await new gentcp.Client({name: 'types'}).open();
	const listener = await client.listen({options: {ip: 'loopback', packet: 'line'}}, (socket) => {
		socket.on('packet', (line: gentcp.Packet) => socket.write(line));
	});
	const socket = await gentcp.connect({host: 'localhost', port: listener.port, options: ['inet', ['packet', 4]]});
	await socket.send(['text', 1, Buffer.of(2), [new Uint8Array(3)]]);
	const packet = await socket.recv(0, {timeout: 100, signal: new AbortController().signal});
	if (Buffer.isBuffer(packet)) packet.toString();
	else if (packet.type === 'http_request') packet.version[0].toFixed();
	const event = await socket.event();
	await socket.send(event.data ?? "", {ack: event});
	const size: number | undefined = event.data?.length;
	for await (const other of listener) await other.controllingProcess(client);
	socket.pipe(socket);
	try {
		await socket.setopts({active: size ?? 'once'});
	} catch (e) {
		if (e instanceof gentcp.GentcpError) console.log(e.reason, e.rest.length, e.data.option);
	}
}
