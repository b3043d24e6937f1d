/* SPDX-License-Identifier: ISC */
/* What is shown, and what is there. */
#include <stdlib.h>
#include <string.h>

#include "conformance/conformance.h"
#include "proto/payload.h"

enum { DATA_MAX = 1 << 20 };

json_t *
from_bytes(const void *data, size_t len)
{
	struct bytes text = {0};
	json_t *made;

	payload_put(&text, &(struct payload_style){.form = PAYLOAD_BASE64}, data, len);
	made = json_loadb((const char *)bytes_head(&text), bytes_len(&text), 0, NULL);
	bytes_fini(&text);
	return made;
}

void *
to_bytes(json_t *value, size_t *len)
{
	struct bytes scratch = {0};
	const void *p;
	char why[128], *made;

	if (payload_read(value, DATA_MAX, &scratch, &p, len, why, sizeof(why)) != 0)
		return NULL;
	made = malloc(*len + 1);
	if (made == NULL)
		die("out of memory", value);
	memcpy(made, p, *len);
	bytes_fini(&scratch);
	return made;
}

static bool
same_bytes(json_t *shown, json_t *real)
{
	size_t shown_len = 0, real_len = 0;
	void *a = to_bytes(shown, &shown_len), *b = to_bytes(real, &real_len);
	bool same = a != NULL && b != NULL && shown_len == real_len &&
	    memcmp(a, b, real_len) == 0;

	free(a);
	free(b);
	return same;
}

static const char *
name_of(json_t *value)
{
	const char *text = json_string_value(value);

	return text != NULL && text[0] == '$' ? text : NULL;
}

json_t *
fill(json_t *names, json_t *value)
{
	json_t *made, *one;
	const char *key;
	size_t i;

	if (name_of(value) != NULL) {
		one = json_object_get(names, name_of(value));
		if (one == NULL)
			die("a name that stands for nothing", value);
		return json_incref(one);
	}
	if (json_is_array(value)) {
		made = json_array();
		json_array_foreach (value, i, one) {
			json_array_append_new(made, fill(names, one));
		}
		return made;
	}
	if (!json_is_object(value))
		return json_incref(value);
	made = json_object();
	json_object_foreach (value, key, one) {
		json_object_set_new(made, key, fill(names, one));
	}
	return made;
}

static bool
match_name(json_t *names, const char *name, json_t *real)
{
	json_t *known = json_object_get(names, name);

	if (strcmp(name, "$_") == 0)
		return real != NULL;
	if (known == NULL && real != NULL)
		json_object_set(names, name, real);
	return real != NULL && (known == NULL || json_equal(known, real));
}

static bool
is_bytes(const char *member, json_t *shown)
{
	return member != NULL &&
	    (strcmp(member, "data") == 0 || strcmp(member, "rest") == 0 ||
		strcmp(member, "header") == 0) &&
	    (!json_is_object(shown) || json_object_get(shown, "base64") != NULL);
}

static bool
match_array(json_t *names, json_t *shown, json_t *real)
{
	json_t *one;
	size_t i;

	if (!json_is_array(real) || json_array_size(real) != json_array_size(shown))
		return false;
	json_array_foreach (shown, i, one) {
		if (!match(names, one, json_array_get(real, i), NULL))
			return false;
	}
	return true;
}

/* Each of these is somewhere in the array. */
static bool
match_has(json_t *names, json_t *shown, json_t *real)
{
	json_t *wanted, *one;
	size_t i, j;
	bool found;

	json_array_foreach (shown, i, wanted) {
		found = false;
		json_array_foreach (real, j, one) {
			found = found || match(names, wanted, one, NULL);
		}
		if (!found)
			return false;
	}
	return json_is_array(real);
}

bool
match(json_t *names, json_t *shown, json_t *real, const char *member)
{
	json_t *one;
	const char *key;

	if (name_of(shown) != NULL)
		return match_name(names, name_of(shown), real);
	if (is_bytes(member, shown))
		return real != NULL && same_bytes(shown, real);
	if (json_object_get(shown, "$has") != NULL)
		return match_has(names, json_object_get(shown, "$has"), real);
	if (json_is_array(shown))
		return match_array(names, shown, real);
	if (!json_is_object(shown))
		return real != NULL && json_equal(shown, real);
	if (!json_is_object(real))
		return false;
	json_object_foreach (shown, key, one) {
		if (!match(names, one, json_object_get(real, key), key))
			return false;
	}
	return true;
}
