/* From bits to Insn, by the tables of the .def files. The index is derived from constant tables once per
 * process. */
#include "cpu/insn.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A run of adjacent bits of one field. */
typedef struct Piece {
    uint8_t letter, shift, width;
} Piece;

enum { MAX_PIECES = 24, MAX_LINES = 2048 };

typedef struct Line {
    Piece piece[MAX_PIECES];
    uint8_t pieces;
} Line;

/* What an encoding is looked up in. A32 lines are split by whether they have a condition field. */
typedef enum Space { SPACE_COND, SPACE_UNCOND, SPACE_T32, SPACE_T16, SPACES } Space;

/* The bits that index a space: up to two runs, together 12 or 13 bits. */
typedef struct SpaceKey {
    uint8_t shift1, width1, shift2, width2;
} SpaceKey;

static const SpaceKey space_key[SPACES] = {
    [SPACE_COND] = {20, 8,  4, 4},
    [SPACE_UNCOND] = {20, 8,  4, 4},
    [SPACE_T32] = {20, 9,  4, 4},
    [SPACE_T16] = {6,  10, 0, 0},
};

enum { KEY_SLOTS = 1 << 13 };

/* Candidates of a slot stand in pool[first[slot]] up to pool[first[slot + 1]], most fixed bits first. */
typedef struct Index {
    uint32_t first[KEY_SLOTS + 1];
    uint16_t *pool;
} Index;

static Line lines[MAX_LINES];
static Index indexes[SPACES];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static unsigned pattern_width(const InsnInfo *info)
{
    return info->table == TABLE_T16 ? 16 : 32;
}

static void add_bit_to_field(Line *line, char letter, unsigned bit)
{
    Piece *last = line->pieces ? &line->piece[line->pieces - 1] : NULL;
    if (last && last->letter == (letter & 63) && last->shift == bit + 1) {
        last->shift--;
        last->width++;
        return;
    }
    assert(line->pieces < MAX_PIECES);
    line->piece[line->pieces++] = (Piece){letter & 63, (uint8_t)bit, 1};
}

static void compile_pattern(InsnInfo *info, Line *line)
{
    unsigned width = pattern_width(info);
    assert(strlen(info->pattern) == width && "pattern length");
    for (unsigned n = 0; n < width; n++) {
        char ch = info->pattern[n];
        unsigned bit = width - 1 - n;
        if (ch == '0' || ch == '1') {
            info->mask |= 1u << bit;
            info->value |= (uint32_t)(ch - '0') << bit;
        } else if (ch != 'z' && ch != 'o' && ch != '-') {
            add_bit_to_field(line, ch, bit);
        }
    }
}

static Space space_of(const InsnInfo *info)
{
    switch (info->table) {
    case TABLE_T16:
        return SPACE_T16;
    case TABLE_T32:
        return SPACE_T32;
    default:
        return info->pattern[0] == '1' ? SPACE_UNCOND : SPACE_COND;
    }
}

static uint32_t key_of(const SpaceKey *key, uint32_t bits)
{
    uint32_t high = bits >> key->shift1 & ((1u << key->width1) - 1);
    uint32_t low = bits >> key->shift2 & ((1u << key->width2) - 1);
    return high << key->width2 | low;
}

/* Of two lines that match, the one with the greater weight wins: more fixed bits; lines marked as first;
 * lines for any coprocessor come after those of the coprocessors that exist. */
static int weight(uint16_t row)
{
    const InsnInfo *info = &insn_table[row];
    return __builtin_popcount(info->mask) + (info->flags & INSN_FIRST ? 32 : 0) +
           (info->table != TABLE_COP ? 64 : 0);
}

static bool more_specific(uint16_t a, uint16_t b)
{
    return weight(a) > weight(b);
}

static bool ambiguous(uint16_t a, uint16_t b)
{
    const InsnInfo *x = &insn_table[a], *y = &insn_table[b];
    bool meet = ((x->value ^ y->value) & x->mask & y->mask) == 0;
    return meet && weight(a) == weight(b);
}

/* A wrong table stops the first test run; the names say which lines. */
static void check_unambiguous(uint16_t a, uint16_t b)
{
    if (!ambiguous(a, b))
        return;
    fprintf(stderr, "instruction tables: %s and %s overlap with equal weight\n", insn_table[a].name,
            insn_table[b].name);
    abort();
}

static void insert_sorted(uint16_t *list, unsigned count, uint16_t row)
{
    unsigned at = count;
    for (unsigned n = 0; n < count; n++)
        check_unambiguous(list[n], row);
    while (at > 0 && more_specific(row, list[at - 1])) {
        list[at] = list[at - 1];
        at--;
    }
    list[at] = row;
}

/* Calls visit for every slot of the space that the line can be found in. */
static void each_slot(Space space, uint16_t row, void (*visit)(Index *, uint32_t, uint16_t, unsigned *),
                      unsigned *filled)
{
    const SpaceKey *key = &space_key[space];
    uint32_t all = (1u << (key->width1 + key->width2)) - 1;
    uint32_t fixed = key_of(key, insn_table[row].mask), value = key_of(key, insn_table[row].value);
    uint32_t wild = all & ~fixed, sub = wild;
    for (;;) {
        visit(&indexes[space], value | sub, row, filled);
        if (!sub)
            return;
        sub = (sub - 1) & wild;
    }
}

static void count_slot(Index *index, uint32_t slot, uint16_t row, unsigned *filled)
{
    (void)row;
    (void)filled;
    index->first[slot + 1]++;
}

static void fill_slot(Index *index, uint32_t slot, uint16_t row, unsigned *filled)
{
    insert_sorted(index->pool + index->first[slot], filled[slot]++, row);
}

static void build_index(Space space)
{
    Index *index = &indexes[space];
    for (uint16_t row = 1; row < insn_count; row++)
        if (space_of(&insn_table[row]) == space)
            each_slot(space, row, count_slot, NULL);
    for (unsigned slot = 0; slot < KEY_SLOTS; slot++)
        index->first[slot + 1] += index->first[slot];
    index->pool = calloc(index->first[KEY_SLOTS] + 1, sizeof *index->pool);
    unsigned *filled = calloc(KEY_SLOTS, sizeof *filled);
    if (!index->pool || !filled)
        abort();
    for (uint16_t row = 1; row < insn_count; row++)
        if (space_of(&insn_table[row]) == space)
            each_slot(space, row, fill_slot, filled);
    free(filled);
}

static void build(void)
{
    assert(insn_count <= MAX_LINES);
    for (unsigned row = 1; row < insn_count; row++)
        compile_pattern(&insn_table[row], &lines[row]);
    for (Space space = 0; space < SPACES; space++)
        build_index(space);
}

void decode_init(void)
{
    pthread_once(&once, build);
}

static uint16_t lookup(Space space, uint32_t raw)
{
    const Index *index = &indexes[space];
    uint32_t slot = key_of(&space_key[space], raw);
    for (uint32_t n = index->first[slot]; n < index->first[slot + 1]; n++) {
        const InsnInfo *info = &insn_table[index->pool[n]];
        if ((raw & info->mask) == info->value)
            return index->pool[n];
    }
    return 0;
}

/* The space a T32 encoding is looked up in, and its bits there: coprocessor instructions have the same bits
 * as in A32, Advanced SIMD ones need a few moved (DDI 0406C A6.3.18, A7.4, A7.7). */
static Space t32_space(uint32_t *raw)
{
    if ((*raw & 0xef000000) == 0xef000000) {
        *raw = 0xf2000000 | (*raw >> 28 & 1) << 24 | (*raw & 0x00ffffff);
        return SPACE_UNCOND;
    }
    if ((*raw & 0xff100000) == 0xf9000000) {
        *raw = 0xf4000000 | (*raw & 0x00ffffff);
        return SPACE_UNCOND;
    }
    if ((*raw & 0xec000000) == 0xec000000)
        return *raw >> 28 == 0xf ? SPACE_UNCOND : SPACE_COND;
    return SPACE_T32;
}

static uint16_t find_row(InsnSet set, uint32_t *raw)
{
    if (set == SET_T16)
        return lookup(SPACE_T16, *raw);
    if (set == SET_T32) {
        Space space = t32_space(raw); /* changes raw */
        return lookup(space, *raw);
    }
    return lookup(*raw >> 28 == 0xf ? SPACE_UNCOND : SPACE_COND, *raw);
}

static void extract(const Line *line, uint32_t raw, Fields *fields)
{
    memset(fields->v, 0, sizeof fields->v);
    for (unsigned n = 0; n < line->pieces; n++) {
        const Piece *p = &line->piece[n];
        fields->v[p->letter] = fields->v[p->letter] << p->width | (raw >> p->shift & ((1u << p->width) - 1));
    }
}

/* The rules about IT blocks that hold for whole lines. */
static bool allowed_by_it(uint32_t flags, uint8_t itstate)
{
    bool in_it = itstate & 0xf, last = (itstate & 0xf) == 8;
    return !in_it || !((flags & INSN_NOT_IN_IT) || ((flags & INSN_LAST_IN_IT) && !last));
}

void decode(Insn *insn, InsnSet set, uint32_t raw, uint8_t itstate)
{
    Fields fields;
    bool thumb = set != SET_A32;
    uint32_t bits = raw;
    uint16_t row = find_row(set, &bits);
    const InsnInfo *info = &insn_table[row];
    *insn = (Insn){.raw = raw,
                   .row = row,
                   .length = set == SET_T16 ? 2 : 4,
                   .itstate = itstate,
                   .exec = info->exec,
                   .ends_block = info->flags & INSN_ENDS};
    if (thumb)
        insn->cond = itstate & 0xf && !(info->flags & INSN_UNCOND) ? itstate >> 4 : 14;
    else
        insn->cond = raw >> 28 == 15 ? 14 : (uint8_t)(raw >> 28);
    extract(&lines[row], bits, &fields);
    fields.thumb = thumb;
    fields.itstate = itstate;
    if (row && allowed_by_it(info->flags, itstate) && info->format(insn, &fields)) {
        insn->count = (uint8_t)__builtin_popcount(insn->imm & 0xffff);
        /* Condition 1111 in an IT block behaves as "always". */
        if (insn->cond == 15)
            insn->cond = 14;
        insn->exec = interp_form(insn);
        return;
    }
    insn->row = 0;
    insn->exec = insn_table[0].exec;
    insn->ends_block = true;
}
