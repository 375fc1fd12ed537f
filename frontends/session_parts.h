/* What the files of a session have in common; nobody else sees it. */
#ifndef ARMATURE_FRONTENDS_SESSION_PARTS_H
#define ARMATURE_FRONTENDS_SESSION_PARTS_H

#include <signal.h>

#include "frontends/audio.h"
#include "frontends/control.h"
#include "frontends/disks.h"
#include "frontends/gdb.h"
#include "frontends/hands.h"
#include "frontends/kernel_lines.h"
#include "frontends/migration.h"
#include "frontends/monitor.h"
#include "frontends/networks.h"
#include "frontends/past.h"
#include "frontends/recorder.h"
#include "frontends/screen.h"
#include "frontends/script.h"
#include "frontends/serial_backend.h"
#include "frontends/session.h"
#include "frontends/session_events.h"
#include "frontends/shares.h"
#include "frontends/snapshots.h"
#include "frontends/transcript.h"
#include "frontends/watchdog.h"

struct Session {
    Options options;
    Machine *machine;
    Loop *loop;
    SessionEvents *events;
    Transcript *transcript[SERIAL_PORTS];
    KernelLines *kernel_lines[SERIAL_PORTS];
    SerialBackends *serial;
    Audio *audio;
    Disks *disks;
    Networks *networks;
    Shares *shares;
    Watchdog *watchdog;
    Screen *screen;
    Hands *hands;
    Snapshots *snapshots;
    Recorder *recorder;
    Past *past; /* NULL: no history */
    Migrations *migrations;
    Script *script;
    Snapshot *saved;  /* while the machine is built: --load */
    Incoming *coming; /* the same: --incoming */
    uint64_t loaded[2];
    bool was_loaded;  /* from the snapshot with this identity */
    Console *console; /* the monitor's; the serial ports have their own */
    Monitor *monitor;
    Control *control;
    Gdb *gdb;
    Timer timeout;
    int signal_fd;
    sigset_t old_signals;
    uint64_t looked; /* host ns at the last look at descriptors */
    void (*on_look)(void *opaque);
    void *on_look_opaque;
    bool paused, held, away, ending, off, ran, attended;
    bool stopped; /* at a breakpoint, which nobody has taken notice of */
    unsigned stopped_cpu;
    unsigned number;
    int code;
    char *end_text;
};

/* ---- session.c ---- */

/* Loads the images that the options name. What is on a disk may be another kernel than the last time. */
bool session_load_images(Session *session, Error *err);

/* Virtual time stands still as long as there is a reason, or goes on. */
void session_hold_time(Session *session);

/* ---- session_run.c ---- */

/* Machine.poll; opaque is the session. */
bool session_poll(void *session, uint64_t timeout_ns);

#endif
