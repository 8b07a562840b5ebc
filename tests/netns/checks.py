# SPDX-License-Identifier: Apache-2.0
"""Checks that raise AssertionError, and what holds for every report."""
import json


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def equal(what, got, want):
    if got != want:
        raise AssertionError("%s: %r, not %r" % (what, got, want))


def frames_equal(got, want):
    """The same frames, byte for byte, in the same order."""
    for number, (one, other) in enumerate(zip(got, want)):
        if one == other:
            continue
        at = next((i for i, (a, b) in enumerate(zip(one, other)) if a != b),
                  min(len(one), len(other)))
        raise AssertionError(
            "frame %d of %d and %d bytes differs at byte %d: %s, not %s" %
            (number, len(one), len(other), at, one[at:at + 16].hex(),
             other[at:at + 16].hex()))
    equal("frames seen", len(got), len(want))


def parse_report(text, as_json):
    if as_json:
        return json.loads(text, object_pairs_hook=unique)
    report = {}
    for word in text.split():
        key, value = word.split("=")
        report[key] = float(value)
    return report


def unique(pairs):
    equal("keys that stand twice in the report", len(pairs), len(dict(pairs)))
    return dict(pairs)


def counted(value):
    """The sum of the numbers in a report's value, at any depth."""
    if isinstance(value, dict):
        return sum(counted(part) for part in value.values())
    return value


def check_sum(report):
    parts = sum(counted(report[key])
                for key in ("injected", "dropped", "skipped", "errors"))
    for reason in report.get("skipped", {}) if "skipped_by_type" in report else ():
        equal("skipped by type, " + reason, sum(kinds.get(reason, 0) for kinds in
              report["skipped_by_type"].values()), counted(report["skipped"][reason]))
    equal("received = injected + dropped + skipped + errors, in %s" % report,
          parts, report["received"])
