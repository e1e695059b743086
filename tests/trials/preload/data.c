/* Bytes of files: written, synced, read; and the FILEs of C and C++. */
#include "faults.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

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
    finish();
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
    finish();
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
        finish();
        errno = failed;
        return -1;
    }
    int result = syscall(call, descriptor, b, c, d);
    int error = result < 0 ? errno : 0;
    say(counted, name, error, "%d\t%ld", descriptor, size);
    finish();
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
        pthread_mutex_lock(&faults_lock);
        say(0, "map", 0, "%d\t%s", descriptor, path_at(descriptor));
        pthread_mutex_unlock(&faults_lock);
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
    finish();
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
    forget(descriptor);
    return syscall(SYS_close, descriptor);
}

/* Both close a descriptor within libc, which may then be given to another file. */
int closedir(DIR *folder)
{
    forget(dirfd(folder));
    return ((int (*)(DIR *))dlsym(RTLD_NEXT, "closedir"))(folder);
}
int fclose(FILE *file)
{
    int kept = errno, descriptor = fileno(file); /* -1 for a cookie stream, which calls close() */
    errno = kept;
    forget(descriptor);
    return ((int (*)(FILE *))dlsym(RTLD_NEXT, "fclose"))(file);
}

static int doubled(int descriptor, int result)
{
    if (result >= 0 && path_at(descriptor)) {
        pthread_mutex_lock(&faults_lock);
        follow(result, path_at(descriptor));
        say(0, "dup", 0, "%d\t%d", descriptor, result);
        pthread_mutex_unlock(&faults_lock);
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
