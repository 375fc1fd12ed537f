/* Two machines of one process, one that leaves and one that comes, with a wire between them that can be cut.
 */
#ifndef ARMATURE_TESTS_SNAPSHOT_MIGRATE_ENDS_H
#define ARMATURE_TESTS_SNAPSHOT_MIGRATE_ENDS_H

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "images/image.h"
#include "machine/machine.h"
#include "snapshot/migrate.h"

/* ---- The machine that comes ---- */

typedef struct Comer {
    int fd;
    const char *disk; /* NULL: none */
    bool temporary;   /* its changes are in an overlay */
    bool keeps_disk;  /* and goes before it has said that it is ready */
    pthread_t thread;
    Machine *machine;
    bool runs, paused;
    Error err;
} Comer;

static inline bool comer_disk(Comer *comer, Error *err)
{
    DiskImage image;
    DiskSlot *slot = &comer->machine->env.disk[DISK_SLOT_VIRTIO];
    bool deterministic = comer->machine->options.deterministic;
    if (!comer->disk || slot->disk)
        return true;
    if (!image_open(&image, &(ImageOptions){.path = comer->disk, .temporary = comer->temporary}, err))
        return false;
    disk_slot_set(slot, disk_new("disk0", image.ops, image.medium, &image.info,
                                 deterministic ? comer->machine->clock : NULL, comer->machine->arrivals));
    return true;
}

static inline bool comer_takes(Comer *comer, Incoming *in, Error *err)
{
    MachineOptions options = {.jit = {.mode = JIT_OFF}};
    if (!snapshot_options(incoming_build(in), &options, err) ||
        !(comer->machine = machine_new(&options, log_new(NULL), err)))
        return false;
    machine_hold_time(comer->machine, true);
    if (incoming_has_disks(in) &&
        (!comer_disk(comer, err) || !incoming_take_disks(in, comer->machine, false, err)))
        return false;
    if (!incoming_receive(in, comer->machine, err) || !comer_disk(comer, err))
        return false;
    if (comer->keeps_disk)
        return error_set(err, "it keeps the disk");
    return incoming_load(in, comer->machine, false, err) && incoming_take_over(in, &comer->paused, err);
}

static inline void *comer_run(void *opaque)
{
    Comer *comer = opaque;
    Incoming *in = incoming_begin(comer->fd, -1, &comer->err);
    comer->runs = in && comer_takes(comer, in, &comer->err);
    if (in && !comer->runs)
        incoming_refuse(in, comer->err.text);
    incoming_free(in);
    return NULL;
}

static inline void comer_start(Comer *comer, int fd)
{
    comer->fd = fd;
    if (pthread_create(&comer->thread, NULL, comer_run, comer))
        abort();
}

static inline void machine_end(Machine *machine)
{
    if (!machine)
        return;
    disk_free(disk_slot_set(&machine->env.disk[DISK_SLOT_VIRTIO], NULL));
    machine_free(machine);
}

/* ---- The wire ---- */

typedef struct Wire {
    int leaver, comer;  /* the ends that we have */
    size_t forth, back; /* bytes that pass before it is cut; SIZE_MAX: all */
    size_t went, came;  /* that have */
    size_t flip;        /* bit of the way forth that is turned; SIZE_MAX: none */
    uint8_t *kept;      /* what went forth; NULL: it is not kept */
    size_t room;
    pthread_t thread;
} Wire;

/* False: it is cut. */
static inline bool wire_pass(Wire *wire, int from, int to, size_t *passed, size_t most, bool forth)
{
    uint8_t data[65536];
    size_t left = most - *passed;
    ssize_t got = recv(from, data, left < sizeof data ? left : sizeof data, MSG_DONTWAIT);
    if (got < 0)
        return true;
    if (!got)
        return false;
    if (forth && wire->flip / 8 >= *passed && wire->flip / 8 - *passed < (size_t)got)
        data[wire->flip / 8 - *passed] ^= (uint8_t)(1 << wire->flip % 8);
    if (forth && wire->kept && *passed + (size_t)got <= wire->room)
        memcpy(wire->kept + *passed, data, (size_t)got);
    *passed += (size_t)got;
    for (ssize_t done = 0, some; done < got; done += some)
        if ((some = send(to, data + done, (size_t)(got - done), MSG_NOSIGNAL)) <= 0)
            return false;
    return *passed < most;
}

static inline void *wire_run(void *opaque)
{
    Wire *wire = opaque;
    bool whole = wire->forth && wire->back;
    while (whole) {
        struct pollfd fds[] = {
            {.fd = wire->leaver, .events = POLLIN},
            {.fd = wire->comer,  .events = POLLIN}
        };
        poll(fds, 2, -1);
        if (fds[1].revents)
            whole = wire_pass(wire, wire->comer, wire->leaver, &wire->came, wire->back, false);
        if (whole && fds[0].revents)
            whole = wire_pass(wire, wire->leaver, wire->comer, &wire->went, wire->forth, true);
    }
    close(wire->leaver);
    close(wire->comer);
    return NULL;
}

/* Gives the ends for the machines: not blocking. */
static inline void wire_start(Wire *wire, int *leaver, int *comer)
{
    int one[2], two[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, one) || socketpair(AF_UNIX, SOCK_STREAM, 0, two))
        abort();
    *leaver = one[0];
    *comer = two[0];
    wire->leaver = one[1];
    wire->comer = two[1];
    fcntl(*leaver, F_SETFL, O_NONBLOCK);
    fcntl(*comer, F_SETFL, O_NONBLOCK);
    if (pthread_create(&wire->thread, NULL, wire_run, wire))
        abort();
}

/* ---- The machine that leaves ---- */

typedef struct Leaver {
    Machine *machine;
    Migration *migration;
    int fd, ended[2];
    /* Called before each step; may be NULL. */
    void (*between)(void *opaque);
    void *opaque;
} Leaver;

static inline int leaver_connect(void *opaque, Error *err)
{
    Leaver *leaver = opaque;
    int fd = leaver->fd;
    leaver->fd = -1;
    return fd >= 0 ? fd : (error_set(err, "nobody is there"), -1);
}

static inline void leaver_ended(void *opaque)
{
    if (write(((Leaver *)opaque)->ended[1], "", 1) != 1)
        abort();
}

/* The whole way; MIGRATION_REFUSED also if a round failed. The migration is there until leaver_end(). */
static inline MigrationEnd leaver_go(Leaver *leaver, unsigned rounds, uint64_t downtime_ns, Error *err)
{
    bool waits = !leaver->machine->options.deterministic;
    char byte;
    const MigrationWish wish = {.connect = leaver_connect,
                                .connect_opaque = leaver,
                                .rounds = rounds,
                                .downtime_ns = downtime_ns,
                                .ended = waits ? leaver_ended : NULL,
                                .opaque = leaver};
    if (pipe(leaver->ended))
        abort();
    machine_hold_time(leaver->machine, true);
    leaver->migration = migration_begin(leaver->machine, &wish, err);
    if (!leaver->migration)
        return MIGRATION_REFUSED;
    for (;;) {
        if (waits && read(leaver->ended[0], &byte, 1) != 1)
            abort();
        if (leaver->between)
            leaver->between(leaver->opaque);
        MigrationStep step = migration_step(leaver->migration, err);
        if (step == MIGRATION_FAILED)
            return MIGRATION_REFUSED;
        if (step == MIGRATION_LAST)
            return migration_hand_over(leaver->migration, false, err);
    }
}

static inline void leaver_end(Leaver *leaver)
{
    migration_free(leaver->migration);
    leaver->migration = NULL;
    if (leaver->fd >= 0)
        close(leaver->fd);
    close(leaver->ended[0]);
    close(leaver->ended[1]);
}

#endif
