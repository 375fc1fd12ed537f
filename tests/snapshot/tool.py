#!/usr/bin/env python3
"""`armature snapshot` and the operation save with a base, as users call them: what they print, write and return.

tool.py ARMATURE"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

armature = os.path.abspath(sys.argv[1])
folder = tempfile.mkdtemp(prefix="armature-tool-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
os.chdir(folder)

SCRIPT = """
save("a.snap", "first")
sleep(0.02)
save{file="b.snap", base="a.snap"}
save{file="c.snap", base="b.snap", compress=false}
sleep(0.02)
print("state " .. hash("vram") .. " " .. hash("cpu0"))
save{file="sub/d.snap", base="c.snap", note="the last"}
local ok, why = pcall(save, {file="b.snap", base="c.snap"})
print("refused " .. tostring(ok) .. " " .. tostring(why))
machine.load("a.snap")
save{file="e.snap", base="a.snap"}
quit(0)
"""
AGAIN = 'print("state " .. hash("vram") .. " " .. hash("cpu0")) quit(0)'


def fail(text):
    sys.exit("tool.py: " + text)


def run(*words, code=0, says=(), error=()):
    done = subprocess.run([armature, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=120)
    out, err = done.stdout.decode(), done.stderr.decode()
    if done.returncode != code:
        fail(f"{words}: exit code {done.returncode}, not {code}: {out}{err}")
    for text, where in [(text, out) for text in says] + [(text, err) for text in error]:
        if not re.search(text, where):
            fail(f"{words}: no '{text}' in: {where}")
    return out


def snapshot(*words, **more):
    return run("snapshot", *words, **more)


def script(text, *words):
    with open("script.lua", "w") as file:
        file.write(text)
    return run("--deterministic", "--serial", "none", "--script", "script.lua", *words)


os.mkdir("sub")
script('save("old.snap") quit(0)')
os.utime("old.snap", (1, 1))
said = script(SCRIPT)
state = re.search("state .*", said)[0]
if not re.search("refused false .*b.snap.*needs the file that is there", said):
    fail(f"a base may be overwritten: {said}")

# What is in them, and the same machine comes back, also from one file.
snapshot("info", "sub/d.snap", says=["note +the last", r"needs +sub/\.\./c\.snap", "needs .*b.snap", "needs .*a.snap.*first"])
snapshot("verify", "sub/d.snap", says=["d.snap is whole, and .*c.snap, and .*b.snap, and .*a.snap"])
snapshot("merge", "sub/d.snap", "all.snap")
snapshot("merge", "sub/d.snap", "raw.snap", "--raw")
snapshot("convert", "sub/d.snap", "sub/e.snap", "--raw")
snapshot("picture", "sub/d.snap", "screen.png")
if open("screen.png", "rb").read(8) != b"\x89PNG\r\n\x1a\n":
    fail("the picture is none")
for file in ("sub/d.snap", "all.snap", "raw.snap", "sub/e.snap"):
    if state not in script(AGAIN, "--load", file):
        fail(f"{file} is another machine")
    snapshot("diff", "sub/d.snap", file)
snapshot("diff", "a.snap", "e.snap")
snapshot("diff", "a.snap", "sub/d.snap", code=1, says=["cpu0: pc 0x", r"vram: \d+ pages of 4 KiB: 0x0", "uart0: reg.UARTIBRD"])
snapshot("diff", "a.snap", "nothing", code=2, error=["nothing.*No such file"])

# Usage.
snapshot("--help", says=["prune", "--keep", "merge FILE OUT"])
for words, why in [((), "give a command"), (("fly", "x"), "no command 'fly'"), (("info",), "info FILE"),
                   (("merge", "a.snap"), "merge FILE OUT"), (("info", "a.snap", "--raw"), "--raw is for"),
                   (("verify", "a.snap", "--keep", "1"), "for prune"), (("prune", "."), "--keep N"),
                   (("prune", "--keep", "0", "."), "at least 1"), (("info", "a.snap", "--rwa"), "no option --rwa")]:
    snapshot(*words, code=64, error=[why])
snapshot("merge", "sub/d.snap", "a.snap", code=1, error=["needs the file that is there"])
snapshot("merge", "sub/d.snap", "/nowhere/x", code=1, error=["/nowhere/x"])
snapshot("prune", "--keep", "1", "/nowhere", code=1, error=["/nowhere"])

# Pruning: nothing goes that another one needs, nor, without --delete, at all.
for name in ("all.snap", "raw.snap", "e.snap", "sub/e.snap"):
    os.unlink(name)
files = sorted(os.listdir("."))
snapshot("prune", "--keep", "1", ".", "sub",
         says=["stays .*d.snap\n", "stays .*/a.snap, which .*d.snap needs", "would go .*old.snap", "1 file, .*--delete"])
if sorted(os.listdir(".")) != files:
    fail("prune deleted without --delete")
snapshot("prune", "--keep", "1", "b.snap", "old.snap", says=["stays .*b.snap, which .*c.snap needs", "would go .*old.snap"])
snapshot("prune", "--keep", "1", "--delete", ".", "sub", says=["deleted .*old.snap"])
if sorted(os.listdir(".")) != [name for name in files if name != "old.snap"]:
    fail("prune deleted what is needed")
snapshot("verify", "sub/d.snap")

# What is damaged is left alone, and nothing goes then that it might need.
script('save("new.snap") quit(0)')
with open("bad.snap", "wb") as file:
    file.write(open("new.snap", "rb").read()[:5000])
snapshot("prune", "--keep", "1", "--delete", ".", code=1, says=["unknown .*bad.snap"], error=["nothing was deleted"])
os.unlink("bad.snap")
os.rename("sub/d.snap", "d.snap")
snapshot("info", "d.snap", code=1, says=["the last"], error=[r"d\.snap': its base '\.\./c\.snap' is not good: No such file"])
run("--load", "d.snap", "--serial", "none", code=64, error=["its base"])
snapshot("prune", "--keep", "1", "--delete", ".", says=["deleted .*a.snap"])

os.chdir("/")
shutil.rmtree(folder)
