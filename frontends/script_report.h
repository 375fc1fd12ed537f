/* What a person wants to see when a script failed: the last output, and where the CPUs are. */
#ifndef ARMATURE_FRONTENDS_SCRIPT_REPORT_H
#define ARMATURE_FRONTENDS_SCRIPT_REPORT_H

#include <stdio.h>

#include "frontends/session.h"

void script_report(Session *session, FILE *out);

#endif
