/* Throughput of a block device without the page cache, with one request or many in flight, by Linux's
 * asynchronous I/O.
 *
 *     disk_io DEVICE SECONDS read|write seq|random BLOCK_BYTES DEPTH
 *
 * Prints "@@ disk NAME OPERATIONS BYTES SECONDS". */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH_MOST = 64 };

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

typedef struct Job {
    int fd;
    uint64_t blocks, next, seed;
    uint32_t block;
    int random, write;
    aio_context_t context;
    struct iocb iocb[DEPTH_MOST];
} Job;

static void submit(Job *job, struct iocb *iocb)
{
    job->seed = job->seed * 6364136223846793005u + 1442695040888963407u;
    uint64_t number = job->random ? (job->seed >> 33) % job->blocks : job->next++ % job->blocks;
    iocb->aio_offset = (int64_t)(number * job->block);
    if (syscall(SYS_io_submit, job->context, 1, &iocb) != 1)
        fail("io_submit");
}

int main(int argc, char **argv)
{
    static Job job;
    if (argc != 7)
        return 2;
    double seconds = atof(argv[2]);
    int depth = atoi(argv[6]);
    job.write = !strcmp(argv[3], "write");
    job.random = !strcmp(argv[4], "random");
    job.block = (uint32_t)atoi(argv[5]);
    job.seed = 1;
    job.fd = open(argv[1], O_RDWR | O_DIRECT);
    uint64_t size;
    if (job.fd < 0 || ioctl(job.fd, BLKGETSIZE64, &size))
        fail(argv[1]);
    job.blocks = size / job.block;
    if (depth < 1 || depth > DEPTH_MOST || syscall(SYS_io_setup, depth, &job.context))
        fail("io_setup");
    for (int n = 0; n < depth; n++) {
        void *buffer;
        if (posix_memalign(&buffer, 4096, job.block))
            fail("memory");
        memset(buffer, 'a' + n, job.block);
        job.iocb[n].aio_lio_opcode = job.write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
        job.iocb[n].aio_fildes = (uint32_t)job.fd;
        job.iocb[n].aio_buf = (uintptr_t)buffer;
        job.iocb[n].aio_nbytes = job.block;
    }
    double start = now(), end = start;
    uint64_t operations = 0;
    for (int n = 0; n < depth; n++)
        submit(&job, &job.iocb[n]);
    for (int left = depth; left;) {
        struct io_event event[DEPTH_MOST];
        int got = (int)syscall(SYS_io_getevents, job.context, 1, depth, event, NULL);
        if (got < 1)
            fail("io_getevents");
        end = now();
        for (int n = 0; n < got; n++) {
            if (event[n].res != job.block)
                fail("a request failed");
            operations++;
            if (end - start < seconds)
                submit(&job, (struct iocb *)(uintptr_t)event[n].obj);
            else
                left--;
        }
    }
    if (fsync(job.fd))
        fail("fsync");
    printf("@@ disk %s-%s-%u-%d %llu %llu %.6f\n", argv[4], argv[3], job.block, depth,
           (unsigned long long)operations, (unsigned long long)(operations * job.block), end - start);
    return 0;
}
