/* cpu/shift.c */
typedef int armature_empty_cpu_shift_c;
