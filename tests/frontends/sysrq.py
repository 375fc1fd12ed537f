#!/usr/bin/python3
"""A break from the terminal's menu reaches Linux, which takes the next key for SysRq."""

import os

from uart_guest import SerialGuest
from drive import fetched, main


def test(armature):
    images = fetched("fetch_installer 12")
    with SerialGuest(armature, "--kernel", os.path.join(images, "vmlinuz"), "--dtb",
                     os.path.join(images, "vexpress-v2p-ca9.dtb"), "--memory", "256M", "--initrd",
                     os.path.join(images, "initrd.gz"), "--append", "console=ttyAMA0 sysrq_always_enabled",
                     terminal=True) as guest:
        guest.expect("ttyAMA0.*is a PL011", timeout=900)
        guest.expect("Select a language", timeout=900)
        guest.send("\x01bh")
        guest.expect(r"sysrq: HELP : loglevel\(0-9\)", timeout=300)
        guest.send("\x01bb")
        guest.expect("sysrq: Resetting.*Linux version", timeout=900)
        guest.send("\x01x")
        guest.expect_exit(0)


main(test)
