#!/usr/bin/python3
"""Debian's kernel from its first instruction on: it boots, writes to an ext4 on a virtio disk and reads it again, and its
three networks, which a hub joins, carry files between name spaces, with an SD card, a CompactFlash card, virtio's entropy and
console, all at once. Saved at random instruction counts and
loaded in another process, it is the same machine, and is the same at the next count as the run that was never saved; what
is saved again is the same file.

    debian_points.py ARMATURE ROUND_TRIP [points [seed [cpus]]]"""

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

import debian_disk
from debian_disk import TOOLS, kernel_guest, make_image
from drive import SKIPPED, Failure, fetched, main  # found by debian_disk

MODULES = (*debian_disk.MODULES, "virtio_net", "smsc911x", "af_packet", "armmmci", "pata_of_platform", "sd_mod", "virtio_rng",
           "virtio_console")
LEAST, MOST = 3500000000, 4800000000  # instructions: from the loading of modules to the fourth round or so
LEAST_ROUNDS = 3

# In a name space of its own: FAR interface address
FAR = """#!/bin/sh
ip link set lo up
until ip addr add $2/24 dev $1 2>/dev/null; do usleep 20000; done
ip link set $1 up
nc -ll -p 7 -e cat &
nc -ll -p 8 -e /offer &
wait
"""

OFFER = """#!/bin/sh
exec cat /tmp/file
"""

# The board's controller is the last to be found.
INIT = """echo init is done
head -c 200000 /bin/busybox > /tmp/file
mount -t ext4 /dev/vda /mnt
for far in 1 2; do
    unshare -n sh -c "echo \\$\\$ > /tmp/far$far; exec /far eth$far 10.9.0.$far" &
    until [ -s /tmp/far$far ]; do usleep 20000; done
    ip link set eth$far netns $(cat /tmp/far$far)
done
ip link set lo up
ip addr add 10.9.0.9/24 dev eth0
ip link set eth0 up
for far in 1 2; do
    until ping -c 1 -W 1 10.9.0.$far > /dev/null; do :; done
done
(
    n=0
    while n=$((n + 1)); do
        seq $n 90 30000 > /mnt/a$((n % 7))
        mkdir /mnt/d$n
        cp /mnt/a$((n % 7)) /mnt/d$n
        [ $((n % 3)) = 0 ] && sync
        rm -rf /mnt/d$((n - 5))
        usleep 30000
    done
) &
for disk in mmcblk0 sda; do
    (
        n=0
        while n=$((n + 1)); do
            head -c 4096 /dev/hwrng > /dev/hvc0
            seq $n 900 > /tmp/$disk
            dd if=/tmp/$disk of=/dev/$disk bs=4096 seek=$((n % 50)) conv=fsync 2> /dev/null
            dd if=/dev/$disk bs=4096 skip=$((n % 50)) count=1 2> /dev/null | cmp -s -n 2000 - /tmp/$disk || echo "$disk is wrong"
            [ $n = 3 ] && echo "$disk works"
            usleep 50000
        done
    ) &
done
ping 10.9.0.2 > /dev/null &
n=0
while n=$((n + 1)); do
    for far in 1 2; do
        (
            nc 10.9.0.$far 8 < /dev/null > /mnt/got$far
            nc 10.9.0.$far 7 < /mnt/got$far > /mnt/back$far
        ) &
        pid="$pid $!"
    done
    wait $pid
    pid=
    sync
    echo 3 > /proc/sys/vm/drop_caches
    echo "round $n" $(cat /mnt/got1 /mnt/back1 /mnt/got2 /mnt/back2 | md5sum) wanted $(cat /tmp/file /tmp/file /tmp/file /tmp/file | md5sum)
done
"""


def check_output(path):
    with open(path, errors="replace") as file:
        said = file.read()
    rounds = re.findall(r"round (\d+) (\w+) - wanted (\w+)", said)
    if len(rounds) < LEAST_ROUNDS or any(got != wanted for _, got, wanted in rounds):
        raise Failure(f"the guest did not do what it should: {said[-1500:]}")
    for works in ("mmcblk0 works", "sda works"):
        if works not in said:
            raise Failure(f"not '{works}': {said[-1500:]}")
    for trouble in ("is wrong", "Call trace", "EXT4-fs error", "transmit timed out", "Unable to handle"):
        if trouble in said:
            raise Failure(f"the guest has trouble: {said[-3000:]}")
    return len(rounds)


def test(armature, round_trip, points="60", seed="1", cpus="1"):
    if not shutil.which("mkfs.ext4", path=TOOLS["PATH"]):
        print("skipped: there is no mkfs.ext4 here")
        sys.exit(SKIPPED)
    kernel = fetched("fetch_kernel 12")
    executable = stat.S_IFREG | 0o755
    with tempfile.TemporaryDirectory() as folder:
        image, initrd, output = (os.path.join(folder, name) for name in ("disk.img", "initrd.gz", "output"))
        make_image(image)
        cards = []
        for name in ("sd", "cf"):
            with open(os.path.join(folder, name), "wb") as file:
                file.truncate(8 << 20)
            cards += ["--" + name, file.name]
        with open(initrd, "wb") as file:
            file.write(kernel_guest.initramfs(fetched("fetch_busybox 12"), kernel, MODULES, script=INIT,
                                              files=[("far", executable, FAR.encode()), ("offer", executable, OFFER.encode())]))
        subprocess.run([round_trip, "--points", points, "--seed", seed, "--cpus", cpus, "--memory", "96", "--kernel", kernel + "/vmlinuz",
                        "--initrd", initrd, "--append", "console=ttyAMA0 quiet", "--disk", image, *cards, "--all-devices", "--hub", "--least", str(LEAST), "--most", str(MOST),
                        "--processes", "--output", output], check=True)
        print(f"{check_output(output)} rounds of files over the network and the disk")


if __name__ == "__main__":
    main(test)
