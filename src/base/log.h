/* SPDX-License-Identifier: ISC */
/*
 * The log: one line per event.  The destination (log_target.h) and the levels are
 * the process's, as stderr itself is; they are the one thing here that does not
 * hang on a context.  A log that cannot be written harms nothing: lost lines
 * are counted, and the first line that is taken again says how many they were.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_L_ERROR, LOG_L_WARNING, LOG_L_INFO, LOG_L_DEBUG, LOG_L_COUNT };

/* "error", "warning", "info", "debug". */
const char *log_level_name(enum log_level level);
/* LOG_L_COUNT if there is none of that name. */
enum log_level log_level_find(const char *name);

/* The subsystems, each with a level of its own; NULL from their number on. */
const char *log_subsystem(size_t i);
/* The level of a subsystem; that of "other" for a name that is none. */
enum log_level log_level_of(const char *subsystem);
/* Of all of them. */
void log_set_level(enum log_level level);
/* Of one.  False: there is none of that name. */
bool log_set_level_of(const char *subsystem, enum log_level level);

/*
 * Writes "gentcpd: level: subsystem: text".  Bytes that are not printable are
 * escaped (\xNN), so that nothing a peer or client sent reaches a terminal raw.
 */
void log_write(enum log_level level, const char *subsystem, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(...)	 log_write(LOG_L_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_L_WARNING, __VA_ARGS__)
#define log_info(...)	 log_write(LOG_L_INFO, __VA_ARGS__)
#define log_debug(...)	 log_write(LOG_L_DEBUG, __VA_ARGS__)

/* Lines that could not be written since the start. */
uint64_t log_lost(void);
/* So many more were. */
void log_lose(uint64_t lines);
/*
 * How many lines were lost of which the log does not tell yet: who takes them has to
 * write a line that does, or to give them back.
 */
uint64_t log_take_untold(void);
void log_give_untold(uint64_t lines);

/* A gate for lines that might flood: open at most once in a second. */
struct log_gate {
	uint64_t next; /* ms */
	uint64_t held; /* lines held back since the last one */
};
/* May a line pass at now (ms)?  *held gets how many were held back before. */
int log_gate_pass(struct log_gate *gate, uint64_t now, uint64_t *held);

#endif
