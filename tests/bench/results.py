# SPDX-License-Identifier: Apache-2.0
"""Medians, the tables, and whether a figure was reached."""
import collections
import statistics

# values: of the rounds; better: "more" or "less"; at least, aim: limits or None.
Figure = collections.namedtuple("Figure", "name unit better at_least aim values note")
UNITS = {"": (1, "%.2f"), "packets": (1, "%.0f"), "MiB": (1 << 20, "%.1f"),
         "µs": (1000, "%.1f")}

# What some runs tell besides: title, unit, form.
MORE = {"reader_missed": ("reader missed %", 0.01, "%.1f"), "lost": ("lost", 1, "%.0f"),
        "pss": ("Pss MiB", 1 << 20, "%.1f"), "rss": ("Rss MiB", 1 << 20, "%.1f"),
        "p50": ("p50 µs", 1000, "%.1f"), "p99": ("p99 µs", 1000, "%.1f")}


def counts(run):
    """Whether the run is good: only such ones are ever averaged."""
    return not {"failed", "unavailable"} & run.keys()


def median(values):
    return statistics.median(values) if values else None


def spread(values, form):
    """"5.0 (4.0-6.0)", or a dash."""
    if not values:
        return "-"
    if len(values) == 1:
        return form % values[0]
    return "%s (%s–%s)" % (form % median(values), form % min(values), form % max(values))


def reaches(figure, limit):
    value = median(figure.values)
    return value >= limit if figure.better == "more" else value <= limit


def verdict(figure):
    if not figure.values:
        return "not measured"
    if figure.aim is not None and reaches(figure, figure.aim):
        return "aim reached"
    if figure.at_least is None:
        return "" if figure.aim is None else "aim not reached"
    return "reached" if reaches(figure, figure.at_least) else "NOT REACHED"


def shown(figure, value):
    if value is None:
        return "-"
    factor, form = UNITS[figure.unit]
    return (form % (value / factor) + " " + figure.unit).strip()


def table(head, rows):
    """Lines of text with columns; the first one left, the others right."""
    rows = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def runs_table(runs):
    """One row for each contender: medians, with least and most."""
    rows = []
    for name in dict.fromkeys(run["contender"] for run in runs):
        own = [run for run in runs if run["contender"] == name]
        good = [run for run in own if counts(run)]
        row = [name, spread([run["packets_per_second"] for run in good], "%.0f"),
               spread([run["processor_ns"] for run in good], "%.0f"),
               "%d of %d" % (len(good), len(own))]
        for key, (_, factor, form) in MORE.items():
            if any(key in run for run in runs):
                row.append(spread([run[key] / factor for run in good], form))
        rows.append(row)
    head = ["", "packets/s", "processor ns a packet", "good runs"]
    head += [title for key, (title, _, _) in MORE.items() if any(key in run for run in runs)]
    return table(head, rows)


def figures_table(figures):
    rows = []
    for figure in figures:
        factor, form = UNITS[figure.unit]
        values = [value / factor for value in figure.values]
        rows.append([figure.name + (" (%s)" % figure.note if figure.note else ""),
                     (spread(values, form) + " " + figure.unit * bool(values)).strip(),
                     shown(figure, figure.at_least), shown(figure, figure.aim),
                     verdict(figure)])
    return table(["figure", "median (min–max)", "at least", "aim", ""], rows)


def figure_json(figure):
    values = figure.values
    return {**figure._asdict(), "values": values, "median": median(values),
            "min": min(values, default=None), "max": max(values, default=None),
            "verdict": verdict(figure)}
