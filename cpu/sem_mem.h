/* cpu/sem_mem.h */
