#!/usr/bin/python3
"""`armature disk` and --disk as a user sees them: images and overlays made, looked at, resized, committed, refused.

    disk.py ARMATURE"""

import json
import os
import subprocess
import sys
import tempfile
import time

MIB = 1 << 20
failures = []


class Tool:
    def __init__(self, armature, folder):
        self.armature, self.folder = armature, folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *words):
        return subprocess.run([self.armature, *words], cwd=self.folder, capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL)

    def good(self, *words):
        result = self.run("disk", *words)
        if result.returncode or result.stderr:
            failures.append(f"disk {words}: code {result.returncode}, {result.stderr}")
        return result.stdout

    def info(self, name):
        return json.loads(self.good("info", "--json", name))

    def refused(self, code, why, *words):
        result = self.run(*words)
        lines = result.stderr.splitlines()
        if result.returncode != code or len(lines) != 1 or why not in lines[0]:
            failures.append(f"{words}: code {result.returncode}, {result.stderr!r}, not {code}, {why!r}")


def check(what, good):
    if not good:
        failures.append(what)


def test_images(tool):
    tool.good("create", "a.img", "64M")
    status = os.stat(tool.path("a.img"))
    check("a new image takes no space", status.st_size == 64 * MIB and status.st_blocks == 0)
    tool.refused(1, "File exists", "disk", "create", "a.img", "1M")
    tool.good("resize", "a.img", "+1G")
    check("a larger image", os.path.getsize(tool.path("a.img")) == 64 * MIB + (1 << 30))
    tool.refused(1, "--shrink", "disk", "resize", "a.img", "32M")
    tool.good("resize", "--shrink", "a.img", "32M")
    check("a smaller image", os.path.getsize(tool.path("a.img")) == 32 * MIB)
    for size in "0", "x", "1Q", "9999999999T", "1.5G", "":
        tool.refused(1, "give a size", "disk", "create", "b.img", size)
        check("nothing is left of a refused size", not os.path.exists(tool.path("b.img")))
    table = b"label: dos\nsize=10M, type=83\nsize=10M, type=82\n"
    if subprocess.run(["sh", "-c", "PATH=$PATH:/sbin:/usr/sbin; command -v sfdisk"], stdout=subprocess.DEVNULL).returncode == 0:
        subprocess.run(["sh", "-c", f"PATH=$PATH:/sbin:/usr/sbin; sfdisk -q {tool.path('a.img')}"], input=table, check=True)
        facts = tool.info("a.img")
        if "partitions" in facts:
            check("partitions", facts["partition_table"] == "dos" and
                  [part["size"] for part in facts["partitions"]] == [10 * MIB, 10 * MIB])


def test_overlays(tool):
    tool.good("create", "base.img", "8M")
    tool.good("create", "--overlay-of", "base.img", "o.ovl")
    tool.good("create", "larger.ovl", "--overlay-of=base.img", "16M")
    check("a larger overlay", tool.info("larger.ovl")["size"] == 16 * MIB)
    facts = tool.info("o.ovl")
    check(f"an overlay: {facts}", facts["kind"] == "overlay" and facts["size"] == 8 * MIB and facts["closed"]
          and facts["changed"] == 0 and facts["in_use_by"] is None and facts["base"].endswith("base.img"))
    check("an overlay's info", "over:" in tool.good("info", "o.ovl"))
    check("an overlay is well", "is well" in tool.good("check", "o.ovl"))
    tool.good("commit", "o.ovl")
    tool.refused(1, "nothing to commit", "disk", "commit", "base.img")
    tool.refused(1, "cannot open", "disk", "create", "--overlay-of", "none.img", "p.ovl")
    tool.refused(1, "exists already", "disk", "create", "--overlay-of", "base.img", "o.ovl")
    with open(tool.path("base.img"), "r+b") as file:
        file.write(b"x")
    tool.refused(1, "was made over", "disk", "info", "o.ovl")
    tool.refused(64, "was made over", "--disk", "o.ovl")
    tool.good("check", "--accept-base", "o.ovl")
    tool.good("info", "o.ovl")


def test_usage(tool):
    tool.refused(64, "give a command", "disk")
    tool.refused(64, "there is no command", "disk", "mend", "x")
    tool.refused(64, "write it as", "disk", "info")
    tool.refused(64, "write it as", "disk", "info", "a", "b")
    tool.refused(64, "--shrink is for armature disk resize", "disk", "info", "a.img", "--shrink")
    tool.refused(64, "did you mean --shrink", "disk", "resize", "a.img", "1M", "--shrnk")
    check("help", "resize" in tool.good("--help"))
    tool.refused(64, "no option rw", "--disk", "a.img,rw")
    tool.refused(64, "room for 1 with if=sd", "--disk", "a.img,if=sd", "--disk", "a.img,if=sd")
    tool.refused(64, "another disk has that name", "--disk", "base.img,name=sd")
    tool.refused(64, "in use by this machine itself", "--disk", "base.img", "--disk", "base.img")
    tool.refused(64, "cannot open", "--disk", "none.img")


def test_in_use(tool):
    with open(tool.path("loop.bin"), "wb") as file:
        file.write(b"\xfe\xff\xff\xea")  # b .
    run = ["--load", "loop.bin@0x60100000"]
    machine = subprocess.Popen([tool.armature, *run, "--disk", "base.img", "--control", "sock"], cwd=tool.folder,
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(1000):
            if os.path.exists(tool.path("sock")):
                break
            time.sleep(0.01)
        who = f"armature (process {machine.pid})"
        tool.refused(64, who, *run, "--disk", "base.img")
        tool.refused(64, who, *run, "--disk", "base.img,overlay=temp")
        tool.refused(1, who, "disk", "resize", "base.img", "1G")
        tool.refused(1, who, "disk", "commit", "o.ovl")
        check("info of an image in use", tool.info("base.img")["in_use_by"] == who)
    finally:
        machine.kill()
        machine.wait()


def main(armature):
    with tempfile.TemporaryDirectory() as folder:
        tool = Tool(os.path.abspath(armature), folder)
        test_images(tool)
        test_overlays(tool)
        test_usage(tool)
        test_in_use(tool)
    for failure in failures:
        print(failure)
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
