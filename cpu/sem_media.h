/* cpu/sem_media.h */
