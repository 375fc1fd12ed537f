/* cpu/neon.h */
