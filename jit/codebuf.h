/* Memory for generated code: one range of host memory with two views, one writable and one executable, so
 * that no page is ever both (W^X). Where the host refuses that (no memfd), creation fails with the reason. */
#ifndef ARMATURE_JIT_CODEBUF_H
#define ARMATURE_JIT_CODEBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/error.h"

typedef struct CodeBuf {
    uint8_t *write; /* writable view */
    uint8_t *run;   /* executable view of the same bytes, within +-2 GiB of itself only */
    size_t size, used;
} CodeBuf;

/* size: bytes, rounded up to pages. Pages are not touched until used. */
bool codebuf_new(CodeBuf *buf, size_t size, Error *err);
void codebuf_free(CodeBuf *buf);

#endif
