"""How far Debian's installer is, from its log. Python's standard library only."""

import re
import sys
import time

# The installer's menu items in their order: what it does, and which share of the time they take (percent).
STEPS = [
    ("start", "Starting the installer", 4),
    ("netcfg", "Setting up the network", 1),
    ("download-installer", "Loading parts of the installer", 8),
    ("partman-base", "Partitioning the disk", 4),
    ("bootstrap-base", "Installing the base system", 55),
    ("apt-setup-udeb", "Setting up apt", 4),
    ("pkgsel", "Installing packages", 18),
    ("finish-install", "Finishing", 6),
]
DETAIL = re.compile(r"(?:Retrieving|Validating|Extracting|Unpacking|Setting up|Configuring) [a-z0-9][^ :]*")


class Progress:
    def __init__(self, out=sys.stderr):
        self.out, self.start = out, time.monotonic()
        self.terminal = out.isatty()
        self.step, self.detail, self.counted, self.shown = 0, "", 0, ""
        self.entered = [0.0]

    def seconds(self):
        return time.monotonic() - self.start

    def feed(self, line):
        menu = re.search(r"Menu item '([^']*)' selected", line)
        names = [name for name, _, _ in STEPS]
        if menu and menu[1] in names and names.index(menu[1]) > self.step:
            self.step, self.detail, self.counted = names.index(menu[1]), "", 0
            return
        detail = DETAIL.search(line)
        if detail:
            self.detail = detail[0]
            self.counted += 1

    def percent(self):
        """Each step comes nearer to its end with each thing it does, and never quite there."""
        before = sum(share for _, _, share in STEPS[:self.step])
        usual = {"bootstrap-base": 900, "pkgsel": 150, "download-installer": 60}.get(STEPS[self.step][0], 30)
        return before + STEPS[self.step][2] * min(self.counted / usual, 0.98)

    def text(self):
        return STEPS[self.step][1] + (": " + self.detail if self.detail else "")

    def show(self):
        minutes, seconds = divmod(int(self.seconds()), 60)
        if self.terminal:
            line = f"[{self.percent():3.0f} %] {minutes}:{seconds:02} {self.text()}"[:78]
            self.out.write(f"\r{line:78}")
        elif STEPS[self.step][1] != self.shown:
            self.shown = STEPS[self.step][1]
            self.out.write(f"[{self.percent():3.0f} %] {minutes}:{seconds:02} {self.shown}\n")
        self.out.flush()

    def end(self):
        if self.terminal:
            self.out.write("\r" + " " * 78 + "\r")
            self.out.flush()
