/* What is decided of each operation, and the trace of all. */
#include "faults.h"

#include <signal.h>
#include <stdarg.h>

enum { NOTHING, KILL_BEFORE, KILL_AFTER, FAIL, SHORT_WRITE };

pthread_mutex_t faults_lock = PTHREAD_MUTEX_INITIALIZER;
int counts_reads, spares_syncs, trace = -1, bytes = -1;
long counted, bytes_length;
char *path_of[MOST_DESCRIPTORS];

static char folders[MOST_FOLDERS][LONGEST];
static int folder_count, action, error_number, from_there_on;
static long point;

/* ---- what file_faults.py calls ---- */

void faults_watch(const char *below, int reads) /* folders, with ':' between them */
{
    pthread_mutex_lock(&faults_lock);
    folder_count = 0;
    while (*below && folder_count < MOST_FOLDERS) {
        size_t length = strcspn(below, ":");
        snprintf(folders[folder_count++], LONGEST, "%.*s", (int)length, below);
        below += length + (below[length] == ':');
    }
    counts_reads = reads;
    counted = point = 0;
    action = NOTHING;
    pthread_mutex_unlock(&faults_lock);
}

void faults_plan(int what, long at, int error, int onward)
{
    pthread_mutex_lock(&faults_lock);
    action = what, point = at, error_number = error, from_there_on = onward;
    pthread_mutex_unlock(&faults_lock);
}

void faults_record(const char *trace_path, const char *bytes_path)
{
    int flags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC;
    trace = syscall(SYS_openat, AT_FDCWD, trace_path, flags, 0600);
    bytes = syscall(SYS_openat, AT_FDCWD, bytes_path, flags, 0600);
    bytes_length = 0;
}

/* Let no fsync reach the disk, counted or not: who is only killed does not need it. */
void faults_spare_syncs(void)
{
    spares_syncs = 1;
}

long faults_count(void)
{
    return counted;
}

/* ---- the trace: one line an operation, its parts between tabs ---- */

void say(long number, const char *name, int error, const char *format, ...)
{
    if (trace < 0)
        return;
    static char line[3 * LONGEST];
    int length = snprintf(line, sizeof line, "%ld\t%s\t%d\t", number, name, error);
    va_list rest;
    va_start(rest, format);
    length += vsnprintf(line + length, sizeof line - length - 1, format, rest);
    va_end(rest);
    line[length++] = '\n';
    syscall(SYS_write, trace, line, (size_t)length);
}

void faults_note(const char *text)
{
    int kept = errno;
    pthread_mutex_lock(&faults_lock);
    say(0, "note", 0, "%s", text);
    pthread_mutex_unlock(&faults_lock);
    errno = kept;
}

/* ---- which operations, and what becomes of each ---- */

static int below_the_folders(const char *path)
{
    for (int each = 0; each < folder_count; each++) {
        size_t length = strlen(folders[each]);
        if (!strncmp(path, folders[each], length) && (!path[length] || path[length] == '/'))
            return 1;
    }
    return 0;
}

const char *path_at(int descriptor)
{
    return descriptor >= 0 && descriptor < MOST_DESCRIPTORS ? path_of[descriptor] : NULL;
}

int resolved(int folder, const char *path, char *into)
{
    if (!folder_count || !path)
        return 0;
    char joined[2 * LONGEST] = "";
    if (path[0] != '/' && folder == AT_FDCWD) {
        if (syscall(SYS_getcwd, joined, LONGEST) < 0)
            return 0;
    } else if (path[0] != '/' && path_at(folder)) {
        snprintf(joined, LONGEST, "%s", path_at(folder));
    } else if (path[0] != '/') {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        if (syscall(SYS_readlinkat, AT_FDCWD, link, joined, LONGEST - 1) < 0)
            return 0;
    }
    snprintf(joined + strlen(joined), LONGEST, "/%s", path);
    size_t length = 0;
    for (const char *part = joined; *part;) {
        part += strspn(part, "/");
        size_t size = strcspn(part, "/");
        if (size && !(size == 1 && *part == '.') && length + size < LONGEST - 2) {
            into[length++] = '/';
            memcpy(into + length, part, size);
            length += size;
        }
        part += size;
    }
    into[length] = 0;
    return below_the_folders(into);
}

void follow(int descriptor, const char *path)
{
    if (descriptor < 0 || descriptor >= MOST_DESCRIPTORS)
        return;
    free(path_of[descriptor]);
    path_of[descriptor] = path ? strdup(path) : NULL;
}

void forget(int descriptor)
{
    if (!path_at(descriptor))
        return;
    pthread_mutex_lock(&faults_lock);
    follow(descriptor, NULL);
    say(0, "close", 0, "%d", descriptor);
    pthread_mutex_unlock(&faults_lock);
}

static void die(void)
{
    syscall(SYS_kill, (pid_t)syscall(SYS_getpid), SIGKILL);
    for (;;)
        pause();
}

int begin(int writes)
{
    pthread_mutex_lock(&faults_lock);
    counted++;
    if (counted < point || (counted > point && !from_there_on))
        return 0;
    if (action == KILL_BEFORE)
        die();
    if (action == FAIL)
        return error_number;
    if (action == SHORT_WRITE && counted == point && writes)
        return -1;
    if (action == SHORT_WRITE && from_there_on && (counted > point || !writes))
        return error_number; /* what did not fit does not fit later either */
    return 0;
}

void finish(void)
{
    if (action == KILL_AFTER && counted == point)
        die();
    pthread_mutex_unlock(&faults_lock);
}

int failing(const char *name, int error)
{
    say(counted, name, error, "");
    finish();
    errno = error;
    return -1;
}
