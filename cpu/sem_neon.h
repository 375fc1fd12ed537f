/* cpu/sem_neon.h */
