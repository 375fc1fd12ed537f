/* cpu/sem_branch.h */
