# SPDX-License-Identifier: Apache-2.0
"""One SVG of two panels: packets/s against frame size, and against processor time."""
import math
from html import escape

from results import counts, median

COLOURS = ("#0b62a4", "#d1570c", "#2e8b57", "#8a4fbf", "#c2185b", "#6b6b6b", "#a07d00",
           "#008b9a")
WIDTH, HEIGHT = 1040, 500
LEFT, TOP, PANEL, TALL, GAP = 80, 60, 400, 320, 120
STYLE = ("text{font:12px sans-serif;fill:#222}.title{font-size:15px;font-weight:bold}"
         ".grid{stroke:#ddd}.axis{stroke:#444}.curve{fill:none;stroke-width:2}"
         ".faint{fill:none;opacity:.4}")


def curves(runs):
    """contender -> list of (size, [packets/s of each run], processor ns a packet)."""
    found = {}
    for run in runs:
        if run["group"] == "chart" and counts(run):
            found.setdefault(run["contender"], {}).setdefault(run["size"], []).append(run)
    return {name: [(size, [run["packets_per_second"] for run in points[size]],
                    median([run["processor_ns"] for run in points[size]]))
                   for size in sorted(points)] for name, points in found.items()}


def ceiling(value, steps=5):
    """(top, step) of an axis of so many round steps."""
    rough = value / steps
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough)
    return step * math.ceil(value / step), step


class Panel:
    """Axes with their scales; adds to a list of SVG elements."""

    def __init__(self, out, number, title, across, top):
        self.out, self.x0, self.y0 = out, LEFT + number * (PANEL + GAP), TOP + TALL
        self.across, (self.top, step) = across, ceiling(top)
        self.text(self.x0, TOP - 12, title, "start", "title")
        for i in range(round(self.top / step) + 1):
            self.line(self.x0, self.y(i * step), self.x0 + PANEL, self.y(i * step),
                      "grid")
            self.text(self.x0 - 8, self.y(i * step) + 4, short(i * step), "end")
        self.line(self.x0, self.y0, self.x0 + PANEL, self.y0, "axis")

    def x(self, value):
        return self.x0 + PANEL * self.across(value)

    def y(self, value):
        return self.y0 - TALL * value / self.top

    def line(self, x1, y1, x2, y2, kind, more=""):
        self.out.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s" %s/>' %
                        (x1, y1, x2, y2, kind, more))

    def text(self, x, y, text, anchor="middle", kind="label"):
        self.out.append('<text x="%.1f" y="%.1f" text-anchor="%s" class="%s">%s</text>' %
                        (x, y, anchor, kind, escape(text)))

    def tick(self, value, text):
        self.line(self.x(value), self.y0, self.x(value), self.y0 + 5, "axis")
        self.text(self.x(value), self.y0 + 20, text)

    def below(self, text):
        self.text(self.x0 + PANEL / 2, self.y0 + 42, text)

    def curve(self, points, colour, title, faint=False):
        """points: (x, y), joined; each with a dot."""
        places = [(self.x(x), self.y(y)) for x, y in points]
        self.out.append('<polyline class="%s" stroke="%s" points="%s"/>' % (
            "faint" if faint else "curve", colour,
            " ".join("%.1f,%.1f" % place for place in places)))
        for (x, y), (value, rate) in zip(places, points):
            self.out.append('<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"><title>%s: '
                            '%s, %.0f packets/s</title></circle>' %
                            (x, y, colour, escape(title), short(value), rate))


def short(value):
    for limit, letter in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return "%g%s" % (value / limit, letter)
    return "%g" % value


def by_size(out, found, top):
    sizes = sorted({size for points in found.values() for size, _, _ in points})
    first, last = math.log2(sizes[0]), math.log2(max(sizes[-1], sizes[0] + 1))
    panel = Panel(out, 0, "packets/s against frame size", lambda size: 0.03 + 0.94 *
                  (math.log2(size) - first) / (last - first), top)
    for size in sizes:
        panel.tick(size, str(size))
    panel.below("bytes in a frame (bars: least and most of all runs)")
    for colour, (name, points) in zip(colours(), found.items()):
        panel.curve([(size, median(rates)) for size, rates, _ in points], colour, name)
        for size, rates, _ in points:
            panel.line(panel.x(size), panel.y(min(rates)), panel.x(size),
                       panel.y(max(rates)), "bar", 'stroke="%s"' % colour)


def by_processor(out, found, top):
    most, step = ceiling(max(used for points in found.values() for _, _, used in points))
    panel = Panel(out, 1, "packets/s against processor time", lambda ns: ns / most, top)
    for i in range(round(most / step) + 1):
        panel.tick(i * step, "%g" % (i * step))
    panel.below("ns a packet, user and system, all processes (one dot a size)")
    for colour, (name, points) in zip(colours(), found.items()):
        panel.curve([(used, median(rates)) for _, rates, used in points], colour, name,
                    faint=True)


def colours():
    while True:
        yield from COLOURS


def legend(out, found):
    x = LEFT
    for colour, name in zip(colours(), found):
        y = TOP + TALL + 78
        out.append('<rect x="%d" y="%d" width="14" height="4" fill="%s"/>' %
                   (x, y - 6, colour))
        out.append('<text x="%d" y="%d">%s</text>' % (x + 20, y, escape(name)))
        x += 50 + 7 * len(name)


def draw(found, title, path):
    """Writes the drawing of what curves() found."""
    top = max(max(rates) for points in found.values() for _, rates, _ in points)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" '
           'height="%d">' % (WIDTH, HEIGHT, WIDTH, HEIGHT),
           "<style>%s</style>" % STYLE,
           '<rect width="100%" height="100%" fill="#fff"/>']
    by_size(out, found, top)
    by_processor(out, found, top)
    legend(out, found)
    out.append('<text x="%d" y="%d">%s</text></svg>' % (LEFT, HEIGHT - 14, escape(title)))
    with open(path, "w") as file:
        file.write("\n".join(out) + "\n")
