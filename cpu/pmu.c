/* cpu/pmu.c */
typedef int armature_empty_cpu_pmu_c;
