/* Finds a Linux kernel's messages in the guest's memory, whether or not they were printed.
 *
 * With symbols, the ring buffer of Linux 5.10 and later (kernel/printk/printk_ringbuffer.h) is read as its
 * descriptors say. Without, or if that fails, memory is searched for the messages that every boot begins
 * with, and what follows them is read in each of the three forms the buffer has had: text with an id before
 * each record (5.10 on), records with a header (3.5 to 5.9), plain text (older). All of it is the guest's
 * memory: nothing in it is trusted. */
#define _GNU_SOURCE
#include "machine/diagnose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_LINES = 4096, LINE = 240, LONGEST_RECORD = 2048, NEXT_IDS = 8 };

/* The last lines, oldest first from `next` when it is full. */
typedef struct Lines {
    char **line;
    unsigned wanted, next;
    unsigned total;
} Lines;

static Lines lines_new(unsigned wanted)
{
    Lines lines = {.wanted = wanted < 1 ? 1 : wanted};
    lines.line = calloc(lines.wanted, sizeof *lines.line);
    if (!lines.line)
        abort();
    return lines;
}

static void lines_free(Lines *lines)
{
    for (unsigned n = 0; n < lines->wanted; n++)
        free(lines->line[n]);
    free(lines->line);
    *lines = (Lines){0};
}

/* Keeps text up to its end of line; a record may hold several lines. */
static void lines_add(Lines *lines, const char *prefix, const uint8_t *text, size_t length)
{
    char line[LINE];
    size_t used = (size_t)snprintf(line, sizeof line, "%s", prefix);
    for (size_t n = 0; n < length && used + 1 < sizeof line; n++) {
        if (text[n] == 0 || text[n] == '\n')
            break;
        line[used++] = (char)((text[n] >= ' ' && text[n] < 0x7f) || text[n] == '\t' ? text[n] : '?');
    }
    line[used] = 0;
    free(lines->line[lines->next]);
    lines->line[lines->next] = strdup(line);
    if (!lines->line[lines->next])
        abort();
    lines->next = (lines->next + 1) % lines->wanted;
    lines->total++;
}

static char *lines_text(const Lines *lines)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    unsigned have = lines->total < lines->wanted ? lines->total : lines->wanted;
    for (unsigned n = 0; n < have; n++)
        fprintf(out, "%s\n", lines->line[(lines->next + lines->wanted - have + n) % lines->wanted]);
    fclose(out);
    return text;
}

static void time_prefix(char *prefix, size_t size, uint64_t ns)
{
    snprintf(prefix, size, "[%5llu.%06u] ", (unsigned long long)(ns / 1000000000u),
             (unsigned)(ns % 1000000000u / 1000u));
}

/* ---- With symbols ------------------------------------------------------------------------------------ */

typedef struct Kernel {
    Machine *machine;
    uint32_t page_offset; /* where its linear map begins */
} Kernel;

/* Memory at a kernel address: as CPU 0 sees it, or in the linear map while the MMU is off. */
static bool kernel_read(const Kernel *k, uint32_t va, void *data, uint32_t size)
{
    Cpu *cpu = k->machine->cpu[0];
    if (cp15_bank(cpu)->sctlr & 1 && mmu_debug_read(cpu, va, data, size))
        return true;
    uint32_t offset = va - k->page_offset;
    if (va < k->page_offset || (uint64_t)offset + size > k->machine->options.memory)
        return false;
    memcpy(data, k->machine->ram + offset, size);
    return true;
}

/* struct printk_ringbuffer on a 32-bit machine, as far as it is of use. */
typedef struct Ring {
    uint32_t count_bits, descs, infos, head_id, tail_id;
    uint32_t size_bits, data;
} Ring;

enum { DESC_BYTES = 12, INFO_BYTES = 88, INFO_TIME = 8, INFO_LENGTH = 16, ID_MASK = 0x3fffffff };

static bool read_ring(const Kernel *k, uint32_t at, Ring *ring)
{
    uint32_t word[10];
    if (!kernel_read(k, at, word, sizeof word))
        return false;
    *ring = (Ring){word[0], word[1], word[2], word[3], word[4], 0, 0};
    /* Linux 5.18 put a word between the two parts. */
    unsigned second = word[5] >= 10 && word[5] <= 25 && word[6] >= k->page_offset ? 5 : 6;
    ring->size_bits = word[second];
    ring->data = word[second + 1];
    return ring->count_bits >= 4 && ring->count_bits <= 20 && ring->size_bits >= 10 && ring->size_bits <= 25;
}

static bool ring_record(const Kernel *k, const Ring *ring, uint32_t id, Lines *lines)
{
    uint32_t index = id & ((1u << ring->count_bits) - 1), mask = (1u << ring->size_bits) - 1;
    uint32_t desc[3];
    uint8_t info[INFO_BYTES], text[LONGEST_RECORD];
    if (!kernel_read(k, ring->descs + index * DESC_BYTES, desc, sizeof desc) ||
        !kernel_read(k, ring->infos + index * INFO_BYTES, info, sizeof info))
        return false;
    uint16_t length;
    uint64_t time;
    memcpy(&length, info + INFO_LENGTH, sizeof length);
    memcpy(&time, info + INFO_TIME, sizeof time);
    uint32_t begin = desc[1], next = desc[2];
    if ((desc[0] & ID_MASK) != id || begin & 1)
        return true;
    /* A record that did not fit before the end lies at the start. */
    if (begin >> ring->size_bits != (next - 1) >> ring->size_bits)
        begin = 0;
    uint32_t at = (begin & mask) + 4, size = length < sizeof text ? length : (uint32_t)sizeof text;
    if (at + size > mask + 1u || !kernel_read(k, ring->data + at, text, size))
        return true;
    char prefix[32];
    time_prefix(prefix, sizeof prefix, time);
    lines_add(lines, prefix, text, size);
    return true;
}

static void read_with_symbols(Machine *m, const Symbols *symbols, Lines *lines)
{
    Kernel k = {.machine = m};
    uint32_t pointer, at;
    if (!symbols_address(symbols, "prb", &pointer))
        return;
    k.page_offset = pointer & 0xc0000000;
    Ring ring;
    if (!kernel_read(&k, pointer, &at, 4) || !read_ring(&k, at, &ring))
        return;
    uint32_t have = (ring.head_id - ring.tail_id + 1) & ID_MASK;
    if (have > 1u << ring.count_bits)
        have = 1u << ring.count_bits;
    if (have > lines->wanted)
        have = lines->wanted;
    for (uint32_t n = 0; n < have; n++)
        if (!ring_record(&k, &ring, (ring.head_id - (have - 1 - n)) & ID_MASK, lines))
            return;
}

/* ---- Without ----------------------------------------------------------------------------------------- */

static uint32_t word_at(const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, 4);
    return word;
}

/* The bytes of RAM around a match: [from, end). */
typedef struct Span {
    const uint8_t *from, *end;
} Span;

/* How long the text of a record is. Its level ("\0016") was cut off by moving the rest to the front, so that
 * the last two characters are there twice, before the end of line. */
static size_t record_length(const uint8_t *text, size_t most)
{
    size_t length = 0;
    while (length < most && text[length] && text[length] != '\n')
        length++;
    bool moved = length >= 4 && length < most && !memcmp(text + length - 2, text + length - 4, 2);
    return moved ? length - 2 : length;
}

/* Linux 5.10 on: ids count up from record to record, each is one word. */
static void parse_ids(Span ram, const uint8_t *text, Lines *lines)
{
    if ((text - ram.from) % 4 || text - ram.from < 4)
        return;
    uint32_t id = word_at(text - 4);
    if (id & ~(uint32_t)ID_MASK)
        return;
    while (lines->total < MOST_LINES) {
        const uint8_t *at = text, *limit = text + LONGEST_RECORD < ram.end ? text + LONGEST_RECORD : ram.end;
        uint32_t step = 0;
        for (; at + 4 <= limit; at += 4) {
            step = (word_at(at) - id) & ID_MASK;
            if (!(word_at(at) & ~(uint32_t)ID_MASK) && step >= 1 && step <= NEXT_IDS)
                break;
        }
        bool last = at + 4 > limit;
        lines_add(lines, "", text, record_length(text, (size_t)(at - text)));
        if (last)
            return;
        id = (id + step) & ID_MASK;
        text = at + 4;
    }
}

/* Linux 3.5 to 5.9: a header says how long the record is, whatever options it was built with. */
static void parse_headers(Span ram, const uint8_t *text, uint32_t header, Lines *lines)
{
    const uint8_t *at = text - header;
    while (at >= ram.from && at + header < ram.end && lines->total < MOST_LINES) {
        uint64_t time;
        uint16_t length[3]; /* record, text, dictionary */
        memcpy(&time, at, sizeof time);
        memcpy(length, at + 8, sizeof length);
        uint32_t least = header + length[1] + length[2];
        if (length[0] % 4 || length[0] < least || length[0] > least + 8 || at + length[0] > ram.end)
            return;
        char prefix[32];
        time_prefix(prefix, sizeof prefix, time);
        lines_add(lines, prefix, at + header, length[1]);
        at += length[0];
    }
}

/* Before: nothing but text. */
static void parse_text(Span ram, const uint8_t *text, Lines *lines)
{
    if (text == ram.from || text[-1] != '>')
        return;
    while (text < ram.end && *text && lines->total < MOST_LINES) {
        const uint8_t *end = memchr(text, '\n', (size_t)(ram.end - text));
        if (!end || end - text > LONGEST_RECORD)
            return;
        const uint8_t *start = *text == '<' && end - text > 3 && text[2] == '>' ? text + 3 : text;
        lines_add(lines, "", start, (size_t)(end - start));
        text = end + 1;
    }
}

/* Replaces best by what the form gives, if that is more. */
static void better_of(Lines *best, Lines *tried)
{
    if (tried->total > best->total) {
        Lines other = *best;
        *best = *tried;
        *tried = other;
    }
    lines_free(tried);
}

static void parse_at(Span ram, const uint8_t *text, Lines *best)
{
    static const uint32_t headers[] = {16, 20, 24};
    Lines lines = lines_new(best->wanted);
    parse_ids(ram, text, &lines);
    better_of(best, &lines);
    for (unsigned n = 0; n < sizeof headers / sizeof *headers; n++) {
        lines = lines_new(best->wanted);
        parse_headers(ram, text, headers[n], &lines);
        better_of(best, &lines);
    }
    lines = lines_new(best->wanted);
    parse_text(ram, text, &lines);
    better_of(best, &lines);
}

/* Searches what the guest has written of its RAM; holes in the file behind it are skipped. */
static void search(Machine *m, const char *first_message, Lines *best)
{
    off_t end = (off_t)m->options.memory, from = lseek(m->ram_fd, 0, SEEK_DATA);
    Span ram = {m->ram, m->ram + end};
    while (from >= 0 && from < end) {
        off_t to = lseek(m->ram_fd, from, SEEK_HOLE);
        if (to < 0 || to > end)
            to = end;
        const uint8_t *at = m->ram + from, *stop = m->ram + to;
        size_t length = strlen(first_message);
        while ((at = memmem(at, (size_t)(stop - at), first_message, length))) {
            parse_at(ram, at, best);
            at += length;
        }
        from = to < end ? lseek(m->ram_fd, to, SEEK_DATA) : -1;
    }
}

char *diagnose_kernel_log(Machine *machine, const Symbols *symbols, unsigned lines)
{
    Lines found = lines_new(lines);
    bus_settle(machine->bus);
    read_with_symbols(machine, symbols, &found);
    if (!found.total)
        search(machine, "Booting Linux on physical CPU ", &found);
    if (found.total < 2)
        search(machine, "Linux version ", &found);
    char *text = found.total >= 2 ? lines_text(&found) : NULL;
    lines_free(&found);
    return text;
}
