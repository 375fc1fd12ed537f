#!/usr/bin/env python3
"""`armature farm` from a user's view, and the documentation's example of the same run with GNU parallel.

farm.py ARMATURE FARM_MD"""

import functools
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "boot"))
from drive import Failure, in_folder, main, together  # noqa: E402

CONTROL = b"control \x01\x07\x1b[1m <&>\"']]> \xc3\xa4 \xff\xed\xa0\x80 \xef\xbf\xbe end\r\n"


def guest(text, end="off"):
    """A program that prints text (without zero bytes), and then switches off, sleeps, or goes round in a circle."""
    words = [
        0xe3a00201,  # mov r0, #0x10000000
        0xe2803a09,  # add r3, r0, #0x9000: UART0
        0xe28f1020,  # add r1, pc, #32: the text
        0xe4d12001,  # ldrb r2, [r1], #1
        0xe3520000,  # cmp r2, #0
        0x15832000,  # strne r2, [r3]
        0x1afffffb,  # bne
        *([0xe3a01103,  # mov r1, #0xc0000000
           0xe3811502,  # orr r1, r1, #0x00800000
           0xe58010a4]  # str r1, [r0, #0xa4]: SYS_CFGCTRL, switch off
          if end == "off" else 3 * [0xe1a00000]),
        *([0xe320f003,  # wfi
           0xeafffffd]  # b, back to it
          if end == "asleep" else [0xeafffffe,  # b .
                                   0xe1a00000]),  # nop
    ]
    return struct.pack(f"<{len(words)}I", *words) + text + bytes(4 - len(text) % 4)


def check(ok, what):
    if not ok:
        raise Failure(what)


class Farm:
    """A folder with images, in which farms run."""

    def __init__(self, program):
        self.program = program
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("ARMATURE_")}
        self.env["XDG_CONFIG_HOME"] = "/nonexistent"

    def enter(self, folder):
        self.folder = folder
        self.put("good.bin", guest(b"hello\r\nlogin: "))
        self.put("stuck.bin", guest(b"one\r\ntwo\r\nthree", "asleep"))
        self.put("odd.bin", guest(CONTROL))
        self.put("text.bin", b"this is no program\n")

    def put(self, name, data):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)

    def read(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            return file.read()

    def start(self, *words, **more):
        # A serial port on stdio must not read what is meant for the farm.
        more.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen([self.program, "farm", *words], cwd=self.folder, env=self.env, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **more)

    def run(self, code, *words, text=None):
        process = self.start(*words, stdin=subprocess.PIPE if text else subprocess.DEVNULL)
        out, err = process.communicate(text.encode() if text else None, timeout=300)
        out, err = out.decode(errors="replace"), err.decode(errors="replace")
        check(process.returncode == code, f"farm {words}: exit code {process.returncode}, not {code}:\n{out}{err}")
        return out, err

    def refused(self, message, *words):
        out, err = self.run(64, *words)
        check(message in err and err.count("\n") == 1 and err.startswith("armature farm: ") and not out,
              f"farm {words} says {out}{err}, not {message}")

    def children(self):
        """Processes that run in the folder."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                    zombie = file.read().rpartition(")")[2].split()[0] == "Z"
                if not zombie and os.readlink(f"/proc/{pid}/cwd") == os.path.realpath(self.folder):
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def wait_for_children(self, count):
        end = time.monotonic() + 120
        while len(self.children()) != count:
            check(time.monotonic() < end, f"{len(self.children())} processes run, not {count}")
            time.sleep(0.02)


def junit(farm, name):
    """The test cases by name, after the file was checked."""
    path = os.path.join(farm.folder, name)
    if shutil.which("xmllint"):
        result = subprocess.run(["xmllint", "--noout", "--relaxng", os.path.join(HERE, "junit.rng"), path],
                                capture_output=True, text=True, check=False)
        check(result.returncode == 0, f"{name} is not as the schema wants: {result.stderr}")
    top = ElementTree.parse(path).getroot()
    suite = top.find("testsuite")
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    for element, attribute in ("failure", "failures"), ("error", "errors"), ("skipped", "skipped"):
        count = sum(case.find(element) is not None for case in cases.values())
        check(int(suite.get(attribute)) == count, f"{name}: {attribute} is {suite.get(attribute)}, but there are {count}")
    check(int(suite.get("tests")) == len(cases), f"{name}: tests is {suite.get('tests')}, but there are {len(cases)}")
    return cases


def test_results(farm):
    """Some pass, some do not: lines, logs, JUnit, exit code."""
    farm.put("stuck.bin", guest(b"one\r\ntwo\r\nthree", "busy"))
    farm.put("wait.lua", 'expect("three", 5)\nexpect("four", 0.5)\n')
    out, err = farm.run(1, "--jobs", "2", "--junit", "r.xml", "--serial", "stdio", "--deterministic", "wait.lua",
                        "stuck.bin", "text.bin")
    check(not err, f"stderr: {err}")
    check(re.search(r"^FAILED +\d+\.\d s  stuck\.bin: exit code 65, the script failed$", out, re.M), out)
    check("    | armature: script failed: wait.lua:2" in out and "    | three\n" in out, f"the output's end is missing:\n{out}")
    check(re.search(r"^FAILED +\d+\.\d s  text\.bin: exit code 64", out, re.M), out)
    check("0 of 2 jobs passed, 2 failed, in 0:" in out, out)
    check("  FAILED stuck.bin: exit code 65, the script failed (farm-logs/stuck.bin.log)\n" in out, out)
    cases = junit(farm, "r.xml")
    check("exit code 65" in cases["stuck.bin"].find("failure").get("message"), "the failure's message")
    check("script failed" in cases["stuck.bin"].find("failure").text, "the failure's text")
    check(cases["text.bin"].find("error") is not None, "a file that cannot be used is an error")
    check(cases["stuck.bin"].get("classname") == "wait.lua", "the class")
    log = farm.read("farm-logs/stuck.bin.log")
    check(log.startswith(b"one\r\ntwo\r\nthree"), f"the log: {log}")
    output = cases["stuck.bin"].find("system-out").text
    check(output.startswith("one\ntwo\nthree") and os.path.join(os.path.realpath(farm.folder), "farm-logs/stuck.bin.log") in
          output, f"the output in the report: {output}")
    out, err = farm.run(0, "good.bin")
    check(re.search(r"^ok +\d+\.\d s  good\.bin$", out, re.M) and "1 of 1 jobs passed, in 0:" in out, out)


def test_odd_output(farm):
    """What XML cannot hold, and what a terminal should not get."""
    farm.put("fail.lua", 'expect("end")\nerror("wrong \\1\\27[2J")\n')
    out, _ = farm.run(1, "--junit", "r.xml", "fail.lua", "odd.bin")
    check(not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", out), f"control characters are shown: {out!r}")
    check("wrong" in out, out)
    text = junit(farm, "r.xml")["odd.bin"].find("system-out").text
    check('\ncontrol \\x01\\x07\\x1b[1m <&>"\']]> \u00e4 \\xff\\xed\\xa0\\x80 \\xef\\xbf\\xbe end' in "\n" + text, f"{text!r}")
    check(CONTROL.rstrip() in farm.read("farm-logs/odd.bin.log"), "the log differs from what the guest sent")


def test_kinds_of_jobs(farm):
    """Images, configurations, folders, lines of a file; names; {name}."""
    farm.put("board/armature.conf", "kernel = ../good.bin\n")
    farm.put("second.conf", "kernel = good.bin\nmemory = 64M\n")
    farm.put("other/good.bin", guest(b"other\r\n"))
    out, _ = farm.run(0, "good.bin", "other/good.bin", "board/", "second.conf", "good.bin")
    names = set(re.findall(r"^ok .* s  (.*)$", out, re.M))
    check(names == {"good.bin", "other-good.bin", "board", "second", "good.bin-2"}, f"names: {names}")
    check(farm.read("farm-logs/other-good.bin.log") == b"other\r\n", "the wrong image ran")
    farm.put("show.lua", 'print(table.concat({...}, "|"))\nexpect("login", 10)\n')
    farm.put("jobs/list", "# comment\n\none: --memory 64M '../good.bin' # two\n  ../good.bin --cpus 2 -- \"a b\" c\\ d\r\n"
                          "--config ../second.conf\n")
    out, _ = farm.run(0, "--jobs-file", "jobs/list", "--log-dir", "l", "--log-file", "{name}.{number}.txt", "--log", "boot",
                      "show.lua", "--", "{name}", "{number}")
    names = set(re.findall(r"^ok .* s  (.*)$", out, re.M))
    check(names == {"one", "good.bin", "second.conf"}, f"names: {names}")
    check(farm.read("l/one.log").startswith(b"one|1\n"), "the script's arguments")
    check(b"good.bin|2|a b|c d\n" in farm.read("l/good.bin.log"), f"the line's arguments: {farm.read('l/good.bin.log')}")
    check(farm.read("one.1.txt") and farm.read("good.bin.2.txt"), "{name} and {number}")
    out, _ = farm.run(0, "--jobs-file", "-", text="good.bin\nx: good.bin\n")
    check("2 of 2" in out, out)


def test_usage(farm):
    farm.put("good.lua", "")
    farm.put("empty", "# nothing\n")
    farm.put("folder/x", "")
    farm.put("bad", "good.bin\n--memroy 3 good.bin\n")
    farm.put("open", "x: 'good.bin\n")
    for message, *words in (
            ("give images to run, or --jobs-file",),
            ("there are no jobs", "good.lua"),
            ("there are no jobs", "--jobs-file", "empty"),
            ("cannot read image nosuch.bin: No such file", "good.bin", "nosuch.bin"),
            ("cannot read script nosuch.lua", "nosuch.lua", "good.bin"),
            ("folder is a folder without a readable armature.conf", "folder"),
            ("there is no option --job; did you mean --jobs?", "--job", "3", "good.bin"),
            ("there is no option -j; did you mean --jobs?", "-j", "3", "good.bin"),
            ("there is no option --memroy; did you mean --memory?", "--memroy", "3", "good.bin"),
            ("--jobs 0: give a number from 1 to 1024", "--jobs", "0", "good.bin"),
            ("job good.bin: --memory 3G: the board has room", "--memory", "3G", "good.bin"),
            ("--monitor makes no sense", "--monitor", "good.bin"),
            ("--status-fd makes no sense", "--status-fd", "4", "good.bin"),
            ("--kernel: give the images as plain words", "--kernel", "good.bin"),
            ("bad:2: there is no option --memroy; did you mean --memory?", "--jobs-file", "bad"),
            ("open:1: the closing ' is missing", "--jobs-file", "open"),
            ("nosuch: No such file", "--jobs-file", "nosuch"),
            ("--log-file x would be the same for all jobs; put {name} into it", "--log-file", "x", "good.bin", "odd.bin"),
            ("there are two scripts: good.lua and other.lua", "--script", "other.lua", "good.lua", "good.bin"),
            ("--log-dir: cannot make the folder no/such", "--log-dir", "no/such", "good.bin"),
            ("--junit: cannot write no/such.xml", "--junit", "no/such.xml", "good.bin"),
            ("has no effect without --script", "good.bin", "--", "x")):
        farm.refused(message, *words)
    check(not os.path.exists(os.path.join(farm.folder, "no")), "a folder was made")
    out, _ = farm.run(0, "--help")
    check(all(len(line) <= 100 for line in out.splitlines()) and "--junit FILE" in out, out)


def test_retries(farm):
    """A job that fails, with an exit code of its own, and passes when it is tried again."""
    farm.put("marks/x", "")
    farm.put("flaky.lua", 'local mark = "marks/" .. ...\nlocal file = io.open(mark)\nif file then os.exit(0) end\n'
                          'io.open(mark, "w"):close()\nos.exit(7)\n')
    out, _ = farm.run(0, "--retries", "2", "--junit", "r.xml", "flaky.lua", "stuck.bin", "--", "{name}")
    check(re.search(r"^again .*stuck\.bin: exit code 7, chosen by the guest or the script \(attempt 1 of 3\)$", out, re.M), out)
    check(re.search(r"^ok .*stuck\.bin \(attempt 2 of 3\)$", out, re.M), out)
    check(junit(farm, "r.xml")["stuck.bin"].find("flakyFailure") is not None, "the report forgets the first attempt")
    farm.put("never.lua", "os.exit(9)\n")
    out, _ = farm.run(1, "--retries", "2", "--junit", "r.xml", "never.lua", "stuck.bin")
    check(out.count("again ") == 2 and "(attempt 3 of 3)" in out, out)
    case = junit(farm, "r.xml")["stuck.bin"]
    check(len(case.findall("rerunFailure")) == 2 and case.find("failure") is not None, "attempts in the report")
    check({"stuck.bin.log", "stuck.bin.2.log", "stuck.bin.3.log"} <= set(os.listdir(os.path.join(farm.folder, "farm-logs"))),
          "a log for each attempt")


def test_limits(farm):
    out, _ = farm.run(1, "--job-time-limit", "6", "--junit", "r.xml", "stuck.bin", "good.bin")
    check("stuck.bin: ended by --job-time-limit" in out and "1 of 2 jobs passed, 1 failed" in out, out)
    check("    | three" in out, out)
    out, _ = farm.run(68, "--jobs", "1", "--time-limit", "0.5", "--junit", "r.xml", "stuck.bin", "good.bin")
    check("0 of 2 jobs passed, 2 not finished (the time limit was reached)" in out, out)
    cases = junit(farm, "r.xml")
    check(all(case.find("skipped") is not None for case in cases.values()), "what did not run is skipped")
    check(cases["good.bin"].find("system-out") is None, "what did not run has no output")
    out, _ = farm.run(1, "--jobs", "1", "--fail-fast", "text.bin", "good.bin")
    check("1 failed, 1 not finished (a job failed)" in out, out)
    check(not farm.children(), "something still runs")


def test_signals(farm):
    """Ctrl-C and the like end everything in order; nothing survives even SIGKILL."""
    images = 3 * ["stuck.bin"]
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        process = farm.start("--jobs", "2", "--junit", "r.xml", *images)
        farm.wait_for_children(3)
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
        check(process.returncode == 128 + number, f"exit code {process.returncode}: {out}{err}")
        check(b"0 of 3 jobs passed, 3 not finished (interrupted)" in out, out)
        check(not farm.children(), "children survive")
        check(len(junit(farm, "r.xml")) == 3, "the report")
    process = farm.start("--jobs", "3", *images)
    farm.wait_for_children(4)
    process.kill()
    process.communicate(timeout=120)
    farm.wait_for_children(0)


def test_stubborn(farm):
    """A job that does not end when it is asked to, and one that left a process behind."""
    farm.put("stubborn.lua", 'os.execute("trap \'\' TERM; sleep 1000 & echo started; wait; wait; wait")\n')
    process = farm.start("--job-time-limit", "1", "stubborn.lua", "stuck.bin")
    out, err = process.communicate(timeout=120)
    check(process.returncode == 1 and b"ended by --job-time-limit" in out, f"{out}{err}")
    farm.wait_for_children(0)


def test_many(farm):
    """100 jobs, many at once, under a low limit of open files."""
    for number in range(100):
        os.link(os.path.join(farm.folder, "good.bin"), os.path.join(farm.folder, f"image{number}"))
    images = [f"image{number}" for number in range(100)]
    farm.put("login.lua", 'expect("login: ", 60)\n')
    process = subprocess.run(["sh", "-c", 'ulimit -n 64 && exec "$@"', "sh", farm.program, "farm", "--jobs", "32", "--junit",
                              "r.xml", "--memory", "64M", "login.lua", *images], cwd=farm.folder, env=farm.env,
                             capture_output=True, text=True, timeout=500, check=False, stdin=subprocess.DEVNULL)
    check(process.returncode == 0 and "100 of 100 jobs passed" in process.stdout, process.stdout[-2000:] + process.stderr)
    check(len(junit(farm, "r.xml")) == 100, "the report")
    check(len([name for name in os.listdir(os.path.join(farm.folder, "farm-logs")) if name.startswith("image")]) == 100,
          "the logs")


def test_terminal(farm):
    """What is shown while it runs, and that Ctrl-C ends it."""
    farm.put("wait.lua", 'expect("three", 300)\nexpect("four", 300)\n')
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(farm.folder)
        os.execve(farm.program, ["armature", "farm", "--jobs", "2", "wait.lua", "stuck.bin", "good.bin"],
                  dict(farm.env, TERM="xterm"))
    seen = b""

    def wait_for(pattern):
        nonlocal seen
        end = time.monotonic() + 120
        while not re.search(pattern, seen):
            ready, _, _ = select.select([fd], [], [], max(0, end - time.monotonic()))
            check(ready, f"waited in vain for {pattern} in {seen}")
            try:
                seen += os.read(fd, 4096)
            except OSError as error:
                raise Failure(f"it ended without {pattern}: {seen}") from error

    wait_for(rb"  stuck\.bin +\d+ s  waits: expect \"four\"")
    wait_for(rb"1 of 2 done, 1 failed, 1 running, 0 waiting, 0:\d\d")
    wait_for(rb"FAILED .*good\.bin: exit code 65")
    os.write(fd, b"\x03")
    wait_for(rb"0 of 2 jobs passed, 1 failed, 1 not finished \(interrupted\)")
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    check(os.waitstatus_to_exitcode(status) == 130, f"exit code {os.waitstatus_to_exitcode(status)}")
    check(not farm.children(), "children survive")


def documented(path, language):
    """The code block of the documentation that tests run."""
    with open(path, encoding="utf-8") as file:
        match = re.search(r"<!-- run by a test -->\n+```" + language + r"\n(.*?)```", file.read(), re.S)
    check(match, f"{path} has no example in {language}")
    return match.group(1)


def test_parallel(farm):
    """The documentation's example with GNU parallel, as it is printed there."""
    if not shutil.which("parallel"):
        print("parallel is not installed: its example is not tried")
        return
    farm.put("boot.lua", documented(sys.argv[2], "lua"))
    for name in "a", "b", "c":
        farm.put(f"images/{name}.bin", guest(b"kernel\r\nlogin: ", "asleep"))
    farm.put("images/d.bin", guest(b"kernel panic\r\n"))
    os.mkdir(os.path.join(farm.folder, "bin"))
    os.symlink(farm.program, os.path.join(farm.folder, "bin", "armature"))
    env = dict(farm.env, PATH=os.path.join(farm.folder, "bin") + ":" + farm.env["PATH"], HOME=farm.folder)
    result = subprocess.run(["bash", "-c", documented(sys.argv[2], "sh")], cwd=farm.folder, env=env, capture_output=True,
                            text=True, timeout=500, check=False, stdin=subprocess.DEVNULL)
    check(result.returncode == 1, f"it should be the number of jobs that failed, 1: {result}")
    rows = [line.split("\t") for line in farm.read("joblog.tsv").decode().splitlines()[1:]]
    codes = {re.search(r"(\w)\.bin", row[8]).group(1): int(row[6]) for row in rows}
    check(codes == {"a": 0, "b": 0, "c": 0, "d": 65}, f"exit codes: {codes}")
    texts = {}
    for folder, _, files in os.walk(os.path.join(farm.folder, "output")):
        if "stdout" in files:
            texts[folder] = farm.read(os.path.join(folder, "stdout"))
    check(len(texts) == 4 and all(b"kernel" in text for text in texts.values()), f"the output: {texts}")


def on_a_farm(part):
    @functools.wraps(part)
    def run(program, folder):
        farm = Farm(program)
        farm.enter(folder)
        try:
            part(farm)
        finally:
            for pid in farm.children():
                os.kill(pid, signal.SIGKILL)
    return in_folder(run)


def test(program, _, *names):
    parts = [value for name, value in globals().items() if name.startswith("test_") and (not names or name in names)]
    together(map(on_a_farm, parts), os.path.abspath(program))


if __name__ == "__main__":
    main(test)
