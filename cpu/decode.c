/* cpu/decode.c */
typedef int armature_empty_cpu_decode_c;
