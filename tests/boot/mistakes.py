#!/usr/bin/python3
"""Makes the classic mistakes on purpose, with Debian's installer kernel, and checks that each ends with a message that
names it and with the right exit code.

A case runs without anybody to talk to: no input, and a watchdog. Arguments: the program, then the names of cases (all)."""

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

from drive import Failure, fetched, main, newc

USAGE, PANIC, HANG = 64, 66, 67
MISTAKES = []


def mistake(code, *expected, watchdog=600):
    """Declares a case: a function of the images and a folder that gives the options; expected texts are on stderr."""
    def declare(function):
        MISTAKES.append((function.__name__, function, code, expected, watchdog))
        return function
    return declare


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return path


def read(path):
    with open(path, "rb") as file:
        return file.read()


def tree(root, nodes):
    """A flattened device tree: properties of the root, then {name: properties} of its children, one level."""
    strings, structure = bytearray(), bytearray()

    def name_at(name):
        if name.encode() + b"\0" not in strings:
            strings.extend(name.encode() + b"\0")
        return strings.index(name.encode() + b"\0")

    def begin(name, properties):
        text = name.encode() + b"\0"
        structure.extend(struct.pack(">I", 1) + text + b"\0" * (-len(text) % 4))
        for key, value in properties.items():
            structure.extend(struct.pack(">III", 3, len(value), name_at(key)) + value + b"\0" * (-len(value) % 4))

    begin("", root)
    for name, properties in nodes.items():
        begin(name, properties)
        structure.extend(struct.pack(">I", 2))
    structure.extend(struct.pack(">II", 2, 9))
    start = 40 + 16
    header = struct.pack(">10I", 0xD00DFEED, start + len(structure) + len(strings), start, start + len(structure), 40, 17,
                         16, 0, len(strings), len(structure))
    return header + b"\0" * 16 + bytes(structure) + bytes(strings)


def cells(*values):
    return struct.pack(f">{len(values)}I", *values)


# ---- What goes to the kernel ------------------------------------------------------------------------------------------


@mistake(HANG, "there is no console= on its command line", "add console=ttyAMA0", "in the kernel's log buffer",
         "warning: there is no console=", watchdog=40)
def no_console(images, folder):
    return ["--append", "quiet loglevel=7", "--initrd", f"{images}/initrd.gz"]


@mistake(HANG, 'its console is "ttyS0"', "use console=ttyAMA0", watchdog=20)
def console_of_a_pc(images, folder):
    return ["--append", "console=ttyS0", "--initrd", f"{images}/initrd.gz"]


@mistake(PANIC, "panicked: VFS: Unable to mount root fs", "there is no initrd", "root=/dev/sda1", "no such disk")
def wrong_root(images, folder):
    return ["--append", "console=ttyAMA0 root=/dev/sda1"]


@mistake(HANG, "waits for its root device /dev/mmcblk0p2, which does not appear", watchdog=120)
def root_never_appears(images, folder):
    return ["--append", "console=ttyAMA0 root=/dev/mmcblk0p2 rootwait"]


# ---- The device tree --------------------------------------------------------------------------------------------------


@mistake(HANG, "warning: device tree", "is for another board", "looks for its devices", watchdog=20)
def tree_of_another_board(images, folder):
    other = tree({"#address-cells": cells(1), "#size-cells": cells(1), "interrupt-parent": cells(1),
                  "model": b"ARM Versatile PB\0", "compatible": b"arm,versatile-pb\0"},
                 {"memory@0": {"device_type": b"memory\0", "reg": cells(0, 0x08000000)},
                  "chosen": {},
                  "intc@10140000": {"compatible": b"arm,versatile-vic\0", "interrupt-controller": b"",
                                    "#interrupt-cells": cells(1), "reg": cells(0x10140000, 0x1000), "phandle": cells(1)},
                  "uart@101f1000": {"compatible": b"arm,pl011\0arm,primecell\0", "reg": cells(0x101F1000, 0x1000),
                                    "interrupts": cells(12)}})
    return ["--dtb", write(f"{folder}/versatile-pb.dtb", other), "--append", "console=ttyAMA0"]


@mistake(USAGE, "is not a flattened device tree")
def no_tree(images, folder):
    return ["--dtb", f"{images}/initrd.gz"]


@mistake(USAGE, "source text", "dtc")
def tree_source(images, folder):
    return ["--dtb", write(f"{folder}/board.dts", b"/dts-v1/;\n/ { };\n")]


# ---- The initrd -------------------------------------------------------------------------------------------------------


@mistake(PANIC, "looks truncated", "likely reason: the initrd is damaged, cut off")
def truncated_initrd(images, folder):
    data = read(f"{images}/initrd.gz")
    return ["--initrd", write(f"{folder}/initrd.gz", data[:len(data) // 2]), "--append", "console=ttyAMA0"]


@mistake(PANIC, "likely reason: the initrd is damaged, cut off")
def flipped_initrd(images, folder):
    data = bytearray(read(f"{images}/initrd.gz"))
    for at in range(5000, 5064):
        data[at] ^= 0xFF
    return ["--initrd", write(f"{folder}/initrd.gz", data), "--append", "console=ttyAMA0"]


@mistake(PANIC, "is neither an initramfs (cpio), nor compressed", "likely reason: the initrd is damaged, cut off, or no initrd")
def initrd_of_noise(images, folder):
    return ["--initrd", write(f"{folder}/initrd", bytes((n * n * 7 + n // 3) & 0xFF for n in range(1 << 20))),
            "--append", "console=ttyAMA0"]


@mistake(USAGE, "--memory")
def initrd_larger_than_memory(images, folder):
    path = f"{folder}/initrd"
    write(path, b"070701")
    os.truncate(path, 300 << 20)
    return ["--initrd", path, "--memory", "256M"]


@mistake(PANIC, "likely reason: the initrd holds no /nothing that can be started")
def init_missing(images, folder):
    archive = newc([("dev", 0o40755, b""), ("dev/console", 0o20600, (5, 1)), ("pad", 0o100644, b"." * 1024)])
    return ["--initrd", write(f"{folder}/initrd", archive), "--append", "console=ttyAMA0 rdinit=/nothing"]


@mistake(PANIC, "the first program, /init, cannot be started: it is not executable")
def init_not_executable(images, folder):
    archive = newc([("dev", 0o40755, b""), ("dev/console", 0o20600, (5, 1)), ("init", 0o100644, b"#!/bin/sh\n")])
    return ["--initrd", write(f"{folder}/initrd", archive), "--append", "console=ttyAMA0"]


@mistake(PANIC, "the first program, /init, cannot be started: it is not a program for this CPU")
def init_for_a_pc(images, folder):
    program = b"\x7fELF\x02\x01\x01" + b"\0" * 9 + struct.pack("<HHI", 2, 62, 1) + b"\0" * 200
    archive = newc([("dev", 0o40755, b""), ("dev/console", 0o20600, (5, 1)), ("init", 0o100755, program)])
    return ["--initrd", write(f"{folder}/initrd", archive), "--append", "console=ttyAMA0"]


@mistake(PANIC, "Attempted to kill init!", "the first program (init) ended by itself with code 3")
def init_ends(images, folder):
    busybox = read(fetched("fetch_busybox 12"))
    archive = newc([("dev", 0o40755, b""), ("dev/console", 0o20600, (5, 1)), ("busybox", 0o100755, busybox),
                    ("init", 0o100755, b"#!/busybox sh\nexit 3\n")])
    return ["--initrd", write(f"{folder}/initrd", archive), "--append", "console=ttyAMA0"]


# ---- Memory -----------------------------------------------------------------------------------------------------------


@mistake(USAGE, "--memory")
def memory_too_small_to_load(images, folder):
    return ["--initrd", f"{images}/initrd.gz", "--memory", "32M"]


@mistake(PANIC, "use a larger --memory")
def memory_too_small_to_unpack(images, folder):
    return ["--initrd", f"{images}/initrd.gz", "--memory", "96M", "--append", "console=ttyAMA0"]


# ---- The kernel -------------------------------------------------------------------------------------------------------


@mistake(USAGE, "AArch64")
def kernel_for_arm64(images, folder):
    header = struct.pack("<II3Q3Q4sI", 0x91005A4D, 0x14000000, 0x80000, 0x1000000, 0xA, 0, 0, 0, b"ARMd", 0x40)
    return ["--kernel", write(f"{folder}/Image", header + b"\0" * 65536)]


@mistake(USAGE, "x86")
def kernel_for_a_pc(images, folder):
    data = bytearray(65536)
    data[0x1FE:0x200] = b"\x55\xaa"
    data[0x200:0x206] = b"\xeb\x6eHdrS"
    return ["--kernel", write(f"{folder}/vmlinuz", data)]


@mistake(USAGE, "gzip")
def kernel_and_initrd_swapped(images, folder):
    return ["--kernel", f"{images}/initrd.gz", "--initrd", f"{images}/vmlinuz"]


@mistake(USAGE, "is a text file")
def text_as_kernel(images, folder):
    return ["--kernel", write(f"{folder}/zImage", b"Please download the kernel from our server.\n" * 100)]


@mistake(USAGE, "is truncated")
def truncated_kernel(images, folder):
    return ["--kernel", write(f"{folder}/zImage", read(f"{images}/vmlinuz")[:2 << 20])]


@mistake(USAGE, "cannot read kernel", "No such file")
def kernel_missing(images, folder):
    return ["--kernel", f"{folder}/zImage"]


# ---- Running ----------------------------------------------------------------------------------------------------------


def run(armature, images, case):
    name, function, code, expected, watchdog = case
    with tempfile.TemporaryDirectory() as folder:
        options = function(images, folder)
        if "--kernel" not in options:
            options += ["--kernel", f"{images}/vmlinuz"]
        if "--dtb" not in options:
            options += ["--dtb", f"{images}/vexpress-v2p-ca9.dtb"]
        if "--memory" not in options:
            options += ["--memory", "256M"]
        start = time.monotonic()
        with open(f"{folder}/output", "wb") as output:
            process = subprocess.run([armature, *options, "--watchdog", str(watchdog)], stdin=subprocess.DEVNULL,
                                     stdout=output, stderr=subprocess.PIPE, timeout=900, check=False)
        text = process.stderr.decode(errors="replace")
        missing = [part for part in expected if part not in text]
        if missing or process.returncode != code:
            print(read(f"{folder}/output").decode(errors="replace")[-3000:])
            print(text)
            print(f"{name}: exit code {process.returncode}, expected {code}; missing texts: {missing}")
            return False
        print(f"{name}: ok, {time.monotonic() - start:.1f} s", flush=True)
        return True


def test(armature, *names):
    images = fetched("fetch_installer 12")
    cases = [case for case in MISTAKES if not names or case[0] in names]
    if names and len(cases) != len(names):
        raise Failure("no such case")
    failed = [case[0] for case in cases if not run(armature, images, case)]
    if failed:
        raise Failure(", ".join(failed))


main(test)
