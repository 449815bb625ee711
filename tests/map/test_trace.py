"""`furrow map --trace`: the timeline of the jobs."""

import json


def test_a_trace_has_each_job_by_slot(fmap, tmp_path):
    assert fmap("-j2", "--trace", "t.json", "test {} != 3 && sleep 0.1", ":::", "1", "2", "3").code == 1
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    slices = [event for event in events if event["ph"] == "X"]
    states = {event["name"]: event["args"]["state"] for event in slices}
    assert sorted(states.values()) == ["done", "done", "failed"] and len(states) == 3
    assert {event["tid"] for event in slices} == {1, 2}
    assert [event["args"]["name"] for event in events if event["name"] == "process_name"] == ["furrow map"]


def test_a_trace_that_cannot_be_written_is_an_error_before_any_job(fmap, tmp_path):
    result = fmap("--trace", "none/t.json", "touch {}", ":::", "a")
    assert result.code == 255 and "none/t.json" in result.err and not (tmp_path / "a").exists()
