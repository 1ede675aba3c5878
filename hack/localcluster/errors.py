"""What can go wrong here, told once and for a person.

LocalClusterError
├── BuildFailed      the Kubernetes programs could not be built
├── ProgramFailed    a program of the cluster ended or did not become ready
├── CommandFailed    kubectl or helm ended with an error
└── ApiFailed        the API server refused one of our own requests
"""


class LocalClusterError(Exception):
    """A failure whose text is all that its reader needs."""


class BuildFailed(LocalClusterError):
    """The programs are not there and could not be made."""


class ProgramFailed(LocalClusterError):
    """A program is not running, or not as it should."""


class CommandFailed(LocalClusterError):
    """kubectl or helm said no."""

    def __init__(self, command: str, returncode: int, stderr: str) -> None:
        super().__init__(f"{command}: exit status {returncode}\n{stderr.strip()}")
        self.returncode = returncode
        self.stderr = stderr


class ApiFailed(LocalClusterError):
    """The API server's answer to one of our own requests was not a success."""

    def __init__(self, what: str, status: int, body: str) -> None:
        super().__init__(f"{what}: status {status}: {body.strip()[:500]}")
        self.status = status
