/* The ARMv7-A memory management unit: page-table walk, TLB, faults, loads and stores.
 *
 * walk.c   pure: (registers, address, access, privilege) -> translation or fault record
 * fault.c  fault records -> DFSR/IFSR encodings (ARM DDI 0406C B3.13)
 * tlb.c    the software TLB: contexts, maintenance
 * translate.c fills it, and has what only translates
 * access.c loads and stores that miss the fast path, and instruction fetch */
#ifndef ARMATURE_MMU_MMU_H
#define ARMATURE_MMU_MMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/bus.h"

typedef struct Cpu Cpu;

typedef enum AccessKind { ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH } AccessKind;

typedef enum MemType { MEM_STRONGLY_ORDERED, MEM_DEVICE, MEM_NORMAL } MemType;

/* What went wrong. Level 1 = section, level 2 = page. */
typedef enum FaultKind {
    FAULT_NONE,
    FAULT_ALIGNMENT,
    FAULT_TRANSLATION,
    FAULT_ACCESS_FLAG,
    FAULT_DOMAIN,
    FAULT_PERMISSION,
    FAULT_EXTERNAL,         /* the access itself */
    FAULT_EXTERNAL_ON_WALK, /* reading a descriptor */
    FAULT_DEBUG,            /* breakpoint, watchpoint, BKPT */
    FAULT_ICACHE_MAINTENANCE,
    FAULT_ASYNCHRONOUS /* external abort without an instruction to blame: only the virtual abort of VIR */
} FaultKind;

typedef struct Fault {
    FaultKind kind;
    uint8_t level;     /* 1 or 2 where the kind has levels */
    uint8_t domain;    /* 0 to 15 */
    bool decode_error; /* external aborts: decode rather than slave error */
    bool write;        /* DFSR.WnR */
    bool cache_maintenance;
    uint32_t va;
} Fault;

/* Everything a walk depends on; the CPU fills it from the CP15 registers of the current security state. */
typedef struct MmuRegs {
    uint32_t sctlr, ttbr0, ttbr1, ttbcr, dacr, prrr, nmrr;
    bool secure;
} MmuRegs;

typedef struct Translation {
    uint32_t pa;        /* of the very address asked for */
    uint32_t page_size; /* 4 KiB, 64 KiB, 1 MiB, 16 MiB (descriptor granule) */
    bool global;
    bool ns; /* output address is in the Non-secure space */
    bool shareable;
    bool inner_shareable; /* shareable, but not in the outer domain (PRRR.NOSn) */
    MemType type;
    uint8_t inner, outer; /* cacheability as PAR reports it: 0 non-cacheable, 1 WBWA, 2 WT, 3 WB no WA */
    uint8_t domain, level;
    /* what the descriptor allows, after domain and access-flag checks, at the privilege asked for */
    bool may_read, may_write, may_fetch;
} Translation;

/* Reads a descriptor word; false = external abort (decode_error is set in *fault). */
typedef bool (*WalkRead)(void *opaque, uint32_t pa, uint32_t *value, Fault *fault);

/* Translates va. With the MMU off gives the flat map (DDI 0406C B3.2.1). Returns false and fills *fault if
 * `kind` is not allowed. Never changes anything. */
bool mmu_walk(const MmuRegs *regs, WalkRead read, void *opaque, uint32_t va, AccessKind kind, bool privileged,
              Translation *out, Fault *fault);

/* Short-descriptor FSR encodings: bits 12, 11, 10, 7:4, 3:0 as the manual lays them out. */
uint32_t fault_dfsr(const Fault *fault);
uint32_t fault_ifsr(const Fault *fault);

/* ---- TLB ----------------------------------------------------------------------------------- */

enum { PAGE_BITS = 12, PAGE_SIZE = 1 << PAGE_BITS, TLB_BITS = 9, TLB_SIZE = 1 << TLB_BITS };
#define PAGE_MASK (~(uint32_t)(PAGE_SIZE - 1))

/* A tag matches va only if the access may go straight to host memory: RAM, allowed, no watch, for writes no
 * decoded code in the page. A tag is the page's address; TLB_NO_MATCH never equals an address masked with
 * PAGE_MASK and the alignment bits. */
#define TLB_NO_MATCH 0xfffu

typedef struct TlbEntry {
    uint32_t read, write, fetch; /* tags */
    uint32_t page; /* tag for the slow path: the page's va, valid whatever the permissions; or NO_MATCH */
    union {
        uintptr_t host;       /* if a tag matches: va + host = address in host memory (modulo 2^64) */
        const Region *device; /* if may says so: what answers in all of the page and is no plain memory */
    };
    uint32_t pa_page; /* physical address of the page, see bus_home() */
    uint8_t may;      /* TLB_MAY_* */
    uint8_t type;     /* MemType */
    bool global;
    bool ns;
} TlbEntry;

_Static_assert(sizeof(TlbEntry) == 32,
               "an entry is found by a shift, and two of them fill a line of a cache");

/* Shifted by TLB_DEVICE: it may, and a device answers in all of the page. */
enum { TLB_MAY_READ = 1, TLB_MAY_WRITE = 2, TLB_MAY_FETCH = 4, TLB_MAY = 7, TLB_DEVICE = 3 };

/* What compiled code looks accesses up in, by page number: what must be added to a va to get its address in
 * host memory, or 0 if the access must not go straight there. It remembers more pages than the TLB itself,
 * and is sparse: its pages exist once they are used. */
typedef struct FastTlb {
    uintptr_t read[1 << (32 - PAGE_BITS)], write[1 << (32 - PAGE_BITS)];
} FastTlb;

/* Where compiled code goes from one page to another: by va, with bit 0 set for Thumb code. */
typedef struct JumpEntry {
    uint32_t key; /* as jump_forget() leaves it: empty */
    bool global;  /* the page's translation is */
    const void *code;
} JumpEntry;

/* Entries that had to give way to others are found in a second part, behind the first: in one of several
 * windows, which the page's number decides, so that those which met in the first part mostly do not meet
 * here. */
enum {
    JUMP_MASK = 0x3ffc,
    JUMP_ENTRIES = 0x1000,
    JUMP_WINDOW = PAGE_SIZE / 4, /* entries: all of a page */
    JUMP_WINDOWS = 16,
    JUMP_WINDOW_MASK = (JUMP_WINDOWS - 1) << PAGE_BITS,
    JUMP_WINDOW_FACTOR = 0x9e3779b1 >> 1,
    JUMP_ALL = JUMP_ENTRIES + JUMP_WINDOWS * JUMP_WINDOW
};

static inline JumpEntry *jump_entry(JumpEntry *jumps, uint32_t key)
{
    return &jumps[(key & JUMP_MASK) / 4];
}

static inline unsigned jump_window(uint32_t key)
{
    return ((key >> PAGE_BITS) * JUMP_WINDOW_FACTOR & JUMP_WINDOW_MASK) >> PAGE_BITS;
}

static inline JumpEntry *jump_second_entry(JumpEntry *jumps, uint32_t key)
{
    return &jumps[JUMP_ENTRIES + jump_window(key) * JUMP_WINDOW + (key & ~PAGE_MASK) / 4];
}

/* NULL if the jump is not known. */
static inline const JumpEntry *jump_find(JumpEntry *jumps, uint32_t key)
{
    const JumpEntry *first = jump_entry(jumps, key), *second = jump_second_entry(jumps, key);
    return first->key == key ? first : second->key == key ? second : NULL;
}

/* Empties entry n: a key that is looked for in another entry, so that none matches here, not even one that is
 * no address of an instruction. */
static inline void jump_forget(JumpEntry *jumps, unsigned n)
{
    jumps[n].key = n == 0 || n == JUMP_ENTRIES ? 4 : 0;
}

/* One table per (address space, privilege): the CPU switches between them by pointer, flushing nothing. An
 * address space is what an entry depends on beside va and privilege: ASID, DACR, security state, MMU on/off.
 */
typedef struct TlbTable {
    TlbEntry entry[TLB_SIZE];
    FastTlb *fast;
    JumpEntry *jumps; /* [JUMP_ALL] */
    uint32_t *filled; /* pages that have been entered in fast: page number << 1 | global */
    unsigned filled_count;
    uint32_t occupied[128]; /* bit set: the MiB may have entries, in whatever of the table */
    bool has_jumps;
    uint16_t windows; /* bit set: that window of the jumps' second part may have entries */
    uint32_t stamp;   /* of the table's jumps: changes when one may have become wrong; 0: needs a new one */
    uint64_t jump_pages[64]; /* bit set: a page with these low number bits may have jumps */
} TlbTable;

static inline TlbEntry *tlb_entry(TlbTable *table, uint32_t va)
{
    return &table->entry[(va >> PAGE_BITS) & (TLB_SIZE - 1)];
}

typedef struct Mmu Mmu; /* per-CPU: all tables, in tlb.c */

/* Since power-on, for statistics. */
typedef struct MmuCounts {
    uint64_t fills;   /* entries written */
    uint64_t flushes; /* maintenance operations, of the guest and of the machine */
} MmuCounts;

MmuCounts mmu_counts(const Cpu *cpu);

Mmu *mmu_new(void);
void mmu_free(Mmu *mmu);

/* To be called after anything that selects the table changed: CONTEXTIDR, DACR, SCTLR, TTBCR, security state,
 * privilege (mode), CPSR.E, reset. Sets cpu->tlb. Cheap when nothing changed. */
void mmu_select(Cpu *cpu);

/* Drops everything this CPU has cached: SCTLR/TTBCR/PRRR/NMRR changes, TLBIALL. */
void mmu_flush_all(Cpu *cpu);
void mmu_flush_asid(Cpu *cpu, uint8_t asid);            /* TLBIASID: non-global entries of asid */
void mmu_flush_va(Cpu *cpu, uint32_t va, uint8_t asid); /* TLBIMVA: entries of asid and global ones */
void mmu_flush_va_all_asids(Cpu *cpu, uint32_t va);     /* TLBIMVAA */
/* Physical pages [pa, pa+size): what answers there changed. */
void mmu_flush_physical(Cpu *cpu, uint32_t pa, uint64_t size);
/* Writes of that page must not go straight to memory: it has decoded code now, or is guarded (watch.h). */
void mmu_protect(Cpu *cpu, uint32_t pa_page);

/* The same for all pages. */
void mmu_protect_all(Cpu *cpu);

/* The TLB's contents show when a counter of the PMU counts refills (cpu->counts_refills); only then are they
 * part of a snapshot. mmu_save() gives them as words, allocated, or NULL with *count 0; mmu_restore() takes
 * them instead of what is there, after all other state of the CPU. mmu_saved_problem(): what is wrong with
 * the words, NULL if nothing. */
uint32_t *mmu_save(const Cpu *cpu, size_t *count);
const char *mmu_saved_problem(const uint32_t *word, size_t count);
void mmu_restore(Cpu *cpu, const uint32_t *word, size_t count);

/* Enters compiled code for pc (with the Thumb bit), which the current TLB lets the CPU fetch from now, and
 * forgets all such entries. */
void mmu_add_jump(Cpu *cpu, uint32_t key, const void *code);
void mmu_forget_jumps(Cpu *cpu);

/* The stamp under which compiled code at from_va may jump straight to code at to_va, for which mmu_add_jump()
 * was called: it is the CPU's stamp[STAMP_SPACE] while the same table and none of its jumps changed, or, when
 * both pages are global, its stamp[STAMP_GLOBAL] whatever the ASID. 0: it must not. */
enum { STAMP_SPACE, STAMP_GLOBAL, STAMPS };
uint32_t mmu_jump_stamp(Cpu *cpu, uint32_t from_va, uint32_t to_va, unsigned *which);

/* ---- Accesses by instructions ----------------------------------------------------------------------- */

/* Size and manner of an access. */
enum {
    MEM_8 = 1,
    MEM_16 = 2,
    MEM_32 = 4,
    MEM_64 = 8,
    MEM_SIZE = 0xf,
    MEM_ALIGN_SIZE = 0x10, /* must be aligned to its size whatever SCTLR.A says (LDREX, STREX, LDA) */
    MEM_ALIGN_4 = 0x20,    /* must be word-aligned whatever SCTLR.A says (LDM, LDRD, LDC, VLDR, SWP) */
    MEM_UNPRIV = 0x40,     /* as if from User mode (LDRT, STRT) */
    MEM_NO_SWAP = 0x80,    /* little-endian whatever CPSR.E says */
    MEM_ALIGN_SHIFT = 8    /* bits 11:8: log2 of a required alignment in bytes, 0 = none (VLD1 with @align) */
};

/* Loads and stores of `op & MEM_SIZE` bytes with all checks. They take the data abort themselves (FSR, FAR,
 * mode, vector) when the access faults; the caller then sees faulted(cpu) and must not change any register.
 * Single-copy atomic as the manual demands for aligned sizes up to 8. */
uint64_t mmu_load(Cpu *cpu, uint32_t va, unsigned op);
void mmu_store(Cpu *cpu, uint32_t va, uint64_t value, unsigned op);

/* Checks that [va, va+size) can be written (or read) and takes the data abort if not: for instructions that
 * must not change memory before a later access of theirs faults. */
bool mmu_probe(Cpu *cpu, uint32_t va, uint32_t size, AccessKind kind, unsigned op);

/* Cache maintenance by address: takes the data abort if va has no translation (translation and access flag
 * faults; domains and permissions do not matter). */
bool mmu_probe_maintenance(Cpu *cpu, uint32_t va);

/* Instruction fetch: the physical address of va and, if it is plain memory, the host address of its page
 * (else NULL). False: prefetch abort was taken. Halfwords of code outside plain memory are read with
 * mmu_fetch_halfword(). */
bool mmu_fetch_page(Cpu *cpu, uint32_t va, uint32_t *pa, const uint8_t **host_page);
bool mmu_fetch_halfword(Cpu *cpu, uint32_t va, uint16_t *value);

/* VA to PA operations (ATS1Cxx, ATS12NSOxx): gives the value for PAR. */
uint32_t mmu_translate_par(Cpu *cpu, uint32_t va, AccessKind kind, bool privileged, bool secure_regs);

/* For monitors and debuggers: reads or writes memory as the CPU sees it now, without faults or side effects.
 */
bool mmu_debug_read(Cpu *cpu, uint32_t va, void *data, uint32_t size);
bool mmu_debug_write(Cpu *cpu, uint32_t va, const void *data, uint32_t size);

/* For what acts on behalf of a program (semihosting): memory as its own loads and stores would find it now,
 * with their permissions; RAM and ROM only, nothing is taken. False: part of it cannot be accessed; what lies
 * before that part was transferred. */
bool mmu_copy_in(Cpu *cpu, uint32_t va, void *data, uint32_t size);
bool mmu_copy_out(Cpu *cpu, uint32_t va, const void *data, uint32_t size);

/* Exclusive monitors (DDI 0406C A3.4). Store returns the status: 0 stored, 1 not. */
uint64_t mmu_load_exclusive(Cpu *cpu, uint32_t va, unsigned op);
uint32_t mmu_store_exclusive(Cpu *cpu, uint32_t va, uint64_t value, unsigned op);
void mmu_clear_exclusive(Cpu *cpu);

#endif
