/* The disassembler's texts of chosen encodings: what assembles to them. Among them are the forms that name PC
 * and are nevertheless allowed. test_disasm.c goes over everything else, where capstone is at hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/insn.h"

enum { ADDRESS = 0x10008 };

typedef struct Text {
    InsnSet set;
    uint32_t raw;
    const char *text;
} Text;

/* clang-format off */
static const Text texts[] = {
    {SET_A32, 0xe0110022, "ands r0, r1, r2, lsr #32"},
    {SET_A32, 0xe08ff100, "add pc, pc, r0, lsl #2"},
    {SET_A32, 0xe1a0f00e, "mov pc, lr"},
    {SET_A32, 0xe25ef004, "subs pc, lr, #4"},
    {SET_A32, 0xe1b0f00e, "movs pc, lr"},
    {SET_A32, 0x11e00271, "mvnne r0, r1, ror r2"},
    {SET_A32, 0xe1a03064, "rrx r3, r4"},
    {SET_A32, 0xe30f0fff, "movw r0, #65535"},
    {SET_A32, 0xe51ff004, "ldr pc, [pc, #-4]"},
    {SET_A32, 0xe59f0000, "ldr r0, [pc]"},
    {SET_A32, 0xe52df004, "push {pc}"},
    {SET_A32, 0xe4510fff, "ldrb r0, [r1], #-4095"},
    {SET_A32, 0xe73101c2, "ldr r0, [r1, -r2, asr #3]!"},
    {SET_A32, 0xe14420d8, "ldrd r2, r3, [r4, #-8]"},
    {SET_A32, 0xe03100f2, "ldrsht r0, [r1], -r2"},
    {SET_A32, 0xe1a40f92, "strexd r0, r2, r3, [r4]"},
    {SET_A32, 0xe9ddc003, "ldmib sp, {r0, r1, lr, pc} ^"},
    {SET_A32, 0xe8bd8030, "pop {r4, r5, pc}"},
    {SET_A32, 0xe92d4010, "push {r4, lr}"},
    {SET_A32, 0xe8208002, "stmda r0!, {r1, pc}"},
    {SET_A32, 0x0a000002, "beq 0x10018"},
    {SET_A32, 0xebfffffc, "bl 0x10000"},
    {SET_A32, 0xfb000000, "blx 0x10012"},
    {SET_A32, 0xe12fff1e, "bx lr"},
    {SET_A32, 0xe12fff33, "blx r3"},
    {SET_A32, 0xefffffff, "svc #16777215"},
    {SET_A32, 0xe12fff7f, "bkpt #65535"},
    {SET_A32, 0xe7ffffff, "udf #65535"},
    {SET_A32, 0xe160007f, "smc #15"},
    {SET_A32, 0xe1400172, "hvc #18"},
    {SET_T32, 0xf7e08012, "hvc.w #18"},
    {SET_A32, 0xe12ff000, "msr cpsr_fsxc, r0"},
    {SET_A32, 0xe321f0d3, "msr cpsr_c, #211"},
    {SET_A32, 0xe328f20f, "msr apsr_nzcvq, #4026531840"},
    {SET_A32, 0xe14f0000, "mrs r0, spsr"},
    {SET_A32, 0xe10f0000, "mrs r0, apsr"},
    {SET_A32, 0xf10e01d3, "cpsid aif, #19"},
    {SET_A32, 0xf1020010, "cps #16"},
    {SET_A32, 0xf1010200, "setend be"},
    {SET_A32, 0xf96d0513, "srsdb sp!, #19"},
    {SET_A32, 0xf8b00a00, "rfeia r0!"},
    {SET_A32, 0xf57ff05a, "dmb ishst"},
    {SET_A32, 0xf57ff04f, "dsb sy"},
    {SET_A32, 0xf57ff06f, "isb sy"},
    {SET_A32, 0xf791f102, "pldw [r1, r2, lsl #2]"},
    {SET_A32, 0xf45ff010, "pli [pc, #-16]"},
    {SET_A32, 0xf57ff01f, "clrex"},
    {SET_A32, 0xe320f003, "wfi"},
    {SET_A32, 0xe320f0f3, "dbg #3"},
    {SET_A32, 0xee070f9a, "mcr p15, #0, r0, c7, c10, #4"},
    {SET_A32, 0xee11ff10, "mrc p15, #0, apsr_nzcv, c1, c0, #0"},
    {SET_A32, 0xec510f1e, "mrrc p15, #1, r0, r1, c14"},
    {SET_A32, 0xecb05e01, "ldc p14, c5, [r0], #4"},
    {SET_A32, 0xe10032c1, "smlabt r0, r1, r2, r3"},
    {SET_A32, 0xe7410312, "smlald r0, r1, r2, r3"},
    {SET_A32, 0xe75032f1, "smmlsr r0, r1, r2, r3"},
    {SET_A32, 0xe6bf02d1, "ssat r0, #32, r1, asr #5"},
    {SET_A32, 0xe6e10c72, "uxtab r0, r1, r2, ror #24"},
    {SET_A32, 0xe7c70191, "bfi r0, r1, #3, #5"},
    {SET_A32, 0xe6810052, "pkhtb r0, r1, r2, asr #32"},
    {SET_A32, 0xee300aaf, "vadd.f32 s0, s1, s31"},
    {SET_A32, 0xeeff0b08, "vmov.f64 d16, #-1.500000e+00"},
    {SET_A32, 0xeefd0b42, "vcvtr.s32.f64 s1, d2"},
    {SET_A32, 0xeefb1a64, "vcvt.f32.u16 s3, s3, #7"},
    {SET_A32, 0xed308b04, "vldmdb r0!, {d8, d9}"},
    {SET_A32, 0xed2d0a03, "vpush {s0, s1, s2}"},
    {SET_A32, 0xeef1fa10, "vmrs apsr_nzcv, fpscr"},
    {SET_A32, 0xeef30b70, "vmov.u8 r0, d3[7]"},
    {SET_A32, 0xf232007e, "vqadd.s64 q0, q1, q15"},
    {SET_A32, 0xf2810e02, "vmull.p8 q0, d1, d2"},
    {SET_A32, 0xf3820e3a, "vmov.i64 d0, #0xff00ff00ff00ff00"},
    {SET_A32, 0xf4a00772, "vld4.16 {d0[1], d2[1], d4[1], d6[1]}, [r0:64], r2"},
    {SET_A32, 0xf4a01c2d, "vld1.8 {d1[], d2[]}, [r0]!"},
    {SET_A32, 0xf3b10b05, "vtbl.8 d0, {d1, d2, d3, d4}, d5"},
    {SET_A32, 0xf392006f, "vmla.i16 q0, q1, d7[3]"},
    {SET_T16, 0x20ff, "movs r0, #255"},
    {SET_T16, 0x1888, "adds r0, r1, r2"},
    {SET_T16, 0x44f8, "add r8, pc"},
    {SET_T16, 0x46f7, "mov pc, lr"},
    {SET_T16, 0x0808, "lsrs r0, r1, #32"},
    {SET_T16, 0x4348, "muls r0, r1, r0"},
    {SET_T16, 0x48ff, "ldr r0, [pc, #1020]"},
    {SET_T16, 0x5e88, "ldrsh r0, [r1, r2]"},
    {SET_T16, 0x87c8, "strh r0, [r1, #62]"},
    {SET_T16, 0xb581, "push {r0, r7, lr}"},
    {SET_T16, 0xbd01, "pop {r0, pc}"},
    {SET_T16, 0xc803, "ldm r0, {r0, r1}"},
    {SET_T16, 0xc006, "stm r0!, {r1, r2}"},
    {SET_T16, 0xa8ff, "add r0, sp, #1020"},
    {SET_T16, 0xb0ff, "sub sp, #508"},
    {SET_T16, 0xa003, "adr r0, #12"},
    {SET_T16, 0xd1fa, "bne 0x10000"},
    {SET_T16, 0xe7ff, "b 0x1000a"},
    {SET_T16, 0xbbf8, "cbnz r0, 0x1008a"},
    {SET_T16, 0xb662, "cpsie i"},
    {SET_T16, 0xb650, "setend le"},
    {SET_T16, 0xbfc5, "ittet gt"},
    {SET_T16, 0xdf07, "svc #7"},
    {SET_T16, 0xbf20, "wfe"},
    {SET_T32, 0xeb010022, "add.w r0, r1, r2, asr #32"},
    {SET_T32, 0xf15120ff, "adcs r0, r1, #4278255360"},
    {SET_T32, 0xf06f0001, "mvn r0, #1"},
    {SET_T32, 0xf2c12034, "movt r0, #4660"},
    {SET_T32, 0xf60d7dff, "addw sp, sp, #4095"},
    {SET_T32, 0xf2af000a, "adr.w r0, #-10"},
    {SET_T32, 0xf0104f00, "tst.w r0, #2147483648"},
    {SET_T32, 0xf850f021, "ldr.w pc, [r0, r1, lsl #2]"},
    {SET_T32, 0xf85f0e04, "ldr.w r0, [pc, #-3588]"},
    {SET_T32, 0xf99f0004, "ldrsb.w r0, [pc, #4]"},
    {SET_T32, 0xf81ffe04, "pld [pc, #-3588]"},
    {SET_T32, 0xf8410dff, "str r0, [r1, #-255]!"},
    {SET_T32, 0xf8310eff, "ldrht r0, [r1, #255]"},
    {SET_T32, 0xe95f0102, "ldrd r0, r1, [pc, #-8]"},
    {SET_T32, 0xe84210ff, "strex r0, r1, [r2, #1020]"},
    {SET_T32, 0xe8d2017f, "ldrexd r0, r1, [r2]"},
    {SET_T32, 0xe8dff010, "tbh [pc, r0, lsl #1]"},
    {SET_T32, 0xe92d0101, "push.w {r0, r8}"},
    {SET_T32, 0xe9108002, "ldmdb r0, {r1, pc}"},
    {SET_T32, 0xf7fefffe, "bl 0xf008"},
    {SET_T32, 0xf000effe, "blx 0x11008"},
    {SET_T32, 0xf23faffe, "bhi.w 0x110008"},
    {SET_T32, 0xf4009000, "b.w 0xff01000c"},
    {SET_T32, 0xf3de8f08, "subs pc, lr, #8"},
    {SET_T32, 0xf3908900, "msr spsr_fc, r0"},
    {SET_T32, 0xe98dc01f, "srsia sp, #31"},
    {SET_T32, 0xf3a1000f, "usat16 r0, #15, r1"},
    {SET_T32, 0xfa01f0a2, "sxtah r0, r1, r2, ror #16"},
    {SET_T32, 0xfbd201d3, "smlsldx r0, r1, r2, r3"},
    {SET_T32, 0xefb20f44, "vext.8 q0, q1, q2, #15"},
    {SET_T32, 0xf90002ff, "vst1.64 {d0, d1, d2, d3}, [r0:256]"},
    {SET_T32, 0xee010b6f, "vmls.f64 d0, d1, d31"},
    {SET_T32, 0xec410f02, "mcrr p15, #0, r0, r1, c2"},
};
/* clang-format on */

static void test_texts(void **state)
{
    (void)state;
    unsigned wrong = 0;
    for (size_t n = 0; n < sizeof texts / sizeof *texts; n++) {
        Insn insn;
        char text[160];
        decode(&insn, texts[n].set, texts[n].raw, 0);
        disassemble(&insn, ADDRESS, text, sizeof text);
        if (strcmp(text, texts[n].text) == 0)
            continue;
        print_error("%08x is \"%s\", not \"%s\"\n", texts[n].raw, text, texts[n].text);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void test_it_block(void **state)
{
    (void)state;
    enum { NE_LAST = 0x18 };
    Insn insn;
    char text[160];
    decode(&insn, SET_T16, 0x1888, NE_LAST);
    disassemble(&insn, ADDRESS, text, sizeof text);
    assert_string_equal(text, "addne r0, r1, r2");
    decode(&insn, SET_T32, 0xee300a81, NE_LAST);
    disassemble(&insn, ADDRESS, text, sizeof text);
    assert_string_equal(text, "vaddne.f32 s0, s1, s2");
}

static void test_undefined(void **state)
{
    (void)state;
    Insn insn;
    char text[160];
    decode(&insn, SET_T16, 0xba80, 0);
    disassemble(&insn, ADDRESS, text, sizeof text);
    assert_string_equal(text, ".inst.n 0xba80");
    decode(&insn, SET_A32, 0xff000000, 0);
    disassemble(&insn, ADDRESS, text, sizeof text);
    assert_string_equal(text, ".inst 0xff000000");
}

/* Whatever does not fit is cut off. */
static void test_small_buffer(void **state)
{
    (void)state;
    Insn insn;
    char text[32];
    memset(text, 0x55, sizeof text);
    decode(&insn, SET_A32, 0xe890ffff, 0);
    disassemble(&insn, ADDRESS, text, 16);
    assert_string_equal(text, "ldm r0, {r0, r1");
    assert_int_equal(text[16], 0x55);
}

static int setup(void **state)
{
    (void)state;
    decode_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_it_block),
        cmocka_unit_test(test_undefined),
        cmocka_unit_test(test_small_buffer),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
