#!/usr/bin/python3
"""Debugs a program in Armature with Debian's own gdb: each scenario of session.py in a machine of its own.

    run.py ARMATURE TARGET SMP [--once] [scenario...]

TARGET and SMP are ELF files, of target.c and of tests/guest/smp.c. --once: not with each engine."""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SKIPPED = 77
TIMEOUT = 100
#            program, options of armature
SCENARIOS = {
    "registers": ("target", []),
    "memory": ("target", []),
    "breakpoints": ("target", []),
    "steps": ("target", []),
    "watchpoints": ("target", []),
    "interrupted": ("target", []),
    "monitor": ("target", []),
    "back": ("target", ["--history", "64M"]),
    "threads": ("smp", ["--cpus", "4"]),
    "threads_back": ("smp", ["--cpus", "4", "--history", "64M"]),
    "replayed": ("smp", ["--cpus", "4"]),
}
ENGINES = {"compiled": ["--jit-threshold", "0"], "interpreted": ["--jit", "off"], "deterministic": ["--deterministic"]}


def start(armature, socket, options):
    """Returns when the debugger can connect."""
    machine = subprocess.Popen([armature, "--gdb", f"unix:{socket},wait", *options], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=os.path.dirname(socket))
    line = machine.stderr.readline()
    if f"target remote {socket}" not in line:
        machine.kill()
        sys.exit(f"armature said: {line}{machine.stderr.read()}")
    return machine


def debug(gdb, armature, program, scenario, options):
    with tempfile.TemporaryDirectory() as folder:
        words = ["--serial", "none", "--net", "none", *options, program]
        if scenario == "replayed":
            subprocess.run([armature, "--record", f"{folder}/run", *words], stdin=subprocess.DEVNULL, check=True,
                           stderr=subprocess.DEVNULL, timeout=TIMEOUT)
            words = ["--replay", f"{folder}/run"]
        machine = start(armature, f"{folder}/gdb", words)
        try:
            done = subprocess.run([gdb, "-nx", "-batch", "-ex", f"python place, scenario = '{folder}/gdb', '{scenario}'",
                                   "-x", f"{HERE}/session.py", program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT, check=False, cwd=folder)
            said, error = done.stdout, done.returncode
            machine.wait(TIMEOUT)
        except subprocess.TimeoutExpired as expired:
            said, error = (expired.stdout or b"").decode(), "none: it hangs"
        finally:
            machine.kill()
        told = machine.stderr.read()
    if not error and not machine.returncode and "Traceback" not in said:
        return True
    print(f"{scenario} {' '.join(options)}: gdb ended with {error}, armature with {machine.returncode}\n{said}\n{told}")
    return False


def main(armature, target, smp, *chosen):
    armature, target, smp = map(os.path.abspath, (armature, target, smp))
    gdb = shutil.which("gdb-multiarch")
    if not gdb or not os.path.exists(target):
        print("gdb-multiarch or the cross compiler is not installed")
        return SKIPPED
    programs = {"target": target, "smp": smp}
    good, once = True, "--once" in chosen
    for scenario in [word for word in chosen if word != "--once"] or SCENARIOS:
        program, options = SCENARIOS[scenario]
        for engine in [[]] if once else ENGINES.values():
            good = debug(gdb, armature, programs[program], scenario, [*options, *engine]) and good
    print("passed" if good else "FAILED")
    return 0 if good else 1


sys.exit(main(*sys.argv[1:]))
