/* The monitor: operations typed at the terminal, with line editing, history and completion. With --monitor
 * the terminal begins there; otherwise the console's menu leads to it and back. */
#ifndef ARMATURE_FRONTENDS_MONITOR_H
#define ARMATURE_FRONTENDS_MONITOR_H

#include "frontends/console.h"
#include "frontends/session.h"

typedef struct Monitor Monitor;

/* console is borrowed. Never NULL. */
Monitor *monitor_new(Session *session, Console *console);
void monitor_free(Monitor *monitor); /* NULL is allowed */

#endif
