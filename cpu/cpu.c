/* cpu/cpu.c */
typedef int armature_empty_cpu_cpu_c;
