/* What a process does to the files of one folder, noted so that a test can cut the power afterwards.

   In: LD_PRELOAD, and in the environment POWERCUT_FOLDER (an absolute path without links) and POWERCUT_LOG. Out: the log,
   one record a change, in the order in which they happened; disks.py reads it. With POWERCUT_AFTER=n the process kills
   itself before its n-th change. It forgets nothing and decides nothing: what a cut leaves is made by the test.

   An fsync is only noted. What the log could not tell truly (a shared writable mapping, a hard link) is noted as such,
   and fails the test. Files that stdio opens are not seen. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_FILES 65536
#define REAL(name) ((__typeof__(&name))real(#name))

enum { UNWATCHED = 0, WATCHED = 1 };

struct __attribute__((packed)) record {
    uint8_t kind;
    uint64_t inode;
    int64_t offset;
    uint32_t first, second; /* lengths of what follows */
};

static unsigned char marks[MOST_FILES];
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static size_t folder_length;
static int log_file = -1;
static long changes, last_change;

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

/* Watching begins with the first file that is opened once the environment names a folder: a process may be forked from
   one that has loaded everything and watches nothing. */
static int watching(void) {
    if (log_file >= 0) return 1;
    const char *name = getenv("POWERCUT_FOLDER"), *log = getenv("POWERCUT_LOG"), *after = getenv("POWERCUT_AFTER");
    if (!name || !log) return 0;
    snprintf(folder, sizeof folder, "%s", name);
    folder_length = strlen(folder);
    last_change = after ? atol(after) : 0;
    log_file = REAL(open64)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_file < 0) abort();
    return 1;
}

static int is_inside(const char *path) {
    return !strncmp(path, folder, folder_length) && (path[folder_length] == '/' || !path[folder_length]);
}

/* Make a path absolute, its last part as it stands; 0 when it lies outside of the folder. */
static int find(int directory, const char *path, char *found) {
    char whole[2 * PATH_MAX], parent[PATH_MAX], link[64];
    if (!watching() || !path) return 0;
    if (path[0] == '/') {
        snprintf(whole, sizeof whole, "%s", path);
    } else {
        snprintf(link, sizeof link, directory == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", directory);
        ssize_t length = readlink(link, whole, PATH_MAX - 1);
        if (length < 0) return 0;
        snprintf(whole + length, PATH_MAX, "/%s", path);
    }
    size_t end = strlen(whole);
    while (end > 1 && whole[end - 1] == '/') whole[--end] = 0;
    char *slash = strrchr(whole, '/');
    if (!slash[1] || !strcmp(slash, "/.") || !strcmp(slash, "/..")) return realpath(whole, found) && is_inside(found);
    *slash = 0;
    if (!realpath(*whole ? whole : "/", parent)) return 0;
    if (snprintf(found, PATH_MAX, "%s/%s", strcmp(parent, "/") ? parent : "", slash + 1) >= PATH_MAX) return 0;
    return is_inside(found);
}

/* Called with the lock held, before a change. */
static void count_change(void) {
    if (++changes == last_change) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
}

static void note(char kind, uint64_t inode, int64_t offset, const void *first, size_t size, const char *second) {
    size_t more = second ? strlen(second) : 0;
    struct record head = {(uint8_t)kind, inode, offset, (uint32_t)size, (uint32_t)more};
    struct iovec parts[3] = {{&head, sizeof head}, {(void *)first, size}, {(void *)second, more}};
    int before = errno;
    if (REAL(writev)(log_file, parts, 3) != (ssize_t)(sizeof head + size + more)) abort();
    errno = before;
}

static void note_text(char kind, uint64_t inode, const char *path, const char *second) {
    note(kind, inode, 0, path, strlen(path), second);
}

static int is_watched(int file) { return file >= 0 && file < MOST_FILES && marks[file] == WATCHED; }

static void mark(int file, int as) {
    if (file >= MOST_FILES) abort();
    if (file >= 0) marks[file] = (unsigned char)as;
}

static uint64_t inode_of(int file) {
    struct stat64 found;
    if (fstat64(file, &found)) abort();
    return found.st_ino;
}

static void lock(void) { pthread_mutex_lock(&one_at_a_time); }
static void unlock(void) { pthread_mutex_unlock(&one_at_a_time); }

/* Opening and closing. */

static int open_watched(int directory, const char *path, int flags, mode_t mode) {
    char name[PATH_MAX];
    if (!find(directory, path, name)) {
        int file = REAL(openat64)(directory, path, flags, mode);
        mark(file, UNWATCHED);
        return file;
    }
    lock();
    int existed = !access(name, F_OK), changing = flags & O_TRUNC || (!existed && flags & O_CREAT);
    if (changing) count_change();
    int file = REAL(openat64)(directory, path, flags, mode);
    if (file >= 0) {
        mark(file, WATCHED);
        if (!existed) note_text('C', inode_of(file), name, NULL);
        else if (flags & O_TRUNC) note('T', inode_of(file), 0, NULL, 0, NULL);
        if ((flags & O_TMPFILE) == O_TMPFILE || flags & (O_SYNC | O_DSYNC)) note_text('X', 0, "open flags", NULL);
    }
    unlock();
    return file;
}

#define OPEN(name)                                              \
    int name(const char *path, int flags, ...) {                \
        va_list more;                                           \
        va_start(more, flags);                                  \
        mode_t mode = va_arg(more, mode_t);                     \
        va_end(more);                                           \
        return open_watched(AT_FDCWD, path, flags, mode);       \
    }
#define OPENAT(name)                                            \
    int name(int directory, const char *path, int flags, ...) { \
        va_list more;                                           \
        va_start(more, flags);                                  \
        mode_t mode = va_arg(more, mode_t);                     \
        va_end(more);                                           \
        return open_watched(directory, path, flags, mode);      \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
int __open_2(const char *path, int flags) { return open_watched(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return open_watched(AT_FDCWD, path, flags, 0); }
int __openat_2(int directory, const char *path, int flags) { return open_watched(directory, path, flags, 0); }
int __openat64_2(int directory, const char *path, int flags) { return open_watched(directory, path, flags, 0); }
int creat(const char *path, mode_t mode) { return open_watched(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

int close(int file) {
    mark(file, UNWATCHED);
    return REAL(close)(file);
}

int close_range(unsigned first, unsigned last, int flags) {
    if (!(flags & 4)) /* CLOSE_RANGE_CLOEXEC closes nothing yet */
        for (unsigned file = first; file <= last && file < MOST_FILES; file++) marks[file] = UNWATCHED;
    return REAL(close_range)(first, last, flags);
}

static int copied(int file, int copy) {
    mark(copy, is_watched(file) ? WATCHED : UNWATCHED);
    return copy;
}

int dup(int file) { return copied(file, REAL(dup)(file)); }
int dup2(int file, int copy) { return copied(file, REAL(dup2)(file, copy)); }
int dup3(int file, int copy, int flags) { return copied(file, REAL(dup3)(file, copy, flags)); }

int fcntl64(int file, int command, ...) {
    va_list more;
    va_start(more, command);
    void *argument = va_arg(more, void *);
    va_end(more);
    int done = REAL(fcntl64)(file, command, argument);
    return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? copied(file, done) : done;
}

int fcntl(int file, int command, ...) {
    va_list more;
    va_start(more, command);
    void *argument = va_arg(more, void *);
    va_end(more);
    return fcntl64(file, command, argument);
}

/* Writing. */

static int64_t position_of(int file) {
    struct stat64 found;
    if (!(REAL(fcntl64)(file, F_GETFL, NULL) & O_APPEND)) return lseek64(file, 0, SEEK_CUR);
    return fstat64(file, &found) ? 0 : found.st_size;
}

ssize_t write(int file, const void *data, size_t size) {
    if (!is_watched(file)) return REAL(write)(file, data, size);
    lock();
    count_change();
    int64_t offset = position_of(file);
    ssize_t done = REAL(write)(file, data, size);
    if (done > 0) note('W', inode_of(file), offset, data, (size_t)done, NULL);
    unlock();
    return done;
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t offset) {
    if (!is_watched(file)) return REAL(pwrite64)(file, data, size, offset);
    lock();
    count_change();
    ssize_t done = REAL(pwrite64)(file, data, size, offset);
    if (done > 0) note('W', inode_of(file), offset, data, (size_t)done, NULL);
    unlock();
    return done;
}

ssize_t pwrite(int file, const void *data, size_t size, off_t offset) { return pwrite64(file, data, size, offset); }

ssize_t writev(int file, const struct iovec *parts, int count) {
    if (!is_watched(file)) return REAL(writev)(file, parts, count);
    ssize_t all = 0;
    for (int part = 0; part < count; part++) {
        ssize_t done = write(file, parts[part].iov_base, parts[part].iov_len);
        if (done < 0) return all ? all : -1;
        all += done;
        if ((size_t)done < parts[part].iov_len) break;
    }
    return all;
}

ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t offset) {
    if (!is_watched(file)) return REAL(pwritev64)(file, parts, count, offset);
    ssize_t all = 0;
    for (int part = 0; part < count; part++) {
        ssize_t done = pwrite64(file, parts[part].iov_base, parts[part].iov_len, offset + all);
        if (done < 0) return all ? all : -1;
        all += done;
        if ((size_t)done < parts[part].iov_len) break;
    }
    return all;
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset) {
    return pwritev64(file, parts, count, offset);
}

ssize_t pwritev64v2(int file, const struct iovec *parts, int count, off64_t offset, int flags) {
    if (!is_watched(file)) return REAL(pwritev64v2)(file, parts, count, offset, flags);
    errno = ENOSYS;
    return -1;
}

ssize_t sendfile64(int to, int from, off64_t *offset, size_t count) {
    if (!is_watched(to)) return REAL(sendfile64)(to, from, offset, count);
    errno = ENOTSUP; /* the caller copies with write */
    return -1;
}

ssize_t copy_file_range(int from, off64_t *start, int to, off64_t *end, size_t size, unsigned flags) {
    if (!is_watched(to)) return REAL(copy_file_range)(from, start, to, end, size, flags);
    errno = ENOSYS;
    return -1;
}

int ftruncate64(int file, off64_t size) {
    if (!is_watched(file)) return REAL(ftruncate64)(file, size);
    lock();
    count_change();
    int done = REAL(ftruncate64)(file, size);
    if (!done) note('T', inode_of(file), size, NULL, 0, NULL);
    unlock();
    return done;
}

int ftruncate(int file, off_t size) { return ftruncate64(file, size); }

int truncate64(const char *path, off64_t size) {
    int file = open64(path, O_WRONLY | O_CLOEXEC), done = file < 0 ? -1 : ftruncate64(file, size);
    if (file >= 0) close(file);
    return done;
}

int truncate(const char *path, off_t size) { return truncate64(path, size); }

int posix_fallocate64(int file, off64_t offset, off64_t size) {
    if (is_watched(file)) return EOPNOTSUPP; /* the caller writes, or truncates */
    return REAL(posix_fallocate64)(file, offset, size);
}

int posix_fallocate(int file, off_t offset, off_t size) { return posix_fallocate64(file, offset, size); }

void *mmap64(void *address, size_t size, int protection, int flags, int file, off64_t offset) {
    if (is_watched(file) && protection & PROT_WRITE && flags & MAP_SHARED) {
        char link[64], name[PATH_MAX] = "";
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        ssize_t length = readlink(link, name, sizeof name - 1);
        int is_index = length > 4 && !strncmp(name + length - 4, "-shm", 4);
        lock();
        note_text(is_index ? 'P' : 'X', inode_of(file), "shared mapping", NULL);
        unlock();
    }
    return REAL(mmap64)(address, size, protection, flags, file, offset);
}

void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset) {
    return mmap64(address, size, protection, flags, file, offset);
}

/* Making durable. */

static int sync_file(int file, int (*real_sync)(int)) {
    if (!is_watched(file)) return real_sync(file);
    lock();
    count_change();
    note('S', inode_of(file), 0, NULL, 0, NULL);
    unlock();
    return 0;
}

int fsync(int file) { return sync_file(file, REAL(fsync)); }
int fdatasync(int file) { return sync_file(file, REAL(fdatasync)); }

/* Names. */

int renameat(int from, const char *old, int to, const char *new) {
    char source[PATH_MAX], target[PATH_MAX];
    int is_source = find(from, old, source), is_target = find(to, new, target);
    if (!is_source && !is_target) return REAL(renameat)(from, old, to, new);
    lock();
    count_change();
    int done = REAL(renameat)(from, old, to, new);
    if (!done) note_text(is_source && is_target ? 'R' : 'X', 0, source, target);
    unlock();
    return done;
}

int rename(const char *old, const char *new) { return renameat(AT_FDCWD, old, AT_FDCWD, new); }

int unlinkat(int directory, const char *path, int flags) {
    char name[PATH_MAX];
    if (!find(directory, path, name)) return REAL(unlinkat)(directory, path, flags);
    lock();
    count_change();
    int done = REAL(unlinkat)(directory, path, flags);
    if (!done) note_text('U', 0, name, NULL);
    unlock();
    return done;
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int directory, const char *path, mode_t mode) {
    char name[PATH_MAX];
    struct stat64 found;
    if (!find(directory, path, name)) return REAL(mkdirat)(directory, path, mode);
    lock();
    count_change();
    int done = REAL(mkdirat)(directory, path, mode);
    if (!done && !stat64(name, &found)) note_text('D', found.st_ino, name, NULL);
    unlock();
    return done;
}

int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

int linkat(int from, const char *old, int to, const char *new, int flags) {
    char name[PATH_MAX];
    int is_inside_folder = find(to, new, name), done = REAL(linkat)(from, old, to, new, flags);
    if (!is_inside_folder || done) return done;
    lock();
    note_text('X', 0, "hard link", NULL);
    unlock();
    return done;
}

int link(const char *old, const char *new) { return linkat(AT_FDCWD, old, AT_FDCWD, new, 0); }
