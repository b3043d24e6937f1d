/* SPDX-License-Identifier: ISC */
/* Lists of option values. */
#include <stdlib.h>

#include "proto/option.h"

bool
option_list_add(struct option_list *list, const struct option_value *v)
{
	struct option_value *items;
	size_t size = list->size == 0 ? 8 : list->size * 2;

	if (list->count == OPTION_LIST_MAX)
		return false;
	if (list->count == list->size) {
		items = reallocarray(list->items, size, sizeof *items);
		if (items == NULL)
			return false;
		list->items = items;
		list->size = size;
	}
	list->items[list->count++] = *v;
	return true;
}

bool
option_list_join(struct option_list *list, const struct option_list *more)
{
	for (size_t i = 0; i < more->count; i++) {
		if (!option_list_add(list, &more->items[i]))
			return false;
	}
	return true;
}

const struct option_value *
option_list_last(const struct option_list *list, enum option_id id)
{
	for (size_t i = list->count; i > 0; i--) {
		if (list->items[i - 1].id == id)
			return &list->items[i - 1];
	}
	return NULL;
}

void
option_list_fini(struct option_list *list)
{
	free(list->items);
	*list = (struct option_list){0};
}
