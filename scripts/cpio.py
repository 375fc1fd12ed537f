"""Writes cpio archives as kernels want them for an initial file system. Python's standard library only."""

import os
import stat


def _entry(inode, name, mode, data, device):
    fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, device[0], device[1], len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


class Archive:
    """Not compressed: the guest would spend its time unpacking. Names are relative to the file system's root. Several
    archives may follow each other in one file, if their inodes differ."""

    def __init__(self, file, first_inode=1):
        self.file, self.inode = file, first_inode

    def add(self, name, mode, data=b"", device=(0, 0)):
        self.file.write(_entry(self.inode, name, mode, data, device))
        self.inode += 1

    def add_folder(self, name):
        self.add(name, stat.S_IFDIR | 0o755)

    def add_program(self, name, data):
        self.add(name, stat.S_IFREG | 0o755, data)

    def add_link(self, name, target):
        self.add(name, stat.S_IFLNK | 0o777, target.encode())

    def add_device(self, name, major, minor):
        self.add(name, stat.S_IFCHR | 0o600, device=(major, minor))

    def add_tree(self, top, prefix="", leave_out=lambda name: False):
        for entry in sorted(os.scandir(top), key=lambda entry: entry.name):
            name = prefix + entry.name
            if leave_out(name):
                continue
            if entry.is_symlink():
                self.add_link(name, os.readlink(entry.path))
            elif entry.is_dir():
                self.add_folder(name)
                self.add_tree(entry.path, name + "/", leave_out)
            elif entry.is_file():
                with open(entry.path, "rb") as file:
                    self.add(name, entry.stat().st_mode, file.read())

    def end(self):
        self.add("TRAILER!!!", 0)
        self.file.write(b"\0" * (-self.file.tell() % 512))
