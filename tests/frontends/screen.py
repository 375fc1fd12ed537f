#!/usr/bin/python3
"""The screen, from a user's view: pictures by options, keys, signals and the control socket, recordings, and the text of
the boot ROM's picture, typed on the board's keyboard."""

import os
import signal
import struct
import subprocess
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "boot"))

from drive import Failure, Guest, in_folder, main, together  # noqa: E402

TIMEOUT = 60
PROMPT = "wait_screen('> ', 10) "


def check(condition, text):
    if not condition:
        raise Failure(text)


def picture(path):
    """Width, height and the set of colours of a PNG file, which must be whole and of 8-bit RGB."""
    with open(path, "rb") as file:
        data = file.read()
    check(data[:8] == b"\x89PNG\r\n\x1a\n" and data[-8:-4] == b"IEND", f"{path} is no PNG file")
    at, pixels, header = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        check(zlib.crc32(kind + body) == struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0],
              f"{path}: bad checksum")
        header = struct.unpack(">IIBBBBB", body) if kind == b"IHDR" else header
        pixels += body if kind == b"IDAT" else b""
        at += 12 + length
    width, height, depth, colour = header[:4]
    check((depth, colour) == (8, 2), f"{path} is not of 8-bit RGB")
    raw = zlib.decompress(pixels)
    check(len(raw) == height * (1 + 3 * width), f"{path} is not complete")
    return width, height, len(set(raw))


def run(armature, folder, script, *options, code=0):
    with open(f"{folder}/test.lua", "w", encoding="utf-8") as file:
        file.write(script)
    done = subprocess.run([armature, "--serial", "none", "--deterministic", *options, "--script", "test.lua"],
                          cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=TIMEOUT, check=False)
    check(done.returncode == code, f"{script}: exit code {done.returncode}\n{done.stdout.decode()}")
    return done.stdout.decode()


def pictures(armature, folder):
    run(armature, folder, PROMPT, "--screenshot", "rom.png", "--display-size", "640x480")
    width, height, values = picture(f"{folder}/rom.png")
    check((width, height) == (640, 480) and values > 10, f"rom.png has {width} x {height} and {values} values")
    out = run(armature, folder, "sleep(0.5)", "--screenshot-at", "0.25", "--screenshot-at", "7")
    check(picture(f"{folder}/armature-0.25s.png")[:2] == (1024, 768), "not the usual size")
    check("--screenshot-at 7: the run ended before" in out, out)
    out = run(armature, folder, "sleep(0.5)", "--screenshot", "dark.png", "--display-size", "none")
    check("the screen is dark" in out and not os.path.exists(f"{folder}/dark.png"), out)


def typed(armature, folder):
    """On the PS/2 keyboard, whose layout is the ROM's."""
    script = PROMPT + """
        typeline("md 60000000 2")
        assert(wait_screen(pattern "60000000: (%x+) ", 5))
        typeline("say \\"A~B|C{}[]\\\\@#$%^&*()_+-=`<>?/;:'")
        wait_screen("\\"say\\" is no command", 5)
        local text = screen_text()
        assert(text:find("> say \\"A~B|C{}[]\\\\@#$%^&*()_+-=`<>?/;:'\\n", 1, true), text)
        local at = screen_find("60000000:")
        assert(at.column == 1 and at.x == 12 and (at.y - 8) // 16 == at.row, at.y)
        print(status().instructions)
        press("shift+h") press("backspace") typeline("poweroff") assert(status().state == "off")
    """
    first = run(armature, folder, script)
    check(first == run(armature, folder, script, "--jit", "off"), "another run is different")


def recorded(armature, folder):
    script = PROMPT + "typeline('help') sleep(0.3)"
    names = []
    for jit in "on", "off":
        run(armature, folder, script, "--record-screen", f"frames-{jit}", "--record-rate", "50", "--jit", jit)
        path = f"{folder}/frames-{jit}"
        names.append({name: open(f"{path}/{name}", "rb").read() for name in sorted(os.listdir(path))})
    check(names[0] == names[1], f"recordings differ: {list(names[0])}, {list(names[1])}")
    check("frames.ffconcat" in names[0] and len(names[0]) > 3, f"recorded: {list(names[0])}")
    run(armature, folder, "sleep(0.55)", "--record-screen", "run.y4m", "--record-rate", "20", "--display-size", "640x480")
    with open(f"{folder}/run.y4m", "rb") as file:
        header, size = file.readline(), os.path.getsize(f"{folder}/run.y4m")
    check(header == b"YUV4MPEG2 W640 H480 F20:1 Ip A1:1 C444\n", header)
    frames, rest = divmod(size - len(header), 6 + 3 * 640 * 480)
    check(rest == 0 and 10 <= frames <= 12, f"{frames} frames and {rest} bytes")


def by_hand(armature, folder):
    os.chdir(folder)
    with Guest(armature, "--control", "socket", terminal=True) as guest:
        guest.expect("\r\n> ")
        guest.send("\x01h")
        guest.expect("s  saves a screenshot")
        guest.send("\x01s")
        guest.expect("saved armature-1.png")
        guest.process.send_signal(signal.SIGUSR1)
        guest.expect("saved armature-2.png")
        done = subprocess.run([armature, "ctl", "socket", "screenshot"], stdout=subprocess.PIPE, timeout=TIMEOUT,
                              check=False)
        check(done.stdout == b"armature-3.png\n", done.stdout)
        done = subprocess.run([armature, "ctl", "socket", "screen_text"], stdout=subprocess.PIPE, timeout=TIMEOUT,
                              check=False)
        check(b"Cortex-A9, 1024 MiB RAM" in done.stdout, done.stdout)
        done = subprocess.run([armature, "ctl", "socket", "type", "info\\n"], stdout=subprocess.PIPE, timeout=TIMEOUT,
                              check=False)
        guest.expect("CPUs .*\r\n> ")
        guest.send("\x01p")
        guest.expect("paused")
        guest.send("\x01s")
        guest.expect("saved armature-4.png")
        guest.send("\x01x")
        guest.expect_exit(0)
    for number in range(1, 5):
        picture(f"armature-{number}.png")


def mistakes(armature, folder):
    for options, text in [
            (["--screenshot", "x"], "--screenshot: x: give a name that ends in .png"),
            (["--screenshot", "no/x.png"], "--screenshot: cannot write no/x.png: no: No such file or directory"),
            (["--screenshot-at", "soon"], "--screenshot-at soon: give seconds"),
            (["--record-screen", "x.webm"], "give a name that ends in .y4m"),
            (["--record-screen", "no/such"], "--record-screen: cannot make the folder no/such"),
            (["--record-rate", "0"], "give 1 to 100"),
            (["--screen-font", "missing.psf"], "--screen-font: cannot read missing.psf"),
            (["--keyboard-layout", "xx"], "--keyboard-layout xx: give one of us uk de fr es it")]:
        out = run(armature, folder, "", *options, code=64)
        check(text in out and out.count("\n") == 1, f"{options}: {out}")


def test(armature):
    together([in_folder(part) for part in (pictures, typed, recorded, by_hand, mistakes)], os.path.abspath(armature))


main(test)
