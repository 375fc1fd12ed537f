/* The parts of the primitives (exec.h) that are too rare or too long to be inline. */
#include "cpu/exec.h"

void load_words_slow(C *c, V address, V *values, unsigned count, unsigned op)
{
    V loaded[32]; /* 16 doubleword registers at most */
    for (unsigned n = 0; n < count; n++) {
        loaded[n] = load(c, address + 4 * n, op);
        if (faulted(c))
            return;
    }
    for (unsigned n = 0; n < count; n++)
        values[n] = loaded[n];
}

void store_words_slow(C *c, V address, const V *values, unsigned count, unsigned op)
{
    for (unsigned n = 0; n < count && !faulted(c); n++)
        store(c, address + 4 * n, values[n], op);
}

void exception_return(C *c, V target, V psr)
{
    if (in_user_or_system_mode(c)) {
        exception_undefined(c);
        return;
    }
    cpsr_write_by_instr(c, psr, 0xf, true);
    branch_to(c, target & (c->thumb ? ~1u : ~3u));
}
