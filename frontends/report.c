#include "frontends/report.h"

#include "machine/stats.h"
#include "machine/unmodelled.h"

void report_end(const Machine *machine, const Options *options, FILE *out)
{
    if (options->list_unmodelled)
        unmodelled_print(log_unmodelled_list(machine->log), out);
    if (options->stats)
        stats_print(machine, out);
}
