"""Turns measurements into a table, JSON and a plot."""

import json
import math
import statistics


def geometric_mean(values):
    values = [value for value in values if value]
    return math.exp(statistics.fmean(map(math.log, values))) if values else None


def spread(seconds):
    """How far apart the runs are, as a fraction of their median."""
    return (max(seconds) - min(seconds)) / statistics.median(seconds) if len(seconds) > 1 else 0.0


class Row:
    """One workload's measurements on all machines."""

    def __init__(self, name, group, identity):
        self.name, self.group, self.identity = name, group, identity
        self.seconds, self.guest_seconds = {}, {}
        self.failures, self.missing, self.outputs = {}, {}, {}

    def add(self, machine, measurement):
        if measurement.failure:
            (self.missing if measurement.missing else self.failures)[machine] = measurement.failure
            return
        self.seconds.setdefault(machine, []).append(measurement.seconds)
        if measurement.guest_seconds is not None:
            self.guest_seconds.setdefault(machine, []).append(measurement.guest_seconds)
        if measurement.output:
            self.outputs.setdefault(machine, set()).add(measurement.output)

    def median(self, machine):
        return statistics.median(self.seconds[machine]) if self.seconds.get(machine) else None

    def ratio(self, above, below):
        """Median over the runs of the quotient of two machines' times in the same run."""
        pairs = list(zip(self.seconds.get(above, []), self.seconds.get(below, [])))
        return statistics.median(a / b for a, b in pairs) if pairs else None

    def best_ratio(self, above, below):
        """The quotient of the shortest times: what disturbs a run only makes it longer."""
        if not self.seconds.get(above) or not self.seconds.get(below):
            return None
        return min(self.seconds[above]) / min(self.seconds[below])

    def problems(self):
        """What makes the measurements doubtful: failures, results that differ, clocks that differ."""
        found = [f"{machine}: {text}" for machine, text in self.failures.items()]
        if len(set().union(*self.outputs.values())) > 1:
            by_machine = "; ".join(f"{machine} {sorted(outputs)}" for machine, outputs in self.outputs.items())
            found.append(f"the results differ: {by_machine}")
        for machine, guest in self.guest_seconds.items():
            for guest_seconds, seconds in zip(guest, self.seconds[machine]):
                if abs(guest_seconds - seconds) > 0.1 + 0.05 * seconds:
                    found.append(f"{machine}: the guest's clock measured {guest_seconds:.2f} s, "
                                 f"the host's {seconds:.2f} s")
        return found


# Quotients of times: above, below, heading, sentence about the geometric mean.
RATIOS = [("qemu", "armature", "QEMU / Armature", "Armature is {} times as fast as QEMU"),
          ("other", "armature", "other / Armature", "Armature is {} times as fast as the other build"),
          ("armature", "native", "Armature / native", "The host is {} times as fast as Armature"),
          ("qemu", "native", "QEMU / native", "The host is {} times as fast as QEMU")]


def number(value):
    """Three digits."""
    if value is None:
        return "-"
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}" if value > 0 else "0"


def cell(row, machine):
    """Median and spread."""
    median = row.median(machine)
    if median is None:
        return "-"
    runs = row.seconds[machine]
    return f"{median:.3f}" + (f" ({spread(runs):.0%})" if len(runs) > 1 else "")


def table(rows, machines):
    """Lines of a table in Markdown, and the geometric means."""
    ratios = [ratio for ratio in RATIOS if ratio[0] in machines and ratio[1] in machines]
    head = ["workload"] + [f"{machine} (s)" for machine in machines] + [heading for _, _, heading, _ in ratios]
    lines = [head, [""] * len(head)]
    for row in rows:
        lines.append([row.name] + [cell(row, machine) for machine in machines] +
                     [number(row.ratio(above, below)) for above, below, _, _ in ratios])
    return aligned(lines) + [""] + [means(rows, *ratio) for ratio in ratios]


def means(rows, above, below, _, sentence):
    groups = list(dict.fromkeys(row.group for row in rows))
    every = geometric_mean([row.ratio(above, below) for row in rows])
    parts = [(group, geometric_mean([row.ratio(above, below) for row in rows if row.group == group]))
             for group in groups]
    shown = ", ".join(f"{group} {number(mean)}" for group, mean in parts if mean)
    best = geometric_mean([row.best_ratio(above, below) for row in rows])
    return sentence.format(number(every)) + f" (geometric mean; {shown}); {number(best)} by the shortest times"


def aligned(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    out = []
    for line in lines:
        cells = [line[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        out.append("| " + " | ".join(cells) + " |")
    out[1] = "|" + "|".join("-" * (w + 1) + (":" if i else "-") for i, w in enumerate(widths)) + "|"
    return out


def to_json(rows, about):
    workloads = {row.name: {"group": row.group, "identity": row.identity, "seconds": row.seconds,
                            "guest_seconds": row.guest_seconds, "problems": row.problems()} for row in rows}
    return json.dumps({"format": 1, "about": about, "workloads": workloads}, indent=1, sort_keys=True) + "\n"


def compare_with(baseline, rows):
    """Lines that set Armature's times against an older measurement's; QEMU's show how much the host has changed."""
    lines = [["workload", "before (s)", "now (s)", "before / now", "QEMU before / now"], [""] * 5]
    ratios, left_out = {"armature": [], "qemu": []}, []
    for row in rows:
        old = baseline["workloads"].get(row.name, {"seconds": {}, "identity": ""})
        before = {m: statistics.median(old["seconds"][m]) for m in ratios if old["seconds"].get(m)}
        now = {machine: row.median(machine) for machine in ratios}
        if old["identity"] != row.identity or "armature" not in before or not now["armature"]:
            left_out.append(row.name)
            continue
        change = {m: before[m] / now[m] if m in before and now[m] else None for m in ratios}
        for machine in ratios:
            ratios[machine].append(change[machine])
        lines.append([row.name, f"{before['armature']:.3f}", f"{now['armature']:.3f}", number(change["armature"]),
                      number(change["qemu"])])
    out = []
    if ratios["armature"]:
        out += aligned(lines)
        out += ["", f"Armature is {number(geometric_mean(ratios['armature']))} times as fast as before, "
                    f"QEMU {number(geometric_mean(ratios['qemu']))} times (geometric means)"]
    if left_out:
        out.append("not compared (not measured before, or other work): " + ", ".join(left_out))
    return out


# ---- plot ------------------------------------------------------------------------------------------------------------

COLOURS = {"integer code": "#4269d0", "floating point": "#efb118", "memory access": "#3ca951", "system": "#a463f2",
           "Debian's programs": "#ff725c", "boot": "#6cc5b0"}


def plot(rows, title):
    """An SVG with a bar per workload: how many times faster than QEMU, on a logarithmic axis."""
    bars = [(row, row.ratio("qemu", "armature")) for row in rows if row.ratio("qemu", "armature")]
    if not bars:
        return None
    low = min(0.5, min(ratio for _, ratio in bars)) * 0.9
    high = max(4.0, max(ratio for _, ratio in bars)) * 1.15
    left, width, step, top = 150, 560, 18, 46
    bottom = top + step * len(bars)

    def x(ratio):
        return left + width * math.log(ratio / low) / math.log(high / low)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 150}" height="{bottom + 40}" '
           'font-family="sans-serif" font-size="12">', '<rect width="100%" height="100%" fill="white"/>',
           f'<text x="{left}" y="22" font-size="15">{title}</text>']
    for tick in (0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50, 100):
        if low <= tick <= high:
            dark = "#000" if tick == 1 else "#ccc"
            out.append(f'<line x1="{x(tick):.1f}" y1="{top - 6}" x2="{x(tick):.1f}" y2="{bottom + 4}" stroke="{dark}"/>'
                       f'<text x="{x(tick):.1f}" y="{bottom + 20}" text-anchor="middle">{tick}</text>')
    for i, (row, ratio) in enumerate(bars):
        y, start, end = top + i * step, x(min(1, ratio)), x(max(1, ratio))
        out.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{row.name}</text>'
                   f'<rect x="{start:.1f}" y="{y + 2}" width="{max(1, end - start):.1f}" height="{step - 5}" '
                   f'fill="{COLOURS.get(row.group, "#888")}"><title>{row.name}: {ratio:.2f}</title></rect>'
                   f'<text x="{end + 4:.1f}" y="{y + 13}" font-size="11">{ratio:.2f}</text>')
    groups = list(dict.fromkeys(row.group for row, _ in bars))
    for i, group in enumerate(groups):
        y = top + i * step
        out.append(f'<rect x="{left + width + 14}" y="{y + 2}" width="10" height="10" '
                   f'fill="{COLOURS.get(group, "#888")}"/>'
                   f'<text x="{left + width + 28}" y="{y + 11}">{group}</text>')
    out.append("</svg>")
    return "\n".join(out) + "\n"
