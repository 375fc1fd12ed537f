/* What tlb.c offers access.c: the tables of the current address space. */
#ifndef ARMATURE_MMU_TLB_H
#define ARMATURE_MMU_TLB_H

#include "mmu/mmu.h"

/* The table of the current address space at a privilege, whatever CPSR.E says. */
TlbTable *tlb_table(Mmu *mmu, bool privileged);

/* The entry of va in that table, emptied and entered into the books that maintenance operations consult;
 * page_size is that of the descriptor. The caller fills it. */
TlbEntry *tlb_replace(Mmu *mmu, bool privileged, uint32_t va, uint32_t page_size);

/* Lets writes to the entry's page, which is at va, go straight to memory. */
void tlb_allow_write(Mmu *mmu, TlbEntry *entry, uint32_t va);

#endif
