/* Memory test: every word holds its own address, then the complement of it; and a bit walks along the data
 * lines. */
#include "console.h"
#include "monitor.h"

enum { SLICE = 0x10000 };

static bool bad(uint32_t address, uint32_t wrote, uint32_t read)
{
    print("\nBAD at %08x: wrote %08x, read %08x\n", address, wrote, read);
    return false;
}

static bool data_lines(uint32_t address)
{
    for (unsigned bit = 0; bit < 32; bit++) {
        *word_at(address) = 1u << bit;
        uint32_t read = *word_at(address);
        if (read != 1u << bit)
            return bad(address, 1u << bit, read);
    }
    return true;
}

static void fill(uint32_t start, uint32_t bytes, uint32_t flip)
{
    for (uint32_t i = 0; i < bytes; i += 4)
        *word_at(start + i) = (start + i) ^ flip;
}

static bool check(uint32_t start, uint32_t bytes, uint32_t flip)
{
    for (uint32_t i = 0; i < bytes; i += 4) {
        uint32_t read = *word_at(start + i);
        if (read != ((start + i) ^ flip))
            return bad(start + i, (start + i) ^ flip, read);
    }
    return true;
}

/* One pass over the range in slices, so that Ctrl-C can stop it. */
static bool pass(uint32_t start, uint32_t bytes, uint32_t flip, bool checking)
{
    for (uint32_t done = 0; done < bytes; done += SLICE) {
        uint32_t size = bytes - done < SLICE ? bytes - done : SLICE;
        if (console_interrupted()) {
            print(" stopped\n");
            return false;
        }
        if (!checking)
            fill(start + done, size, flip);
        else if (!check(start + done, size, flip))
            return false;
    }
    console_put('.');
    return true;
}

bool memtest(uint32_t start, uint32_t bytes)
{
    print("Testing %08x to %08x; Ctrl-C stops ", start, start + bytes - 1);
    if (!bytes || !data_lines(start))
        return false;
    for (unsigned i = 0; i < 2; i++) {
        uint32_t flip = i ? 0xffffffff : 0;
        if (!pass(start, bytes, flip, false) || !pass(start, bytes, flip, true))
            return false;
    }
    print(" good\n");
    return true;
}
