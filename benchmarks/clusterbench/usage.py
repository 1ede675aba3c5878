"""What a run cost: CPU and memory of the processes, writes from the API server's own counter."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from localcluster.process import Process

_SAMPLE = re.compile(r"^apiserver_request_total\{(?P<labels>[^}]*)\} (?P<count>\S+)$")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_WRITES = frozenset({"POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"})
_QUESTIONS = frozenset({"tokenreviews", "subjectaccessreviews", "selfsubjectaccessreviews"})
"""Posted, but stored nowhere."""
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """A process so far, with all of its threads."""

    cpu_seconds: float
    """User and system time."""
    peak_mib: float
    """Largest resident set since it started."""

    def since(self, earlier: "Usage") -> "Usage":
        """The CPU spent after `earlier`; the peak stays that of the whole life."""
        return Usage(self.cpu_seconds - earlier.cpu_seconds, self.peak_mib)


def of_processes(processes: Iterable[Process]) -> dict[str, Usage]:
    """By name. All of them must be running."""
    found: dict[str, Usage] = {}
    for process in processes:
        process.require_alive()
        found[process.name] = Usage(process.cpu_seconds(), process.peak_memory() / _MIB)
    return found


def writes(metrics_page: str) -> Counter[str]:
    """Write requests the API server has answered, failed ones too, as `VERB resource[/sub]`."""
    found: Counter[str] = Counter()
    for line in metrics_page.splitlines():
        sample = _SAMPLE.match(line)
        if not sample:
            continue
        labels = dict(_LABEL.findall(sample["labels"]))
        if labels["verb"] in _WRITES and labels["resource"] not in _QUESTIONS:
            found[_request(labels)] += round(float(sample["count"]))
    return found


def _request(labels: Mapping[str, str]) -> str:
    resource = "/".join(filter(None, (labels["resource"], labels["subresource"])))
    return f"{labels['verb']} {resource}"


def caused(before: Counter[str], after: Counter[str], submitted: Mapping[str, int]) -> Counter[str]:
    """Writes between two scrapes, less what the submitter itself created (`{plural: count}`)."""
    found = Counter(after)
    found.subtract(before)
    found.subtract({f"POST {plural}": count for plural, count in submitted.items()})
    return +found
