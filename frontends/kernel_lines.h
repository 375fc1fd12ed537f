/* Tells the messages that a Linux kernel writes to its console from other output on the same port, such as
 * that of a command in whose middle they come.
 *
 * A message begins with its time, "[   12.345678] ". While the kernel boots, the difference between those
 * times and the machine's own shows when the kernel's clock began; from then on a time stamp that agrees with
 * the clock is a message that is being written now, and others are text (of dmesg, or of a log). Kernels that
 * print no times, and those that have printed nothing so far, are not recognised. */
#ifndef ARMATURE_FRONTENDS_KERNEL_LINES_H
#define ARMATURE_FRONTENDS_KERNEL_LINES_H

#include <stddef.h>
#include <stdint.h>

typedef struct KernelLines KernelLines;

KernelLines *kernel_lines_new(void);
void kernel_lines_free(KernelLines *lines); /* NULL is allowed */

/* The next character of the port, the one with this offset, at virtual time now. */
void kernel_lines_feed(KernelLines *lines, uint64_t offset, uint8_t ch, uint64_t now);

/* The kernel starts anew. */
void kernel_lines_reset(KernelLines *lines);

/* Removes messages from text, a copy of the output that begins at offset `from`; returns what length is left.
 */
size_t kernel_lines_strip(const KernelLines *lines, uint64_t from, char *text, size_t length);

#endif
