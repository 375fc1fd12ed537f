#!/usr/bin/env python3
"""Completion in real shells: types into bash and zsh on a terminal and looks at what was run; asks fish.

completion.py SHARE: the folder with armature.bash, _armature and armature.fish. Shells that are not installed are
left out; exit code 77 if that leaves none."""

import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time

# A program in armature's place: shows how it was called.
PROGRAM = """#!/bin/sh
if [ "$1 $2" = "ctl --list-operations" ]; then
    [ -e "$(dirname "$0")/old" ] && exit 64
    printf 'status\\tshows the state\\nread_memory\\treads: bytes\\nreset\\tresets\\n'
    exit
fi
for word in "$@"; do printf '<%s>' "$word"; done
echo '#'
"""

# What is typed (a tab completes), and the words that the program must get.
BASH = [
    ("--memo\t512M", ["--memory", "512M"]),
    ("--cpus \t\t2", ["--cpus", "2"]),
    ("--rtc h\t", ["--rtc", "host"]),
    ("--rtc=h\t", ["--rtc=host"]),
    ("--no-reb\t", ["--no-reboot"]),
    ("--no-memo\t", ["--no-memory"]),
    ("--kernel zIm\t", ["--kernel", "zImage"]),
    ("--kernel=zIm\t", ["--kernel=zImage"]),
    ("zIm\t--deter\t", ["zImage", "--deterministic"]),
    ("--semihosting-dir fol\t", ["--semihosting-dir", "folder/"]),
    ("--log gu\t,un\t", ["--log", "guest,unimp"]),
    ("--serial file:zIm\t", ["--serial", "file:zImage"]),
    ("--serial=file:zIm\t", ["--serial=file:zImage"]),
    ("--serial std\t--serial fi\tx", ["--serial", "stdio", "--serial", "file:x"]),
    ("--help memo\t", ["--help", "memory"]),
    ("fa\t--jun\tout zIm\t", ["farm", "--junit", "out", "zImage"]),
    ("farm --memo\t64M", ["farm", "--memory", "64M"]),
    ("farm --log-d\tfol\t", ["farm", "--log-dir", "folder/"]),
    ("ct\tsocket read\tx", ["ctl", "socket", "read_memory", "x"]),
    ("snap\tmer\t--r\tzIm\ty", ["snapshot", "merge", "--raw", "zImage", "y"]),
    ("disk cr\t--overl\tzIm\ty", ["disk", "create", "--overlay-of", "zImage", "y"]),
    ("ctl --js\tzIm\tread\tmy\t", ["ctl", "--json", "zImage", "read_memory", "my image"]),
    ("--jun\tx", ["--junx"]),  # the farm's options are the farm's
    ("'zIm\t", ["zImage"]),
    ("my\t", ["my image"]),
]
ZSH = [
    ("--memo\t512M", ["--memory=512M"]),
    ("--rtc h\t", ["--rtc", "host"]),
    ("--no-reb\t", ["--no-reboot"]),
    ("--kernel zIm\t", ["--kernel", "zImage"]),
    ("--kernel=zIm\t", ["--kernel=zImage"]),
    ("zIm\t--deter\t", ["zImage", "--deterministic"]),
    ("--semihosting-dir fol\t", ["--semihosting-dir", "folder"]),
    ("--serial std\t", ["--serial", "stdio"]),
    ("--serial fi\tzIm\t", ["--serial", "file:zImage"]),
    ("--help memo\t", ["--help", "memory"]),
    ("fa\t--jun\tout zIm\t", ["farm", "--junit=out", "zImage"]),
    ("farm --memo\t64M", ["farm", "--memory=64M"]),
    ("ct\tsocket read\tx", ["ctl", "socket", "read_memory", "x"]),
    ("ctl --js\tzIm\tread\tmy\t", ["ctl", "--json", "zImage", "read_memory", "my image"]),
    ("my\t", ["my image"]),
]
FISH = [
    ("armature --memo", ["--memory"]),
    ("armature --cpus ", ["1", "2", "3", "4"]),
    ("armature --rtc=h", ["--rtc=host"]),
    ("armature --no-re", ["--no-reboot"]),
    ("armature --kernel zIm", ["zImage"]),
    ("armature zIm", ["zImage"]),
    ("armature --semihosting-dir fol", ["folder/"]),
    ("armature --serial std", ["stdio"]),
    ("armature --log gue", ["guest"]),
    ("armature farm --jun", ["--junit"]),
    ("armature farm --memo", ["--memory"]),
    ("armature --jun", []),
    ("armature ct", ["ctl"]),
    ("armature ctl socket read", ["read_memory"]),
    ("armature disk re", ["resize"]),
    ("armature disk create --over", ["--overlay-of"]),
    ("armature ctl zIm", ["zImage"]),
    ("armature ctl socket re", ["read_memory", "reset"]),
]


class Terminal:
    """A shell on a pseudo-terminal."""

    def __init__(self, argv, folder, env):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(argv[0], argv, env)

    def read_until(self, what, seconds=60):
        end = time.monotonic() + seconds
        while what not in self.text:
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise SystemExit(f"waited in vain for {what!r} in {self.text!r}")
            self.text += os.read(self.fd, 4096).decode(errors="replace")
        before, self.text = self.text.split(what, 1)
        return before

    def type(self, text):
        os.write(self.fd, text.encode())

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def try_lines(name, terminal, cases, failures):
    for typed, words in cases:
        terminal.read_until("READY>")
        terminal.text = ""
        terminal.type("armature " + typed + "\n")
        expected = "".join(f"<{word}>" for word in words) + "#"
        got = terminal.read_until("#\r\n")
        got = got[got.find("\n<") + 1:].replace("\r", "") + "#"
        if got != expected:
            failures.append(f"{name}: armature {typed!r} ran {got}, not {expected}")


def test_bash(share, folder, env, failures):
    terminal = Terminal(["bash", "--norc", "--noprofile", "-i"], folder, env)
    terminal.type(f"bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; "
                  f"bind 'set completion-query-items 0'; bind 'set page-completions off'; "
                  f". '{share}/armature.bash'; PS1='REA''DY>'\n")
    try_lines("bash", terminal, BASH, failures)
    # An older program knows no operations: files are offered.
    with open(os.path.join(folder, ".bin", "old"), "w", encoding="ascii"):
        try_lines("bash", terminal, [("ctl socket read\t", ["ctl", "socket", "read"])], failures)
    os.unlink(os.path.join(folder, ".bin", "old"))
    terminal.close()


def test_zsh(share, folder, env, failures):
    terminal = Terminal(["zsh", "-f", "-i"], folder, env)
    terminal.type(f"unsetopt zle_bracketed_paste beep; unset zle_bracketed_paste; fpath=('{share}' $fpath); "
                  f"autoload -U compinit; compinit -u -d '{folder}/.dump'; PS1='REA''DY>'; PROMPT_SP=; unsetopt promptsp\n")
    try_lines("zsh", terminal, ZSH, failures)
    terminal.close()


def test_fish(share, folder, env, failures):
    for typed, words in FISH:
        result = subprocess.run(["fish", "--no-config", "-c", f"source '{share}/armature.fish'; complete -C $argv[1]",
                                 typed], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)
        got = [line.split("\t")[0] for line in result.stdout.splitlines()]
        if got != words or result.stderr:
            failures.append(f"fish: {typed!r} offers {got}, not {words} {result.stderr}")


def main():
    share = os.path.abspath(sys.argv[1])
    failures, tried = [], []
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, ".bin", "armature")
        os.mkdir(os.path.dirname(program))
        with open(program, "w", encoding="ascii") as file:
            file.write(PROGRAM)
        os.chmod(program, 0o755)
        for name in "zImage", "my image":
            open(os.path.join(folder, name), "w", encoding="ascii").close()
        os.mkdir(os.path.join(folder, "folder"))
        env = {"PATH": os.path.dirname(program) + ":" + os.environ["PATH"], "TERM": "dumb", "HOME": folder,
               "LC_ALL": "C.UTF-8", "INPUTRC": "/dev/null"}
        for name, test in ("bash", test_bash), ("zsh", test_zsh), ("fish", test_fish):
            if shutil.which(name):
                tried.append(name)
                test(share, folder, env, failures)
    print("\n".join(failures) or f"completion works in {', '.join(tried)}")
    return 77 if not tried else 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
