/* cpu/format.h */
