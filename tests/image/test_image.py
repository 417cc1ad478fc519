"""The Dockerfile's own commands, in a bare Debian root: no compiler, no engine.

The root is Debian's, of the image's release and with its Python; all commands, variables and
versions are read from the Dockerfile. `IMAGE_STAGES=all` installs the GPU's and the TPU's
dependencies, too (7 and 2 GB).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image import dockerfile
from tests.image.dockerfile import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
# As in python:3.11-slim, which has the headers and no compiler.
PACKAGES = "python3.11,libpython3.11-dev,ca-certificates"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
IMPORTS = """
import os, shutil
assert os.getuid() == 1000 and not shutil.which("cc") and not shutil.which("g++")
from pipelines import startup
startup.prepare()
import farmhash, ml_metadata, tensorflow, tensorflow_data_validation, tensorflow_transform, tfx_bsl
from pipelines.cloud import container, container_driver, container_look, worker as beam_worker
from pipelines import image_pipeline, serve
import components.bulk_predict.run, components.export.component
import trainer_modules.digits, trainer_modules.image_folder
print(os.environ["RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT"], trainer_modules.__file__)
"""


class Root:
    """A folder with a Debian in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, command: str, *, stage: str, user: int = 0, where: str = "/") -> str:
        """Runs a shell's command in the root with a stage's environment; returns what it prints."""
        settings = {
            **{k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")},
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": "/home/vision" if user else "/root",
            "SSL_CERT_FILE": CERTIFICATES,
            "DEBIAN_FRONTEND": "noninteractive",
            "UV_HTTP_TIMEOUT": "300",
        }
        own = dockerfile.environment(stage)
        path = own.pop("PATH", "$PATH").replace("$PATH", settings["PATH"])
        settings |= own | {"PATH": path}
        # Links are as good as copies here, and nothing is started twice.
        settings |= {"UV_LINK_MODE": "hardlink", "UV_COMPILE_BYTECODE": "0"}
        inside = (
            'mount --make-rprivate / && mount --bind /dev "$0/dev" && mount -t proc none "$0/proc"'
            ' && exec chroot "$0" setpriv --reuid "$1" --regid "$1" --clear-groups sh -ec "$2"'
        )
        command = f"mkdir -p {where}; cd {where}; {command}"
        done = subprocess.run(
            [*("unshare", "--mount", "sh", "-c", inside), self.folder, str(user), command],
            env=settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}"
        return done.stdout


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    # Another user has to get in, who may not enter pytest's own folders.
    folder = Path(tempfile.mkdtemp(prefix="image-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def bare(place: Path) -> Root:
    """Returns the root that the image's first stage stands for."""
    if os.geteuid():
        pytest.skip("a root folder is entered by root alone")
    release = dockerfile.argument("PYTHON").rpartition("-")[2]
    root = place / "bare"
    environment = dict(os.environ)
    program = shutil.which("debootstrap")
    if program is None:
        if not shutil.which("apt-get"):
            pytest.skip("there is neither debootstrap nor apt-get")
        download = (
            "apt-get download debootstrap || (apt-get update && apt-get download debootstrap)"
        )
        subprocess.run(["sh", "-c", download], cwd=place, check=False)
        packages = list(place.glob("debootstrap*.deb"))
        if not packages:
            pytest.skip("debootstrap cannot be downloaded")
        subprocess.run(["dpkg", "-x", str(packages[0]), str(place / "tool")], check=True)
        program = str(place / "tool/usr/sbin/debootstrap")
        environment["DEBOOTSTRAP_DIR"] = str(place / "tool/usr/share/debootstrap")
    done = subprocess.run(
        [program, "--variant=minbase", f"--include={PACKAGES}", release, str(root)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"debootstrap: {done.stdout[-500:]}")
    for file in ("/etc/resolv.conf", CERTIFICATES):
        if os.path.exists(file):
            shutil.copy(file, f"{root}{file}")
    for name in ("python", "python3"):
        link = root / "usr/local/bin" / name
        link.symlink_to("/usr/bin/python3.11")
    return Root(root)


@pytest.fixture(scope="module")
def tools(bare: Root, place: Path) -> Root:
    """Returns the root of the stage that installs, with the uv that the Dockerfile names."""
    root = place / "tools"
    subprocess.run(["cp", "-a", str(bare.folder), str(root)], check=True)
    version = dockerfile.argument("UV").rpartition(":")[2]
    wheel = ["download", "--quiet", "--no-deps", "--dest", str(place), f"uv=={version}"]
    subprocess.run([sys.executable, "-m", "pip", *wheel], check=False)
    wheels = list(place.glob("uv-*.whl"))
    if not wheels:
        pytest.skip(f"uv {version} cannot be downloaded")
    shutil.unpack_archive(wheels[0], place / "uv", "zip")
    (uv,) = place.glob("uv/*/scripts/uv")
    shutil.copy(uv, root / "bin/uv")
    (root / "bin/uv").chmod(0o755)
    _lend_cache(root)
    tools = Root(root)
    for command in dockerfile.stages()["tools"].commands:
        tools.run(command, stage="tools")
    return tools


def _lend_cache(root: Path) -> None:
    """Gives the root what uv has downloaded here before, and nothing that was built here."""
    known = subprocess.run(
        [shutil.which("uv") or str(ROOT / ".uv/bin/uv"), "cache", "dir"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    target = root / "root/.cache/uv"
    target.parent.mkdir(parents=True, exist_ok=True)
    if not known or not os.path.isdir(known):
        return
    linked = subprocess.run(
        ["cp", "-al", known, str(target)], capture_output=True, check=False
    ).returncode
    if linked:
        shutil.rmtree(target, ignore_errors=True)
        return
    for built in [*target.glob("sdists-*"), *target.glob("builds-*")]:
        shutil.rmtree(built)


def _install(tools: Root, stage: str) -> None:
    """Does what a stage that installs does."""
    todo = dockerfile.stages()[stage]
    build = tools.folder / "build"
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir()
    for sources, target in todo.copied:
        for source in sources:
            if (ROOT / source).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, build / target, ignore=ignored)
            else:
                shutil.copy(ROOT / source, build / target)
    for command in todo.commands:
        tools.run(command, stage="tools", where="/build")


# One test, since each process that runs tests would need a root of its own.
def test_the_image_builds_and_imports_as_its_user(bare: Root, tools: Root) -> None:
    """What is locked installs where only `tools` has a compiler, and works where there is none."""
    assert "none" in bare.run("command -v cc g++ gcc || echo none", stage="base")
    _install(tools, "dependencies")
    _install(tools, "project")
    for name in ("venv", "project"):
        shutil.rmtree(bare.folder / "opt" / name, ignore_errors=True)
        os.rename(tools.folder / "opt" / name, bare.folder / "opt" / name)
    home = bare.folder / "home/vision"
    home.mkdir(parents=True)
    os.chown(home, 1000, 1000)
    (bare.folder / "imports.py").write_text(IMPORTS)
    said = bare.run("python /imports.py", stage="runtime", user=1000, where="/home/vision")
    assert said.splitlines()[-1] == "1 /opt/project/trainer_modules/__init__.py"
    for stage in ("dependencies-gpu", "dependencies-tpu"):
        if os.environ.get("IMAGE_STAGES") == "all":
            _install(tools, stage)
            shutil.rmtree(tools.folder / "opt/venv")
        else:
            _check(tools, stage)


def _check(tools: Root, stage: str) -> None:
    """Checks a stage's lock, and that it builds from source only what `cpu` has built."""
    todo = dockerfile.stages()[stage]
    build = tools.folder / "build"
    for sources, _ in todo.copied:
        for source in sources:
            shutil.copy(ROOT / source, build)
    for command in todo.commands:
        said = tools.run(f"{command} --dry-run", stage="tools", where="/build")
        assert "Would install" in said
    lock = next(s for s, _ in todo.copied for s in s if s.endswith("uv.lock"))
    assert _only_sources(ROOT / lock) == _only_sources(ROOT / "uv.lock")


def _only_sources(lock: Path) -> set[str]:
    """Returns the locked packages that have no wheel at all."""
    import tomllib

    packages = tomllib.loads(lock.read_text(encoding="utf-8"))["package"]
    return {
        f"{one['name']} {one['version']}"
        for one in packages
        if "sdist" in one and not one.get("wheels")
    }
