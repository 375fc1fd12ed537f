#!/usr/bin/python3
"""Debian's kernel and busybox: there and back between random instructions while somebody types, on one CPU and four;
and going back by a script, with a disk and a shell that is told to do something else the second time.

    debian.py ARMATURE THERE_AND_BACK"""

import os
import subprocess
import sys
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "boot"))
from busybox import initramfs  # noqa: E402
from drive import Failure, fetched, main  # noqa: E402

SCRIPT = r"""
expect("init is done", 900) expect("# ")
run("echo first > /tmp/word")
pause()
local before = status().instructions
local hash_before = hash().all
resume()
run("echo second > /tmp/word; rm -f /etc/passwd")
local after = run("cat /tmp/word")
if after ~= "second\n" then error(after) end
go_to(before)
if hash().all ~= hash_before then error("it is another machine") end
if history().state ~= "past" then error("it is not in the past") end
sendline("echo typed in the past")
diverge()
local word = run("cat /tmp/word")
if word ~= "first\n" then error("the second way: " .. word) end
if output(3):find("typed in the past") then error("it was not ignored") end
local info = history()
if info.bytes > info.budget then error("the budget is exceeded") end
sendline("poweroff -f") wait_off(60)
"""


def run(command):
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=2400)
    if result.returncode:
        raise Failure(f"{command}: {result.returncode}\n{result.stdout.decode(errors='replace')[-3000:]}")


def test(armature, there_and_back):
    kernel = fetched("fetch_installer 12") + "/vmlinuz"
    busybox = fetched("fetch_busybox 12")
    with tempfile.TemporaryDirectory() as folder:
        initrd, script = os.path.join(folder, "initrd.gz"), os.path.join(folder, "script.lua")
        with open(initrd, "wb") as file:
            file.write(initramfs(busybox))
        with open(script, "w") as file:
            file.write(SCRIPT)
        guest = ["--kernel", kernel, "--initrd", initrd, "--append", "console=ttyAMA0 quiet"]
        for jit in ("on", "off"):
            run([armature, "--no-config", "--display", "none", "--history", "128M", "--deterministic", "--jit", jit,
                 "--memory", "256M", "--script", script, *guest])
        for cpus in ("1", "4"):
            run([there_and_back, "--memory", "256", *guest, "--most", "1500000000", "--places", "30", "--visits", "40",
                 "--between", "20000000", "--cpus", cpus, "--all-devices", "--send", "ls -l /; seq 1 400 | md5sum\n"])


main(test)
