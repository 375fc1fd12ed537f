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
    /* What is rarely executed goes elsewhere, so that it takes no room in the host's caches: into pieces from
     * the buffer's end downwards. */
    size_t rare, rare_end; /* what is left of the latest piece */
    size_t end;            /* where that piece begins: `used` must not pass it */
    uint64_t large[16];    /* bit set: a large page was asked for there */
} CodeBuf;

/* size: bytes, rounded up to pages. Pages are not touched until used. */
bool codebuf_new(CodeBuf *buf, size_t size, Error *err);
void codebuf_free(CodeBuf *buf);

/* Forgets what is behind the first `used` bytes, and everything rare. */
void codebuf_reset(CodeBuf *buf, size_t used);

/* Makes ready for another block, of so many bytes of usual and rare code: there is room for it at `used` and
 * `rare`, and the host was asked for large pages there, since code is scattered over more memory than the
 * host's buffers for translations cover with small ones. False if there is no room. */
bool codebuf_prepare(CodeBuf *buf, size_t usual, size_t rare);

/* Bytes in use, of both kinds. */
size_t codebuf_bytes(const CodeBuf *buf);

#endif
