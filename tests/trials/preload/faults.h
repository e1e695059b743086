/* Counts, records, fails, or kills at, the file operations of a process below some folders.
 *
 * Preloaded (LD_PRELOAD) it takes the place of libc's calls that change files; each goes to the
 * kernel by syscall(2), so nothing of libc is asked twice. A FILE that is opened for writing below
 * the folders becomes a cookie stream, because libc's own writes of a FILE do not go through the
 * name `write`. It sleeps until faults_watch() is called; file_faults.py does that.
 *
 * faults.c decides and records; names.c has what changes names, data.c what changes bytes. */
#ifndef FAULTS_H
#define FAULTS_H
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST_FOLDERS = 4, MOST_DESCRIPTORS = 65536, LONGEST = 4096 };

#pragma GCC visibility push(hidden) /* nothing else may take these for its own */

extern pthread_mutex_t faults_lock;
extern int counts_reads, spares_syncs, trace, bytes;
extern long counted, bytes_length;
extern char *path_of[MOST_DESCRIPTORS]; /* of what is open below the folders */

/* Write a line of the trace: its parts stand between tabs. */
void say(long number, const char *name, int error, const char *format, ...);
/* Write the absolute path into `into` (LONGEST), and tell whether it lies below the folders. */
int resolved(int folder, const char *path, char *into);
/* Return the path of a descriptor that is open below the folders, or NULL. */
const char *path_at(int descriptor);
/* Remember, or with NULL forget, what a descriptor is open for. */
void follow(int descriptor, const char *path);
/* Forget what a descriptor is open for: it is closed, or was by what nobody sees. */
void forget(int descriptor);
/* Number the operation; return 0 to do it, an errno to fail with, -1 to write less. Locks. */
int begin(int writes);
/* Be done with the operation, which may be the end of the process. Unlocks. */
void finish(void);
/* Fail the operation; returns -1. */
int failing(const char *name, int error);
/* Open a file, as openat does. */
int opened(int folder, const char *path, int flags, mode_t mode);

#pragma GCC visibility pop
#endif
