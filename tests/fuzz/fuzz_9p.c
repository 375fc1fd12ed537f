/* 9P messages with random fields, names and lengths, most of them nearly right, to a share in whose parent
 * lies what must not be reached. Whatever they say, the emulator goes on, nothing outside the folder changes,
 * the session can be saved and loaded at any time, and a second run of the same seed goes the same way. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/random.h"
#include "tests/fuzz/seeds.h"
#include "tests/shares/p9_client.h"

enum { STEPS = 3000, HUNG = 60, FIDS = 12 };

/* The fields of each message. In names: a number that selects a name. */
typedef struct Shape {
    P9Type type;
    const char *format; /* as in p9_client.h; f: a fid, n: a name */
} Shape;

static const Shape shapes[] = {
    {TSTATFS,      "f"         },
    {TLOPEN,       "fd"        },
    {TLOPEN,       "fd"        },
    {TLCREATE,     "fnddd"     },
    {TSYMLINK,     "fnnd"      },
    {TMKNOD,       "fndddd"    },
    {TRENAME,      "ffn"       },
    {TREADLINK,    "f"         },
    {TGETATTR,     "fq"        },
    {TSETATTR,     "fddddqqqqq"},
    {TXATTRWALK,   "ffn"       },
    {TXATTRCREATE, "fnqd"      },
    {TREADDIR,     "fqd"       },
    {TFSYNC,       "fd"        },
    {TLOCK,        "fbdqqdn"   },
    {TGETLOCK,     "fbqqdn"    },
    {TLINK,        "ffn"       },
    {TMKDIR,       "fndd"      },
    {TRENAMEAT,    "fnfn"      },
    {TUNLINKAT,    "fnd"       },
    {TVERSION,     "dn"        },
    {TAUTH,        "fnnd"      },
    {TATTACH,      "fdnnd"     },
    {TFLUSH,       "w"         },
    {TWALK,        "ff1n"      },
    {TWALK,        "ff1n"      },
    {TWALK,        "ff2nn"     },
    {TWALK,        "ff0"       },
    {TREAD,        "fqd"       },
    {TWRITE,       "fqp"       },
    {TCLUNK,       "f"         },
    {TREMOVE,      "f"         },
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static const char *const names[] = {"a",      "b",    "c",        "sub",      "low",       "up",
                                    "..",     ".",    "",         "a/b",      "../secret", "/etc/passwd",
                                    "link",   "fifo", "user.one", "user.two", "9P2000.L",  "user.armature",
                                    "secret", "deep", "\xff\n"};
enum { NAMES = sizeof names / sizeof *names };

typedef struct Run {
    Random random;
    Client *client;
    uint32_t care; /* one thing in so many is wrong */
    uint64_t sum;  /* fingerprint of the answers */
} Run;

static uint32_t below(Run *run, uint32_t n)
{
    return random_below(&run->random, n);
}

static bool mistake(Run *run)
{
    return random_one_in(&run->random, run->care);
}

/* Mostly a few flags, sizes and places that mean something. */
static uint32_t number(Run *run)
{
    static const uint32_t often[] = {0, 1, 2, 8, 0x1ff, 0100, 0200, 01000, 0x1a4, 0x1180, 100, 4096};
    return mistake(run) ? random_value(&run->random) : often[below(run, sizeof often / sizeof *often)];
}

static void put_name(Run *run, P9Out *out)
{
    uint8_t text[600];
    if (!mistake(run)) {
        p9_put_text(out, names[below(run, NAMES)]);
        return;
    }
    uint16_t length = (uint16_t)below(run, sizeof text);
    for (unsigned n = 0; n < length; n++)
        text[n] = (uint8_t)random_next(&run->random);
    p9_put16(out, length);
    uint8_t *to = p9_put_bytes(out, length);
    if (to)
        memcpy(to, text, length);
}

static void put_random(Run *run, P9Out *out, char kind)
{
    uint32_t size;
    uint8_t *to;
    switch (kind) {
    case 'f':
        p9_put32(out, mistake(run) ? random_value(&run->random) : below(run, FIDS));
        break;
    case 'n':
        put_name(run, out);
        break;
    case 'b':
        p9_put8(out, (uint8_t)below(run, 4));
        break;
    case 'w':
        p9_put16(out, (uint16_t)number(run));
        break;
    case 'd':
        p9_put32(out, number(run));
        break;
    case 'q':
        p9_put64(out, mistake(run) ? (uint64_t)random_value(&run->random) << 32 | number(run) : number(run));
        break;
    case 'p':
        size = below(run, 2000);
        p9_put32(out, mistake(run) ? random_value(&run->random) : size);
        to = p9_put_bytes(out, size);
        if (to)
            memset(to, 'x', size);
        break;
    default: /* a digit: a count */
        p9_put16(out, (uint16_t)(mistake(run) ? number(run) : (unsigned)(kind - '0')));
        break;
    }
}

/* Times and inodes differ from run to run: what counts is which answer came, and how long it was. */
static void mix(Run *run, uint32_t value)
{
    run->sum = (run->sum ^ value) * 0x100000001b3u;
}

static void send_message(Run *run)
{
    Client *c = run->client;
    const Shape *shape = &shapes[below(run, SHAPES)];
    while (shape->type == TVERSION && !random_one_in(&run->random, 10))
        shape = &shapes[below(run, SHAPES)];
    P9Out out = {c->message, c->message, c->message + CLIENT_MSIZE, false};
    p9_put32(&out, 0);
    p9_put8(&out, mistake(run) ? (uint8_t)random_next(&run->random) : shape->type);
    p9_put16(&out, (uint16_t)below(run, 10));
    for (const char *at = shape->format; *at; at++)
        put_random(run, &out, *at);
    uint32_t size = (uint32_t)(out.at - out.start);
    memcpy(c->message, &size, sizeof size);
    if (mistake(run))
        put_random(run, &(P9Out){c->message, c->message, c->message + 4, false}, 'd');
    if (mistake(run))
        size = SHARE_MESSAGE_LEAST + below(run, size);
    mix(run, exchange(c, size, mistake(run) ? SHARE_MESSAGE_LEAST + below(run, 100) : CLIENT_MSIZE));
    mix(run, (uint32_t)c->answered);
}

static void save_and_load(Run *run)
{
    size_t size;
    uint8_t *bytes = share_ops.save(run->client->share, &size);
    mix(run, (uint32_t)size);
    if (mistake(run))
        bytes[below(run, (uint32_t)size)] ^= (uint8_t)random_next(&run->random);
    mix(run, share_ops.load(run->client->share, bytes, size));
    free(bytes);
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    if (!file || fputs(text, file) < 0 || fclose(file))
        abort();
}

static void make_folder(char *parent)
{
    if (!mkdtemp(parent) || chdir(parent) || mkdir("in", 0755) || mkdir("in/sub", 0755) ||
        mkdir("in/sub/low", 0755) || symlink("..", "in/up") || symlink("../secret", "in/link") ||
        mkfifo("in/fifo", 0644))
        abort();
    put("secret", "secret");
    put("in/a", "inside");
    put("in/sub/b", "below");
}

static bool outside_is_untouched(void)
{
    char text[16] = "";
    FILE *file = fopen("secret", "r");
    bool same = file && fread(text, 1, sizeof text - 1, file) == 6 && !strcmp(text, "secret");
    if (file)
        fclose(file);
    struct stat st;
    FILE *list = popen("ls -A | tr '\\n' ' '", "r");
    char names_there[64] = "";
    same &= list && fgets(names_there, sizeof names_there, list) && !strcmp(names_there, "in secret ");
    if (list)
        pclose(list);
    return same && !stat("secret", &st) && st.st_nlink == 1;
}

static uint64_t run_seed(uint64_t seed, bool *kept)
{
    char parent[] = "/tmp/armature-9p-XXXXXX", command[64];
    Run run = {.random = {seed}, .care = 8};
    for (uint64_t n = seed % 4; n; n--)
        run.care *= 6;
    make_folder(parent);
    umask(022);
    run.client = client_new("in", seed % 16 == 15, 1000);
    if (seed & 4)
        share_walk_only(run.client->share);
    client_attach(run.client, 0);
    for (unsigned n = 0; n < STEPS; n++) {
        if (random_one_in(&run.random, 500) && client_attach(run.client, 0))
            abort();
        if (random_one_in(&run.random, 100))
            save_and_load(&run);
        send_message(&run);
        if (run.client->message[4] == TVERSION && !random_one_in(&run.random, 4))
            client_attach(run.client, 0);
    }
    client_free(run.client);
    *kept = outside_is_untouched();
    snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -rf %s", parent, parent);
    if (chdir("/") || system(command))
        abort();
    return run.sum;
}

static bool check_seed(uint64_t seed)
{
    bool kept, kept_again;
    bool same = run_seed(seed, &kept) == run_seed(seed, &kept_again);
    if (!kept || !kept_again)
        fprintf(stderr, "seed %llu: something outside the folder changed\n", (unsigned long long)seed);
    else if (!same)
        fprintf(stderr, "seed %llu: a second run went another way\n", (unsigned long long)seed);
    return same && kept && kept_again;
}

int main(int argc, char **argv)
{
    return seeds_main(argc, argv, "guests", 16, HUNG, check_seed);
}
