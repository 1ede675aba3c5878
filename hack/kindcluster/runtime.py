"""Stands before runc, as the engine's runtime, where the machine itself lacks a capability.

`docker run --privileged` asks for all capabilities there are, and runc cannot give what it does not
hold. This takes those out of the container's configuration, and runs runc. On a machine that holds
them all it changes nothing, and is not used.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

# By number, as in linux/capability.h.
_NAMES = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
]


def held() -> set[str]:
    """Capabilities that this process may give away, such as CAP_SYS_ADMIN."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if "CapBnd" in line)
    bits = int(line.split()[1], 16)
    return {f"CAP_{name.upper()}" for number, name in enumerate(_NAMES) if bits >> number & 1}


def everything() -> bool:
    """Whether the machine holds all that there are."""
    return len(held()) == len(_NAMES)


def trimmed(config: dict[str, Any], have: set[str]) -> dict[str, Any]:
    """A container's configuration, or a process's, without what nobody here can give."""
    process = config.get("process", config)
    for kind, wanted in (process.get("capabilities") or {}).items():
        process["capabilities"][kind] = [name for name in wanted if name in have]
    if "CAP_SYS_RESOURCE" not in have and (process.get("oomScoreAdj") or 0) < 0:
        del process["oomScoreAdj"]
    return config


def files(words: list[str]) -> list[Path]:
    """The files of this call of runc that speak of capabilities."""
    found, bundle = [], "."
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word in ("--process", "-p"):
            found.append(Path(following))
        elif word in ("--bundle", "-b"):
            bundle = following
        elif word.startswith("--bundle="):
            bundle = word.partition("=")[2]
    if {"create", "run"} & set(words):
        found.append(Path(bundle) / "config.json")
    return [path for path in found if path.is_file()]


def main() -> None:
    have = held()
    for path in files(sys.argv[1:]):
        path.write_text(json.dumps(trimmed(json.loads(path.read_text()), have)))
    runc = shutil.which("runc") or "/usr/sbin/runc"
    os.execv(runc, ["runc", *sys.argv[1:]])


if __name__ == "__main__":
    main()
