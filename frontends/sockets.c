#define _GNU_SOURCE
#include "frontends/sockets.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { STREAM = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, BACKLOG = 4, CONNECT_MS = 10000 };

/* ---- UNIX --------------------------------------------------------------------------------------------- */

/* What is at the path: a socket that is in use, one that can be removed, or something else. */
static bool make_way(const char *path, const struct sockaddr_un *address, Error *err)
{
    struct stat status;
    if (lstat(path, &status))
        return errno == ENOENT || error_set(err, "cannot listen at %s: %s", path, strerror(errno));
    if (!S_ISSOCK(status.st_mode))
        return error_set(err, "cannot listen at %s: there is a file that is no socket", path);
    int fd = socket(AF_UNIX, STREAM, 0);
    int error = fd < 0 || !connect(fd, (const struct sockaddr *)address, sizeof *address) ? 0 : errno;
    if (fd >= 0)
        close(fd);
    if (error != ECONNREFUSED && error != ENOENT)
        return error_set(err, "cannot listen at %s: another program listens there", path);
    if (unlink(path) && errno != ENOENT)
        return error_set(err, "cannot replace the old socket %s: %s", path, strerror(errno));
    return true;
}

/* The socket's own mode becomes that of the file, so there is no moment at which others could connect. */
static bool bind_unix(UnixListener *listener, const struct sockaddr_un *address, Error *err)
{
    struct stat status;
    listener->fd = socket(AF_UNIX, STREAM, 0);
    if (listener->fd < 0 || fchmod(listener->fd, 0600) ||
        bind(listener->fd, (const struct sockaddr *)address, sizeof *address))
        return error_set(err, "cannot listen at %s: %s", address->sun_path, strerror(errno));
    listener->path = strdup(address->sun_path);
    if (!listener->path)
        abort();
    if (lstat(listener->path, &status) || listen(listener->fd, BACKLOG))
        return error_set(err, "cannot listen at %s: %s", listener->path, strerror(errno));
    listener->device = status.st_dev;
    listener->inode = status.st_ino;
    return true;
}

bool unix_listen(UnixListener *listener, const char *path, Error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *listener = (UnixListener){.fd = -1};
    if (!*path || strlen(path) >= sizeof address.sun_path)
        return error_set(err, "cannot listen at %s: a socket's path has 1 to %zu characters", path,
                         sizeof address.sun_path - 1);
    strcpy(address.sun_path, path);
    if (make_way(path, &address, err) && bind_unix(listener, &address, err))
        return true;
    unix_listener_close(listener);
    return false;
}

void unix_listener_close(UnixListener *listener)
{
    struct stat status;
    if (listener->fd >= 0)
        close(listener->fd);
    if (listener->path && !lstat(listener->path, &status) && status.st_dev == listener->device &&
        status.st_ino == listener->inode)
        unlink(listener->path);
    free(listener->path);
    *listener = (UnixListener){.fd = -1};
}

/* ---- TCP ---------------------------------------------------------------------------------------------- */

struct addrinfo *tcp_resolve(const char *host, const char *port, bool listens, Error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *list = NULL;
    hints.ai_flags |= listens ? AI_PASSIVE : 0;
    int error = getaddrinfo(host ? host : "127.0.0.1", port, &hints, &list);
    if (!error)
        return list;
    error_set(err, "cannot find the host %s: %s", host ? host : "127.0.0.1",
              error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
    return NULL;
}

static int listen_at(const struct addrinfo *info)
{
    int fd = socket(info->ai_family, STREAM, 0), yes = 1;
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (!bind(fd, info->ai_addr, info->ai_addrlen) && !listen(fd, BACKLOG))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

int tcp_listen(const char *host, const char *port, Error *err)
{
    struct addrinfo *list = tcp_resolve(host, port, true, err);
    int fd = -1;
    if (!list)
        return -1;
    for (struct addrinfo *info = list; info && fd < 0; info = info->ai_next)
        fd = listen_at(info);
    if (fd < 0)
        error_set(err, "cannot listen at %s port %s: %s", host ? host : "127.0.0.1", port, strerror(errno));
    freeaddrinfo(list);
    return fd;
}

int tcp_connect_begin(const struct addrinfo *info)
{
    int fd = socket(info->ai_family, STREAM, 0);
    if (fd < 0 || !connect(fd, info->ai_addr, info->ai_addrlen) || errno == EINPROGRESS)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

int tcp_connect_error(int fd)
{
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) ? errno : error;
}

/* Waits for one attempt; -1 with errno. */
static int connect_to(const struct addrinfo *info)
{
    int fd = tcp_connect_begin(info), error = ETIMEDOUT;
    if (fd < 0)
        return -1;
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    if (poll(&ready, 1, CONNECT_MS) > 0)
        error = tcp_connect_error(fd);
    if (!error)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

int tcp_connect(const char *host, const char *port, Error *err)
{
    struct addrinfo *list = tcp_resolve(host, port, false, err);
    int fd = -1;
    if (!list)
        return -1;
    for (struct addrinfo *info = list; info && fd < 0; info = info->ai_next)
        fd = connect_to(info);
    if (fd < 0)
        error_set(err, "cannot connect to %s port %s: %s", host ? host : "127.0.0.1", port, strerror(errno));
    freeaddrinfo(list);
    return fd;
}

void tcp_own_address(int fd, char *text, unsigned size)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char host[128], port[16];
    snprintf(text, size, "?");
    if (getsockname(fd, (struct sockaddr *)&address, &length) ||
        getnameinfo((struct sockaddr *)&address, length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV))
        return;
    snprintf(text, size, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}
