/* cpu/fp.c */
typedef int armature_empty_cpu_fp_c;
