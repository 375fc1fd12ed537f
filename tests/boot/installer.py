#!/usr/bin/python3
"""Debian's installer, unmodified, reaches its language screen on the serial console.

    installer.py ARMATURE RELEASE [option...]"""

from drive import Guest, fetched, main


def test(armature, release, *options):
    images = fetched(f"fetch_installer {release}")
    with Guest(armature, "--kernel", f"{images}/vmlinuz", "--initrd", f"{images}/initrd.gz",
               "--dtb", f"{images}/vexpress-v2p-ca9.dtb", "--append", "console=ttyAMA0", *options) as guest:
        guest.expect("Linux version", timeout=1900)
        guest.expect("Select a language", timeout=1900)
        print(f"Debian {release}: language screen after {guest.seconds():.1f} s")


main(test)
