/* A process that writes to a disk is killed, again and again: nothing that it had flushed may be lost, the
 * image below an overlay is as it was, and the overlay is never damaged. Some are killed while they commit.
 *
 *     killed [rounds [seed [longest life in us [folder]]]] */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "images/image.h"
#include "images/manage.h"
#include "tests/images/folder.h"
#include "tests/images/history.h"

enum { STEPS_MOST = 3000, UNDER_WAY = 5, LIFE_MOST = 20000000 /* us */ };

static uint8_t base[HISTORY_BYTES], now[HISTORY_BYTES];
static History history;
static unsigned longest = 12000; /* that a process lives, in us */

static void must(bool ok, const char *what, const Error *err)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", what, err->text);
    exit(1);
}

/* ---- Who is killed ------------------------------------------------------------------------------------- */

typedef struct Writer {
    Disk *disk;
    Arrivals *arrivals;
    int log;
    uint32_t seed;
    bool failed;
} Writer;

typedef struct Sent {
    DiskRequest request;
    Writer *writer;
    uint32_t number;
    uint8_t data[64 * DISK_SECTOR + 8 * DISK_SECTOR];
} Sent;

static void done(DiskRequest *request)
{
    Sent *sent = request->opaque;
    sent->writer->failed |= request->result != DISK_OK;
    if (request->action == DISK_FLUSH && !sent->writer->failed &&
        write(sent->writer->log, &sent->number, sizeof sent->number) != sizeof sent->number)
        _exit(3);
    free(sent);
}

static void send(Writer *writer, uint32_t number)
{
    Step step = history_step(writer->seed, number);
    Sent *sent = calloc(1, sizeof *sent);
    sent->writer = writer;
    sent->number = number;
    sent->request = (DiskRequest){.action = step.action,
                                  .offset = (uint64_t)step.first * DISK_SECTOR,
                                  .length = (uint64_t)step.count * DISK_SECTOR,
                                  .done = done,
                                  .opaque = sent};
    if (step.action == DISK_WRITE) {
        history_data(writer->seed, number, sent->data);
        sent->request.data = sent->data;
    }
    if (disk_submit(writer->disk, &sent->request))
        done(&sent->request);
}

static void write_on(DiskImage *image, uint32_t seed, int log)
{
    Writer writer = {.log = log, .seed = seed, .arrivals = arrivals_new()};
    writer.disk = disk_new("disk0", image->ops, image->medium, &image->info, NULL, writer.arrivals);
    for (uint32_t number = 0; number < STEPS_MOST && !writer.failed; number++) {
        send(&writer, number);
        while (disk_under_way(writer.disk) >= UNDER_WAY)
            arrivals_deliver(writer.arrivals);
    }
    disk_drain(writer.disk);
    disk_free(writer.disk);
    _exit(writer.failed ? 4 : 0);
}

static void child(const ImageOptions *options, uint32_t seed, int log)
{
    DiskImage image;
    Error err;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    must(image_open(&image, options, &err), "writer", &err);
    if (write(log, &(uint32_t){UINT32_MAX}, 4) != 4) /* it has begun */
        _exit(3);
    if (seed)
        write_on(&image, seed, log);
    must(image_commit(&image, NULL, &err), "commit", &err);
    image_close(&image);
    _exit(0);
}

/* ---- Who kills ----------------------------------------------------------------------------------------- */

/* Runs it, kills it after so many microseconds; how many steps are settled. */
static uint32_t kill_one(const ImageOptions *options, uint32_t seed, unsigned after)
{
    int log[2], status;
    uint32_t number, settled = 0;
    fflush(NULL);
    if (pipe2(log, O_CLOEXEC))
        abort();
    pid_t pid = fork();
    if (!pid)
        child(options, seed, log[1]);
    close(log[1]);
    if (read(log[0], &number, sizeof number) != sizeof number)
        number = 0;
    usleep(after);
    kill(pid, SIGKILL);
    while (read(log[0], &number, sizeof number) == sizeof number)
        settled = number + 1;
    close(log[0]);
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status)) {
        fprintf(stderr, "seed %u: the writer ended with %d\n", seed, WEXITSTATUS(status));
        exit(1);
    }
    return settled;
}

static void look(const ImageOptions *options, uint8_t *data)
{
    DiskImage image;
    Error err;
    must(image_open(&image, options, &err), "afterwards", &err);
    must(!image.ops->read(image.medium, 0, data, HISTORY_BYTES, &err), "afterwards", &err);
    image_close(&image);
}

static void begin(const ImageOptions *options, uint32_t seed)
{
    DiskImage image;
    Error err;
    must(image_open(&image, options, &err), "before", &err);
    history_begin(&history, seed, &image);
    image_close(&image);
}

/* What was not settled may have gone some requests further than the next flush, which was not told any more.
 */
static uint32_t write_round(const ImageOptions *options, uint32_t seed)
{
    begin(options, seed);
    uint32_t settled = kill_one(options, seed, seed * 7919 % longest);
    for (uint32_t number = 0; number < settled; number++)
        history_note(&history, number, true);
    for (uint32_t number = settled, left = UINT32_MAX; number < STEPS_MOST && left; number++, left--) {
        if (left > UNDER_WAY && history_step(seed, number).action == DISK_FLUSH)
            left = UNDER_WAY + 1;
        history_note(&history, number, false);
    }
    look(options, now);
    int wrong = history_check(&history, now);
    if (wrong < 0)
        return settled;
    fprintf(stderr, "seed %u: after %u settled steps, sector %d is what it cannot be\n", seed, settled,
            wrong);
    exit(1);
}

static void commit_round(const ImageOptions *options, uint32_t seed)
{
    look(options, now);
    kill_one(options, 0, seed * 7919 % (longest / 4));
    look(options, history.start);
    if (!memcmp(now, history.start, sizeof now))
        return;
    fprintf(stderr, "seed %u: a commit that was killed changed the disk\n", seed);
    exit(1);
}

static void rounds(const char *file, const char *overlay, unsigned count, uint32_t seed)
{
    ImageOptions options = {.path = file, .overlay = overlay};
    uint64_t settled = 0;
    unsigned commits = 0, life = longest;
    for (unsigned n = 0; n < count || !settled; n++, seed++) {
        if (n >= count && (longest *= 2) > LIFE_MOST) { /* the host is busy: they have not got far */
            fputs("nothing was ever settled\n", stderr);
            exit(1);
        }
        if (overlay && n % 8 == 7) {
            commit_round(&options, seed);
            get_file(file, base, sizeof base, 0); /* as far as it came */
            commits++;
            continue;
        }
        settled += write_round(&options, seed);
        if (!overlay)
            continue;
        get_file(file, now, sizeof now, 0);
        if (memcmp(base, now, sizeof now)) {
            fprintf(stderr, "seed %u: the image below has changed\n", seed);
            exit(1);
        }
    }
    printf("%s: %u processes killed, %u of them committing; %llu steps had been settled\n",
           overlay ? "overlay" : "raw", count, commits, (unsigned long long)settled);
    longest = life;
}

int main(int argc, char **argv)
{
    unsigned count = argc > 1 ? (unsigned)atoi(argv[1]) : 60;
    uint32_t seed = argc > 2 ? (uint32_t)atoi(argv[2]) : 1;
    if (argc > 3 && atoi(argv[3]) > 4)
        longest = (unsigned)atoi(argv[3]);
    if (argc > 4)
        setenv("TMPDIR", argv[4], 1);
    if (folder_make(NULL))
        return 1;
    for (unsigned n = 0; n < sizeof base; n++)
        base[n] = (uint8_t)(n * 31 + n / 512);
    put_file(in_folder("base.img"), sizeof base, base, sizeof base, 0);
    rounds(in_folder("base.img"), in_folder("over.ovl"), count, seed);
    put_file(in_folder("raw.img"), sizeof base, base, sizeof base, 0);
    rounds(in_folder("raw.img"), NULL, count / 2, seed);
    return folder_remove(NULL);
}
