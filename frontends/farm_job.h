/* What the parts of `armature farm` share: options, jobs, and what is known about them. */
#ifndef ARMATURE_FRONTENDS_FARM_JOB_H
#define ARMATURE_FRONTENDS_FARM_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "frontends/settings.h"

enum { FARM_FAILED = 1, FARM_MOST_AT_ONCE = 1024, FARM_STATUS_FD = 3 };

/* Text pieces in order, with NULL behind the last. */
typedef struct Words {
    char **word;
    unsigned count, capacity;
} Words;

typedef struct FarmOptions {
    unsigned jobs; /* at once; 0: one for each processor */
    const char *jobs_file;
    const char *log_dir;
    const char *junit;
    uint64_t time_limit, job_limit; /* ns of the host's time, 0: none */
    unsigned retries;
    unsigned tail; /* lines of a failed job's output to show */
    bool fail_fast;
    bool help;
} FarmOptions;

typedef enum JobState {
    JOB_WAITS,
    JOB_RUNS,
    JOB_PASSED,
    JOB_FAILED,
    JOB_BROKEN, /* it never ran, for want of something on the host */
    JOB_LEFT    /* the farm ended before it did */
} JobState;

typedef struct Job {
    const char *name;    /* differs from all others and can be a file name */
    const char *path;    /* of an image on the command line; NULL: from a jobs file */
    const char *renamed; /* for use while names are made */
    Words argv;          /* of the emulator */
    JobState state;
    unsigned attempt; /* 1: the first */
    pid_t pid;
    int status_fd;
    char status[256];       /* what it said it is at; "": nothing yet */
    char reason[256];       /* why it failed, or was left */
    Words earlier;          /* why the attempts before this one failed */
    const char *log;        /* of the last attempt */
    uint64_t started, took; /* ns: when the attempt began, by the monotonic clock; what it took */
    uint64_t kill_at;       /* when patience ends after SIGTERM; UINT64_MAX: it was not asked to end */
    bool over_limit;        /* it is being ended because of --job-time-limit */
} Job;

typedef struct Farm {
    FarmOptions options;
    const char *suite; /* what the jobs have in common, for reports: the script's name */
    Job *job;
    unsigned count;
    unsigned running, passed, failed, left; /* jobs in these states; failed includes broken ones */
    uint64_t started;
    int stop_signal;   /* the signal that ended the farm; 0: none */
    const char *stop;  /* why no more jobs are started; NULL: more may be */
    int code;          /* overall exit code, as far as stop or the host decided it */
    Settings *strings; /* keeps all texts */
} Farm;

/* ---- farm_options.c ---- */

/* Reads the command line: options of the farm, options for every job (as words in `common`), and plain words.
 * The script's arguments become words in common too. */
bool farm_parse(Farm *farm, int argc, char **argv, Words *common, Words *plain, Error *err);
void farm_words_add(Words *words, char *word);
void farm_words_free(Words *words);
/* An option as one word: "--name=value", "--no-name". */
char *option_as_word(Settings *strings, const OptionWord *word, const char *folder);

/* ---- farm_jobs.c ---- */

/* Makes the list of jobs. All of them are checked, so that a slip shows before anything runs. */
bool farm_make_jobs(Farm *farm, const Words *common, const Words *plain, Error *err);

/* ---- farm_process.c ---- */

/* Starts the job's next attempt. False with err set if the host cannot. */
bool job_start(Farm *farm, Job *job, Error *err);
/* Asks the job's processes to end, and makes them when they do not within a few seconds; at once with `now`.
 */
void job_end(Job *job, bool now);
/* Reads what the job says it is at. */
void job_read_status(Job *job);
/* True if the job has ended: *code is its exit code, 128 + n for signal n. */
bool job_reap(Job *job, int *code);

/* ---- farm_report.c ---- */

/* The last lines of the job's output that hold something, at most `lines`, without control characters;
 * allocated. */
char *job_tail(const Job *job, unsigned lines);
void job_explain(int code, char *text, size_t size); /* what an exit code says */
void farm_report_start(const Farm *farm);
/* A job's attempt has ended; again: it will be tried once more. */
void farm_report_job(const Farm *farm, const Job *job, bool again);
void farm_report_end(const Farm *farm);
/* Draws the state of all running jobs where stdout is a terminal; clear: removes it. */
void farm_report_live(const Farm *farm, bool clear);

/* ---- farm_junit.c ---- */

/* Writes the results as JUnit XML. */
bool junit_check(const char *path, Error *err); /* false with err set if that will fail */
bool junit_write(const Farm *farm, const char *path, Error *err);
/* length bytes of text as XML's character data: what XML cannot hold appears as \xHH. */
void junit_escape(FILE *out, const char *text, size_t length);

#endif
