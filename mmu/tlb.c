/* mmu/tlb.c */
typedef int armature_empty_mmu_tlb_c;
