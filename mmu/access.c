/* mmu/access.c */
typedef int armature_empty_mmu_access_c;
