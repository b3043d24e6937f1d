/* SPDX-License-Identifier: ISC */
/* JSON <-> addresses. */
#include <string.h>

#include "proto/payload.h"
#include "proto/quote.h"
#include "proto/value_private.h"

/* The longest base64 text of a local path. */
enum { PATH_BASE64_MAX = 4 * ((sizeof((struct address *)0)->u.local.path + 2) / 3) };

/*
 * A path, or its bytes in base64.  One that is too long is the kernel's to refuse
 * (einval): as much as there is room for is far more than it takes.
 */
static int
read_path(const json_t *json, struct address *a, struct value_error *e)
{
	struct address new = {.kind = ADDRESS_LOCAL};
	const json_t *base64 = json_object_get(json, "base64");
	char decoded[PATH_BASE64_MAX];
	const char *path = decoded;
	size_t len = 0;

	if (json_is_string(json)) {
		path = json_string_value(json);
		len = json_string_length(json);
	} else if (json_object_size(json) != 1 || !json_is_string(base64))
		return value_refuse(
		    e, "a local address must be a path, or {\"base64\": text}");
	else if (json_string_length(base64) > PATH_BASE64_MAX) {
		len = sizeof decoded;
		memset(decoded, '/', len);
	} else if (!base64_decode(json_string_value(base64), json_string_length(base64),
		       decoded, &len))
		return value_refuse(e, "the base64 text of a local address is not valid");
	if (len >= sizeof new.u.local.path)
		len = sizeof new.u.local.path - 1;
	/* The kernel would stop at the NUL, and take another path. */
	if (len > 0 && path[0] != '\0' && memchr(path, '\0', len) != NULL)
		return value_refuse(e, "a path must not contain NUL");
	memcpy(new.u.local.path, path, len);
	new.u.local.len = len;
	*a = new;
	return 0;
}

static int
read_text(const json_t *json, struct address *a, struct value_error *e)
{
	const char *text = json_string_value(json);
	size_t len = json_string_length(json);
	bool any = value_says(json, "any");

	if (any || value_says(json, "loopback")) {
		*a = (struct address){.kind = any ? ADDRESS_ANY : ADDRESS_LOOPBACK};
		return 0;
	}
	if (strlen(text) != len || !address_parse(text, a))
		return value_refuse(
		    e, "%s is not an address", quote_name(text, len).text);
	return 0;
}

/* A member of a sockaddr; absent it is 0. */
static int
read_member(const json_t *json, const char *name, uint32_t max, uint32_t *number,
    struct value_error *e)
{
	const json_t *member = json_object_get(json, name);
	int64_t value = 0;

	if (member != NULL && !value_integer(member, 0, max, &value))
		return value_refuse(e,
		    "a sockaddr's \"%s\" must be an integer from 0 to %lu", name,
		    (unsigned long)max);
	*number = (uint32_t)value;
	return 0;
}

/* "any" and "loopback" in the sockaddr of a family have one meaning: it is given here. */
static void
settle_word(struct address *a, enum address_kind kind)
{
	bool loopback = a->kind == ADDRESS_LOOPBACK;

	if (a->kind != ADDRESS_ANY && !loopback)
		return;
	*a = (struct address){.kind = kind};
	if (loopback && kind == ADDRESS_INET) {
		a->u.inet[0] = 127;
		a->u.inet[3] = 1;
	} else if (loopback)
		a->u.inet6.addr[15] = 1;
}

static int
check_members(const json_t *json, const char *const *allowed, struct value_error *e)
{
	const char *key;
	size_t i;

	for (void *at = json_object_iter((json_t *)json); at != NULL;
	     at = json_object_iter_next((json_t *)json, at)) {
		key = json_object_iter_key(at);
		for (i = 0; allowed[i] != NULL; i++) {
			if (strcmp(allowed[i], key) == 0)
				break;
		}
		if (allowed[i] == NULL)
			return value_refuse(e, "unknown member %s in a sockaddr",
			    quote_name(key, strlen(key)).text);
	}
	return 0;
}

static int
read_ip_sockaddr(
    const json_t *json, enum address_kind kind, struct address *a, struct value_error *e)
{
	static const char *const inet[] = {"family", "addr", "port", NULL};
	static const char *const inet6[] = {
	    "family", "addr", "port", "scope_id", "flowinfo", NULL};
	const json_t *addr = json_object_get(json, "addr");
	struct address new;
	uint32_t port, scope_id, flowinfo;

	if (check_members(json, kind == ADDRESS_INET6 ? inet6 : inet, e) == -1)
		return -1;
	if (!json_is_string(addr))
		return value_refuse(e, "a sockaddr's \"addr\" must be a string");
	if (read_text(addr, &new, e) == -1 ||
	    read_member(json, "port", UINT16_MAX, &port, e) == -1 ||
	    read_member(json, "scope_id", UINT32_MAX, &scope_id, e) == -1 ||
	    read_member(json, "flowinfo", UINT32_MAX, &flowinfo, e) == -1)
		return -1;
	settle_word(&new, kind);
	if (new.kind != kind)
		return value_refuse(e, "a sockaddr's \"addr\" must be of its \"family\"");
	if (json_object_get(json, "scope_id") != NULL)
		new.u.inet6.scope_id = scope_id;
	if (kind == ADDRESS_INET6)
		new.u.inet6.flowinfo = flowinfo;
	new.sockaddr = true;
	new.port = (uint16_t)port;
	*a = new;
	return 0;
}

static int
read_sockaddr(const json_t *json, struct address *a, struct value_error *e)
{
	static const char *const local[] = {"family", "addr", NULL};
	const json_t *family = json_object_get(json, "family");

	if (value_says(family, "inet"))
		return read_ip_sockaddr(json, ADDRESS_INET, a, e);
	if (value_says(family, "inet6"))
		return read_ip_sockaddr(json, ADDRESS_INET6, a, e);
	if (!value_says(family, "local"))
		return value_refuse(e,
		    "a sockaddr's \"family\" must be \"inet\", \"inet6\" or \"local\"");
	if (check_members(json, local, e) == -1 ||
	    read_path(json_object_get(json, "addr"), a, e) == -1)
		return -1;
	a->sockaddr = true;
	return 0;
}

int
value_read_address(json_t *json, struct address *a, struct value_error *e)
{
	if (json_is_string(json))
		return read_text(json, a, e);
	if (json_object_get(json, "family") != NULL)
		return read_sockaddr(json, a, e);
	if (json_object_size(json) == 1 && json_object_get(json, "local") != NULL)
		return read_path(json_object_get(json, "local"), a, e);
	return value_refuse(
	    e, "an address must be a string, {\"local\": path} or a sockaddr object");
}

json_t *
value_new_bytes(const void *data, size_t len)
{
	char base64[4 * ((VALUE_BYTES_MAX + 2) / 3)];

	if (payload_is_text(data, len))
		return json_stringn(data, len);
	len = base64_encode(data, len, base64);
	return json_pack("{s:o}", "base64", json_stringn(base64, len));
}

/* A path as JSON says bytes. */
static json_t *
new_path(const struct address *a)
{
	return value_new_bytes(a->u.local.path, a->u.local.len);
}

static json_t *
new_text(const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];

	address_format(a, text);
	return json_string(text);
}

json_t *
value_new_sockaddr(const struct address *a)
{
	switch (a->kind) {
	case ADDRESS_LOCAL:
		return json_pack("{s:s, s:o}", "family", "local", "addr", new_path(a));
	case ADDRESS_INET6:
		return json_pack("{s:s, s:o, s:i, s:I, s:I}", "family", "inet6", "addr",
		    new_text(a), "port", (int)a->port, "scope_id",
		    (json_int_t)a->u.inet6.scope_id, "flowinfo",
		    (json_int_t)a->u.inet6.flowinfo);
	case ADDRESS_INET:
		return json_pack("{s:s, s:o, s:i}", "family", "inet", "addr", new_text(a),
		    "port", (int)a->port);
	case ADDRESS_NONE:
	case ADDRESS_ANY:
	case ADDRESS_LOOPBACK:
		break;
	}
	return new_text(a);
}

json_t *
value_new_host(const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];

	if (a->kind != ADDRESS_INET6 || a->u.inet6.scope_id == 0)
		return new_text(a);
	address_format(a, text);
	return json_sprintf("%s%%%u", text, (unsigned)a->u.inet6.scope_id);
}

json_t *
value_new_address(const struct address *a)
{
	if (a->sockaddr)
		return value_new_sockaddr(a);
	if (a->kind == ADDRESS_LOCAL)
		return json_pack("{s:o}", "local", new_path(a));
	return new_text(a);
}
