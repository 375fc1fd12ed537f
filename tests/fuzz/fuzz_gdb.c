/* A hostile debugger: packets that are right, nearly right, and none at all, cut into pieces anywhere, and
 * sent without waiting for answers. The machine must go on, every packet that comes back must have its
 * checksum, and at the end a plain question must be answered. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "frontends/gdb_wire.h"
#include "frontends/options.h"
#include "frontends/session.h"
#include "tests/fuzz/random.h"
#include "tests/fuzz/stream.h"

enum { PACKETS = 250, ROUNDS_MOST = 2000 };

typedef struct Run {
    uint64_t seed;
    Random random;
    Session *session;
    LoopTimer *timer;
    Stream out; /* from the debugger's end */
    unsigned packets, rounds;
    GdbWire in;
    uint64_t answers;
    bool last_sent, ended;
    bool floods; /* it asked for so much at once that the server may hang up */
} Run;

static unsigned failed;

static void fail(const Run *run, const char *what)
{
    printf("seed %llu: %s\n", (unsigned long long)run->seed, what);
    failed++;
}

/* ---- Packets ----------------------------------------------------------------------------------------- */

static void put(void *opaque, uint8_t ch)
{
    stream_add(&((Run *)opaque)->out, &ch, 1);
}

/* Where there is memory, most of the time: the ROM at 0 and RAM. */
static uint32_t address(Random *random)
{
    switch (random_below(random, 4)) {
    case 0:
        return random_value(random);
    case 1:
        return random_below(random, 0x400) & ~3u;
    default:
        return 0x60000000 + random_below(random, 0x20000);
    }
}

static size_t hex(Random *random, char *text, unsigned most)
{
    unsigned digits = random_below(random, most) & ~1u;
    for (unsigned n = 0; n < digits; n++)
        text[n] = "0123456789abcdef"[random_below(random, 16)];
    return digits;
}

/* The command of a `monitor`, in hexadecimal. */
static size_t monitor(Random *random, char *text)
{
    static const char *const commands[] = {
        "status",   "help",        "step",          "registers 1", "sleep 0.0001", "resume",
        "stats",    "breakpoints", "history",       "step_back",   "goto 1000",    "reset",
        "run_back", "diverge",     "expect x 0.01", "explain",     "\"",           "devices"};
    const char *command = commands[random_below(random, sizeof commands / sizeof *commands)];
    size_t length = 0;
    for (; *command; command++)
        length += (size_t)sprintf(text + length, "%02x", (uint8_t)*command);
    return length;
}

static size_t plain(Random *random, char *text)
{
    static const char words[] =
        "? g qC qfThreadInfo qsThreadInfo vCont? vCont;c c s bs bc qAttached vCont;s:1 vCont;s:2;c D Hg2 "
        "Hc-1 Hg0 T1 T9 qThreadExtraInfo,2 vMustReplyEmpty qTStatus S05 C05 vCont;C05:1;s:2 k0 "
        "QStartNoAckMode";
    const char *word = words;
    for (unsigned n = random_below(random, 28); n; n--)
        word = strchr(word, ' ') + 1;
    return (size_t)sprintf(text, "%.*s", (int)strcspn(word, " "), word);
}

/* Of memory, or a place in it. */
static size_t memory(Random *random, char *text)
{
    uint32_t at = address(random),
             size = random_one_in(random, 8) ? random_value(random) : random_below(random, 64);
    int length = 0;
    switch (random_below(random, 6)) {
    case 0:
        return (size_t)sprintf(text, "m%x,%x", at, size);
    case 1:
        length = sprintf(text, "M%x,%x:", at, size);
        return (size_t)length + hex(random, text + length, 140);
    case 2:
        length = sprintf(text, "X%x,%x:", at, size);
        return (size_t)length + hex(random, text + length, 70);
    case 3:
        return (size_t)sprintf(text, "vCont;r%x,%x:%x", at, at + size, random_below(random, 3));
    default:
        return (size_t)sprintf(text, "%c%u,%x,%x", random_one_in(random, 3) ? 'z' : 'Z',
                               random_below(random, 6), at, size);
    }
}

static size_t registers(Random *random, char *text)
{
    int length;
    switch (random_below(random, 3)) {
    case 0:
        return (size_t)sprintf(text, "p%x",
                               random_one_in(random, 4) ? random_value(random) : random_below(random, 120));
    case 1:
        length = sprintf(text, "P%x=", random_below(random, 110));
        return (size_t)length + hex(random, text + length, 20);
    default:
        text[0] = 'G';
        return 1 + hex(random, text + 1, 900);
    }
}

static size_t command(Random *random, char *text)
{
    switch (random_below(random, 6)) {
    case 0:
    case 1:
        return memory(random, text);
    case 2:
        return registers(random, text);
    case 3:
        if (random_one_in(random, 3))
            return (size_t)sprintf(text, "qXfer:features:read:target.xml:%x,%x", random_below(random, 9000),
                                   random_value(random));
        return (size_t)sprintf(text, "qRcmd,") + monitor(random, text + strlen("qRcmd,"));
    default:
        return plain(random, text);
    }
}

static void add_noise(Run *run)
{
    bool floods = random_one_in(&run->random, 40);
    unsigned length = floods ? 40000 : random_below(&run->random, 60);
    run->floods |= floods;
    bool same = random_one_in(&run->random, 2);
    for (unsigned n = 0; n < length; n++)
        put(run,
            same ? (uint8_t) "$}#+-\x03"[random_below(&run->random, 6)] : (uint8_t)random_next(&run->random));
}

static void add_packet(Run *run)
{
    Random *random = &run->random;
    char text[2048] = "";
    if (random_one_in(random, 8)) {
        add_noise(run);
        return;
    }
    size_t length = command(random, text), from = stream_is_sent(&run->out) ? 0 : run->out.length;
    if (random_one_in(random, 5) && length)
        text[random_below(random, (uint32_t)length)] = (char)random_next(random);
    gdb_wire_frame(text, length, put, run);
    if (random_one_in(random, 20))
        run->out.data[from + random_below(random, (uint32_t)(run->out.length - from))] ^= 1;
    if (random_one_in(random, 3))
        put(run, 3);
}

/* ---- Answers ----------------------------------------------------------------------------------------- */

static void take_answers(Run *run)
{
    uint8_t bytes[4096];
    ssize_t got;
    while ((got = recv(run->out.fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        for (ssize_t n = 0; n < got; n++) {
            GdbInput input = gdb_wire_take(&run->in, bytes[n]);
            if (input == GDB_DAMAGED)
                fail(run, "a damaged packet");
            run->answers += input == GDB_PACKET;
            run->ended |= run->last_sent && input == GDB_PACKET && !strncmp((char *)run->in.data, "QC", 2);
        }
    if (!got && !run->floods && !session_ending(run->session))
        fail(run, "the server has hung up");
    run->ended |= !got;
}

/* ---- A run ------------------------------------------------------------------------------------------- */

static void send_some(Run *run)
{
    if (stream_is_sent(&run->out) && run->packets++ < PACKETS) {
        add_packet(run);
    } else if (stream_is_sent(&run->out) &&
               !run->last_sent) { /* the end of whatever came before, then the question */
        gdb_wire_frame("", 0, put, run);
        put(run, 3);
        gdb_wire_frame("qC", 2, put, run);
        run->last_sent = true;
    }
    stream_send(&run->out, &run->random);
}

static void step(void *opaque)
{
    Run *run = opaque;
    send_some(run);
    take_answers(run);
    run->rounds += run->last_sent && stream_is_sent(&run->out);
    if (run->ended || run->rounds > ROUNDS_MOST)
        session_end(run->session, 0, NULL);
    else
        loop_timer_set(run->timer, run->rounds > 20 ? 1000000 : 0);
}

static bool start(Run *run, const Options *options)
{
    Error err;
    int code;
    FILE *nowhere = fopen("/dev/null", "w");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", options->gdb + strlen("unix:"));
    run->session = session_new(options, log_new(nowhere), &code, &err);
    run->out.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!run->session || connect(run->out.fd, (struct sockaddr *)&address, sizeof address)) {
        printf("cannot start: %s\n", run->session ? strerror(errno) : err.text);
        failed++;
        return false;
    }
    run->timer = loop_timer_new(session_loop(run->session), step, run);
    loop_timer_set(run->timer, 0);
    session_run(run->session);
    if (run->rounds > ROUNDS_MOST) /* else a packet may have ended it */
        fail(run, "the last question was not answered");
    close(run->out.fd);
    loop_timer_free(run->timer);
    session_free(run->session);
    fclose(nowhere);
    return true;
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/armature-fuzz-XXXXXX", place[80];
    char *words[] = {"armature", "--gdb",  place, "--serial",  "none", "--memory",
                     "16M",      "--cpus", "2",   "--history", "16M",  NULL};
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1,
             runs = argc > 2 ? strtoull(argv[2], NULL, 0) : 40;
    uint64_t done = 0, answers = 0;
    if (!mkdtemp(folder))
        return 1;
    snprintf(place, sizeof place, "unix:%s/gdb", folder);
    for (; done < runs && failed < 10; done++) {
        Options options;
        Error err;
        Run *run = calloc(1, sizeof *run);
        run->seed = first + done;
        run->random.state = run->seed * 0x2545f4914f6cdd1du;
        if (!options_parse(&options, run->seed % 2 ? 9 : 11, words, &err))
            return 1;
        bool ok = start(run, &options);
        answers += run->answers;
        options_free(&options);
        free(run->out.data);
        free(run);
        if (!ok)
            break;
    }
    rmdir(folder);
    printf("%llu conversations, %llu packets answered, %u failures\n", (unsigned long long)done,
           (unsigned long long)answers, failed);
    return failed != 0;
}
