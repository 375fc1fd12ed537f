"""Runs within gdb: gdb -nx -batch -ex "python place, scenario = ..." -x session.py. Ends gdb with 0 if all is as it should be."""

import os
import signal
import threading
import traceback

import gdb


last_stop, last_kind, exit_code = None, None, None


def stopped(event):
    """A temporary breakpoint is gone when the command returns."""
    global last_stop, last_kind
    last_stop = event
    last_kind = event.breakpoints[-1].type if isinstance(event, gdb.BreakpointEvent) else None


def exited(event):
    global exit_code
    exit_code = getattr(event, "exit_code", None)


gdb.events.stop.connect(stopped)
gdb.events.exited.connect(exited)


def run(command):
    return gdb.execute(command, to_string=True)


def value(expression):
    return int(gdb.parse_and_eval(expression))


def equal(what, found, expected):
    if found != expected:
        raise AssertionError(f"{what} is {found!r}, not {expected!r}")


def contains(what, text, *parts):
    for part in parts:
        if part not in text:
            raise AssertionError(f"{what} has no {part!r}: {text!r}")


def refused(command, text):
    try:
        run(command)
    except gdb.error as error:
        contains(command, str(error), text)
    else:
        raise AssertionError(f"{command} was not refused")


def function():
    return gdb.selected_frame().name()


def connect():
    run("set confirm off")
    run("set pagination off")
    run(f"target remote {place}")


def to(where):
    run(f"tbreak {where}")
    go()


def go(command="continue", kind=gdb.BP_BREAKPOINT):
    """Up to a breakpoint of that kind, or a watchpoint."""
    run(command)
    equal(f"what {command} ended with, {last_stop} in {function()},", last_kind, kind)


def exits():
    run("continue")
    equal("the exit code", exit_code, 0)


def registers():
    """The description, all registers there and back, floating point, those of the system."""
    to("add")
    equal("a", value("a"), 2)
    equal("b", value("$r1"), 3)
    equal("mode", value("$cpsr & 0x1f"), 0x13)
    before = [value(f"$r{n}") for n in range(13)] + [value("$sp"), value("$lr"), value("$pc"), value("$cpsr")]
    for n in range(13):
        run(f"set var $r{n} = 0x{n:x}1234567")
    equal("r12", value("$r12"), 0xc1234567 - (1 << 32))
    for n, old in enumerate(before[:13]):
        run(f"set var $r{n} = {old}")
    run("flushregs" if gdb.VERSION < "10" else "maintenance flush register-cache")
    equal("the registers", [value(f"$r{n}") for n in range(13)] + [value("$sp"), value("$lr"), value("$pc"), value("$cpsr")], before)
    run("set var $d15 = 2.75")
    run("maintenance flush register-cache")
    equal("d15", float(gdb.parse_and_eval("$d15")), 2.75)
    equal("s31", float(gdb.parse_and_eval("$s31")), 2.09375)
    equal("q7", value("$q7.u64[1]"), 0x4006000000000000)
    run("set var $q9.u32[2] = 0x3ff00000")
    run("set var $q9.u32[3] = 0x40080000")
    run("maintenance flush register-cache")
    equal("q9", [value(f"$q9.u32[{n}]") for n in range(4)], [0, 0, 0x3ff00000, 0x40080000])
    equal("s31 again", float(gdb.parse_and_eval("$s31")), 2.09375)
    contains("system registers", run("info registers system"), "sctlr", "ttbr0", "sp_irq", "fpexc")
    equal("SCTLR.M", value("$sctlr & 1"), 0)
    equal("FPEXC", value("$fpexc"), 0x40000000)
    run("set var $vbar = 0x60020000")
    run("maintenance flush register-cache")
    equal("VBAR", value("$vbar"), 0x60020000)
    to("scale")
    equal("value", float(gdb.parse_and_eval("value")), 4.25)
    run("finish")
    equal("ratio", float(gdb.parse_and_eval("ratio")), 8.5)
    exits()


def memory():
    equal("written", [value(f"written[{n}]") for n in range(4)], [10, 20, 30, 40])
    run("set var written[3] = 0x12345678")
    contains("bytes", run("x/4xb &written[3]"), "0x78\t0x56\t0x34\t0x12")
    block = bytes(range(256)) * 80
    inferior = gdb.selected_inferior()
    inferior.write_memory(0x60200001, block)
    equal("a long block", bytes(inferior.read_memory(0x60200001, len(block))), block)
    equal("found", inferior.search_memory(0x60200000, 0x8000, b"\xfe\xff\x00\x01"), 0x602000ff)
    inferior.write_memory(0x60300000, b"}#$*}" * 100)
    equal("special characters", bytes(inferior.read_memory(0x60300000, 500)), b"}#$*}" * 100)
    refused("x/4xw 0xf0000000", "Cannot access memory at address 0xf0000000")
    contains("code", run("x/2i add"), "add")
    contains("loading", run("load"), "Transfer rate")
    exits()


def breakpoints():
    """Arm and Thumb code, frames, lines, conditions, calls of the program's functions."""
    to("twice")
    equal("the function", function(), "twice")
    equal("Thumb state", value("$cpsr >> 5 & 1"), 1)
    equal("value", value("value"), 5)
    run("finish")
    equal("what it returned", int(last_stop.return_value if hasattr(last_stop, "return_value") else gdb.history(0)), 10)
    equal("the function", function(), "main")
    run("break recurse if depth == 1")
    go()
    equal("depth", value("depth"), 1)
    equal("frames", run("backtrace").count("recurse"), 4)
    run("delete")
    equal("a call", value("add(40, 2)"), 42)
    equal("another", value("twice(21)"), 42)
    equal("the function", function(), "recurse")
    run("break write_some")
    run("ignore $bpnum 3")
    go()
    equal("rounds", value("rounds"), 3)
    go()
    equal("rounds", value("rounds"), 4)
    run("delete")
    run("hbreak scale")
    go(kind=gdb.BP_HARDWARE_BREAKPOINT)
    equal("the function", function(), "scale")
    run("delete")
    exits()


def steps():
    to("main")
    run("advance add")
    equal("the function", function(), "add")
    run("step")
    equal("the function", function(), "main")
    run("step")
    equal("the function", function(), "twice")
    run("finish")
    for _ in range(3):
        run("next")
    equal("the function", function(), "main")
    pc = value("$pc")
    run("stepi")
    equal("the length of an instruction", value("$pc") - pc, 4)
    run("advance write_some")
    equal("the function", function(), "write_some")
    to("*&sleeping")
    equal("rounds", value("rounds"), 4)
    run("stepi")
    equal("behind WFI", value("$pc"), value("&woken"))
    run("stepi")
    equal("woken by the timer", value("$pc"), value("&woken") + 4)
    exits()


def watchpoints():
    to("main")
    run("watch written[2]")
    go(kind=gdb.BP_HARDWARE_WATCHPOINT)
    equal("what was written", value("written[2]"), 36)
    equal("the function", function(), "write_some")
    run("delete")
    run("rwatch written[0]")
    go(kind=gdb.BP_READ_WATCHPOINT)
    equal("rounds", value("rounds"), 1)
    run("delete")
    run("awatch flags[5]")
    go(kind=gdb.BP_ACCESS_WATCHPOINT)
    equal("what was written", value("flags[5]"), value("written[1]"))
    run("delete")
    run("watch rounds if rounds == 4")
    go(kind=gdb.BP_HARDWARE_WATCHPOINT)
    equal("rounds", value("rounds"), 4)
    run("delete")
    exits()


def press_ctrl_c():
    """While the program runs; on a slow host it may come before that, and is tried again then."""
    for seconds in (0.3, 1, 3, 10):
        try:
            threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
            run("continue")
            return
        except (KeyboardInterrupt, gdb.error):
            pass


def interrupted():
    """Ctrl-C; leaving and coming back, with the program running meanwhile."""
    run("set var endless = 1")
    press_ctrl_c()
    equal("Ctrl-C", getattr(last_stop, "stop_signal", None), "SIGINT")
    equal("the function", function(), "main")
    before = value("rounds")
    equal("standing still", value("rounds"), before)
    run("break add")
    run("detach")
    connect()
    if value("rounds") <= before:
        raise AssertionError("it did not go on")
    run("set var endless = 0")
    exits()


def monitor():
    contains("status", run("monitor status"), "instructions", "paused")
    contains("a wrong word", run("monitor stauts"), "did you mean stat")
    contains("a wrong argument", run("monitor read_word nowhere"), "error: read_word: address")
    contains("help", run("monitor help watchpoint"), "watchpoint address")
    run("monitor write_word 0x60200000 77")
    equal("a word", value("*(int *)0x60200000"), 77)
    run(f"monitor write_memory 0x60200000 '{'5a' * 1500}'")
    equal("the end of a long command", value("*(unsigned char *)(0x60200000 + 1499)"), 0x5a)
    before = value("$pc")
    run("monitor sleep 0.001")
    run("maintenance flush register-cache")
    if value("$pc") == before:
        raise AssertionError("a command that waits does not let the machine go on")
    contains("where it is", run("monitor step"), "0x")
    contains("a device", run("monitor device uart0"), "UARTFR")
    run("monitor save machine.snap")
    equal("there is a snapshot", os.path.exists("machine.snap"), True)
    contains("a long text", run("monitor help"), "capture_stop", "expect")
    to("add")
    contains("a reset", run("monitor reset"), "")
    run("maintenance flush register-cache")
    equal("the reset's PC", value("$pc"), 0)
    exits()


def back():
    """With --history: instructions, lines and functions back, and who wrote a variable last."""
    start = value("$pc")
    to("scale")
    run("reverse-stepi")
    equal("the caller", function(), "main")
    run("stepi")
    equal("the function", function(), "scale")
    run("break add")
    go("reverse-continue")
    equal("the function", function(), "add")
    equal("a", value("a"), 2)
    run("delete")
    to("write_some if value > 28")
    run("watch written[2]")
    go("reverse-continue", gdb.BP_HARDWARE_WATCHPOINT)
    equal("the function", function(), "write_some")
    run("delete")
    run("reverse-finish")
    equal("the caller", function(), "main")
    run("reverse-continue")
    equal("the first instruction", value("$pc"), start)
    equal("written", value("written[2]"), 30)
    refused("set var written[3] = 1", "Cannot access memory")
    run("monitor diverge")
    run("set var written[3] = 1")
    to("power_off")
    equal("written", [value("written[2]"), value("written[3]")], [40, 1])
    run("detach")


def threads():
    """Four CPUs, of a program that starts them."""
    equal("CPUs", sorted(thread.num for thread in gdb.selected_inferior().threads()), [1, 2, 3, 4])
    contains("CPUs", run("info threads"), "cpu0 svc, running", "cpu3 svc")
    to("*secondary")
    number = gdb.selected_thread().num
    if number == 1:
        raise AssertionError("the first CPU is at the others' start")
    pc = value("$pc")
    run("stepi")
    if value("$pc") == pc or gdb.selected_thread().num != number:
        raise AssertionError("another CPU has made the step")
    run("thread 1")
    if value("$pc") in (pc, pc + 4):
        raise AssertionError("the first CPU is where the other one is")
    run("tbreak power_off")
    run("continue")
    equal("the CPU that ends it", gdb.selected_thread().num, 1)
    exits()


def threads_back():
    """With --history: an instruction of one CPU back, though others have executed many since."""
    to("*secondary")
    number, pc = gdb.selected_thread().num, value("$pc")
    run("stepi")
    behind = value("$pc")
    to("power_off")
    run(f"thread {number}")
    here = value("$pc")
    run("reverse-stepi")
    equal("the CPU", gdb.selected_thread().num, number)
    if value("$pc") == here:
        raise AssertionError("it did not go back")
    run("stepi")
    equal("forward again", value("$pc"), here)
    run(f"tbreak *{pc} thread {number}")
    go("reverse-continue")
    equal("its start", value("$pc"), pc)
    run("stepi")
    equal("the second instruction", value("$pc"), behind)
    run("reverse-stepi")
    equal("its start", value("$pc"), pc)
    run("detach")


def replayed():
    """A recording of four CPUs: steps do not change their order, and nothing can be changed."""
    to("*secondary")
    number, pc = gdb.selected_thread().num, value("$pc")
    for n in range(1, 4):
        run("stepi")
        equal("the CPU", gdb.selected_thread().num, number)
        equal("the instruction", value("$pc"), pc + 4 * n)
    refused("set var *(int *)$sp = 1", "Cannot access memory")
    exits()


try:
    connect()
    globals()[scenario]()
except BaseException:
    traceback.print_exc()
    if gdb.selected_thread():
        print(run("info registers general"), run("backtrace"))
        gdb.execute("kill")
    gdb.execute("quit 1")
