/* SPDX-License-Identifier: ISC */
/*
 * Where the log's lines go.  A target is the process's, as the log is.  No write
 * waits: a reader that has stopped, a full disk or a syslog that is gone cost lines,
 * which are counted (log_lost()) and told of later, and nothing else.
 */
#ifndef BASE_LOG_TARGET_H
#define BASE_LOG_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"

enum log_target {
	LOG_TO_STDERR,
	LOG_TO_JOURNAL, /* stderr, each line with its priority, as journald takes it */
	LOG_TO_SYSLOG,	/* the datagram socket, path or /dev/log */
	LOG_TO_FILE
};

/*
 * Lines go there from now on.  path is copied; it is the file's, or that of syslog's
 * socket (NULL: /dev/log), else NULL.  False with a sentence in why[size]: all is as
 * before.  A syslog that is not there now is no error: each line tries again.
 */
bool log_open(enum log_target target, const char *path, char *why, size_t size);
/* The file is opened anew: the former was moved away.  As log_open(). */
bool log_reopen(char *why, size_t size);
/* From now on errors are on stderr, too, where the log is a file or syslog; or not. */
void log_errors_beside(bool on);
/* Writes what is left, for at most a second; then lines go to stderr again. */
void log_close(void);
/* LOG_TO_JOURNAL if stderr is journald's, as $JOURNAL_STREAM tells, else stderr. */
enum log_target log_target_guess(void);

/* For log.c: one line without its end.  False: it is lost. */
bool log_target_put(enum log_level level, const char *subsystem, const char *text);

#endif
