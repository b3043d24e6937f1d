/* SPDX-License-Identifier: ISC */
/*
 * A log file.  A write to a disk may wait, and no flag prevents that: so a thread
 * writes, and who logs leaves a line in a queue of bounded size.
 */
#ifndef BASE_LOG_FILE_H
#define BASE_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct log_file;

/*
 * Opens path, which is made with mode 0640 if it is not there, to write at its end.
 * NULL with errno.
 */
struct log_file *log_file_open(const char *path);
/* The file at path, which is there or is made, in place of the one before.  0 or an errno. */
int log_file_reopen(struct log_file *f, const char *path);
/* Leaves a line, its end included.  False: the queue is full, or the disk was just now. */
bool log_file_put(struct log_file *f, const char *line, size_t len);
/* Waits at most ms until all is written; the thread goes on with what is then left. */
void log_file_close(struct log_file *f, int ms);

#endif
