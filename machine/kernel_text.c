/* A table of what kernels print when something is wrong, the most telling first: what the guest's owner can
 * put right comes before what follows from it. */
#define _GNU_SOURCE
#include "machine/kernel_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Clue {
    const char *pattern;
    const char *reason;                                                       /* NULL: explain() writes it */
    void (*explain)(FILE *out, const KernelClue *clue, const char *argument); /* what follows the pattern */
    bool of_report; /* belongs to one oops or panic */
} Clue;

/* ---- Explanations with numbers or names from the line ------------------------------------------------ */

/* Copies the first word of text, at most size - 1 characters. */
static const char *first_word(const char *text, char *word, size_t size)
{
    text += strspn(text, " \"=");
    size_t length = strcspn(text, " \"");
    snprintf(word, size, "%.*s", (int)(length < size ? length : size - 1), text);
    return word;
}

static void explain_errno(FILE *out, const char *line)
{
    const char *minus = strchr(line, '-');
    int number = minus ? atoi(minus + 1) : 0;
    switch (number) {
    case 2:
        fputs("it does not exist there, or the interpreter or the dynamic linker it names does not", out);
        break;
    case 13:
        fputs("it is not executable (chmod +x before packing), or it is a directory", out);
        break;
    case 8:
        fputs("it is not a program for this CPU (or a script without #! at its start)", out);
        break;
    case 12:
        fputs("there is not enough memory for it: use a larger --memory", out);
        break;
    case 20:
        fputs("a part of its path is not a directory", out);
        break;
    default:
        fprintf(out, "error %d", number);
    }
}

static void explain_init(FILE *out, const KernelClue *clue, const char *argument)
{
    (void)clue;
    char name[80];
    fprintf(out, "the program that the command line names with init= (%s) cannot be started: ",
            first_word(argument, name, sizeof name));
    explain_errno(out, strstr(argument, "error") ? strstr(argument, "error") : "");
}

static void explain_rdinit(FILE *out, const KernelClue *clue, const char *argument)
{
    (void)clue;
    char name[80];
    fprintf(out, "the program that the initrd should start (rdinit=%s) cannot be used: ",
            first_word(argument, name, sizeof name));
    explain_errno(out, strstr(argument, "failed") ? strstr(argument, "failed") : "");
}

static void explain_execute(FILE *out, const KernelClue *clue, const char *argument)
{
    (void)clue;
    char name[80];
    fprintf(out, "the first program, %s, cannot be started: ", first_word(argument, name, sizeof name));
    explain_errno(out, strstr(argument, "error") ? strstr(argument, "error") : "");
}

static void explain_root(FILE *out, const KernelClue *clue, const char *argument)
{
    (void)clue;
    char name[80];
    first_word(argument, name, sizeof name);
    if (name[0] && strcmp(name, "(null)") != 0)
        fprintf(
            out,
            "the command line says root=%s, but the kernel knows no such disk: the name is wrong, its driver "
            "is a module that is missing, or the machine has no such disk; give an initrd or another root=",
            name);
    else
        fputs("the kernel has no root file system: give an --initrd, or root= on the command line", out);
}

/* The kernel comes to this when there is no initrd, or none with a program to start. */
static void explain_no_root(FILE *out, const KernelClue *clue, const char *argument)
{
    (void)argument;
    if (clue->initrd)
        fprintf(out,
                "the initrd holds no %s that can be started, so the kernel looked for a root file system (",
                clue->rdinit[0] ? clue->rdinit : "/init");
    else
        fputs("there is no initrd, and the kernel found no root file system by itself (", out);
    if (clue->root[0])
        fprintf(out,
                "the command line says root=%s: the machine has no such disk, or the driver of the disk or "
                "of its "
                "file system is not in the kernel)",
                clue->root);
    else
        fputs("the command line has no root=)", out);
    fputs(clue->initrd ? "" : ": give an --initrd", out);
}

static void explain_waiting_for_root(FILE *out, const KernelClue *clue, const char *argument)
{
    (void)clue;
    char name[80];
    first_word(argument, name, sizeof name);
    size_t length = strlen(name);
    while (length && name[length - 1] == '.')
        name[--length] = 0;
    fprintf(out,
            "the kernel waits for its root device %s, which does not appear: root= is wrong, its driver is "
            "missing, or the machine has no such disk (and rootwait makes it wait for ever)",
            name);
}

static void explain_exit_code(FILE *out, const KernelClue *clue, const char *argument)
{
    (void)clue;
    static const char *const signals[32] = {
        [4] = "an illegal instruction (a program for another CPU?)",
        [6] = "its own abort()",
        [7] = "a bus error",
        [8] = "an arithmetic error",
        [9] = "SIGKILL (out of memory?)",
        [11] = "a memory fault (segmentation fault)",
    };
    unsigned long code = strtoul(argument, NULL, 16);
    unsigned signal = code & 0x7f, status = code >> 8 & 0xff;
    if (signal)
        fprintf(out, "the first program (init) was ended by signal %u, %s", signal,
                signal < 32 && signals[signal] ? signals[signal] : "which it did not catch");
    else if (status == 127)
        fputs(
            "the first program (init) ended with code 127: a program it needs, or a shared library, was not "
            "found",
            out);
    else
        fprintf(
            out,
            "the first program (init) ended by itself with code %u; it must not end: what it printed before "
            "says why",
            status);
}

static void explain_bug(FILE *out, const KernelClue *clue, const char *argument)
{
    (void)clue;
    char where[120];
    snprintf(where, sizeof where, "%.*s", (int)strcspn(argument, "!"), argument);
    fprintf(out, "a check in the kernel failed at %s", where);
}

/* ---- The table --------------------------------------------------------------------------------------- */

#define DAMAGED_INITRD                                                                                       \
    "the initrd is damaged, cut off, or no initrd at all: compare its size and checksum with the original's"
#define SMALL_MEMORY "the memory is too small: use a larger --memory, or a smaller initrd"

/* clang-format off */
static const Clue clues[] = {
    {"unrecognized/unsupported processor variant",
     "the kernel is built for another CPU than the Cortex-A9: it needs support for ARMv7 (CONFIG_CPU_V7)", NULL, false},
    {"unrecognized/unsupported machine ID",
     "the kernel found no device tree it can use: the one given is for another board, or the kernel was built without "
     "support for the Versatile Express (CONFIG_ARCH_VEXPRESS)", NULL, false},
    {"unpacking failed: write error",
     "the unpacked initrd does not fit into the memory: use a larger --memory", NULL, false},
    {"Failed to allocate memory for initramfs", SMALL_MEMORY, NULL, false},
    {"rootfs image is not initramfs", DAMAGED_INITRD, NULL, false},
    {"Initramfs unpacking failed", DAMAGED_INITRD, NULL, false},
    {"junk in compressed archive", DAMAGED_INITRD, NULL, false},
    {"junk within compressed archive", DAMAGED_INITRD, NULL, false},
    {"junk at the end of compressed archive", DAMAGED_INITRD, NULL, false},
    {"invalid magic at start of compressed archive", DAMAGED_INITRD, NULL, false},
    {"RAMDISK: incomplete write", SMALL_MEMORY, NULL, false},
    {"is not a memory region - disabling initrd",
     "the initrd lies outside the memory that the kernel knows: mem= on the command line, or the device tree, gives it "
     "less than there is", NULL, false},
    {"overlaps in-use memory region - disabling initrd",
     "the initrd lies where something else is: leave its place to the loader, or use a larger --memory", NULL, false},
    {"System is deadlocked on memory", SMALL_MEMORY, NULL, false},
    {"Out of memory and no killable processes", SMALL_MEMORY, NULL, false},
    {"Out of memory: Kill", SMALL_MEMORY, NULL, false},
    {"Out of memory: compulsory panic_on_oom", SMALL_MEMORY, NULL, false},
    {"Requested init ", NULL, explain_init, false},
    {"check access for rdinit=", NULL, explain_rdinit, false},
    {"Failed to execute ", NULL, explain_execute, false},
    {"Cannot open root device ", NULL, explain_root, false},
    {"Waiting for root device ", NULL, explain_waiting_for_root, false},
    {"Unable to mount root fs", NULL, explain_no_root, true},
    {"No working init found",
     "the root file system holds no program to start: it needs /sbin/init, /bin/init or /bin/sh, an initrd needs /init",
     NULL, true},
    {"No init found",
     "the root file system holds no program to start: it needs /sbin/init, /bin/init or /bin/sh, an initrd needs /init",
     NULL, true},
    {"Unable to handle kernel NULL pointer dereference", "kernel code followed a null pointer", NULL, true},
    {"Unable to handle kernel paging request", "kernel code followed a pointer to where no memory is", NULL, true},
    {"Oops - undefined instruction",
     "the kernel met an instruction that this CPU does not have, or jumped into data", NULL, true},
    {"imprecise external abort", "a device or address was used that does not answer", NULL, true},
    {"external abort on",
     "a device or address was used that does not answer: the device tree describes another board, or a driver is wrong",
     NULL, true},
    {"kernel BUG at ", NULL, explain_bug, true},
    {"stack-protector: Kernel stack is corrupted", "kernel code wrote beyond a variable on its stack", NULL, true},
    {"corrupted stack end detected", "a kernel stack overflowed", NULL, true},
    {"scheduling while atomic", "kernel code slept where it must not (a driver's bug)", NULL, true},
    {"soft lockup - CPU#", "a CPU does not get out of kernel code, or the host is too slow for the guest's clock: "
     "--deterministic makes it independent of the host", NULL, true},
    {"blocked for more than", "a process waits for a device or a lock that does not come", NULL, true},
    {"detected stall", "a CPU does not come to the scheduler, or the host is too slow for the guest's clock: "
     "--deterministic makes it independent of the host", NULL, true},
    {"Attempted to kill init! exitcode=0x", NULL, explain_exit_code, true},
    {"Attempted to kill init", "the first program (init) ended; it must not", NULL, true},
    {"Attempted to kill the idle task", "an oops in kernel code that has no process", NULL, true},
    {"sysrq triggered crash", "somebody asked for it: the magic SysRq key", NULL, true},
    {"Fatal exception", "an oops where the kernel cannot go on: the report before it says which", NULL, true},
};
/* clang-format on */

enum { CLUES = sizeof clues / sizeof *clues };

/* ---- Lines ------------------------------------------------------------------------------------------- */

static bool is_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}

static const char *skip_level(const char *at)
{
    const char *p = at + 1;
    while (is_digit(*p))
        p++;
    return *at == '<' && p > at + 1 && *p == '>' ? p + 1 : at;
}

/* "[    1.234567]": true and *time set. */
static bool skip_time(const char **at, uint64_t *time)
{
    const char *p = *at;
    if (*p++ != '[')
        return false;
    while (*p == ' ')
        p++;
    uint64_t seconds = 0, fraction = 0;
    unsigned digits = 0;
    for (; is_digit(*p) && digits < 12; p++, digits++)
        seconds = seconds * 10 + (uint64_t)(*p - '0');
    if (!digits || *p++ != '.')
        return false;
    for (digits = 0; is_digit(*p) && digits < 6; p++, digits++)
        fraction = fraction * 10 + (uint64_t)(*p - '0');
    if (digits != 6 || *p != ']')
        return false;
    *time = seconds * 1000000 + fraction;
    *at = p + 1;
    return true;
}

/* "[T123]", "[    C0]": which task or CPU spoke. */
static const char *skip_caller(const char *at)
{
    const char *p = at + (*at == '[');
    while (p > at && *p == ' ')
        p++;
    if (p == at || (*p != 'T' && *p != 'C') || !is_digit(p[1]))
        return at;
    for (p++; is_digit(*p); p++)
        ;
    return *p == ']' ? p + 1 : at;
}

const char *kernel_line_text(const char *line, uint64_t *time)
{
    uint64_t stamp = UINT64_MAX;
    line = skip_level(line);
    if (skip_time(&line, &stamp))
        line = skip_caller(line);
    if (time)
        *time = stamp;
    return line + strspn(line, " ");
}

/* The value of an option of the command line. */
static void find_option(const char *line, const char *option, char *value)
{
    size_t length = strlen(option);
    for (const char *at = line; (at = strstr(at, option)); at += length)
        if (at == line || at[-1] == ' ')
            snprintf(value, CLUE_WORD, "%.*s", (int)strcspn(at + length, " "), at + length);
}

static void look_at_boot(KernelClue *clue, const char *text)
{
    const char *label = "Kernel command line: ";
    if (!strncmp(text, label, strlen(label))) {
        find_option(text + strlen(label), "root=", clue->root);
        find_option(text + strlen(label), "rdinit=", clue->rdinit);
    }
    clue->initrd |= !strncmp(text, "Trying to unpack rootfs image as initramfs", 42);
}

bool kernel_clue_look(KernelClue *clue, const char *text)
{
    look_at_boot(clue, text);
    unsigned most = clue->rank ? clue->rank - 1 : CLUES;
    for (unsigned n = 0; n < most; n++) {
        if (!strstr(text, clues[n].pattern))
            continue;
        clue->rank = n + 1;
        snprintf(clue->line, sizeof clue->line, "%s", text);
        return true;
    }
    return false;
}

void kernel_clue_look_all(KernelClue *clue, const char *text)
{
    while (*text) {
        char line[4 * CLUE_LINE];
        size_t length = strcspn(text, "\r\n");
        snprintf(line, sizeof line, "%.*s", (int)length, text);
        kernel_clue_look(clue, kernel_line_text(line, NULL));
        text += length + (text[length] != 0);
    }
}

char *kernel_clue_explain(const KernelClue *clue)
{
    if (!clue->rank)
        return NULL;
    const Clue *row = &clues[clue->rank - 1];
    const char *at = strstr(clue->line, row->pattern);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    if (row->reason)
        fputs(row->reason, out);
    else
        row->explain(out, clue, at ? at + strlen(row->pattern) : "");
    fclose(out);
    return text;
}

void kernel_clue_forget_report(KernelClue *clue)
{
    if (clue->rank && clues[clue->rank - 1].of_report)
        clue->rank = 0;
}
