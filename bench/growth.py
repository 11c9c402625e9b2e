#!/usr/bin/env python3
"""How the cost of a training step grows: seconds and memory against batch, image side and net width.

  bench/growth.py build/release/bin/fewlabel --out bench/results/growth.json --plot docs/images/growth.svg

Work is what `fewlabel bench` counts (FLOP by plain sums). A line that rises no steeper than the work is fine. Needs nothing
but Python; measure on an idle machine.
"""
import argparse
import json
import math
import subprocess

SERIES = {
    "batch": [("wrn_16_2", batch, 32) for batch in (4, 8, 16, 32, 64)],
    "image side": [("wrn_16_2", 16, side) for side in (16, 24, 32, 48, 64)],
    "net width": [(f"wrn_16_{width}", 16, 32) for width in (1, 2, 4, 8)],
}
X = {"batch": lambda p: p[1], "image side": lambda p: p[2], "net width": lambda p: int(p[0].split("_")[2])}


def measure(program, point):
    net, batch, side = point
    text = subprocess.run([program, "bench", f"fixmatch/{net}", "mu=7", "--batch", str(batch), "--side", str(side),
                           "--channels", "3", "--json"], check=True, capture_output=True, text=True).stdout
    return json.loads(text)


def slope(x, y):
    """Exponent of y ~ x^e, by least squares of the logarithms."""
    x, y = [math.log(v) for v in x], [math.log(v) for v in y]
    mx, my = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y)) / sum((a - mx) ** 2 for a in x)


def panel(left, title, x, rows, unit):
    """One log-log panel: rows are (name, colour, values)."""
    width, height, top = 230, 190, 50
    lx = [math.log(v) for v in x]
    all_y = [math.log(v) for _, _, values in rows for v in values]
    low, high = min(all_y) - 0.2, max(all_y) + 0.2
    px = lambda v: left + (v - lx[0]) / (lx[-1] - lx[0]) * width
    py = lambda v: top + (high - v) / (high - low) * height
    out = [f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#bbb"/>',
           f'<text x="{left + width / 2}" y="{top - 12}" text-anchor="middle" font-weight="600">{title}</text>']
    for value, at in zip(x, lx):
        out.append(f'<text x="{px(at):.1f}" y="{top + height + 18}" text-anchor="middle">{value}</text>')
    for name, colour, values in rows:
        points = [(px(a), py(math.log(v))) for a, v in zip(lx, values)]
        out.append('<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>' % (
            colour, " ".join(f"{a:.1f},{b:.1f}" for a, b in points)))
        out += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in points]
    out.append(f'<text x="{left + width / 2}" y="{top + height + 40}" text-anchor="middle" fill="#555">{unit}</text>')
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--out", required=True)
    parser.add_argument("--plot", required=True)
    asked = parser.parse_args()
    result, drawing = {"command": "bench/growth.py", "series": {}}, []
    for number, (name, points) in enumerate(SERIES.items()):
        found = [measure(asked.program, point) for point in points]
        result["machine"] = found[-1]["machine"]
        x = [X[name](point) for point in points]
        seconds, memory, work = ([row[key] for row in found] for key in ("seconds_per_step", "peak_mib", "flop"))
        result["series"][name] = {"x": x, "seconds_per_step": seconds, "peak_mib": memory, "flop": work,
                                  "precision": found[-1]["precision"], "net": [point[0] for point in points],
                                  "exponent_of_seconds": slope(x, seconds), "exponent_of_flop": slope(x, work),
                                  "exponent_of_memory": slope(x, memory)}
        print(name, {k: round(v, 2) for k, v in result["series"][name].items() if k.startswith("exponent")}, flush=True)
        shown = [("seconds", "#1769aa", [v / seconds[0] for v in seconds]), ("memory", "#b3541e", [v / memory[0] for v in memory]),
                 ("FLOP", "#888", [v / work[0] for v in work])]
        drawing += panel(40 + number * 270, name, x, shown, "relative to the first, both axes logarithmic")
    legend = "".join(f'<tspan fill="{c}">{n}   </tspan>' for n, c in
                     (("seconds a step", "#1769aa"), ("peak memory", "#b3541e"), ("FLOP", "#888")))
    with open(asked.plot, "w") as file:
        file.write('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 840 310" font-family="system-ui, sans-serif" font-size="11">'
                   '<rect width="840" height="310" fill="#fff"/>' + "\n".join(drawing) +
                   f'<text x="420" y="20" text-anchor="middle" xml:space="preserve">{legend}</text></svg>\n')
    with open(asked.out, "w") as file:
        json.dump(result, file, indent=1)


main()
