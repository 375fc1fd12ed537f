/* cpu/sem_system.h */
