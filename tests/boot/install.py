#!/usr/bin/python3
"""scripts/install-debian, and what one does with the system that it makes: login, network, packages, compiling, a shared
folder, ssh, switching off; the file system is whole afterwards.

    install.py ARMATURE RELEASE"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile

from drive import ROOT, SKIPPED, Failure, fetched, main

TOOLS = {**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"}

# What the machine is told is in Lua; what concerns the host is here.
SCRIPT = """
local share, release = ...

expect("login: ", 1200)
send("root\\n")
expect("Password: ", 300)
send("root\\n")
expect("root@debian:~# ", 300)

local function check(command, wanted, seconds)
    local output, status = run(command, seconds or 600)
    assert(status == 0, ("%s: exit status %d: %s"):format(command, status, output))
    assert(not wanted or output:find(wanted), ("%s gave %q, not %q"):format(command, output, wanted))
    return output
end

check("cat /etc/debian_version", "^" .. release .. "%.")
check("findmnt -no SOURCE,FSTYPE /", "^/dev/vda1 +ext4")
check("id user", "uid=1000%(user%)")
check("systemctl is-system-running --wait || systemctl --failed --no-legend", "^running", 1200)
check("ls -l /vmlinuz /initrd.img", "boot/vmlinuz")
check("cat /etc/apt/apt.conf.d/80proxy /etc/dpkg/dpkg.cfg.d/installing 2>/dev/null | grep -c unsafe; true", "^0")

-- The network, and packages from it.
check("for n in $(seq 60); do ip -4 route | grep -q default && break; sleep 1; done; ip -4 route | cat", "default via 10%.0%.2%.2")
-- A mirror that is being updated itself may lack some lists.
check("apt-get -q update || apt-get -q update || apt-cache policy hello | grep 'Candidate: [0-9]'", nil, 2400)
check("DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install hello", "Setting up hello", 1200)
check("hello", "Hello, world!")
check("DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install gcc libc6-dev", "Setting up gcc", 3600)
check([[printf '#include <stdio.h>\\nint main(void) { printf("%%d\\\\n", 6 * 7); return 0; }\\n' >a.c]])
check("gcc -O2 -Wall a.c -o a && ./a", "^42\\n$")

-- A folder of the host.
check("mount -t 9p -o trans=virtio share /mnt")
check("cat /mnt/from-host", "^a file of the host\\n$")
check("[ ! -e /mnt/key.pub ] || install -D -o user -m 600 /mnt/key.pub /home/user/.ssh/authorized_keys")
check("uname -m > /mnt/from-guest")
check("umount /mnt")

-- Somebody logs in from outside: the host does, when it sees this file.
check("systemctl is-active ssh", "^active")
check("mount -t 9p -o trans=virtio share /mnt && touch /mnt/ready && for n in $(seq 600); do " ..
      "[ -e /mnt/seen ] && break; sleep 1; done; [ -e /mnt/seen ] && umount /mnt", nil, 1200)

send("systemctl poweroff\\n")
expect("reboot: Power down", 600)
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ssh(port, key, command):
    return subprocess.run(["ssh", "-p", str(port), "-i", key, "-o", "StrictHostKeyChecking=no", "-o",
                           "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-o",
                           "ConnectTimeout=120", "user@127.0.0.1", command], capture_output=True, text=True, timeout=300)


def banner(port):
    """What the ssh server says first: enough where there is no ssh client."""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as s:
        s.settimeout(120)
        return s.recv(100)


def log_in(port, key):
    if os.path.exists(key):
        result = ssh(port, key, "id -un; uname -m")
        if result.stdout != "user\narmv7l\n":
            raise Failure(f"ssh: {result.stdout}{result.stderr}")
        return
    said = banner(port)
    if not said.startswith(b"SSH-2.0-OpenSSH"):
        raise Failure(f"no ssh server: {said!r}")


def check_files(image, work):
    """The partition as e2fsck sees it."""
    part = os.path.join(work, "part")
    subprocess.run(["dd", f"if={image}", f"of={part}", "bs=1M", "skip=1", "conv=sparse", "status=none"], check=True)
    result = subprocess.run(["e2fsck", "-fn", part], capture_output=True, text=True, env=TOOLS)
    if result.returncode:
        raise Failure(f"e2fsck: {result.stdout}{result.stderr}")


def install(release, image):
    result = subprocess.run([os.path.join(ROOT, "scripts/install-debian"), "--release", release, image])
    if result.returncode:
        raise Failure(f"install-debian ended with {result.returncode}")
    left = [name for name in os.listdir(os.path.dirname(image)) if name != os.path.basename(image)]
    if left:
        raise Failure(f"install-debian left behind {left}")


def boot(armature, release, image, work):
    share = os.path.join(work, "share")
    os.mkdir(share)
    with open(share + "/from-host", "w") as file:
        file.write("a file of the host\n")
    key = os.path.join(share, "key")
    if shutil.which("ssh") and shutil.which("ssh-keygen"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    script = os.path.join(work, "script.lua")
    with open(script, "w") as file:
        file.write(SCRIPT)
    port = free_port()
    process = subprocess.Popen([armature, image, "--share", share, "--forward", f"tcp:{port}:22", "--memory", "1G",
                                "--script", script, "--", share, release], stdin=subprocess.DEVNULL)
    try:
        while process.poll() is None and not os.path.exists(share + "/ready"):
            try:
                process.wait(1)
            except subprocess.TimeoutExpired:
                pass
        if process.poll() is None:
            log_in(port, key)
            open(share + "/seen", "w").close()
        process.wait(3600)
    finally:
        process.kill()
    if process.returncode:
        raise Failure(f"armature ended with {process.returncode}")
    with open(share + "/from-guest") as file:
        if file.read() != "armv7l\n":
            raise Failure("what the guest wrote to the shared folder is not there")


def test(armature, release):
    if not shutil.which("e2fsck", path=TOOLS["PATH"]):
        print("skipped: e2fsck is not there (Debian: e2fsprogs)")
        sys.exit(SKIPPED)
    fetched("[ -n \"$(debian_mirrors)\" ] && echo yes")
    with tempfile.TemporaryDirectory() as work:
        folder = os.path.join(work, "image")
        os.mkdir(folder)
        image = os.path.join(folder, "debian.img")
        install(release, image)
        boot(armature, release, image, work)
        check_files(image, work)


if __name__ == "__main__":
    main(test)
