/* See gnu_as.h. Each instruction gets a slot of 16 bytes in one object file, so that one run of the
 * assembler checks thousands of cases. */
#include <unistd.h>

#include "tests/jit/gnu_as.h"

const Width all_widths[4] = {W8, W16, W32, W64};
const int32_t edge_disps[9] = {0, 1, 127, 128, -128, -129, 0x1000, INT32_MAX, INT32_MIN};
const int32_t edge_imms[13] = {0,   1,   -1,     127,    128,       -128,     -129,
                               255, 256, 0x7fff, 0xffff, INT32_MAX, INT32_MIN};

/* The kinds that encode differently; test_addresses() tries all combinations with one instruction. */
const Mem some_mems[] = {
  /* clang-format off */
    {RAX, REG_NONE, 1, 0},      {RDI, REG_NONE, 1, 8},     {RBX, REG_NONE, 1, 0x1234},
    {RSP, REG_NONE, 1, 0},      {RSP, REG_NONE, 1, -8},    {RSP, REG_NONE, 1, 0x1000},
    {RBP, REG_NONE, 1, 0},      {RBP, REG_NONE, 1, 127},   {RBP, REG_NONE, 1, 128},
    {R12, REG_NONE, 1, 0},      {R12, REG_NONE, 1, -128},  {R12, REG_NONE, 1, -129},
    {R13, REG_NONE, 1, 0},      {R13, REG_NONE, 1, 1},     {R13, REG_NONE, 1, INT32_MAX},
    {R15, REG_NONE, 1, 0},      {RAX, RCX, 1, 0},          {RBP, RSI, 2, 0},
    {R13, R12, 4, 0},           {RSP, R15, 8, 16},         {R9, RBP, 8, INT32_MIN},
    {REG_NONE, RDX, 4, 0},      {REG_NONE, R13, 8, 64},    {REG_NONE, RBP, 1, 0},
    {REG_NONE, R12, 1, 0},      {REG_NONE, REG_NONE, 1, 0x12345678},
  /* clang-format on */
};
const size_t some_mems_count = COUNT(some_mems);

static void next_slot(Cases *c)
{
    memset(c->code, 0xcc, sizeof c->code);
    c->a = (Asm){.at = c->code, .end = c->code + sizeof c->code};
}

int cases_new(void **state)
{
    Cases *c = calloc(1, sizeof *c);
    if (!c)
        return -1;
    next_slot(c);
    *state = c;
    return 0;
}

int cases_free(void **state)
{
    Cases *c = *state;
    free(c->list);
    free(c);
    return 0;
}

void expect(Cases *c, const char *format, ...)
{
    if (c->count == c->room) {
        c->room = c->room ? 2 * c->room : 1024;
        c->list = realloc(c->list, c->room * sizeof *c->list);
        assert_non_null(c->list);
    }
    Case *one = &c->list[c->count++];
    va_list args;
    va_start(args, format);
    assert_in_range(vsnprintf(one->text, sizeof one->text, format, args), 1, (int)sizeof one->text - 1);
    va_end(args);
    if (c->a.full || c->a.at == c->code || c->a.at > c->code + SLOT - 1)
        fail_msg("%s: %d bytes", one->text, (int)(c->a.at - c->code));
    memcpy(one->bytes, c->code, SLOT);
    next_slot(c);
}

static void write_source(const Cases *c, const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, ".intel_syntax noprefix\n.text\n");
    for (size_t n = 0; n < c->count; n++)
        fprintf(file, "%s\n.balign %d, 0xcc\n", c->list[n].text, SLOT);
    assert_int_equal(fclose(file), 0);
}

static void hex(char *out, const uint8_t *bytes)
{
    for (unsigned n = 0; n < SLOT; n++)
        out += sprintf(out, "%02x ", bytes[n]);
}

/* The number of cases that differ; prints the first few. */
static unsigned compare_binary(const Cases *c, const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return (unsigned)c->count;
    unsigned wrong = 0;
    for (size_t n = 0; n < c->count; n++) {
        uint8_t bytes[SLOT];
        char ours[SLOT * 3 + 1], theirs[SLOT * 3 + 1];
        if (fread(bytes, 1, SLOT, file) != SLOT)
            memset(bytes, 0, sizeof bytes);
        if (memcmp(bytes, c->list[n].bytes, SLOT) == 0)
            continue;
        hex(ours, c->list[n].bytes);
        hex(theirs, bytes);
        if (wrong++ < 20)
            print_error("%-50s\n  ours %s\n  as   %s\n", c->list[n].text, ours, theirs);
    }
    wrong += fgetc(file) != EOF;
    fclose(file);
    return wrong;
}

void compare_with_gnu_as(Cases *c)
{
    char folder[] = "/tmp/armature-gnu-as-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char source[64], object[64], binary[64], command[1024];
    snprintf(source, sizeof source, "%s/code.s", folder);
    snprintf(object, sizeof object, "%s/code.o", folder);
    snprintf(binary, sizeof binary, "%s/code.bin", folder);
    write_source(c, source);
    snprintf(command, sizeof command, "'%s' --64 -o %s %s && '%s' -O binary -j .text %s %s", GNU_AS, object,
             source, GNU_OBJCOPY, object, binary);
    int status = system(command);
    unsigned wrong = status == 0 ? compare_binary(c, binary) : 0;
    remove(source);
    remove(object);
    remove(binary);
    rmdir(folder);
    assert_int_equal(status, 0);
    if (wrong)
        fail_msg("%u of %zu instructions differ", wrong, c->count);
}

const char *reg_text(Width w, Reg reg)
{
    /* clang-format off */
    static const char *const names[4][16] = {
        {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil",
         "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b"},
        {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di",
         "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w", "r15w"},
        {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi",
         "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d"},
        {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
         "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"},
    };
    /* clang-format on */
    return names[w == W8 ? 0 : w == W16 ? 1 : w == W32 ? 2 : 3][reg];
}

OperandText mem_text(Mem mem)
{
    OperandText t;
    char index[16] = "";
    /* A lone index that is not multiplied is the base of a shorter encoding. */
    if (mem.base == REG_NONE && mem.scale == 1) {
        mem.base = mem.index;
        mem.index = REG_NONE;
    }
    if (mem.index != REG_NONE)
        snprintf(index, sizeof index, "+%s*%d", reg_text(W64, mem.index), mem.scale);
    if (mem.base != REG_NONE)
        snprintf(t.text, sizeof t.text, "[%s%s%+d]", reg_text(W64, mem.base), index, mem.disp);
    else if (mem.index != REG_NONE)
        snprintf(t.text, sizeof t.text, "[%s%+d]", index + 1, mem.disp);
    else
        snprintf(t.text, sizeof t.text, "ds:[%d]", mem.disp);
    return t;
}

const char *width_text(Width w)
{
    return w == W8 ? "byte ptr" : w == W16 ? "word ptr" : w == W32 ? "dword ptr" : "qword ptr";
}

long long imm_text(Width w, int32_t imm)
{
    return w == W8 ? (int8_t)imm : w == W16 ? (int16_t)imm : imm;
}
