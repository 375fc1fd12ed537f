#!/usr/bin/python3
"""Lua scripts (--script), --until, --send and --timeout, with the boot ROM's monitor as the guest."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "boot"))

from drive import Failure, main, together  # noqa: E402

TIMEOUT = 60
OFF, USAGE, FAILED, TIMED_OUT = 0, 64, 65, 68


class Result:
    """What a run left behind; with `mixed`, `out` has stdout and stderr as a terminal would show them."""

    def __init__(self, armature, *options, script=None, arguments=(), shown=False, mixed=False, stdin=subprocess.DEVNULL):
        with tempfile.TemporaryDirectory() as folder:
            if script is not None:
                with open(f"{folder}/test.lua", "w", encoding="utf-8") as file:
                    file.write(script)
                with open(f"{folder}/library.lua", "w", encoding="utf-8") as file:
                    file.write("return { answer = 42 }\n")
                options = [*options, "--script", f"{folder}/test.lua", "--", *arguments]
            serial = [] if shown or mixed else ["--serial", "none"]
            done = subprocess.run([armature, *serial, *options], stdin=stdin, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT if mixed else subprocess.PIPE, timeout=TIMEOUT, check=False)
        self.code, self.out, self.err = done.returncode, done.stdout.decode(), (done.stderr or b"").decode()

    def expect(self, code, *texts):
        missing = [text for text in texts if not re.search(text, self.out + self.err, re.DOTALL)]
        if self.code != code or missing:
            print(self.out, self.err, sep="\n")
            raise Failure(f"exit code {self.code}, expected {code}; missing: {missing}")
        return self


BOOT = """
boot = machine
expect("\\n> ")
sendline("info")
local cpus, ram = match("CPUs +(%d+),.-, (%d+) MiB\\r")
assert(cpus == "2" and ram == "64")
poweroff()
"""

TEXTS = """
expect("Type help")
-- What came before is not seen again; what came meanwhile is.
assert(not pcall(expect, "Armature", 0.1))
expect("\\n> ")
sendline("md 60000000 2")
local which, address = expect{"nothing", pattern "(%x+): 0", "60000000"}
assert(which == 3, which)
local text = expect(":")
assert(text == ":")
expect{text = "> ", timeout = 20}
sendline("help")
local index, text = expect{"memtest", "info", timeout = 20}
assert(index == 2 and text == "info")
local r = match("show(.)CPUs")
assert(r == " ")
expect "> "
send("in") send("fo\\r")
expect("RAM")
assert(output(1) ~= "" and not output(1):find("\\n."))
-- All at once, and longer than the UART's FIFO.
local lines = {}
for n = 1, 200 do lines[#lines + 1] = ("mw 60000000 %x\\r"):format(n) end
send(table.concat(lines))
sendline("md 60000000 1")
expect("000000c8")
quit()
"""

MACHINE = """
expect("\\n> ")
write_word(0x60000000, 0x12345678)
assert(read_word(0x60000000) == 0x12345678 and read_memory(0x60000000, 4) == "\\x78\\x56\\x34\\x12")
write_memory(0x60000004, "\\0\\1\\xff\\n")
assert(read_memory(0x60000004, 4) == "\\0\\1\\xff\\n")
assert(read_memory{address = 0x60000004, size = 2, cpu = 0} == "\\0\\1")
write_register("r7", 5, 1)
assert(read_register("r7", 1) == 5 and registers(1).r7 == 5)
write_register("d5", -1)
assert(read_register("d5") == -1)
assert(read_register("cpsr") & 31 == 19)
write_register("cpsr", 0x0600fdd3, 1) -- with an IT block, but in Arm state
assert(read_register("cpsr", 1) & 0x0600fc1f == 19)
assert(read_device("uart0", "UARTCR") == 0x301)
assert(disassemble(0x1fff0000, 1)[1].address == 0x1fff0000)
local s = status()
assert(s.state == "running" and #s.cpus == 2)
local before = status().guest_seconds
sleep(0.25)
local passed = status().guest_seconds - before
assert(passed >= 0.25, passed)
pause()
local at, count = status().guest_seconds, status().instructions
assert(status().state == "paused")
resume()
assert(at == status().guest_seconds or not s.deterministic)
reset()
expect("Armature .-" and "Armature ")
expect("\\n> ")
assert(read_word(0x60000000) == 0x12345678)
power_button()
expect("Armature ")
expect("\\n> ")
assert(type(explain()) == "string" and version():match("^%d"))
assert(require("library").answer == 42)
assert(arg[0]:match("test.lua$") and arg[1] == "one" and select("#", ...) == 2)
quit(9)
"""

COROUTINES = """
local steps = {}
local function typist()
    for _, word in ipairs{"help", "info"} do
        expect("\\n> ")
        sendline(word)
        coroutine.yield(word)
        sleep(0.01)
    end
    return "done"
end
local co = coroutine.create(typist)
while coroutine.status(co) ~= "dead" do
    local ok, word = coroutine.resume(co)
    assert(ok, word)
    steps[#steps + 1] = word
end
assert(table.concat(steps, " ") == "help info done")
local nested = coroutine.wrap(function() return coroutine.wrap(function() expect("CPUs") sleep(0.01) return 7 end)() end)
assert(nested() == 7)
assert(select(2, pcall(coroutine.wrap(function() expect("never", 0.05) end))):find("not within 0.05"))
-- Where Lua cannot wait it says so.
local ok, text = pcall(table.sort, {3, 1, 2}, function(a, b) sleep(1) return a < b end)
assert(not ok and text:find("cannot wait here"), text)
wait_off(0.2)
"""

# r0 is counted up ten times, by 3, and returned.
COUNTER = """
for n, word in ipairs{0xe3a00000, 0xe3a0100a, 0xe2800003, 0xe2511001, 0x1afffffc, 0xe12fff1e} do
    write_word(0x60001000 + 4 * (n - 1), word)
end
local ADD = 0x60001008
expect("\\n> ")
"""

STOPS = COUNTER + """
breakpoint(ADD)
breakpoint(ADD)
assert(#breakpoints() == 1 and breakpoints()[1].address == ADD)
sendline("go 60001000")
for n = 0, 8 do
    local at = wait_breakpoint()
    assert(at.cpu == 0 and at.pc == ADD and at.text == "add r0, r0, #3", at.text)
    assert(read_register("r0") == 3 * n and read_register("r1") == 10 - n and status().state == "paused")
end
local before = status()
local at = step()
assert(at.pc == ADD + 4 and at.text == "subs r1, r1, #1" and at.instructions == 1 and at.state == "running", at.text)
assert(step(1).pc == ADD + 8)
at = step{count = 100, cpu = 0}
assert(at.pc == ADD and at.instructions == 1 and at.state == "at a breakpoint")
assert(status().instructions == before.instructions + 3)
delete_breakpoint(ADD)
assert(#breakpoints() == 0)
resume()
expect("Returned with r0 = 0000001e")
sleep(0.01)
assert(step().instructions <= 1 and status().state == "paused")
"""

# A stop ends what else the script waits for; wait_breakpoint() then tells of it at once.
STOPPED_WAITS = COUNTER + """
breakpoint(ADD)
sendline("go 60001000")
local ok, text = pcall(expect, "Returned")
assert(not ok and text:find('expect "Returned": cpu0 stopped at a breakpoint at 0x60001008', 1, true), text)
assert(not pcall(sleep, 0.1) or status().state == "running")
assert(wait_breakpoint().pc == ADD and read_register("r1") == 10)
assert(wait_breakpoint().pc == ADD and read_register("r1") == 9)
resume()
assert(not pcall(run, "x") and read_register("r1") == 8)
reset()
assert(#breakpoints() == 1)
resume()
ok, text = pcall(wait_breakpoint, 0.2)
assert(not ok and text:find("wait_breakpoint: not within 0.2 seconds of guest time", 1, true) and status().state == "running")
"""

# The second CPU waits for the first one.
STEPS = """
expect("\\n> ")
local first, second = status().cpus[1].instructions, status().cpus[2].instructions
assert(step(1000, 1).state == "waiting for an event" or status().cpus[2].state:find("interrupt"))
assert(status().cpus[1].instructions == first)
sendline("poweroff")
while status().cpus[1].instructions < first + 5000000 do
    if step(1000000).instructions < 1000000 then break end
end
wait_off()
"""


def good(armature):
    Result(armature, "--cpus", "2", "--memory", "64M", script=BOOT).expect(OFF)
    Result(armature, script=TEXTS).expect(OFF)
    Result(armature, "--cpus", "2", script=MACHINE, arguments=["one", "two"]).expect(9, "the script ended the run with code 9")
    Result(armature, "--cpus", "2", "--deterministic", script=MACHINE, arguments=["one", "--help"]).expect(9)
    Result(armature, script=COROUTINES).expect(FAILED, r"test.lua:\d+: wait_off: .*not within 0.2 seconds")
    Result(armature, script="print(1) os.exit(3) print(2)").expect(3, "^1\n")
    Result(armature, script="expect('> ') send('poweroff\\r') wait_off() print('after')").expect(OFF, "after")
    Result(armature, script="poweroff() reset() expect('> ') quit(4)").expect(4)
    Result(armature, script="expect('> ') power_button(3) wait_off()").expect(OFF)
    Result(armature, script="expect('> ') send('poweroff\\r') wait_off() wait_off() print('after')").expect(OFF, "after")


def breakpoints(armature):
    for options in ([], ["--deterministic"], ["--jit", "off"], ["--jit", "verify"], ["--cpus", "2"]):
        Result(armature, *options, script=STOPS).expect(OFF)
        Result(armature, *options, script=STOPPED_WAITS).expect(OFF)
    Result(armature, "--deterministic", "--cpus", "2", script=STEPS).expect(OFF)
    symbols = "60001000 T counter\n60001020 T behind\n"
    with tempfile.NamedTemporaryFile("w", suffix=".map") as file:
        file.write(symbols)
        file.flush()
        named = "breakpoint('counter+8') sendline('go 60001000') at = wait_breakpoint() assert(at.symbol == 'counter+0x8') " \
                "assert(breakpoints()[1].symbol == 'counter+0x8') resume() expect('x')"
        Result(armature, "--symbols", file.name, script=COUNTER + named).expect(
            FAILED, r'expect "x": cpu0 stopped at a breakpoint at 0x60001008 \(counter\+0x8\)')
    for script, text in (("wait_breakpoint()", "wait_breakpoint: there are no breakpoints"),
                         ("delete_breakpoint(4)", "delete_breakpoint: there is no breakpoint at 0x00000004"),
                         ("for n = 0, 64 do breakpoint(4 * n) end", "breakpoint: there are 64 breakpoints already"),
                         ("step(0)", "step: from 1 to 1000000 instructions"),
                         ("step(1000001)", "step: from 1 to 1000000 instructions"),
                         ("step() expect('x')", 'expect: the machine is paused: nothing can come'),
                         ("poweroff() step()", "step: the machine is switched off"),
                         ("breakpoint(4) poweroff() wait_breakpoint()", "wait_breakpoint: the machine is switched off"),
                         ("breakpoint(0) wait_breakpoint() poweroff()",
                          "poweroff: the machine is paused")):
        Result(armature, script=script).expect(FAILED, text)


def same_with_breakpoints(armature):
    """A run that stops often ends at the same instruction as one that never does."""
    script = COUNTER + """
    local stops = 0
    if arg[1] == "stop" then breakpoint(ADD) breakpoint(ADD + 4) end
    sendline("go 60001000")
    while #breakpoints() > 0 do
        wait_breakpoint()
        stops = stops + 1
        if stops == 20 then resume() break end
    end
    expect("Returned")
    print(status().instructions, status().guest_seconds, status().cpus[1].instructions, stops)
    """
    for options in ([], ["--cpus", "3"], ["--jit", "off"]):
        outputs = [Result(armature, "--deterministic", *options, script=script, arguments=[word]).expect(OFF).out.split()
                   for word in ("go", "stop")]
        if outputs[0][:3] != outputs[1][:3] or outputs[0][3] != "0" or outputs[1][3] != "20":
            raise Failure(f"{options}: {outputs}")


def failures(armature):
    failed = Result(armature, script="\nexpect('> ')\nexpect('never', 0.2)\n")
    failed.expect(FAILED, r"The last output of serial port 0:.*  \| Or stay here.*  \| > \n.*cpu0: pc 0x[0-9a-f]{8}, .*mode.*"
                  r"armature: script failed: \S*test.lua:3: expect \"never\": not within 0.2 seconds of guest time\n$")
    Result(armature, script="expect{'a\\27[2J\\n', pattern 'x+y', timeout = 0.1}").expect(
        FAILED, r'expect "a\\x1b\[2J\\n" or pattern "x\+y": not within')
    Result(armature, script="local function f() error('deep') end\nlocal function g() f() end g()").expect(
        FAILED, r"stack traceback.*in upvalue 'f'.*script failed: \S*test.lua:1: deep\n$")
    Result(armature, script="assert(false, 'that')").expect(FAILED, r"script failed: \S*test.lua:1: that\n$")
    Result(armature, script="error()").expect(FAILED, "script failed: nil\n$")
    Result(armature, script="expect('> ') sendline('poweroff') expect('x')").expect(
        FAILED, 'script failed: .*expect "x": the guest switched the machine off')
    Result(armature, script="poweroff() sleep(1)").expect(FAILED, "sleep: the machine is switched off")
    Result(armature, script="pause() sleep(1)").expect(FAILED, "sleep: the machine is paused: nothing can come")
    Result(armature, script="coroutine.yield(1)").expect(FAILED, "outside of a coroutine")
    Result(armature, script="read_word('nowhere')").expect(FAILED, "test.lua:1: read_word: address must be")
    Result(armature, script="read_word(print)").expect(FAILED, "a function is no argument")
    Result(armature, script="local t = {} t[1] = t expect(t)").expect(FAILED, "nested too deeply")
    Result(armature, script="sleep(0/0)").expect(FAILED, "infinite or undefined")
    Result(armature, script="quit(64)").expect(FAILED, "from 0 to 63")
    Result(armature, script="x = = 1").expect(USAGE, "test.lua:1: unexpected symbol")
    Result(armature, script="\x1bLua").expect(USAGE, "--script: ")
    Result(armature, "--script", "/nonexistent.lua").expect(USAGE, "cannot read /nonexistent.lua")
    Result(armature, "--until", "x", script="").expect(USAGE, "wait for the text in the script")


def shorthands(armature):
    Result(armature, "--until", "\n> ").expect(OFF)
    Result(armature, "--until", "> ", "--send", "info\\r", "--until", "Video").expect(OFF)
    Result(armature, "--send", "poweroff\\r").expect(OFF)
    late = Result(armature, "--until", "never", "--timeout", "0.3", "--deterministic")
    late.expect(TIMED_OUT, 'the run was waiting: --until: expect "never".*The last output.*cpu0: '
                r".*armature: --timeout: 0.3 seconds of guest time have passed\n$")
    Result(armature, "--timeout", "0.3").expect(TIMED_OUT)
    Result(armature, "--until", "never", "--send", "x", "--timeout", "0.2").expect(TIMED_OUT)
    Result(armature, "--until", "x", "--until", "").expect(USAGE, "give a text")


def repeatable(armature):
    """The same script at the same instruction in each deterministic run, whatever else the host does."""
    script = """
    local seen = {}
    local function note() seen[#seen + 1] = ("%d %.9f"):format(status().instructions, status().guest_seconds) end
    expect("Type") note()
    expect("> ") note()
    sendline("info") match("(%d+) MiB") note()
    sleep(0.1) note()
    pcall(expect, "never", 0.05) note()
    sendline("md 1fff0000 40") match("1fff00f0: %x+ ") note()
    print(table.concat(seen, "\\n"))
    """
    runs = {Result(armature, "--deterministic", "--cpus", cpus, script=script).expect(OFF).out for cpus in ("1", "1", "1")}
    shown = Result(armature, "--deterministic", script=script, shown=True).expect(OFF).out
    if len(runs) != 1 or next(iter(runs)).strip() not in shown.replace("\r", ""):
        raise Failure(f"the runs differ: {runs}, {shown[-400:]}")
    if next(iter(runs)).count("\n") != 6:
        raise Failure(f"not all was noted: {runs}")


def in_order(armature):
    """What the script, the log and a failure say stands behind what the guest had sent by then."""
    script = """
    expect("> ") print("FIRST")
    sendline("info") match("MiB") print("SECOND")
    expect("> ") sendline("md 10019ff0 1") expect("> ") print("THIRD")
    expect("never", 0.1)
    """
    for mode in ([], ["--deterministic"]):
        mixed = Result(armature, *mode, "--log", "guest", mixed=True, script=script).expect(
            FAILED, "\r\n> FIRST\ninfo\r\n", r"\d MiBSECOND\n",
            r"> md 10019ff0 1\r\n10019ff0:\nguest cpu0: no device at 0x10019ff0.*?\r\nData abort.*\r\n> THIRD\n")
        if not re.search(r"> THIRD\n\nThe last output of serial port 0:\n(  \|.*\n)+cpu0: .*\narmature: script failed.*\n$",
                         mixed.out):
            raise Failure(f"the report is not at the end: {mixed.out[-2000:]}")


def endless_loop(armature):
    """A script that computes for ever, and catches every error, still obeys signals."""
    script = "print('begun') io.stdout:flush() while true do pcall(function() while true do end end) end"
    for number in (signal.SIGINT, signal.SIGTERM):
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
            file.write(script)
            file.flush()
            process = subprocess.Popen([armature, "--serial", "none", "--script", file.name], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            try:
                process.stdout.readline()
                time.sleep(0.2)
                process.send_signal(number)
                _, err = process.communicate(timeout=TIMEOUT)
            finally:
                process.kill()
            if process.returncode != 128 + number or b"ended by signal" not in err:
                raise Failure(f"signal {number}: exit code {process.returncode}, {err}")


def test(armature):
    together([good, breakpoints, same_with_breakpoints, failures, shorthands, repeatable, in_order, endless_loop], armature)


main(test)
