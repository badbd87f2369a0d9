// Loaded before a program's own libraries: every flush to the disk takes SLOW_DISK_US microseconds
// longer.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static int slowed(const char *name, int fd) {
    const char *us = getenv("SLOW_DISK_US");
    if (us != NULL) {
        usleep((useconds_t)atoi(us));
    }
    int (*flush)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    return flush(fd);
}

int fsync(int fd) { return slowed("fsync", fd); }

int fdatasync(int fd) { return slowed("fdatasync", fd); }
