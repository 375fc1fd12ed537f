/* cpu/disasm.c */
typedef int armature_empty_cpu_disasm_c;
