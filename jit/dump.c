/* What the compiler made of a block, for the log: guest instructions, IR, host code. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpu/insn.h"
#include "jit/private.h"

static void log_guest(const Cpu *cpu, LogKind kind, const Block *block, uint32_t pc)
{
    char text[96];
    for (unsigned n = 0; n < block->count; n++) {
        uint32_t address = (pc & PAGE_MASK) + block->insn[n].offset;
        disassemble(&block->insn[n], address, text, sizeof text);
        log_line(cpu->log, kind, cpu->name, "%08x  %08x  %s", address, block->insn[n].raw, text);
    }
}

static void log_ir(const Cpu *cpu, const Ir *ir)
{
    char *text = NULL, *rest, *line;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    ir_print(ir, out);
    fclose(out);
    for (rest = text; (line = strsep(&rest, "\n")) && *line;)
        log_line(cpu->log, LOG_IR, cpu->name, "%s", line);
    free(text);
}

static void log_host(const Cpu *cpu, const uint8_t *code, size_t size)
{
    enum { PER_LINE = 32 };
    for (size_t at = 0; at < size; at += PER_LINE) {
        char hex[2 * PER_LINE + 1] = "";
        for (size_t n = at; n < size && n < at + PER_LINE; n++)
            sprintf(hex + 2 * (n - at), "%02x", code[n]);
        log_line(cpu->log, LOG_OUT_ASM, cpu->name, "code %s", hex);
    }
}

void jit_open_perf_map(Jit *jit)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/perf-%d.map", (int)getpid());
    jit->perf_map = fopen(path, "w");
}

/* A line per block: address and size in hexadecimal, name. */
void jit_map_block(const Jit *jit, const Block *block, uint32_t pc)
{
    const X64Exits *exits = &jit->blocks[block->jit].exits;
    const char *set = block->key.thumb ? "t32" : "a32";
    fprintf(jit->perf_map, "%zx %x guest_%08x_%s_%u\n", (size_t)(uintptr_t)(jit->buf.run + exits->far_entry),
            exits->end - exits->far_entry, pc, set, block->jit);
    fprintf(jit->perf_map, "%zx %x rare_%08x_%s_%u\n", (size_t)(uintptr_t)(jit->buf.run + exits->stubs),
            exits->stubs_end - exits->stubs, pc, set, block->jit);
    fflush(jit->perf_map);
}

void jit_log_block(const Jit *jit, const Cpu *cpu, const Block *block, uint32_t pc)
{
    const X64Exits *exits = &jit->blocks[block->jit].exits;
    if (log_on_at(cpu->log, LOG_IR, pc)) {
        log_guest(cpu, LOG_IR, block, pc);
        log_ir(cpu, jit->compiler.ir);
    }
    if (!log_on_at(cpu->log, LOG_OUT_ASM, pc))
        return;
    log_guest(cpu, LOG_OUT_ASM, block, pc);
    log_line(cpu->log, LOG_OUT_ASM, cpu->name, "block %u at 0x%x entry +0x%x", block->jit, exits->far_entry,
             exits->entry - exits->far_entry);
    log_host(cpu, jit->buf.write + exits->far_entry, exits->end - exits->far_entry);
    log_line(cpu->log, LOG_OUT_ASM, cpu->name, "rare parts of block %u at 0x%x", block->jit, exits->stubs);
    log_host(cpu, jit->buf.write + exits->stubs, exits->stubs_end - exits->stubs);
}
