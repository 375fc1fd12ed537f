#!/usr/bin/env python3
"""Tests the benchmark's machinery without an emulator: what it makes of a guest's text, its tables, and whether it
notices that something is wrong."""

import json
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "bench"))

import catalogue  # noqa: E402
import disk  # noqa: E402
import machines  # noqa: E402
import report  # noqa: E402


def workload(name, command, group="group"):
    return catalogue.Workload(name, group, command, 10)


def row(seconds, name="w", group="group", outputs=None):
    made = report.Row(name, group, "identity")
    for machine, runs in seconds.items():
        for value in runs:
            made.add(machine, machines.Measurement(value, None, (outputs or {}).get(machine, "same")))
    return made


class Plan(unittest.TestCase):
    def run_plan(self, *commands):
        command = [sys.executable, os.path.join(HERE, "pretender.py")]
        emulator = machines.Emulator("pretender", command, "armature", HERE)
        found = {}
        with tempfile.NamedTemporaryFile() as system:
            system.write(b"\0" * 512)
            system.flush()
            machines.run_plan(emulator, system.name, [workload(f"w{i}", c) for i, c in enumerate(commands)], 1, 3,
                              lambda name, result: found.setdefault(name, result))
        return found

    def test_measures(self):
        found = self.run_plan("good first result", "good second")
        self.assertEqual(list(found), ["w0", "w1", "boot to init"])
        for name, output in (("w0", "first result\n"), ("w1", "second\n")):
            self.assertEqual(found[name].failure, "")
            self.assertEqual(found[name].output, output)
            self.assertEqual(found[name].guest_seconds, 0.2)
            self.assertGreater(found[name].seconds, 0)  # 0.2 if the host is not busy with other work
        self.assertGreater(found["boot to init"].seconds, 0)

    def test_goes_on_after_failures(self):
        found = self.run_plan("bad 3", "good a", "crash", "good b", "panic", "good c", "restart", "good d", "hang",
                              "good e")
        self.assertIn("exit status 3: it broke", found["w0"].failure)
        self.assertIn("the machine ended", found["w2"].failure)
        self.assertIn("Kernel panic", found["w4"].failure)
        self.assertIn("the guest restarted", found["w6"].failure)
        self.assertIn("no progress in 3 s", found["w8"].failure)
        for name in ("w1", "w3", "w5", "w7", "w9"):
            self.assertEqual(found[name].failure, "")

    def test_clock(self):
        made = report.Row("w0", "group", "")
        made.add("armature", self.run_plan("slow-clock")["w0"])
        self.assertIn("the guest's clock measured 2.00 s", made.problems()[0])

    def test_no_boot(self):
        emulator = machines.Emulator("none", ["/bin/false"], "armature", HERE)
        found = {}
        with tempfile.NamedTemporaryFile() as system:
            machines.run_plan(emulator, system.name, [workload("a", "good"), workload("b", "good")], 1, 3,
                              found.__setitem__)
        self.assertEqual(sorted(found), ["a", "b", "boot to init"])
        self.assertTrue(all(result.failure for result in found.values()))


class Native(unittest.TestCase):
    def test_output_and_amount(self):
        with tempfile.TemporaryDirectory() as folder:
            result = machines.run_native(folder, workload("a", "echo amount {n}"), 0.5, 30)
        self.assertEqual((result.output, result.failure), ("amount 5\n", ""))

    def test_failures(self):
        with tempfile.TemporaryDirectory() as folder:
            bad = machines.run_native(folder, workload("a", "echo wrong; exit 4"), 1, 30)
            missing = machines.run_native(folder, workload("a", "there-is-no-such-program"), 1, 30)
        self.assertEqual((bad.failure, bad.missing), ("exit status 4: wrong", False))
        self.assertTrue(missing.missing)


class Report(unittest.TestCase):
    def test_median_and_ratio(self):
        made = row({"armature": [1.0, 2.0, 8.0], "qemu": [4.0, 4.0, 8.0]})
        self.assertEqual(made.median("armature"), 2.0)
        self.assertEqual(made.ratio("qemu", "armature"), 2.0)
        self.assertEqual(made.best_ratio("qemu", "armature"), 4.0)
        self.assertIsNone(made.ratio("qemu", "native"))
        self.assertIsNone(made.best_ratio("qemu", "native"))
        self.assertEqual(report.spread([1.0, 2.0, 3.0]), 1.0)
        self.assertAlmostEqual(report.geometric_mean([2.0, 8.0, None]), 4.0)

    def test_table(self):
        lines = report.table([row({"armature": [1.0], "qemu": [2.0]}, "one", "a"),
                              row({"armature": [1.0], "qemu": [8.0]}, "two", "b"),
                              row({"qemu": [8.0]}, "three", "b")], ["armature", "qemu"])
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:5]]
        self.assertEqual(cells[2], ["one", "1.000", "2.000", "2.00"])
        self.assertEqual(cells[4], ["three", "-", "8.000", "-"])
        self.assertEqual(lines[-1], "Armature is 4.00 times as fast as QEMU (geometric mean; a 2.00, b 8.00); "
                                    "4.00 by the shortest times")

    def test_problems(self):
        self.assertEqual(row({"armature": [1.0], "qemu": [2.0]}).problems(), [])
        different = row({"armature": [1.0], "qemu": [2.0]}, outputs={"qemu": "other"})
        self.assertIn("the results differ", different.problems()[0])
        clock = report.Row("w", "group", "")
        clock.add("armature", machines.Measurement(2.0, 1.0, "same"))
        self.assertIn("clock", clock.problems()[0])
        failed = report.Row("w", "group", "")
        failed.add("armature", machines.Measurement(failure="no boot"))
        failed.add("native", machines.Measurement(failure="not found", missing=True))
        self.assertEqual(failed.problems(), ["armature: no boot"])

    def test_baseline(self):
        rows = [row({"armature": [3.0], "qemu": [2.0]}, "a"), row({"armature": [1.0]}, "b")]
        old = json.loads(report.to_json(rows, {}))
        new = row({"armature": [1.5], "qemu": [2.0]}, "a")
        other = row({"armature": [1.0]}, "b")
        other.identity = "other work"
        lines = report.compare_with(old, [new, other])
        self.assertIn("2.00 times as fast as before", "\n".join(lines))
        self.assertIn("other work): b", lines[-1])

    def test_plot(self):
        drawing = report.plot([row({"armature": [1.0], "qemu": [3.0]}, "fast"),
                               row({"armature": [3.0], "qemu": [1.0]}, "slow")], "title")
        self.assertIn(">3.00<", drawing)
        self.assertIn(">0.33<", drawing)
        self.assertIsNone(report.plot([row({"armature": [1.0]})], "title"))


class Catalogue(unittest.TestCase):
    def test_every_program_has_a_source(self):
        folder = os.path.join(HERE, "..", "..", "bench", "workloads")
        names = {name[:-2] for name in os.listdir(folder) if name.endswith(".c")} - {"main", "generate"}
        self.assertEqual(names, {program.name for program in catalogue.PROGRAMS})

    def test_names_and_commands(self):
        self.assertEqual(len(catalogue.BY_NAME), len(catalogue.WORKLOADS))
        for one in catalogue.WORKLOADS:
            self.assertIn("{n}", one.command + one.preparation)
            self.assertNotIn("\t", one.command + one.preparation)


class Disks(unittest.TestCase):
    def job(self, name, error=0, **sides):
        jobs = {side: {"total_ios": 0, "bw_bytes": 0, "iops": 0} for side in ("read", "write")}
        jobs.update(sides, error=error)
        return f"@@ begin {name}\r\nnote: a line of fio's\r\n{json.dumps({'jobs': [jobs]})}\r\n@@ end {name}\r\n"

    def test_results(self):
        done = {"total_ios": 7, "bw_bytes": 3 << 20, "iops": 5000.0}
        text = (self.job("read-1M-1", read=done) + self.job("randwrite-4k-16", write=done) +
                self.job("write-1M-1", read=done) + self.job("randread-4k-1", error=5, read=done) +
                "@@ begin read-1M-16\r\nfio: killed\r\n@@ end read-1M-16\r\n")
        self.assertEqual(disk.results_in(text), {"read-1M-1": 3.0, "randwrite-4k-16": 5.0})

    def test_jobs(self):
        text = disk.script("virtio", "libaio", 2, "4k-16").decode()
        self.assertIn("--rw=randread --bs=4k --iodepth=16", text)
        self.assertEqual(text.count("fio --name"), 2)
        self.assertNotIn("DEVICE", text)


unittest.main()
