#!/usr/bin/python3
"""Two machines on a switch: ping, TCP with a checksum, and that the switch outlives the machine that opened it.

    switch.py ARMATURE RELEASE [option...]"""

import hashlib
import os
import tempfile

from drive import Failure, Guest, fetched, main
from network import DRIVERS, Shell, initramfs

BLOB = "seq 1 600000 > /tmp/blob; md5sum < /tmp/blob"
DIGEST = hashlib.md5(b"".join(b"%d\n" % n for n in range(1, 600001))).hexdigest()


def start(guest, number, device="eth0"):
    shell = Shell(guest)
    shell.run(f"ip link set {device} up; ip addr add 192.168.7.{number}/24 dev {device}")
    shell.run(f"ip link show {device}", "LOWER_UP")
    return shell


def transfer(sender, receiver, address):
    receiver.guest.send("nc -l -p 9 > /tmp/got; md5sum < /tmp/got; echo transferred\r")
    sender.run(BLOB, DIGEST)
    sender.run(f"sleep 1; nc {address} 9 < /tmp/blob; echo sent", "sent\r")
    receiver.guest.expect(DIGEST + r".*transferred\r", timeout=60)
    receiver.guest.expect("# ")


def test(armature, release, *options):
    kernel = fetched(f"fetch_installer {release}") + "/vmlinuz"
    with tempfile.TemporaryDirectory() as folder:
        def machine(model):
            archive = os.path.join(folder, model + ".gz")
            with open(archive, "wb") as file:
                file.write(initramfs(release, DRIVERS[model]))
            return Guest(armature, "--kernel", kernel, "--initrd", archive, "--memory", "128M", "--net",
                         f"switch:{folder}/switch,model={model}", *options)

        with machine("virtio") as first, machine("lan9118") as second:
            one, two = start(first, 1), start(second, 2)
            one.run("ping -c 3 192.168.7.2", "3 packets received")
            transfer(one, two, "192.168.7.2")
            transfer(two, one, "192.168.7.1")
            first.send("poweroff -f\r")
            first.expect_exit(0, timeout=60)
            with machine("virtio") as third:
                three = start(third, 3)
                two.run("ping -c 3 192.168.7.3", "3 packets received")
                transfer(three, two, "192.168.7.2")
                third.send("poweroff -f\r")
                third.expect_exit(0, timeout=60)
            second.send("poweroff -f\r")
            second.expect_exit(0, timeout=60)
        left = [name for name in os.listdir(folder) if name.startswith("switch")]
        if left:
            raise Failure(f"files are left: {left}")


if __name__ == "__main__":
    main(test)
