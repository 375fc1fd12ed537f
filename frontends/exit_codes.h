/* What the process's exit code says. docs/exit-codes.md and the man page list the same. */
#ifndef ARMATURE_FRONTENDS_EXIT_CODES_H
#define ARMATURE_FRONTENDS_EXIT_CODES_H

enum {
    EXIT_OFF = 0,         /* the guest powered off, a script ended well, or the user left */
    EXIT_GUEST_MOST = 63, /* 1 to 63: the guest or a script chose this code; greater ones become 63 */
    EXIT_USAGE = 64,      /* bad option, configuration or file */
    EXIT_SCRIPT = 65,     /* a script failed: expect, error, assertion */
    EXIT_PANIC = 66,      /* the guest's kernel panicked */
    EXIT_HANG = 67,       /* the watchdog found a guest that will not go on */
    EXIT_TIMEOUT = 68,    /* --timeout passed */
    EXIT_REBOOT = 69,     /* the guest rebooted, with --no-reboot */
    EXIT_HOST = 70,       /* the emulator or the host failed */
    EXIT_DIVERGED = 71,   /* --replay: the run went another way than the recorded one */
    EXIT_SIGNAL = 128     /* + n: signal n ended the program */
};

#endif
