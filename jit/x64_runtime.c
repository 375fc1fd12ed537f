/* The routines that compiled code and C call each other by. */
#include <cpuid.h>
#include <stddef.h>
#include <string.h>

#include "jit/x64_lower.h"

static const Reg callee_saved[] = {RBX, RBP, R12, R13, R14, R15};

enum { CALLEE_SAVED = sizeof callee_saved / sizeof *callee_saved };

static void store_homes(Asm *a)
{
    for (unsigned n = 0; n < 15; n++)
        if (home_of(n) != REG_NONE)
            x64_store(a, W32, CPU_OFFSET(offsetof(Cpu, r) + 4 * n), home_of(n));
}

static void load_homes(Asm *a)
{
    for (unsigned n = 0; n < 15; n++)
        if (home_of(n) != REG_NONE)
            x64_load(a, W32, home_of(n), CPU_OFFSET(offsetof(Cpu, r) + 4 * n));
    x64_load(a, W64, REG_TLB, CPU_FIELD(fast));
}

/* uint64_t enter(Cpu *cpu, const void *code). Six registers and the return address: eight more bytes align
 * the stack as calls from compiled code need it. */
static void make_enter(Asm *a)
{
    for (unsigned n = 0; n < CALLEE_SAVED; n++)
        x64_push(a, callee_saved[n]);
    x64_alu_ri(a, ALU_SUB, W64, RSP, 8);
    x64_lea(a, W64, REG_CPU, mem_at(RDI, CPU_BIAS));
    x64_mov_rr(a, W64, RAX, RSI);
    x64_load(a, W64, REG_BUDGET, CPU_FIELD(jit_budget));
    load_homes(a);
    x64_jmp_r(a, RAX);
}

static void make_return(Asm *a)
{
    x64_alu_ri(a, ALU_ADD, W64, RSP, 8);
    for (unsigned n = CALLEE_SAVED; n-- > 0;)
        x64_pop(a, callee_saved[n]);
    x64_ret(a);
}

static void make_exit(Asm *a)
{
    fold_fp_flags(a);
    x64_store_imm(a, W8, CPU_FIELD(fp_host), 0);
    store_homes(a);
    x64_store(a, W64, CPU_FIELD(jit_budget), REG_BUDGET);
    make_return(a);
}

/* EAX, a guest address, is not in the first part of the jump cache: goes there if it is in the second. */
static void second_look_at_jumps(Asm *a)
{
    enum { SECOND = JUMP_ENTRIES * sizeof(JumpEntry) };
    x64_mov_rr(a, W32, RCX, RAX);
    x64_shift_ri(a, SHIFT_OP_SHR, W32, RCX, PAGE_BITS);
    x64_imul_rri(a, W32, RCX, RCX, JUMP_WINDOW_FACTOR);
    x64_alu_ri(a, ALU_AND, W32, RCX, JUMP_WINDOW_MASK);
    x64_mov_rr(a, W32, RDX, RAX);
    x64_alu_ri(a, ALU_AND, W32, RDX, JUMP_MASK & (PAGE_SIZE - 1));
    x64_alu_rr(a, ALU_OR, W32, RCX, RDX);
    x64_load(a, W64, RDX, CPU_FIELD(jumps));
    x64_alu_rm(a, ALU_CMP, W32, RAX, mem_index(RDX, RCX, 4, SECOND + (int32_t)offsetof(JumpEntry, key)));
    Patch miss = x64_jcc_short(a, CC_NE);
    x64_alu_mi(a, ALU_ADD, W64, CPU_FIELD(jit_second), 1);
    x64_jmp_m(a, mem_index(RDX, RCX, 4, SECOND + (int32_t)offsetof(JumpEntry, code)));
    x64_patch_short(miss, a->at);
}

static void make_exit_far(Asm *a, const uint8_t *exit)
{
    second_look_at_jumps(a);
    x64_store(a, W32, CPU_FIELD(jit_target), RAX);
    x64_mov_ri(a, RAX, EXIT_FAR);
    x64_jmp_to(a, exit);
}

static void make_exit_link(Asm *a, const uint8_t *exit)
{
    second_look_at_jumps(a);
    x64_load(a, W32, RAX, CPU_FIELD(jit_exit));
    x64_jmp_to(a, exit);
}

typedef const void *CallInsn(Cpu *cpu, uint32_t where);

/* The instruction changed the registers in the CPU: they are loaded again, or stay there when the block is
 * left. */
static void make_call(Asm *a, CallInsn *function)
{
    fold_fp_flags(a);
    store_homes(a);
    x64_store(a, W64, CPU_FIELD(jit_budget), REG_BUDGET);
    x64_alu_ri(a, ALU_SUB, W64, RSP, 8);
    x64_lea(a, W64, RDI, mem_at(REG_CPU, -CPU_BIAS));
    x64_mov_rr(a, W32, RSI, RAX);
    x64_mov_ri(a, RAX, (uint64_t)(uintptr_t)function);
    x64_call_r(a, RAX);
    x64_alu_ri(a, ALU_ADD, W64, RSP, 8);
    x64_alu_ri(a, ALU_CMP, W64, RAX, (int32_t)(intptr_t)JIT_LEAVE);
    Patch leave = x64_jcc(a, CC_E);
    Patch jump = x64_jcc(a, CC_A);
    begin_fp_flags(a);
    load_homes(a);
    x64_ret(a);
    x64_patch(jump, a->at);
    x64_alu_ri(a, ALU_ADD, W64, RSP, 8); /* the return address */
    x64_mov_rr(a, W64, RCX, RAX);
    begin_fp_flags(a);
    load_homes(a);
    x64_load(a, W64, REG_BUDGET, CPU_FIELD(jit_budget));
    x64_load(a, W32, RAX, CPU_FIELD(jit_target));
    x64_jmp_r(a, RCX);
    x64_patch(leave, a->at);
    x64_alu_ri(a, ALU_ADD, W64, RSP, 8); /* the return address */
    x64_store_imm(a, W8, CPU_FIELD(fp_host), 0);
    x64_mov_ri(a, RAX, EXIT_LEFT);
    make_return(a);
}

static void make_odd(Asm *a, Reg page, Reg address, bool write, int32_t bytes)
{
    x64_alu_mi(a, ALU_CMP, W8, CPU_FIELD(unaligned), 0);
    Patch aligned_only = x64_jcc_short(a, CC_E);
    x64_mov_rr(a, W32, page, address);
    x64_alu_ri(a, ALU_AND, W32, page, PAGE_SIZE - 1);
    x64_alu_ri(a, ALU_CMP, W32, page, (int32_t)PAGE_SIZE - bytes);
    Patch crosses = x64_jcc_short(a, CC_A);
    load_entry(a, page, address, write);
    x64_test_rr(a, W64, RSP, RSP);
    x64_ret(a);
    x64_patch_short(aligned_only, a->at);
    x64_patch_short(crosses, a->at);
    x64_alu_rr(a, ALU_XOR, W32, page, page);
    x64_ret(a);
}

static void make_all_odd(Asm *a, X64Runtime *runtime)
{
    for (unsigned n = 0; n < 2 * 2 * TEMPS * 16; n++) {
        unsigned address = n % 16, temp = n / 16 % TEMPS, word = n / 16 / TEMPS % 2,
                 write = n / 16 / TEMPS / 2;
        if (address == RSP || temp_regs[temp] == (Reg)address)
            continue;
        runtime->odd[write][word][temp][address] = a->at + a->to_run;
        make_odd(a, temp_regs[temp], (Reg)address, write, word ? 4 : 2);
    }
}

static bool host_has_lzcnt(void)
{
    enum { LZCNT = 1 << 5 };
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && ecx & LZCNT;
}

unsigned x64_host_features(void)
{
    return (host_has_lzcnt() ? HOST_LZCNT : 0) | (__builtin_cpu_supports("ssse3") ? HOST_SSSE3 : 0) |
           (__builtin_cpu_supports("sse4.1") ? HOST_SSE41 : 0);
}

bool x64_make_runtime(CodeBuf *buf, X64Runtime *runtime)
{
    Asm a = {.at = buf->write + buf->used, .end = buf->write + buf->size, .to_run = buf->run - buf->write};
    runtime->enter = a.at + a.to_run;
    make_enter(&a);
    runtime->exit = a.at + a.to_run;
    make_exit(&a);
    runtime->exit_far = a.at + a.to_run;
    make_exit_far(&a, runtime->exit);
    runtime->exit_link = a.at + a.to_run;
    make_exit_link(&a, runtime->exit);
    runtime->call_insn = a.at + a.to_run;
    make_call(&a, jit_call_insn);
    runtime->call_rest = a.at + a.to_run;
    make_call(&a, jit_call_rest);
    runtime->fp_host = a.at + a.to_run;
    make_fp_host(&a);
    make_all_odd(&a, runtime);
    runtime->host = x64_host_features();
    buf->used = (size_t)(a.at - buf->write + 63) & ~(size_t)63;
    return !a.full;
}

void x64_link(CodeBuf *buf, const X64Link *link, uint32_t target)
{
    x64_patch(buf->write + link->patch, buf->write + target);
}

void x64_link_far(CodeBuf *buf, const X64Link *link, uint32_t target, const FarLink *far)
{
    uint8_t *patch = buf->write + link->patch;
    patch[FAR_STAMP_DISP] = (uint8_t)(offsetof(Cpu, stamp) + 4 * far->which - CPU_BIAS);
    memcpy(patch + FAR_FROM_PAGE, &far->from_page, sizeof far->from_page);
    memcpy(patch + FAR_STAMP, &far->stamp, sizeof far->stamp);
    memcpy(patch + FAR_PAGE, &far->page, sizeof far->page);
    x64_patch(patch, buf->write + target);
    x64_patch(buf->write + link->other, buf->write + link->other + 4);
}

void x64_redirect(CodeBuf *buf, uint32_t entry, uint32_t target)
{
    uint8_t *at = buf->write + entry;
    Asm a = {.at = at, .end = at + X64_MAX_INSN, .to_run = buf->run - buf->write};
    Patch patch = x64_jmp(&a);
    x64_patch(patch, buf->write + target);
}
