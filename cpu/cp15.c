/* cpu/cp15.c */
typedef int armature_empty_cpu_cp15_c;
