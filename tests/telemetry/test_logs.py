"""Log lines as a person and as a machine read them."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from powertrain_operator.telemetry.logs import setup_logs


@pytest.fixture(autouse=True)
def loggers_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def lines(format: str, level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    setup_logs(format, level, stream=stream)
    return stream


def test_a_json_line_has_time_level_logger_message_and_object() -> None:
    stream = lines("json")
    logging.getLogger("powertrain.placement").info(
        "%d pods bound", 4, extra={"object": "PodGroup team-a/llm"}
    )
    line = json.loads(stream.getvalue())
    time = line.pop("time")
    assert time[10] == "T" and time.endswith("Z") and len(time) == len("2026-11-24T08:00:00.123Z")
    assert line == {
        "level": "info",
        "logger": "powertrain.placement",
        "message": "4 pods bound",
        "object": "PodGroup team-a/llm",
    }


def test_a_line_about_no_object_has_no_object_field() -> None:
    stream = lines("json")
    logging.getLogger("powertrain").warning("lease lost")
    assert "object" not in json.loads(stream.getvalue())


def test_other_extras_become_fields_of_their_own() -> None:
    stream = lines("json")
    logging.getLogger("powertrain").info("bound", extra={"seconds": 0.5})
    assert json.loads(stream.getvalue())["seconds"] == 0.5


def test_an_exception_stays_on_one_json_line() -> None:
    stream = lines("json")
    try:
        raise OSError("connection refused")
    except OSError:
        logging.getLogger("powertrain").exception("list of pods failed")
    assert len(stream.getvalue().splitlines()) == 1
    assert "OSError: connection refused" in json.loads(stream.getvalue())["error"]


def test_a_text_line_names_the_object_before_the_message() -> None:
    stream = lines("text")
    logging.getLogger("powertrain.controller").info("restarted", extra={"object": "TrainingJob team-a/llm"})
    _, level, rest = stream.getvalue().rstrip("\n").split(maxsplit=2)
    assert (level, rest) == ("INFO", "powertrain.controller: TrainingJob team-a/llm: restarted")


# kopf's own handler of that logger, there once kopf was imported, asks the settings whether to post an event.
POSTS_NOTHING = SimpleNamespace(posting=SimpleNamespace(enabled=False, level=logging.ERROR, loggers=False))


def test_kopfs_object_reference_is_read_and_its_other_extras_are_dropped() -> None:
    stream = lines("json")
    reference = {"kind": "TrainingJob", "namespace": "team-a", "name": "llm", "uid": "1"}
    logging.getLogger("kopf.objects").warning(
        "handler failed", extra={"k8s_ref": reference, "k8s_skip": False, "settings": POSTS_NOTHING}
    )
    line = json.loads(stream.getvalue())
    assert line["object"] == "TrainingJob team-a/llm"
    assert not {"k8s_ref", "k8s_skip", "settings"} & set(line)


@pytest.mark.parametrize("library", ["kopf.objects", "aiohttp.access", "kubernetes.client.rest", "asyncio"])
def test_libraries_are_heard_from_warnings_up(library: str) -> None:
    stream = lines("text", "debug")
    logging.getLogger(library).info("chatter")
    logging.getLogger(library).warning("trouble")
    assert "trouble" in stream.getvalue()
    assert "chatter" not in stream.getvalue()


def test_kopfs_warning_about_signals_that_are_ours_is_left_out() -> None:
    stream = lines("text")
    kopf = logging.getLogger("kopf._core.reactor.running")
    kopf.warning("OS signals are ignored: running not in the main thread.")
    kopf.warning("Root tasks are not stopped")
    assert len(stream.getvalue().splitlines()) == 1


def test_the_level_is_the_least_that_is_written() -> None:
    stream = lines("text", "warning")
    logging.getLogger("powertrain").info("detail")
    assert stream.getvalue() == ""


def test_a_python_warning_becomes_a_log_line() -> None:
    stream = lines("json")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old field", UserWarning, stacklevel=1)
    assert "old field" in json.loads(stream.getvalue())["message"]


def test_setting_up_twice_writes_each_line_once() -> None:
    lines("text")
    stream = lines("text")
    logging.getLogger("powertrain").info("once")
    assert stream.getvalue().count("once") == 1


@pytest.mark.parametrize(("format", "level"), [("xml", "info"), ("json", "loud")])
def test_a_bad_format_or_level_is_refused_with_the_choices(format: str, level: str) -> None:
    with pytest.raises(ValueError, match=r"want one of .*(json|warning)"):
        setup_logs(format, level)
