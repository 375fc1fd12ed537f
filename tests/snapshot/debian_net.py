#!/usr/bin/python3
"""Snapshots of Debian's kernel with connections through the user-mode network, in both directions, on which nobody says
anything. Where it goes on without the other ends, in the same process or in others, the guest hears at once that they have
gone, and new ones work as ever; a recording that begins there can be replayed.

    debian_net.py ARMATURE MODEL"""

import os
import socket
import subprocess
import sys
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "boot"))
from drive import Failure, Guest, fetched, main  # noqa: E402
from kernel_guest import Shell, initramfs  # noqa: E402
from network import free_port, serve_folder  # noqa: E402

MODULES = {"virtio": ("virtio_mmio", "virtio_net", "af_packet"), "lan9118": ("smsc911x", "af_packet")}
# This busybox' shell takes the end of a child, while it waits for a line, for the end of its input: its children are others'.
SCRIPT = "echo init is done\nwhile :; do setsid cttyhack sh; done\n"
# Their standard inputs stay open and say nothing.
START = ("mkfifo /tmp/quiet; (sleep 100000 > /tmp/quiet &); (sh -c 'nc 10.0.2.2 {0} < /tmp/quiet; echo client has ended' &); "
         "(sh -c 'nc -l -p 7 < /tmp/quiet; echo server has ended' &); sleep 1")


class Test:
    def __init__(self, armature, folder, model):
        self.armature, self.folder, self.model = armature, folder, model
        self.web = serve_folder(folder)
        self.forward = free_port(socket.SOCK_STREAM)

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, *options):
        return Guest(self.armature, "--no-config", "--display", "none", "--net", f"user,model={self.model}",
                     "--forward", f"tcp:{self.forward}:7", "--control", self.path("socket"), *options)

    def ctl(self, *words):
        result = subprocess.run([self.armature, "ctl", self.path("socket"), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if result.returncode:
            raise Failure(f"{words}: {result.stderr.decode()}")

    def check_reset(self, guest, what):
        """Both guest's programs end; afterwards the network works in both directions."""
        guest.expect(r"(client|server) has ended", timeout=20)
        guest.expect(r"(client|server) has ended", timeout=20)
        shell = Shell(guest)
        shell.check(f"wget -q -O - http://10.0.2.2:{self.web}/note", "read this\n")
        shell("(nc -l -p 7 -e cat &); sleep 1")
        with socket.create_connection(("127.0.0.1", self.forward), timeout=60) as connection:
            connection.sendall(b"through the forward")
            connection.shutdown(socket.SHUT_WR)
            if connection.makefile("rb").read() != b"through the forward":
                raise Failure(f"{what}: the forwarded port does not answer")
        print(f"ok: {what}")


def save_with_connections(test, boot):
    """Then both connections still work where the machine was saved, until it is loaded there, too."""
    snap = test.path("live.snap")
    with socket.create_server(("127.0.0.1", 0)) as server, test.start(*boot) as guest:
        guest.expect("init is done", timeout=600)
        shell = Shell(guest)
        shell("ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; ip route add default via 10.0.2.2")
        shell(START.format(server.getsockname()[1]))
        outside, _ = server.accept()
        inside = socket.create_connection(("127.0.0.1", test.forward), timeout=60)
        outside.sendall(b"hello client\n")
        guest.expect("hello client")
        inside.sendall(b"hello server\n")
        guest.expect("hello server")
        test.ctl("save", snap)
        outside.sendall(b"still there, client\n")
        guest.expect("still there, client")
        inside.sendall(b"still there, server\n")
        guest.expect("still there, server")
        test.ctl("load", snap)
        test.check_reset(guest, "loaded in the same process")
        for end in (outside, inside):
            end.settimeout(20)
            try:
                if end.recv(1):
                    raise Failure("the host's program got something")
            except ConnectionResetError:
                pass
    return snap


def check_recorded(test, snap):
    recording = test.path("run.rec")
    with test.start("--load", snap, "--record", recording) as guest:
        test.check_reset(guest, "loaded and recorded")
        guest.send("poweroff -f\r")
        guest.expect_exit(0, timeout=120)
        seen = guest.seen
    result = subprocess.run([test.armature, "--replay", recording, "--display", "none"], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if result.returncode or not seen.replace(b"\r", b"").endswith(result.stdout.replace(b"\r", b"")[-500:]):
        raise Failure(f"the replay: {result.returncode} {result.stderr.decode()} {result.stdout[-600:]} {seen[-600:]}")
    print("ok: replayed")


def test(armature, model):
    kernel = fetched("fetch_kernel 12")
    with tempfile.TemporaryDirectory() as folder:
        test_of = Test(armature, folder, model)
        with open(test_of.path("note"), "w") as file:
            file.write("read this\n")
        with open(test_of.path("initrd.gz"), "wb") as file:
            file.write(initramfs(fetched("fetch_busybox 12"), kernel, MODULES[model], script=SCRIPT))
        boot = ["--kernel", kernel + "/vmlinuz", "--initrd", test_of.path("initrd.gz"), "--memory", "96M", "--append",
                "console=ttyAMA0 quiet"]
        snap = save_with_connections(test_of, boot)
        with test_of.start("--load", snap) as guest:
            test_of.check_reset(guest, "loaded in another process")
        check_recorded(test_of, snap)


if __name__ == "__main__":
    main(test)
