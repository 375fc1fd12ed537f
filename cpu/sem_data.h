/* cpu/sem_data.h */
