#!/usr/bin/python3
"""--record and --replay of whole sessions: what scripts do to the machine while it is recorded happens again without them,
and the ends are told apart. The guest is the boot ROM's monitor.

    replay.py ARMATURE"""

import os
import subprocess
import sys
import tempfile

SCRIPT = """
expect("> ", 20)
sendline("help")
sleep(0.3)
write_memory(0x60100000, "recorded")
write_register("r11", 0x1234)
disk_insert("sd", "other.img,overlay=temp")
sleep(0.1)
disk_eject("sd")
press("a")
key_down("b")
key_up("b")
reset()
expect("> ", 20)
step(100) resume()
disk_insert("sd", "first.img,ro")
send_break()
sendline("version")
sleep(0.25)
print(hash("all"))
quit(7)
"""


def run(armature, folder, code, *options, stdin=""):
    # To begin to compile takes longer than these runs.
    options = options if "--jit" in options else (*options, "--jit", "off")
    result = subprocess.run([armature, "--display", "none", *options], cwd=folder, input=stdin.encode(), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, timeout=120)
    said = result.stderr.decode(errors="replace")
    if result.returncode != code:
        sys.exit(f"FAILED: {options}: exit code {result.returncode}, not {code}: {said}")
    return result.stdout.decode(errors="replace"), said


def wants(text, wanted):
    if wanted not in text:
        sys.exit(f"FAILED: no '{wanted}' in: {text}")


def make(path, data):
    with open(path, "wb") as file:
        file.write(data)


def everything(armature, folder, cpus):
    """The script's own output is at the end of the console's."""
    make(f"{folder}/script.lua", SCRIPT.encode())
    run(armature, folder, 7, "--record", "run.rec", "--cpus", cpus, "--serial", "file:one", "--script", "script.lua",
        "--jit", "on", "--gpu", "virtio", "--console", "file:hvc")
    with open(f"{folder}/one", "rb") as file:
        one = file.read()
    wants(one.decode(), "version")
    for mode in ("on", "off"):
        # In another folder: paths in a recording are whole.
        os.makedirs(f"{folder}/elsewhere", exist_ok=True)
        run(armature, f"{folder}/elsewhere", 7, "--replay", "../run.rec", "--jit", mode, "--serial", "file:two")
        with open(f"{folder}/elsewhere/two", "rb") as file:
            if file.read() != one:
                sys.exit(f"FAILED: --jit {mode}: another output")
    # Input is ignored, and said to be.
    output, said = run(armature, folder, 7, "--replay", "run.rec", stdin="typed\r")
    wants(said, "what comes from outside is ignored (uart0)")
    # Scripts look; what they do to the guest is refused.
    make(f"{folder}/look.lua", b'expect("> ", 20) print(pcall(reset)) print(pcall(write_memory, 0x60000000, "x"))'
                               b' print(pcall(key_down, "a")) print(pcall(disk_insert, "sd", "first.img,ro")) print(read_memory(0x60100000, 8))'
                               b' local at = status().instructions + 1000 pause_at(at) print("at", status().instructions - at)'
                               b' print(pcall(step, 10)) print("stepped", status().instructions - at) quit(3)')
    output, said = run(armature, folder, 3, "--replay", "run.rec", "--script", "look.lua", "--serial", "none")
    if output.count("a recording is being replayed") != 3:
        sys.exit(f"FAILED: {output}")
    wants(output, "at\t0\n")
    wants(output, "stepped\t10\n" if cpus == "1" else "pause_at goes to any instruction")


def mistakes(armature, folder):
    for options, code, wanted in (
            (["--replay", "missing.rec"], 64, "cannot use the recording missing.rec: No such file"),
            (["--replay", "first.img"], 64, "it is no recording"),
            (["--load", "run.rec"], 64, "it is a recording; --replay takes it"),
            (["--record", "a.rec", "--replay", "run.rec"], 64, "leave one of them out"),
            (["--record", "no/such/x.rec"], 64, "cannot record to no/such/x.rec"),
            (["--replay", "run.rec", "--memory", "64M"], 71, "is not as it was when the recording began")):
        wants(run(armature, folder, code, *options)[1], wanted)
    with open(f"{folder}/run.rec", "rb") as file:
        data = file.read()
    make(f"{folder}/cut.rec", data[:len(data) // 2])
    wants(run(armature, folder, 0, "--replay", "cut.rec", "--serial", "none")[1], "the recording breaks off here")
    os.remove(f"{folder}/first.img")
    wants(run(armature, folder, 71, "--replay", "run.rec", "--serial", "none")[1], "first.img")


def from_snapshot(armature, folder):
    make(f"{folder}/save.lua", b'expect("> ", 20) sendline("help") sleep(0.1) save("at.snap") quit(0)')
    run(armature, folder, 0, "--script", "save.lua", "--serial", "none")
    make(f"{folder}/on.lua", b'sleep(0.1) sendline("version") expect("> ", 20) sleep(0.2) machine.load("at.snap")')
    _, said = run(armature, folder, 65, "--load", "at.snap", "--record", "on.rec", "--script", "on.lua", "--serial", "file:one")
    wants(said, "cannot become another one")
    run(armature, folder, 65, "--replay", "on.rec", "--serial", "file:two")
    with open(f"{folder}/one", "rb") as one, open(f"{folder}/two", "rb") as two:
        if one.read() != two.read():
            sys.exit("FAILED: from a snapshot: another output")


def main():
    armature = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="armature-replay-") as folder:
        for cpus in ("1", "4"):
            make(f"{folder}/first.img", b"first" * 20000)
            make(f"{folder}/other.img", b"other" * 20000)
            everything(armature, folder, cpus)
        mistakes(armature, folder)
        from_snapshot(armature, folder)
    print("passed")


main()
