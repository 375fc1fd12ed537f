/* A shared folder by the messages that a guest sends: what it gets, and what the host has then. Run as
 * `test_share [walk] [user]`: as on a kernel without openat2, and as a user of the host who is not root. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/shares/p9_client.h"

enum { F = 10, G = 11, H = 12 }; /* fids */
enum { USER = 1000, NOBODY = 1234 };
enum { RDONLY = 0, WRONLY = 1, RDWR = 2, CREAT = 0100, EXCL = 0200, TRUNC = 01000, DIRECTORY = 0200000 };

static char parent[64];
static bool walk_only;
static bool has_attributes; /* the file system has extended attributes */
static Client *c;

static void put(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void expect_text(const char *name, const char *text)
{
    char got[256];
    int fd = open(name, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t size = read(fd, got, sizeof got - 1);
    close(fd);
    got[size] = '\0';
    assert_string_equal(got, text);
}

static void share_again(bool read_only)
{
    if (c)
        client_free(c);
    c = client_new("in", read_only, geteuid() ? USER : 0);
    if (walk_only)
        share_walk_only(c->share);
    assert_int_equal(client_attach(c, geteuid() ? USER : 0), 0);
}

static int setup(void **state)
{
    (void)state;
    strcpy(parent, "/tmp/armature-share-XXXXXX");
    if (!mkdtemp(parent) || chdir(parent))
        return -1;
    umask(022);
    put("secret", "secret");
    mkdir("in", 0755);
    mkdir("in/sub", 0755);
    put("in/file", "inside");
    put("in/sub/file", "below");
    has_attributes = !setxattr("in/file", "user.test", "1", 1, 0);
    removexattr("in/file", "user.test");
    share_again(false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[100];
    client_free(c);
    c = NULL;
    snprintf(command, sizeof command, "rm -rf %s", parent);
    return chdir("/") || system(command);
}

/* ---- Shorthands -------------------------------------------------------------------------------------- */

static void clunk(uint32_t fid)
{
    assert_int_equal(call(c, TCLUNK, "d", fid), 0);
}

/* Walks from the root, one name or two. */
static int walk1(uint32_t fid, const char *name)
{
    return call(c, TWALK, "ddws", D(ROOT), fid, 1, name);
}

static void go(uint32_t fid, const char *name)
{
    assert_int_equal(walk1(fid, name), 0);
    assert_int_equal(p9_get16(&c->in), 1);
}

static void root(uint32_t fid)
{
    assert_int_equal(call(c, TWALK, "ddw", D(ROOT), fid, 0), 0);
}

static void open_fid(uint32_t fid, uint32_t flags)
{
    assert_int_equal(call(c, TLOPEN, "dd", fid, flags), 0);
}

static Qid get_qid(void)
{
    Qid qid = {.kind = p9_get8(&c->in), .version = p9_get32(&c->in)};
    qid.path = p9_get64(&c->in);
    return qid;
}

typedef struct Attributes {
    Qid qid;
    uint32_t mode, uid, gid;
    uint64_t links, size, mtime, mtime_ns;
} Attributes;

static Attributes attributes(uint32_t fid)
{
    Attributes a;
    assert_int_equal(call(c, TGETATTR, "dq", fid, Q(0x7ff)), 0);
    assert_int_equal(p9_get64(&c->in), 0x7ff);
    a.qid = get_qid();
    a.mode = p9_get32(&c->in);
    a.uid = p9_get32(&c->in);
    a.gid = p9_get32(&c->in);
    a.links = p9_get64(&c->in);
    p9_get64(&c->in);
    a.size = p9_get64(&c->in);
    p9_get64(&c->in);
    p9_get64(&c->in);
    p9_get64(&c->in);
    p9_get64(&c->in);
    a.mtime = p9_get64(&c->in);
    a.mtime_ns = p9_get64(&c->in);
    assert_false(c->in.bad);
    return a;
}

static int set_mode(uint32_t fid, uint32_t mode)
{
    return call(c, TSETATTR, "dddddqqqqq", fid, D(1), mode, D(0), D(0), Q(0), Q(0), Q(0), Q(0), Q(0));
}

static int set_owner(uint32_t fid, uint32_t uid, uint32_t gid)
{
    return call(c, TSETATTR, "dddddqqqqq", fid, D(6), D(0), uid, gid, Q(0), Q(0), Q(0), Q(0), Q(0));
}

static int set_size(uint32_t fid, uint64_t size)
{
    return call(c, TSETATTR, "dddddqqqqq", fid, D(8), D(0), D(0), D(0), size, Q(0), Q(0), Q(0), Q(0));
}

static void expect_read(uint32_t fid, uint64_t offset, uint32_t count, const char *text)
{
    assert_int_equal(call(c, TREAD, "dqd", fid, offset, count), 0);
    uint32_t size = p9_get32(&c->in);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(c->in.at, text, size);
}

static void write_text(uint32_t fid, uint64_t offset, const char *text)
{
    assert_int_equal(call(c, TWRITE, "dqp", fid, offset, D(strlen(text)), text), 0);
    assert_int_equal(p9_get32(&c->in), strlen(text));
}

/* ---- Session ----------------------------------------------------------------------------------------- */

static void test_version(void **state)
{
    (void)state;
    char version[32];
    static const struct {
        const char *asked, *got;
    } cases[] = {
        {"9P2000.L", "9P2000.L"},
        {"9P2000.u", "unknown" },
        {"9P2000",   "unknown" },
        {"",         "unknown" },
    };
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        assert_int_equal(call(c, TVERSION, "ds", D(8192), cases[n].asked), 0);
        assert_int_equal(p9_get32(&c->in), 8192);
        assert_int_equal(p9_get_text(&c->in, version, sizeof version), 0);
        assert_string_equal(version, cases[n].got);
        int want = n ? EPROTO : 0; /* nothing works without a version */
        assert_int_equal(call(c, TATTACH, "ddssd", D(ROOT), P9_NO_FID, "", "", D(0)), want);
    }
    assert_int_equal(call(c, TVERSION, "ds", UINT32_MAX, "9P2000.L"), 0);
    assert_int_equal(p9_get32(&c->in), SHARE_MESSAGE_MOST);
    assert_int_equal(call(c, TVERSION, "ds", D(100), "9P2000.L"), EMSGSIZE);
    assert_int_equal(call(c, TGETATTR, "dq", D(ROOT), Q(0x7ff)), EBADF); /* a new version forgets fids */
}

static void test_attach(void **state)
{
    (void)state;
    assert_int_equal(call(c, TAUTH, "dssd", D(5), "", "", D(0)), EOPNOTSUPP);
    assert_int_equal(call(c, TATTACH, "ddssd", D(ROOT), P9_NO_FID, "", "", D(0)), EBADF); /* is in use */
    assert_int_equal(call(c, TATTACH, "ddssd", P9_NO_FID, P9_NO_FID, "", "", D(0)), EBADF);
    assert_int_equal(call(c, TATTACH, "ddssd", D(F), D(5), "", "", D(0)), EINVAL);
    assert_int_equal(call(c, TATTACH, "ddssd", D(F), P9_NO_FID, "", "/sub/", D(0)), 0);
    assert_int_equal(get_qid().kind, QID_DIR);
    assert_int_equal(call(c, TWALK, "ddws", D(F), D(G), 1, "file"), 0);
    assert_int_equal(call(c, TATTACH, "ddssd", D(H), P9_NO_FID, "", "../in", D(0)), ENOENT);
    assert_int_equal(call(c, TATTACH, "ddssd", D(H), P9_NO_FID, "", "none", D(0)), ENOENT);
    assert_int_equal(call(c, TFLUSH, "w", 1), 0);
    assert_int_equal(call(c, (P9Type)112, "d", D(F)), EOPNOTSUPP); /* Topen */
}

/* Headers and fields that are not there, or say what is not so. */
static void test_damaged(void **state)
{
    (void)state;
    memset(c->message, 0, 64);
    c->message[4] = TGETATTR;
    for (uint32_t says = 0; says < 40; says++) {
        memcpy(c->message, &says, sizeof says);
        assert_int_equal(exchange(c, 19, CLIENT_MSIZE), RLERROR);
    }
    assert_int_equal(exchange(c, 19, 10), 0); /* no room for an error */
    assert_int_equal(exchange(c, 19, 11), RLERROR);
    go(F, "file");
    open_fid(F, RDONLY);
    assert_int_equal(call(c, TWALK, "ddw", D(ROOT), D(G), 17), EPROTO);
    assert_int_equal(call(c, TWALK, "ddwss", D(ROOT), D(G), 3, "sub", "file"), EPROTO);
    assert_int_equal(call(c, TWALK, "ddw", D(ROOT), D(G), 0), 0); /* G was not taken */
    assert_int_equal(call(c, TREAD, "dqd", D(F), Q(INT64_MAX), D(10)), EINVAL);
    assert_int_equal(call(c, TWRITE, "dqd", D(F), Q(0), D(10)), EPROTO);
}

/* ---- Walking ----------------------------------------------------------------------------------------- */

static void test_walk(void **state)
{
    (void)state;
    assert_int_equal(call(c, TWALK, "ddwss", D(ROOT), D(F), 2, "sub", "file"), 0);
    assert_int_equal(p9_get16(&c->in), 2);
    assert_int_equal(get_qid().kind, QID_DIR);
    assert_int_equal(get_qid().kind, QID_FILE);
    assert_int_equal(attributes(F).size, 5);
    /* As far as it goes: the new fid does not exist then. */
    assert_int_equal(call(c, TWALK, "ddwss", D(ROOT), D(G), 2, "sub", "none"), 0);
    assert_int_equal(p9_get16(&c->in), 1);
    assert_int_equal(call(c, TCLUNK, "d", D(G)), EBADF);
    assert_int_equal(walk1(G, "none"), ENOENT);
    assert_int_equal(call(c, TWALK, "ddws", D(F), D(G), 1, "none"), ENOTDIR);
    /* In place, and up. */
    root(G);
    Qid top = attributes(G).qid;
    assert_int_equal(call(c, TWALK, "ddws", D(G), D(G), 1, "sub"), 0);
    assert_int_not_equal(attributes(G).qid.path, top.path);
    assert_int_equal(call(c, TWALK, "ddws", D(G), D(G), 1, ".."), 0);
    assert_int_equal(attributes(G).qid.path, top.path);
    assert_int_equal(call(c, TWALK, "ddwss", D(G), D(G), 2, "..", ".."), 0);
    assert_int_equal(attributes(G).qid.path, top.path);
    open_fid(F, RDONLY);
    assert_int_equal(call(c, TWALK, "ddw", D(F), D(F), 0), EINVAL);
    assert_int_equal(call(c, TWALK, "ddw", D(F), D(H), 0), 0);
}

static void test_names_that_are_none(void **state)
{
    (void)state;
    static const char *const names[] = {".", "", "/", "sub/file", "../secret", "/etc/passwd", "sub/.."};
    for (unsigned n = 0; n < sizeof names / sizeof *names; n++)
        assert_int_equal(walk1(F, names[n]), ENOENT);
    root(F);
    for (unsigned n = 0; n < sizeof names / sizeof *names; n++) {
        int error = call(c, TLCREATE, "dsddd", D(F), names[n], D(RDWR), D(0644), D(0));
        assert_true(error == EINVAL || error == ENOENT);
        assert_true(call(c, TMKDIR, "dsdd", D(F), names[n], D(0755), D(0)));
        assert_true(call(c, TSYMLINK, "dssd", D(F), names[n], "x", D(0)));
        assert_true(call(c, TUNLINKAT, "dsd", D(F), names[n], D(0x200)));
        assert_true(call(c, TRENAMEAT, "dsds", D(F), names[n], D(F), "x"));
        assert_true(call(c, TRENAMEAT, "dsds", D(F), "file", D(F), names[n]));
    }
    assert_true(call(c, TUNLINKAT, "dsd", D(F), "..", D(0x200)));
    char name[NAME_MAX + 2];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(walk1(G, name), ENAMETOOLONG);
    expect_text("in/file", "inside");
    expect_text("secret", "secret");
}

/* The guest follows links itself; to the server they are not folders, whatever they point to. */
static void test_links_lead_nowhere(void **state)
{
    (void)state;
    char target[PATH_MAX];
    assert_int_equal(symlink("..", "in/up"), 0);
    assert_int_equal(symlink("/", "in/top"), 0);
    assert_int_equal(symlink("sub", "in/inner"), 0);
    assert_int_equal(symlink("../secret", "in/leak"), 0);
    static const char *const links[] = {"up", "top", "inner", "leak"};
    for (unsigned n = 0; n < 4; n++) {
        go(F, links[n]);
        assert_int_equal(get_qid().kind, QID_SYMLINK);
        assert_int_equal(attributes(F).mode & S_IFMT, S_IFLNK);
        assert_int_equal(call(c, TWALK, "ddws", D(F), D(G), 1, "secret"), ENOTDIR);
        assert_true(call(c, TLOPEN, "dd", D(F), D(RDONLY)));
        assert_true(call(c, TLOPEN, "dd", D(F), D(RDWR)));
        assert_true(call(c, TLCREATE, "dsddd", D(F), "new", D(RDWR), D(0644), D(0)));
        assert_true(call(c, TMKDIR, "dsdd", D(F), "new", D(0755), D(0)));
        assert_true(set_size(F, 0));
        assert_true(set_mode(F, 0777));
        assert_int_equal(call(c, TREADLINK, "d", D(F)), 0);
        assert_int_equal(p9_get_text(&c->in, target, sizeof target), 0);
        clunk(F);
    }
    assert_string_equal(target, "../secret");
    go(F, "file");
    assert_int_equal(call(c, TREADLINK, "d", D(F)), EINVAL);
    assert_int_equal(call(c, TSYMLINK, "dssd", D(ROOT), "made", "/etc/passwd", D(5)), 0);
    assert_int_equal(get_qid().kind, QID_SYMLINK);
    assert_int_equal(readlink("in/made", target, sizeof target), 11);
    /* Creating does not write through a link. */
    root(G);
    assert_true(call(c, TLCREATE, "dsddd", D(G), "leak", D(RDWR | TRUNC), D(0644), D(0)));
    expect_text("secret", "secret");
    assert_true(access("new", F_OK));
}

/* A folder that the client knows is replaced by a link that leads out. */
static void test_folder_becomes_link(void **state)
{
    (void)state;
    go(F, "sub");
    assert_int_equal(call(c, TWALK, "ddws", D(F), D(G), 1, "file"), 0);
    assert_int_equal(rename("in/sub", "in/old"), 0);
    assert_int_equal(symlink("..", "in/sub"), 0);
    put("file", "outside");
    assert_true(call(c, TWALK, "ddws", D(F), D(H), 1, "secret"));
    assert_true(call(c, TGETATTR, "dq", D(G), Q(0x7ff)));
    assert_true(call(c, TLOPEN, "dd", D(G), D(RDWR | TRUNC)));
    assert_true(set_size(G, 0));
    assert_true(call(c, TUNLINKAT, "dsd", D(F), "secret", D(0)));
    assert_true(call(c, TLCREATE, "dsddd", D(F), "new", D(RDWR), D(0644), D(0)));
    assert_true(call(c, TLINK, "dds", D(F), D(G), "linked"));
    assert_true(call(c, TRENAMEAT, "dsds", D(F), "secret", D(ROOT), "got"));
    expect_text("file", "outside");
    expect_text("secret", "secret");
    assert_true(access("new", F_OK));
}

/* ---- Files ------------------------------------------------------------------------------------------- */

static void test_read_write(void **state)
{
    (void)state;
    go(F, "file");
    assert_int_equal(call(c, TREAD, "dqd", D(F), Q(0), D(10)), EBADF);
    open_fid(F, RDWR);
    assert_int_equal(get_qid().kind, QID_FILE);
    assert_int_equal(p9_get32(&c->in), CLIENT_MSIZE - P9_IO_HEADER);
    assert_int_equal(call(c, TLOPEN, "dd", D(F), D(RDONLY)), EINVAL);
    expect_read(F, 0, 100, "inside");
    expect_read(F, 2, 3, "sid");
    expect_read(F, 6, 10, "");
    expect_read(F, 1000, 10, "");
    write_text(F, 6, " it");
    expect_text("in/file", "inside it");
    Qid before = attributes(F).qid;
    assert_int_equal(set_size(F, 2), 0);
    expect_text("in/file", "in");
    assert_int_not_equal(attributes(F).qid.version, before.version);
    assert_int_equal(attributes(F).qid.path, before.path);
    assert_int_equal(call(c, TFSYNC, "dd", D(F), D(0)), 0);
    assert_int_equal(call(c, TFSYNC, "d", D(F)), 0);
    go(G, "file");
    open_fid(G, WRONLY | TRUNC);
    expect_text("in/file", "");
    assert_int_equal(call(c, TREAD, "dqd", D(G), Q(0), D(10)), EBADF);
    assert_int_equal(call(c, TWRITE, "dqp", D(G), Q(INT64_MAX), D(1), "x"), EFBIG);
    clunk(F);
    assert_int_equal(call(c, TREAD, "dqd", D(F), Q(0), D(10)), EBADF);
    /* An answer is never longer than its room. */
    put("in/file", "0123456789");
    go(F, "file");
    open_fid(F, RDONLY);
    call(c, TREAD, "dqd", D(F), Q(0), D(CLIENT_MSIZE));
    assert_int_equal(p9_get32(&c->in), 10);
    assert_int_equal(exchange(c, 23, 15), TREAD + 1);
    assert_int_equal(p9_get32(&c->in), 4);
}

static void test_create(void **state)
{
    (void)state;
    struct stat st;
    root(F);
    assert_int_equal(
        call(c, TLCREATE, "dsddd", D(F), "new", D(RDWR | CREAT | EXCL), D(0640), D(geteuid() ? USER : 0)), 0);
    write_text(F, 0, "text");
    expect_read(F, 0, 10, "text"); /* the fid is the file */
    assert_int_equal(attributes(F).mode, S_IFREG | 0640);
    assert_int_equal(stat("in/new", &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0640);
    root(G);
    assert_int_equal(call(c, TLCREATE, "dsddd", D(G), "new", D(RDWR | CREAT | EXCL), D(0640), D(0)), EEXIST);
    assert_int_equal(call(c, TLCREATE, "dsddd", D(G), "new", D(WRONLY | CREAT | TRUNC), D(0600), D(0)), 0);
    expect_text("in/new", "");
    assert_int_equal(attributes(G).mode, S_IFREG | 0640); /* it was there */
    assert_int_equal(call(c, TLCREATE, "dsddd", D(G), "more", D(RDWR), D(0600), D(0)), EINVAL);
    /* All bits, whatever the host's umask. */
    umask(077);
    root(H);
    assert_int_equal(call(c, TLCREATE, "dsddd", D(H), "open", D(RDWR), D(0666), D(0)), 0);
    assert_int_equal(attributes(H).mode, S_IFREG | 0666);
    umask(022);
}

/* A file that has no name any more can be used as long as it is open. */
static void test_unlinked(void **state)
{
    (void)state;
    go(F, "file");
    go(G, "file");
    open_fid(F, RDWR);
    assert_int_equal(call(c, TUNLINKAT, "dsd", D(ROOT), "file", D(0)), 0);
    write_text(F, 6, "!");
    expect_read(F, 0, 100, "inside!");
    assert_int_equal(attributes(F).links, 0);
    assert_int_equal(set_size(F, 3), 0);
    assert_int_equal(set_mode(F, 0600), 0);
    expect_read(F, 0, 100, "ins");
    assert_int_equal(call(c, TGETATTR, "dq", D(G), Q(0)), ENOENT);
    /* A new one of that name is not what the old fid stands for. */
    put("in/file", "another");
    assert_int_equal(call(c, TGETATTR, "dq", D(G), Q(0)), ENOENT);
    assert_int_equal(call(c, TLOPEN, "dd", D(G), D(RDONLY)), ENOENT);
    go(H, "file");
    assert_int_equal(attributes(H).size, 7);
}

static void test_odd_files(void **state)
{
    (void)state;
    assert_int_equal(mkfifo("in/fifo", 0644), 0);
    go(F, "fifo");
    assert_int_equal(attributes(F).mode & S_IFMT, S_IFIFO);
    alarm(5);
    assert_int_equal(call(c, TLOPEN, "dd", D(F), D(RDONLY)), EACCES);
    assert_int_equal(call(c, TLOPEN, "dd", D(F), D(WRONLY)), EACCES);
    root(G);
    assert_int_equal(call(c, TLCREATE, "dsddd", D(G), "fifo", D(WRONLY), D(0644), D(0)), EACCES);
    assert_true(set_size(F, 0));
    alarm(0);
    assert_int_equal(call(c, TMKNOD, "dsdddd", D(ROOT), "null", D(S_IFCHR | 0666), D(1), D(3), D(0)), EPERM);
    assert_int_equal(call(c, TMKNOD, "dsdddd", D(ROOT), "disk", D(S_IFBLK | 0666), D(8), D(0), D(0)), EPERM);
    assert_int_equal(call(c, TMKNOD, "dsdddd", D(ROOT), "dir", D(S_IFDIR | 0666), D(0), D(0), D(0)), EINVAL);
    assert_int_equal(call(c, TMKNOD, "dsdddd", D(ROOT), "pipe", D(S_IFIFO | 0622), D(0), D(0), D(0)), 0);
    assert_int_equal(call(c, TMKNOD, "dsdddd", D(ROOT), "sock", D(S_IFSOCK | 0755), D(0), D(0), D(0)), 0);
    assert_int_equal(call(c, TMKNOD, "dsdddd", D(ROOT), "plain", D(S_IFREG | 0755), D(0), D(0), D(0)), 0);
    struct stat st;
    assert_true(!stat("in/pipe", &st) && st.st_mode == (S_IFIFO | 0622));
    assert_true(!stat("in/sock", &st) && S_ISSOCK(st.st_mode));
    assert_true(!stat("in/plain", &st) && st.st_mode == (S_IFREG | 0755));
}

/* ---- Folders ----------------------------------------------------------------------------------------- */

/* Reads a whole folder, with room for so many bytes a time; names joined by blanks. */
static void list(uint32_t fid, uint32_t count, char *names, uint64_t *last)
{
    uint64_t offset = 0;
    *names = '\0';
    for (;;) {
        assert_int_equal(call(c, TREADDIR, "dqd", fid, offset, count), 0);
        uint32_t size = p9_get32(&c->in);
        assert_in_range(size, 0, count);
        assert_int_equal(c->in.end - c->in.at, size);
        if (!size)
            break;
        while (c->in.at < c->in.end) {
            char name[NAME_MAX + 1];
            Qid qid = get_qid();
            offset = p9_get64(&c->in);
            uint8_t kind = p9_get8(&c->in);
            assert_int_equal(p9_get_text(&c->in, name, sizeof name), 0);
            assert_false(c->in.bad);
            assert_int_equal(qid.kind, kind == DT_DIR ? QID_DIR : kind == DT_LNK ? QID_SYMLINK : QID_FILE);
            strcat(strcat(names, name), " ");
        }
    }
    *last = offset;
}

static void test_readdir(void **state)
{
    (void)state;
    static char names[1 << 16];
    uint64_t last;
    assert_int_equal(symlink("x", "in/link"), 0);
    root(F);
    assert_int_equal(call(c, TREADDIR, "dqd", D(F), Q(0), D(1000)), EBADF);
    open_fid(F, RDONLY | DIRECTORY);
    list(F, 4096, names, &last);
    assert_string_equal(names, ". .. file link sub ");
    list(F, 40, names, &last);
    assert_string_equal(names, ". .. file link sub ");
    assert_int_equal(call(c, TREADDIR, "dqd", D(F), Q(0), D(10)), EINVAL);
    assert_int_equal(call(c, TREADDIR, "dqd", D(F), Q(1000), D(100)), 0);
    assert_int_equal(p9_get32(&c->in), 0);
    assert_int_equal(call(c, TREAD, "dqd", D(F), Q(0), D(10)), EISDIR);
    assert_int_equal(call(c, TFSYNC, "dd", D(F), D(0)), 0);
    go(G, "sub");
    assert_int_equal(call(c, TLOPEN, "dd", D(G), D(RDWR)), EISDIR);
    go(H, "file");
    assert_int_equal(call(c, TLOPEN, "dd", D(H), D(DIRECTORY)), ENOTDIR);
    /* ".." of the shared folder is no number of the host's. */
    Attributes top = attributes(F);
    assert_int_equal(call(c, TREADDIR, "dqd", D(F), Q(1), D(30)), 0);
    p9_get32(&c->in);
    assert_int_equal(get_qid().path, top.qid.path);
}

/* Places stay while entries are removed: what `rm -r` does. */
static void test_cookies(void **state)
{
    (void)state;
    char name[32];
    unsigned seen = 0;
    uint64_t offset = 0;
    for (unsigned n = 0; n < 500; n++) {
        snprintf(name, sizeof name, "in/sub/%u", n);
        put(name, "");
    }
    go(F, "sub");
    go(G, "sub");
    open_fid(F, RDONLY);
    for (;;) {
        char found[16][NAME_MAX + 1];
        unsigned count = 0;
        assert_int_equal(call(c, TREADDIR, "dqd", D(F), offset, D(300)), 0);
        p9_get32(&c->in);
        while (c->in.at < c->in.end) {
            get_qid();
            offset = p9_get64(&c->in);
            p9_get8(&c->in);
            p9_get_text(&c->in, found[count++], NAME_MAX + 1);
        }
        if (!count)
            break;
        for (unsigned n = 0; n < count; n++)
            seen += !call(c, TUNLINKAT, "dsd", D(G), found[n], D(0));
    }
    assert_int_equal(seen, 501);
    assert_int_equal(call(c, TUNLINKAT, "dsd", D(ROOT), "sub", D(0)), EISDIR);
    assert_int_equal(call(c, TUNLINKAT, "dsd", D(ROOT), "sub", D(0x200)), 0);
    assert_true(access("in/sub", F_OK));
}

/* ---- Names ------------------------------------------------------------------------------------------- */

static void test_rename(void **state)
{
    (void)state;
    go(F, "sub");
    assert_int_equal(call(c, TWALK, "ddws", D(F), D(G), 1, "file"), 0);
    go(H, "file");
    /* A folder moves with all that is known below it. */
    assert_int_equal(call(c, TMKDIR, "dsdd", D(ROOT), "other", D(0755), D(0)), 0);
    go(20, "other");
    assert_int_equal(call(c, TRENAMEAT, "dsds", D(ROOT), "sub", D(20), "moved"), 0);
    expect_text("in/other/moved/file", "below");
    assert_int_equal(attributes(G).size, 5);
    open_fid(G, RDONLY);
    expect_read(G, 0, 10, "below");
    assert_int_equal(call(c, TRENAMEAT, "dsds", D(ROOT), "other", D(F), "x"), EINVAL); /* into itself */
    /* Over a file that is known. */
    assert_int_equal(call(c, TRENAMEAT, "dsds", D(F), "file", D(ROOT), "file"), 0);
    expect_text("in/file", "below");
    assert_int_equal(call(c, TGETATTR, "dq", D(H), Q(0)), ENOENT); /* that file is gone */
    /* By fid. */
    go(21, "file");
    assert_int_equal(call(c, TRENAME, "dds", D(21), D(F), "back"), 0);
    expect_text("in/other/moved/back", "below");
    assert_int_equal(attributes(21).size, 5);
    assert_int_equal(call(c, TRENAME, "dds", D(ROOT), D(F), "top"), EBUSY);
    assert_int_equal(call(c, TRENAMEAT, "dsds", D(F), "none", D(ROOT), "x"), ENOENT);
    /* To itself. */
    assert_int_equal(call(c, TRENAMEAT, "dsds", D(F), "back", D(F), "back"), 0);
    assert_int_equal(attributes(21).size, 5);
}

/* The host moves a folder below another, so that a rename of the guest would make the tree of names a ring.
 */
static void test_ring(void **state)
{
    (void)state;
    go(F, "sub");
    assert_int_equal(call(c, TMKDIR, "dsdd", D(F), "low", D(0755), D(0)), 0);
    assert_int_equal(call(c, TWALK, "ddws", D(F), D(G), 1, "low"), 0);
    assert_int_equal(rename("in/sub/low", "in/low"), 0);
    assert_int_equal(mkdir("in/keep", 0755), 0);
    assert_int_equal(rename("in/sub", "in/keep/sub"), 0);
    assert_int_equal(mkdir("in/sub", 0755), 0);
    assert_int_equal(rename("in/low", "in/sub/low"), 0);
    assert_int_equal(call(c, TRENAMEAT, "dsds", D(ROOT), "sub", D(G), "x"), EINVAL);
    attributes(G);
}

static void test_link_and_remove(void **state)
{
    (void)state;
    go(F, "file");
    assert_int_equal(call(c, TLINK, "dds", D(ROOT), D(F), "twin"), 0);
    assert_int_equal(attributes(F).links, 2);
    expect_text("in/twin", "inside");
    assert_int_equal(call(c, TLINK, "dds", D(ROOT), D(F), "twin"), EEXIST);
    assert_int_equal(symlink("/etc/passwd", "in/sym"), 0);
    go(G, "sym");
    assert_int_equal(call(c, TLINK, "dds", D(ROOT), D(G), "sym2"), 0); /* of the link itself */
    struct stat st;
    assert_true(!lstat("in/sym2", &st) && S_ISLNK(st.st_mode));
    assert_int_equal(call(c, TREMOVE, "d", D(F)), 0);
    assert_int_equal(call(c, TGETATTR, "dq", D(F), Q(0)), EBADF);
    assert_true(access("in/file", F_OK));
    expect_text("in/twin", "inside");
    go(F, "sub");
    assert_int_equal(call(c, TREMOVE, "d", D(F)), ENOTEMPTY);
    assert_int_equal(call(c, TGETATTR, "dq", D(F), Q(0)), EBADF); /* clunked nevertheless */
    root(F);
    assert_int_equal(call(c, TREMOVE, "d", D(F)), EBUSY);
}

/* ---- Attributes -------------------------------------------------------------------------------------- */

static void test_modes(void **state)
{
    (void)state;
    struct stat st;
    static const uint32_t modes[] = {0644, 0400, 0, 0755, 04755, 02711, 06000, 0777};
    if (geteuid() && !has_attributes)
        skip();
    go(F, "file");
    for (unsigned n = 0; n < sizeof modes / sizeof *modes; n++) {
        assert_int_equal(set_mode(F, modes[n]), 0);
        assert_int_equal(stat("in/file", &st), 0);
        assert_int_equal(st.st_mode & 06000, 0); /* the host runs nothing as somebody else */
        if (has_attributes || modes[n] < 01000)
            assert_int_equal(attributes(F).mode, S_IFREG | modes[n]);
        /* The server can still use the file, whoever it runs as. */
        go(G, "file");
        open_fid(G, RDWR);
        clunk(G);
    }
    /* The host's own change counts. */
    assert_int_equal(set_mode(F, 04400), 0);
    assert_int_equal(chmod("in/file", 0666), 0);
    assert_int_equal(attributes(F).mode, S_IFREG | 0666);
    go(H, "sub");
    assert_int_equal(set_mode(H, 01777), 0);
    assert_int_equal(attributes(H).mode, S_IFDIR | 01777);
    if (has_attributes) {
        assert_int_equal(set_mode(H, 0500), 0);
        assert_int_equal(attributes(H).mode, S_IFDIR | 0500);
    }
}

static void test_owners(void **state)
{
    (void)state;
    uint32_t owner = geteuid() ? USER : 0;
    go(F, "file");
    assert_int_equal(attributes(F).uid, owner);
    assert_int_equal(attributes(F).gid, owner);
    if (!has_attributes && geteuid())
        skip();
    assert_int_equal(set_owner(F, 5, 6), 0);
    assert_int_equal(attributes(F).uid, 5);
    assert_int_equal(attributes(F).gid, 6);
    assert_int_equal(set_owner(F, P9_NO_ID, 7), 0);
    assert_int_equal(attributes(F).uid, 5);
    assert_int_equal(attributes(F).gid, 7);
    assert_int_equal(set_owner(F, owner, owner), 0);
    assert_int_equal(attributes(F).uid, owner);
    char value[64];
    assert_int_equal(getxattr("in/file", "user.armature", value, sizeof value), -1); /* nothing to remember */
    /* What root of the guest makes is root's, even if the host's user is another. */
    assert_int_equal(call(c, TATTACH, "ddssd", D(30), P9_NO_FID, "", "", D(0)), 0);
    assert_int_equal(call(c, TMKDIR, "dsdd", D(30), "roots", D(0755), D(0)), 0);
    go(G, "roots");
    assert_int_equal(attributes(G).uid, 0);
    assert_int_equal(attributes(G).gid, 0);
    assert_int_equal(symlink("x", "in/link"), 0);
    go(H, "link");
    assert_int_equal(set_owner(H, 5, 6), 0);
    /* Such an attribute that makes no sense is none. */
    assert_int_equal(setxattr("in/file", "user.armature", "\xff 7 -", 5, 0), has_attributes ? 0 : -1);
    assert_int_equal(attributes(F).uid, owner);
}

static void test_times(void **state)
{
    (void)state;
    struct stat st;
    go(F, "file");
    assert_int_equal(call(c, TSETATTR, "dddddqqqqq", D(F), D(0x20 | 0x100), D(0), D(0), D(0), Q(0), Q(0),
                          Q(0), Q(1234567890), Q(987654321)),
                     0);
    assert_int_equal(stat("in/file", &st), 0);
    assert_int_equal(st.st_mtim.tv_sec, 1234567890);
    assert_int_equal(st.st_mtim.tv_nsec, 987654321);
    assert_true(st.st_atim.tv_sec > 1234567890);
    assert_int_equal(attributes(F).mtime, 1234567890);
    assert_int_equal(attributes(F).mtime_ns, 987654321);
    assert_int_equal(
        call(c, TSETATTR, "dddddqqqqq", D(F), D(0x20), D(0), D(0), D(0), Q(0), Q(0), Q(0), Q(5), Q(5)), 0);
    assert_int_equal(stat("in/file", &st), 0);
    assert_true(st.st_mtim.tv_sec > 1234567890); /* now */
    assert_int_equal(symlink("x", "in/link"), 0);
    go(G, "link");
    assert_int_equal(call(c, TSETATTR, "dddddqqqqq", D(G), D(0x20 | 0x100), D(0), D(0), D(0), Q(0), Q(0),
                          Q(0), Q(77), Q(0)),
                     0);
    assert_true(!lstat("in/link", &st) && st.st_mtim.tv_sec == 77);
}

static void test_statfs(void **state)
{
    (void)state;
    assert_int_equal(call(c, TSTATFS, "d", D(ROOT)), 0);
    assert_int_equal(p9_get32(&c->in), 0x01021997);
    assert_true(p9_get32(&c->in) >= 512);
    assert_true(p9_get64(&c->in) > 0);
    p9_get_bytes(&c->in, 40);
    assert_true(p9_get32(&c->in) >= 14);
    assert_true(!c->in.bad && c->in.at == c->in.end);
}

static void test_xattr(void **state)
{
    (void)state;
    char value[64];
    go(F, "file");
    assert_int_equal(call(c, TXATTRWALK, "dds", D(F), D(G), "security.selinux"), EOPNOTSUPP);
    assert_int_equal(call(c, TXATTRWALK, "dds", D(F), D(G), "user.armature"), EOPNOTSUPP);
    assert_int_equal(call(c, TXATTRCREATE, "dsqd", D(F), "user.armature", Q(3), D(0)), EOPNOTSUPP);
    assert_int_equal(call(c, TXATTRCREATE, "dsqd", D(F), "trusted.x", Q(3), D(0)), EOPNOTSUPP);
    if (!has_attributes)
        skip();
    assert_int_equal(call(c, TXATTRWALK, "dds", D(F), D(G), "user.none"), ENODATA);
    root(H);
    assert_int_equal(call(c, TXATTRCREATE, "dsqd", D(F), "user.a", Q(5), D(0)), 0);
    assert_int_equal(call(c, TWRITE, "dqp", D(F), Q(0), D(6), "123456"), EINVAL);
    write_text(F, 0, "123");
    write_text(F, 3, "45");
    clunk(F);
    assert_int_equal(getxattr("in/file", "user.a", value, sizeof value), 5);
    assert_memory_equal(value, "12345", 5);
    go(F, "file");
    assert_int_equal(call(c, TXATTRWALK, "dds", D(F), D(G), "user.a"), 0);
    assert_int_equal(p9_get64(&c->in), 5);
    expect_read(G, 0, 100, "12345");
    expect_read(G, 4, 100, "5");
    expect_read(G, 9, 100, "");
    assert_int_equal(call(c, TWALK, "ddw", D(G), D(40), 0), EINVAL);
    clunk(G);
    set_mode(F, 04400); /* makes a record, which is not listed */
    assert_int_equal(call(c, TXATTRWALK, "dds", D(F), D(G), ""), 0);
    assert_int_equal(p9_get64(&c->in), 7);
    assert_int_equal(call(c, TREAD, "dqd", D(G), Q(0), D(100)), 0);
    assert_memory_equal(c->in.at + 4, "user.a", 7);
    assert_int_equal(call(c, TXATTRCREATE, "dsqd", D(F), "user.a", Q(0), D(XATTR_REPLACE)), 0);
    clunk(F);
    assert_int_equal(getxattr("in/file", "user.a", value, sizeof value), -1);
    go(F, "file");
    assert_int_equal(call(c, TXATTRCREATE, "dsqd", D(F), "user.b", Q(1 << 30), D(0)), E2BIG);
    assert_int_equal(call(c, TXATTRCREATE, "dsqd", D(F), "user.b", Q(4), D(0)), 0);
    assert_int_equal(call(c, TCLUNK, "d", D(F)), EINVAL); /* not all was written */
}

/* ---- Locks ------------------------------------------------------------------------------------------- */

static int lock(uint32_t fid, unsigned type)
{
    assert_int_equal(call(c, TLOCK, "dbdqqds", fid, type, D(0), Q(0), Q(0), D(1), "guest"), 0);
    return p9_get8(&c->in);
}

static void test_locks(void **state)
{
    (void)state;
    enum { READ, WRITE, NONE };
    enum { SUCCESS, BLOCKED };
    go(F, "file");
    assert_int_equal(call(c, TLOCK, "dbdqqds", D(F), 0, D(0), Q(0), Q(0), D(1), "guest"), EBADF);
    open_fid(F, RDWR);
    assert_int_equal(lock(F, WRITE), SUCCESS);
    /* A program of the host sees it, and the other way round. */
    int fd = open("in/file", O_RDWR);
    struct flock mine = {.l_type = F_WRLCK};
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &mine), -1);
    assert_int_equal(lock(F, NONE), SUCCESS);
    mine = (struct flock){.l_type = F_WRLCK};
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &mine), 0);
    assert_int_equal(lock(F, WRITE), BLOCKED);
    assert_int_equal(call(c, TGETLOCK, "dbqqds", D(F), WRITE, Q(0), Q(0), D(1), "guest"), 0);
    assert_int_equal(p9_get8(&c->in), WRITE);
    close(fd);
    assert_int_equal(lock(F, READ), SUCCESS);
    /* Between programs of the guest the guest's kernel has decided. */
    go(G, "file");
    open_fid(G, RDWR);
    assert_int_equal(lock(G, WRITE), SUCCESS);
    assert_int_equal(call(c, TGETLOCK, "dbqqds", D(G), WRITE, Q(0), Q(0), D(1), "guest"), 0);
    assert_int_equal(p9_get8(&c->in), NONE);
    assert_int_equal(call(c, TLOCK, "dbdqqds", D(F), 9, D(0), Q(0), Q(0), D(1), "guest"), EINVAL);
    assert_int_equal(call(c, TLOCK, "dbdqqds", D(F), 0, D(0), Q(INT64_MAX), Q(5), D(1), "guest"), EINVAL);
}

/* ---- Read-only, bounds, state ------------------------------------------------------------------------ */

static void test_read_only(void **state)
{
    (void)state;
    share_again(true);
    go(F, "file");
    assert_int_equal(call(c, TLOPEN, "dd", D(F), D(RDWR)), EROFS);
    assert_int_equal(call(c, TLOPEN, "dd", D(F), D(RDONLY | TRUNC)), EROFS);
    open_fid(F, RDONLY);
    expect_read(F, 0, 100, "inside");
    assert_int_equal(call(c, TWRITE, "dqp", D(F), Q(0), D(1), "x"), EBADF);
    assert_int_equal(set_size(F, 0), EROFS);
    assert_int_equal(set_mode(F, 0777), EROFS);
    root(G);
    assert_int_equal(call(c, TLCREATE, "dsddd", D(G), "new", D(RDONLY), D(0644), D(0)), EROFS);
    assert_int_equal(call(c, TMKDIR, "dsdd", D(G), "new", D(0755), D(0)), EROFS);
    assert_int_equal(call(c, TSYMLINK, "dssd", D(G), "new", "x", D(0)), EROFS);
    assert_int_equal(call(c, TMKNOD, "dsdddd", D(G), "new", D(S_IFIFO), D(0), D(0), D(0)), EROFS);
    assert_int_equal(call(c, TLINK, "dds", D(G), D(F), "new"), EROFS);
    assert_int_equal(call(c, TRENAMEAT, "dsds", D(G), "file", D(G), "new"), EROFS);
    assert_int_equal(call(c, TRENAME, "dds", D(F), D(G), "new"), EROFS);
    assert_int_equal(call(c, TUNLINKAT, "dsd", D(G), "file", D(0)), EROFS);
    assert_int_equal(call(c, TXATTRCREATE, "dsqd", D(G), "user.a", Q(1), D(0)), EROFS);
    assert_int_equal(call(c, TREMOVE, "d", D(F)), EROFS);
    expect_text("in/file", "inside");
}

static void test_open_files_are_bounded(void **state)
{
    (void)state;
    struct rlimit limit, small;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    small = limit;
    small.rlim_cur = 300;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
    share_again(false);
    unsigned opened = 0;
    int error = 0;
    for (uint32_t fid = 100; !error && fid < 1000; fid++) {
        go(fid, "file");
        error = call(c, TLOPEN, "dd", fid, D(RDONLY));
        opened += !error;
    }
    assert_int_equal(error, EMFILE);
    assert_in_range(opened, 16, 200);
    go(F, "file"); /* the rest goes on */
    attributes(F);
    clunk(100);
    open_fid(F, RDONLY);
    share_again(false);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void test_state(void **state)
{
    (void)state;
    size_t size, again;
    go(F, "file");
    open_fid(F, RDWR | TRUNC);
    write_text(F, 0, "written");
    assert_int_equal(call(c, TWALK, "ddwss", D(ROOT), D(G), 2, "sub", "file"), 0);
    go(H, "sub");
    open_fid(H, RDONLY);
    put("in/gone", "x");
    go(20, "gone");
    open_fid(20, RDONLY);
    go(21, "gone");
    assert_int_equal(call(c, TUNLINKAT, "dsd", D(ROOT), "gone", D(0)), 0);
    put("in/vanishes", "x");
    go(22, "vanishes");
    open_fid(22, RDONLY);
    uint8_t *bytes = share_ops.save(c->share, &size);
    assert_int_equal(unlink("in/vanishes"), 0);
    put("in/vanishes", "another file");
    client_free(c);
    c = client_new("in", false, geteuid() ? USER : 0);
    assert_true(share_ops.load(c->share, bytes, size));
    expect_read(F, 0, 100, "written"); /* not truncated once more */
    write_text(F, 7, "!");
    expect_text("in/file", "written!");
    assert_int_equal(attributes(G).size, 5);
    assert_int_equal(call(c, TREADDIR, "dqd", D(H), Q(2), D(1000)), 0);
    assert_true(p9_get32(&c->in) > 0);
    assert_int_equal(call(c, TREAD, "dqd", D(20), Q(0), D(1)), ESTALE);
    assert_int_equal(call(c, TGETATTR, "dq", D(21), Q(0)), ENOENT);
    assert_int_equal(call(c, TREAD, "dqd", D(22), Q(0), D(1)), ESTALE);
    clunk(20);
    clunk(22);
    clunk(F);
    go(F, "file");
    free(bytes);
    bytes = share_ops.save(c->share, &size);
    assert_true(share_ops.load(c->share, bytes, size));
    uint8_t *more = share_ops.save(c->share, &again);
    assert_int_equal(size, again);
    assert_memory_equal(bytes, more, size);
    /* Damaged in any way, it is refused or makes sense. */
    for (size_t n = 0; n < size; n++) {
        assert_false(share_ops.load(c->share, bytes, n));
        bytes[n] ^= 0x55;
        share_ops.load(c->share, bytes, size);
        bytes[n] ^= 0x55;
    }
    assert_int_equal(client_attach(c, 0), 0);
    free(bytes);
    free(more);
}

static void test_no_folder(void **state)
{
    (void)state;
    Error err;
    assert_null(share_new(&(ShareSettings){.path = "none"}, &err));
    assert_string_equal(err.text, "cannot use none: No such file or directory");
    assert_null(share_new(&(ShareSettings){.path = "in/file"}, &err));
    assert_string_equal(err.text, "cannot use in/file: Not a directory");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_version),
        TEST(test_attach),
        TEST(test_damaged),
        TEST(test_walk),
        TEST(test_names_that_are_none),
        TEST(test_links_lead_nowhere),
        TEST(test_folder_becomes_link),
        TEST(test_read_write),
        TEST(test_create),
        TEST(test_unlinked),
        TEST(test_odd_files),
        TEST(test_readdir),
        TEST(test_cookies),
        TEST(test_rename),
        TEST(test_ring),
        TEST(test_link_and_remove),
        TEST(test_modes),
        TEST(test_owners),
        TEST(test_times),
        TEST(test_statfs),
        TEST(test_xattr),
        TEST(test_locks),
        TEST(test_read_only),
        TEST(test_open_files_are_bounded),
        TEST(test_state),
        TEST(test_no_folder),
    };
    for (int n = 1; n < argc; n++) {
        walk_only |= !strcmp(argv[n], "walk");
        if (!strcmp(argv[n], "user") && !geteuid() && (setgid(NOBODY) || setuid(NOBODY)))
            return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
