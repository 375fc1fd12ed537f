/* See print.h. */
#define _GNU_SOURCE
#include "jit/print.h"

#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cpu/insn.h"
#include "jit/private.h"
#include "jit/translate.h"

bool jit_code_of(const Jit *jit, const Block *block, JitCode *usual, JitCode *rare)
{
    if (block->jit == 0 || block->jit == BLOCK_UNFIT || block->jit >= jit->count)
        return false;
    const X64Exits *exits = &jit->blocks[block->jit].exits;
    const uint8_t *base = jit->buf.write;
    *usual = (JitCode){base + exits->far_entry, exits->end - exits->far_entry, exits->far_entry};
    *rare = (JitCode){base + exits->stubs, exits->stubs_end - exits->stubs, exits->stubs};
    return true;
}

static void print_guest(const Block *block, uint32_t page, FILE *out)
{
    char text[96];
    for (unsigned n = 0; n < block->count; n++) {
        const Insn *insn = &block->insn[n];
        disassemble(insn, page + insn->offset, text, sizeof text);
        fprintf(out, "  %08x  %08x  %s\n", page + insn->offset, insn->raw, text);
    }
}

static void print_hex(const uint8_t *code, uint32_t size, FILE *out)
{
    for (uint32_t n = 0; n < size; n++)
        fprintf(out, "%s%02x%s", n % 32 ? " " : "  ", code[n], n % 32 == 31 || n + 1 == size ? "\n" : "");
}

/* True if objdump wrote it. */
static bool print_disassembly(const JitCode *code, FILE *out)
{
    char command[200], line[256];
    int fd = memfd_create("code", MFD_CLOEXEC);
    bool any = false;
    if (fd < 0)
        return false;
    snprintf(
        command, sizeof command,
        "objdump -D -b binary -m i386:x86-64 -M intel --no-show-raw-insn --adjust-vma=0x%x /proc/%d/fd/%d "
        "2>/dev/null",
        code->at, (int)getpid(), fd);
    FILE *from = write(fd, code->code, code->size) == (ssize_t)code->size ? popen(command, "r") : NULL;
    while (from && fgets(line, sizeof line, from)) {
        unsigned offset;
        char colon;
        if (sscanf(line, " %x%c", &offset, &colon) == 2 && colon == ':') {
            fputs(line, out);
            any = true;
        }
    }
    if (from)
        pclose(from);
    close(fd);
    return any;
}

static void print_code(const char *title, const JitCode *code, FILE *out)
{
    fprintf(out, "%s, %" PRIu32 " bytes:\n", title, code->size);
    fflush(out);
    if (code->size && !print_disassembly(code, out))
        print_hex(code->code, code->size, out);
}

void jit_print_block(Jit *jit, Block *block, uint32_t page, FILE *out)
{
    JitCode usual, rare;
    fprintf(out, "guest code, physical address %08x:\n", block->key.pa);
    print_guest(block, page, out);
    Ir *ir = jit->compiler.ir;
    source_take(jit->source, jit->peers[0], block);
    translate_block(ir, jit->source, jit->source->block, jit->runtime.host);
    ir_optimise(ir);
    fputs("intermediate representation:\n", out);
    ir_print(ir, out);
    if (!jit_code_of(jit, block, &usual, &rare))
        return;
    print_code("host code", &usual, out);
    print_code("its rare parts", &rare, out);
}
