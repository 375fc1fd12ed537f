/* mmu/fault.c */
typedef int armature_empty_mmu_fault_c;
