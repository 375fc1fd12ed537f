#!/usr/bin/env python3
"""Measures Armature against QEMU and the host: boots Debian's kernel with the same initial file system on both
emulators, runs workloads of fixed work in the guest, and times them by the host's clock. Prints a table of medians and
ratios. See docs/benchmark.md."""

import argparse
import fnmatch
import json
import os
import platform
import resource
import shlex
import shutil
import sys
import time

sys.dont_write_bytecode = True
import images  # noqa: E402
import machines  # noqa: E402
import report  # noqa: E402
from catalogue import WORKLOADS  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
BOOTS = ["boot to init", "boot installer"]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--armature", metavar="PATH", default=os.path.join(HERE, "..", "build", "armature"),
        help="default: %(default)s")
    add("--armature-args", metavar="TEXT", default="", help="further options for armature, as one text")
    add("--qemu", metavar="PATH", default="qemu-system-arm", help="default: %(default)s")
    add("--qemu-args", metavar="TEXT", default="", help="further options for QEMU, as one text")
    add("--other", metavar="PATH", help="another build of armature to compare with")
    add("--other-args", metavar="TEXT", default="", help="its options; without --other: the same build with these")
    add("--runs", type=int, default=3, help="runs of each workload on each machine (default: %(default)s)")
    add("--only", metavar="NAMES", help="these workloads only: names, groups or patterns, separated by commas")
    add("--no-qemu", action="store_true", help="leave QEMU out")
    add("--no-armature", action="store_true", help="leave Armature out")
    add("--native", action=argparse.BooleanOptionalAction, default=True, help="measure the host (default)")
    add("--scale", type=float, default=1, help="multiply the amount of work (default: 1)")
    add("--timeout", type=float, default=300, help="seconds without progress after which a run failed (default: 300)")
    add("--json", metavar="FILE", help="write the measurements there")
    add("--plot", metavar="FILE.svg", help="write a plot there")
    add("--baseline", metavar="FILE", help="compare with the measurements in this file, written by --json")
    add("--list", action="store_true", help="list the workloads")
    return parser.parse_args()


def selected(only):
    """The chosen workloads and boots."""
    if not only:
        return WORKLOADS, BOOTS
    patterns = [pattern.strip() for pattern in only.split(",") if pattern.strip()]

    def wanted(name, group):
        return any(fnmatch.fnmatch(name, p) or fnmatch.fnmatch(group, p) for p in patterns)
    for pattern in patterns:
        if not any(wanted_by(pattern, w.name, w.group) for w in WORKLOADS) and \
                not any(wanted_by(pattern, name, "boot") for name in BOOTS):
            sys.exit(f"no workload is called {pattern!r}; --list shows them all")
    return [w for w in WORKLOADS if wanted(w.name, w.group)], [name for name in BOOTS if wanted(name, "boot")]


def wanted_by(pattern, name, group):
    return fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(group, pattern)


def progress(text):
    print(text, file=sys.stderr, flush=True)


def work_of_others():
    """Processor seconds that the host has spent on other programs since it started."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    ours = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK") - \
        sum(usage.ru_utime + usage.ru_stime for usage in ours)


class Session:
    def __init__(self, args):
        self.args, self.others = args, 0.0
        self.workloads, self.boots = selected(args.only)
        self.programs = {"guest": images.build_programs("guest")}
        if args.native:
            self.programs["native"] = images.build_programs("native")
        self.systems = {name: images.build_system(name, self.programs["guest"])
                        for name in dict.fromkeys(w.system for w in self.workloads)}
        if "boot to init" in self.boots:
            self.systems.setdefault("small", images.build_system("small", self.programs["guest"]))
        boot = images.lib_function(f"fetch_installer {images.RELEASE}")
        self.emulators = []
        if not args.no_armature:
            self.emulators.append(machines.armature(args.armature, shlex.split(args.armature_args), boot))
        if args.other or args.other_args:
            self.emulators.append(machines.armature(args.other or args.armature, shlex.split(args.other_args), boot,
                                                    "other"))
        if not args.no_qemu:
            self.emulators.append(machines.qemu(args.qemu, shlex.split(args.qemu_args), boot))
        self.make_rows(images.kernel_identity(boot))

    def make_rows(self, kernel):
        self.rows = {w.name: report.Row(w.name, w.group, images.identity(w, self.args.scale, kernel))
                     for w in self.workloads}
        identities = {"boot installer": kernel,
                      "boot to init": images.digest(kernel, os.path.basename(self.systems.get("small", "")))}
        for name in self.boots:
            self.rows[name] = report.Row(name, "boot", identities[name])

    def machine_names(self):
        return [e.name for e in self.emulators] + (["native"] if self.args.native else [])

    def note(self, machine, name, result):
        if name in self.rows:
            self.rows[name].add(machine, result)
            shown = f"{result.seconds:.3f} s" if result.seconds is not None and not result.failure else result.failure
            progress(f"   {machine:9} {name:16} {shown}")

    def run_emulator(self, emulator):
        args = self.args

        def note(name, result):
            self.note(emulator.name, name, result)
        for system in ("small", "large"):
            chosen = [w for w in self.workloads if w.system == system]
            if chosen or (system == "small" and "boot to init" in self.boots):
                machines.run_plan(emulator, self.systems[system], chosen, args.scale, args.timeout,
                                  note if system == "small" else self.without_boot(note))
        if "boot installer" in self.boots:
            note("boot installer", machines.run_installer(emulator, args.timeout))

    @staticmethod
    def without_boot(note):
        """The larger file system's boot is not a workload, unless it fails."""
        return lambda name, result: name == "boot to init" and not result.failure or note(name, result)

    def run_native(self):
        for workload in self.workloads:
            self.note("native", workload.name,
                      machines.run_native(self.programs["native"], workload, self.args.scale, self.args.timeout))

    def run(self):
        start, before = time.monotonic(), work_of_others()
        try:
            self.run_all()
        finally:
            self.others = (work_of_others() - before) / (time.monotonic() - start)

    def run_all(self):
        for run in range(self.args.runs):
            progress(f"== run {run + 1} of {self.args.runs}")
            for emulator in self.emulators if run % 2 == 0 else self.emulators[::-1]:
                self.run_emulator(emulator)
            if self.args.native:
                self.run_native()

    def about(self):
        with open("/proc/cpuinfo") as file:
            models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
        return {"date": time.strftime("%Y-%m-%dT%H:%M:%S"), "scale": self.args.scale, "runs": self.args.runs,
                "work of others": round(self.others, 3),
                "host": f"{models[0] if models else platform.processor()}, {os.cpu_count()} CPUs",
                "machines": {e.name: {"version": e.version(), "command": e.command} for e in self.emulators}}


def check(args):
    for path in [args.armature] * (not args.no_armature) + [args.other] * bool(args.other):
        if not os.access(path, os.X_OK):
            sys.exit(f"{path} is missing: build it first, or name another with --armature")
    if not args.no_qemu and not shutil.which(args.qemu):
        sys.exit(f"{args.qemu} is missing: install Debian's qemu-system-arm, or leave QEMU out with --no-qemu")
    if args.runs < 1 or args.scale <= 0:
        sys.exit("--runs and --scale must be positive")


def finish(session, baseline):
    args, rows = session.args, [row for row in session.rows.values() if row.seconds or row.failures]
    for line in report.table(rows, session.machine_names()):
        print(line)
    problems = [f"{row.name}: {text}" for row in rows for text in row.problems()]
    if problems:
        print("\nProblems:")
        for text in problems:
            print("  " + text)
    if session.others > 0.1:
        print(f"\nThe host was busy: other programs kept {session.others:.1f} processors at work, which makes times "
              "longer and less certain.")
    if baseline:
        print()
        for line in report.compare_with(baseline, rows):
            print(line)
    if args.json:
        with open(args.json, "w") as file:
            file.write(report.to_json(rows, session.about()))
    drawing = report.plot(rows, "Speed compared with QEMU (more is better)") if args.plot else None
    if drawing:
        with open(args.plot, "w") as file:
            file.write(drawing)
    return 1 if problems else 0


def main():
    args = parse()
    if args.list:
        for workload in WORKLOADS:
            print(f"{workload.name:16} {workload.group}")
        print("\n".join(f"{name:16} boot" for name in BOOTS))
        return 0
    check(args)
    baseline = None
    if args.baseline:
        with open(args.baseline) as file:
            baseline = json.load(file)
    try:
        session = Session(args)
    except images.BuildError as error:
        sys.exit(str(error))
    try:
        session.run()
    except KeyboardInterrupt:
        progress("interrupted; what was measured so far:")
    return finish(session, baseline)


if __name__ == "__main__":
    sys.exit(main())
