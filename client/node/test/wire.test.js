// SPDX-License-Identifier: ISC
// What is read and written, and a daemon that is broken or hostile.
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const {test} = require('node:test');
const gentcp = require('gentcp');
const {fake} = require('./daemon');

const {Decoder, asJson, flatten} = require(path.join(path.dirname(require.resolve('gentcp')), 'wire.js'));

function decode(text, step = text.length, ...limits) {
	const decoder = new Decoder(...limits);
	const bytes = Buffer.from(text);
	const found = [];
	for (let at = 0; at < bytes.length; at += step) {
		for (const {value, attachment} of decoder.feed(bytes.subarray(at, at + step))) found.push([value.id, attachment && String(attachment)]);
	}
	return found;
}

test('messages in pieces of any size', () => {
	const text = '{"jsonrpc":"2.0","id":1,"result":"ok"}\n'
		+ '{"jsonrpc":"2.0","id":2,"result":{},"attached":5}\na\nb{\n'
		+ '{"jsonrpc":"2.0","id":3,"result":{},"attached":0}\n'
		+ '{"jsonrpc":"2.0","id":4,"result":"é"}\n';
	for (let step = 1; step <= text.length; step++) {
		assert.deepEqual(decode(text, step), [[1, null], [2, 'a\nb{\n'], [3, ''], [4, null]]);
	}
});

test('an endless line is not kept', () => {
	assert.throws(() => decode('x'.repeat(1001), 10, 1000), gentcp.ProtocolError);
	assert.throws(() => decode(' '.repeat(1001) + '\n', 2000, 1000), gentcp.ProtocolError);
});

test('iodata', () => {
	assert.deepEqual(flatten(['a', Buffer.from('b'), [99, new Uint8Array([100])], 'é']), Buffer.from('abcdé'));
	for (const wrong of [[256], [-1], [1.5], 7, null, {}]) assert.throws(() => flatten(wrong), Error);
	assert.deepEqual(asJson({x: [Buffer.of(0), null]}), {x: [{base64: 'AA=='}, null]});
	assert.throws(() => asJson({x: NaN}), RangeError);
});

const REPLY = '{"jsonrpc":"2.0","id":2,';
const EVENT = '{"jsonrpc":"2.0","method":';
// each is all that the daemon says to a recv of socket 1
const HOSTILE = {
	'no JSON': 'hello\n',
	'no object': '[1]\n',
	'null': 'null\n',
	'another version': '{"jsonrpc":"1.0","id":2,"result":1}\n',
	'no UTF-8': Buffer.from('{"jsonrpc":"2.0","id":2,"result":"\xff"}\n', 'latin1'),
	'too deep': REPLY + '"result":' + '['.repeat(100000) + '\n',
	'attached is text': REPLY + '"result":{},"attached":"5"}\n',
	'attached is negative': REPLY + '"result":{},"attached":-1}\n',
	'attached is huge': REPLY + '"result":{},"attached":1000000000000}\n',
	'an id of nobody': '{"jsonrpc":"2.0","id":77,"result":"ok"}\n',
	'an id that is text': '{"jsonrpc":"2.0","id":"2","result":"ok"}\n',
	'neither': REPLY + '"what":1}\n',
	'both': REPLY + '"result":1,"error":{"code":1,"message":"x"}}\n',
	'it cannot read us': '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}}\n',
	'an error that is text': REPLY + '"error":"closed"}\n',
	'an error without a code': REPLY + '"error":{"message":"closed"}}\n',
	'the rest of an error': REPLY + '"error":{"message":"closed","code":1,"data":{"rest":{}}}}\n',
	'data of a number': REPLY + '"result":{"data":1}}\n',
	'data of large numbers': REPLY + '"result":{"data":[256]}}\n',
	'data of bad base64': REPLY + '"result":{"data":{"base64":"x"}}}\n',
	'no data': REPLY + '"result":{}}\n',
	'a result of null': REPLY + '"result":null}\n',
	'an event of nobody': EVENT + '"tcp","params":{"socket":9,"data":"x"}}\n',
	'an event without params': EVENT + '"tcp"}\n',
	'an event of a number': EVENT + '7,"params":{"socket":1}}\n',
	'an event without data': EVENT + '"tcp","params":{"socket":1}}\n',
	'a down of nobody': EVENT + '"down","params":{"socket":1,"monitor":1,"reason":"x"}}\n',
	'half a line': '{"jsonrpc":"2.0",',
	'half an attachment': REPLY + '"result":{},"attached":9}\nhalf',
	'nothing': '',
};

for (const [name, said] of Object.entries(HOSTILE)) {
	test(`a hostile daemon: ${name}`, {timeout: 10000}, () => fake(said, async (path) => {
		const client = await new gentcp.Client({path}).open();
		await assert.rejects(client.call('gen_tcp.recv', {socket: 1, length: 0}), gentcp.LostError);
		assert.ok(client.lost);
		await assert.rejects(client.whoami(), gentcp.LostError);
	}));
}

test('no daemon', async () => {
	await assert.rejects(new gentcp.Client({path: '/nowhere/s'}).open(), gentcp.LostError);
});
