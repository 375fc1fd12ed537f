#!/usr/bin/python3
"""The proxy through which a guest gets Debian's packages: what it serves, keeps and refuses; and the progress display."""

import io
import os
import sys
import tempfile
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/installer"))
import gateway  # noqa: E402
from progress import STEPS, Progress  # noqa: E402

if not os.path.exists(gateway.HELPER):
    print("skipped: apt is not there")
    sys.exit(77)
PREFIX = "http://deb.example.org/debian"
DATA = bytes(range(256)) * 5000


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def check_gateway(work):
    write(work + "/mirror/pool/main/h/hello_1%3a2_armhf.deb", DATA)
    write(work + "/mirror/dists/x/Release", b"first")
    write(work + "/secret", b"secret")
    notes = []
    mirror = gateway.Mirror(PREFIX, f"file:{work}/mirror", work + "/kept")
    with gateway.Gateway([mirror], notes.append) as served:
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({"http": f"http://127.0.0.1:{served.port}"}))

        def get(url):
            try:
                with opener.open(url, timeout=60) as answer:
                    return answer.status, answer.read()
            except urllib.error.HTTPError as e:
                return e.code, b""

        assert get(PREFIX + "/dists/x/Release") == (200, b"first")
        write(work + "/mirror/dists/x/Release", b"second")
        assert get(PREFIX + "/dists/x/Release") == (200, b"second"), "what changes must not be kept"
        assert get(PREFIX + "/dists/x/Nothing")[0] == 404
        assert get("http://other.example.org/debian/dists/x/Release")[0] == 403
        assert get(PREFIX + "/pool/../../secret")[0] == 404
        assert get(PREFIX + "/%2e%2e/secret")[0] == 404
        write(work + "/mirror/pool/main/a/a.deb", DATA)
        assert get(PREFIX + "/pool/main/a/a.deb") == (200, DATA)
        os.unlink(work + "/mirror/pool/main/a/a.deb")
        assert get(PREFIX + "/pool/main/a/a.deb") == (200, DATA), "what never changes is kept"
        assert mirror.kept == 1 and mirror.bytes == len(DATA) + 11, (mirror.kept, mirror.bytes)
    assert not [name for name in os.listdir(work + "/kept") if name.startswith(".")], "unfinished files are left"
    assert not notes, notes


def check_progress():
    progress = Progress(io.StringIO())
    before = progress.percent()
    for name in STEPS:
        progress.feed("@step " + name)
        assert before <= progress.percent() <= 100, name
        for _ in range(2000):
            progress.feed("I: Unpacking libc6:armhf...")
        before = progress.percent()
    assert sum(share for _, share, _ in STEPS.values()) == 100
    assert progress.text().endswith("Unpacking libc6"), progress.text()
    progress.show()
    assert "[" in progress.out.getvalue() and "Finishing" in progress.out.getvalue()


with tempfile.TemporaryDirectory() as folder:
    check_gateway(folder)
check_progress()
print("passed")
