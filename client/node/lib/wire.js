// SPDX-License-Identifier: ISC
// Bytes of the control connection <-> messages; no I/O.
'use strict';

const {ProtocolError} = require('./errors');

const MAX_LINE = 64 * 2 ** 20;
const MAX_ATTACHMENT = 2 ** 30;
const LF = 10;
const utf8 = new TextDecoder('utf-8', {fatal: true});

/** The bytes that data says: a string's UTF-8, bytes, or an array of these and of numbers. */
function flatten(data) {
	if (Buffer.isBuffer(data)) return data;
	if (typeof data === 'string') return Buffer.from(data);
	if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
	if (!Array.isArray(data)) throw new TypeError('data is neither a string, bytes nor an array');
	return Buffer.concat(data.map((part) => {
		if (typeof part !== 'number') return flatten(part);
		if (!Number.isInteger(part) || part < 0 || part > 255) throw new RangeError(`${part} is no byte`);
		return Buffer.of(part);
	}));
}

/** A value for JSON: bytes as base64. */
function asJson(value) {
	if (ArrayBuffer.isView(value)) return {base64: flatten(value).toString('base64')};
	if (Array.isArray(value)) return value.map(asJson);
	if (value !== null && typeof value === 'object') {
		return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, asJson(member)]));
	}
	if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError(`${value} is not JSON`);
	return value;
}

/** The bytes of a data member as gentcpd writes it. */
function payload(value) {
	if (typeof value === 'string') return Buffer.from(value);
	if (Array.isArray(value)) return flatten(value);
	if (value === null || typeof value !== 'object' || typeof value.base64 !== 'string') {
		throw new TypeError('data is neither a string, base64 nor an array');
	}
	const bytes = Buffer.from(value.base64, 'base64');
	if (bytes.toString('base64') !== value.base64) throw new TypeError('bad base64');
	return bytes;
}

/** A request, or without id a notification, as the buffers to be written. */
function encode(id, method, params, data, ack) {
	const message = {jsonrpc: '2.0', method, params: asJson(params)};
	if (id !== null) message.id = id;
	if (ack !== undefined) message.ack = ack;
	if (data !== undefined) message.attached = data.length;
	const line = Buffer.from(JSON.stringify(message) + '\n');
	return data === undefined || data.length === 0 ? [line] : [line, data];
}

/** Takes chunks as they come, gives messages as they are whole. */
class Decoder {
	constructor(maxLine = MAX_LINE, maxAttachment = MAX_ATTACHMENT) {
		this.maxLine = maxLine;
		this.maxAttachment = maxAttachment;
		this.chunks = []; // what is not taken, the first from this.at on
		this.at = 0;
		this.size = 0;
		this.head = null;
		this.line = 0; // bytes of the line that began, in chunks that have no LF
		this.seen = 0; // how many these chunks are
	}

	/** Messages ({value, attachment}) that are whole with this chunk. */
	* feed(chunk) {
		this.chunks.push(chunk);
		this.size += chunk.length;
		for (;;) {
			if (this.head === null && !this.readLine()) return;
			const {attached} = this.head;
			let attachment = null;
			if (attached !== undefined) {
				if (this.size < attached) return;
				attachment = this.take(attached);
			}
			const value = this.head;
			this.head = null;
			yield {value, attachment};
		}
	}

	/** The next count bytes, which are there; a view where they are of one chunk. */
	take(count) {
		const parts = [];
		let left = count;
		while (left > 0) {
			const first = this.chunks[0];
			const part = first.subarray(this.at, this.at + left);
			left -= part.length;
			this.at += part.length;
			parts.push(part);
			if (this.at === first.length) {
				this.chunks.shift();
				this.at = 0;
			}
		}
		this.size -= count;
		return parts.length === 1 ? parts[0] : Buffer.concat(parts, count);
	}

	/** Takes a line, if one is whole, and reads its head. */
	readLine() {
		let end = -1;
		while (this.seen < this.chunks.length) {
			const from = this.seen === 0 ? this.at : 0;
			end = this.chunks[this.seen].indexOf(LF, from);
			this.line += (end < 0 ? this.chunks[this.seen].length : end) - from;
			if (end >= 0 || this.line > this.maxLine) break;
			this.seen++;
		}
		if (this.line > this.maxLine) throw new ProtocolError(`a line of more than ${this.maxLine} bytes`);
		if (end < 0) return false;
		const text = this.take(this.line + 1);
		this.line = this.seen = 0;
		this.head = this.parse(text.subarray(0, -1));
		return true;
	}

	parse(bytes) {
		let value;
		try {
			value = JSON.parse(utf8.decode(bytes));
		} catch (e) {
			throw new ProtocolError(`a line is no JSON: ${e.message}`);
		}
		if (value === null || typeof value !== 'object' || value.jsonrpc !== '2.0') {
			throw new ProtocolError('a line is no message of JSON-RPC 2.0');
		}
		const {attached} = value;
		if (attached !== undefined
			&& !(Number.isInteger(attached) && attached >= 0 && attached <= this.maxAttachment)) {
			throw new ProtocolError(`attached is not a number from 0 to ${this.maxAttachment}`);
		}
		return value;
	}
}

module.exports = {Decoder, asJson, encode, flatten, payload};
