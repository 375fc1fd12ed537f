#!/usr/bin/env python3
"""The window on an X server of its own, with real keys, clicks and pictures of the server's screen.

Usage: window.py FIXTURE ARMATURE [TEST...]"""
import os
import signal
import subprocess
import sys
import tempfile
import time

from xserver import Failure, Guest, LIMIT, Server, armature, missing_programs, need, running, shows, wait_for

F = {n: 58 + n for n in range(1, 11)}
LEFTCTRL, LEFTALT, LEFTSHIFT, A, G, X, POWER, DELETE = 29, 56, 42, 30, 34, 45, 116, 111


# ---- Tests --------------------------------------------------------------------------------------------------

def test_picture(server, home):
    """The picture pixel by pixel, in a window that follows the guest's mode."""
    with Guest(server, home) as guest:
        guest.wait_size(640, 480)
        wait_for(lambda: shows(guest.picture(), 0, 0, 640, 480), "the picture")
        guest.key("F1")
        guest.wait_size(960, 600)
        wait_for(lambda: shows(guest.picture(), 0, 0, 320, 200, 3), "the small picture, three times as large")
        guest.key("F3")
        guest.wait_size(1024, 768)
        wait_for(lambda: shows(guest.picture(), 0, 0, 1024, 768), "the large picture")
        x, y, width, height = guest.geometry()
        need(x >= 0 and y >= 0 and x + width <= 1280 and y + height <= 1024, f"it is on the screen: {x} {y}")
        guest.key("F4")
        wait_for(lambda: guest.picture().pixel(500, 300) == 0, "darkness")


def test_resize(server, home):
    """Whole multiples in the middle; smooth on demand; the guest is told the size and may follow."""
    with Guest(server, home) as guest:
        guest.wait_size(640, 480)
        guest.x("windowsize", guest.window, "1000", "700")
        guest.wait_line("resize 1000 700")
        wait_for(lambda: shows(guest.picture(), 180, 110, 640, 480), "the picture in the middle")
        need(guest.picture().pixel(90, 350) == 0, "black beside it")
        guest.key("ctrl+alt+i")
        wait_for(lambda: guest.picture().pixel(90, 350) != 0, "the picture in all of the window")
        need(guest.picture().pixel(20, 350) == 0, "the right aspect: 933 of 1000 pixels")
        guest.key("ctrl+alt+i", "F8")
        guest.wait_line("follows 1")
        guest.x("windowsize", guest.window, "801", "603")
        guest.wait_line("mode 801 603")
        wait_for(lambda: shows(guest.picture(), 0, 0, 801, 603), "the picture that followed")
        time.sleep(0.6)
        need(guest.geometry()[2:] == (801, 603), "the window stays as the user wants it")
        guest.x("windowsize", guest.window, "400", "300")
        guest.wait_line("mode 400 300")
        guest.x("windowsize", guest.window, "10", "10")
        time.sleep(0.5)
        need(not any(line.startswith("mode") for line in guest.collect()), "no picture that is too small")


def test_keys(server, home):
    """Keys by position, without the host's repeats, and none left behind."""
    with Guest(server, home) as guest:
        guest.collect()
        guest.x("keydown", "a")
        time.sleep(1.2)  # the server repeats it meanwhile
        guest.x("keyup", "a")
        lines = [line for line in guest.collect() if line.startswith("key")]
        need(lines == [f"key {A} 1", f"key {A} 0"], f"one press: {lines}")
        guest.x("key", "shift+a")
        lines = guest.collect()
        need(lines[:2] == [f"key {LEFTSHIFT} 1", f"key {A} 1"], f"shift+a: {lines}")
        need(sorted(lines[2:]) == sorted([f"key {A} 0", f"key {LEFTSHIFT} 0"]), f"shift+a: {lines}")
        guest.x("key", "ctrl+alt+x")
        lines = guest.collect()
        need(lines[:3] == [f"key {LEFTCTRL} 1", f"key {LEFTALT} 1", f"key {X} 1"],
             f"a combination that is no shortcut: {lines}")
        need(sorted(lines[3:]) == sorted(f"key {code} 0" for code in (X, LEFTALT, LEFTCTRL)), f"its end: {lines}")
        guest.x("key", "ctrl+alt+l")
        lines = guest.collect()
        need(lines == [f"key {LEFTCTRL} 1", f"key {LEFTCTRL} 0"], f"a shortcut leaves nothing pressed: {lines}")
        guest.x("keydown", "ctrl", "keydown", "alt", "keyup", "alt", "keyup", "ctrl")
        lines = guest.collect()
        need(lines == [f"key {LEFTCTRL} 1", f"key {LEFTALT} 1", f"key {LEFTALT} 0", f"key {LEFTCTRL} 0"],
             f"Ctrl and Alt alone: {lines}")


def test_focus(server, home):
    """Keys that are down when the window loses the keyboard go up."""
    with Guest(server, home) as guest, running("xeyes", guest.environment):
        name = wait_for(lambda: guest.x("search", "--name", "xeyes", fail=False), "another window").split()[0]
        guest.focus()
        guest.collect()
        guest.x("keydown", "a", "keydown", "shift")
        guest.wait_line(f"key {LEFTSHIFT} 1")
        guest.x("windowfocus", "--sync", name)
        lines = guest.collect()
        need(sorted(lines) == sorted([f"key {A} 0", f"key {LEFTSHIFT} 0"]), f"all keys up: {lines}")
        guest.x("keyup", "a", "keyup", "shift", "key", "x")
        need(not guest.collect(), "keys of others are not ours")


def test_mouse(server, home):
    """A click grabs; movements arrive; Ctrl+Alt+G releases, which the title says."""
    with Guest(server, home) as guest:
        guest.wait_size(640, 480)
        guest.x("mousemove", "--window", guest.window, "300", "200")
        guest.x("click", "1")
        need(not [line for line in guest.collect() if not line.startswith("key")], "no mouse, no events")
        guest.key("F7")
        guest.wait_line("mouse 1")
        time.sleep(0.3)
        guest.collect()
        guest.x("click", "1")
        guest.wait_title("Ctrl+Alt+G releases the mouse")
        need(not guest.collect(), "the click that grabs is not the guest's")
        guest.x("mousemove_relative", "--", "11", "-7")
        moves = [tuple(map(int, line.split()[1:])) for line in guest.collect() if line.startswith("move")]
        need((sum(x for x, _ in moves), sum(y for _, y in moves)) == (11, -7), f"the movement: {moves}")
        guest.x("click", "3", "click", "4")
        lines = [line for line in guest.collect() if not line.startswith("move")]
        need(lines == ["button 273 1", "button 273 0", "wheel 0 1"], f"button and wheel: {lines}")
        guest.x("mousedown", "1")
        guest.wait_line("button 272 1")
        guest.x("key", "ctrl+alt+g")
        guest.wait_title("for the menu")
        need("button 272 0" in guest.collect(), "the button is let go, too")
        guest.x("mouseup", "1", "mousemove_relative", "5", "5")
        need(not guest.collect(), "the mouse is the host's again")
        guest.x("key", "ctrl+alt+g")
        guest.wait_title("releases keyboard and mouse")
        guest.collect()
        guest.x("key", "ctrl+alt+l")
        need("key 38 1" in guest.collect(), "with the keyboard grabbed, even shortcuts are the guest's")
        guest.x("key", "ctrl+alt+g")
        guest.wait_title("for the menu")


def test_tablet(server, home):
    """Positions on the picture, from edge to edge, without grabbing."""
    with Guest(server, home) as guest:
        guest.wait_size(640, 480)
        guest.key("F6")
        guest.wait_line("tablet 1")
        time.sleep(0.3)
        guest.x("windowsize", guest.window, "1000", "700")
        guest.wait_line("resize 1000 700")
        wait_for(lambda: shows(guest.picture(), 180, 110, 640, 480), "the picture in the middle")
        for x, y, wanted in ((180, 110, "0 0"), (819, 589, "32767 32767"), (5, 350, None), (500, 350, None)):
            guest.collect(0.1)
            guest.x("mousemove", "--window", guest.window, str(x), str(y))
            lines = guest.collect()
            need(lines and lines[-1].startswith("position"), f"a position: {lines}")
            across, down = map(int, lines[-1].split()[1:])
            near = abs(across - max(0, x - 180) * 32767 // 639) <= 1 and abs(down - (y - 110) * 32767 // 479) <= 1
            need(near and (wanted is None or lines[-1] == f"position {wanted}"), f"{x}, {y}: {lines[-1]}")
        guest.x("click", "1")
        lines = [line for line in guest.collect() if line.startswith("button")]
        need(lines == ["button 272 1", "button 272 0"], f"a click: {lines}")
        guest.x("mousemove", "--window", guest.window, "500", "350", "keydown", "ctrl", "keydown", "alt", "click", "1",
                "keyup", "alt", "keyup", "ctrl")
        lines = [line for line in guest.collect() if line.startswith(("button", "key"))]
        need(lines == [f"key {LEFTCTRL} 1", f"key {LEFTALT} 1", "button 272 1", "button 272 0", f"key {LEFTALT} 0",
                       f"key {LEFTCTRL} 0"], f"Ctrl+Alt+click: {lines}")
        guest.x("mousemove", "--window", guest.window, "5", "5", "click", "1")
        need(not [line for line in guest.collect() if line.startswith("button")], "clicks beside the picture are none")


def test_menu(server, home):
    """The menu takes the keys, sends combinations that the host keeps, and closes."""
    with Guest(server, home) as guest:
        guest.wait_size(640, 480)
        before = guest.picture().pixel(320, 240)
        guest.key("ctrl+alt+m")
        wait_for(lambda: guest.picture().pixel(320, 240) != before, "the menu")
        guest.collect()
        guest.key("a")
        need(not guest.collect(), "keys are the menu's")
        guest.key("Up", "Up", "Return", "Return")
        guest.wait_line(f"key {LEFTCTRL} 0")
        wait_for(lambda: guest.picture().pixel(320, 240) == before, "the picture again")
        guest.collect()
        guest.key("ctrl+alt+m", "Up", "Up", "Return", "Return")
        lines = guest.collect(1)
        need([line for line in lines if line.endswith(" 1")][-3:] ==
             [f"key {LEFTCTRL} 1", f"key {LEFTALT} 1", f"key {DELETE} 1"], f"Ctrl+Alt+Del: {lines}")
        guest.key("ctrl+alt+d")
        lines = guest.collect(1)
        need([line for line in lines if line.endswith(" 1")][-3:] ==
             [f"key {LEFTCTRL} 1", f"key {LEFTALT} 1", f"key {DELETE} 1"], f"Ctrl+Alt+Del by its shortcut: {lines}")
        guest.key("ctrl+alt+k", "Down", "Down", "Return")
        lines = guest.collect(1)
        need(f"key {F[1]} 1" in lines, f"Ctrl+Alt+F1: {lines}")
        guest.key("F2")
        guest.wait_size(640, 480)
        guest.key("ctrl+alt+m")
        wait_for(lambda: guest.picture().pixel(320, 240) != before, "the menu")
        guest.key("Escape")
        wait_for(lambda: guest.picture().pixel(320, 240) == before, "no menu")
        guest.key("ctrl+alt+p")
        guest.wait_title("(paused)")
        guest.key("ctrl+alt+p")
        wait_for(lambda: "paused" not in guest.title(), "it goes on")
        guest.key("ctrl+alt+t")
        guest.wait_title("(turbo)")


def test_paste(server, home):
    """The clipboard's text arrives as keys, an end of line as one Enter; a long text can be stopped."""
    def clipboard(text):
        subprocess.run(["xclip", "-selection", "clipboard"], input=text, env=guest.environment, check=True)
    with Guest(server, home) as guest:
        clipboard(b"aX\n")
        guest.key("ctrl+alt+v")
        lines = guest.wait_line("key 28 0")
        keys = [line for line in lines if line.startswith("key")][-8:]
        need(keys == [f"key {A} 1", f"key {A} 0", f"key {LEFTSHIFT} 1", f"key {X} 1", f"key {X} 0",
                      f"key {LEFTSHIFT} 0", "key 28 1", "key 28 0"], f"the keys of aX and Enter: {keys}")
        clipboard(b"\r\n\n\na")
        guest.key("ctrl+alt+v")
        lines = guest.wait_line(f"key {A} 0")
        need(lines.count("key 28 1") == 3, f"three Enters: {lines}")
        clipboard(b"a" * 1000)
        guest.key("ctrl+alt+v")
        guest.wait_line(f"key {A} 1")
        guest.key("ctrl+alt+v")
        lines = guest.collect(1)
        need(lines.count(f"key {A} 1") < 500 and f"key {A} 0" in lines[-3:], f"it was stopped: {lines[-3:]}")
        need(not guest.collect(), "nothing more is typed")


def test_full_screen(server, home):
    """The whole screen, black bars, and back."""
    if not server.manage():
        print("  no openbox: without full screen")
        return
    with Guest(server, home) as guest:
        guest.wait_size(640, 480)
        guest.key("ctrl+alt+f")
        guest.wait_size(1280, 1024)
        wait_for(lambda: shows(guest.picture(root=True), 0, 32, 640, 480, 2), "the picture, twice as large")
        need(guest.picture(root=True).pixel(640, 10) == 0, "a black bar")
        guest.key("ctrl+alt+f")
        guest.wait_size(640, 480)
        guest.x("windowsize", guest.window, "700", "500", "windowmove", guest.window, "50", "60")
        time.sleep(0.5)
        where = guest.geometry()
        guest.process.send_signal(signal.SIGTERM)
        guest.end()
    with Guest(server, home) as guest:
        guest.wait_size(700, 500)
        need(guest.geometry()[:2] == where[:2], f"the place: {guest.geometry()} as {where}")


def test_close(server, home):
    """Closing asks the guest; closing again ends. A guest without a keyboard cannot be asked."""
    with Guest(server, home) as guest:
        guest.collect()
        guest.close_window()
        guest.wait_line(f"key {POWER} 0")
        need(guest.process.poll() is None, "it has only been asked")
        guest.wait_title("close again to end the emulator")
        guest.close_window()
        guest.end(0)
    with Guest(server, home) as guest:
        guest.key("F9")
        guest.wait_line("deaf 1")
        guest.close_window()
        time.sleep(0.5)
        need(not [line for line in guest.collect() if str(POWER) in line], "no key that waits for later")
        guest.close_window()
        guest.end(0)


def test_no_display(server, home):
    """Without a display: one line and no window, or an error if a window was asked for."""
    with Guest(server, home, armature, ["--display", "window"], display=":9999", wanted=False) as guest:
        text = guest.end(70)
        need("--display window: the display cannot be used" in text and text.count("\n") == 1, f"one line: {text}")
    with Guest(server, home, armature, [], display=":9999", wanted=False) as guest:
        def prompt():
            guest.pump()
            return "> " in guest.terminal
        wait_for(prompt, f"the boot ROM's prompt: {guest.terminal}")
        need(guest.terminal.count("no window: the display cannot be used") == 1, f"one line: {guest.terminal}")


def test_serial_pane(server, home):
    """The real machine: a serial port in the window, typed into, marked and copied; a screenshot; status line."""
    with Guest(server, home, armature, []) as guest:
        guest.wait_size(1024, 768)
        guest.key("ctrl+alt+2")
        guest.wait_title("serial port 0")
        guest.x("type", "--delay", "30", "poke")
        guest.key("Return")
        def answered():
            guest.pump()
            return "poke" in guest.terminal.split("> ", 1)[-1]
        wait_for(answered, "what was typed in the window is seen in the terminal")
        guest.x("mousemove", "--window", guest.window, "150", "24", "mousedown", "1",
                "mousemove", "--window", guest.window, "900", "24")
        time.sleep(0.2)
        guest.x("mouseup", "1")
        guest.key("ctrl+alt+c")
        def copied():
            return subprocess.run(["xclip", "-o", "-selection", "clipboard"], env=guest.environment,
                                  capture_output=True, text=True).stdout
        text = wait_for(copied, "the clipboard's text")
        need(text.startswith("Armature 0.1.0: "), f"a line of it: {text!r}")
        guest.key("ctrl+alt+1", "ctrl+alt+s")
        path = wait_for(lambda: [name for name in os.listdir(home) if name.endswith(".png")], "a screenshot")[0]
        with open(os.path.join(home, path), "rb") as file:
            picture = file.read()
        def clipboard_picture():
            return subprocess.run(["xclip", "-o", "-selection", "clipboard", "-t", "image/png"], env=guest.environment,
                                  capture_output=True).stdout
        wait_for(lambda: clipboard_picture() == picture, "the picture in the clipboard")
        guest.key("ctrl+alt+l")
        guest.wait_size(1024, 786)
        guest.process.send_signal(signal.SIGTERM)
        guest.end(128 + 15)
        with open(os.path.join(home, ".local/state/armature/window")) as file:
            need("status = 1" in file.read(), "the status line is remembered")


def test_screenshot_without_xclip(server, home):
    """Where nothing can put a picture into the clipboard, it gets the file's name."""
    with Guest(server, home, armature, [], path=home) as guest:
        guest.wait_size(1024, 768)
        guest.key("ctrl+alt+s")
        path = wait_for(lambda: [name for name in os.listdir(home) if name.endswith(".png")], "a screenshot")[0]
        def copied():
            return subprocess.run(["xclip", "-o", "-selection", "clipboard"], env=guest.environment,
                                  capture_output=True, text=True).stdout
        wait_for(lambda: copied() == os.path.join(os.path.realpath(home), path), "its name in the clipboard")
        guest.process.send_signal(signal.SIGTERM)
        guest.end(128 + 15)


def test_slots(server, home):
    """Saved into a slot and gone back to, also by another run; a load that is refused says why."""
    def slots():
        folder = os.path.join(home, ".local/state/armature/slots")
        found = [os.path.join(folder, name) for name in os.listdir(folder)] if os.path.isdir(folder) else []
        return [os.path.join(name, file) for name in found for file in os.listdir(name) if file.endswith(".snap")]

    def typed(guest, text):
        """What the boot ROM's prompt shows is on the screen, too."""
        before = guest.picture().rows
        guest.x("type", "--delay", "60", text)
        return wait_for(lambda: guest.picture().rows != before and guest.picture().rows, "what was typed")

    def calm(guest):
        """The picture, when no note and no page is over it."""
        time.sleep(6)
        return guest.picture().rows

    with Guest(server, home, armature, ["--memory", "64M"]) as guest:
        guest.wait_size(1024, 768)
        time.sleep(2)
        typed(guest, "first")
        saved = calm(guest)
        guest.key("ctrl+alt+w")
        guest.key("3")
        wait_for(slots, "a file")
        need(os.path.basename(slots()[0]) == "3.snap" and "/rom-" in slots()[0], f"its name: {slots()}")
        need(os.stat(os.path.dirname(slots()[0])).st_mode & 0o77 == 0, "it is the user's alone")
        typed(guest, "second")
        need(calm(guest) != saved, "the screen is another now")
        guest.key("ctrl+alt+e")
        time.sleep(0.5)
        guest.key("3")
        need(calm(guest) == saved, "the screen is as it was")
        first = os.stat(slots()[0]).st_mtime_ns
        guest.key("ctrl+alt+w", "3")
        time.sleep(1)
        need(os.stat(slots()[0]).st_mtime_ns == first, "a slot in use is not replaced at once")
        guest.key("3")
        wait_for(lambda: os.stat(slots()[0]).st_mtime_ns != first, "it is replaced when it is chosen again")
        typed(guest, "third")
        guest.key("ctrl+alt+m", *["Down"] * 15, "Return", "3")  # the same by the menu
        need(calm(guest) == saved, "the screen is as it was, again")
        guest.process.send_signal(signal.SIGTERM)
        guest.end(128 + 15)
    with Guest(server, home, armature, ["--memory", "64M"]) as guest:
        guest.wait_size(1024, 768)
        guest.key("ctrl+alt+e", "3")
        need(calm(guest) == saved, "another run goes back to it")
        typed(guest, "works")
    with Guest(server, home, armature, ["--memory", "128M"]) as guest:
        guest.wait_size(1024, 768)
        before = calm(guest)
        guest.key("ctrl+alt+e", "3")
        rows = wait_for(lambda: guest.picture().rows != before and guest.picture(), "a note that says why")
        need(len({rows.pixel(12, y) for y in range(768 - 48, 768 - 16)} - {0}) >= 1, "the note")
        need(calm(guest) == before, "the machine is as it was")


def test_rewind(server, home):
    """Back in time while the keys are held down; from where they are let go, the guest goes on."""
    def help_is_shown(picture):
        paper = picture.pixel(900, 600)
        return any(picture.pixel(x, y) != paper for x in range(8, 120, 2) for y in range(452, 600, 3))
    with Guest(server, home, armature, ["--history", "64M"]) as guest:
        guest.wait_size(1024, 768)
        wait_for(lambda: any(guest.picture().pixel(8 + x, 430 + y) for x in range(8) for y in range(10)), "the monitor's prompt")
        need(not help_is_shown(guest.picture()), "nothing was typed yet")
        guest.x("type", "--delay", "50", "help")
        guest.key("Return")
        wait_for(lambda: help_is_shown(guest.picture()), "what the monitor answers")
        guest.x("keydown", "ctrl", "keydown", "alt", "keydown", "b")
        wait_for(lambda: guest.picture().pixel(512, 300) == 0, "the beginning, before there was a picture")
        guest.x("keyup", "b", "keyup", "alt", "keyup", "ctrl")
        wait_for(lambda: guest.picture().pixel(512, 300) != 0, "the picture once more")
        time.sleep(1)
        need(not help_is_shown(guest.picture()), "what was typed has not been")
        guest.x("type", "--delay", "50", "help")
        guest.key("Return")
        wait_for(lambda: help_is_shown(guest.picture()), "the guest goes on from there")
        guest.process.send_signal(signal.SIGTERM)
        guest.end(128 + 15)


def test_garbage(server, home):
    """A file of remembered things that is damaged does no harm."""
    folder = os.path.join(home, ".local/state/armature")
    os.makedirs(folder)
    with open(os.path.join(folder, "window"), "wb") as file:
        file.write(b"x = 60000\ny = 60000\nwidth = 65536\nheight = 1\n\0\xff" * 50)
    with Guest(server, home) as guest:
        guest.wait_size(640, 480)
        x, y, _, _ = guest.geometry()
        need(0 <= x < 1280 and 0 <= y < 1024, f"it can be seen: {x} {y}")


def main():
    missing = missing_programs()
    if missing:
        print("skipped: not installed:", *missing)
        return 77
    done = subprocess.run([armature, "--display", "window", "--version"], capture_output=True)
    need(done.returncode == 0, "armature runs")
    tests = [value for name, value in globals().items() if name.startswith("test_")]
    chosen = ["test_" + name for name in sys.argv[3:]] or [test.__name__ for test in tests]
    failed = 0
    for test in tests:
        if test.__name__ not in chosen:
            continue
        server = Server()
        with tempfile.TemporaryDirectory(prefix="armature-window-") as home:
            start = time.time()
            try:
                test(server, home)
                print(f"ok      {test.__name__} ({time.time() - start:.1f} s)", flush=True)
            except (Failure, subprocess.CalledProcessError) as failure:
                failed += 1
                print(f"FAILED  {test.__name__}: {failure}", flush=True)
            finally:
                server.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
