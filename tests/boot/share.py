#!/usr/bin/python3
"""Shared folders with Debian's own 9P modules: trees copied both ways, names, links, owners, cache modes, a read-only
share, random operations compared with those on the guest's own memory and with what the host sees.

    share.py ARMATURE RELEASE SHARE_GUEST [option...]"""

import hashlib
import os
import random
import stat
import tempfile

from drive import Failure, Guest, fetched, main
from kernel_guest import Shell, initramfs

MODULES = ("virtio_mmio", "9p", "9pnet_virtio")
STEPS = 4000


def make_tree(top):
    """A tree of odd sizes and names; returns its description as `describe` gives it."""
    numbers = random.Random(9)
    for n in range(60):
        folder = os.path.join(top, *(f"d{numbers.randrange(3)}" for _ in range(n % 4)))
        os.makedirs(folder, exist_ok=True)
        name = os.path.join(folder, numbers.choice(["file", "with space", "gr\u00fc\u00df", "x" * 200]) + str(n))
        with open(name, "wb") as file:
            file.write(numbers.randbytes(numbers.choice([0, 1, 4095, 4096, 4097, 100000, 700001])))
        os.chmod(name, numbers.choice([0o644, 0o755, 0o600]))
        os.utime(name, ns=(10 ** 18 + n * 10 ** 9, 10 ** 18 + n * 10 ** 9 + n))
    os.symlink("empty", os.path.join(top, "link"))
    os.mkdir(os.path.join(top, "empty"))


def describe(top):
    lines = []
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            what = "folder"
            if stat.S_ISLNK(status.st_mode):
                what = os.readlink(path)
            elif stat.S_ISREG(status.st_mode):
                with open(path, "rb") as file:
                    what = hashlib.sha256(file.read()).hexdigest() + f" {status.st_mtime_ns // 10 ** 9}"
            lines.append(f"{os.path.relpath(path, top)} {status.st_mode:o} {what}")
    return sorted(lines)


def copies(shell, shared):
    make_tree(f"{shared}/tree")
    before = describe(f"{shared}/tree")
    for mode in ("none", "mmap", "loose"):
        shell.check(f"mount -t 9p -o trans=virtio,msize=512000,cache={mode} share /mnt")
        shell.check("cp -a /mnt/tree /tmp/tree")
        shell.check(f"cp -a /tmp/tree /mnt/back-{mode}")
        shell.check(f"diff -r /mnt/tree /mnt/back-{mode}")
        sums, _ = shell("cd /mnt/tree; find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum; cd /")
        shell.check("rm -r /tmp/tree; umount /mnt")
        if describe(f"{shared}/back-{mode}") != before:
            raise Failure(f"cache={mode}: what the guest copied is not what it got")
        wanted = hashlib.sha256()
        names = []
        for folder, _, files in os.walk(f"{shared}/tree"):
            names += [os.path.join(folder, name) for name in files
                      if not os.path.islink(os.path.join(folder, name))]
        for name in sorted(os.fsencode(os.path.relpath(name, f"{shared}/tree")) for name in names):
            with open(os.fsencode(f"{shared}/tree/") + name, "rb") as file:
                wanted.update(hashlib.sha256(file.read()).hexdigest().encode() + b"  ./" + name + b"\n")
        if sums.split()[0] != wanted.hexdigest():
            raise Failure(f"cache={mode}: the guest reads other bytes")


def names(shell, shared):
    shell.check("mount -t 9p -o trans=virtio share /mnt; cd /mnt")
    shell.check("echo one > a; mv a b; ln b c; ln -s b s; cat b c s", "one\none\none\n")
    shell.check("mkdir d; mv b d/b; mv d e; cat e/b c", "one\none\n")
    shell.check("exec 5< e/b; rm e/b; cat <&5; exec 5<&-", "one\n")
    shell.check("rm s; rmdir e; ls -d c", "c\n")
    shell.check("echo appended >> c; cat c", "one\nappended\n")
    shell.check("chown 12:34 c; chmod 4751 c; stat -c '%a %u %g' c", "4751 12 34\n")
    shell.check("touch -d '2001-02-03 04:05:06' c; stat -c %Y c", "981173106\n")
    shell.check("mkfifo p; (echo through > p &); cat p; rm p", "through\n")
    shell.check("mknod n c 1 3 2> /dev/null || echo refused", "refused\n")
    shell.check("ln -s /etc/passwd out; ln -s ../.. up; cat out 2> /dev/null || ls up | grep -c init; rm out up", "1\n")
    shell.check("ls .. | grep -c mnt", "1\n")
    shell.check("dd if=/dev/zero of=big bs=1M count=64 2> /dev/null; truncate -s 100000000 big; stat -c %s big",
                "100000000\n")
    status = os.stat(f"{shared}/c")
    if status.st_mode & 0o7000 or os.path.getsize(f"{shared}/big") != 100000000:
        raise Failure(f"the host has mode {status.st_mode:o}")
    with open(f"{shared}/host", "w") as file:
        file.write("of the host\n")
    shell.check("cat host; rm big c host", "of the host\n")
    shell.check("i=0; while [ $i -lt 300 ]; do mkdir x$i; echo $i > x$i/f; i=$((i+1)); done; ls | grep -c ^x", "300\n")
    shell.check("rm -r x*; ls -d x* 2> /dev/null | wc -l", "0\n")
    shell.check("cd /; umount /mnt")


def others(shell, aside):
    """The second share is read-only and has a name."""
    shell.check("mount -t 9p -o trans=virtio fixed /mnt; cat /mnt/note", "read this\n")
    shell.check("for c in 'touch /mnt/new' 'rm /mnt/note' 'mkdir /mnt/new' 'chmod 777 /mnt/note'; do "
                "$c 2> /dev/null || echo refused; done", "refused\n" * 4)
    shell.check("(echo x > /mnt/note) 2> /dev/null || echo refused; umount /mnt", "refused\n")
    if describe(aside)[0].split()[:2] != ["note", "100644"] or len(describe(aside)) != 1:
        raise Failure("the read-only folder has changed")
    shell.check("mount -t 9p -o trans=virtio,version=9p2000.u share /mnt 2> /dev/null || echo refused", "refused\n")
    shell.check("mount -t 9p -o trans=virtio none /mnt 2> /dev/null || echo refused", "refused\n")


def tree_value(data):
    value = 1
    for byte in data:
        value = (value * 31 + byte) & 0xffffffff
    return value


def host_lines(top):
    lines = []
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            mode, value = os.lstat(path).st_mode, 1
            if stat.S_ISREG(mode):
                with open(path, "rb") as file:
                    value = tree_value(file.read())
            elif stat.S_ISLNK(mode):
                value = tree_value(os.fsencode(os.readlink(path))) & 0x7fffffff
            lines.append(f"{os.path.relpath(path, top)} {stat.S_IFMT(mode):o} {value:08x}")
    return sorted(lines)


def guest_lines(text):
    lines = []
    for line in text.splitlines():
        if line.startswith("/"):
            name, mode, _, _, value = line.split()
            lines.append(f"{name[1:]} {stat.S_IFMT(int(mode, 8)):o} {value}")
    return sorted(lines)


def stress(shell, shared):
    for seed, mode in enumerate(("none", "mmap", "loose")):
        shell.check(f"mount -t 9p -o trans=virtio,cache={mode} share /mnt; mkdir /mnt/stress /tmp/stress")
        output, code = shell(f"share_guest {seed} {STEPS} /mnt/stress /tmp/stress", 900)
        if code:
            raise Failure(f"cache={mode}: exit status {code}:\n{output[:3000]}")
        trees = output.split("shared tree\n")[1].split("own tree\n")
        own, theirs = trees[0].strip().splitlines(), trees[1].strip().splitlines()
        if own != [line for line in theirs if not line.startswith("end of")]:
            raise Failure(f"cache={mode}: the trees differ:\n{output[-3000:]}")
        shell.check("umount /mnt; rm -r /tmp/stress")
        if len(own) < 20 or guest_lines(trees[0]) != host_lines(f"{shared}/stress"):
            raise Failure(f"cache={mode}: the host has another tree of {len(own)} names")
        shell.check("mount -t 9p -o trans=virtio share /mnt; rm -r /mnt/stress; umount /mnt")


def test(armature, release, program, *options):
    kernel = fetched(f"fetch_kernel {release}")
    with open(program, "rb") as file:
        files = [("bin/share_guest", stat.S_IFREG | 0o755, file.read())]
    with tempfile.TemporaryDirectory() as folder:
        shared, aside = f"{folder}/shared, with a comma", f"{folder}/aside"
        os.mkdir(shared)
        os.mkdir(aside)
        os.chmod(folder, 0o755)
        with open(f"{aside}/note", "w") as file:
            file.write("read this\n")
        os.chmod(f"{aside}/note", 0o644)
        with open(f"{folder}/initrd.gz", "wb") as file:
            file.write(initramfs(fetched("fetch_busybox 12"), kernel, MODULES, files=files))
        with Guest(armature, "--kernel", f"{kernel}/vmlinuz", "--initrd", f"{folder}/initrd.gz", "--memory", "256M",
                   "--share", shared.replace(",", ",,"), "--share", f"{aside},ro,name=fixed", "--log", "guest",
                   *options) as guest:
            guest.expect("init is done", timeout=900)
            shell = Shell(guest)
            copies(shell, shared)
            names(shell, shared)
            others(shell, aside)
            stress(shell, shared)
            if b"stopped until its driver" in guest.text:
                raise Failure("something went wrong")
            guest.send("poweroff -f\r")
            guest.expect_exit(0, timeout=120)


if __name__ == "__main__":
    main(test)
