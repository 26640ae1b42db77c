"""No file that the program reads can run code: what could do that is nowhere in the source."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "sparring"
CALLS = {"eval", "exec", "compile", "__import__"}
MODULES = {"pickle", "cPickle", "dill", "marshal", "shelve", "yaml", "joblib", "cloudpickle"}
NETWORK = {"socket", "http", "urllib", "requests", "socketserver", "asyncio", "ftplib", "ssl"}
HARMLESS = {"urllib.parse"}  # text alone
METHODS = {"extractall", "extract", "unpack_archive", "system", "popen"}
LOADERS = {"torch": ("weights_only", True), "np": ("allow_pickle", False)}


def offences(source: str) -> list[str]:
    """What in `source` could run code from a file, start a shell or reach the network."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in MODULES | NETWORK]
        elif isinstance(node, ast.ImportFrom) and node.module:
            top = node.module.split(".")[0]
            refused = top in MODULES | NETWORK and node.module not in HARMLESS
            found += [node.module] if refused else []
            found += [
                f"from {top}"
                for a in node.names
                if top in LOADERS | {"numpy": 0} and a.name == "load"
            ]
        elif isinstance(node, ast.Call):
            found += _call(node)
    return found


def _call(node: ast.Call) -> list[str]:
    keywords = {k.arg: k.value for k in node.keywords}
    shell = keywords.get("shell")
    if shell is not None and not (isinstance(shell, ast.Constant) and shell.value is False):
        return ["shell"]
    if isinstance(node.func, ast.Name):
        return [node.func.id] if node.func.id in CALLS else []
    if not isinstance(node.func, ast.Attribute):
        return []
    of = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
    if node.func.attr in METHODS or (of == "pickle" and node.func.attr.startswith("load")):
        return [node.func.attr]
    if node.func.attr == "load" and of in LOADERS:
        name, safe = LOADERS[of]
        given = keywords.get(name)
        default = of == "np" and given is None  # numpy refuses pickles unless asked
        return [] if default or (isinstance(given, ast.Constant) and given.value is safe) else [of]
    return []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle\npickle.load(f)",
        "from pickle import loads",
        "import yaml",
        "torch.load(p)",
        "torch.load(p, weights_only=False)",
        "torch.load(p, weights_only=flag)",
        "from torch import load",
        "np.load(p, allow_pickle=True)",
        "eval(text)",
        "exec(text)",
        "subprocess.run(x, shell=True)",
        "archive.extractall()",
        "shutil.unpack_archive(p)",
        "os.system(x)",
        "import http.server",
    ],
)
def test_the_guard_sees(source: str) -> None:
    assert offences(source)


def test_the_guard_lets_safe_calls_pass() -> None:
    safe = "torch.load(p, weights_only=True)\nnp.load(p)\nnp.load(p, allow_pickle=False)\nm.eval()"
    assert offences(safe) == []


def test_nothing_in_the_source_runs_code_from_a_file_or_reaches_the_network() -> None:
    files = sorted(SOURCE.rglob("*.py"))
    assert len(files) > 50
    found = {str(f.relative_to(SOURCE)): offences(f.read_text(encoding="utf-8")) for f in files}
    found = {name: what for name, what in found.items() if what}
    # `checkpoints` names pickle's error, which torch.load(weights_only=True) raises; it loads none.
    # `download` and `inception_weights` fetch, when they are asked to, and check hashes; `watch`
    # serves one page to this machine alone; `on_ray` knocks at a cluster's door.
    assert found == {
        "checkpoints.py": ["pickle"],
        "cli/watch.py": ["socket"],
        "data/download.py": ["requests"],
        "report/serve.py": ["http.server", "socket"],
        "runs/inception_weights.py": ["http.client", "urllib.request"],
        "runs/on_ray.py": ["socket"],
    }
    checkpoints = (SOURCE / "checkpoints.py").read_text(encoding="utf-8")
    assert all(part.startswith("UnpicklingError") for part in checkpoints.split("pickle.")[1:])
