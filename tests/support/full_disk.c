/* A disk that a test fills and empties: files below FULL_DISK_BELOW cannot grow while the file FULL_DISK_STATE says so.
 *
 * "low"     1 MB is said to be free, and writing works.
 * "full"    nothing is free, and what would make a file larger fails with ENOSPC.
 * "sudden"  the same, but nobody is told beforehand: another program was faster.
 * Anything else, or no such file: as the real disk. Parts of files that exist can be written again, as on most disks.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static char state(void) {
    const char *path = getenv("FULL_DISK_STATE");
    char first = 0;
    int kept = errno;
    int fd = path == NULL ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (syscall(SYS_read, fd, &first, 1) != 1) first = 0;
        syscall(SYS_close, fd);
    }
    errno = kept;
    return first;
}

static int is_below(const char *path) {
    const char *below = getenv("FULL_DISK_BELOW");
    return below != NULL && strncmp(path, below, strlen(below)) == 0;
}

/* Whether `fd` cannot grow to `end`; end < 0: `length` bytes at its position. */
static int is_refused(int fd, off_t end, size_t length) {
    char link[64], path[PATH_MAX];
    struct stat about;
    char now = state();
    if (now != 'f' && now != 's') return 0;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    if (!is_below(path)) return 0;
    if (end < 0) {
        int flags = fcntl(fd, F_GETFL);
        end = ((flags & O_APPEND) ? about.st_size : lseek(fd, 0, SEEK_CUR)) + (off_t)length;
    }
    if (end <= about.st_size) return 0;
    errno = ENOSPC;
    return 1;
}

ssize_t write(int fd, const void *data, size_t length) {
    return is_refused(fd, -1, length) ? -1 : NEXT(write)(fd, data, length);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    size_t length = 0;
    for (int i = 0; i < count; i++) length += parts[i].iov_len;
    return is_refused(fd, -1, length) ? -1 : NEXT(writev)(fd, parts, count);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at) {
    return is_refused(fd, at + (off_t)length, 0) ? -1 : NEXT(pwrite)(fd, data, length, at);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
    return is_refused(fd, at + (off_t)length, 0) ? -1 : NEXT(pwrite64)(fd, data, length, at);
}

int ftruncate(int fd, off_t size) { return is_refused(fd, size, 0) ? -1 : NEXT(ftruncate)(fd, size); }

int ftruncate64(int fd, off64_t size) { return is_refused(fd, size, 0) ? -1 : NEXT(ftruncate64)(fd, size); }

int statvfs(const char *path, struct statvfs *about) {
    int result = NEXT(statvfs)(path, about);
    char now = state();
    if (result == 0 && is_below(path) && (now == 'f' || now == 'l'))
        about->f_bfree = about->f_bavail = now == 'f' ? 0 : 1000000 / about->f_frsize;
    return result;
}

int statvfs64(const char *path, struct statvfs64 *about) {
    int result = NEXT(statvfs64)(path, about);
    char now = state();
    if (result == 0 && is_below(path) && (now == 'f' || now == 'l'))
        about->f_bfree = about->f_bavail = now == 'f' ? 0 : 1000000 / about->f_frsize;
    return result;
}
