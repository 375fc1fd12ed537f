/* cpu/sem_vfp.h */
