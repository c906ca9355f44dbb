"""The reference of metrics says everything that is exposed, and of every label what bounds it."""

from tools import metricsdoc


def test_every_metric_has_a_row_with_its_labels() -> None:
    page = metricsdoc.page()
    for metric in metricsdoc.families():
        assert page.count(f"| `{metricsdoc.series_of(metric)}` | {metric.type} |") == 1
    assert "| `resilience_level` | gauge | `namespace`, `name`, `level` | 1 for" in page
    assert "| `resilience_probe_duration_seconds` | histogram | `type` |" in page


def test_no_label_is_described_that_is_not_used() -> None:
    used = {label for each in metricsdoc.families() for one in each.samples for label in one.labels}
    assert used - {"le"} == set(metricsdoc.LABELS)


def test_the_series_are_those_of_a_scrape() -> None:
    series = metricsdoc.series()
    assert {
        "resilience_level",
        "resilience_level_seconds_total",
        "resilience_probe_duration_seconds_bucket",
        "process_resident_memory_bytes",
        "python_gc_collections_total",
    } <= series
