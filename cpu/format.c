/* cpu/format.c */
typedef int armature_empty_cpu_format_c;
