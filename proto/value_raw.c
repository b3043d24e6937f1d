/* SPDX-License-Identifier: ISC */
/* JSON <-> raw options and pktoptions. */
#include <string.h>

#include "proto/payload.h"
#include "proto/value_private.h"

/* The third member: bytes, of which the first are kept. */
static bool
read_bytes(json_t *json, struct option_value *v)
{
	struct bytes scratch;
	const void *p = NULL;
	size_t len = 0;
	char why[160];
	bool good;

	bytes_init(&scratch);
	good = payload_read(json, VALUE_RAW_MAX, &scratch, &p, &len, why, sizeof why) ==
		0 &&
	    len <= VALUE_RAW_MAX;
	if (good && len > 0)
		memcpy(v->u.raw.data, p, len < OPTION_RAW_MAX ? len : OPTION_RAW_MAX);
	v->u.raw.len = len;
	bytes_fini(&scratch);
	return good;
}

bool
value_read_raw(json_t *json, bool question, struct option_value *v)
{
	json_t *last = json_array_get(json, 2);
	int64_t level, name, size;

	if (json_array_size(json) != 3 ||
	    !value_integer(json_array_get(json, 0), INT32_MIN, INT32_MAX, &level) ||
	    !value_integer(json_array_get(json, 1), INT32_MIN, INT32_MAX, &name))
		return false;
	v->u.raw.level = (int)level;
	v->u.raw.name = (int)name;
	if (!question || !json_is_integer(last))
		return read_bytes(last, v);
	if (!value_integer(last, 0, VALUE_RAW_MAX, &size))
		return false;
	v->u.raw.len = (size_t)size;
	return true;
}

int
value_read_raw_name(json_t *json, struct option_value *v, struct value_error *e)
{
	*v = (struct option_value){.id = OPTION_RAW};
	if (value_read_raw(json, true, v))
		return 0;
	return value_refuse_option(e, option_row(OPTION_RAW),
	    "must be asked for by [protocol, option, size from 0 to 65536, or bytes]");
}

json_t *
value_new_raw(int level, int name, const void *data, size_t len)
{
	struct bytes text;
	json_t *value = NULL;
	unsigned char *room;

	bytes_init(&text);
	room = bytes_room(&text, 4 * ((len + 2) / 3) + 1);
	if (room != NULL) {
		len = base64_encode(data, len, (char *)room);
		value = json_pack("[i, i, {s:o}]", level, name, "base64",
		    json_stringn((const char *)room, len));
	}
	bytes_fini(&text);
	return value;
}

json_t *
value_new_packet(const struct option_value *v)
{
	json_t *list = json_array(), *one;

	for (unsigned i = 0; i < v->u.packet.count; i++) {
		one = json_pack("{s:i}", option_row(v->u.packet.items[i].id)->name,
		    v->u.packet.items[i].number);
		if (one == NULL || json_array_append_new(list, one) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}
