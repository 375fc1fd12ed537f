#!/usr/bin/python3
"""A bare-metal driver plays tones through the PL041; what comes out must have their frequencies and levels.

    audio.py ARMATURE [--elf FILE]

The program (audio.c) prints what it sees, which is compared with audio.txt, and plays each tone for a quarter of a second.
The sound is taken from the WAV file, from one that a killed emulator left, and, where it is built in, from SDL's disk driver."""

import argparse
import array
import math
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import wave

from compare import HERE, SKIPPED, build

RATE = 48000
TONES = [1000, 1000, 440, 5000]  # Hz
LENGTH = RATE // 4
AMPLITUDE = 12000
RIGHT = 10 ** (-6 / 20)
ENGINES = [["--jit", "off"], ["--jit", "on"], ["--jit", "on", "--cpus", "2"]]


class Failure(Exception):
    pass


def check(true, text):
    if not true:
        raise Failure(text)


def tone(samples, frequency):
    """Amplitude of a frequency in the samples, and of everything else."""
    step = 2 * math.pi * frequency / RATE
    cosine = sum(s * math.cos(step * n) for n, s in enumerate(samples)) * 2 / len(samples)
    sine = sum(s * math.sin(step * n) for n, s in enumerate(samples)) * 2 / len(samples)
    rest = sum((s - cosine * math.cos(step * n) - sine * math.sin(step * n)) ** 2 for n, s in enumerate(samples))
    return math.hypot(cosine, sine), math.sqrt(2 * rest / len(samples))


def check_tone(samples, frequency, level, place):
    amplitude, rest = tone(samples, frequency)
    print(f"{place}: {frequency} Hz at {amplitude:.0f} (expected {level:.0f}), the rest {rest:.1f}")
    check(abs(amplitude - level) < 0.01 * level, f"{place}: {frequency} Hz has not the level that was played")
    check(rest < 0.01 * level, f"{place}: there is more than the tone")
    check(tone(samples, frequency * 1.1)[0] < 0.05 * level, f"{place}: the test does not tell frequencies apart")


def sound_of(path):
    with wave.open(path) as file:
        check((file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, RATE), "not the format promised")
        frames = array.array("h", file.readframes(file.getnframes()))
        check(len(frames) == 2 * file.getnframes(), "the header promises more than there is")
    check(os.path.getsize(path) == 44 + 2 * len(frames), "the header does not tell the size")
    return frames[0::2], frames[1::2]


def check_tones(left, right):
    check(abs(len(left) - len(TONES) * LENGTH) <= 8, f"{len(left)} frames were played")
    for n, frequency in enumerate(TONES):
        # A whole number of periods, away from the ends.
        begin, end = n * LENGTH + 1200, n * LENGTH + 1200 + 9600
        check_tone(left[begin:end], frequency, AMPLITUDE, f"left {n}")
        check_tone(right[begin:end], frequency, AMPLITUDE * RIGHT, f"right {n}")


def command(armature, elf, *options):
    return [armature, "--kernel", elf, "--memory", "64M", "--deterministic", *options]


def appears(path):
    deadline = time.monotonic() + 60
    while not (os.path.exists(path) and os.path.getsize(path)) and time.monotonic() < deadline:
        time.sleep(0.001)


def test_tones(armature, elf, folder):
    with open(os.path.join(HERE, "audio.txt"), encoding="ascii") as file:
        expected = file.read()
    files = []
    for engine in ENGINES:
        path = os.path.join(folder, "sound,1.wav")
        result = subprocess.run(command(armature, elf, *engine, "--audio", "wav:" + path), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, timeout=120, check=True)
        output = result.stdout.decode().replace("\r", "")
        check(output == expected, f"{engine}: printed\n{output}instead of\n{expected}")
        with open(path, "rb") as file:
            files.append(file.read())
        if len(files) == 1:
            check_tones(*sound_of(path))
    check(files[0] == files[1], "the engines play different sound")


def test_killed(armature, elf, folder):
    """SIGKILL at any time leaves a whole file."""
    path = os.path.join(folder, "killed.wav")
    for milliseconds in (30, 60, 100, 200, 400):
        process = subprocess.Popen(command(armature, elf, "--jit", "off", "--audio", "wav:" + path),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        appears(path)
        time.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGKILL)
        process.wait()
        size = os.path.getsize(path)
        with wave.open(path) as file:
            # Sound that the header does not tell of yet may follow; a frame that is promised is there.
            check(44 + 4 * file.getnframes() <= size, "the header promises more than there is")
        os.unlink(path)


def test_mistakes(armature, elf, folder):
    for where, message in ((f"wav:{folder}/none/x.wav", "cannot write"), ("wav:/dev/null", "not a regular file"),
                           ("wav:", "give none, sdl or wav:FILE"), ("loud", "give none, sdl or wav:FILE")):
        result = subprocess.run(command(armature, elf, "--audio", where), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        text = result.stderr.decode()
        check(result.returncode == 64, f"--audio {where}: ended with {result.returncode}")
        check(message in text and "--audio" in text and text.count("\n") == 1, f"--audio {where}: said {text}")


def test_full(armature, elf, folder):
    """What does not fit on the disk is not lost in silence. The limit comes when the guest's memory has been made."""
    path = os.path.join(folder, "full.wav")
    process = subprocess.Popen(command(armature, elf, "--audio", "wav:" + path), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, restore_signals=False)
    appears(path)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (100000, 100000))
    text = process.communicate(timeout=60)[1].decode()
    check(process.returncode == 70 and "sound was lost: cannot write" in text, f"full disk: {process.returncode} {text}")
    with wave.open(path) as file:
        check(20000 < file.getnframes() <= (100000 - 44) // 4, "what was written before is not whole")


def test_sdl(armature, elf, folder):
    """In real time: SDL's disk driver writes what it would have given to the sound card."""
    raw = os.path.join(folder, "raw")
    environment = {**os.environ, "SDL_AUDIODRIVER": "disk", "SDL_DISKAUDIOFILE": raw}
    result = subprocess.run([armature, "--kernel", elf, "--memory", "64M", "--audio", "sdl"], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, env=environment)
    if b"without SDL2" in result.stderr:
        print("SDL2 is not built in")
        return
    check(result.returncode == 0, f"--audio sdl: {result}")
    with open(raw, "rb") as file:
        data = file.read()
    frames = array.array("h", data[:len(data) // 4 * 4])
    check(max(frames[0::2]) in range(AMPLITUDE - 200, AMPLITUDE + 200), f"the loudest sample is {max(frames[0::2])}")
    loud = sum(abs(sample) > AMPLITUDE // 10 for sample in frames[0::2])
    check(loud > len(TONES) * LENGTH // 2, f"only {loud} frames were heard")
    environment["SDL_AUDIODRIVER"] = "nonsense"
    result = subprocess.run([armature, "--kernel", elf, "--audio", "sdl"], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, env=environment)
    text = result.stderr.decode()
    check(result.returncode == 64 and "--audio sdl" in text and text.count("\n") == 1, f"no sound device: {result}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("armature")
    parser.add_argument("--elf")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        elf = options.elf
        try:
            if not elf or not os.path.exists(elf):
                elf = os.path.join(folder, "audio.elf")
                build("audio", elf)
        except FileNotFoundError:
            print("the cross compiler is not installed")
            return SKIPPED
        try:
            for test in (test_tones, test_killed, test_mistakes, test_full, test_sdl):
                test(os.path.abspath(options.armature), elf, folder)
        except Failure as failure:
            print(f"FAILED: {failure}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
