/* A disk that fails, dawdles, kills and remembers, below one folder of one process.
 *
 * Loaded in front of the C library (LD_PRELOAD); Python and SQLite go through it. What it is to do
 * it reads from memory that it shares with `shaky.py`, which has the same numbers; what was done to
 * the folder it appends to a log, each step behind the system's own success and before the caller
 * knows of it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CREATE, WRITE, SYNC, RENAME, UNLINK, TRUNCATE, MKDIR, READ, OPEN, OPS };
enum { INCOMING = 1, SHELF = 2, INDEX = 4, LOG = 8, SHARED = 16, MEMORY = 32, REST = 64 };
#define FDS 65536

struct control {
    int32_t fail[OPS];      /* the errno that an operation fails with, or 0 */
    int32_t fail_targets;   /* of which files */
    int32_t slow[OPS];      /* microseconds that it takes longer */
    int32_t slow_targets;
    int32_t die_op;         /* the operation that kills the process group, or -1 */
    int32_t die_targets;
    int32_t die_count;      /* at which time */
    int32_t die_behind;     /* 1: when it is done, 0: before */
    int32_t failed;         /* how many have failed so far */
    int32_t died;
};

struct record {
    uint32_t op, path, other, size; /* lengths of what follows */
    uint64_t inode;
    int64_t at;
};

static struct control none = {.die_op = -1}, *control = &none;
static char folder[PATH_MAX], boot[PATH_MAX];
static size_t folder_length;
static int log_fd = -1;
static char *path_of[FDS];

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static int (*real_fsync)(int), (*real_fdatasync)(int);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);
static int (*real_truncate)(int, off_t);
static int (*real_mkdir)(const char *, mode_t);

__attribute__((constructor)) static void begin(void) {
    if (real_open) return;
    real_close = dlsym(RTLD_NEXT, "close");
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_read = dlsym(RTLD_NEXT, "read");
    real_pread = dlsym(RTLD_NEXT, "pread64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_rename = dlsym(RTLD_NEXT, "rename");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_truncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_mkdir = dlsym(RTLD_NEXT, "mkdir");
    real_open = dlsym(RTLD_NEXT, "open64");
    const char *name = getenv("SHAKY_FOLDER"), *told = getenv("SHAKY_CONTROL");
    if (!name || !told) return;
    strncpy(folder, name, PATH_MAX - 1);
    folder_length = strlen(folder);
    if (getenv("SHAKY_BOOT")) strncpy(boot, getenv("SHAKY_BOOT"), PATH_MAX - 1);
    int fd = real_open(told, O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
        void *at = mmap(0, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (at != MAP_FAILED) control = at;
        real_close(fd);
    }
    if (getenv("SHAKY_LOG"))
        log_fd = real_open(getenv("SHAKY_LOG"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

/* What lies below the folder, "" for itself, or NULL. */
static const char *below(const char *path) {
    if (!folder_length || !path || strncmp(path, folder, folder_length)) return NULL;
    const char *rest = path + folder_length;
    return *rest == '/' ? rest + 1 : *rest ? NULL : rest;
}

static int target(const char *path) {
    if (!strncmp(path, "incoming", 8)) return INCOMING;
    if (!strncmp(path, "files", 5)) return SHELF;
    if (strstr(path, "-shm")) return MEMORY;
    if (!strcmp(path, "index.sqlite")) return INDEX;
    if (!strncmp(path, "index.sqlite-", 13)) return LOG;
    if (!strncmp(path, "shared.sqlite", 13)) return SHARED;
    return REST;
}

static const char *known(int fd) { return fd >= 0 && fd < FDS ? path_of[fd] : NULL; }

static void die(int op, const char *path, int behind) {
    if (control->die_op != op || control->die_behind != behind) return;
    if (!(control->die_targets & target(path))) return;
    if (__sync_sub_and_fetch(&control->die_count, 1) != 0) return;
    control->died = 1;
    kill(-getpgrp(), SIGKILL);
    pause();
}

/* What comes before an operation: 0 if it may be done, else errno says why not. */
static int before(int op, const char *path) {
    die(op, path, 0);
    if (control->slow[op] && control->slow_targets & target(path)) usleep(control->slow[op]);
    if (control->fail[op] && control->fail_targets & target(path)) {
        __sync_fetch_and_add(&control->failed, 1);
        errno = control->fail[op];
        return -1;
    }
    return 0;
}

static void behind(int op, const char *path, const char *other, uint64_t inode, int64_t at,
                   const void *data, size_t size) {
    int saved = errno;
    if (log_fd >= 0 && target(path) != MEMORY) {
        struct record head = {op, strlen(path), strlen(other), size, inode, at};
        struct iovec parts[] = {{&head, sizeof head}, {(void *)path, head.path},
                                {(void *)other, head.other}, {(void *)data, data ? size : 0}};
        if (writev(log_fd, parts, 4) < 0) abort();
    }
    die(op, path, 1);
    errno = saved;
}

static uint64_t inode_of(int fd) {
    struct stat facts;
    return fstat(fd, &facts) ? 0 : facts.st_ino;
}

static int opened(const char *path, int flags, mode_t mode) {
    begin();
    if (*boot && !strcmp(path, "/proc/sys/kernel/random/boot_id")) path = boot;
    const char *name = below(path);
    if (!name) return real_open(path, flags, mode);
    struct stat facts;
    int fresh = flags & O_CREAT && stat(path, &facts);
    if (before(fresh ? CREATE : OPEN, name)) return -1;
    int fd = real_open(path, flags, mode);
    if (fd < 0 || fd >= FDS) return fd;
    path_of[fd] = strdup(name);
    if (fresh) behind(CREATE, name, "", inode_of(fd), 0, NULL, 0);
    else if (flags & O_TRUNC) behind(TRUNCATE, name, "", inode_of(fd), 0, NULL, 0);
    return fd;
}

#define MODE(mode, flags) \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
        va_list more; \
        va_start(more, flags); \
        mode = va_arg(more, mode_t); \
        va_end(more); \
    }

int open(const char *path, int flags, ...) { MODE(mode, flags) return opened(path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(mode, flags) return opened(path, flags, mode); }

int close(int fd) {
    begin();
    if (known(fd)) {
        free(path_of[fd]);
        path_of[fd] = NULL;
    }
    return real_close(fd);
}

ssize_t write(int fd, const void *data, size_t size) {
    begin();
    const char *name = known(fd);
    if (!name) return real_write(fd, data, size);
    if (before(WRITE, name)) return -1;
    ssize_t done = real_write(fd, data, size);
    if (done > 0)
        behind(WRITE, name, "", inode_of(fd), lseek(fd, 0, SEEK_CUR) - done, data, done);
    return done;
}

static ssize_t written_at(int fd, const void *data, size_t size, off_t at) {
    begin();
    const char *name = known(fd);
    if (!name) return real_pwrite(fd, data, size, at);
    if (before(WRITE, name)) return -1;
    ssize_t done = real_pwrite(fd, data, size, at);
    if (done > 0) behind(WRITE, name, "", inode_of(fd), at, data, done);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    return written_at(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) {
    return written_at(fd, data, size, at);
}

ssize_t read(int fd, void *data, size_t size) {
    begin();
    const char *name = known(fd);
    return name && before(READ, name) ? -1 : real_read(fd, data, size);
}

static ssize_t read_from(int fd, void *data, size_t size, off_t at) {
    begin();
    const char *name = known(fd);
    return name && before(READ, name) ? -1 : real_pread(fd, data, size, at);
}

ssize_t pread(int fd, void *data, size_t size, off_t at) { return read_from(fd, data, size, at); }
ssize_t pread64(int fd, void *data, size_t size, off_t at) { return read_from(fd, data, size, at); }

static int synced(int fd, int (*real)(int)) {
    const char *name = known(fd);
    if (!name) return real(fd);
    if (before(SYNC, name)) return -1;
    int failed = real(fd);
    if (!failed) behind(SYNC, name, "", inode_of(fd), 0, NULL, 0);
    return failed;
}

int fsync(int fd) { begin(); return synced(fd, real_fsync); }
int fdatasync(int fd) { begin(); return synced(fd, real_fdatasync); }

static int truncated(int fd, off_t size) {
    begin();
    const char *name = known(fd);
    if (!name) return real_truncate(fd, size);
    if (before(TRUNCATE, name)) return -1;
    int failed = real_truncate(fd, size);
    if (!failed) behind(TRUNCATE, name, "", inode_of(fd), size, NULL, 0);
    return failed;
}

int ftruncate(int fd, off_t size) { return truncated(fd, size); }
int ftruncate64(int fd, off_t size) { return truncated(fd, size); }

int rename(const char *from, const char *to) {
    begin();
    const char *name = below(from), *other = below(to);
    if (!name || !other) return real_rename(from, to);
    if (before(RENAME, name)) return -1;
    int failed = real_rename(from, to);
    if (!failed) behind(RENAME, name, other, 0, 0, NULL, 0);
    return failed;
}

int unlink(const char *path) {
    begin();
    const char *name = below(path);
    if (!name) return real_unlink(path);
    if (before(UNLINK, name)) return -1;
    int failed = real_unlink(path);
    if (!failed) behind(UNLINK, name, "", 0, 0, NULL, 0);
    return failed;
}

int mkdir(const char *path, mode_t mode) {
    begin();
    const char *name = below(path);
    if (!name) return real_mkdir(path, mode);
    if (before(MKDIR, name)) return -1;
    int failed = real_mkdir(path, mode);
    if (!failed) behind(MKDIR, name, "", 0, 0, NULL, 0);
    return failed;
}
