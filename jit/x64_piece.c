/* A block's code between making and placing.
 *
 * Code is made as if it ran at a place that is none: what branches to another part of it, or to the runtime,
 * must be put right when it is placed, and so must constants that contain the block's number. Displacements
 * within one part stay as they are. */
#include <assert.h>
#include <string.h>

#include "jit/x64_lower.h"

/* From the runtime to where the code seems to run: no place of the runtime may look like one of the piece, or
 * be near enough for a short branch. */
enum { PRETENDED = 1 << 20 };

/* Between the parts, so that a branch from one to the other is never a short one. */
enum { GAP = 256 };

Asm begin_part(Lower *l, unsigned part)
{
    uint8_t *at = l->base + part * X64_PART_BYTES;
    int64_t to_run = (int64_t)((uintptr_t)l->runtime->enter + PRETENDED - (uintptr_t)l->base);
    l->nears[part].count = 0;
    l->piece->fixes = 0;
    return (Asm){at, at + X64_PART_BYTES - GAP, to_run, false, &l->nears[part]};
}

static void add_fix(Lower *l, X64FixKind kind, const uint8_t *at)
{
    X64Piece *piece = l->piece;
    if (piece->fixes == X64_MOST_FIXES)
        l->failed = true;
    else
        piece->fix[piece->fixes++] = (X64Fix){kind, (uint32_t)(at - piece->code) & 0x3fffffff};
}

void add_number(Lower *l)
{
    if (!l->a->full)
        add_fix(l, FIX_NUMBER, l->a->at - 4);
}

static int32_t read_near(const uint8_t *at)
{
    int32_t disp;
    memcpy(&disp, at, sizeof disp);
    return disp;
}

/* Of an offset in the piece; 2 is outside. */
static unsigned part_of(int64_t offset)
{
    return offset < 0 || offset >= 2 * X64_PART_BYTES ? 2 : (unsigned)(offset / X64_PART_BYTES);
}

void end_piece(Lower *l, const Asm *usual, const Asm *rare)
{
    X64Piece *piece = l->piece;
    piece->usual = (uint32_t)(usual->at - piece->code);
    piece->rare = (uint32_t)(rare->at - piece->code) - X64_PART_BYTES;
    for (unsigned part = 0; part < 2; part++) {
        const NearList *nears = &l->nears[part];
        for (unsigned n = 0; n < nears->count; n++) {
            unsigned target = part_of(nears->at[n] + 4 - piece->code + read_near(nears->at[n]));
            if (target != part)
                add_fix(l, target == 2 ? FIX_RUNTIME : FIX_ACROSS, nears->at[n]);
        }
    }
}

/* ---- Placing ----------------------------------------------------------------------------------------- */

static void move_exits(X64Exits *exits, const X64Exits *from, uint32_t usual, uint32_t rare)
{
    *exits = *from;
    for (unsigned n = 0; n < exits->links; n++) {
        exits->link[n].patch += usual;
        exits->link[n].other += rare;
    }
    exits->far_entry += usual;
    exits->entry += usual;
    exits->again += usual;
    exits->end += usual;
    exits->stubs += rare;
    exits->stale += rare;
    exits->stubs_end += rare;
}

static void put_right(uint8_t *at, uint32_t change)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    value += change;
    memcpy(at, &value, sizeof value);
}

bool x64_place(CodeBuf *buf, const X64Runtime *runtime, const X64Piece *piece, uint32_t number,
               X64Exits *exits)
{
    if (!codebuf_prepare(buf, piece->usual, piece->rare))
        return false;
    /* How far the parts move, in 32 bits as offsets and displacements are. */
    uint32_t moved[2] = {(uint32_t)buf->used, (uint32_t)buf->rare - X64_PART_BYTES};
    uint32_t pretended = (uint32_t)(runtime->enter - buf->run) + PRETENDED;
    memcpy(buf->write + buf->used, piece->code, piece->usual);
    memcpy(buf->write + buf->rare, piece->code + X64_PART_BYTES, piece->rare);
    for (unsigned n = 0; n < piece->fixes; n++) {
        X64Fix fix = piece->fix[n];
        unsigned part = fix.at >= X64_PART_BYTES;
        uint32_t change = fix.kind == FIX_NUMBER   ? number << 8
                          : fix.kind == FIX_ACROSS ? moved[!part] - moved[part]
                                                   : pretended - moved[part];
        put_right(buf->write + fix.at + moved[part], change);
    }
    move_exits(exits, &piece->exits, moved[0], moved[1]);
    buf->used = (buf->used + piece->usual + 15) & ~(size_t)15;
    buf->rare += piece->rare;
    return true;
}
