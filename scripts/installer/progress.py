"""How far an installation is, from what it prints. Python's standard library only."""

import re
import sys
import time

# What is done in which order, how many percent of the time it takes, and how many lines it prints that are told.
STEPS = {
    "start": ("Starting the machine", 3, 0),
    "network": ("Setting up the network", 1, 0),
    "disk": ("Making the file system", 1, 0),
    "base": ("Fetching the base system", 20, 480),
    "unpack": ("Installing the base system", 40, 480),
    "settings": ("Setting up accounts and network", 3, 0),
    "packages": ("Installing kernel and packages", 30, 170),
    "finish": ("Finishing", 2, 0),
}
DETAIL = re.compile(r"^(?:I: |Get:\d+ .*? )?((?:Retrieving|Validating|Extracting|Unpacking|Setting up|Configuring|"
                    r"Processing triggers for|update-initramfs: Generating) [^ :]*)")


class Progress:
    def __init__(self, out=sys.stderr):
        self.out, self.start = out, time.monotonic()
        self.terminal = out.isatty()
        self.step, self.detail, self.counted, self.shown = "start", "", 0, ""

    def seconds(self):
        return time.monotonic() - self.start

    def feed(self, line):
        if line.startswith("@step ") and line[6:] in STEPS:
            self.step, self.detail, self.counted = line[6:], "", 0
        detail = DETAIL.match(line)
        if detail:
            self.detail = detail[1].rstrip(".")
            self.counted += 1

    def percent(self):
        names = list(STEPS)
        before = sum(STEPS[name][1] for name in names[:names.index(self.step)])
        _, share, lines = STEPS[self.step]
        return before + (share * min(self.counted / lines, 0.99) if lines else 0)

    def text(self):
        return STEPS[self.step][0] + (": " + self.detail if self.detail else "")

    def show(self):
        minutes, seconds = divmod(int(self.seconds()), 60)
        if self.terminal:
            self.out.write("\r" + f"[{self.percent():3.0f} %] {minutes}:{seconds:02} {self.text()}"[:78].ljust(78))
        elif self.step != self.shown:
            self.shown = self.step
            self.out.write(f"[{self.percent():3.0f} %] {minutes}:{seconds:02} {STEPS[self.step][0]}\n")
        self.out.flush()

    def end(self):
        if self.terminal:
            self.out.write("\r\033[K")  # all of it: the terminal has put ^C behind what was shown
            self.out.flush()
