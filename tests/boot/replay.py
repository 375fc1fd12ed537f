#!/usr/bin/python3
"""Debian's kernel, recorded while it is typed at at moments of the host, fetches files from the host's network, works on a
shared folder and a disk, and gets keys and pointer; then replayed without any of these, by both engines.

    replay.py ARMATURE RELEASE CPUS [option...]"""

import os
import random
import re
import subprocess
import tempfile
import time

from drive import Failure, Guest, fetched, main
from kernel_guest import SHELL, Shell, initramfs
from network import serve_folder

MODULES = ("virtio_mmio", "virtio_net", "af_packet", "virtio_blk", "9p", "9pnet_virtio", "evdev", "psmouse", "virtio_input")
DIVERGED = 71


def ctl(armature, folder, *words):
    subprocess.run([armature, "ctl", f"{folder}/socket", *words], check=True, stdout=subprocess.DEVNULL)


def exercise(armature, folder, guest, web):
    """At moments that nobody chose: the host's."""
    numbers = random.Random()
    guest.expect("init is done", timeout=600)
    shell = Shell(guest)
    shell("ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; ip route add default via 10.0.2.2")
    for n in range(6):
        time.sleep(numbers.random() / 5)
        shell(f"echo round {n}; cat /proc/uptime; date +%s")
    output, code = shell("ping -c 3 10.0.2.2")
    if code or "3 packets received" not in output:
        raise Failure(f"ping: {output}")
    shell(f"wget -q -O /tmp/blob http://10.0.2.2:{web}/blob; md5sum /tmp/blob")
    shell.check("mount -t 9p -o trans=virtio share /mnt && cat /mnt/note", "read this\n")
    shell("cp /tmp/blob /mnt/back; ls -l /mnt; md5sum /mnt/back; rm /mnt/note; umount /mnt")
    shell("dd if=/tmp/blob of=/dev/vda bs=64k count=8 conv=fsync; dd if=/dev/vda bs=64k count=16 | md5sum")
    guest.send("cat /dev/input/event0 | hexdump -C | head -n 6 & sleep 1\r")
    for words in (["press", "a"], ["mouse_move", "5", "7"], ["press", "shift+b"], ["click"]):
        ctl(armature, folder, *words)
        time.sleep(numbers.random() / 20)
    shell("wait", timeout=60)
    guest.send("sleep 3\r")  # typed ahead, while it sleeps
    time.sleep(numbers.random())
    shell("echo typed ahead; cat /proc/interrupts | head -n 40")
    guest.send("poweroff -f\r")
    guest.expect_exit(0, timeout=120)


def replay(armature, folder, code, *options):
    """stdin is a source of noise that must not matter. Returns the serial output and what armature said."""
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as noise:
        result = subprocess.run([armature, "--replay", f"{folder}/run.rec", "--display", "none", *options],
                                stdin=noise.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        noise.kill()
    said = result.stderr.decode(errors="replace")
    if result.returncode != code:
        raise Failure(f"{options}: exit code {result.returncode}, not {code}: {said}")
    return result.stdout, said


def hashes(text):
    return re.findall(r"^hash .*$", text, re.MULTILINE)


def killed(armature, folder, *options):
    """The recorder dies; what it wrote can be replayed up to there."""
    with Guest("sh", "-c", 'exec "$0" "$@" 2>/dev/null', armature, *options, "--record", f"{folder}/run.rec",
               "--display", "none") as guest:
        guest.expect("init is done", timeout=600)
        shell = Shell(guest)
        for n in range(5):
            shell(f"echo before the end {n}; sleep 0.3")
        guest.process.kill()
        guest.process.wait()
        seen = guest.seen
    output, said = replay(armature, folder, 0)
    if "breaks off" not in said or b"before the end 3" not in output or not seen.startswith(output[:len(seen) - 200]):
        raise Failure(f"the rest of a killed recording: {said} {output[-300:]}")


def test(armature, release, cpus, *options):
    kernel = fetched(f"fetch_kernel {release}")
    busybox = fetched("fetch_busybox 12")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("shared", "web"):
            os.mkdir(f"{folder}/{name}")
        with open(f"{folder}/shared/note", "w") as file:
            file.write("read this\n")
        with open(f"{folder}/web/blob", "wb") as file:
            file.write(random.randbytes(1 << 20))
        with open(f"{folder}/disk.img", "wb") as file:
            file.write(random.randbytes(4 << 20))
        with open(f"{folder}/initrd.gz", "wb") as file:
            file.write(initramfs(busybox, kernel, MODULES, script=SHELL))
        common = ["--kernel", f"{kernel}/vmlinuz", "--initrd", f"{folder}/initrd.gz", "--memory", "128M", "--cpus", cpus]
        parts = ["--share", f"{folder}/shared", "--disk", f"{folder}/disk.img,overlay=temp", "--net", "user",
                 "--control", f"{folder}/socket"]
        with Guest("sh", "-c", f'exec "$0" "$@" 2>{folder}/errors', armature, *common, *parts, "--record",
                   f"{folder}/run.rec", "--display", "none", *options) as guest:
            exercise(armature, folder, guest, serve_folder(f"{folder}/web"))
            seen, seconds = guest.seen, guest.seconds()
        os.rename(f"{folder}/shared", f"{folder}/moved")
        size = os.path.getsize(f"{folder}/run.rec")
        begun = time.monotonic()
        for mode in ("on", "off"):
            output, said = replay(armature, folder, 0, "--jit", mode)
            if output != seen:
                raise Failure(f"--jit {mode}: the console's output differs: {output[-400:]} and {seen[-400:]}")
            if "is ignored" not in said:
                raise Failure(f"nobody said that input is ignored: {said}")
            if mode == "on":
                print(f"recorded in {seconds:.1f} s, {size} bytes, replayed in {time.monotonic() - begun:.1f} s")
        marks = [f"--hash-at={n * 100000007}" for n in range(1, 6)]
        one, two = (hashes(replay(armature, folder, 0, "--jit", mode, *marks)[1]) for mode in ("on", "off"))
        if not one or one != two:
            raise Failure("hashes differ between the engines")
        _, said = replay(armature, folder, DIVERGED, "--memory", "64M")
        if "is not as it was when the recording began" not in said:
            raise Failure(f"another machine: {said}")
        with open(f"{folder}/disk.img", "r+b") as file:
            file.write(b"changed")
        _, said = replay(armature, folder, 64)
        if "disk0" not in said:
            raise Failure(f"another disk: {said}")
        with Guest(armature, *common, "--disk", f"{folder}/disk.img", "--record", f"{folder}/no.rec") as guest:
            guest.expect("disk0 would be changed by the run")
            guest.expect_exit(64)
        killed(armature, folder, *common)


if __name__ == "__main__":
    main(test)
