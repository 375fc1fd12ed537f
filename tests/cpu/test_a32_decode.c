/* A32 decoding: every line of a32.def and cop.def is reached, and what the Cortex-A9 lacks is UNDEFINED. */
#include "tests/cpu/one_insn.h"

typedef struct Encoding {
    uint32_t insn;
    const char *row;
} Encoding;

/* The texts are the GNU disassembler's. */
static const Encoding allocated[] = {
  /* clang-format off */
    {0xe20b6035, "AND_i"}, /* and r6, fp, #53 */
    {0xe00b8465, "AND_r"}, /* and r8, fp, r5, ror #8 */
    {0xe009bb75, "AND_rsr"}, /* and fp, r9, r5, ror fp */
    {0xe2233f46, "EOR_i"}, /* eor r3, r3, #280 */
    {0xe02a1487, "EOR_r"}, /* eor r1, sl, r7, lsl #9 */
    {0xe02d8d17, "EOR_rsr"}, /* eor r8, sp, r7, lsl sp */
    {0xe2450e1d, "SUB_i"}, /* sub r0, r5, #464 */
    {0xe046a14c, "SUB_r"}, /* sub sl, r6, ip, asr #2 */
    {0xe047e213, "SUB_rsr"}, /* sub lr, r7, r3, lsl r2 */
    {0xe26920e1, "RSB_i"}, /* rsb r2, r9, #225 */
    {0xe066508e, "RSB_r"}, /* rsb r5, r6, lr, lsl #1 */
    {0xe06cac31, "RSB_rsr"}, /* rsb sl, ip, r1, lsr ip */
    {0xe288001c, "ADD_i"}, /* add r0, r8, #28 */
    {0xe08ea4e2, "ADD_r"}, /* add sl, lr, r2, ror #9 */
    {0xe0828375, "ADD_rsr"}, /* add r8, r2, r5, ror r3 */
    {0xe2a8003a, "ADC_i"}, /* adc r0, r8, #58 */
    {0xe0af41ce, "ADC_r"}, /* adc r4, pc, lr, asr #3 */
    {0xe0a4e17e, "ADC_rsr"}, /* adc lr, r4, lr, ror r1 */
    {0xe2cf8fb3, "SBC_i"}, /* sbc r8, pc, #716 */
    {0xe0c4e44d, "SBC_r"}, /* sbc lr, r4, sp, asr #8 */
    {0xe0c5881a, "SBC_rsr"}, /* sbc r8, r5, sl, lsl r8 */
    {0xe2e94fef, "RSC_i"}, /* rsc r4, r9, #956 */
    {0xe0ec3006, "RSC_r"}, /* rsc r3, ip, r6 */
    {0xe0e42d36, "RSC_rsr"}, /* rsc r2, r4, r6, lsr sp */
    {0xe3170034, "TST_i"}, /* tst r7, #52 */
    {0xe11b000b, "TST_r"}, /* tst fp, fp */
    {0xe1170518, "TST_rsr"}, /* tst r7, r8, lsl r5 */
    {0xe3330fca, "TEQ_i"}, /* teq r3, #808 */
    {0xe138030b, "TEQ_r"}, /* teq r8, fp, lsl #6 */
    {0xe1340d19, "TEQ_rsr"}, /* teq r4, r9, lsl sp */
    {0xe3510025, "CMP_i"}, /* cmp r1, #37 */
    {0xe1560447, "CMP_r"}, /* cmp r6, r7, asr #8 */
    {0xe150001a, "CMP_rsr"}, /* cmp r0, sl, lsl r0 */
    {0xe371000f, "CMN_i"}, /* cmn r1, #15 */
    {0xe17200ce, "CMN_r"}, /* cmn r2, lr, asr #1 */
    {0xe1700b17, "CMN_rsr"}, /* cmn r0, r7, lsl fp */
    {0xe3916000, "ORR_i"}, /* orrs r6, r1, #0 */
    {0xe181f00a, "ORR_r"}, /* orr pc, r1, sl */
    {0xe1811a30, "ORR_rsr"}, /* orr r1, r1, r0, lsr sl */
    {0xe3a01004, "MOV_i"}, /* mov r1, #4 */
    {0xe1a0c004, "MOV_r"}, /* mov ip, r4 */
    {0xe1a0540f, "LSL_i"}, /* lsl r5, pc, #8 */
    {0xe1a00122, "LSR_i"}, /* lsr r0, r2, #2 */
    {0xe1a0044a, "ASR_i"}, /* asr r0, sl, #8 */
    {0xe1a064ed, "ROR_i"}, /* ror r6, sp, #9 */
    {0xe1a0206b, "RRX"}, /* rrx r2, fp */
    {0xe1a0d410, "LSL_r"}, /* lsl sp, r0, r4 */
    {0xe1a06e36, "LSR_r"}, /* lsr r6, r6, lr */
    {0xe1a05451, "ASR_r"}, /* asr r5, r1, r4 */
    {0xe1a02a76, "ROR_r"}, /* ror r2, r6, sl */
    {0xe3c080f9, "BIC_i"}, /* bic r8, r0, #249 */
    {0xe1d79064, "BIC_r"}, /* bics r9, r7, r4, rrx */
    {0xe1ca175e, "BIC_rsr"}, /* bic r1, sl, lr, asr r7 */
    {0xe3e0a0fa, "MVN_i"}, /* mvn sl, #250 */
    {0xe1e081a1, "MVN_r"}, /* mvn r8, r1, lsr #3 */
    {0xe1e02b3c, "MVN_rsr"}, /* mvn r2, ip, lsr fp */
    {0xe3015e71, "MOVW"}, /* movw r5, #7793 */
    {0xe3416a8e, "MOVT"}, /* movt r6, #6798 */
    {0xe16f4f16, "CLZ"}, /* clz r4, r6 */
    {0xe007039c, "MUL"}, /* mul r7, ip, r3 */
    {0xe02dca99, "MLA"}, /* mla sp, r9, sl, ip */
    {0xe061359a, "MLS"}, /* mls r1, sl, r5, r3 */
    {0xe0409294, "UMAAL"}, /* umaal r9, r0, r4, r2 */
    {0xe086ad99, "UMULL"}, /* umull sl, r6, r9, sp */
    {0xe0a29c9c, "UMLAL"}, /* umlal r9, r2, ip, ip */
    {0xe0c9149a, "SMULL"}, /* smull r1, r9, sl, r4 */
    {0xe0e81299, "SMLAL"}, /* smlal r1, r8, r9, r2 */
    {0xe10d488d, "SMLAxy"}, /* smlabb sp, sp, r8, r4 */
    {0xe1246186, "SMLAWy"}, /* smlawb r4, r6, r1, r6 */
    {0xe12104a0, "SMULWy"}, /* smulwb r1, r0, r4 */
    {0xe141e9e4, "SMLALxy"}, /* smlaltt lr, r1, r4, r9 */
    {0xe1690ca5, "SMULxy"}, /* smultb r9, r5, ip */
    {0xe1097057, "QADD"}, /* qadd r7, r7, r9 */
    {0xe12b105b, "QSUB"}, /* qsub r1, fp, fp */
    {0xe14aa05d, "QDADD"}, /* qdadd sl, sp, sl */
    {0xe16e3059, "QDSUB"}, /* qdsub r3, r9, lr */
    {0xe100e093, "SWP"}, /* swp lr, r3, [r0] */
    {0xe143d09c, "SWPB"}, /* swpb sp, ip, [r3] */
    {0xe188bf9d, "STREX"}, /* strex fp, sp, [r8] */
    {0xe19c4f9f, "LDREX"}, /* ldrex r4, [ip] */
    {0xe1a6bf90, "STREXD"}, /* strexd fp, r0, [r6] */
    {0xe1b7cf9f, "LDREXD"}, /* ldrexd ip, [r7] */
    {0xe1ce9f98, "STREXB"}, /* strexb r9, r8, [lr] */
    {0xe1dc0f9f, "LDREXB"}, /* ldrexb r0, [ip] */
    {0xe1e34f99, "STREXH"}, /* strexh r4, r9, [r3] */
    {0xe1fe5f9f, "LDREXH"}, /* ldrexh r5, [lr] */
    {0xe14f6000, "MRS"}, /* mrs r6, SPSR */
    {0xe122f005, "MSR_r"}, /* msr CPSR_x, r5 */
    {0xe328ff76, "MSR_i"}, /* msr CPSR_f, #472 */
    {0xe320f009, "HINT"}, /* nop {9} */
    {0xe320f000, "NOP"}, /* nop {0} */
    {0xe320f001, "YIELD"}, /* yield */
    {0xe320f002, "WFE"}, /* wfe */
    {0xe320f003, "WFI"}, /* wfi */
    {0xe320f004, "SEV"}, /* sev */
    {0xe320f0f7, "DBG"}, /* dbg #7 */
    {0xe12fff17, "BX"}, /* bx r7 */
    {0xe12fff20, "BXJ"}, /* bxj r0 */
    {0xe12fff3c, "BLX_r"}, /* blx ip */
    {0xe10f0070, "HLT"},  /* hlt 0xf000 */
    {0xe128a370, "BKPT"}, /* bkpt 0x8a30 */
    {0xe1400172, "HVC"}, /* hvc #18 */
    {0xe1600077, "SMC"}, /* smc 7 */
    {0xe58b02cc, "STR_i"}, /* str r0, [fp, #716] */
    {0xe72a206d, "STR_r"}, /* str r2, [sl, -sp, rrx]! */
    {0xe4a6a016, "STRT_i"}, /* strt sl, [r6], #22 */
    {0xe6ae64a3, "STRT_r"}, /* strt r6, [lr], r3, lsr #9 */
    {0xe4c1e033, "STRB_i"}, /* strb lr, [r1], #51 */
    {0xe7c384e1, "STRB_r"}, /* strb r8, [r3, r1, ror #9] */
    {0xe4e74032, "STRBT_i"}, /* strbt r4, [r7], #50 */
    {0xe6e60466, "STRBT_r"}, /* strbt r0, [r6], r6, ror #8 */
    {0xe49c208e, "LDR_i"}, /* ldr r2, [ip], #142 */
    {0xe79c4001, "LDR_r"}, /* ldr r4, [ip, r1] */
    {0xe4b6e152, "LDRT_i"}, /* ldrt lr, [r6], #338 */
    {0xe639000a, "LDRT_r"}, /* ldrt r0, [r9], -sl */
    {0xe5d000b6, "LDRB_i"}, /* ldrb r0, [r0, #182] */
    {0xe6d94141, "LDRB_r"}, /* ldrb r4, [r9], r1, asr #2 */
    {0xe4fcb00b, "LDRBT_i"}, /* ldrbt fp, [ip], #11 */
    {0xe6f8032b, "LDRBT_r"}, /* ldrbt r0, [r8], fp, lsr #6 */
    {0xe52d0004, "PUSH_1"}, /* push {r0} */
    {0xe49d8004, "POP_1"}, /* pop {r8} */
    {0xe0c670b2, "STRH_i"}, /* strh r7, [r6], #2 */
    {0xe08ec0b1, "STRH_r"}, /* strh ip, [lr], r1 */
    {0xe0e1c5b3, "STRHT_i"}, /* strht ip, [r1], #83 */
    {0xe0ac90bd, "STRHT_r"}, /* strht r9, [ip], sp */
    {0xe0d626b1, "LDRH_i"}, /* ldrh r2, [r6], #97 */
    {0xe19440b7, "LDRH_r"}, /* ldrh r4, [r4, r7] */
    {0xe0fa50b1, "LDRHT_i"}, /* ldrht r5, [sl], #1 */
    {0xe0b1d0b5, "LDRHT_r"}, /* ldrht sp, [r1], r5 */
    {0xe1d185d1, "LDRSB_i"}, /* ldrsb r8, [r1, #81] */
    {0xe09300d7, "LDRSB_r"}, /* ldrsb r0, [r3], r7 */
    {0xe0fab0d6, "LDRSBT_i"}, /* ldrsbt fp, [sl], #6 */
    {0xe0b0e0db, "LDRSBT_r"}, /* ldrsbt lr, [r0], fp */
    {0xe0d5a2f4, "LDRSH_i"}, /* ldrsh sl, [r5], #36 */
    {0xe09750f0, "LDRSH_r"}, /* ldrsh r5, [r7], r0 */
    {0xe0fc96f2, "LDRSHT_i"}, /* ldrsht r9, [ip], #98 */
    {0xe0b140f2, "LDRSHT_r"}, /* ldrsht r4, [r1], r2 */
    {0xe0c248df, "LDRD_i"}, /* ldrd r4, [r2], #143 */
    {0xe08b80dd, "LDRD_r"}, /* ldrd r8, [fp], sp */
    {0xe1ccacf7, "STRD_i"}, /* strd sl, [ip, #199] */
    {0xe18900f4, "STRD_r"}, /* strd r0, [r9, r4] */
    {0xe6126f1e, "SADD16"}, /* sadd16 r6, r2, lr */
    {0xe6120f3c, "SASX"}, /* sasx r0, r2, ip */
    {0xe6187f54, "SSAX"}, /* ssax r7, r8, r4 */
    {0xe61c0f73, "SSUB16"}, /* ssub16 r0, ip, r3 */
    {0xe61d5f9c, "SADD8"}, /* sadd8 r5, sp, ip */
    {0xe61ecff8, "SSUB8"}, /* ssub8 ip, lr, r8 */
    {0xe627ef1a, "QADD16"}, /* qadd16 lr, r7, sl */
    {0xe6249f36, "QASX"}, /* qasx r9, r4, r6 */
    {0xe62caf54, "QSAX"}, /* qsax sl, ip, r4 */
    {0xe62b5f7a, "QSUB16"}, /* qsub16 r5, fp, sl */
    {0xe6253f92, "QADD8"}, /* qadd8 r3, r5, r2 */
    {0xe6259ff4, "QSUB8"}, /* qsub8 r9, r5, r4 */
    {0xe637ef1e, "SHADD16"}, /* shadd16 lr, r7, lr */
    {0xe631ef37, "SHASX"}, /* shasx lr, r1, r7 */
    {0xe636ef56, "SHSAX"}, /* shsax lr, r6, r6 */
    {0xe634bf71, "SHSUB16"}, /* shsub16 fp, r4, r1 */
    {0xe635df99, "SHADD8"}, /* shadd8 sp, r5, r9 */
    {0xe63ecff9, "SHSUB8"}, /* shsub8 ip, lr, r9 */
    {0xe650df1b, "UADD16"}, /* uadd16 sp, r0, fp */
    {0xe65a3f32, "UASX"}, /* uasx r3, sl, r2 */
    {0xe65abf5c, "USAX"}, /* usax fp, sl, ip */
    {0xe65bcf75, "USUB16"}, /* usub16 ip, fp, r5 */
    {0xe659af9e, "UADD8"}, /* uadd8 sl, r9, lr */
    {0xe6531ff0, "USUB8"}, /* usub8 r1, r3, r0 */
    {0xe6683f12, "UQADD16"}, /* uqadd16 r3, r8, r2 */
    {0xe6688f39, "UQASX"}, /* uqasx r8, r8, r9 */
    {0xe66aaf5e, "UQSAX"}, /* uqsax sl, sl, lr */
    {0xe66b5f74, "UQSUB16"}, /* uqsub16 r5, fp, r4 */
    {0xe66ddf98, "UQADD8"}, /* uqadd8 sp, sp, r8 */
    {0xe6691ffb, "UQSUB8"}, /* uqsub8 r1, r9, fp */
    {0xe67dbf1d, "UHADD16"}, /* uhadd16 fp, sp, sp */
    {0xe676af3e, "UHASX"}, /* uhasx sl, r6, lr */
    {0xe67b1f5d, "UHSAX"}, /* uhsax r1, fp, sp */
    {0xe6751f77, "UHSUB16"}, /* uhsub16 r1, r5, r7 */
    {0xe675ef97, "UHADD8"}, /* uhadd8 lr, r5, r7 */
    {0xe67b7ff0, "UHSUB8"}, /* uhsub8 r7, fp, r0 */
    {0xe683e01e, "PKHBT"}, /* pkhbt lr, r3, lr */
    {0xe68491dd, "PKHTB"}, /* pkhtb r9, r4, sp, asr #3 */
    {0xe6899fbe, "SEL"}, /* sel r9, r9, lr */
    {0xe6a2701c, "SSAT"}, /* ssat r7, #3, ip */
    {0xe6a22f38, "SSAT16"}, /* ssat16 r2, #3, r8 */
    {0xe6ebd013, "USAT"}, /* usat sp, #11, r3 */
    {0xe6e87f3a, "USAT16"}, /* usat16 r7, #8, sl */
    {0xe68d107d, "SXTAB16"}, /* sxtab16 r1, sp, sp */
    {0xe68fa070, "SXTB16"}, /* sxtb16 sl, r0 */
    {0xe6a09074, "SXTAB"}, /* sxtab r9, r0, r4 */
    {0xe6af807d, "SXTB"}, /* sxtb r8, sp */
    {0xe6b29075, "SXTAH"}, /* sxtah r9, r2, r5 */
    {0xe6bfa075, "SXTH"}, /* sxth sl, r5 */
    {0xe6c2a070, "UXTAB16"}, /* uxtab16 sl, r2, r0 */
    {0xe6cf607c, "UXTB16"}, /* uxtb16 r6, ip */
    {0xe6ed5079, "UXTAB"}, /* uxtab r5, sp, r9 */
    {0xe6ef4079, "UXTB"}, /* uxtb r4, r9 */
    {0xe6fbc070, "UXTAH"}, /* uxtah ip, fp, r0 */
    {0xe6ffa077, "UXTH"}, /* uxth sl, r7 */
    {0xe6bf2f36, "REV"}, /* rev r2, r6 */
    {0xe6bf3fb5, "REV16"}, /* rev16 r3, r5 */
    {0xe6ff1f31, "RBIT"}, /* rbit r1, r1 */
    {0xe6ffafbe, "REVSH"}, /* revsh sl, lr */
    {0xe700051a, "SMLAD"}, /* smlad r0, sl, r5, r0 */
    {0xe701f317, "SMUAD"}, /* smuad r1, r7, r3 */
    {0xe700e259, "SMLSD"}, /* smlsd r0, r9, r2, lr */
    {0xe700f05a, "SMUSD"}, /* smusd r0, sl, r0 */
    {0xe7448611, "SMLALD"}, /* smlald r8, r4, r1, r6 */
    {0xe7498a51, "SMLSLD"}, /* smlsld r8, r9, r1, sl */
    {0xe7578419, "SMMLA"}, /* smmla r7, r9, r4, r8 */
    {0xe750fe17, "SMMUL"}, /* smmul r0, r7, lr */
    {0xe7559bd4, "SMMLS"}, /* smmls r5, r4, fp, r9 */
    {0xe782db1a, "USADA8"}, /* usada8 r2, sl, fp, sp */
    {0xe780f619, "USAD8"}, /* usad8 r0, r9, r6 */
    {0xe7a150dc, "SBFX"}, /* sbfx r5, ip, #1, #2 */
    {0xe7e45158, "UBFX"}, /* ubfx r5, r8, #2, #5 */
    {0xe7c78114, "BFI"}, /* bfi r8, r4, #2, #6 */
    {0xe7c4321f, "BFC"}, /* bfc r3, #4, #1 */
    {0xe7f16cf8, "UDF"}, /* udf #5832 */
    {0xe8a50224, "STM"}, /* stmia r5!, {r2, r5, r9} */
    {0xe81308a8, "LDM"}, /* ldmda r3, {r3, r5, r7, fp} */
    {0xe92d48c0, "PUSH"}, /* push {r6, r7, fp, lr} */
    {0xe8bdc046, "POP"}, /* pop {r1, r2, r6, lr, pc} */
    {0xe841008c, "STM_user"}, /* stmda r1, {r2, r3, r7}^ */
    {0xe95d30a4, "LDM_user"}, /* ldmdb sp, {r2, r5, r7, ip, sp}^ */
    {0xe8588105, "LDM_return"}, /* ldmda r8, {r0, r2, r8, pc}^ */
    {0xef97f976, "SVC"}, /* svc 0x0097f976 */
    {0xf10a0104, "CPS"}, /* cpsie a,#4 */
    {0xf1010000, "SETEND"}, /* setend le */
    {0xf94d0507, "SRS"}, /* srsdb sp, #7 */
    {0xf8980a00, "RFE"}, /* rfeia r8 */
    {0xf57ff01f, "CLREX"}, /* clrex */
    {0xf57ff04e, "DSB"}, /* dsb st */
    {0xf57ff054, "DMB"}, /* dmb #4 */
    {0xf57ff064, "ISB"}, /* isb #4 */
    {0xf5dcf04a, "PLD_i"}, /* pld [ip, #74] */
    {0xf7d2f4c9, "PLD_r"}, /* pld [r2, r9, asr #9] */
    {0xf592f05a, "PLDW_i"}, /* pldw [r2, #90] */
    {0xf713f068, "PLDW_r"}, /* pldw [r3, -r8, rrx] */
    {0xf4dbf020, "PLI_i"}, /* pli [fp, #32] */
    {0xf65af009, "PLI_r"}, /* pli [sl, -r9] */
    {0xf493b1d0, "HINT_mem_i"}, /* (unallocated memory hint) */
    {0xf6112ca6, "HINT_mem_r"}, /* (unallocated memory hint) */
    {0xee053711, "MCR"}, /* mcr 7, 0, r3, cr5, cr1, {0} */
    {0xee963313, "MRC"}, /* mrc 3, 4, r3, cr6, cr3, {0} */
    {0xec416768, "MCRR"}, /* mcrr 7, 6, r6, r1, cr8 */
    {0xec573819, "MRRC"}, /* mrrc 8, 1, r3, r7, cr9 */
    {0xee725300, "CDP"}, /* cdp 3, 7, cr5, cr2, cr0, {0} */
    {0xeca296c5, "STC"}, /* stc 6, cr9, [r2], #788 */
    {0xed110c14, "LDC"}, /* ldc 12, cr0, [r1, #-80] */
    {0xec8f4000, "STC_option"}, /* stc 0, cr4, [pc], {0} */
    {0xec907858, "LDC_option"}, /* ldc 8, cr7, [r0], {88} */
    {0xfe26b875, "MCR2"}, /* mcr2 8, 1, fp, cr6, cr5, {3} */
    {0xfe362491, "MRC2"}, /* mrc2 4, 1, r2, cr6, cr1, {4} */
    {0xfc458750, "MCRR2"}, /* mcrr2 7, 5, r8, r5, cr0 */
    {0xfc593517, "MRRC2"}, /* mrrc2 5, 1, r3, r9, cr7 */
    {0xfe1870c0, "CDP2"}, /* cdp2 0, 1, cr7, cr8, cr0, {6} */
    {0xfce25416, "STC2"}, /* stc2l 4, cr5, [r2], #88 */
    {0xfcb5418b, "LDC2"}, /* ldc2 1, cr4, [r5], #556 */
    {0xfc853423, "STC2_option"}, /* stc2 4, cr3, [r5], {35} */
    {0xfc9d5714, "LDC2_option"}, /* ldc2 7, cr5, [sp], {20} */
    {0xea00003e, "B"}, /* b .+0x100 */
    {0xeb00003e, "BL"}, /* bl .+0x100 */
    {0xfb00003e, "BLX_i"}, /* blx .+0x102 */
  /* clang-format on */
};

static const char *decoded_row(uint32_t insn)
{
    Insn i;
    decode(&i, SET_A32, insn, 0);
    return insn_table[i.row].name;
}

static void test_allocated(void **state)
{
    (void)state;
    decode_init();
    for (size_t n = 0; n < sizeof allocated / sizeof *allocated; n++)
        if (strcmp(decoded_row(allocated[n].insn), allocated[n].row) != 0)
            fail_msg("%08x is %s, not %s", allocated[n].insn, decoded_row(allocated[n].insn),
                     allocated[n].row);
}

static void test_every_line(void **state)
{
    (void)state;
    for (unsigned row = 1; row < insn_count; row++) {
        if (insn_table[row].table != TABLE_A32 && insn_table[row].table != TABLE_COP)
            continue;
        bool found = false;
        for (size_t n = 0; n < sizeof allocated / sizeof *allocated; n++)
            found |= strcmp(allocated[n].row, insn_table[row].name) == 0;
        if (!found)
            fail_msg("no example of %s", insn_table[row].name);
    }
}

typedef struct Refused {
    uint32_t insn;
    const char *why;
} Refused;

static const Refused refused[] = {
  /* Not in the Cortex-A9 */
    {0xe710f211, "sdiv r0, r1, r2"                        },
    {0xe730f211, "udiv r0, r1, r2"                        },
    {0xe160006e, "eret"                                   },
    {0xe1000200, "mrs r0, r8_usr"                         },
    {0xe120f200, "msr r8_usr, r0"                         },
    {0xe1901c9f, "lda r1, [r0]"                           },
    {0xe180fc91, "stl r1, [r0]"                           },
    {0xe1901e9f, "ldaex r1, [r0]"                         },
    {0xe1010042, "crc32b r0, r1, r2"                      },
 /* Unallocated */
    {0xe1600060, "miscellaneous, op2 110"                 },
    {0xe7f000f0, NULL                                     }, /* udf #0: has a line of its own */
    {0xe6000010, "parallel, op1 000"                      },
    {0xe6100fb0, "parallel, op2 101"                      },
    {0xe6400f10, "parallel, op1 100"                      },
    {0xe6900f30, "packing, unallocated"                   },
    {0xe7200010, "signed multiply, unallocated"           },
    {0xf0100000, "unconditional 0001"                     },
    {0xf1100000, "unconditional CPS space with bit 20"    },
    {0xf57ff000, "miscellaneous barrier 0"                },
    {0xf57ff070, "miscellaneous barrier 7"                },
    {0xf5700000, "memory hint space"                      },
    {0xec000f00, "coprocessor transfer with P = U = W = 0"},
 /* UNPREDICTABLE, treated as UNDEFINED */
    {0xe08f0213, "add r0, pc, r3, lsl r2"                 },
    {0xe0800f11, "add r0, r0, r1, lsl pc"                 },
    {0xe00f0291, "mul pc, r1, r2"                         },
    {0xe0811392, "umull r1, r1, r2, r3"                   },
    {0xe300f000, "movw pc, #0"                            },
    {0xe5b00004, "ldr r0, [r0, #4]!"                      },
    {0xe5bf0004, "ldr r0, [pc, #4]!"                      },
    {0xe7d0100f, "ldrb r1, [r0, pc]"                      },
    {0xe5d0f000, "ldrb pc, [r0]"                          },
    {0xe1c010d0, "ldrd r1, r2, [r0]"                      },
    {0xe1c0e0d0, "ldrd lr, pc, [r0]"                      },
    {0xe18000d0, "ldrd r0, r1, [r0, r0]"                  },
    {0xe8900000, "ldm r0, {}"                             },
    {0xe89f0001, "ldm pc, {r0}"                           },
    {0xe8f00002, "ldm r0!, {r1}^"                         },
    {0xe1801f91, "strex r1, r1, [r0]"                     },
    {0xe1010091, "swp r0, r1, [r1]"                       },
    {0xe7c0001f, NULL                                     }, /* bfc r0, #0, #1: valid */
    {0xe7c0009f, "bfc r0, #1, msb 0"                      },
    {0xe7bf0ed0, "sbfx r0, r0, #29, #32"                  },
    {0xe120f000, "msr with an empty mask"                 },
    {0xf1000000, "cps, nothing to do"                     },
    {0xf1080000, "cpsie with no flag"                     },
    {0x01200070, "bkpteq"                                 },
    {0xe12fff3f, "blx pc"                                 },
};

static void test_refused(void **state)
{
    (void)state;
    decode_init();
    for (size_t n = 0; n < sizeof refused / sizeof *refused; n++) {
        bool undefined = strcmp(decoded_row(refused[n].insn), "UNDEFINED") == 0;
        if (undefined != (refused[n].why != NULL))
            fail_msg("%08x (%s) is %s", refused[n].insn, refused[n].why ? refused[n].why : "valid",
                     decoded_row(refused[n].insn));
    }
}

/* Shifts are normalised when decoding. */
static void test_shift_operands(void **state)
{
    (void)state;
    static const struct {
        uint32_t insn;
        uint8_t op2, type, n;
    } cases[] = {
        {0xe0810002, OP2_REG,       SHIFT_LSL, 0 }, /* add r0, r1, r2 */
        {0xe0810022, OP2_SHIFT_IMM, SHIFT_LSR, 32}, /* add r0, r1, r2, lsr #32 */
        {0xe0810042, OP2_SHIFT_IMM, SHIFT_ASR, 32}, /* add r0, r1, r2, asr #32 */
        {0xe0810062, OP2_SHIFT_IMM, SHIFT_RRX, 1 }, /* add r0, r1, r2, rrx */
        {0xe0810fe2, OP2_SHIFT_IMM, SHIFT_ROR, 31}, /* add r0, r1, r2, ror #31 */
        {0xe7910062, OP2_SHIFT_IMM, SHIFT_RRX, 1 }, /* ldr r0, [r1, r2, rrx] */
        {0xe6810052, OP2_SHIFT_IMM, SHIFT_ASR, 32}, /* pkhtb r0, r1, r2, asr #32 */
        {0xe6e00051, OP2_SHIFT_IMM, SHIFT_ASR, 32}, /* usat r0, #0, r1, asr #32 */
    };
    decode_init();
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        Insn i;
        decode(&i, SET_A32, cases[n].insn, 0);
        if (i.op2 != cases[n].op2 || i.shift_type != cases[n].type || i.shift_n != cases[n].n)
            fail_msg("%08x: operand %u, type %u, amount %u", cases[n].insn, i.op2, i.shift_type, i.shift_n);
    }
}

/* Writing PC, or changing what decoding depends on, ends a block. */
static void test_block_ends(void **state)
{
    (void)state;
    static const uint32_t ends[] = {
        0xe1a0f00e, /* mov pc, lr */
        0xe25ef004, /* subs pc, lr, #4 */
        0xe59ff000, /* ldr pc, [pc] */
        0xe49df004, /* pop {pc} */
        0xe8bd8000, /* ldm sp!, {pc} */
        0xe8bd8010, /* pop {r4, pc} */
        0xe8fd8000, /* ldm sp!, {pc}^ */
        0xe121f000, /* msr cpsr_c, r0 */
        0xe7f000f0, /* udf #0 */
        0xe7ffffff, /* udf #65535 */
        0xf1010200, /* setend be */
        0xee010f10, /* mcr p15, 0, r0, c1, c0, 0 */
    };
    static const uint32_t goes_on[] = {
        0xe1a0e00f, /* mov lr, pc */
        0xe15f0000, /* cmp pc, r0 */
        0xe11ff000, /* tstp pc, r0 */
        0xe58df000, /* str pc, [sp] */
        0xe92d8000, /* push {pc} */
        0xe128f000, /* msr cpsr_f, r0 */
        0xee111f10, /* mrc p15, 0, r1, c1, c0, 0 */
    };
    Insn i;
    decode_init();
    for (size_t n = 0; n < sizeof ends / sizeof *ends; n++) {
        decode(&i, SET_A32, ends[n], 0);
        assert_true(i.ends_block);
    }
    for (size_t n = 0; n < sizeof goes_on / sizeof *goes_on; n++) {
        decode(&i, SET_A32, goes_on[n], 0);
        assert_true(i.row != 0 && !i.ends_block);
    }
}

/* Whatever the guest executes, in whatever state, the CPU stays in a valid one. */
static void test_random_words(void **state)
{
    (void)state;
    enum { WORDS = 200000, SEED = 12345 };
    Bench b;
    bench_init(&b);
    uint64_t random = SEED;
    for (unsigned n = 0; n < WORDS; n++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint32_t insn = (uint32_t)(random >> 32);
        b.cpu->r[random >> 8 & 7] = RAM_BASE + (random >> 16 & (RAM_BYTES - 1));
        b.cpu->r[random >> 4 & 15] ^= (uint32_t)(random >> 20);
        if (n % 4)
            insn |= 0xe0000000;
        run_a32(&b, insn);
        if (!cpu_mode_valid(b.cpu, b.cpu->mode) || b.cpu->cf > 1 || b.cpu->ge > 15 ||
            b.cpu->pc & (b.cpu->thumb ? 1 : 3))
            fail_msg("%08x left the CPU in mode %02x at pc %08x", insn, b.cpu->mode, b.cpu->pc);
    }
    bench_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocated),  cmocka_unit_test(test_every_line),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_shift_operands),
        cmocka_unit_test(test_block_ends), cmocka_unit_test(test_random_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
