#!/usr/bin/python3
"""Mistakes with scripts/install-debian: each is one line that names it, and nothing is left behind."""

import fcntl
import os
import subprocess
import sys
import tempfile

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/install-debian")


def refused(words, *arguments):
    result = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, timeout=60)
    lines = result.stderr.splitlines()
    if result.returncode != 1 or len(lines) != 1 or not all(word in lines[0] for word in words):
        sys.exit(f"{arguments}: exit code {result.returncode}: {result.stderr}")


with tempfile.TemporaryDirectory() as work:
    image = work + "/debian.img"
    refused(["give the name"])
    refused(["--release 10", "12", "13"], "--release", "10", image)
    refused(["--size 5", "1500M"], "--size", "5", image)
    refused(["--size much"], "--size=much", image)
    refused(["--user root"], "--user", "root", image)
    refused(["--user Me"], "--user", "Me", image)
    refused(["--hostname a_b"], "--hostname", "a_b", image)
    refused(["--packages"], "--packages", "vim; rm -rf /", image)
    refused(["--timezone"], "--timezone", "../etc $(id)", image)
    refused(["--timezone Nowhere/City"], "--timezone", "Nowhere/City", image)
    refused(["--size 99999999999999G"], "--size", "99999999999999G", image)
    refused(["--size 3T", "2T"], "--size", "3T", image)
    refused(["--mirror nonsense", "http://"], "--mirror", "nonsense", image)
    refused(["is a folder"], "--force", work)
    refused(["/dev/null is no file"], "--force", "/dev/null")
    refused(["--password needs a value"], image, "--password")
    refused(["unknown option --relese"], "--relese=12", image)
    refused(["one image only"], image, image)
    refused(["no folder"], work + "/none/debian.img")
    with open(image, "w") as file:
        file.write("mine")
    refused(["is there already", "--force"], image)
    with open(work + "/other.img.installing", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        refused(["being installed by another run"], work + "/other.img")
    with open(image) as file:
        assert file.read() == "mine"
    assert sorted(os.listdir(work)) == ["debian.img", "other.img.installing"], os.listdir(work)
print("passed")
