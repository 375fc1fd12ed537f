/* See sandbox.h. Over a socket, the child asks for pieces of the disk, and at last sends the result. */
#define _GNU_SOURCE
#include "volumes/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIECE = 128 << 10, PIECES = 16 };
enum { SECONDS_MOST = 30, MEMORY_MOST = 512 << 20 };
/* The most that a child reads of a disk: whoever asks for more goes round in circles. */
#define READ_MOST (4ull << 30)

typedef struct Request {
    uint64_t offset;
    uint32_t length; /* 0: the result follows */
} Request;

static bool send_all(int fd, const void *data, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t sent = send(fd, (const char *)data + done, length - done, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        done += (size_t)sent;
    }
    return true;
}

static bool receive_all(int fd, void *data, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t got = read(fd, (char *)data + done, length - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

/* ---- The child --------------------------------------------------------------------------------------- */

/* Whole pieces of the disk, the least recently used of which goes. */
typedef struct Remote {
    int fd;
    uint64_t size;
    uint64_t uses;
    struct {
        uint64_t number, used; /* used 0: empty */
        uint8_t data[PIECE];
    } piece[PIECES];
} Remote;

static const uint8_t *get_piece(Remote *remote, uint64_t number)
{
    unsigned oldest = 0;
    for (unsigned n = 0; n < PIECES; n++) {
        if (remote->piece[n].used && remote->piece[n].number == number) {
            remote->piece[n].used = ++remote->uses;
            return remote->piece[n].data;
        }
        if (remote->piece[n].used < remote->piece[oldest].used)
            oldest = n;
    }
    uint64_t rest = remote->size - number * PIECE;
    Request request = {number * PIECE, (uint32_t)(rest < PIECE ? rest : PIECE)};
    uint8_t ok = 0;
    remote->piece[oldest].used = 0;
    if (!send_all(remote->fd, &request, sizeof request) || !receive_all(remote->fd, &ok, 1) || !ok ||
        !receive_all(remote->fd, remote->piece[oldest].data, request.length))
        return NULL;
    remote->piece[oldest].number = number;
    remote->piece[oldest].used = ++remote->uses;
    return remote->piece[oldest].data;
}

static bool read_remote(void *opaque, uint64_t offset, void *data, size_t length)
{
    Remote *remote = opaque;
    for (size_t done = 0; done < length;) {
        size_t within = (offset + done) % PIECE, part = PIECE - within;
        part = part < length - done ? part : length - done;
        const uint8_t *piece = get_piece(remote, (offset + done) / PIECE);
        if (!piece)
            return false;
        memcpy((char *)data + done, piece + within, part);
        done += part;
    }
    return true;
}

/* What memory allocation, reading, writing and ending need; everything else fails. Sanitizers need more. */
static void allow_little(void)
{
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__ && defined __x86_64__
#define ALLOW(name)                                                                                          \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(read),
        ALLOW(write),
        ALLOW(sendto),
        ALLOW(brk),
        ALLOW(mmap),
        ALLOW(munmap),
        ALLOW(mremap),
        ALLOW(madvise),
        ALLOW(mprotect),
        ALLOW(futex),
        ALLOW(rt_sigprocmask),
        ALLOW(exit_group),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
#undef ALLOW
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    if (!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
#endif
}

static void limit(int what, uint64_t most)
{
    struct rlimit now;
    if (!getrlimit((__rlimit_resource_t)what, &now) && most < now.rlim_max)
        setrlimit((__rlimit_resource_t)what, &(struct rlimit){most, most});
}

/* Address space is counted from what the parent has mapped already. */
static uint64_t mapped(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long long pages = 0;
    bool ok = file && fscanf(file, "%llu", &pages) == 1;
    if (file)
        fclose(file);
    return ok ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* Descriptors 3 up become: the socket, the files. Nothing else stays open but the standard files. */
static void keep_files(int *socket, int *files)
{
    int all[SANDBOX_FILES + 1] = {*socket};
    memcpy(all + 1, files, SANDBOX_FILES * sizeof *files);
    enum { ABOVE = 100 };
    for (int n = 0; n <= SANDBOX_FILES; n++)
        all[n] = fcntl(all[n], F_DUPFD, ABOVE);
    for (int n = 0; n <= SANDBOX_FILES; n++)
        dup2(all[n], 3 + n);
    syscall(SYS_close_range, 4 + SANDBOX_FILES, ~0u, 0);
    *socket = 3;
    for (int n = 0; n < SANDBOX_FILES; n++)
        files[n] = 4 + n;
}

static void be_child(SandboxJob job, int socket, uint64_t size) __attribute__((noreturn));

static void be_child(SandboxJob job, int socket, uint64_t size)
{
    uint64_t before = mapped();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_DUMPABLE, 0);
    keep_files(&socket, job.file);
    limit(RLIMIT_CPU, SECONDS_MOST);
    limit(RLIMIT_CORE, 0);
    if (before)
        limit(RLIMIT_AS, before + MEMORY_MOST);
    allow_little();
    Remote *remote = calloc(1, sizeof *remote);
    void *result = calloc(1, job.result_size);
    if (!remote || !result)
        _exit(1);
    remote->fd = socket;
    remote->size = size;
    job.work(&job, &(Source){read_remote, remote, 0, size}, result);
    bool sent =
        send_all(socket, &(Request){0, 0}, sizeof(Request)) && send_all(socket, result, job.result_size);
    _exit(!sent);
}

/* ---- The parent -------------------------------------------------------------------------------------- */

/* True when the result is there. */
static bool serve(int fd, const Source *disk, void *result, size_t result_size, bool *unreadable)
{
    uint8_t *data = malloc(PIECE);
    Request request;
    uint64_t total = 0;
    bool done = false;
    while (data && !done && receive_all(fd, &request, sizeof request)) {
        if (!request.length) {
            done = receive_all(fd, result, result_size);
            break;
        }
        total += request.length;
        if (request.length > PIECE || total > READ_MOST)
            break;
        uint8_t ok = source_read(disk, request.offset, data, request.length);
        *unreadable |= !ok;
        if (!send_all(fd, &ok, 1) || (ok && !send_all(fd, data, request.length)))
            break;
    }
    free(data);
    return done;
}

static void explain(int status, Error *err)
{
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
        error_set(err, "reading its file systems took more than %d seconds: they may be damaged",
                  SECONDS_MOST);
    else if (WIFSIGNALED(status))
        error_set(err, "its file systems are damaged in a way that ended their reader (%s)",
                  strsignal(WTERMSIG(status)));
    else
        error_set(err, "its file systems are damaged");
}

bool sandbox_run(const SandboxJob *job, const Source *disk, void *result, Error *err)
{
    int pair[2], status = 0;
    bool unreadable = false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return error_set(err, "cannot make a socket: %s", strerror(errno));
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        close(pair[0]);
        be_child(*job, pair[1], disk->size);
    }
    close(pair[1]);
    bool ok = child > 0 ? serve(pair[0], disk, result, job->result_size, &unreadable)
                        : error_set(err, "cannot start a process: %s", strerror(errno));
    close(pair[0]);
    if (child < 0)
        return false;
    if (!ok)
        kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (ok)
        return true;
    if (unreadable)
        return error_set(err, "the host could not read it");
    explain(status, err);
    return false;
}
