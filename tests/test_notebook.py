"""The notebook in docs/ runs from its first cell to its last."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

PAGE = Path(__file__).parents[1] / "docs" / "own-images.ipynb"


def test_the_notebook_runs() -> None:
    notebook = nbformat.read(PAGE, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)  # kept without them
    NotebookClient(notebook, timeout=300).execute()
    printed = {
        cell.id: "".join(
            out.text for out in cell.outputs if out.output_type == "stream" and out.name == "stdout"
        )
        for cell in notebook.cells
        if cell.cell_type == "code"
    }
    assert printed["fit"].startswith("expected without labels: ")
    assert printed["predict"].startswith("['disc' 'square'] ")
    assert printed["save"].startswith("Classifier(")
    assert printed["generate"] == "('disc', 'square') (8, 32, 32, 3)\n"
