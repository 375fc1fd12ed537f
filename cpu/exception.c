/* cpu/exception.c */
typedef int armature_empty_cpu_exception_c;
