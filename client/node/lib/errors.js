// SPDX-License-Identifier: ISC
// What gen_tcp calls {error, Reason}.
'use strict';

/** An error reply: reason is gen_tcp's atom, code its number as Node has it (a name). */
class GentcpError extends Error {
	/**
	 * @param {string} reason
	 * @param {number} [errno]
	 * @param {object} [data]
	 * @param {Buffer} [rest]
	 */
	constructor(reason, errno = 0, data = {}, rest = Buffer.alloc(0)) {
		super(typeof data.detail === 'string' ? `${reason}: ${data.detail}` : reason);
		this.name = 'GentcpError';
		this.reason = reason;
		// as errors of node:net have it: ECONNREFUSED
		this.code = errno < 0 ? 'ERR_GENTCP_REQUEST' : reason.toUpperCase();
		this.errno = errno;
		this.data = data;
		this.rest = rest;
	}
}

/** The connection to gentcpd is gone, and with it all sockets. */
class LostError extends GentcpError {
	constructor(detail) {
		super('lost', 0, {detail});
		this.name = 'LostError';
	}
}

/** gentcpd said something that it may not say. */
class ProtocolError extends LostError {
	constructor(detail) {
		super(detail);
		this.name = 'ProtocolError';
	}
}

module.exports = {GentcpError, LostError, ProtocolError};
