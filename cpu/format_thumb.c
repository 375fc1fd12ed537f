/* cpu/format_thumb.c */
typedef int armature_empty_cpu_format_thumb_c;
