/* A disk that is full on demand, without privileges: preload this into a process and name a flag file in FULL_DISK_FLAG.

   While that file exists, its first line is a path prefix: whatever would write to a file below it, or give one room,
   fails with ENOSPC. As on a real disk, the write that meets the end may still store a first part: with `half` on the
   second line, the first such write of each thread stores half of what it was given. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define REFUSED (errno = ENOSPC, -1)

enum room { ROOM, HALF, FULL };

static enum room room_left(int fd)
{
    static __thread int half_is_used;
    const char *flag = getenv("FULL_DISK_FLAG");
    char told[1024], link[64], path[1024];
    int saved = errno;
    enum room found = ROOM;
    int handle = flag == NULL ? -1 : open(flag, O_RDONLY | O_CLOEXEC);
    if (handle >= 0) {
        ssize_t length = read(handle, told, sizeof told - 1);
        close(handle);
        told[length < 0 ? 0 : length] = '\0';
        char *second = strchr(told, '\n');
        if (second != NULL)
            *second++ = '\0';
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        length = readlink(link, path, sizeof path - 1);
        path[length < 0 ? 0 : length] = '\0';
        if (told[0] != '\0' && strncmp(path, told, strlen(told)) == 0) {
            found = FULL;
            if (second != NULL && strncmp(second, "half", 4) == 0 && !half_is_used) {
                half_is_used = 1;
                found = HALF;
            }
        }
    }
    errno = saved;
    return found;
}

ssize_t write(int fd, const void *data, size_t size)
{
    enum room room = room_left(fd);
    return room == FULL ? REFUSED : REAL(write)(fd, data, room == HALF ? size / 2 : size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    return room_left(fd) == ROOM ? REAL(pwrite)(fd, data, size, offset) : REFUSED;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    return room_left(fd) == ROOM ? REAL(pwritev)(fd, parts, count, offset) : REFUSED;
}

/* this one returns the error itself */
int posix_fallocate(int fd, off_t offset, off_t size)
{
    return room_left(fd) == ROOM ? REAL(posix_fallocate)(fd, offset, size) : ENOSPC;
}
