/* Operations on the machine as a whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/exit_codes.h"
#include "frontends/operation_functions.h"
#include "frontends/wait.h"
#include "machine/inspect.h"

/* How long the button must be held to switch the board off (DUI 0447, ON/OFF/Soft Reset button). */
#define BUTTON_OFF_NS UINT64_C(2000000000)

static json_t *cpu_status(Machine *machine, unsigned n)
{
    char pc[16];
    snprintf(pc, sizeof pc, "0x%08x", machine->cpu[n]->pc);
    return json_pack("{s:i, s:s, s:s, s:s, s:I}", "cpu", (int)n, "pc", pc, "mode", inspect_mode(machine, n),
                     "state", inspect_activity(machine, n), "instructions",
                     (json_int_t)cpu_icount(machine->cpu[n]));
}

json_t *op_status(Call *call)
{
    Session *session = call->client->session;
    Machine *machine = session_machine(session);
    json_t *cpus = json_array();
    for (unsigned n = 0; n < machine->options.cpus; n++)
        json_array_append_new(cpus, cpu_status(machine, n));
    return json_pack("{s:s, s:f, s:I, s:b, s:I, s:o}", "state",
                     session_off(session)      ? "off"
                     : session_paused(session) ? "paused"
                                               : "running",
                     "guest_seconds", (double)clock_now(machine->clock) / 1e9, "instructions",
                     (json_int_t)machine_icount(machine), "deterministic", machine->options.deterministic,
                     "memory", (json_int_t)machine->options.memory, "cpus", cpus);
}

/* ---- Time -------------------------------------------------------------------------------------------- */

static void slept(Wait *wait)
{
    wait_finish(wait, NULL);
}

void op_sleep(Call *call, uint64_t seconds)
{
    uint64_t ns = seconds == UINT64_MAX ? call->client->timeout_ns : seconds;
    if (ns)
        wait_new(call, ns, strdup("sleep"), slept);
    else
        call_finish(call, NULL);
}

void op_pause(Call *call)
{
    session_pause(call->client->session);
}

void op_resume(Call *call)
{
    session_resume(call->client->session);
}

/* ---- Reset and the end ------------------------------------------------------------------------------- */

void op_reset(Call *call)
{
    Error err;
    if (!session_reset(call->client->session, &err))
        call_fail(call, "%s: %s", call->operation->name, err.text);
}

/* The button is read by the motherboard's configuration controller, not by the guest: nothing on this board
 * tells an operating system that it was pressed. */
void op_power_button(Call *call, uint64_t hold)
{
    if (!call_needs_power(call))
        return;
    if (hold == UINT64_MAX || hold < BUTTON_OFF_NS) {
        op_reset(call);
        return;
    }
    session_resume(call->client->session);
    if (!session_power_off(call->client->session))
        call_fail(call, "power_button: a recording is being replayed");
}

void op_quit(Call *call, int code)
{
    char text[64];
    if (code < 0 || code > EXIT_GUEST_MOST) {
        call_fail(call, "quit: the code must be from 0 to %d; greater ones have meanings of their own",
                  EXIT_GUEST_MOST);
        return;
    }
    snprintf(text, sizeof text, "the %s ended the run with code %d", call->client->name, code);
    session_end(call->client->session, code, code ? text : NULL);
}
