#!/usr/bin/env python3
"""Measures how much of a core an idle desktop takes: X and IceWM of scripts/boot-desktop, nobody at the keyboard.

Once without a window and once in one (Xvfb, without a graphics processor). All threads of armature are counted; the
X server is not."""

import argparse
import os
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import guest_machine  # noqa: E402


def desktop_options():
    script = os.path.join(guest_machine.ROOT, "scripts", "boot-desktop")
    done = subprocess.run([script, "--fetch-only"], stdout=subprocess.PIPE, check=True)
    return subprocess.run(["bash", "-c", 'eval "set -- $1"; printf "%s\\0" "$@"', "-", done.stdout.decode()],
                          stdout=subprocess.PIPE, check=True).stdout.decode().split("\0")[:-1]


def threads(pid):
    """Seconds of processor time so far, by thread."""
    times = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as file, open(f"/proc/{pid}/task/{thread}/comm") as name:
            times[int(thread)] = (name.read().strip(), int(file.read().split()[0]) / 1e9)
    return times


def interval(pid, seconds):
    """Per cent of a core in the next seconds, by thread."""
    before, start = threads(pid), time.monotonic()
    time.sleep(seconds)
    after, length = threads(pid), time.monotonic() - start
    return {n: (name, 100 * (used - before.get(n, (name, 0))[1]) / length) for n, (name, used) in after.items()}


def measure(options, display, settle, seconds):
    words = ["--display", "window" if display else "none", *options.options, *desktop_options()]
    with tempfile.TemporaryDirectory(prefix="armature-idle-") as folder:
        with guest_machine.Machine(options.armature, words, folder, guest_machine.environment(folder, display)) as machine:
            machine.wait_text(b"the desktop is up", 600)
            time.sleep(settle)
            before = machine.stats()
            used = interval(machine.process.pid, seconds)
            after = machine.stats()
    executed, irqs = ((after[name] - before[name]) / seconds for name in ("instructions.all", "cpu0.irqs"))
    total = sum(share for _, share in used.values())
    print(f"{'window' if display else 'headless':10}{total:8.2f} % of a core{executed / 1e6:10.2f} million instructions/s"
          f"{irqs:8.0f} interrupts/s", flush=True)
    for name, share in sorted(used.values(), key=lambda pair: -pair[1]):
        if share >= 0.05:
            print(f"    {name:20}{share:8.2f} %", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settle", type=float, default=60, help="seconds from the desktop's appearance to the measurement")
    parser.add_argument("--seconds", type=float, default=60, help="how long is measured")
    guest_machine.add_options(parser)
    options = parser.parse_args()
    guest_machine.check(options, "idle.py")
    try:
        measure(options, None, options.settle, options.seconds)
        if not options.headless:
            with guest_machine.x_server() as display:
                measure(options, display, options.settle, options.seconds)
    except (RuntimeError, subprocess.CalledProcessError) as error:
        sys.exit(f"idle.py: {error}")


if __name__ == "__main__":
    main()
