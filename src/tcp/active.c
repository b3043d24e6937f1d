/* SPDX-License-Identifier: ISC */
/* What gen_tcp's option active counts; no socket in sight. */
#include "tcp/tcp_socket.h"

enum { ACTIVE_MIN = -32768, ACTIVE_MAX = 32767 };

enum active_result
active_set(struct active *a, enum option_active mode, int n)
{
	int64_t sum;

	if (mode != OPTION_ACTIVE_N) {
		a->mode = mode;
		a->count = 0;
		return ACTIVE_OK;
	}
	sum = (a->mode == OPTION_ACTIVE_N ? a->count : 0) + (int64_t)n;
	if (sum < ACTIVE_MIN || sum > ACTIVE_MAX)
		return ACTIVE_RANGE;
	a->mode = sum > 0 ? OPTION_ACTIVE_N : OPTION_ACTIVE_FALSE;
	a->count = sum > 0 ? (int)sum : 0;
	return sum > 0 ? ACTIVE_OK : ACTIVE_PASSIVE;
}

bool
active_spend(struct active *a)
{
	switch (a->mode) {
	case OPTION_ACTIVE_ONCE:
		/* ends without a word */
		a->mode = OPTION_ACTIVE_FALSE;
		return false;
	case OPTION_ACTIVE_N:
		if (--a->count > 0)
			return false;
		a->mode = OPTION_ACTIVE_FALSE;
		return true;
	case OPTION_ACTIVE_TRUE:
	case OPTION_ACTIVE_FALSE:
		break;
	}
	return false;
}
