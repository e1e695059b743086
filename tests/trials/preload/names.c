/* Names of files: made, given, taken away. */
#include "faults.h"

#include <stdarg.h>

int opened(int folder, const char *path, int flags, mode_t mode)
{
    char whole[LONGEST];
    if (!resolved(folder, path, whole)) {
        int other = syscall(SYS_openat, folder, path, flags, mode);
        int kept = errno;
        forget(other);
        errno = kept;
        return other;
    }
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
        pthread_mutex_lock(&faults_lock);
    }
    int descriptor = syscall(SYS_openat, folder, path, flags, mode);
    int error = descriptor < 0 ? errno : 0;
    follow(descriptor, whole);
    say(numbered ? counted : 0, name, error, "%s\t%d", whole, descriptor);
    if (numbered)
        finish();
    else
        pthread_mutex_unlock(&faults_lock);
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
    finish();
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
