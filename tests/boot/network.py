#!/usr/bin/python3
"""The user-mode network with Debian's own drivers: addresses, ping, TCP both ways, TFTP, forwards, capture.

    network.py ARMATURE RELEASE MODEL [option...]

MODEL is virtio or lan9118. Nothing outside this computer is asked."""

import gzip
import hashlib
import http.server
import os
import random
import socket
import stat
import struct
import tempfile
import threading

from drive import Failure, Guest, fetched, main, newc
from virtio import modules, unpack

DRIVERS = {"virtio": ("virtio_mmio", "virtio_net", "af_packet"), "lan9118": ("smsc911x", "af_packet")}

INIT = b"""#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module || echo cannot load $module; done
ip link set lo up
echo init is done
exec setsid cttyhack sh
"""

LEASE = b"""#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add $ip/$mask dev $interface
ip route add default via $router
echo nameserver $dns > /etc/resolv.conf
echo "lease: $ip of $router, names $dns"
"""


def initramfs(release, drivers, extra=()):
    """Debian's busybox and network drivers; extra: (name, mode, contents) of further files."""
    with open(fetched("fetch_busybox 12"), "rb") as file:
        program = file.read()
    found = modules(unpack(fetched(f"fetch_installer {release}") + "/initrd.gz"), drivers)
    directory, executable = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o755
    order = "\n".join(name for name, _ in found).encode()
    entries = [(name, directory, b"") for name in ("bin", "dev", "etc", "proc", "sys", "tmp", "modules")]
    entries += [("dev/console", stat.S_IFCHR | 0o600, (5, 1)), ("bin/busybox", executable, program),
                ("bin/sh", stat.S_IFLNK | 0o777, b"busybox"), ("init", executable, INIT),
                ("etc/lease", executable, LEASE), ("modules/order", executable, order)]
    entries += [("modules/" + name, executable, data) for name, data in found]
    return gzip.compress(newc(entries + list(extra)), compresslevel=1)


class Shell:
    """Commands in the guest's shell."""

    def __init__(self, guest):
        self.guest = guest
        guest.expect("init is done", timeout=900)
        guest.expect("# ")

    def run(self, line, answer=r"", timeout=120):
        self.guest.send(line + "\r")
        self.guest.expect(r"\r\n")
        match = self.guest.expect(answer, timeout)
        self.guest.expect("# ", timeout)
        return match


class Collector(threading.Thread):
    """A TCP server that takes one connection, and keeps what comes."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.data = b""
        self.start()

    def run(self):
        connection, _ = self.socket.accept()
        with connection:
            while piece := connection.recv(1 << 16):
                self.data += piece


def serve_folder(folder):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=folder)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def check_capture(path):
    """Whole records with frames of both directions; returns how many."""
    with open(path, "rb") as file:
        data = file.read()
    if struct.unpack_from("<I", data)[0] != 0xa1b23c4d:
        raise Failure("the capture has no header")
    at, count, times = 24, 0, []
    while at < len(data):
        seconds, nanoseconds, length, whole = struct.unpack_from("<IIII", data, at)
        times.append(seconds * 10**9 + nanoseconds)
        at += 16 + length
        count += 1
        if length != whole or length < 14:
            raise Failure(f"a record of {length} bytes in the capture")
    if at != len(data) or times != sorted(times):
        raise Failure("the capture's records are not whole, or not in order")
    return count


def names_work():
    try:
        with open("/etc/resolv.conf") as file:
            return any(line.split()[:1] == ["nameserver"] for line in file) and socket.gethostbyname("example.org")
    except OSError:
        return False


def exercise(guest, folder, ports):
    shell, run = Shell(guest), None
    run = shell.run
    blob = random.Random(1).randbytes(12 << 20)
    digest = hashlib.md5(blob).hexdigest()
    for name, data in (("blob", blob), ("small", blob[:100001])):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
    web, collector = serve_folder(folder), Collector()
    run("ip link set eth0 up")
    run("udhcpc -q -i eth0 -s /etc/lease", r"lease: 10\.0\.2\.15 of 10\.0\.2\.2, names 10\.0\.2\.3\r")
    run("ip link show eth0", r"LOWER_UP")
    run("ping -c 3 10.0.2.2", r"3 packets received")
    run("ping -c 2 -s 20000 10.0.2.2", r"2 packets received")
    run("sleep 2; ping -6 -c 2 fec0::2", r"2 packets received")
    run(f"wget -q -O /tmp/blob http://10.0.2.2:{web}/blob; md5sum /tmp/blob", digest)
    run(f"nc 10.0.2.2 {collector.port} < /tmp/blob; echo sent", "sent\r")
    collector.join(30)
    if collector.data != blob:
        raise Failure(f"{len(collector.data)} bytes arrived from the guest, of {len(blob)}, or others")
    run("tftp -g -l /tmp/small -r small 10.0.2.2; md5sum /tmp/small", hashlib.md5(blob[:100001]).hexdigest())
    guest.send("(nc -l -p 7 -e cat; echo echoed) &\r")
    guest.expect("# ")
    run("sleep 1; netstat -ltn", r":7 ")
    with socket.create_connection(("127.0.0.1", ports[0]), timeout=60) as connection:
        connection.sendall(b"through the forward")
        connection.shutdown(socket.SHUT_WR)
        if connection.makefile("rb").read() != b"through the forward":
            raise Failure("the forwarded port does not answer")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(5):
            sender.sendto(b"by UDP", ("127.0.0.1", ports[1]))
    # Nobody listens there, which Linux counts.
    run("sleep 1; awk '/^Udp: [0-9]/ { print \"no port\", $3 }' /proc/net/snmp", r"no port 5\r")
    if names_work():
        run("nslookup example.org 10.0.2.3", r"Address.*example\.org|Name:.*Address")
    run("dmesg | grep -i -E 'checksum|oops|BUG:|transmit timed out'; cat /proc/net/snmp | grep Tcp; echo fine", "fine")


def test(armature, release, model, *options):
    kernel = fetched(f"fetch_installer {release}") + "/vmlinuz"
    with tempfile.TemporaryDirectory() as folder:
        archive = os.path.join(folder, "initrd.gz")
        with open(archive, "wb") as file:
            file.write(initramfs(release, DRIVERS[model]))
        shared = os.path.join(folder, "shared")
        os.mkdir(shared)
        ports = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
        net = f"user,model={model},tftp={shared},pcap={folder}/capture"
        with Guest(armature, "--kernel", kernel, "--initrd", archive, "--net", net, "--forward", f"tcp:{ports[0]}:7",
                   "--forward", f"udp:{ports[1]}:9", *options) as guest:
            exercise(guest, shared, ports)
            guest.send("poweroff -f\r")
            guest.expect_exit(0, timeout=300)
        if check_capture(folder + "/capture") < 100:
            raise Failure("there is little in the capture")


if __name__ == "__main__":
    main(test)
