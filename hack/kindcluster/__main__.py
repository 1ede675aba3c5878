"""`python -m kindcluster FILE`: a cluster for trying stories on, up until Ctrl-C.

What stories need to find it is written into FILE; with POWERTRAIN_E2E_HELD=FILE they use it and leave it up.
"""

import json
import signal
import sys
import tempfile
import time
from pathlib import Path

from localcluster.errors import LocalClusterError

from kindcluster import KindCluster, engine


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    start = time.monotonic()

    def log(sentence: str) -> None:
        print(f"{time.monotonic() - start:6.1f} s  {sentence}", flush=True)

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    found = Path(sys.argv[1])
    try:
        with (
            tempfile.TemporaryDirectory(prefix="powertrain-kind-") as folder,
            engine(log) as docker,
            KindCluster.start(docker, 3, Path(folder), log) as cluster,
        ):
            held = {"docker": docker.host, "name": cluster.name, "folder": folder}
            found.write_text(json.dumps(held))
            log(f"held for the stories: POWERTRAIN_E2E_HELD={found}; Ctrl-C takes it down")
            signal.pause()
    except LocalClusterError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        log("all is down again")
        return 0
    finally:
        found.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
