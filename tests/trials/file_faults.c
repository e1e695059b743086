/* Counts, records, fails, or kills at, the file operations of a process below some folders.
 *
 * Preloaded (LD_PRELOAD) it takes the place of libc's calls that change files; each goes to the
 * kernel by syscall(2), so nothing of libc is asked twice. A FILE that is opened for writing below
 * the folders becomes a cookie stream, because libc's own writes of a FILE do not go through the
 * name `write`. It sleeps until faults_watch() is called; file_faults.py does that. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NOTHING, KILL_BEFORE, KILL_AFTER, FAIL, SHORT_WRITE };
enum { MOST_FOLDERS = 4, MOST_DESCRIPTORS = 65536, LONGEST = 4096 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folders[MOST_FOLDERS][LONGEST];
static int folder_count, counts_reads, action, error_number, from_there_on, spares_syncs;
static long counted, point;
static int trace = -1, bytes = -1;
static long bytes_length;
static char *path_of[MOST_DESCRIPTORS]; /* of what is open below the folders */

/* ---- what file_faults.py calls ---- */

void faults_watch(const char *below, int reads) /* folders, with ':' between them */
{
    pthread_mutex_lock(&lock);
    folder_count = 0;
    while (*below && folder_count < MOST_FOLDERS) {
        size_t length = strcspn(below, ":");
        snprintf(folders[folder_count++], LONGEST, "%.*s", (int)length, below);
        below += length + (below[length] == ':');
    }
    counts_reads = reads;
    counted = point = 0;
    action = NOTHING;
    pthread_mutex_unlock(&lock);
}

void faults_plan(int what, long at, int error, int onward)
{
    pthread_mutex_lock(&lock);
    action = what, point = at, error_number = error, from_there_on = onward;
    pthread_mutex_unlock(&lock);
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

static void say(long number, const char *name, int error, const char *format, ...)
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
    pthread_mutex_lock(&lock);
    say(0, "note", 0, "%s", text);
    pthread_mutex_unlock(&lock);
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

static const char *path_at(int descriptor)
{
    return descriptor >= 0 && descriptor < MOST_DESCRIPTORS ? path_of[descriptor] : NULL;
}

/* Write the absolute path into `into` (LONGEST), and tell whether it lies below the folders. */
static int resolved(int folder, const char *path, char *into)
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

static void follow(int descriptor, const char *path)
{
    if (descriptor < 0 || descriptor >= MOST_DESCRIPTORS)
        return;
    free(path_of[descriptor]);
    path_of[descriptor] = path ? strdup(path) : NULL;
}

static void die(void)
{
    syscall(SYS_kill, (pid_t)syscall(SYS_getpid), SIGKILL);
    for (;;)
        pause();
}

/* Number the operation; return 0 to do it, an errno to fail with, -1 to write less. Locks. */
static int begin(int writes)
{
    pthread_mutex_lock(&lock);
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

static void end(void)
{
    if (action == KILL_AFTER && counted == point)
        die();
    pthread_mutex_unlock(&lock);
}

static int failing(const char *name, int error)
{
    say(counted, name, error, "");
    end();
    errno = error;
    return -1;
}

/* ---- names ---- */

static int opened(int folder, const char *path, int flags, mode_t mode)
{
    char whole[LONGEST];
    if (!resolved(folder, path, whole))
        return syscall(SYS_openat, folder, path, flags, mode);
    struct stat before;
    int there = !syscall(SYS_newfstatat, folder, path, &before, 0);
    int creates = (flags & O_CREAT) && !there;
    int cuts = (flags & O_TRUNC) && there && before.st_size > 0;
    int changes = creates || cuts;
    const char *name = creates ? "create" : cuts ? "cut" : "open";
    int numbered = changes || (counts_reads && there && S_ISREG(before.st_mode));
    if (numbered) {
        int failed = begin(0);
        if (failed > 0)
            return failing(name, failed);
    } else {
        pthread_mutex_lock(&lock);
    }
    int descriptor = syscall(SYS_openat, folder, path, flags, mode);
    int error = descriptor < 0 ? errno : 0;
    follow(descriptor, whole);
    say(numbered ? counted : 0, name, error, "%s\t%d", whole, descriptor);
    if (numbered)
        end();
    else
        pthread_mutex_unlock(&lock);
    errno = error;
    return descriptor;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;                  \
        va_end(rest);                                                                              \
        return opened(AT_FDCWD, path, flags, mode);                                                \
    }
#define OPENAT(name)                                                                               \
    int name(int folder, const char *path, int flags, ...)                                         \
    {                                                                                              \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;                  \
        va_end(rest);                                                                              \
        return opened(folder, path, flags, mode);                                                  \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
int creat(const char *path, mode_t mode)
{
    return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
int creat64(const char *path, mode_t mode)
{
    return creat(path, mode);
}

/* An operation on names: `other` is NULL but for rename and link. */
static int on_names(const char *name, int folder, const char *path, int to, const char *other,
                    long call, long a, long b, long c, long d, long e)
{
    char whole[LONGEST], target[LONGEST] = "";
    int inside = resolved(folder, path, whole);
    if (other)
        inside |= resolved(to, other, target);
    if (!inside)
        return syscall(call, a, b, c, d, e);
    int failed = begin(0);
    if (failed > 0)
        return failing(name, failed);
    int result = syscall(call, a, b, c, d, e);
    int error = result < 0 ? errno : 0;
    if (!error && !strcmp(name, "rename")) {
        size_t length = strlen(whole);
        for (int each = 0; each < MOST_DESCRIPTORS; each++) {
            char *held = path_of[each], moved[2 * LONGEST];
            if (held && !strncmp(held, whole, length) && (!held[length] || held[length] == '/')) {
                snprintf(moved, sizeof moved, "%s%s", target, held + length);
                follow(each, moved);
            }
        }
    }
    say(counted, name, error, other ? "%s\t%s" : "%s", whole, target);
    end();
    errno = error;
    return result;
}

int renameat2(int from, const char *path, int to, const char *other, unsigned flags)
{
    return on_names("rename", from, path, to, other, SYS_renameat2, from, (long)path, to,
                    (long)other, flags);
}
int renameat(int from, const char *path, int to, const char *other)
{
    return renameat2(from, path, to, other, 0);
}
int rename(const char *path, const char *other)
{
    return renameat2(AT_FDCWD, path, AT_FDCWD, other, 0);
}
int linkat(int from, const char *path, int to, const char *other, int flags)
{
    return on_names("link", from, path, to, other, SYS_linkat, from, (long)path, to, (long)other,
                    flags);
}
int link(const char *path, const char *other)
{
    return linkat(AT_FDCWD, path, AT_FDCWD, other, 0);
}
int symlinkat(const char *target, int folder, const char *path)
{
    return on_names("symlink", folder, path, 0, NULL, SYS_symlinkat, (long)target, folder,
                    (long)path, 0, 0);
}
int symlink(const char *target, const char *path)
{
    return symlinkat(target, AT_FDCWD, path);
}
int unlinkat(int folder, const char *path, int flags)
{
    return on_names(flags & AT_REMOVEDIR ? "rmdir" : "unlink", folder, path, 0, NULL, SYS_unlinkat,
                    folder, (long)path, flags, 0, 0);
}
int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}
int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}
int remove(const char *path)
{
    int result = unlink(path);
    return result < 0 && errno == EISDIR ? rmdir(path) : result;
}
int mkdirat(int folder, const char *path, mode_t mode)
{
    return on_names("mkdir", folder, path, 0, NULL, SYS_mkdirat, folder, (long)path, mode, 0, 0);
}
int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

/* ---- bytes ---- */

/* Record `done` bytes that `descriptor` now holds at `at`. */
static void keep(int descriptor, const char *data, long done, off_t at)
{
    say(counted, "write", 0, "%d\t%ld\t%ld\t%ld", descriptor, (long)at, done, bytes_length);
    if (trace < 0)
        return;
    bytes_length += done;
    for (ssize_t some = 0; done > 0; data += some, done -= some)
        if ((some = syscall(SYS_write, bytes, data, (size_t)done)) <= 0)
            abort();
}

/* The same of bytes that only the kernel saw. They are read through a descriptor of their own,
 * never of a file on which the process holds locks: closing it would let go of them. */
static void keep_carried(int descriptor, long done, off_t at)
{
    if (trace < 0)
        return;
    char link[64], *data = malloc(done + 1);
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    int reader = syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC, 0);
    for (long have = 0, some; have < done; have += some)
        if ((some = syscall(SYS_pread64, reader, data + have, (size_t)(done - have), at + have)) <= 0)
            abort();
    syscall(SYS_close, reader);
    keep(descriptor, data, done, at);
    free(data);
}

static off_t here(int descriptor)
{
    return syscall(SYS_lseek, descriptor, 0, SEEK_CUR);
}

/* Write at a place, or where the descriptor stands (`at` < 0). */
static ssize_t written(int descriptor, const void *data, size_t size, off_t at)
{
    if (!path_at(descriptor))
        return at < 0 ? syscall(SYS_write, descriptor, data, size)
                      : syscall(SYS_pwrite64, descriptor, data, size, at);
    int failed = begin(size > 1);
    if (failed > 0)
        return failing("write", failed);
    if (failed < 0)
        size /= 2;
    ssize_t done = at < 0 ? syscall(SYS_write, descriptor, data, size)
                          : syscall(SYS_pwrite64, descriptor, data, size, at);
    int error = done < 0 ? errno : 0;
    if (error)
        say(counted, "write", error, "%d", descriptor);
    else
        keep(descriptor, data, done, at < 0 ? here(descriptor) - done : at);
    end();
    errno = error;
    return done;
}

ssize_t write(int descriptor, const void *data, size_t size)
{
    return written(descriptor, data, size, -1);
}
ssize_t pwrite(int descriptor, const void *data, size_t size, off_t at)
{
    return written(descriptor, data, size, at);
}
ssize_t pwrite64(int descriptor, const void *data, size_t size, off64_t at)
{
    return written(descriptor, data, size, at);
}
/* A part of what was asked is a right answer: the first piece that holds something. */
static ssize_t first_piece(int descriptor, const struct iovec *pieces, int count, off_t at)
{
    for (int each = 0; each < count; each++)
        if (pieces[each].iov_len)
            return written(descriptor, pieces[each].iov_base, pieces[each].iov_len, at);
    return 0;
}
ssize_t writev(int descriptor, const struct iovec *pieces, int count)
{
    return path_at(descriptor) ? first_piece(descriptor, pieces, count, -1)
                               : syscall(SYS_writev, descriptor, pieces, count);
}
ssize_t pwritev(int descriptor, const struct iovec *pieces, int count, off_t at)
{
    return path_at(descriptor) ? first_piece(descriptor, pieces, count, at)
                               : syscall(SYS_pwritev, descriptor, pieces, count, at, 0);
}
ssize_t pwritev64(int descriptor, const struct iovec *pieces, int count, off64_t at)
{
    return pwritev(descriptor, pieces, count, at);
}

/* Bytes that the kernel carries from one file to another; `at`: where to, or NULL. */
static ssize_t carried(int into, int from, size_t size, off64_t *read_at, off64_t *at, int sends)
{
    int failed = path_at(into) ? begin(size > 1) : 0;
    if (failed > 0)
        return failing("write", failed);
    struct stat source;
    if (failed < 0 && !syscall(SYS_fstat, from, &source))
        size = (source.st_size < (off_t)size ? source.st_size : (off_t)size) / 2;
    ssize_t done = sends ? syscall(SYS_sendfile, into, from, read_at, size)
                         : syscall(SYS_copy_file_range, from, read_at, into, at, size, 0);
    if (!path_at(into))
        return done;
    int error = done < 0 ? errno : 0;
    if (error)
        say(counted, "write", error, "%d", into);
    else
        keep_carried(into, done, (at ? *at : here(into)) - done);
    end();
    errno = error;
    return done;
}
ssize_t sendfile(int into, int from, off_t *at, size_t size)
{
    return carried(into, from, size, at, NULL, 1);
}
ssize_t sendfile64(int into, int from, off64_t *at, size_t size)
{
    return sendfile(into, from, at, size);
}
ssize_t copy_file_range(int from, off64_t *at, int into, off64_t *to, size_t size, unsigned flags)
{
    (void)flags;
    return carried(into, from, size, at, to, 0);
}

/* An operation on a descriptor that has a size to tell, or -1. */
static int on_descriptor(const char *name, int descriptor, long size, long call, long b, long c,
                         long d)
{
    if (!path_at(descriptor))
        return syscall(call, descriptor, b, c, d);
    int failed = begin(0);
    if (failed > 0) {
        say(counted, name, failed, "%d", descriptor);
        end();
        errno = failed;
        return -1;
    }
    int result = syscall(call, descriptor, b, c, d);
    int error = result < 0 ? errno : 0;
    say(counted, name, error, "%d\t%ld", descriptor, size);
    end();
    errno = error;
    return result;
}

int ftruncate(int descriptor, off_t size)
{
    return on_descriptor("resize", descriptor, size, SYS_ftruncate, size, 0, 0);
}
int ftruncate64(int descriptor, off64_t size)
{
    return ftruncate(descriptor, size);
}
int fallocate(int descriptor, int mode, off_t at, off_t size)
{
    return on_descriptor("allocate", descriptor, at + size, SYS_fallocate, mode, at, size);
}
int fallocate64(int descriptor, int mode, off64_t at, off64_t size)
{
    return fallocate(descriptor, mode, at, size);
}
int posix_fallocate(int descriptor, off_t at, off_t size)
{
    int kept = errno, error = fallocate(descriptor, 0, at, size) < 0 ? errno : 0;
    errno = kept;
    return error;
}
int posix_fallocate64(int descriptor, off64_t at, off64_t size)
{
    return posix_fallocate(descriptor, at, size);
}
int fsync(int descriptor)
{
    if (spares_syncs)
        return on_descriptor("fsync", descriptor, -1, SYS_getpid, 0, 0, 0) < 0 ? -1 : 0;
    return on_descriptor("fsync", descriptor, -1, SYS_fsync, 0, 0, 0);
}
int fdatasync(int descriptor)
{
    if (spares_syncs)
        return fsync(descriptor);
    return on_descriptor("fsync", descriptor, -1, SYS_fdatasync, 0, 0, 0);
}
void *mmap(void *address, size_t size, int protection, int flags, int descriptor, off_t at)
{
    if (path_at(descriptor) && (flags & MAP_SHARED) && (protection & PROT_WRITE)) {
        pthread_mutex_lock(&lock);
        say(0, "map", 0, "%d\t%s", descriptor, path_at(descriptor));
        pthread_mutex_unlock(&lock);
    }
    return (void *)syscall(SYS_mmap, address, size, protection, flags, descriptor, at);
}
void *mmap64(void *address, size_t size, int protection, int flags, int descriptor, off64_t at)
{
    return mmap(address, size, protection, flags, descriptor, at);
}

/* ---- reading, where that is counted too ---- */

static int refused_reading(int descriptor)
{
    if (!counts_reads || !path_at(descriptor))
        return 0;
    int failed = begin(0);
    if (failed > 0)
        return failing("read", failed);
    say(counted, "read", 0, "%d", descriptor);
    end();
    return 0;
}
ssize_t read(int descriptor, void *into, size_t size)
{
    return refused_reading(descriptor) ? -1 : syscall(SYS_read, descriptor, into, size);
}
ssize_t pread(int descriptor, void *into, size_t size, off_t at)
{
    return refused_reading(descriptor) ? -1 : syscall(SYS_pread64, descriptor, into, size, at);
}
ssize_t pread64(int descriptor, void *into, size_t size, off64_t at)
{
    return pread(descriptor, into, size, at);
}
ssize_t __read_chk(int descriptor, void *into, size_t size, size_t room)
{
    return size > room ? (abort(), -1) : read(descriptor, into, size);
}
ssize_t __pread_chk(int descriptor, void *into, size_t size, off_t at, size_t room)
{
    return size > room ? (abort(), -1) : pread(descriptor, into, size, at);
}
ssize_t __pread64_chk(int descriptor, void *into, size_t size, off64_t at, size_t room)
{
    return __pread_chk(descriptor, into, size, at, room);
}

/* ---- descriptors, and the FILEs of C and C++ ---- */

int close(int descriptor)
{
    if (path_at(descriptor)) {
        pthread_mutex_lock(&lock);
        follow(descriptor, NULL);
        say(0, "close", 0, "%d", descriptor);
        pthread_mutex_unlock(&lock);
    }
    return syscall(SYS_close, descriptor);
}

static int doubled(int descriptor, int result)
{
    if (result >= 0 && path_at(descriptor)) {
        pthread_mutex_lock(&lock);
        follow(result, path_at(descriptor));
        say(0, "dup", 0, "%d\t%d", descriptor, result);
        pthread_mutex_unlock(&lock);
    }
    return result;
}
int dup(int descriptor)
{
    return doubled(descriptor, syscall(SYS_dup, descriptor));
}
#define FCNTL(name)                                                                                \
    int name(int descriptor, int command, ...)                                                     \
    {                                                                                              \
        va_list rest;                                                                              \
        va_start(rest, command);                                                                   \
        long argument = va_arg(rest, long);                                                        \
        va_end(rest);                                                                              \
        int result = syscall(SYS_fcntl, descriptor, command, argument);                            \
        return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? doubled(descriptor, result)      \
                                                                : result;                          \
    }
FCNTL(fcntl)
FCNTL(fcntl64)

static ssize_t cookie_read(void *cookie, char *into, size_t size)
{
    return read((int)(long)cookie, into, size);
}
static ssize_t cookie_write(void *cookie, const char *data, size_t size)
{
    ssize_t done = write((int)(long)cookie, data, size);
    return done < 0 ? 0 : done; /* how fopencookie(3) says that it failed */
}
static int cookie_seek(void *cookie, off64_t *at, int from)
{
    off64_t reached = syscall(SYS_lseek, (int)(long)cookie, *at, from);
    return reached < 0 ? -1 : (*at = reached, 0);
}
static int cookie_close(void *cookie)
{
    return close((int)(long)cookie);
}

static FILE *cookie_of(int descriptor, const char *mode)
{
    cookie_io_functions_t calls = {cookie_read, cookie_write, cookie_seek, cookie_close};
    FILE *file = fopencookie((void *)(long)descriptor, mode, calls);
    if (file)
        setvbuf(file, NULL, _IOFBF, 4096); /* as libc does for a file of ext4 */
    return file;
}

static int writes(const char *mode)
{
    return strpbrk(mode, "wa+") != NULL;
}

static FILE *file_at(const char *name, const char *path, const char *mode)
{
    char whole[LONGEST];
    if (!writes(mode) || !resolved(AT_FDCWD, path, whole))
        return ((FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, name))(path, mode);
    int flags = strchr(mode, '+') ? O_RDWR : O_WRONLY;
    flags |= mode[0] == 'r' ? 0 : O_CREAT | (mode[0] == 'a' ? O_APPEND : O_TRUNC);
    int descriptor = opened(AT_FDCWD, path, flags | (strchr(mode, 'e') ? O_CLOEXEC : 0), 0666);
    return descriptor < 0 ? NULL : cookie_of(descriptor, mode);
}
FILE *fopen(const char *path, const char *mode)
{
    return file_at("fopen", path, mode);
}
FILE *fopen64(const char *path, const char *mode)
{
    return file_at("fopen64", path, mode);
}
FILE *fdopen(int descriptor, const char *mode)
{
    if (path_at(descriptor) && writes(mode))
        return cookie_of(descriptor, mode);
    return ((FILE * (*)(int, const char *)) dlsym(RTLD_NEXT, "fdopen"))(descriptor, mode);
}
