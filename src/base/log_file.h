/* SPDX-License-Identifier: ISC */
/*
 * A log file.  A write to a disk may wait, and no flag prevents that: so a thread
 * writes, and who logs leaves a line in a queue of bounded size.  What the disk or
 * the queue has no room for is lost; the thread writes how many lines that were as
 * soon as there is room again, for which it looks each second.
 */
#ifndef BASE_LOG_FILE_H
#define BASE_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOG_FILE_LINE = 4096 }; /* bytes of a line, its end included */

struct log_file;

/* Makes the line that tells of so many lost ones; its length.  Called by the thread. */
typedef size_t log_file_notice(char line[LOG_FILE_LINE], uint64_t lines);

/*
 * Opens path, which is made with mode 0640 if it is not there, to write at its end.
 * NULL with errno.
 */
struct log_file *log_file_open(const char *path, log_file_notice *notice);
/* The file at path, which is there or is made, in place of the one before.  0 or an errno. */
int log_file_reopen(struct log_file *f, const char *path);
/* Leaves a line, its end included.  False: the queue is full, or the disk was just now. */
bool log_file_put(struct log_file *f, const char *line, size_t len);
/* Waits at most ms until all is written; the thread goes on with what is then left. */
void log_file_close(struct log_file *f, int ms);

#endif
