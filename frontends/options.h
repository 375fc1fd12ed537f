/* The command line of `armature`. */
#ifndef ARMATURE_FRONTENDS_OPTIONS_H
#define ARMATURE_FRONTENDS_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "machine/boot.h"
#include "machine/error.h"
#include "machine/machine.h"

enum {
    OPTIONS_MAX_FORWARDS = 64,
    OPTIONS_MAX_UNTIL = 8,
    OPTIONS_MAX_SCREENSHOTS = 64,
    OPTIONS_MAX_FONTS = 8,
    OPTIONS_MAX_DISKS = 10,
    OPTIONS_MAX_HASHES = 64
};

typedef enum WindowWish { WINDOW_AUTO, WINDOW_ALWAYS, WINDOW_NEVER } WindowWish;

#define FIXED_DATE "2025-01-01" /* of deterministic runs */

typedef struct Options {
    MachineOptions machine;
    BootOptions boot;
    const char *serial[SERIAL_PORTS];    /* see serial_backend.h */
    unsigned serial_count;               /* how many UARTs were given */
    const char *disk[OPTIONS_MAX_DISKS]; /* --disk, see disk_spec.h */
    unsigned disk_count;
    const char *share[SHARES];         /* --share: see share_spec.h */
    const char *audio;                 /* see audio.h */
    const char *net[NET_PORTS];        /* --net, without those that are none; see net_spec.h */
    NetPortNumber net_port[NET_PORTS]; /* the controller that each is for */
    unsigned net_count;
    bool lan9118;                              /* one of them is for the board's own controller */
    const char *forward[OPTIONS_MAX_FORWARDS]; /* --forward */
    unsigned forward_count;
    const char *log_kinds;  /* --log */
    const char *log_filter; /* --log-filter: instance names, separated by commas; NULL: all */
    const char *log_file;
    bool list_unmodelled; /* --list-unmodelled: at the end, the registers that were used and are not modelled
                           */
    bool stats;           /* --stats: counters at the end */
    const char *script;   /* --script FILE; what follows -- are its arguments */
    char **script_args;
    int script_arg_count;
    const char *until[OPTIONS_MAX_UNTIL]; /* --until TEXT: end well when the first port shows it */
    unsigned until_count;
    const char *send; /* --send TEXT: C escapes are resolved; sent after --until matched, else at the start */
    const char *snapshot;                 /* --load FILE: a snapshot to go on from; NULL: none */
    const char *incoming;                 /* --incoming PLACE: a machine that comes; NULL: none */
    bool force;                           /* whatever the disks are */
    const char *record;                   /* --record FILE: the run, to be repeated; NULL: no */
    const char *replay;                   /* --replay FILE; NULL: no */
    uint64_t history;                     /* --history SIZE: bytes; 0: no history */
    uint64_t hash_at[OPTIONS_MAX_HASHES]; /* --hash-at N: instructions */
    unsigned hash_at_count;
    uint64_t timeout_ns;    /* --timeout SECONDS of guest time; 0: none */
    bool monitor;           /* --monitor: the terminal is the monitor, not the first serial port */
    const char *control;    /* --control PATH */
    const char *gdb;        /* --gdb PLACE */
    const char *screenshot; /* --screenshot FILE: the picture at the end */
    uint64_t screenshot_at[OPTIONS_MAX_SCREENSHOTS]; /* --screenshot-at SECONDS: guest ns */
    unsigned screenshot_at_count;
    const char *screen_font[OPTIONS_MAX_FONTS]; /* --screen-font FILE */
    unsigned screen_font_count;
    const char *record_screen;                    /* --record-screen PATH */
    unsigned record_rate;                         /* --record-rate N: frames a second */
    const struct KeyboardLayout *keyboard_layout; /* --keyboard-layout NAME: what the guest has set up */
    uint64_t key_pause_ns;       /* --key-pause SECONDS: guest time between two movements of keys */
    bool no_reboot;              /* --no-reboot */
    bool semihosting;            /* --semihosting */
    const char *semihosting_dir; /* --semihosting-dir DIR: files it may use; NULL: none */
    bool test_device;            /* --test-device */
    unsigned watchdog;           /* --watchdog SECONDS of host time without output; 0: off */
    bool watchdog_given;
    bool ignore_panic;   /* --ignore-panic: a kernel panic does not end the run */
    const char *symbols; /* --symbols vmlinux|System.map */
    bool rtc_given;
    bool rtc_host, rtc_frozen; /* --rtc host, --rtc frozen; neither: a date */
    WindowWish window;         /* --display */
    bool full_screen;          /* --full-screen */
    int escape_key; /* --escape-key: the character that opens the terminal's menu (1: Ctrl-A); -1: none */
    int status_fd;  /* --status-fd: a line there for each SESSION_PROGRESS; -1: none */
    bool help, version, print_config;
    const char *help_topic;    /* --help TOPIC; NULL: everything */
    struct Settings *settings; /* what the above was made from */
} Options;

/* Fills options from, in ascending order, built-in defaults, the user's configuration file, --config FILE,
 * the environment (ARMATURE_NAME) and the command line; see docs/configuration.md. The strings of argv and
 * the environment are kept, not copied. Call options_free() after success; on failure nothing is left. */
bool options_parse(Options *options, int argc, char **argv, Error *err);
void options_free(Options *options);

/* --help: everything, or what `topic` (an option or a group) means. False with err set if there is no such
 * topic. */
bool options_help(FILE *out, const char *topic, Error *err);

/* --print-config: the effective configuration as a configuration file, with the source of each value. */
void options_print_config(const Options *options, FILE *out);

/* What the machine is, as a configuration file: for recordings. rtc_base: its date at power-on. */
void options_print_machine(const Options *options, uint32_t rtc_base, FILE *out);

#endif
