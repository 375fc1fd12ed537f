/* See print.h. */
#define _GNU_SOURCE
#include "jit/print.h"

#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cpu/insn.h"
#include "jit/private.h"
#include "jit/translate.h"

uint32_t jit_code_of(const Jit *jit, const Block *block, const uint8_t **code)
{
    if (block->jit == 0 || block->jit == BLOCK_UNFIT || block->jit >= jit->count)
        return 0;
    const X64Exits *exits = &jit->blocks[block->jit].exits;
    size_t end = block->jit + 1 < jit->count ? jit->blocks[block->jit + 1].exits.far_entry : jit->buf.used;
    *code = jit->buf.write + exits->far_entry;
    return (uint32_t)(end - exits->far_entry);
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
static bool print_disassembly(const uint8_t *code, uint32_t size, FILE *out)
{
    char command[160], line[256];
    int fd = memfd_create("code", MFD_CLOEXEC);
    bool any = false;
    if (fd < 0)
        return false;
    snprintf(command, sizeof command,
             "objdump -D -b binary -m i386:x86-64 -M intel --no-show-raw-insn /proc/%d/fd/%d 2>/dev/null",
             (int)getpid(), fd);
    FILE *from = write(fd, code, size) == (ssize_t)size ? popen(command, "r") : NULL;
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

void jit_print_block(Jit *jit, const Block *block, uint32_t page, FILE *out)
{
    const uint8_t *code;
    uint32_t size = jit_code_of(jit, block, &code);
    fprintf(out, "guest code, physical address %08x:\n", block->key.pa);
    print_guest(block, page, out);
    translate_block(jit->ir, jit->peers[0], block, jit->runtime.host);
    ir_optimise(jit->ir);
    fputs("intermediate representation:\n", out);
    ir_print(jit->ir, out);
    fprintf(out, "host code, %" PRIu32 " bytes:\n", size);
    fflush(out);
    if (size && !print_disassembly(code, size, out))
        print_hex(code, size, out);
}
