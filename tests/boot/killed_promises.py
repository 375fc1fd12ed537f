"""What tests/boot/kill_writer.c says that it has stored, and whether that is so."""

import os
import struct
import zlib

from drive import Failure

SLOT, SECTOR, ENTRY = 4096, 512, 64


def sealed(data):
    return len(data) >= 4 and zlib.crc32(data[:-4]) == struct.unpack("<I", data[-4:])[0]


class Promises:
    def __init__(self):
        self.records, self.slots, self.logs, self.current, self.made = {}, {}, {}, 0, 0

    def hear(self, line):
        """A line: @R file size checksum, @U file (about to be removed), @C prefix (all of that), @S slot version,
        @L file entries, @N version, @E an error."""
        letter, *words = line.split()
        if letter == "@R":
            self.records[words[0]] = (int(words[1]), int(words[2], 16))
        elif letter == "@U":
            self.records.pop(words[0], None)
        elif letter == "@C":
            self.records = {name: told for name, told in self.records.items() if not name.startswith(words[0])}
            self.logs.pop(words[0], None)
        elif letter == "@S":
            self.slots[int(words[0])] = int(words[1])
        elif letter == "@L":
            self.logs[words[0]] = int(words[1])
        elif letter == "@N":
            self.current = int(words[0])
        else:
            raise Failure(f"the guest said: {line}")
        self.made += letter in ("@R", "@S", "@L", "@N")

    def check(self, folder):
        """The contents of the file system; raises Failure at the first promise that was not kept."""

        def read(name):
            try:
                with open(os.path.join(folder, name), "rb") as file:
                    return file.read()
            except FileNotFoundError:
                raise Failure(f"{name} is not there") from None

        for name, (size, crc) in self.records.items():
            data = read(name)
            if len(data) != size or zlib.crc32(data) != crc:
                raise Failure(f"{name} has {len(data)} bytes, checksum {zlib.crc32(data):08x}; not {size}, {crc:08x}")
        for name, entries in self.logs.items():
            self.check_log(name, read(name), entries)
        if self.current:
            data = read("current")
            if not sealed(data) or struct.unpack("<I", data[:4])[0] < self.current:
                raise Failure(f"'current' is torn or older than version {self.current}: {data[:4].hex()}")
        if self.slots:
            self.check_table(read("table"))

    @staticmethod
    def check_log(name, data, entries):
        for n in range(entries):
            entry = data[n * ENTRY:(n + 1) * ENTRY]
            if len(entry) < ENTRY or not sealed(entry) or struct.unpack("<I", entry[:4])[0] != n:
                raise Failure(f"{name}: entry {n} of {entries} is lost: {entry.hex()}")

    def check_table(self, table):
        for slot, version in self.slots.items():
            found = []
            for sector in range(SLOT // SECTOR):
                data = table[slot * SLOT + sector * SECTOR:][:SECTOR]
                if not sealed(data) or struct.unpack("<III", data[:12])[::2] != (slot, sector):
                    raise Failure(f"table: slot {slot}, sector {sector} is torn: {data[:16].hex()}")
                found.append(struct.unpack("<III", data[:12])[1])
            if min(found) < version:
                raise Failure(f"table: slot {slot} has versions {found}, not {version}")
            self.slots[slot] = min(found)  # what was there once must not go back
