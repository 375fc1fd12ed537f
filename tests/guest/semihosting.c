/* Semihosting: every call but those that read the console, by each of the four trap instructions. The folder
 * of the host is empty at first. */
#include "runtime.h"

enum {
    OPEN = 0x01,
    CLOSE = 0x02,
    WRITEC = 0x03,
    WRITE0 = 0x04,
    WRITE = 0x05,
    READ = 0x06,
    ISERROR = 0x08,
    ISTTY = 0x09,
    SEEK = 0x0a,
    FLEN = 0x0c,
    TMPNAM = 0x0d,
    REMOVE = 0x0e,
    RENAME = 0x0f,
    CLOCK = 0x10,
    TIME = 0x11,
    ERRNO = 0x13,
    GET_CMDLINE = 0x15,
    HEAPINFO = 0x16,
    EXIT_EXTENDED = 0x20,
    ELAPSED = 0x30,
    TICKFREQ = 0x31
};

#define FAILED 0xffffffffu
#define NOWHERE 0x30000000u

typedef uint32_t Trap(uint32_t number, uint32_t parameter);

/* The registers that a call leaves alone are checked by the compiler's use of them. */
__asm__(".arm\nsvc_a32: svc 0x123456\n\tbx lr\n"
        "hlt_a32: .inst 0xe10f0070\n\tbx lr\n"
        ".thumb\n.thumb_func\nsvc_t32: svc 0xab\n\tbx lr\n"
        ".thumb_func\nhlt_t32: .inst.n 0xbabc\n\tbx lr\n"
        ".balign 4\n.arm\n");
extern Trap svc_a32, hlt_a32, svc_t32, hlt_t32;

static Trap *trap;
static char buffer[64];
static uint32_t block[4];

static uint32_t call(uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    block[0] = a;
    block[1] = b;
    block[2] = c;
    block[3] = d;
    __asm__ volatile("" ::: "memory");
    uint32_t result = trap(number, (uint32_t)block);
    __asm__ volatile("" ::: "memory");
    return result;
}

static uint32_t length_of(const char *text)
{
    uint32_t n = 0;
    while (text[n])
        n++;
    return n;
}

static uint32_t open(const char *name, uint32_t mode)
{
    return call(OPEN, (uint32_t)name, mode, length_of(name), 0);
}

static const char *opened(uint32_t handle)
{
    return handle == FAILED ? "failed" : handle ? "handle" : "0";
}

static uint32_t write(uint32_t handle, const char *text)
{
    return call(WRITE, handle, (uint32_t)text, length_of(text), 0);
}

static uint32_t read(uint32_t handle, uint32_t size)
{
    for (unsigned n = 0; n < sizeof buffer; n++)
        buffer[n] = 0;
    return call(READ, handle, (uint32_t)buffer, size, 0);
}

static int error(void)
{
    return (int)trap(ERRNO, 0);
}

static void remove_file(const char *name)
{
    uint32_t result = call(REMOVE, (uint32_t)name, length_of(name), 0, 0);
    print("remove %s: %s\n", name, result ? "failed" : "ok");
}

static void console_output(void)
{
    static const char letter = 'C';
    trap(WRITEC, (uint32_t)&letter);
    trap(WRITE0, (uint32_t) "onsole\n");
    uint32_t out = open(":tt", 4), err = open(":tt", 8);
    print("stdout %s, stderr %s, tty %d\n", opened(out), opened(err), (int)call(ISTTY, out, 0, 0, 0));
    print("left %d\n", (int)write(out, "to stdout\n"));
    print("left %d\n", (int)write(err, "to stderr\n"));
    print("close %d %d\n", (int)call(CLOSE, out, 0, 0, 0), (int)call(CLOSE, err, 0, 0, 0));
}

static void files(void)
{
    print("r of none: %s, errno %d\n", opened(open("file", 0)), error());
    uint32_t h = open("file", 6);
    print("w+: %s\n", opened(h));
    print("write leaves %d, length %d, tty %d\n", (int)write(h, "0123456789"), (int)call(FLEN, h, 0, 0, 0),
          (int)call(ISTTY, h, 0, 0, 0));
    print("seek %d,", (int)call(SEEK, h, 3, 0, 0));
    print(" read leaves %d:", (int)read(h, 4));
    print(" %s\n", buffer);
    print("write here leaves %d,", (int)write(h, "XY"));
    print(" read leaves %d:", (int)read(h, 20));
    print(" %s\n", buffer);
    print("at the end read leaves %d\n", (int)read(h, 20));
    print("close %d, again %d, errno %d\n", (int)call(CLOSE, h, 0, 0, 0), (int)call(CLOSE, h, 0, 0, 0),
          error());
    h = open("file", 8);
    write(h, "end");
    call(CLOSE, h, 0, 0, 0);
    h = open("file", 1);
    print("appended: %d", (int)call(FLEN, h, 0, 0, 0));
    read(h, 60);
    print(" %s\n", buffer);
    call(CLOSE, h, 0, 0, 0);
    h = open("file", 5);
    print("wb makes it empty: %d\n", (int)call(FLEN, h, 0, 0, 0));
    call(CLOSE, h, 0, 0, 0);
    print("mode 12: %s\n", opened(open("file", 12)));
}

static void names(void)
{
    print("rename %d\n", (int)call(RENAME, (uint32_t) "file", 4, (uint32_t) "moved", 5));
    print("old name: %s\n", opened(open("file", 0)));
    uint32_t h = open("moved", 0);
    print("new name: %s\n", opened(h));
    call(CLOSE, h, 0, 0, 0);
    remove_file("moved");
    remove_file("moved");
    print("tmpnam %d", (int)call(TMPNAM, (uint32_t)buffer, 9, sizeof buffer, 0));
    char first[sizeof buffer];
    bool same = buffer[0];
    for (unsigned n = 0; n < sizeof first; n++)
        first[n] = buffer[n];
    call(TMPNAM, (uint32_t)buffer, 9, sizeof buffer, 0);
    for (unsigned n = 0; n < sizeof first; n++)
        same &= first[n] == buffer[n] || !first[n];
    print(" the same again %d, 256: %d, no room: %d\n", same,
          (int)call(TMPNAM, (uint32_t)buffer, 256, sizeof buffer, 0),
          (int)call(TMPNAM, (uint32_t)buffer, 9, 2, 0));
}

static void features(void)
{
    uint32_t h = open(":semihosting-features", 0), second = open(":semihosting-features", 0);
    print("features %s, length %d, tty %d\n", opened(h), (int)call(FLEN, h, 0, 0, 0),
          (int)call(ISTTY, h, 0, 0, 0));
    print("read leaves %d:", (int)read(h, 8));
    print(" %s %d\n", buffer, buffer[4]);
    print("seek %d,", (int)call(SEEK, h, 4, 0, 0));
    print(" read leaves %d: %d\n", (int)read(h, 1), buffer[0]);
    print("second leaves %d\n", (int)read(second, 4));
    print("close %d %d\n", (int)call(CLOSE, h, 0, 0, 0), (int)call(CLOSE, second, 0, 0, 0));
    print("r+: %s, w: %s\n", opened(open(":semihosting-features", 2)),
          opened(open(":semihosting-features", 4)));
}

static void surroundings(void)
{
    static uint32_t heap[4];
    uint32_t before[2], after[2];
    print("command line %d", (int)call(GET_CMDLINE, (uint32_t)buffer, sizeof buffer, 0, 0));
    uint32_t length = block[1];
    print(" length right %d, buffer kept %d\n", length == length_of(buffer), block[0] == (uint32_t)buffer);
    print("too small: %d\n", (int)call(GET_CMDLINE, (uint32_t)buffer, 3, 0, 0));
    call(HEAPINFO, (uint32_t)heap, 0, 0, 0);
    print("heap %d stack %d\n", heap[0] < heap[1] && heap[0] > 0x60000000, heap[3] < heap[2]);
    print("iserror %d %d %d\n", (int)call(ISERROR, 0, 0, 0, 0), (int)call(ISERROR, 7, 0, 0, 0),
          call(ISERROR, FAILED, 0, 0, 0) != 0);
    print("ticks per second %d, time %d\n", (int)trap(TICKFREQ, 0), trap(TIME, 0) > 1000000000);
    uint32_t clock = trap(CLOCK, 0);
    print("elapsed %d", (int)trap(ELAPSED, (uint32_t)before));
    print(" %d,", (int)trap(ELAPSED, (uint32_t)after));
    bool later = after[1] > before[1] || (after[1] == before[1] && after[0] > before[0]);
    print(" later %d, clock %d\n", later, trap(CLOCK, 0) >= clock && clock < 100000);
}

static void bad_pointers(void)
{
    print("block: %d %d", (int)trap(OPEN, NOWHERE), (int)trap(CLOSE, NOWHERE));
    print(" %d %d", (int)trap(SEEK, NOWHERE), (int)trap(FLEN, NOWHERE));
    print(" %d %d\n", (int)trap(GET_CMDLINE, NOWHERE), (int)trap(EXIT_EXTENDED, NOWHERE));
    print("name: %d", (int)call(OPEN, NOWHERE, 0, 4, 0));
    print(" %d\n", call(REMOVE, NOWHERE, 4, 0, 0) != 0);
    uint32_t h = open("pointer", 6);
    write(h, "0123456789");
    call(SEEK, h, 0, 0, 0);
    print("buffer: read leaves %d, write %d,", (int)call(READ, h, NOWHERE, 4, 0),
          (int)call(WRITE, h, NOWHERE, 4, 0));
    print(" elapsed %d\n", (int)trap(ELAPSED, NOWHERE));
    print("handle: read leaves %d, write %d, seek %d, length %d\n",
          (int)call(READ, 99, (uint32_t)buffer, 4, 0), (int)call(WRITE, 99, (uint32_t)buffer, 4, 0),
          (int)call(SEEK, 99, 0, 0, 0), (int)call(FLEN, 99, 0, 0, 0));
    call(CLOSE, h, 0, 0, 0);
    remove_file("pointer");
}

static void all(const char *name, Trap *with)
{
    trap = with;
    print("-- %s\n", name);
    console_output();
    files();
    names();
    features();
    surroundings();
    bad_pointers();
}

int main(void)
{
    all("svc a32", svc_a32);
    all("hlt a32", hlt_a32);
    all("svc t32", svc_t32);
    all("hlt t32", hlt_t32);
    trap = svc_t32;
    print("exit\n");
    call(EXIT_EXTENDED, 0x20026, 42, 0, 0);
    print("went on\n");
    return 0;
}
