/* Messages of 9P2000.L: numbers, and reading and writing their fields. The protocol is 9P2000 (intro(5) of
 * Plan 9) with Linux's operations in place of those on files and directories; numbers of flags and errors are
 * those of Linux. Private to shares/. */
#ifndef ARMATURE_SHARES_P9_H
#define ARMATURE_SHARES_P9_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum P9Type {
    RLERROR = 7,
    TSTATFS = 8,
    TLOPEN = 12,
    TLCREATE = 14,
    TSYMLINK = 16,
    TMKNOD = 18,
    TRENAME = 20,
    TREADLINK = 22,
    TGETATTR = 24,
    TSETATTR = 26,
    TXATTRWALK = 30,
    TXATTRCREATE = 32,
    TREADDIR = 40,
    TFSYNC = 50,
    TLOCK = 52,
    TGETLOCK = 54,
    TLINK = 70,
    TMKDIR = 72,
    TRENAMEAT = 74,
    TUNLINKAT = 76,
    TVERSION = 100,
    TAUTH = 102,
    TATTACH = 104,
    TFLUSH = 108,
    TWALK = 110,
    TREAD = 116,
    TWRITE = 118,
    TCLUNK = 120,
    TREMOVE = 122,
    P9_TYPES = 128
} P9Type;

enum {
    P9_HEADER = 7,     /* size, type, tag */
    P9_IO_HEADER = 24, /* what a Twrite has around its data, rounded up */
    P9_WALK_MOST = 16, /* names in a Twalk */
    P9_MSIZE_LEAST = 4096
};
#define P9_NO_FID UINT32_MAX
#define P9_NO_ID UINT32_MAX

/* Kinds of a qid. */
enum { QID_DIR = 0x80, QID_SYMLINK = 0x02, QID_FILE = 0x00 };

typedef struct Qid {
    uint8_t kind;
    uint32_t version;
    uint64_t path;
} Qid;

/* A message that is read: reading beyond its end gives zeros and makes it bad. */
typedef struct P9In {
    const uint8_t *at, *end;
    bool bad;
} P9In;

/* An answer that is written: what does not fit is not written and makes it full. */
typedef struct P9Out {
    uint8_t *start, *at, *end;
    bool full;
} P9Out;

uint8_t p9_get8(P9In *in);
uint16_t p9_get16(P9In *in);
uint32_t p9_get32(P9In *in);
uint64_t p9_get64(P9In *in);
/* `size` bytes in place; NULL, and the message is bad, if it has not so many. */
const uint8_t *p9_get_bytes(P9In *in, size_t size);
/* A string as a C string. The message is bad if it has a NUL; 0, or -ENAMETOOLONG. */
int p9_get_text(P9In *in, char *text, size_t size);
/* A name in a folder: not empty, no slash, neither "." nor "..". 0, -ENAMETOOLONG, -EINVAL or -ENOENT. */
int p9_get_name(P9In *in, char name[NAME_MAX + 1]);
bool p9_is_name(const char *name);

void p9_put8(P9Out *out, uint8_t value);
void p9_put16(P9Out *out, uint16_t value);
void p9_put32(P9Out *out, uint32_t value);
void p9_put64(P9Out *out, uint64_t value);
void p9_put_text(P9Out *out, const char *text);
void p9_put_qid(P9Out *out, const Qid *qid);
/* Room for `size` bytes, which the caller fills; NULL if there is not so much. */
uint8_t *p9_put_bytes(P9Out *out, size_t size);
/* How many bytes still fit. */
size_t p9_room(const P9Out *out);

#endif
