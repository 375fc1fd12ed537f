/* What tlb.c offers translate.c: the tables of the current address space. */
#ifndef ARMATURE_MMU_TLB_H
#define ARMATURE_MMU_TLB_H

#include "mmu/mmu.h"

/* The table of the current address space at a privilege, whatever CPSR.E says. */
TlbTable *tlb_table(Mmu *mmu, bool privileged);

/* The entry of va in that table, emptied and entered into the books that maintenance operations consult;
 * page_size is that of the descriptor. The caller fills it. */
TlbEntry *tlb_replace(Mmu *mmu, bool privileged, uint32_t va, uint32_t page_size);

/* A global translation of this size was entered: maintenance by address finds it whatever the ASID. */
void tlb_note_global(Mmu *mmu, uint32_t va, uint32_t page_size);

/* Lets compiled code access the page of va directly: offset is what FastTlb holds. */
void tlb_add_fast(Mmu *mmu, bool privileged, uint32_t va, uintptr_t offset, bool read, bool write,
                  bool global);

/* Notes that the physical page can be written directly at va, for mmu_protect(). */
void tlb_note_writer(Mmu *mmu, uint32_t pa_page, uint32_t va);

/* Lets writes to the entry's page, which is at va, go straight to memory. */
void tlb_allow_write(Mmu *mmu, TlbEntry *entry, uint32_t va);

/* Sets the tags that let accesses to the page of an entry of the current address space bypass the slow path
 * (translate.c). */
void tlb_set_tags(Cpu *cpu, TlbEntry *entry, uint32_t va, bool privileged);

#endif
