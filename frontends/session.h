/* A session: one machine, the host around it, and how it ends. Terminal, scripts, control socket and watchdog
 * are parts that attach to a session; they know it, not each other.
 *
 * All of it runs on the machine's thread, between instructions: parts act from loop callbacks and from
 * events. An event that is posted while an instruction executes (a character that the guest sends) is
 * delivered after that instruction and before the next one, so that a script that waits for a text acts at
 * the same instruction in every deterministic run. */
#ifndef ARMATURE_FRONTENDS_SESSION_H
#define ARMATURE_FRONTENDS_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontends/loop.h"
#include "frontends/options.h"
#include "machine/machine.h"

typedef enum SessionEventKind {
    SESSION_OUTPUT,   /* serial output: port, data, length */
    SESSION_PROGRESS, /* text: what long work is at */
    SESSION_PANIC,    /* text: summary of the guest's panic or oops */
    SESSION_SILENCE,  /* text: the watchdog's explanation */
    SESSION_RESET,    /* the machine was reset */
    SESSION_PAUSED,
    SESSION_RESUMED,
    SESSION_STOPPED,   /* code, text: the session is about to end */
    SESSION_OFF,       /* the guest switched the machine off; without a reset now, the session ends */
    SESSION_BREAKPOINT /* a CPU stopped at one, or after a watched access, and the machine is paused: cpu, pc,
                          text */
} SessionEventKind;

typedef struct SessionEvent {
    SessionEventKind kind;
    unsigned port;
    const uint8_t *data;
    size_t length;
    const char *text;
    int code;
    unsigned cpu;
    uint32_t pc;
} SessionEvent;

typedef struct Session Session;
typedef struct SessionListener SessionListener;

/* Builds the machine, loads the images. NULL with err and *code (EXIT_*) set. options outlives the session.
 */
Session *session_new(const Options *options, Log *log, int *code, Error *err);
void session_free(Session *session);

/* Runs until the session ends; returns the process's exit code. */
int session_run(Session *session);

Machine *session_machine(Session *session);
Loop *session_loop(Session *session);
const Options *session_options(const Session *session);
/* What a serial port has shown. */
struct Transcript *session_transcript(Session *session, unsigned port);
struct KernelLines *session_kernel_lines(Session *session, unsigned port);
/* The session's parts; NULL while it is being built. */
struct Watchdog *session_watchdog(Session *session);
struct SerialBackends *session_serial(Session *session);
struct Screen *session_screen(Session *session);
struct Hands *session_hands(Session *session);
struct Disks *session_disks(Session *session);
struct Networks *session_networks(Session *session);
struct Snapshots *session_snapshots(Session *session);
struct Past *session_past(Session *session); /* NULL: no history */
struct Migrations *session_migrations(Session *session);
struct Recorder *session_recorder(Session *session); /* NULL: nothing is recorded or replayed */

/* The first call decides code (EXIT_*) and text (one line for the user, copied; NULL: nothing to say); the
 * session ends after the current instruction. */
void session_end(Session *session, int code, const char *text);
bool session_ending(const Session *session);
/* The guest switched the machine off, and nobody has reset it since. */
bool session_off(const Session *session);
/* The text of session_end(); NULL if there was none. */
const char *session_end_text(const Session *session);

SessionListener *session_listen(Session *session, void (*event)(void *opaque, const SessionEvent *event),
                                void *opaque);
void session_unlisten(SessionListener *listener); /* NULL is allowed */
/* Of SESSION_OUTPUT, several characters may be delivered as one event: whole lines, or what there is when the
 * session looks at the host. */
void session_post(Session *session, const SessionEvent *event);

/* Writes what the guest has sent and what waits for the next look at the host, as far as it goes at once. To
 * be called before anything else is written to stdout or stderr that belongs behind it. */
void session_flush_output(Session *session);
/* "armature: " and a line for the user on stderr, behind what the guest has sent, which may have left the
 * cursor in the middle of a line. */
void session_say(Session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Work for later: after the current instruction and before the next one, in the order asked for. The task is
 * the caller's and stays until it ran or was taken back; asking twice is asking once. */
typedef struct SessionTask SessionTask;
struct SessionTask {
    void (*run)(void *opaque);
    void *opaque;
    SessionTask *next;
    bool waiting;
};
void session_later(Session *session, SessionTask *task);
void session_not_later(Session *session, SessionTask *task);

/* A number that this session has not used before: 1, 2, 3 ... */
unsigned session_number(Session *session);

/* Serves the host once while something else takes long (a script that computes): events wait. */
void session_serve(Session *session);

/* Stops and restarts virtual time and the guest; nested calls do not count. */
void session_pause(Session *session);
void session_resume(Session *session);
bool session_paused(const Session *session);
/* The machine stands still whatever anybody says: it runs in another process now, or may. */
void session_set_away(Session *session, bool away);
/* Somebody could let a paused machine go on: at the terminal, on the control socket, or at a window. */
bool session_attended(const Session *session);
/* From now on there is a window. */
void session_attend(Session *session);

/* Calls look(opaque) when the guest may have run since the last call: every millisecond, and before it
 * sleeps. One for each session; NULL: none. */
void session_on_look(Session *session, void (*look)(void *opaque), void *opaque);

/* Pauses the machine and tells everybody if a CPU has stopped at a breakpoint; true if so. Whoever lets the
 * machine execute otherwise than by machine_run() asks afterwards. */
bool session_note_stop(Session *session);
/* Pauses the machine, and executes so many instructions of one CPU, or fewer: up to a breakpoint or a watched
 * access, which this returns true for, or until it sleeps. A request that it makes (power, reset) is carried
 * out when the machine runs, which it then does. */
bool session_step(Session *session, unsigned cpu, uint64_t count, uint64_t *executed);
/* The order in which several CPUs run is that of a recording: none can step alone. */
bool session_order_is_recorded(const Session *session);
/* A stop that nobody who waits for one was told of, while the machine still stands there: which CPU it was.
 * False: there is none, or not any more. */
bool session_take_stop(Session *session, unsigned *cpu);

/* The machine has the state of a snapshot now. */
void session_loaded(Session *session);

/* Reset as by the board's button: images are loaded again. False with err set if they cannot be. */
bool session_reset(Session *session, Error *err);
/* The same, when the journal or the guest wants it. */
bool session_reset_now(Session *session, Error *err);

/* The power goes off, as by the board's button. False: a recording is being replayed. */
bool session_power_off(Session *session);

#endif
