/* cpu/interp.c */
typedef int armature_empty_cpu_interp_c;
