#include "net/pcap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The file's header; link type 1 is Ethernet. */
enum { MAGIC_NS = (int)0xa1b23c4d, LONGEST = 262144, ETHERNET = 1 };

struct Pcap {
    FILE *file;
    int error; /* errno of the first frame that was lost */
    char *path;
};

Pcap *pcap_new(const char *path, Error *err)
{
    uint32_t header[] = {(uint32_t)MAGIC_NS, 2 | 4 << 16, 0, 0, LONGEST, ETHERNET};
    Pcap *pcap = calloc(1, sizeof *pcap);
    if (!pcap || !(pcap->path = strdup(path)))
        abort();
    pcap->file = fopen(path, "wbe");
    if (pcap->file && fwrite(header, sizeof header, 1, pcap->file) == 1 && !fflush(pcap->file))
        return pcap;
    error_set(err, "cannot write the capture to %s: %s", path, strerror(errno));
    if (pcap->file)
        fclose(pcap->file);
    free(pcap->path);
    free(pcap);
    return NULL;
}

void pcap_frame(Pcap *pcap, uint64_t ns, const uint8_t *frame, size_t length)
{
    uint32_t record[] = {(uint32_t)(ns / 1000000000u), (uint32_t)(ns % 1000000000u), (uint32_t)length,
                         (uint32_t)length};
    if (pcap->error)
        return;
    bool written = fwrite(record, sizeof record, 1, pcap->file) == 1 &&
                   fwrite(frame, length, 1, pcap->file) == 1 && !fflush(pcap->file);
    if (!written)
        pcap->error = errno ? errno : EIO;
}

bool pcap_close(Pcap *pcap, Error *err)
{
    if (!pcap)
        return true;
    int error = fclose(pcap->file) && !pcap->error ? errno : pcap->error;
    if (error)
        error_set(err, "the capture in %s is not complete: %s", pcap->path, strerror(error));
    free(pcap->path);
    free(pcap);
    return !error;
}
