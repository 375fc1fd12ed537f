/* A32 data processing, multiplication and media instructions: results and flags, by hand from the manual. */
#include "tests/cpu/one_insn.h"

#define N PSR_N
#define Z PSR_Z
#define C PSR_C
#define V PSR_V
#define Q PSR_Q
#define GE(bits) ((uint32_t)(bits) << 16)
#define FLAGS (PSR_N | PSR_Z | PSR_C | PSR_V | PSR_Q | PSR_GE)

/* What r0 holds before. */
#define OLD 0xdeadbeefu

/* text is what insn is the encoding of. */
typedef struct Case {
    const char *text;
    uint32_t insn, r1, r2, r3, psr, expect_r0, expect_psr;
} Case;

/* RdLo is r0, RdHi is r3. */
typedef struct LongCase {
    const char *text;
    uint32_t insn, r1, r2, r0, r3, psr, expect_r0, expect_r3, expect_psr;
} LongCase;

/* clang-format off */
static const Case logical[] = {
    {"and r0, r1, r2", 0xe0010002, 0xff00ff00, 0xff00ff0, 0, C, 0xf000f00, C},
    {"ands r0, r1, #0x80000000", 0xe2110102, 0xffffffff, 0, 0, 0, 0x80000000, N | C},
    {"ands r0, r1, #0xff", 0xe21100ff, 0xffffff00, 0, 0, C | V, 0, Z | C | V},
    {"ands r0, r1, #0x3fc", 0xe2110fff, 0x3fc, 0, 0, C, 0x3fc, 0},
    {"eors r0, r1, r2, lsl #1", 0xe0310082, 1, 0x80000001, 0, 0, 3, C},
    {"orrs r0, r1, r2, lsr #32", 0xe1910022, 0x10, 0x80000000, 0, 0, 0x10, C},
    {"orrs r0, r1, r2, lsr #1", 0xe19100a2, 0, 1, 0, 0, 0, Z | C},
    {"bics r0, r1, r2, asr #32", 0xe1d10042, 0x12345678, 0x80000000, 0, 0, 0, Z | C},
    {"mov r0, r2, asr #32", 0xe1a00042, 0, 0x7fffffff, 0, C, 0, C},
    {"movs r0, r2, asr #4", 0xe1b00242, 0, 0xf0000008, 0, 0, 0xff000000, N | C},
    {"movs r0, r2, ror #8", 0xe1b00462, 0, 0x12345680, 0, 0, 0x80123456, N | C},
    {"movs r0, r2, rrx", 0xe1b00062, 0, 3, 0, C, 0x80000001, N | C},
    {"movs r0, r2, rrx", 0xe1b00062, 0, 2, 0, 0, 1, 0},
    {"mvns r0, r2", 0xe1f00002, 0, 0xffffffff, 0, C | V, 0, Z | C | V},
    {"mvn r0, #0", 0xe3e00000, 0, 0, 0, 0, 0xffffffff, 0},
    {"tst r1, r2", 0xe1110002, 0x80000000, 0x80000000, 0, C, OLD, N | C},
    {"tst r1, #0", 0xe3110000, 5, 0, 0, V, OLD, Z | V},
    {"teq r1, r2", 0xe1310002, 5, 5, 0, N | V, OLD, Z | V},
    {"teq r1, r2, lsl #31", 0xe1310f82, 0, 1, 0, 0, OLD, N},
};

static const Case shift_by_register[] = {
    {"movs r0, r2, lsl r3", 0xe1b00312, 0, 1, 0x20, 0, 0, Z | C},
    {"movs r0, r2, lsl r3", 0xe1b00312, 0, 1, 0x21, C, 0, Z},
    {"movs r0, r2, lsl r3", 0xe1b00312, 0, 0x80000001, 0, C, 0x80000001, N | C},
    {"movs r0, r2, lsl r3", 0xe1b00312, 0, 0x80000001, 0x100, 0, 0x80000001, N},
    {"movs r0, r2, lsl r3", 0xe1b00312, 0, 0x40000001, 1, C, 0x80000002, N},
    {"movs r0, r2, lsr r3", 0xe1b00332, 0, 0x80000000, 0x20, 0, 0, Z | C},
    {"movs r0, r2, lsr r3", 0xe1b00332, 0, 0xffffffff, 0x21, C, 0, Z},
    {"movs r0, r2, asr r3", 0xe1b00352, 0, 0x80000000, 0x20, 0, 0xffffffff, N | C},
    {"movs r0, r2, asr r3", 0xe1b00352, 0, 0x80000000, 0xff, 0, 0xffffffff, N | C},
    {"movs r0, r2, asr r3", 0xe1b00352, 0, 0x7fffffff, 0xc8, C, 0, Z},
    {"movs r0, r2, ror r3", 0xe1b00372, 0, 0x80000001, 0x20, 0, 0x80000001, N | C},
    {"movs r0, r2, ror r3", 0xe1b00372, 0, 1, 0x21, 0, 0x80000000, N | C},
    {"movs r0, r2, ror r3", 0xe1b00372, 0, 1, 0x120, C, 1, 0},
    {"adds r0, r1, r2, lsl r3", 0xe0910312, 1, 1, 0x1f, 0, 0x80000001, N},
};

static const Case arithmetic[] = {
    {"add r0, r1, r2", 0xe0810002, 0xffffffff, 1, 0, V, 0, V},
    {"adds r0, r1, r2", 0xe0910002, 0xffffffff, 1, 0, 0, 0, Z | C},
    {"adds r0, r1, r2", 0xe0910002, 0x7fffffff, 1, 0, 0, 0x80000000, N | V},
    {"adds r0, r1, r2", 0xe0910002, 0x80000000, 0x80000000, 0, 0, 0, Z | C | V},
    {"adcs r0, r1, r2", 0xe0b10002, 0xffffffff, 0, 0, C, 0, Z | C},
    {"adcs r0, r1, r2", 0xe0b10002, 0x7fffffff, 0, 0, C, 0x80000000, N | V},
    {"adcs r0, r1, r2", 0xe0b10002, 0xffffffff, 0xffffffff, 0, C, 0xffffffff, N | C},
    {"subs r0, r1, r2", 0xe0510002, 5, 5, 0, 0, 0, Z | C},
    {"subs r0, r1, r2", 0xe0510002, 0, 1, 0, C, 0xffffffff, N},
    {"subs r0, r1, r2", 0xe0510002, 0x80000000, 1, 0, 0, 0x7fffffff, C | V},
    {"sbcs r0, r1, r2", 0xe0d10002, 5, 5, 0, 0, 0xffffffff, N},
    {"sbcs r0, r1, r2", 0xe0d10002, 5, 5, 0, C, 0, Z | C},
    {"rsbs r0, r1, #0", 0xe2710000, 0x80000000, 0, 0, 0, 0x80000000, N | V},
    {"rsbs r0, r1, #0", 0xe2710000, 0, 0, 0, 0, 0, Z | C},
    {"rscs r0, r1, r2", 0xe0f10002, 5, 5, 0, 0, 0xffffffff, N},
    {"rsc r0, r1, r2", 0xe0e10002, 1, 5, 0, C, 4, C},
    {"cmp r1, r2", 0xe1510002, 0x80000000, 1, 0, 0, OLD, C | V},
    {"cmp r1, #1", 0xe3510001, 0, 0, 0, 0, OLD, N},
    {"cmn r1, r2", 0xe1710002, 0xffffffff, 1, 0, 0, OLD, Z | C},
    {"add r0, pc, #4", 0xe28f0004, 0, 0, 0, 0, 0x6000010c, 0},
    {"sub r0, pc, r2, lsl #2", 0xe04f0102, 0, 1, 0, 0, 0x60000104, 0},
    {"addseq r0, r1, r2", 0x910002, 1, 1, 0, 0, OLD, 0},
    {"addseq r0, r1, r2", 0x910002, 1, 1, 0, Z, 2, 0},
};

static const Case moves_and_bit_fields[] = {
    {"movw r0, #0xabcd", 0xe30a0bcd, 0, 0, 0, 0, 0xabcd, 0},
    {"movt r0, #0x1234", 0xe3410234, 0, 0, 0, 0, 0x1234beef, 0},
    {"bfc r0, #8, #16", 0xe7d7041f, 0, 0, 0, 0, 0xde0000ef, 0},
    {"bfi r0, r1, #4, #8", 0xe7cb0211, 0xa5, 0, 0, 0, 0xdeadba5f, 0},
    {"bfi r0, r1, #0, #32", 0xe7df0011, 0x12345678, 0, 0, 0, 0x12345678, 0},
    {"sbfx r0, r1, #4, #8", 0xe7a70251, 0xf80, 0, 0, 0, 0xfffffff8, 0},
    {"sbfx r0, r1, #31, #1", 0xe7a00fd1, 0x80000000, 0, 0, 0, 0xffffffff, 0},
    {"ubfx r0, r1, #4, #8", 0xe7e70251, 0xf80, 0, 0, 0, 0xf8, 0},
    {"ubfx r0, r1, #0, #32", 0xe7ff0051, 0x87654321, 0, 0, 0, 0x87654321, 0},
    {"clz r0, r2", 0xe16f0f12, 0, 0, 0, 0, 0x20, 0},
    {"clz r0, r2", 0xe16f0f12, 0, 1, 0, 0, 0x1f, 0},
    {"rbit r0, r2", 0xe6ff0f32, 0, 0x80000011, 0, 0, 0x88000001, 0},
    {"rev r0, r2", 0xe6bf0f32, 0, 0x12345678, 0, 0, 0x78563412, 0},
    {"rev16 r0, r2", 0xe6bf0fb2, 0, 0x12345678, 0, 0, 0x34127856, 0},
    {"revsh r0, r2", 0xe6ff0fb2, 0, 0x12340080, 0, 0, 0xffff8000, 0},
};

static const Case multiplication[] = {
    {"mul r0, r1, r2", 0xe0000291, 0x10001, 0x10001, 0, C | V, 0x20001, C | V},
    {"muls r0, r1, r2", 0xe0100291, 0x80000000, 1, 0, C | V, 0x80000000, N | C | V},
    {"muls r0, r1, r2", 0xe0100291, 0x10000, 0x10000, 0, C, 0, Z | C},
    {"mla r0, r1, r2, r3", 0xe0203291, 3, 4, 5, 0, 0x11, 0},
    {"mls r0, r1, r2, r3", 0xe0603291, 3, 4, 5, 0, 0xfffffff9, 0},
    {"smmul r0, r1, r2", 0xe750f211, 0x80000000, 0x80000000, 0, 0, 0x40000000, 0},
    {"smmulr r0, r1, r2", 0xe750f231, 0x10000, 0x8000, 0, 0, 1, 0},
    {"smmul r0, r1, r2", 0xe750f211, 0x10000, 0x8000, 0, 0, 0, 0},
    {"smmla r0, r1, r2, r3", 0xe7503211, 0xffffffff, 1, 1, 0, 0, 0},
    {"smmlar r0, r1, r2, r3", 0xe7503231, 0x10000, 0x8000, 1, 0, 2, 0},
    {"smmls r0, r1, r2, r3", 0xe75032d1, 1, 1, 1, 0, 0, 0},
    {"smmlsr r0, r1, r2, r3", 0xe75032f1, 1, 1, 1, 0, 1, 0},
    {"smulbb r0, r1, r2", 0xe1600281, 0x18000, 0x28000, 0, 0, 0x40000000, 0},
    {"smultb r0, r1, r2", 0xe16002a1, 0x30001, 0x20005, 0, 0, 0xf, 0},
    {"smulbt r0, r1, r2", 0xe16002c1, 0x30007, 0x20005, 0, 0, 0xe, 0},
    {"smulwb r0, r1, r2", 0xe12002a1, 0x10000, 0xffff, 0, 0, 0xffffffff, 0},
    {"smulwt r0, r1, r2", 0xe12002e1, 0x7fffffff, 0x40000000, 0, 0, 0x1fffffff, 0},
    {"smlabb r0, r1, r2, r3", 0xe1003281, 0x7fff, 0x7fff, 0x7fffffff, 0, 0xbfff0000, Q},
    {"smlatt r0, r1, r2, r3", 0xe10032e1, 0x20000, 0x30000, 1, 0, 7, 0},
    {"smlawb r0, r1, r2, r3", 0xe1203281, 0x40000000, 4, 0x7fffffff, 0, 0x8000ffff, Q},
    {"smlad r0, r1, r2, r3", 0xe7003211, 0x20003, 0x50007, 1, 0, 0x20, 0},
    {"smladx r0, r1, r2, r3", 0xe7003231, 0x20003, 0x50007, 1, 0, 0x1e, 0},
    {"smlad r0, r1, r2, r3", 0xe7003211, 0x80008000, 0x80008000, 0x80000000, 0, 0, 0},
    {"smuad r0, r1, r2", 0xe700f211, 0x80008000, 0x80008000, 0, 0, 0x80000000, Q},
    {"smlsd r0, r1, r2, r3", 0xe7003251, 0x20003, 0x50007, 1, 0, 0xc, 0},
    {"smlsdx r0, r1, r2, r3", 0xe7003271, 0x20003, 0x50007, 1, 0, 2, 0},
    {"smusd r0, r1, r2", 0xe700f251, 0x30002, 0x50007, 0, 0, 0xffffffff, 0},
    {"smusdx r0, r1, r2", 0xe700f271, 0x30002, 0x50007, 0, 0, 0xfffffff5, 0},
};

static const Case saturation[] = {
    {"qadd r0, r2, r1", 0xe1010052, 1, 0x7fffffff, 0, 0, 0x7fffffff, Q},
    {"qadd r0, r2, r1", 0xe1010052, 0xffffffff, 0x80000000, 0, 0, 0x80000000, Q},
    {"qadd r0, r2, r1", 0xe1010052, 1, 2, 0, Q, 3, Q},
    {"qsub r0, r2, r1", 0xe1210052, 1, 0x80000000, 0, 0, 0x80000000, Q},
    {"qsub r0, r2, r1", 0xe1210052, 5, 3, 0, 0, 0xfffffffe, 0},
    {"qdadd r0, r2, r1", 0xe1410052, 0x40000000, 1, 0, 0, 0x7fffffff, Q},
    {"qdadd r0, r2, r1", 0xe1410052, 0x40000000, 0x80000000, 0, 0, 0xffffffff, Q},
    {"qdsub r0, r2, r1", 0xe1610052, 1, 5, 0, 0, 3, 0},
    {"ssat r0, #8, r2", 0xe6a70012, 0, 0x7f, 0, 0, 0x7f, 0},
    {"ssat r0, #8, r2", 0xe6a70012, 0, 0x80, 0, 0, 0x7f, Q},
    {"ssat r0, #8, r2", 0xe6a70012, 0, 0xffffff7f, 0, 0, 0xffffff80, Q},
    {"ssat r0, #32, r2, lsl #4", 0xe6bf0212, 0, 0x87654321, 0, 0, 0x76543210, 0},
    {"ssat r0, #1, r2, asr #32", 0xe6a00052, 0, 0x80000000, 0, 0, 0xffffffff, 0},
    {"usat r0, #8, r2", 0xe6e80012, 0, 0x100, 0, 0, 0xff, Q},
    {"usat r0, #8, r2", 0xe6e80012, 0, 0xffffffff, 0, 0, 0, Q},
    {"usat r0, #0, r2", 0xe6e00012, 0, 1, 0, 0, 0, Q},
    {"usat r0, #31, r2", 0xe6ff0012, 0, 0x7fffffff, 0, 0, 0x7fffffff, 0},
    {"ssat16 r0, #4, r2", 0xe6a30f32, 0, 0xfff70008, 0, 0, 0xfff80007, Q},
    {"usat16 r0, #4, r2", 0xe6e40f32, 0, 0xffff0010, 0, 0, 0xf, Q},
    {"usat16 r0, #4, r2", 0xe6e40f32, 0, 0xf0003, 0, 0, 0xf0003, 0},
};

static const Case parallel[] = {
    {"sadd16 r0, r1, r2", 0xe6110f12, 0x7fff8000, 0x18000, 0, GE(0xf), 0x80000000, GE(0xc)},
    {"sadd8 r0, r1, r2", 0xe6110f92, 0x7f80ff01, 0x10101ff, 0, 0, 0x80810000, GE(0xb)},
    {"ssub16 r0, r1, r2", 0xe6110f72, 0x10002, 0x20001, 0, 0, 0xffff0001, GE(0x3)},
    {"ssub8 r0, r1, r2", 0xe6110ff2, 0x1020304, 0x2020202, 0, 0, 0xff000102, GE(0x7)},
    {"sasx r0, r1, r2", 0xe6110f32, 0x10002, 0x30004, 0, 0, 0x5ffff, GE(0xc)},
    {"ssax r0, r1, r2", 0xe6110f52, 0x10002, 0x30004, 0, 0, 0xfffd0005, GE(0x3)},
    {"uadd16 r0, r1, r2", 0xe6510f12, 0xffff0001, 0x10001, 0, 0, 2, GE(0xc)},
    {"uadd8 r0, r1, r2", 0xe6510f92, 0xff80ff01, 0x1800102, 0, 0, 3, GE(0xe)},
    {"usub16 r0, r1, r2", 0xe6510f72, 0x10002, 0x20001, 0, 0, 0xffff0001, GE(0x3)},
    {"usub8 r0, r1, r2", 0xe6510ff2, 0x80000001, 0x7f010001, 0, 0, 0x1ff0000, GE(0xb)},
    {"uasx r0, r1, r2", 0xe6510f32, 0xffff0002, 0x30001, 0, 0, 0xffff, GE(0xc)},
    {"usax r0, r1, r2", 0xe6510f52, 0x10002, 0xffff0001, 0, 0, 1, GE(0xf)},
    {"qadd16 r0, r1, r2", 0xe6210f12, 0x7fff8000, 0x18000, 0, GE(0x5), 0x7fff8000, GE(0x5)},
    {"qsub8 r0, r1, r2", 0xe6210ff2, 0x80007f01, 0x100ff02, 0, 0, 0x80007fff, 0},
    {"qasx r0, r1, r2", 0xe6210f32, 0x7fff8000, 0x10001, 0, 0, 0x7fff8000, 0},
    {"qsax r0, r1, r2", 0xe6210f52, 0x80007fff, 0x10001, 0, 0, 0x80007fff, 0},
    {"qadd8 r0, r1, r2", 0xe6210f92, 0x7f800102, 0x1ff0102, 0, 0, 0x7f800204, 0},
    {"qsub16 r0, r1, r2", 0xe6210f72, 0x80000005, 0x10003, 0, 0, 0x80000002, 0},
    {"shadd16 r0, r1, r2", 0xe6310f12, 0x7fff8000, 0x7fff8000, 0, GE(0xf), 0x7fff8000, GE(0xf)},
    {"shsub8 r0, r1, r2", 0xe6310ff2, 0x80000201, 0x7f000102, 0, 0, 0x800000ff, 0},
    {"shasx r0, r1, r2", 0xe6310f32, 0x30001, 0x30001, 0, 0, 0x2ffff, 0},
    {"shsax r0, r1, r2", 0xe6310f52, 0x30001, 0x30001, 0, 0, 0x10002, 0},
    {"shadd8 r0, r1, r2", 0xe6310f92, 0xff7f0301, 0xff7f0101, 0, 0, 0xff7f0201, 0},
    {"shsub16 r0, r1, r2", 0xe6310f72, 0x30001, 0x10003, 0, 0, 0x1ffff, 0},
    {"uqadd16 r0, r1, r2", 0xe6610f12, 0xffff0001, 0x10001, 0, 0, 0xffff0002, 0},
    {"uqsub8 r0, r1, r2", 0xe6610ff2, 0x1020304, 0x2020202, 0, 0, 0x102, 0},
    {"uqasx r0, r1, r2", 0xe6610f32, 0xffff0001, 0x20001, 0, 0, 0xffff0000, 0},
    {"uqsax r0, r1, r2", 0xe6610f52, 0x1ffff, 0x10002, 0, 0, 0xffff, 0},
    {"uqadd8 r0, r1, r2", 0xe6610f92, 0xff010203, 0x1010101, 0, 0, 0xff020304, 0},
    {"uqsub16 r0, r1, r2", 0xe6610f72, 0x10005, 0x20003, 0, 0, 2, 0},
    {"uhadd16 r0, r1, r2", 0xe6710f12, 0xffff0001, 0xffff0002, 0, 0, 0xffff0001, 0},
    {"uhsub8 r0, r1, r2", 0xe6710ff2, 0xff0204, 0x1010102, 0, 0, 0xff7f0001, 0},
    {"uhasx r0, r1, r2", 0xe6710f32, 0xffff0001, 0x3ffff, 0, 0, 0xffffffff, 0},
    {"uhsax r0, r1, r2", 0xe6710f52, 0x1ffff, 0xffff0001, 0, 0, 0xffff, 0},
    {"uhadd8 r0, r1, r2", 0xe6710f92, 0xff010203, 0xff030201, 0, 0, 0xff020202, 0},
    {"uhsub16 r0, r1, r2", 0xe6710f72, 4, 0x10002, 0, 0, 0xffff0001, 0},
    {"sel r0, r1, r2", 0xe6810fb2, 0x11111111, 0x22222222, 0, GE(0x5), 0x22112211, GE(0x5)},
    {"usad8 r0, r1, r2", 0xe780f211, 0xff0510, 0xff000a0c, 0, 0, 0x207, 0},
    {"usada8 r0, r1, r2, r3", 0xe7803211, 3, 1, 0xffffffff, 0, 1, 0},
};

static const Case packing[] = {
    {"pkhbt r0, r1, r2", 0xe6810012, 0x11112222, 0x33334444, 0, 0, 0x33332222, 0},
    {"pkhbt r0, r1, r2, lsl #16", 0xe6810812, 0x11112222, 0x33334444, 0, 0, 0x44442222, 0},
    {"pkhtb r0, r1, r2, asr #16", 0xe6810852, 0x11112222, 0x83334444, 0, 0, 0x11118333, 0},
    {"pkhtb r0, r1, r2, asr #32", 0xe6810052, 0x11112222, 0x83334444, 0, 0, 0x1111ffff, 0},
    {"sxtb r0, r2", 0xe6af0072, 0, 0x180, 0, 0, 0xffffff80, 0},
    {"sxtb r0, r2, ror #8", 0xe6af0472, 0, 0x7f80, 0, 0, 0x7f, 0},
    {"sxtb16 r0, r2, ror #8", 0xe68f0472, 0, 0x7fff80ff, 0, 0, 0x7fff80, 0},
    {"sxth r0, r2, ror #24", 0xe6bf0c72, 0, 0x80ffff01, 0, 0, 0x180, 0},
    {"uxtb r0, r2, ror #24", 0xe6ef0c72, 0, 0xab000000, 0, 0, 0xab, 0},
    {"uxtb16 r0, r2", 0xe6cf0072, 0, 0x12f934f5, 0, 0, 0xf900f5, 0},
    {"uxth r0, r2", 0xe6ff0072, 0, 0xffff8001, 0, 0, 0x8001, 0},
    {"sxtab r0, r1, r2", 0xe6a10072, 1, 0xff, 0, 0, 0, 0},
    {"sxtab16 r0, r1, r2", 0xe6810072, 0xffff, 0x10001, 0, 0, 0x10000, 0},
    {"sxtah r0, r1, r2", 0xe6b10072, 0x10000, 0x8000, 0, 0, 0x8000, 0},
    {"uxtab r0, r1, r2", 0xe6e10072, 0xffffffff, 0xff, 0, 0, 0xfe, 0},
    {"uxtab16 r0, r1, r2, ror #8", 0xe6c10472, 0xffff0001, 0x100ff00, 0, 0, 0x100, 0},
    {"uxtah r0, r1, r2", 0xe6f10072, 0x10000, 0xffff8000, 0, 0, 0x18000, 0},
};

static const LongCase long_multiplication[] = {
    {"umull r0, r3, r1, r2", 0xe0830291, 0xffffffff, 0xffffffff, 0, 0, 0, 1, 0xfffffffe, 0},
    {"umulls r0, r3, r1, r2", 0xe0930291, 0xffffffff, 0x80000001, 0, 0, C | V, 0x7fffffff, 0x80000000, N | C | V},
    {"umulls r0, r3, r1, r2", 0xe0930291, 0, 5, 9, 9, 0, 0, 0, Z},
    {"umlal r0, r3, r1, r2", 0xe0a30291, 0xffffffff, 1, 1, 1, 0, 0, 2, 0},
    {"umaal r0, r3, r1, r2", 0xe0430291, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0, 0xffffffff, 0xffffffff, 0},
    {"smull r0, r3, r1, r2", 0xe0c30291, 0xffffffff, 2, 0, 0, 0, 0xfffffffe, 0xffffffff, 0},
    {"smulls r0, r3, r1, r2", 0xe0d30291, 0x80000000, 0x80000000, 0, 0, Z, 0, 0x40000000, 0},
    {"smlal r0, r3, r1, r2", 0xe0e30291, 0xffffffff, 1, 0, 1, 0, 0xffffffff, 0, 0},
    {"smlals r0, r3, r1, r2", 0xe0f30291, 0xffffffff, 1, 1, 0, 0, 0, 0, Z},
    {"smlalbt r0, r3, r1, r2", 0xe14302c1, 0xffff, 0x10000, 0, 0, 0, 0xffffffff, 0xffffffff, 0},
    {"smlald r0, r3, r1, r2", 0xe7430211, 0x20003, 0x50007, 0xffffffff, 0, 0, 0x1e, 1, 0},
    {"smlaldx r0, r3, r1, r2", 0xe7430231, 0x20003, 0x50007, 0, 0, 0, 0x1d, 0, 0},
    {"smlsld r0, r3, r1, r2", 0xe7430251, 0x30002, 0x50007, 0, 0, 0, 0xffffffff, 0xffffffff, 0},
    {"smlsldx r0, r3, r1, r2", 0xe7430271, 0x30002, 0x50007, 0, 0, 0, 0xfffffff5, 0xffffffff, 0},
};
/* clang-format on */

static void run_cases(const Case *cases, size_t count)
{
    Bench b;
    bench_init(&b);
    for (size_t n = 0; n < count; n++) {
        const Case *k = &cases[n];
        b.cpu->r[0] = OLD;
        b.cpu->r[1] = k->r1;
        b.cpu->r[2] = k->r2;
        b.cpu->r[3] = k->r3;
        cpsr_write(b.cpu, k->psr, FLAGS);
        uint8_t leave = run_a32(&b, k->insn);
        uint32_t psr = cpsr_read(b.cpu) & FLAGS;
        if (b.cpu->r[0] != k->expect_r0 || psr != k->expect_psr || leave)
            fail_msg("%s: r0 %08x, expected %08x; flags %08x, expected %08x; leave %u", k->text, b.cpu->r[0],
                     k->expect_r0, psr, k->expect_psr, leave);
        assert_int_equal(b.cpu->r[1], k->r1);
        assert_int_equal(b.cpu->r[2], k->r2);
        assert_int_equal(b.cpu->r[3], k->r3);
    }
    bench_done(&b);
}

#define CASES(table) run_cases(table, sizeof(table) / sizeof *(table))

static void test_logical(void **state)
{
    (void)state;
    CASES(logical);
}

static void test_shift_by_register(void **state)
{
    (void)state;
    CASES(shift_by_register);
}

static void test_arithmetic(void **state)
{
    (void)state;
    CASES(arithmetic);
}

static void test_moves_and_bit_fields(void **state)
{
    (void)state;
    CASES(moves_and_bit_fields);
}

static void test_multiplication(void **state)
{
    (void)state;
    CASES(multiplication);
}

static void test_saturation(void **state)
{
    (void)state;
    CASES(saturation);
}

static void test_parallel(void **state)
{
    (void)state;
    CASES(parallel);
}

static void test_packing(void **state)
{
    (void)state;
    CASES(packing);
}

static void test_long_multiplication(void **state)
{
    (void)state;
    Bench b;
    bench_init(&b);
    for (size_t n = 0; n < sizeof long_multiplication / sizeof *long_multiplication; n++) {
        const LongCase *k = &long_multiplication[n];
        b.cpu->r[0] = k->r0;
        b.cpu->r[1] = k->r1;
        b.cpu->r[2] = k->r2;
        b.cpu->r[3] = k->r3;
        cpsr_write(b.cpu, k->psr, FLAGS);
        run_a32(&b, k->insn);
        uint32_t psr = cpsr_read(b.cpu) & FLAGS;
        if (b.cpu->r[0] != k->expect_r0 || b.cpu->r[3] != k->expect_r3 || psr != k->expect_psr)
            fail_msg("%s: %08x:%08x, expected %08x:%08x; flags %08x, expected %08x", k->text, b.cpu->r[3],
                     b.cpu->r[0], k->expect_r3, k->expect_r0, psr, k->expect_psr);
    }
    bench_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logical),
        cmocka_unit_test(test_shift_by_register),
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_moves_and_bit_fields),
        cmocka_unit_test(test_multiplication),
        cmocka_unit_test(test_saturation),
        cmocka_unit_test(test_parallel),
        cmocka_unit_test(test_packing),
        cmocka_unit_test(test_long_multiplication),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
