/* cpu/neon.c */
typedef int armature_empty_cpu_neon_c;
