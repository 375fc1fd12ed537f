/* Runs oracle cases on our CPU: User mode, code and data pages mapped as in the runner, nothing else. */
#ifndef ARMATURE_TESTS_SUBJECT_H
#define ARMATURE_TESTS_SUBJECT_H

#include <stdbool.h>

#include "tests/oracle/oracle.h"

typedef struct Subject Subject;

/* jit: every block is compiled when it is first met. */
Subject *subject_new(bool jit);
void subject_free(Subject *subject);
void subject_run(Subject *subject, const OracleCase *c, OracleResult *result);
/* Where the last data abort was: DFAR. */
uint32_t subject_fault_address(const Subject *subject);
const uint32_t *subject_data(const Subject *subject);

#endif
