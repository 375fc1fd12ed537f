/* cpu/fpu.c */
typedef int armature_empty_cpu_fpu_c;
