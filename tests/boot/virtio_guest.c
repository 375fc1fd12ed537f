/* Runs a Linux guest that says itself what the user is to do: lines on its console that begin with "@".
 *
 *     virtio_guest KERNEL INITRD
 *
 * @key CODE DOWN, @button CODE DOWN, @move X Y, @position X Y, @wheel X Y, @resize WIDTH HEIGHT do what they
 * say; @frame prints the picture's size and its pixels at some places, @leds the keyboard's lights. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/boot.h"

enum { LINE_MOST = 200 };

typedef struct Run {
    Machine *machine;
    char line[LINE_MOST];
    size_t length;
    char wish[LINE_MOST]; /* what the guest asked for, to be done between instructions */
    bool wished;
} Run;

static void output(void *opaque, uint8_t ch)
{
    Run *run = opaque;
    putchar(ch);
    if (ch == '\r')
        return;
    if (ch != '\n') {
        if (run->length < LINE_MOST - 1)
            run->line[run->length++] = (char)ch;
        return;
    }
    run->line[run->length] = 0;
    run->length = 0;
    fflush(stdout);
    if (run->line[0] != '@')
        return;
    memcpy(run->wish, run->line, sizeof run->wish);
    run->wished = true;
    machine_yield(run->machine);
}

static void print_frame(Display *display)
{
    const Frame *frame = display_frame(display);
    printf("frame %ux%u of output %d:", frame->width, frame->height, (int)frame->output);
    for (unsigned n = 0; frame->width && n < 4; n++) {
        size_t y = (size_t)frame->height * (2 * n + 1) / 8, x = frame->width / 2;
        printf(" %06" PRIx32, frame->pixels[y * frame->width + x]);
    }
    printf("\n");
}

static void grant(Run *run)
{
    static const struct {
        const char *name;
        InputEventKind kind;
    } kinds[] = {
        {"@key",      INPUT_KEY     },
        {"@button",   INPUT_BUTTON  },
        {"@move",     INPUT_MOVE    },
        {"@position", INPUT_POSITION},
        {"@wheel",    INPUT_WHEEL   }
    };
    char name[32] = "";
    int a = 0, b = 0;
    sscanf(run->wish, "%31s %d %d", name, &a, &b);
    for (unsigned n = 0; n < sizeof kinds / sizeof *kinds; n++) {
        bool is_key = kinds[n].kind == INPUT_KEY || kinds[n].kind == INPUT_BUTTON;
        InputEvent event = {.kind = kinds[n].kind, .x = a, .y = b};
        if (is_key)
            event = (InputEvent){.kind = kinds[n].kind, .code = (uint16_t)a, .down = b};
        if (!strcmp(name, kinds[n].name))
            input_send(run->machine->input, &event);
    }
    if (!strcmp(name, "@resize"))
        printf("resize %s\n", display_resize(run->machine->display, (uint32_t)a, (uint32_t)b) ? "ok" : "no");
    if (!strcmp(name, "@leds"))
        printf("leds %u\n", input_leds(run->machine->input));
    if (!strcmp(name, "@frame"))
        print_frame(run->machine->display);
    fflush(stdout);
}

static bool poll_host(void *opaque, uint64_t timeout_ns)
{
    Run *run = opaque;
    (void)timeout_ns;
    if (run->wished)
        grant(run);
    run->wished = false;
    return true;
}

int main(int argc, char **argv)
{
    MachineOptions options = {
        .cpus = 1, .memory = 256u << 20, .deterministic = true, .gpu = true, .rtc_base = 1735689600};
    BootOptions boot = {.append = "console=ttyAMA0 panic=-1"};
    Error err;
    Run run = {0};
    if (argc != 3)
        return 2;
    boot.kernel = argv[1];
    boot.initrd = argv[2];
    options.jit.mode = JIT_ON;
    options.jit.threshold = 8;
    run.machine = machine_new(&options, log_new(stderr), &err);
    if (!run.machine || !boot_load(run.machine, &boot, &err)) {
        fprintf(stderr, "virtio_guest: %s\n", err.text);
        return 1;
    }
    log_select(run.machine->log, "guest", &err);
    log_filter(run.machine->log, "v*", &err);
    run.machine->env.serial[0].output = output;
    run.machine->env.serial[0].output_opaque = &run;
    run.machine->poll = poll_host;
    run.machine->poll_opaque = &run;
    MachineEnd end = machine_run(run.machine);
    printf("the run ended with %d\n", (int)end);
    machine_free(run.machine);
    return end == END_POWER_OFF ? 0 : 1;
}
