/* cpu/sem_mul.h */
