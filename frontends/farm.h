/* `armature farm`: many machines at once, each a process of its own. docs/farm.md explains it to users. */
#ifndef ARMATURE_FRONTENDS_FARM_H
#define ARMATURE_FRONTENDS_FARM_H

#include "frontends/option_table.h"

extern const OptionTable farm_option_table;

/* argv[0] is "farm". Returns the exit code. */
int farm_main(int argc, char **argv);

#endif
