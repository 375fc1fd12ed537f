/* Advanced SIMD data processing: one or more cases of each instruction, worked out by hand from the manual
 * (DDI 0406C A8.8). Operands: n in q1 (d2, d3), m in q2 (d4, d5), the destination in q0 (d0, d1) with the old
 * value in it. */
#include <inttypes.h>

#include "cpu/fp.h"
#include "tests/cpu/one_neon.h"

typedef struct Case {
    const char *text; /* what insn is the encoding of */
    uint32_t insn;
    uint64_t old[2], n[2], m[2], want[2]; /* low doubleword first */
    uint32_t fpscr;                       /* afterwards, from 0 */
} Case;

/* clang-format off */
static const Case same_length[] = {
    {"vadd.i8 q0, q1, q2", 0xf2020844, {0, 0}, {0xff7f8001020304, 0xffffffffffffffff}, {0x1010101010101, 0x101010101010101}, {0x808102030405, 0}, 0},
    {"vadd.i64 q0, q1, q2", 0xf2320844, {0, 0}, {0xffffffffffffffff, 0xffffffff}, {0x2, 0x1}, {0x1, 0x100000000}, 0},
    {"vsub.i16 d0, d2, d4", 0xf3120804, {0, 0}, {0x180007fff, 0}, {0x1000100018000, 0}, {0xffff00007fffffff, 0}, 0},
    {"vhadd.s8 d0, d2, d4", 0xf2020004, {0, 0}, {0x7f80ff0001fe0305, 0}, {0x7f8000ff02fd0202, 0}, {0x7f80ffff01fd0203, 0}, 0},
    {"vhadd.u8 d0, d2, d4", 0xf3020004, {0, 0}, {0x7f80ff0001fe0305, 0}, {0x7f8000ff02fd0202, 0}, {0x7f807f7f01fd0203, 0}, 0},
    {"vrhadd.u8 d0, d2, d4", 0xf3020104, {0, 0}, {0x7f80ff0001fe0305, 0}, {0x7f8000ff02fd0202, 0}, {0x7f80808002fe0304, 0}, 0},
    {"vhsub.s16 d0, d2, d4", 0xf2120204, {0, 0}, {0x7fff800000000005, 0}, {0x80007fff00010002, 0}, {0x7fff8000ffff0001, 0}, 0},
    {"vqadd.s8 d0, d2, d4", 0xf2020014, {0, 0}, {0x7f80010203040506, 0}, {0x1ff010101010101, 0}, {0x7f80020304050607, 0}, FPSCR_QC},
    {"vqadd.s8 d0, d2, d4", 0xf2020014, {0, 0}, {0x7e81010203040506, 0}, {0x1ff010101010101, 0}, {0x7f80020304050607, 0}, 0},
    {"vqadd.u16 q0, q1, q2", 0xf3120054, {0, 0}, {0xfffe000100020003, 0xfffffffffffffffe}, {0x1000100010001, 0x1}, {0xffff000200030004, 0xffffffffffffffff}, 0},
    {"vqadd.u64 q0, q1, q2", 0xf3320054, {0, 0}, {0xffffffffffffffff, 0x1}, {0x1, 0x1}, {0xffffffffffffffff, 0x2}, FPSCR_QC},
    {"vqsub.u8 d0, d2, d4", 0xf3020214, {0, 0}, {0x10203040506070, 0}, {0x110000000000000, 0}, {0x203040506070, 0}, FPSCR_QC},
    {"vqsub.s32 d0, d2, d4", 0xf2220214, {0, 0}, {0x8000000000000005, 0}, {0x100000006, 0}, {0x80000000ffffffff, 0}, FPSCR_QC},
    {"vcgt.s8 d0, d2, d4", 0xf2020304, {0, 0}, {0x7f80000102ff0501, 0}, {0x807f0001010006fe, 0}, {0xff000000ff0000ff, 0}, 0},
    {"vcgt.u8 d0, d2, d4", 0xf3020304, {0, 0}, {0x7f80000102ff0501, 0}, {0x807f0001010006fe, 0}, {0xff0000ffff0000, 0}, 0},
    {"vcge.s16 d0, d2, d4", 0xf2120314, {0, 0}, {0x7fff80000000ffff, 0}, {0x7fff80010001ffff, 0}, {0xffff00000000ffff, 0}, 0},
    {"vceq.i32 q0, q1, q2", 0xf3220854, {0, 0}, {0x100000002, 0x300000004}, {0x100000003, 0x300000005}, {0xffffffff00000000, 0xffffffff00000000}, 0},
    {"vtst.8 d0, d2, d4", 0xf2020814, {0, 0}, {0x180ff0055aa0f10, 0}, {0x180ff00aa55f0ef, 0}, {0xffffff0000000000, 0}, 0},
    {"vmax.s8 d0, d2, d4", 0xf2020604, {0, 0}, {0x7f80000102ff0501, 0}, {0x807f0001010006fe, 0}, {0x7f7f000102000601, 0}, 0},
    {"vmin.u8 d0, d2, d4", 0xf3020614, {0, 0}, {0x7f80000102ff0501, 0}, {0x807f0001010006fe, 0}, {0x7f7f000101000501, 0}, 0},
    {"vabd.u8 d0, d2, d4", 0xf3020704, {0, 0}, {0x10ff0001020304, 0}, {0x100000ff04030201, 0}, {0x1010ffff03010103, 0}, 0},
    {"vabd.s8 d0, d2, d4", 0xf2020704, {0, 0}, {0x7f00ff0001020304, 0}, {0x8010000104030201, 0}, {0xff10010103010103, 0}, 0},
    {"vaba.s16 d0, d2, d4", 0xf2120714, {0x10002000300ff, 0}, {0x1ffff80000000, 0}, {0xffff00017fff0000, 0}, {0x30004000200ff, 0}, 0},
    {"vmla.i16 d0, d2, d4", 0xf2120904, {0x1000100010000, 0}, {0x200030004ffff, 0}, {0x300040005ffff, 0}, {0x7000d00150001, 0}, 0},
    {"vmls.i8 d0, d2, d4", 0xf3020904, {0, 0}, {0x203040506070809, 0}, {0x101010101010101, 0}, {0xfefdfcfbfaf9f8f7, 0}, 0},
    {"vmul.i32 q0, q1, q2", 0xf2220954, {0, 0}, {0x1000000000003, 0xffffffff00000002}, {0x1000000000005, 0xffffffff80000000}, {0xf, 0x100000000}, 0},
    {"vmul.p8 d0, d2, d4", 0xf3020914, {0, 0}, {0x3ff80010f118002, 0}, {0x3ff020101110380, 0}, {0x55500010f018000, 0}, 0},
    {"vpadd.i8 d0, d2, d4", 0xf2020b14, {0, 0}, {0x102030405060708, 0}, {0x1020304050607080, 0}, {0x3070b0f003070b0f, 0}, 0},
    {"vpmax.s16 d0, d2, d4", 0xf2120a04, {0, 0}, {0x1ffff80007fff, 0}, {0x5000600070008, 0}, {0x6000800017fff, 0}, 0},
    {"vpmin.u32 d0, d2, d4", 0xf3220a14, {0, 0}, {0x180000000, 0}, {0xfffffffffffffffe, 0}, {0xfffffffe00000001, 0}, 0},
    {"vqdmulh.s16 d0, d2, d4", 0xf2120b04, {0, 0}, {0x8000400000017fff, 0}, {0x8000400080007fff, 0}, {0x7fff2000ffff7ffe, 0}, FPSCR_QC},
    {"vqrdmulh.s16 d0, d2, d4", 0xf3120b04, {0, 0}, {0x8001400000017fff, 0}, {0x8000400080007fff, 0}, {0x7fff2000ffff7ffe, 0}, 0},
    {"vqdmulh.s32 d0, d2, d4", 0xf2220b04, {0, 0}, {0x4000000000000001, 0}, {0x4000000000000001, 0}, {0x2000000000000000, 0}, 0},
    {"vshl.s8 d0, d4, d2", 0xf2020404, {0, 0}, {0x1ff02fe08f80080, 0}, {0xff8040808001ff7f, 0}, {0xfec000e00000ff00, 0}, 0},
    {"vrshl.u16 d0, d4, d2", 0xf3120504, {0, 0}, {0xfffffff0ffef0001, 0}, {0x3ffff80008000, 0}, {0x2000100000000, 0}, 0},
    {"vqshl.s8 d0, d4, d2", 0xf2020414, {0, 0}, {0x101010100ff07f8, 0}, {0x407f80c03f8001ff, 0}, {0x7f7f80803fc07fff, 0}, FPSCR_QC},
    {"vqshl.u64 q0, q2, q1", 0xf3320454, {0, 0}, {0x4, 0xff}, {0x1000000000000000, 0x8000000000000001}, {0xffffffffffffffff, 0x4000000000000000}, FPSCR_QC},
    {"vqrshl.s32 d0, d4, d2", 0xf2220514, {0, 0}, {0x4000000ff, 0}, {0x800000000000003, 0}, {0x7fffffff00000002, 0}, FPSCR_QC},
};

static const Case bitwise[] = {
    {"vand q0, q1, q2", 0xf2020154, {0, 0}, {0xff00ff00ff00ff00, 0x1111111111111111}, {0xff00ff00ff00ff0, 0x2222222233333333}, {0xf000f000f000f00, 0x11111111}, 0},
    {"vbic q0, q1, q2", 0xf2120154, {0, 0}, {0xff00ff00ff00ff00, 0x1111111111111111}, {0xff00ff00ff00ff0, 0x2222222233333333}, {0xf000f000f000f000, 0x1111111100000000}, 0},
    {"vorr q0, q1, q2", 0xf2220154, {0, 0}, {0xff00ff00ff00ff00, 0x1111111111111111}, {0xff00ff00ff00ff0, 0x2222222233333333}, {0xfff0fff0fff0fff0, 0x3333333333333333}, 0},
    {"vorn d0, d2, d4", 0xf2320114, {0, 0}, {0xff00ff00ff00ff00, 0x1111111111111111}, {0xff00ff00ff00ff0, 0x2222222233333333}, {0xff0fff0fff0fff0f, 0}, 0},
    {"veor q0, q1, q2", 0xf3020154, {0, 0}, {0xff00ff00ff00ff00, 0x1111111111111111}, {0xff00ff00ff00ff0, 0x2222222233333333}, {0xf0f0f0f0f0f0f0f0, 0x3333333322222222}, 0},
    {"vbsl d0, d2, d4", 0xf3120114, {0xcccccccccccccccc, 0}, {0xff00ff00ff00ff00, 0x1111111111111111}, {0xff00ff00ff00ff0, 0x2222222233333333}, {0xcf30cf30cf30cf30, 0}, 0},
    {"vbit d0, d2, d4", 0xf3220114, {0xcccccccccccccccc, 0}, {0xff00ff00ff00ff00, 0x1111111111111111}, {0xff00ff00ff00ff0, 0x2222222233333333}, {0xcf0ccf0ccf0ccf0c, 0}, 0},
    {"vbif d0, d2, d4", 0xf3320114, {0xcccccccccccccccc, 0}, {0xff00ff00ff00ff00, 0x1111111111111111}, {0xff00ff00ff00ff0, 0x2222222233333333}, {0xfcc0fcc0fcc0fcc0, 0}, 0},
    {"vmvn q0, q2", 0xf3b005c4, {0, 0}, {0, 0}, {0xff00ff00ff00ff0, 0x2222222233333333}, {0xf00ff00ff00ff00f, 0xddddddddcccccccc}, 0},
};

static const Case lengths[] = {
    {"vaddl.s8 q0, d2, d4", 0xf2820004, {0, 0}, {0x7f80ff0001020304, 0}, {0x7f80ff0001020304, 0}, {0x2000400060008, 0xfeff00fffe0000}, 0},
    {"vaddl.u8 q0, d2, d4", 0xf3820004, {0, 0}, {0x7f80ff0001020304, 0}, {0x7f80ff0001020304, 0}, {0x2000400060008, 0xfe010001fe0000}, 0},
    {"vaddw.s16 q0, q1, d4", 0xf2920104, {0, 0}, {0x100000002, 0x7fffffff00000000}, {0x8000000100020003, 0}, {0x300000005, 0x7fff7fff00000001}, 0},
    {"vsubl.u32 q0, d2, d4", 0xf3a20204, {0, 0}, {0x180000000, 0}, {0x200000001, 0}, {0x7fffffff, 0xffffffffffffffff}, 0},
    {"vsubw.u8 q0, q1, d4", 0xf3820304, {0, 0}, {0x1000200030004, 0x5000600070008}, {0x101010101010101, 0}, {0x100020003, 0x4000500060007}, 0},
    {"vaddhn.i16 d0, q1, q2", 0xf2820404, {0, 0}, {0x100020003ff0400, 0x1800000ff7fff}, {0x1000200010004, 0x1800000010001}, {0x18001020404, 0}, 0},
    {"vraddhn.i16 d0, q1, q2", 0xf3820404, {0, 0}, {0x80027f0380ffff, 0x100020003000400}, {0x100000001, 0}, {0x102030401030400, 0}, 0},
    {"vsubhn.i64 d0, q1, q2", 0xf2a20604, {0, 0}, {0x500000000, 0}, {0x100000000, 0x1}, {0xffffffff00000004, 0}, 0},
    {"vabal.u8 q0, d2, d4", 0xf3820504, {0x1000100010001, 0x1000100010001}, {0xff102030405060, 0}, {0xff00201000000000, 0}, {0x31004100510061, 0x100010000110011}, 0},
    {"vabdl.s16 q0, d2, d4", 0xf2920704, {0, 0}, {0x7fff800000010000, 0}, {0x80007fff00000001, 0}, {0x100000001, 0xffff0000ffff}, 0},
    {"vmull.s8 q0, d2, d4", 0xf2820c04, {0, 0}, {0x807f01ff02030405, 0}, {0x80807fff02030405, 0}, {0x4000900100019, 0x4000c080007f0001}, 0},
    {"vmull.u32 q0, d2, d4", 0xf3a20c04, {0, 0}, {0xffffffff00000002, 0}, {0xffffffff80000000, 0}, {0x100000000, 0xfffffffe00000001}, 0},
    {"vmull.p8 q0, d2, d4", 0xf2820e04, {0, 0}, {0xff80030100000000, 0}, {0xff80ff0100000000, 0}, {0, 0x5555400001010001}, 0},
    {"vmlal.u16 q0, d2, d4", 0xf3920804, {0x100000001, 0x100000001}, {0xffff000100020003, 0}, {0xffff000200030004, 0}, {0x70000000d, 0xfffe000200000003}, 0},
    {"vmlsl.s16 q0, d2, d4", 0xf2920a04, {0, 0}, {0x20003, 0}, {0x30004, 0}, {0xfffffffafffffff4, 0}, 0},
    {"vqdmull.s16 q0, d2, d4", 0xf2920d04, {0, 0}, {0x8000000200038000, 0}, {0x8000000300047fff, 0}, {0x1880010000, 0x7fffffff0000000c}, FPSCR_QC},
    {"vqdmlal.s32 q0, d2, d4", 0xf2a20904, {0x7fffffffffffffff, 0}, {0x200000003, 0}, {0x500000007, 0}, {0x7fffffffffffffff, 0x14}, FPSCR_QC},
    {"vqdmlsl.s32 q0, d2, d4", 0xf2a20b04, {0x8000000000000001, 0}, {0x200000003, 0}, {0x500000007, 0}, {0x8000000000000000, 0xffffffffffffffec}, FPSCR_QC},
};

static const Case scalars[] = {
    {"vmul.i16 q0, q1, d4[2]", 0xf3920864, {0, 0}, {0x1000200030004, 0x5000600070008}, {0x300000000, 0}, {0x300060009000c, 0xf001200150018}, 0},
    {"vmla.i32 d0, d2, d4[1]", 0xf2a20064, {0x100000001, 0}, {0x100000002, 0}, {0xa00000000, 0}, {0xb00000015, 0}, 0},
    {"vmls.i16 d0, d2, d5[0]", 0xf2920445, {0, 0}, {0x1000200030004, 0}, {0, 0x2}, {0xfffefffcfffafff8, 0}, 0},
    {"vmull.s16 q0, d2, d4[3]", 0xf2920a6c, {0, 0}, {0x1fffe00030004, 0}, {0xffff000000000000, 0}, {0xfffffffdfffffffc, 0xffffffff00000002}, 0},
    {"vmlal.u32 q0, d2, d4[0]", 0xf3a20244, {0x1, 0x1}, {0x100000002, 0}, {0xffffffff, 0}, {0x1ffffffff, 0x100000000}, 0},
    {"vqdmulh.s32 d0, d2, d4[1]", 0xf2a20c64, {0, 0}, {0x8000000040000000, 0}, {0x8000000000000000, 0}, {0x7fffffffc0000000, 0}, FPSCR_QC},
    {"vqrdmulh.s16 d0, d2, d4[0]", 0xf2920d44, {0, 0}, {0x1400080000002, 0}, {0x4000, 0}, {0x12000c0000001, 0}, 0},
    {"vmul.f32 d0, d2, d4[1]", 0xf2a20964, {0, 0}, {0x3f80000040000000, 0}, {0x4040000000000000, 0}, {0x4040000040c00000, 0}, 0},
    {"vmla.f32 q0, q1, d4[0]", 0xf3a20144, {0x3f8000003f800000, 0x3f8000003f800000}, {0x3f80000040000000, 0x4040000040800000}, {0x40000000, 0}, {0x4040000040a00000, 0x40e0000041100000}, 0},
};

static const Case shifts[] = {
    {"vshr.s8 d0, d4, #8", 0xf2880014, {0, 0}, {0, 0}, {0x807f00ff01020304, 0}, {0xff0000ff00000000, 0}, 0},
    {"vshr.u64 q0, q2, #1", 0xf3bf00d4, {0, 0}, {0, 0}, {0x8000000000000001, 0xffffffffffffffff}, {0x4000000000000000, 0x7fffffffffffffff}, 0},
    {"vsra.u16 d0, d4, #4", 0xf39c0114, {0x1000100010001, 0}, {0, 0}, {0xffff001080000010, 0}, {0x1000000208010002, 0}, 0},
    {"vrshr.s16 d0, d4, #4", 0xf29c0214, {0, 0}, {0, 0}, {0xfff8fff700080007, 0}, {0xffff00010000, 0}, 0},
    {"vrshr.u32 d0, d4, #32", 0xf3a00214, {0, 0}, {0, 0}, {0x800000007fffffff, 0}, {0x100000000, 0}, 0},
    {"vrsra.s32 d0, d4, #1", 0xf2bf0314, {0x100000001, 0}, {0, 0}, {0x300000002, 0}, {0x300000002, 0}, 0},
    {"vsri.8 d0, d4, #4", 0xf38c0414, {0xffffffffffffffff, 0}, {0, 0}, {0x123456789abcdef0, 0}, {0xf1f3f5f7f9fbfdff, 0}, 0},
    {"vsri.32 d0, d4, #32", 0xf3a00414, {0xabcdef01abcdef01, 0}, {0, 0}, {0x1234567812345678, 0}, {0xabcdef01abcdef01, 0}, 0},
    {"vshl.i32 d0, d4, #31", 0xf2bf0514, {0, 0}, {0, 0}, {0x100000002, 0}, {0x8000000000000000, 0}, 0},
    {"vsli.16 d0, d4, #4", 0xf3940514, {0xffffffffffffffff, 0}, {0, 0}, {0x1234567812345678, 0}, {0x234f678f234f678f, 0}, 0},
    {"vqshl.s8 d0, d4, #1", 0xf2890714, {0, 0}, {0, 0}, {0x40c03f81bf7f80ff, 0}, {0x7f807e80807f80fe, 0}, FPSCR_QC},
    {"vqshl.u32 d0, d4, #4", 0xf3a40714, {0, 0}, {0, 0}, {0x1000000000000001, 0}, {0xffffffff00000010, 0}, FPSCR_QC},
    {"vqshlu.s16 d0, d4, #1", 0xf3910614, {0, 0}, {0, 0}, {0xffff7fff00010000, 0}, {0xfffe00020000, 0}, FPSCR_QC},
    {"vshrn.i32 d0, q2, #16", 0xf2900814, {0, 0}, {0, 0}, {0x123456789abcdef0, 0xffff80000000}, {0x800012349abc, 0}, 0},
    {"vrshrn.i16 d0, q2, #8", 0xf2880854, {0, 0}, {0, 0}, {0x80007f12801300, 0xffff000001000200}, {0x10201001313, 0}, 0},
    {"vqshrn.s16 d0, q2, #1", 0xf28f0914, {0, 0}, {0, 0}, {0xff0100ff00feff, 0x2fffe7fff8000}, {0x1ff7f807f7f8080, 0}, FPSCR_QC},
    {"vqshrn.u64 d0, q2, #32", 0xf3a00914, {0, 0}, {0, 0}, {0xffffffff00000000, 0x180000000}, {0x1ffffffff, 0}, 0},
    {"vqrshrn.s32 d0, q2, #16", 0xf2900954, {0, 0}, {0, 0}, {0x7fff8000ffff8000, 0x8000ffff7fff}, {0x1ffff7fff0000, 0}, FPSCR_QC},
    {"vqshrun.s16 d0, q2, #4", 0xf38c0814, {0, 0}, {0, 0}, {0xff01000fff00010, 0}, {0xffff0001, 0}, FPSCR_QC},
    {"vqrshrun.s32 d0, q2, #1", 0xf39f0854, {0, 0}, {0, 0}, {0x1fffe0001ffff, 0xfffffffe00000003}, {0x2ffffffff, 0}, FPSCR_QC},
    {"vshll.s8 q0, d4, #1", 0xf2890a14, {0, 0}, {0, 0}, {0x80ff017f00000000, 0}, {0, 0xff00fffe000200fe}, 0},
    {"vshll.i16 q0, d4, #16", 0xf3b60304, {0, 0}, {0, 0}, {0x8000000100020003, 0}, {0x2000000030000, 0x8000000000010000}, 0},
    {"vmovl.u8 q0, d4", 0xf3880a14, {0, 0}, {0, 0}, {0x80ff017f00000010, 0}, {0x10, 0x8000ff0001007f}, 0},
    {"vmovl.s32 q0, d4", 0xf2a00a14, {0, 0}, {0, 0}, {0x80000000ffffffff, 0}, {0xffffffffffffffff, 0xffffffff80000000}, 0},
};

static const Case immediates[] = {
    {"vmov.i8 q0, #0xa5", 0xf3820e55, {0, 0}, {0, 0}, {0, 0}, {0xa5a5a5a5a5a5a5a5, 0xa5a5a5a5a5a5a5a5}, 0},
    {"vmov.i16 d0, #0x1200", 0xf2810a12, {0, 0}, {0, 0}, {0, 0}, {0x1200120012001200, 0}, 0},
    {"vmov.i32 d0, #0x00120000", 0xf2810412, {0, 0}, {0, 0}, {0, 0}, {0x12000000120000, 0}, 0},
    {"vmov.i32 d0, #0x000012ff", 0xf2810c12, {0, 0}, {0, 0}, {0, 0}, {0x12ff000012ff, 0}, 0},
    {"vmov.i32 d0, #0x0012ffff", 0xf2810d12, {0, 0}, {0, 0}, {0, 0}, {0x12ffff0012ffff, 0}, 0},
    {"vmov.i64 q0, #0xff0000ff00ffff00", 0xf3810e76, {0, 0}, {0, 0}, {0, 0}, {0xff0000ff00ffff00, 0xff0000ff00ffff00}, 0},
    {"vmov.f32 d0, #1.0", 0xf2870f10, {0, 0}, {0, 0}, {0, 0}, {0x3f8000003f800000, 0}, 0},
    {"vmov.f32 d0, #-0.125", 0xf3840f10, {0, 0}, {0, 0}, {0, 0}, {0xbe000000be000000, 0}, 0},
    {"vmvn.i32 d0, #0x34000000", 0xf2830634, {0, 0}, {0, 0}, {0, 0}, {0xcbffffffcbffffff, 0}, 0},
    {"vmvn.i16 d0, #0x34", 0xf2830834, {0, 0}, {0, 0}, {0, 0}, {0xffcbffcbffcbffcb, 0}, 0},
    {"vorr.i32 d0, #0x1200", 0xf2810312, {0x1100000011, 0}, {0, 0}, {0, 0}, {0x121100001211, 0}, 0},
    {"vbic.i16 q0, #0xf0", 0xf3870970, {0xffffffffffffffff, 0xffffffffffffffff}, {0, 0}, {0, 0}, {0xff0fff0fff0fff0f, 0xff0fff0fff0fff0f}, 0},
};

static const Case two_registers[] = {
    {"vrev64.8 q0, q2", 0xf3b00044, {0, 0}, {0, 0}, {0x123456789abcdef, 0x1122334455667788}, {0xefcdab8967452301, 0x8877665544332211}, 0},
    {"vrev64.16 q0, q2", 0xf3b40044, {0, 0}, {0, 0}, {0x123456789abcdef, 0x1122334455667788}, {0xcdef89ab45670123, 0x7788556633441122}, 0},
    {"vrev64.32 d0, d4", 0xf3b80004, {0, 0}, {0, 0}, {0x123456789abcdef, 0x1122334455667788}, {0x89abcdef01234567, 0}, 0},
    {"vrev32.8 d0, d4", 0xf3b00084, {0, 0}, {0, 0}, {0x123456789abcdef, 0x1122334455667788}, {0x67452301efcdab89, 0}, 0},
    {"vrev32.16 d0, d4", 0xf3b40084, {0, 0}, {0, 0}, {0x123456789abcdef, 0x1122334455667788}, {0x45670123cdef89ab, 0}, 0},
    {"vrev16.8 d0, d4", 0xf3b00104, {0, 0}, {0, 0}, {0x123456789abcdef, 0x1122334455667788}, {0x23016745ab89efcd, 0}, 0},
    {"vpaddl.u8 d0, d4", 0xf3b00284, {0, 0}, {0, 0}, {0xffff010280017f7f, 0}, {0x1fe0003008100fe, 0}, 0},
    {"vpaddl.s8 d0, d4", 0xf3b00204, {0, 0}, {0, 0}, {0xffff010280017f7f, 0}, {0xfffe0003ff8100fe, 0}, 0},
    {"vpadal.u32 q0, q2", 0xf3b806c4, {0x1, 0x1}, {0, 0}, {0xffffffffffffffff, 0x100000002}, {0x1ffffffff, 0x4}, 0},
    {"vcls.s8 d0, d4", 0xf3b00404, {0, 0}, {0, 0}, {0xff0180407fc0f0, 0}, {0x707060000000103, 0}, 0},
    {"vclz.i16 d0, d4", 0xf3b40484, {0, 0}, {0, 0}, {0x800000010100, 0}, {0x100000000f0007, 0}, 0},
    {"vcnt.8 d0, d4", 0xf3b00504, {0, 0}, {0, 0}, {0xff0180407fc0f0, 0}, {0x8010101070204, 0}, 0},
    {"vqabs.s8 d0, d4", 0xf3b00704, {0, 0}, {0, 0}, {0x80ff017f00fe0203, 0}, {0x7f01017f00020203, 0}, FPSCR_QC},
    {"vqneg.s16 d0, d4", 0xf3b40784, {0, 0}, {0, 0}, {0x80007fff00010000, 0}, {0x7fff8001ffff0000, 0}, FPSCR_QC},
    {"vabs.s32 d0, d4", 0xf3b90304, {0, 0}, {0, 0}, {0x80000000ffffffff, 0}, {0x8000000000000001, 0}, 0},
    {"vneg.s8 d0, d4", 0xf3b10384, {0, 0}, {0, 0}, {0x80ff017f00fe0203, 0}, {0x8001ff810002fefd, 0}, 0},
    {"vabs.f32 d0, d4", 0xf3b90704, {0, 0}, {0, 0}, {0xff800001bf800000, 0}, {0x7f8000013f800000, 0}, 0},
    {"vneg.f32 d0, d4", 0xf3b90784, {0, 0}, {0, 0}, {0x7f80000100000000, 0}, {0xff80000180000000, 0}, 0},
    {"vcgt.s8 d0, d4, #0", 0xf3b10004, {0, 0}, {0, 0}, {0x80ff0001007f0200, 0}, {0xff00ffff00, 0}, 0},
    {"vcge.s8 d0, d4, #0", 0xf3b10084, {0, 0}, {0, 0}, {0x80ff0001007f0200, 0}, {0xffffffffffff, 0}, 0},
    {"vceq.i16 d0, d4, #0", 0xf3b50104, {0, 0}, {0, 0}, {0x8000000000010000, 0}, {0xffff0000ffff, 0}, 0},
    {"vcle.s32 d0, d4, #0", 0xf3b90184, {0, 0}, {0, 0}, {0x80000000, 0}, {0xffffffffffffffff, 0}, 0},
    {"vclt.s32 d0, d4, #0", 0xf3b90204, {0, 0}, {0, 0}, {0x80000000, 0}, {0xffffffff, 0}, 0},
    {"vmovn.i16 d0, q2", 0xf3b20204, {0, 0}, {0, 0}, {0x1122334455667788, 0x99aabbccddeeff00}, {0xaaccee0022446688, 0}, 0},
    {"vqmovn.s32 d0, q2", 0xf3b60284, {0, 0}, {0, 0}, {0x7fff00008000, 0xffff8000ffff7fff}, {0x800080007fff7fff, 0}, FPSCR_QC},
    {"vqmovn.u64 d0, q2", 0xf3ba02c4, {0, 0}, {0, 0}, {0xffffffff, 0x100000000}, {0xffffffffffffffff, 0}, FPSCR_QC},
    {"vqmovun.s16 d0, q2", 0xf3b20244, {0, 0}, {0, 0}, {0xff0100ffff0000, 0x1000200030004}, {0x1020304ffff0000, 0}, FPSCR_QC},
    {"vrecpe.u32 d0, d4", 0xf3bb0404, {0, 0}, {0, 0}, {0x800000007fffffff, 0}, {0xff800000ffffffff, 0}, 0},
    {"vrsqrte.u32 d0, d4", 0xf3bb0484, {0, 0}, {0, 0}, {0x400000003fffffff, 0}, {0xff800000ffffffff, 0}, 0},
    {"vrecpe.f32 d0, d4", 0xf3bb0504, {0, 0}, {0, 0}, {0x3f80000000000000, 0}, {0x3f7f80007f800000, 0}, FPSCR_DZC},
    {"vrsqrte.f32 d0, d4", 0xf3bb0584, {0, 0}, {0, 0}, {0x3f800000bf800000, 0}, {0x3f7f80007fc00000, 0}, FPSCR_IOC},
};

static const Case floats[] = {
    {"vadd.f32 q0, q1, q2", 0xf2020d44, {0, 0}, {0x3f80000000000000, 0x7f80000000000001}, {0x4000000080000000, 0xff80000000000000}, {0x4040000000000000, 0x7fc0000000000000}, FPSCR_IOC | FPSCR_IDC},
    {"vsub.f32 d0, d2, d4", 0xf2220d04, {0, 0}, {0x3f8000007f7fffff, 0}, {0x3f800000ff7fffff, 0}, {0x7f800000, 0}, FPSCR_OFC | FPSCR_IXC},
    {"vmul.f32 d0, d2, d4", 0xf3020d14, {0, 0}, {0x80000040000000, 0}, {0x3f00000040400000, 0}, {0x40c00000, 0}, FPSCR_UFC},
    {"vabd.f32 d0, d2, d4", 0xf3220d04, {0, 0}, {0x3f80000040000000, 0}, {0x400000003f800000, 0}, {0x3f8000003f800000, 0}, 0},
    {"vmla.f32 d0, d2, d4", 0xf2020d14, {0x3f8000003f800000, 0}, {0x3f80000040000000, 0}, {0x4000000040400000, 0}, {0x4040000040e00000, 0}, 0},
    {"vmls.f32 d0, d2, d4", 0xf2220d14, {0x3f8000003f800000, 0}, {0x3f80000040000000, 0}, {0x4000000040400000, 0}, {0xbf800000c0a00000, 0}, 0},
    {"vpadd.f32 d0, d2, d4", 0xf3020d04, {0, 0}, {0x3f80000040000000, 0}, {0x4040000040800000, 0}, {0x40e0000040400000, 0}, 0},
    {"vmax.f32 d0, d2, d4", 0xf2020f04, {0, 0}, {0x8000000040000000, 0}, {0x3f800000, 0}, {0x40000000, 0}, 0},
    {"vmin.f32 d0, d2, d4", 0xf2220f04, {0, 0}, {0x800000007fc00001, 0}, {0x3f800000, 0}, {0x800000007fc00000, 0}, 0},
    {"vpmax.f32 d0, d2, d4", 0xf3020f04, {0, 0}, {0x3f80000040000000, 0}, {0xc0400000c0800000, 0}, {0xc040000040000000, 0}, 0},
    {"vpmin.f32 d0, d2, d4", 0xf3220f04, {0, 0}, {0x3f80000040000000, 0}, {0xc0400000c0800000, 0}, {0xc08000003f800000, 0}, 0},
    {"vceq.f32 d0, d2, d4", 0xf2020e04, {0, 0}, {0x800000007fc00000, 0}, {0x7fc00000, 0}, {0xffffffff00000000, 0}, 0},
    {"vcge.f32 d0, d2, d4", 0xf3020e04, {0, 0}, {0x3f8000007fc00000, 0}, {0x3f8000003f800000, 0}, {0xffffffff00000000, 0}, FPSCR_IOC},
    {"vcgt.f32 d0, d2, d4", 0xf3220e04, {0, 0}, {0x3f80000040000000, 0}, {0x3f8000003f800000, 0}, {0xffffffff, 0}, 0},
    {"vacge.f32 d0, d2, d4", 0xf3020e14, {0, 0}, {0xc00000003f800000, 0}, {0x3f800000c0000000, 0}, {0xffffffff00000000, 0}, 0},
    {"vacgt.f32 d0, d2, d4", 0xf3220e14, {0, 0}, {0xc00000003f800000, 0}, {0x40000000bf000000, 0}, {0xffffffff, 0}, 0},
    {"vcle.f32 d0, d4, #0", 0xf3b90584, {0, 0}, {0, 0}, {0x80000000bf800000, 0}, {0xffffffffffffffff, 0}, 0},
    {"vclt.f32 d0, d4, #0", 0xf3b90604, {0, 0}, {0, 0}, {0x80000000bf800000, 0}, {0xffffffff, 0}, 0},
    {"vrecps.f32 d0, d2, d4", 0xf2020f14, {0, 0}, {0x400000007f800000, 0}, {0x3f00000080000000, 0}, {0x3f80000040000000, 0}, 0},
    {"vrsqrts.f32 d0, d2, d4", 0xf2220f14, {0, 0}, {0x3f80000000000000, 0}, {0x3f800000ff800000, 0}, {0x3f8000003fc00000, 0}, 0},
    {"vcvt.s32.f32 d0, d4", 0xf3bb0704, {0, 0}, {0, 0}, {0xbfc000004f000000, 0}, {0xffffffff7fffffff, 0}, FPSCR_IOC | FPSCR_IXC},
    {"vcvt.u32.f32 d0, d4", 0xf3bb0784, {0, 0}, {0, 0}, {0xc00000007fc00000, 0}, {0, 0}, FPSCR_IOC},
    {"vcvt.f32.s32 d0, d4", 0xf3bb0604, {0, 0}, {0, 0}, {0xffffffff00000003, 0}, {0xbf80000040400000, 0}, 0},
    {"vcvt.f32.u32 d0, d4", 0xf3bb0684, {0, 0}, {0, 0}, {0x8000000000000001, 0}, {0x4f0000003f800000, 0}, 0},
    {"vcvt.f32.s32 d0, d4, #1", 0xf2bf0e14, {0, 0}, {0, 0}, {0xffffffff00000003, 0}, {0xbf0000003fc00000, 0}, 0},
    {"vcvt.s32.f32 d0, d4, #16", 0xf2b00f14, {0, 0}, {0, 0}, {0x3f800000bf000000, 0}, {0x10000ffff8000, 0}, 0},
    {"vcvt.f16.f32 d0, q2", 0xf3b60604, {0, 0}, {0, 0}, {0x3f80000040000000, 0x7f800000c0400000}, {0x7c00c2003c004000, 0}, 0},
    {"vcvt.f32.f16 q0, d4", 0xf3b60704, {0, 0}, {0, 0}, {0x7c00c2003c004000, 0}, {0x3f80000040000000, 0x7f800000c0400000}, 0},
};

static const Case permutations[] = {
    {"vext.8 d0, d2, d4, #3", 0xf2b20304, {0, 0}, {0x706050403020100, 0}, {0xf0e0d0c0b0a0908, 0}, {0xa09080706050403, 0}, 0},
    {"vext.8 q0, q1, q2, #9", 0xf2b20944, {0, 0}, {0x706050403020100, 0xf0e0d0c0b0a0908}, {0x1716151413121110, 0x1f1e1d1c1b1a1918}, {0x100f0e0d0c0b0a09, 0x1817161514131211}, 0},
    {"vdup.8 d0, d4[6]", 0xf3bd0c04, {0, 0}, {0, 0}, {0x123456789abcdef, 0}, {0x2323232323232323, 0}, 0},
    {"vdup.16 q0, d4[1]", 0xf3b60c44, {0, 0}, {0, 0}, {0x123456789abcdef, 0}, {0x89ab89ab89ab89ab, 0x89ab89ab89ab89ab}, 0},
    {"vdup.32 d0, d4[0]", 0xf3b40c04, {0, 0}, {0, 0}, {0x123456789abcdef, 0}, {0x89abcdef89abcdef, 0}, 0},
    {"vtbl.8 d0, {d2, d3}, d4", 0xf3b20904, {0, 0}, {0x706050403020100, 0xf0e0d0c0b0a0908}, {0xff100f0008010207, 0}, {0xf0008010207, 0}, 0},
    {"vtbx.8 d0, {d2}, d4", 0xf3b20844, {0xaabbccddeeff0011, 0}, {0x1716151413121110, 0}, {0xff08070605040302, 0}, {0xaabb171615141312, 0}, 0},
};
/* clang-format on */

static void check_d(const Case *t, const Cpu *c, unsigned reg, uint64_t want)
{
    if (c->v.d[reg] != want)
        fail_msg("%s: d%u is %016" PRIx64 ", not %016" PRIx64, t->text, reg, c->v.d[reg], want);
}

/* Only the destination changes; what a doubleword operation does not reach keeps its value. */
static void run_case(Bench *b, const Case *t, InsnSet set)
{
    Cpu *c = b->cpu;
    uint64_t before[32];
    for (unsigned n = 0; n < 32; n++)
        c->v.d[n] = 0x5a5a5a5a00000000u + n;
    memcpy(&c->v.d[0], t->old, 16);
    memcpy(&c->v.d[2], t->n, 16);
    memcpy(&c->v.d[4], t->m, 16);
    memcpy(before, c->v.d, sizeof before);
    c->fpscr = 0;
    neon(b, t->text, set, t->insn);
    check_d(t, c, 0, t->want[0]);
    check_d(t, c, 1, t->want[1]);
    assert_memory_equal(&before[2], &c->v.d[2], sizeof before - 16);
    if (c->fpscr != t->fpscr)
        fail_msg("%s: FPSCR is %08x, not %08x", t->text, c->fpscr, t->fpscr);
}

static void run_cases(void **state, const Case *cases, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        run_case(*state, &cases[n], SET_A32);
        run_case(*state, &cases[n], SET_T32);
    }
}

static void test_same_length(void **state)
{
    run_cases(state, same_length, sizeof same_length / sizeof *same_length);
}

static void test_bitwise(void **state)
{
    run_cases(state, bitwise, sizeof bitwise / sizeof *bitwise);
}

static void test_lengths(void **state)
{
    run_cases(state, lengths, sizeof lengths / sizeof *lengths);
}

static void test_scalars(void **state)
{
    run_cases(state, scalars, sizeof scalars / sizeof *scalars);
}

static void test_shifts(void **state)
{
    run_cases(state, shifts, sizeof shifts / sizeof *shifts);
}

static void test_immediates(void **state)
{
    run_cases(state, immediates, sizeof immediates / sizeof *immediates);
}

static void test_two_registers(void **state)
{
    run_cases(state, two_registers, sizeof two_registers / sizeof *two_registers);
}

static void test_floats(void **state)
{
    run_cases(state, floats, sizeof floats / sizeof *floats);
}

static void test_permutations(void **state)
{
    run_cases(state, permutations, sizeof permutations / sizeof *permutations);
}

static void test_exchanges(void **state)
{
    static const struct {
        const char *text;
        uint32_t insn;
        uint64_t d[2], m[2];
    } cases[] = {
  /* d0 or q0 with d4 or q2 */
        {"vswp d0, d4",
         0xf3b20004, {0x1716151413121110, 0x0f0e0d0c0b0a0908},
         {0x0706050403020100, 0x1f1e1d1c1b1a1918}},
        {"vtrn.8 d0, d4",
         0xf3b20084, {0x1606140412021000, 0x0f0e0d0c0b0a0908},
         {0x1707150513031101, 0x1f1e1d1c1b1a1918}},
        {"vtrn.32 q0, q2",
         0xf3ba00c4, {0x1312111003020100, 0x1b1a19180b0a0908},
         {0x1716151407060504, 0x1f1e1d1c0f0e0d0c}},
        {"vuzp.8 d0, d4",
         0xf3b20104, {0x1614121006040200, 0x0f0e0d0c0b0a0908},
         {0x1715131107050301, 0x1f1e1d1c1b1a1918}},
        {"vuzp.16 q0, q2",
         0xf3b60144, {0x0d0c090805040100, 0x1d1c191815141110},
         {0x0f0e0b0a07060302, 0x1f1e1b1a17161312}},
        {"vzip.8 d0, d4",
         0xf3b20184, {0x1303120211011000, 0x0f0e0d0c0b0a0908},
         {0x1707160615051404, 0x1f1e1d1c1b1a1918}},
        {"vzip.32 q0, q2",
         0xf3ba01c4, {0x1312111003020100, 0x1716151407060504},
         {0x1b1a19180b0a0908, 0x1f1e1d1c0f0e0d0c}},
    };
    Bench *b = *state;
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        for (unsigned k = 0; k < 16; k++) {
            b->cpu->v.b[k] = (uint8_t)k;
            b->cpu->v.b[32 + k] = (uint8_t)(0x10 + k);
        }
        neon(b, cases[n].text, SET_A32, cases[n].insn);
        assert_memory_equal(&b->cpu->v.d[0], cases[n].d, 16);
        assert_memory_equal(&b->cpu->v.d[4], cases[n].m, 16);
    }
}

/* What FPSCR has before stays; QC and the cumulative bits are only ever set. */
static void test_flags_accumulate(void **state)
{
    Bench *b = *state;
    b->cpu->fpscr = FPSCR_QC | FPSCR_IOC | FPSCR_NZCV | FP_RZ << FP_RMODE_SHIFT;
    memset(&b->cpu->v, 0, sizeof b->cpu->v);
    neon(b, "vqadd.s8 d0, d2, d4", SET_A32, 0xf2020014);
    b->cpu->v.d[2] = 0x3f800000;
    b->cpu->v.d[4] = 0x33000001; /* 1 + 2^-25 and a bit: the rounding mode of FPSCR does not count */
    neon(b, "vadd.f32 d0, d2, d4", SET_A32, 0xf2020d04);
    assert_int_equal(b->cpu->v.s[0], 0x3f800000);
    assert_int_equal(b->cpu->fpscr, FPSCR_QC | FPSCR_IOC | FPSCR_IXC | FPSCR_NZCV | FP_RZ << FP_RMODE_SHIFT);
}

/* Registers d16 to d31, and a destination that is a source. */
static void test_upper_registers(void **state)
{
    Bench *b = *state;
    for (unsigned n = 0; n < 32; n++)
        b->cpu->v.d[n] = n;
    neon(b, "vadd.i64 q15, q15, q8", SET_A32, 0xf27ee8e0);
    assert_int_equal(b->cpu->v.d[30], 30 + 16);
    assert_int_equal(b->cpu->v.d[31], 31 + 17);
    neon(b, "vmull.u8 q8, d16, d17", SET_A32, 0xf3c00ca1);
    assert_int_equal(b->cpu->v.d[16], 16 * 17);
    assert_int_equal(b->cpu->v.d[17], 0);
    neon(b, "vaddhn.i64 d31, q15, q15", SET_A32, 0xf2eef4ae);
    assert_int_equal(b->cpu->v.d[31], 0);
}

static void test_undefined(void **state)
{
    static const struct {
        const char *why;
        uint32_t insn;
    } cases[] = {
        {"vadd.i8 q0, q1 with an odd Vd",                0xf2021844},
        {"vadd.i8 q0, q1 with an odd Vn",                0xf2030844},
        {"vadd.i8 q0, q1 with an odd Vm",                0xf2020845},
        {"vhadd.s64",                                    0xf2320004},
        {"vmla.i64",                                     0xf2320904},
        {"vmul.p16",                                     0xf3120914},
        {"vpadd.i8 of quadwords",                        0xf2020b54},
        {"vqdmulh.s8",                                   0xf2020b04},
        {"vadd.f64",                                     0xf2120d04},
        {"vfma.f32: not on this CPU",                    0xf2020c14},
        {"vaddl.s8 with an odd Vd",                      0xf2821004},
        {"vaddw.s8 with an odd Vn",                      0xf2830104},
        {"vaddhn.i16 with an odd Vm",                    0xf2820405},
        {"vqdmull.s8",                                   0xf2820d04},
        {"vmull.p16",                                    0xf2920e04},
        {"vmul.i8 by a scalar",                          0xf2820844},
        {"vmul.f16 by a scalar",                         0xf2920944},
        {"vcvt.f32.s32 with more than 32 fraction bits", 0xf2900e14},
        {"modified immediate, cmode 1111 and op 1",      0xf2800f34},
        {"vmov.i32 with an odd quadword",                0xf2801050},
        {"vrev64.64",                                    0xf3bc0004},
        {"vrev32.32",                                    0xf3b80084},
        {"vrev16.16",                                    0xf3b40104},
        {"vcnt.16",                                      0xf3b40504},
        {"vceq.f16 #0",                                  0xf3b50504},
        {"vswp.16",                                      0xf3b60004},
        {"vuzp.32 of doublewords",                       0xf3ba0104},
        {"vmovn.i16 with an odd Vm",                     0xf3b20205},
        {"vrecpe.u16",                                   0xf3b70404},
        {"vext.8 of doublewords, byte 8",                0xf2b20804},
        {"vdup with imm4 0000",                          0xf3b00c04},
        {"vtbl past d31",                                0xf3fffba4},
        {"vld1 with type 1011",                          0xf4200b0f},
        {"vld1.8 of one register, align 10",             0xf420072f},
        {"vld2.64",                                      0xf42008cf},
        {"vld3, align 10",                               0xf420042f},
        {"vld4 past d31",                                0xf460e00f},
        {"vld1.8 with base pc",                          0xf42f070f},
        {"vld1.8 lane, align 1",                         0xf4a0001f},
        {"vld1.32 lane, align 01",                       0xf4a0081f},
        {"vld4.32 lane, align 11",                       0xf4a00b3f},
        {"vst1 all lanes",                               0xf4800c0f},
        {"vld1.8 all lanes, align 1",                    0xf4a00c1f},
        {"vld3.8 all lanes, align 1",                    0xf4a00e1f},
        {"vld4 all lanes, size 11, align 0",             0xf4a00fcf},
    };
    Bench *b = *state;
    b->cpu->r[0] = RAM_BASE;
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++)
        if (!neon_undefined(b, cases[n].insn))
            fail_msg("%s is not UNDEFINED", cases[n].why);
}

/* CPACR.ASEDIS and FPEXC.EN: every body asks. */
static void test_access(void **state)
{
    Bench *b = *state;
    const uint32_t vadd = 0xf2020844, vld1 = 0xf420070f;
    b->cpu->r[0] = RAM_BASE;
    assert_false(neon_undefined(b, vadd));
    b->cpu->cp15.cpacr |= 1u << 31;
    fpu_update_access(b->cpu);
    assert_true(neon_undefined(b, vadd));
    assert_true(neon_undefined(b, vld1));
    enable_neon(b->cpu);
    b->cpu->fpexc = 0;
    fpu_update_access(b->cpu);
    assert_true(neon_undefined(b, vadd));
    assert_true(neon_undefined(b, vld1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_same_length, neon_setup, neon_teardown),
        cmocka_unit_test_setup_teardown(test_bitwise, neon_setup, neon_teardown),
        cmocka_unit_test_setup_teardown(test_lengths, neon_setup, neon_teardown),
        cmocka_unit_test_setup_teardown(test_scalars, neon_setup, neon_teardown),
        cmocka_unit_test_setup_teardown(test_shifts, neon_setup, neon_teardown),
        cmocka_unit_test_setup_teardown(test_immediates, neon_setup, neon_teardown),
        cmocka_unit_test_setup_teardown(test_two_registers, neon_setup, neon_teardown),
        cmocka_unit_test_setup_teardown(test_floats, neon_setup, neon_teardown),
        cmocka_unit_test_setup_teardown(test_permutations, neon_setup, neon_teardown),
        cmocka_unit_test_setup_teardown(test_exchanges, neon_setup, neon_teardown),
        cmocka_unit_test_setup_teardown(test_flags_accumulate, neon_setup, neon_teardown),
        cmocka_unit_test_setup_teardown(test_upper_registers, neon_setup, neon_teardown),
        cmocka_unit_test_setup_teardown(test_undefined, neon_setup, neon_teardown),
        cmocka_unit_test_setup_teardown(test_access, neon_setup, neon_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
