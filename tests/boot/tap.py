#!/usr/bin/python3
"""A real tap device, in a network namespace of the test's own: ping and TCP with checksums both ways, large frames, a device
that another machine has, one that is not there, and one that goes. Skipped where none can be made.

    tap.py ARMATURE RELEASE"""

import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import time

from drive import SKIPPED, Failure, Guest, fetched, main
from network import DRIVERS, Shell, initramfs

DATA = b"".join(b"%d\n" % n for n in range(1, 600001))
DIGEST = hashlib.md5(DATA).hexdigest()


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def connect(port):
    end = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("192.168.7.2", port), timeout=60)
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise Failure("the guest does not listen") from None
            time.sleep(0.2)


def transfer(shell):
    shell.guest.send("nc -l -p 9 > /tmp/got; md5sum < /tmp/got; echo transferred\r")
    with connect(9) as s:
        s.sendall(DATA)
    shell.guest.expect(DIGEST + r".*transferred\r", timeout=120)
    shell.guest.expect("# ")
    with socket.create_server(("192.168.7.1", 10)) as server:
        server.settimeout(120)
        shell.guest.send("nc 192.168.7.1 10 < /tmp/got; echo sent\r")
        s, _ = server.accept()
        digest = hashlib.md5()
        with s:
            s.settimeout(120)
            while data := s.recv(1 << 16):
                digest.update(data)
    shell.guest.expect("sent\r", timeout=60)
    shell.guest.expect("# ")
    if digest.hexdigest() != DIGEST:
        raise Failure("something else came from the guest")


def refused(armature, net, *words):
    result = subprocess.run([armature, "--no-config", "--display", "none", "--timeout", "1", "--net", net], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60)
    if result.returncode != 64 or result.stderr.count("\n") != 1 or not all(word in result.stderr for word in words):
        raise Failure(f"--net {net}: exit code {result.returncode}: {result.stderr}")


def try_device(armature, release, folder, model):
    ip("tuntap", "add", "dev", "tap0", "mode", "tap")
    ip("addr", "add", "192.168.7.1/24", "dev", "tap0")
    large = model == "virtio"
    ip("link", "set", "tap0", "up", *(["mtu", "9000"] if large else []))
    archive = os.path.join(folder, model + ".gz")
    with open(archive, "wb") as file:
        file.write(initramfs(release, DRIVERS[model]))
    with Guest(armature, "--kernel", fetched(f"fetch_installer {release}") + "/vmlinuz", "--initrd", archive, "--memory", "128M",
               "--net", f"tap:tap0,model={model}{',mtu=9000' if large else ''}") as guest:
        shell = Shell(guest)
        shell.run("ip link set eth0 up; ip addr add 192.168.7.2/24 dev eth0")
        shell.run("ping -c 3 192.168.7.1", "3 packets received")
        if large:
            shell.run("ping -c 2 -s 8900 192.168.7.1", "2 packets received")
        refused(armature, "tap:tap0", "tap0", "in use by another program")
        transfer(shell)
        ip("link", "del", "tap0")
        shell.run("ping -c 2 -W 1 192.168.7.1; echo $((6 * 7))", "42\r")
        guest.send("poweroff -f\r")
        guest.expect_exit(0, timeout=60)
    print(f"ok: {model}")


def inside(armature, release):
    refused(armature, "tap:tap7", "tap7", "ip tuntap add dev tap7 mode tap")
    with tempfile.TemporaryDirectory() as folder:
        for model in ("virtio", "lan9118"):
            try_device(armature, release, folder, model)


def test(armature, release, place=None):
    if place:
        inside(armature, release)
        return
    words = ["unshare", "-n"] if os.getuid() == 0 else ["unshare", "-Urn"]
    result = subprocess.run([*words, "ip", "tuntap", "add", "dev", "tap0", "mode", "tap"], stderr=subprocess.PIPE, text=True)
    if result.returncode:
        print(f"skipped: no tap device can be made here: {result.stderr}")
        sys.exit(SKIPPED)
    sys.exit(subprocess.run([*words, sys.executable, "-B", os.path.abspath(__file__), armature, release, "inside"]).returncode)


if __name__ == "__main__":
    main(test)
