/* mmu/walk.c */
typedef int armature_empty_mmu_walk_c;
