/* Fails or kills a process at one of its system calls, when it is told to: loaded by LD_PRELOAD.
 *
 * TESTAMUR_FAULTS names a file of `struct role`s, which `interposer.py` writes and all processes map.
 * A process finds its role by its command line; others are left alone. Each call is counted. The
 * armed one is struck at its n-th occurrence: the process dies before it or after it, or the call
 * fails without being done, or writes half. Calls inside the C library itself (such as the mmap of
 * malloc) do not pass here.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

/* The order is that of `CALLS` in interposer.py. */
enum call {
    OPEN, READ, PREAD, WRITE, PWRITE, WRITEV, PWRITEV, FSYNC, FDATASYNC, SYNC_RANGE, RENAME, LINK,
    UNLINK, TRUNCATE, MKDIR, ALLOCATE, LOCK, FLOCK, MMAP, CLOSE, STAT, STATVFS, OPENDIR, SEEK,
    SOCKET, CONNECT, ACCEPT, SEND, RECV, POLL, CALLS
};
enum action { NOTHING, KILL_BEFORE, KILL_AFTER, FAIL, HALVE };

struct role {
    char marker[64];        /* found in the command line of the processes that play this role */
    char scope[256];        /* file calls are struck only below this folder, or at relative paths */
    uint32_t forked_only;   /* leave the process alone that was executed, and strike its children */
    uint32_t call, action;
    int32_t error;
    int32_t countdown;
    uint32_t fired, pid;
    char what[256];         /* the path, or what the descriptor is */
    uint64_t counts[CALLS];
};
#define ROLES 4

static struct role *mine;
static pid_t executed;

static void find_role(void) __attribute__((constructor));
static void find_role(void)
{
    const char *name = getenv("TESTAMUR_FAULTS");
    char line[4096];
    int fd = name ? open("/proc/self/cmdline", O_RDONLY) : -1;
    if (fd < 0) return;
    ssize_t length = read(fd, line, sizeof line - 1);
    close(fd);
    if (length <= 0) return;
    for (ssize_t i = 0; i < length; i++) if (!line[i]) line[i] = ' ';
    line[length] = 0;
    if ((fd = open(name, O_RDWR)) < 0) return;
    struct role *roles = mmap(0, sizeof *roles * ROLES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (roles == MAP_FAILED) return;
    executed = getpid();
    for (int i = 0; i < ROLES && !mine; i++)
        if (roles[i].marker[0] && strstr(line, roles[i].marker)) mine = &roles[i];
}

static int in_scope(int fd, const char *path, char *what)
{
    if (path) {
        snprintf(what, sizeof mine->what, "%s", path);
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = fd < 0 ? -1 : readlink(link, what, sizeof mine->what - 1);
        if (length < 0) {
            what[0] = 0;
            return 1;  /* no file: epoll, socket(2), anonymous memory */
        }
        what[length] = 0;
        if (!strncmp(what, "anon", 4))  /* epoll and eventfd do not fail by themselves */
            return mine->action == KILL_BEFORE || mine->action == KILL_AFTER;
        if (!strncmp(what, "socket:", 7) || !strncmp(what, "pipe:", 5)) return 1;
    }
    return what[0] != '/' || strstr(what, mine->scope) == what;
}

/* Count the call; return what is to be done with it. */
static enum action struck(enum call call, int fd, const char *path)
{
    struct role *role = mine;
    if (!role || (role->forked_only && getpid() == executed)) return NOTHING;
    __atomic_fetch_add(&role->counts[call], 1, __ATOMIC_RELAXED);
    if (__atomic_load_n(&role->action, __ATOMIC_ACQUIRE) == NOTHING || role->call != call)
        return NOTHING;
    int before = errno;
    char what[sizeof role->what];
    int inside = in_scope(fd, path, what);
    errno = before;
    if (!inside || __atomic_sub_fetch(&role->countdown, 1, __ATOMIC_ACQ_REL) != 0) return NOTHING;
    enum action action = role->action;
    memcpy(role->what, what, sizeof what);
    role->pid = (uint32_t)getpid();
    __atomic_store_n(&role->action, NOTHING, __ATOMIC_RELEASE);
    __atomic_store_n(&role->fired, 1, __ATOMIC_RELEASE);
    if (action == KILL_BEFORE) {
        kill(getpid(), SIGKILL);
        pause();
    }
    if (action == FAIL) {
        /* A connection that was reset is gone: whoever reads from it afterwards finds its end. */
        if (role->error == ECONNRESET || role->error == EPIPE) shutdown(fd, SHUT_RDWR);
        errno = role->error;
    }
    return action;
}

static void after(enum action action)
{
    if (action == KILL_AFTER) {
        kill(getpid(), SIGKILL);
        pause();
    }
}

#define REAL(name) ({ \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name); \
    real; })

#define WRAPPED(call, type, failed, name, fd, path, parameters, arguments) \
    type name parameters \
    { \
        enum action action = struck(call, fd, path); \
        if (action == FAIL) return failed; \
        type result = REAL(name) arguments; \
        after(action); \
        return result; \
    }
#define OF_PATH(call, name, path, parameters, arguments) \
    WRAPPED(call, int, -1, name, -1, path, parameters, arguments)
#define OF_FD(call, type, name, parameters, arguments) \
    WRAPPED(call, type, -1, name, fd, NULL, parameters, arguments)
#define WRITING(call, name, parameters, arguments) \
    ssize_t name parameters \
    { \
        enum action action = struck(call, fd, NULL); \
        if (action == FAIL) return -1; \
        if (action == HALVE && size > 1) size /= 2; \
        ssize_t result = REAL(name) arguments; \
        after(action); \
        return result; \
    }

#define OPENING(name, parameters, arguments) \
    int name parameters \
    { \
        va_list list; \
        va_start(list, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0; \
        va_end(list); \
        enum action action = struck(OPEN, -1, path); \
        if (action == FAIL) return -1; \
        int result = REAL(name) arguments; \
        after(action); \
        return result; \
    }
OPENING(open, (const char *path, int flags, ...), (path, flags, mode))
OPENING(open64, (const char *path, int flags, ...), (path, flags, mode))
OPENING(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode))
OPENING(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode))

OF_FD(READ, ssize_t, read, (int fd, void *data, size_t size), (fd, data, size))
OF_FD(PREAD, ssize_t, pread, (int fd, void *data, size_t size, off_t at), (fd, data, size, at))
OF_FD(PREAD, ssize_t, pread64, (int fd, void *data, size_t size, off64_t at), (fd, data, size, at))
WRITING(WRITE, write, (int fd, const void *data, size_t size), (fd, data, size))
WRITING(PWRITE, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
WRITING(PWRITE, pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))
OF_FD(WRITEV, ssize_t, writev, (int fd, const struct iovec *data, int count), (fd, data, count))
OF_FD(PWRITEV, ssize_t, pwritev, (int fd, const struct iovec *data, int count, off_t at),
      (fd, data, count, at))
OF_FD(PWRITEV, ssize_t, pwritev64, (int fd, const struct iovec *data, int count, off64_t at),
      (fd, data, count, at))
OF_FD(FSYNC, int, fsync, (int fd), (fd))
OF_FD(FDATASYNC, int, fdatasync, (int fd), (fd))
OF_FD(SYNC_RANGE, int, sync_file_range, (int fd, off64_t at, off64_t size, unsigned flags),
      (fd, at, size, flags))
OF_PATH(RENAME, rename, to, (const char *from, const char *to), (from, to))
OF_PATH(RENAME, renameat, to, (int there, const char *from, int here, const char *to),
        (there, from, here, to))
OF_PATH(LINK, link, to, (const char *from, const char *to), (from, to))
OF_PATH(UNLINK, unlink, path, (const char *path), (path))
OF_PATH(UNLINK, unlinkat, path, (int at, const char *path, int flags), (at, path, flags))
OF_FD(TRUNCATE, int, ftruncate, (int fd, off_t size), (fd, size))
OF_FD(TRUNCATE, int, ftruncate64, (int fd, off64_t size), (fd, size))
OF_PATH(MKDIR, mkdir, path, (const char *path, mode_t mode), (path, mode))
WRAPPED(ALLOCATE, int, errno, posix_fallocate, fd, NULL, (int fd, off_t at, off_t size),
        (fd, at, size))
WRAPPED(ALLOCATE, int, errno, posix_fallocate64, fd, NULL, (int fd, off64_t at, off64_t size),
        (fd, at, size))
OF_FD(FLOCK, int, flock, (int fd, int how), (fd, how))
OF_FD(STAT, int, fstat, (int fd, struct stat *found), (fd, found))
OF_FD(STAT, int, fstat64, (int fd, struct stat64 *found), (fd, found))
OF_PATH(STAT, stat, path, (const char *path, struct stat *found), (path, found))
OF_PATH(STAT, stat64, path, (const char *path, struct stat64 *found), (path, found))
OF_PATH(STAT, lstat64, path, (const char *path, struct stat64 *found), (path, found))
OF_PATH(STAT, fstatat64, path, (int at, const char *path, struct stat64 *found, int flags),
        (at, path, found, flags))
OF_PATH(STATVFS, statvfs64, path, (const char *path, struct statvfs64 *found), (path, found))
OF_PATH(STATVFS, statvfs, path, (const char *path, struct statvfs *found), (path, found))
OF_FD(STATVFS, int, fstatvfs, (int fd, struct statvfs *found), (fd, found))
OF_FD(STATVFS, int, fstatvfs64, (int fd, struct statvfs64 *found), (fd, found))
WRAPPED(OPENDIR, DIR *, NULL, opendir, -1, path, (const char *path), (path))
OF_FD(SEEK, off_t, lseek, (int fd, off_t at, int whence), (fd, at, whence))
OF_FD(SEEK, off64_t, lseek64, (int fd, off64_t at, int whence), (fd, at, whence))
WRAPPED(MMAP, void *, MAP_FAILED, mmap, fd, NULL,
        (void *at, size_t size, int access, int flags, int fd, off_t from),
        (at, size, access, flags, fd, from))
WRAPPED(MMAP, void *, MAP_FAILED, mmap64, fd, NULL,
        (void *at, size_t size, int access, int flags, int fd, off64_t from),
        (at, size, access, flags, fd, from))

WRAPPED(SOCKET, int, -1, socket, -1, NULL, (int family, int type, int protocol),
        (family, type, protocol))
OF_FD(CONNECT, int, connect, (int fd, const struct sockaddr *to, socklen_t size), (fd, to, size))
OF_FD(ACCEPT, int, accept, (int fd, struct sockaddr *from, socklen_t *size), (fd, from, size))
OF_FD(ACCEPT, int, accept4, (int fd, struct sockaddr *from, socklen_t *size, int flags),
      (fd, from, size, flags))
WRITING(SEND, send, (int fd, const void *data, size_t size, int flags), (fd, data, size, flags))
WRITING(SEND, sendto,
        (int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t n),
        (fd, data, size, flags, to, n))
OF_FD(SEND, ssize_t, sendmsg, (int fd, const struct msghdr *data, int flags), (fd, data, flags))
OF_FD(RECV, ssize_t, recv, (int fd, void *data, size_t size, int flags), (fd, data, size, flags))
OF_FD(RECV, ssize_t, recvfrom,
      (int fd, void *data, size_t size, int flags, struct sockaddr *from, socklen_t *n),
      (fd, data, size, flags, from, n))
OF_FD(RECV, ssize_t, recvmsg, (int fd, struct msghdr *data, int flags), (fd, data, flags))
WRAPPED(POLL, int, -1, poll, -1, NULL, (struct pollfd *fds, nfds_t count, int timeout),
        (fds, count, timeout))
OF_FD(POLL, int, epoll_wait, (int fd, struct epoll_event *found, int most, int timeout),
      (fd, found, most, timeout))
OF_FD(POLL, int, epoll_pwait,
      (int fd, struct epoll_event *found, int most, int timeout, const sigset_t *mask),
      (fd, found, most, timeout, mask))

/* A descriptor is gone after close(2), whatever it returned. */
int close(int fd)
{
    enum action action = struck(CLOSE, fd, NULL);
    int error = errno, result = REAL(close)(fd);
    after(action);
    if (action != FAIL) return result;
    errno = error;
    return -1;
}

static int locked(int fd, int command, void *argument, int (*real)(int, int, ...))
{
    int locks = command == F_SETLK || command == F_SETLKW || command == F_GETLK ||
                command == F_OFD_SETLK || command == F_OFD_SETLKW;
    /* Linux releases a lock of a local file whatever happens: one that stayed held would be a fault
     * of no kernel, and only the end of its process would mend it. */
    if (locks && ((struct flock *)argument)->l_type == F_UNLCK) locks = 0;
    enum action action = locks ? struck(LOCK, fd, NULL) : NOTHING;
    if (action == FAIL) return -1;
    int result = real(fd, command, argument);
    after(action);
    return result;
}
#define CONTROL(name) \
    int name(int fd, int command, ...) \
    { \
        va_list list; \
        va_start(list, command); \
        void *argument = va_arg(list, void *); \
        va_end(list); \
        return locked(fd, command, argument, REAL(name)); \
    }
CONTROL(fcntl)
CONTROL(fcntl64)
