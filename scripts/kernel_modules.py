"""Which modules of an unpacked kernel package a set of modules needs, in the order in which they are loaded. Python's
standard library only."""

import lzma
import os
import re


def module_files(folder):
    """Name of each module below a folder, as modprobe knows it: its path."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            module, dot, kind = name.partition(".ko")
            if dot and kind in ("", ".xz"):
                found[module.replace("-", "_")] = os.path.join(place, name)
    return found


def load_order(folder, wanted):
    """The modules wanted, as (file name, contents), each after those it depends on. What is built into the kernel is not
    among the files, and is left out."""
    found, order = module_files(folder), {}

    def add(name):
        if name in order or name not in found:
            return
        with open(found[name], "rb") as file:
            data = file.read()
        data = lzma.decompress(data) if found[name].endswith(".xz") else data
        for tag in (b"depends", b"softdep"):
            match = re.search(rb"\0" + tag + rb"=(?:pre: )?([^\0]*)\0", data)
            for needed in re.split(r"[, ]+", match[1].decode()) if match else []:
                add(needed.replace("-", "_"))
        order[name] = data

    for name in wanted:
        add(name)
    return [(name + ".ko", data) for name, data in order.items()]
