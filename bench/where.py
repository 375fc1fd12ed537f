#!/usr/bin/env python3
"""Shows where Armature's time goes in one workload of the benchmark: the counters of --stats, less those of a boot that
does nothing else, and with --profile the host's profile while the workload runs."""

import argparse
import bisect
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections import Counter

sys.dont_write_bytecode = True
import images  # noqa: E402
import machines  # noqa: E402
from catalogue import BY_NAME  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
STAT = re.compile(r"  (\S+) +(-?\d+(?:\.\d+)?)(?: |$)")


class Profile:
    """perf attached to the emulator from the workload's first line to its last."""

    def __init__(self, path):
        self.path, self.perf = path, None

    def start(self, pid):
        self.pid = pid
        command = ["perf", "record", "-e", "cpu-clock", "-F", "1999", "-o", self.path, "-p", str(pid)]
        self.perf = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        if self.perf:
            self.perf.send_signal(signal.SIGINT)
            self.perf.wait()


def boot(emulator, system, workloads, args, profile=None):
    """Runs the workloads to the end of the program. Returns measurements and counters by name."""
    reader, stats = machines.PlanReader([w.name for w in workloads], lambda name, result: None), {}
    with tempfile.NamedTemporaryFile(prefix="armature-bench.") as initrd:
        images.with_plan(system, machines.plan_text(workloads, args.scale), initrd.name)
        with machines.Serial(emulator.boot_command(initrd.name, machines.APPEND)) as serial:
            for now, line in serial.lines(args.timeout):
                if profile and line.startswith("@@ begin"):
                    profile.start(serial.process.pid)
                if profile and line.startswith("@@ end"):
                    profile.stop()
                match = STAT.match(line) if reader.done else None
                if match:
                    stats[match[1]] = float(match[2])
                reader.take(now, line)
    if not reader.done:
        sys.exit("the machine ended: " + " | ".join(serial.tail[-6:]))
    return reader.results, stats


def show_counters(before, after, seconds):
    print(f"\n{'counter':32} {'whole run':>18} {'the workload':>18} {'per second':>16}")
    for name, value in after.items():
        if name.startswith("time.") or name.endswith(".mips"):
            continue
        less = value - before.get(name, 0)
        if less == 0 and "." in name and not name.startswith(("instructions", "cpu")):
            continue  # a device that the workload did not use
        print(f"{name:32} {value:18.0f} {less:18.0f} {less / seconds:16.0f}")


def source_files(program):
    """Source file by function name, from the program's debugging information."""
    text = subprocess.run(["nm", "--line-numbers", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    files, top = {}, os.path.dirname(HERE) + "/"
    for line in text.stdout.decode().splitlines():
        words = line.split("\t")
        if len(words) == 2:
            files[words[0].split()[-1]] = words[1].rsplit(":", 1)[0].replace(top, "")
    return files


def part_of(symbol, binary, program, files):
    """What the sample belongs to: a source file, compiled code, a library, the host's kernel."""
    if binary.startswith("[kernel") or binary.startswith("[guest.kernel"):
        return "host kernel"
    if os.path.basename(binary) == os.path.basename(program):
        return files.get(symbol, "armature, other")
    if ".so" in binary or binary in ("[vdso]", "[vsyscall]"):
        return os.path.basename(binary).strip("[]")
    return "compiled code"


def compiled_blocks(pid):
    """What --perf-map wrote: sorted (address, size, name). Perf itself only uses it for anonymous memory."""
    try:
        with open(f"/tmp/perf-{pid}.map") as file:
            rows = [line.split() for line in file]
    except OSError:
        return []
    return sorted((int(address, 16), int(size, 16), name) for address, size, name in rows)


def name_sample(address, symbol, blocks):
    n = bisect.bisect_right(blocks, (address, 1 << 63, "")) - 1
    if n >= 0 and address < blocks[n][0] + blocks[n][1]:
        return blocks[n][2]
    return symbol


def show_profile(path, pid, program):
    text = subprocess.run(["perf", "script", "-i", path, "-F", "ip,sym,dso"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout.decode()
    blocks = compiled_blocks(pid)
    samples = [(name_sample(int(address, 16), symbol, blocks), binary)
               for address, symbol, binary in re.findall(r"^\s*([0-9a-f]+) (.*?) \((.*)\)$", text, re.M)]
    if not samples:
        print("\nno samples: perf may not be allowed to look at processes here")
        return
    files = source_files(program)
    parts = Counter(part_of(symbol, binary, program, files) for symbol, binary in samples)
    symbols = Counter((symbol, part_of(symbol, binary, program, files)) for symbol, binary in samples)
    print(f"\n{len(samples)} samples by part:")
    for part, count in parts.most_common(20):
        print(f"  {count / len(samples):6.1%}  {part}")
    print("by function:")
    for (symbol, part), count in symbols.most_common(25):
        print(f"  {count / len(samples):6.1%}  {symbol:40} {part}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", metavar="WORKLOAD", help="a name that bench/compare.py --list shows")
    parser.add_argument("--armature", metavar="PATH", default=os.path.join(HERE, "..", "build", "armature"))
    parser.add_argument("--armature-args", metavar="TEXT", default="", help="further options for armature, as one text")
    parser.add_argument("--scale", type=float, default=1, help="multiply the amount of work (default: 1)")
    parser.add_argument("--timeout", type=float, default=300, help="seconds without progress (default: 300)")
    parser.add_argument("--profile", action="store_true", help="also use perf")
    args = parser.parse_args()
    workload = BY_NAME.get(args.workload)
    if not workload:
        sys.exit(f"no workload is called {args.workload!r}; bench/compare.py --list shows them all")
    program = os.path.realpath(args.armature)
    try:
        system = images.build_system(workload.system, images.build_programs("guest"))
        images_folder = images.lib_function(f"fetch_installer {images.RELEASE}")
    except images.BuildError as error:
        sys.exit(str(error))
    emulator = machines.armature(program, shlex.split(args.armature_args) + ["--stats"], images_folder)
    try:
        _, before = boot(emulator, system, [], args)
        with tempfile.TemporaryDirectory() as folder:
            profile = Profile(os.path.join(folder, "perf.data")) if args.profile else None
            results, after = boot(emulator, system, [workload], args, profile)
            result = results[workload.name]
            if result.failure:
                sys.exit(f"{workload.name} failed: {result.failure}")
            print(f"{workload.name}: {result.seconds:.3f} s")
            show_counters(before, after, result.seconds)
            if profile:
                show_profile(profile.path, profile.pid, program)
    except TimeoutError:
        sys.exit(f"no progress in {args.timeout} s")


if __name__ == "__main__":
    main()
