/* Where every member of a Machine, its wires and its options is saved, or why it is not. A member that is in
 * no row fails test_snapshot_parts. */
#include "snapshot/part.h"

/* clang-format off */
#define MEMBER(member, why) {#member, FIELD_TRANSIENT, offsetof(OF, member), sizeof(((OF *)0)->member), 1, why}
#define TABLE(name, ...)                                                                                     \
    static const FieldDef name##_fields[] = {__VA_ARGS__};                                                   \
    const FieldTable name##_table = {name##_fields, sizeof name##_fields / sizeof *name##_fields}

#define BUILT "set up with the machine"
#define COUNTED "statistics"
#define HOST "the host's"
#define VIEW "saved in snapshot/views.c"

#define OF Machine
TABLE(machine,
      MEMBER(options, "see options_table"), MEMBER(env, "see env_table"), MEMBER(clock, "timers are saved with devices"),
      MEMBER(arrivals, "delivered before"), MEMBER(log, HOST), MEMBER(bus, BUILT),
      MEMBER(display, "drawn from the memory and registers that are saved"), MEMBER(input, VIEW),
      MEMBER(code, "a cache"), MEMBER(jit, "a cache"), MEMBER(cpu, "a part each"), MEMBER(device, "a part each"),
      MEMBER(device_count, BUILT), MEMBER(ram, "see memory.c"), MEMBER(ram_fd, "see memory.c"),
      MEMBER(rom, "see memory.c"), MEMBER(vram, "see memory.c"), MEMBER(psram, "see memory.c"),
      MEMBER(rom_fd, "see memory.c"), MEMBER(vram_fd, "see memory.c"), MEMBER(psram_fd, "see memory.c"),
      MEMBER(remapped, "follows from is_remapped"), MEMBER(remapped_count, "follows from is_remapped"),
      MEMBER(is_remapped, VIEW), MEMBER(time_base, VIEW), MEMBER(host_base, VIEW), MEMBER(idle_ns, COUNTED),
      MEMBER(built, COUNTED), MEMBER(turbo, HOST), MEMBER(idle_since, HOST),
      MEMBER(journal, "a recording of its own"), MEMBER(debugger, "the journal's"), MEMBER(current_cpu, VIEW), MEMBER(next_cpu, VIEW),
      MEMBER(running, "false between instructions"), MEMBER(yield, HOST), MEMBER(stopped_cpu, HOST),
      MEMBER(slice_end, VIEW), MEMBER(watchpoints, HOST), MEMBER(pause_at, HOST), MEMBER(pause_cpu, HOST), MEMBER(pause_cpu_at, HOST), MEMBER(mark_at, HOST), MEMBER(held_at, HOST), MEMBER(identity, "the file's"), MEMBER(known, "the file's"), MEMBER(stop_requested, HOST),
      MEMBER(request_pending, VIEW), MEMBER(request, VIEW), MEMBER(exit_code, "env.exit_code is saved"),
      MEMBER(exit_reason, "env.exit_code is saved"), MEMBER(broken, "the run has ended"), MEMBER(semihosting, VIEW), MEMBER(poll, HOST), MEMBER(poll_opaque, HOST));
#undef OF

#define OF DeviceEnv
TABLE(env,
      MEMBER(clock, BUILT), MEMBER(log, HOST), MEMBER(bus, BUILT), MEMBER(serial, VIEW), MEMBER(display, BUILT),
      MEMBER(input, BUILT), MEMBER(audio, HOST), MEMBER(disk, "devices submit what was under way again"),
      MEMBER(net, VIEW), MEMBER(share, "devices save their sessions"),
      MEMBER(balloon, "set up with the devices"), MEMBER(seed, VIEW), MEMBER(entropy, HOST), MEMBER(trouble, HOST), MEMBER(i2c, BUILT), MEMBER(ps2, "follows from the devices at both ends"),
      MEMBER(cpus, VIEW), MEMBER(flash_path, HOST), MEMBER(rtc_base, VIEW), MEMBER(request, BUILT),
      MEMBER(exit_code, VIEW), MEMBER(instructions, BUILT), MEMBER(machine, BUILT));
#undef OF

#define OF MachineOptions
TABLE(options,
      MEMBER(cpus, VIEW), MEMBER(memory, VIEW), MEMBER(jit, HOST), MEMBER(deterministic, VIEW), MEMBER(paced, HOST),
      MEMBER(time_scale, HOST), MEMBER(rtc_base, VIEW),
      MEMBER(flash, HOST), MEMBER(boot_from_flash, VIEW), MEMBER(semihosting, VIEW), MEMBER(semihosting_dir, HOST),
      MEMBER(test_device, VIEW), MEMBER(gpu, VIEW), MEMBER(virtio_disks, VIEW), MEMBER(virtio_nets, VIEW), MEMBER(hub, VIEW),
      MEMBER(shares, VIEW), MEMBER(seed, VIEW), MEMBER(rng, VIEW), MEMBER(console, VIEW), MEMBER(balloon, VIEW));
#undef OF
/* clang-format on */
