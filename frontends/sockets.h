/* Sockets that programs on the host connect to, and the other way round. All descriptors are non-blocking and
 * closed on exec. Errors name the address. */
#ifndef ARMATURE_FRONTENDS_SOCKETS_H
#define ARMATURE_FRONTENDS_SOCKETS_H

#include <netdb.h>
#include <sys/stat.h>

#include "machine/error.h"

/* A UNIX socket in the file system that this process listens on. */
typedef struct UnixListener {
    int fd; /* -1: none */
    char *path;
    dev_t device; /* what is at the path now, so that nobody else's file is removed at the end */
    ino_t inode;
} UnixListener;

/* Listens at path, with mode 0600. A socket that nobody listens at any more is replaced; one that is in use,
 * and anything that is no socket, is an error. path is copied. */
bool unix_listen(UnixListener *listener, const char *path, Error *err);
void unix_listener_close(UnixListener *listener); /* removes the socket */

/* Listens at host (NULL: 127.0.0.1) and port ("0": any free one); -1 with err set on failure. */
int tcp_listen(const char *host, const char *port, Error *err);

/* Connects; waits at most 10 seconds. -1 with err set on failure. */
int tcp_connect(const char *host, const char *port, Error *err);

/* The same in steps. The addresses of a host: freed with freeaddrinfo(); NULL with err set on failure. */
struct addrinfo *tcp_resolve(const char *host, const char *port, bool listens, Error *err);

/* Begins to connect: when the descriptor is ready for writing, tcp_connect_error() says how it went (an
 * errno, 0: it is connected). -1 with errno set on failure. */
int tcp_connect_begin(const struct addrinfo *info);
int tcp_connect_error(int fd);

/* "127.0.0.1:4000" or "[::1]:4000": the socket's own address. */
void tcp_own_address(int fd, char *text, unsigned size);

#endif
