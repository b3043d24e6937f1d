/* SPDX-License-Identifier: ISC */
#include "proto/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static_assert(ADDRESS_TEXT_MAX >= INET6_ADDRSTRLEN, "an IPv6 address fits");

enum { IPV4_FIELDS = 4 };

/*
 * A zone: an interface's index, or its name.  Erlang takes any word and then
 * forgets it; a link-local address is of no use without, so it is kept here.
 */
static bool
parse_scope(const char *text, uint32_t *scope)
{
	uint64_t number = 0;
	const char *p = text;

	while (*p >= '0' && *p <= '9' && number <= UINT32_MAX)
		number = number * 10 + (uint64_t)(*p++ - '0');
	if (p > text && *p == '\0' && number <= UINT32_MAX) {
		*scope = (uint32_t)number;
		return true;
	}
	if (strlen(text) >= IF_NAMESIZE)
		return false;
	*scope = if_nametoindex(text);
	return *scope != 0;
}

static bool
parse_inet6(const char *text, struct address *a)
{
	struct address new = {.kind = ADDRESS_INET6};
	const char *percent = strchr(text, '%');
	size_t len = percent != NULL ? (size_t)(percent - text) : strlen(text);
	char plain[ADDRESS_TEXT_MAX];

	if (len >= sizeof plain)
		return false;
	memcpy(plain, text, len);
	plain[len] = '\0';
	if (inet_pton(AF_INET6, plain, new.u.inet6.addr) != 1)
		return false;
	if (percent != NULL && !parse_scope(percent + 1, &new.u.inet6.scope_id))
		return false;
	*a = new;
	return true;
}

bool
address_parse(const char *text, struct address *a)
{
	struct address new = {.kind = ADDRESS_INET};

	if (strchr(text, ':') != NULL)
		return parse_inet6(text, a);
	if (inet_pton(AF_INET, text, new.u.inet) != 1)
		return false;
	*a = new;
	return true;
}

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * One field of a short form: decimal, octal with a leading 0, hex with 0x.
 * Erlang knows no 0x0; what it takes for a name, this does too.
 */
static bool
parse_field(const char **text, uint32_t *field)
{
	const char *p = *text, *first;
	uint64_t number = 0;
	int base = 10, digit;

	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		base = 16;
		p += 2;
	} else if (p[0] == '0')
		base = 8;
	for (first = p; (digit = digit_value(*p)) >= 0 && digit < base; p++) {
		number = number * (unsigned)base + (unsigned)digit;
		if (number > UINT32_MAX)
			return false;
	}
	if (p == first || (base == 16 && number == 0))
		return false;
	*text = p;
	*field = (uint32_t)number;
	return true;
}

bool
address_parse_host(const char *text, struct address *a)
{
	struct address new = {.kind = ADDRESS_INET};
	uint32_t fields[IPV4_FIELDS], whole = 0;
	size_t n = 0;

	if (address_parse(text, a))
		return true;
	do {
		if (n == IPV4_FIELDS || !parse_field(&text, &fields[n]))
			return false;
		n++;
	} while (*text == '.' && *++text != '\0');
	if (*text != '\0' || text[-1] == '.')
		return false;
	/* All but the last are one byte each; the last fills what remains. */
	for (size_t i = 0; i + 1 < n; i++) {
		if (fields[i] > UINT8_MAX)
			return false;
		whole |= fields[i] << (8 * (IPV4_FIELDS - 1 - i));
	}
	if (n > 1 && fields[n - 1] >> (8 * (IPV4_FIELDS + 1 - n)) != 0)
		return false;
	whole |= fields[n - 1];
	for (size_t i = 0; i < IPV4_FIELDS; i++)
		new.u.inet[i] = (uint8_t)(whole >> (8 * (IPV4_FIELDS - 1 - i)));
	*a = new;
	return true;
}

bool
address_unmap(struct address *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	uint8_t inet[4];

	if (a->kind != ADDRESS_INET6 ||
	    memcmp(a->u.inet6.addr, mapped, sizeof(mapped)) != 0)
		return false;
	memcpy(inet, a->u.inet6.addr + sizeof(mapped), sizeof(inet));
	a->kind = ADDRESS_INET;
	memcpy(a->u.inet, inet, sizeof(inet));
	return true;
}

void
address_format(const struct address *a, char text[ADDRESS_TEXT_MAX])
{
	const char *word = "";

	switch (a->kind) {
	case ADDRESS_INET:
		if (inet_ntop(AF_INET, a->u.inet, text, ADDRESS_TEXT_MAX) != NULL)
			return;
		break;
	case ADDRESS_INET6:
		if (inet_ntop(AF_INET6, a->u.inet6.addr, text, ADDRESS_TEXT_MAX) != NULL)
			return;
		break;
	case ADDRESS_ANY:
		word = "any";
		break;
	case ADDRESS_LOOPBACK:
		word = "loopback";
		break;
	case ADDRESS_NONE:
	case ADDRESS_LOCAL:
		break;
	}
	snprintf(text, ADDRESS_TEXT_MAX, "%s", word);
}
