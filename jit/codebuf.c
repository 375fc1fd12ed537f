/* One anonymous file, mapped twice. See codebuf.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "jit/codebuf.h"

/* Not in the headers of older C libraries. */
#ifndef MFD_EXEC
#define MFD_EXEC 0x10u
#endif

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* FILLED: so much of a large page is in use when the host is asked for it. The host copies, clears and may
 * wait for its other processors, milliseconds altogether, which runs that compile little need not pay. */
enum { LARGE_PAGE = 2 << 20, RARE_PIECE = LARGE_PAGE, FILLED = LARGE_PAGE / 4 };

/* Kernels since 6.3 want to be told that the file is meant to be executed; older ones know no such flag. */
static int anonymous_file(void)
{
    int fd = memfd_create("armature-code", MFD_CLOEXEC | MFD_EXEC);
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create("armature-code", MFD_CLOEXEC);
    return fd;
}

/* At a multiple of large pages. */
static uint8_t *map_view(int fd, size_t size, int protection)
{
    size_t room = size + LARGE_PAGE;
    uint8_t *all = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED)
        return NULL;
    size_t before = -(uintptr_t)all & (LARGE_PAGE - 1);
    uint8_t *view = mmap(all + before, size, protection, MAP_SHARED | MAP_FIXED, fd, 0);
    if (view == MAP_FAILED) {
        munmap(all, room);
        return NULL;
    }
    if (before)
        munmap(all, before);
    munmap(view + size, room - before - size);
    return view;
}

/* What the host refused, as the reason for having no translated code. */
static bool refused(Error *err, size_t size, const char *what)
{
    return error_set(err, "no memory for translated code (%zu bytes): %s: %s", size, what, strerror(errno));
}

bool codebuf_new(CodeBuf *buf, size_t size, Error *err)
{
    *buf = (CodeBuf){0};
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    /* Branches within the buffer have 32-bit displacements. */
    if (size == 0 || size > (size_t)INT32_MAX - (page - 1))
        return error_set(err, "%zu bytes for translated code: it must be more than 0 and less than 2 GiB",
                         size);
    size = (size + page - 1) & ~(page - 1);
    int fd = anonymous_file();
    if (fd < 0)
        return refused(err, size, "memfd_create");
    if (ftruncate(fd, (off_t)size) < 0) {
        refused(err, size, "ftruncate");
    } else if (!(buf->write = map_view(fd, size, PROT_READ | PROT_WRITE))) {
        refused(err, size, "writable view");
    } else if (!(buf->run = map_view(fd, size, PROT_READ | PROT_EXEC))) {
        refused(err, size, "executable view");
        munmap(buf->write, size);
        buf->write = NULL;
    } else {
        buf->size = size;
        codebuf_reset(buf, 0);
    }
    close(fd);
    return buf->run != NULL;
}

void codebuf_reset(CodeBuf *buf, size_t used)
{
    buf->used = used;
    buf->rare = buf->rare_end = buf->end = buf->size;
}

/* A piece is much larger than what may be wasted at its end. */
static bool make_rare_room(CodeBuf *buf, size_t room)
{
    size_t piece = buf->size / 16 < RARE_PIECE ? buf->size / 16 : RARE_PIECE;
    if (buf->rare_end - buf->rare >= room)
        return true;
    if (piece < room)
        piece = room;
    if (buf->end - buf->used < piece)
        return false;
    buf->rare_end = buf->end;
    buf->rare = buf->end = buf->end - piece;
    return true;
}

/* Hosts that do not know how, or have no such page to give, stay with small ones. */
static void ask_for_large_page(CodeBuf *buf, size_t at)
{
    size_t n = at / LARGE_PAGE;
    if (at % LARGE_PAGE < FILLED || buf->large[n / 64] >> (n % 64) & 1)
        return;
    buf->large[n / 64] |= (uint64_t)1 << (n % 64);
    if ((n + 1) * LARGE_PAGE > buf->size)
        return;
    (void)madvise(buf->run + n * LARGE_PAGE, LARGE_PAGE, MADV_COLLAPSE);
}

bool codebuf_prepare(CodeBuf *buf, size_t usual, size_t rare)
{
    if (!make_rare_room(buf, rare) || buf->end - buf->used < usual + 15)
        return false;
    ask_for_large_page(buf, buf->used);
    ask_for_large_page(buf, buf->rare);
    return true;
}

size_t codebuf_bytes(const CodeBuf *buf)
{
    return buf->used + buf->size - buf->end - (buf->rare_end - buf->rare);
}

void codebuf_free(CodeBuf *buf)
{
    if (buf->write)
        munmap(buf->write, buf->size);
    if (buf->run)
        munmap(buf->run, buf->size);
    *buf = (CodeBuf){0};
}
