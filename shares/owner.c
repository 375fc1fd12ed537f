#define _GNU_SOURCE
#include "shares/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "machine/host_folder.h"

enum { MODES = 07777, HOST_MODES = 0777, FOLDER_MODES = 03777, RECORD_MOST = 64 };

/* What the attribute says, in this order, as text: "UID GID MODE HOST_MODE", with "-" for what it does not.
 */
typedef struct Record {
    bool has_owner, has_mode;
    uint32_t uid, gid;        /* guest's */
    uint32_t mode, host_mode; /* the guest's mode, valid while the host's is host_mode */
} Record;

void owners_init(Owners *owners, uint32_t guest_uid, uint32_t guest_gid)
{
    *owners = (Owners){geteuid(), getegid(), guest_uid, guest_gid};
}

/* The same in both directions. */
static uint32_t trade(uint32_t id, uint32_t host, uint32_t guest)
{
    return id == host ? guest : id == guest ? host : id;
}

static bool can_have_record(mode_t mode)
{
    return S_ISREG(mode) || S_ISDIR(mode);
}

static Record read_record(int fd, mode_t mode)
{
    char path[HOST_FD_PATH], text[RECORD_MOST];
    Record record = {0};
    if (!can_have_record(mode))
        return record;
    ssize_t size = getxattr(host_fd_path(fd, path), OWNER_ATTRIBUTE, text, sizeof text - 1);
    if (size <= 0)
        return record;
    text[size] = '\0';
    const char *rest = strchr(text, ' ') ? strchr(strchr(text, ' ') + 1, ' ') : NULL;
    record.has_owner = sscanf(text, "%u %u ", &record.uid, &record.gid) == 2;
    record.has_mode = rest && sscanf(rest, " %o %o", &record.mode, &record.host_mode) == 2;
    return record;
}

static int write_record(int fd, const Record *record)
{
    char path[HOST_FD_PATH], text[RECORD_MOST] = "- -";
    host_fd_path(fd, path);
    if (!record->has_owner && !record->has_mode)
        return removexattr(path, OWNER_ATTRIBUTE) && errno != ENODATA && errno != EOPNOTSUPP ? -errno : 0;
    if (record->has_owner)
        snprintf(text, sizeof text, "%u %u", record->uid, record->gid);
    size_t length = strlen(text);
    if (record->has_mode)
        snprintf(text + length, sizeof text - length, " %o %o", record->mode, record->host_mode);
    else
        snprintf(text + length, sizeof text - length, " - -");
    return setxattr(path, OWNER_ATTRIBUTE, text, strlen(text), 0) ? -errno : 0;
}

static void show(const Owners *owners, const Record *record, struct stat *st)
{
    st->st_uid = trade(st->st_uid, owners->host_uid, owners->guest_uid);
    st->st_gid = trade(st->st_gid, owners->host_gid, owners->guest_gid);
    if (record->has_owner) {
        st->st_uid = record->uid;
        st->st_gid = record->gid;
    }
    if (record->has_mode && record->host_mode == (st->st_mode & MODES))
        st->st_mode = (st->st_mode & ~(mode_t)MODES) | (record->mode & MODES);
}

void owner_show(const Owners *owners, int fd, struct stat *st)
{
    Record record = read_record(fd, st->st_mode);
    show(owners, &record, st);
}

/* ---- Owners ----------------------------------------------------------------------------------------- */

static int change_on_host(const Owners *owners, int fd, uint32_t uid, uint32_t gid)
{
    uid_t host_uid = trade(uid, owners->host_uid, owners->guest_uid);
    gid_t host_gid = trade(gid, owners->host_gid, owners->guest_gid);
    return fchownat(fd, "", host_uid, host_gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

int owner_change(const Owners *owners, int fd, uint32_t uid, uint32_t gid)
{
    struct stat st, seen;
    if (fstat(fd, &st))
        return -errno;
    Record record = read_record(fd, st.st_mode);
    seen = st;
    show(owners, &record, &seen);
    uid = uid == P9_NO_ID ? seen.st_uid : uid;
    gid = gid == P9_NO_ID ? seen.st_gid : gid;
    if (uid == seen.st_uid && gid == seen.st_gid)
        return 0;
    int bad = change_on_host(owners, fd, uid, gid);
    if (!bad && !record.has_owner)
        return 0;
    if (bad && bad != -EPERM)
        return bad;
    if (bad && !can_have_record(st.st_mode)) /* of a symbolic link it means nothing */
        return S_ISLNK(st.st_mode) ? 0 : bad;
    record.has_owner = bad;
    record.uid = uid;
    record.gid = gid;
    return write_record(fd, &record) == 0 ? 0 : bad ? bad : -EPERM;
}

/* ---- Modes ------------------------------------------------------------------------------------------ */

/* What the host's file gets: nothing that makes it run as somebody, and always access for its own user,
 * unless that is root, who has it anyway. */
static uint32_t mode_on_host(const Owners *owners, mode_t kind, uint32_t mode)
{
    if (S_ISDIR(kind))
        return (mode & FOLDER_MODES) | (owners->host_uid ? 0700 : 0);
    return (mode & HOST_MODES) | (owners->host_uid && S_ISREG(kind) ? 0600 : 0);
}

static int change_mode(int fd, uint32_t mode)
{
    char path[HOST_FD_PATH];
    return chmod(host_fd_path(fd, path), mode) ? -errno : 0;
}

int owner_change_mode(const Owners *owners, int fd, uint32_t mode)
{
    struct stat st;
    if (fstat(fd, &st))
        return -errno;
    if (S_ISLNK(st.st_mode))
        return -EOPNOTSUPP;
    mode &= MODES;
    Record record = read_record(fd, st.st_mode);
    uint32_t host_mode = mode_on_host(owners, st.st_mode, mode);
    int bad = (st.st_mode & MODES) == host_mode ? 0 : change_mode(fd, host_mode);
    bool had = record.has_mode;
    record.has_mode = host_mode != mode && can_have_record(st.st_mode);
    record.mode = mode;
    record.host_mode = host_mode;
    if (bad || (!had && !record.has_mode) || !write_record(fd, &record))
        return bad;
    /* No attributes there: the permissions as they are, without the rest. */
    uint32_t plain = mode & (S_ISDIR(st.st_mode) ? FOLDER_MODES : HOST_MODES);
    return plain == host_mode ? 0 : change_mode(fd, plain);
}

int owner_created(const Owners *owners, int fd, uint32_t uid, uint32_t gid, uint32_t mode)
{
    owner_change(owners, fd, uid, gid);
    return owner_change_mode(owners, fd, mode);
}
