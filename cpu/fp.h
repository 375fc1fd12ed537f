/* cpu/fp.h */
