"""What the package publishes, and how quickly it is imported."""

from __future__ import annotations

import inspect
import subprocess
import sys

import shipper


def test_public_names_are_the_list() -> None:
    """`__all__` is sorted and complete: what is public is there on purpose."""
    public = {
        name
        for name, value in vars(shipper).items()
        if not name.startswith("_")
        and not inspect.ismodule(value)
        and name not in {"annotations", "TYPE_CHECKING"}
    }
    modules = {name for name in shipper.__all__ if inspect.ismodule(getattr(shipper, name))}
    assert set(shipper.__all__) - {"__version__"} - modules == public
    assert list(shipper.__all__) == sorted(shipper.__all__)


def test_every_public_name_says_what_it_raises() -> None:
    """Docstrings of public callables say what they raise, or that they never do."""
    silent = []
    for name in shipper.__all__:
        value = getattr(shipper, name)
        callables = [value] if inspect.isfunction(value) else []
        if (
            inspect.isclass(value)
            and value.__module__.startswith("shipper")
            and not issubclass(value, Exception)
        ):
            callables = [
                member
                for key, member in vars(value).items()
                if inspect.isfunction(member) and not key.startswith("_")
            ]
        for one in callables:
            text = inspect.getdoc(one) or ""
            if "Raises" not in text and "ever raises" not in text and "Nothing to do" not in text:
                silent.append(f"{name}.{one.__name__}")
    assert silent == []


def test_import_brings_no_heavy_package() -> None:
    """`import shipper` loads neither the store's client nor the price lists, openai, or a JVM."""
    code = (
        "import sys, shipper; "
        "print([m for m in ('elasticsearch', 'genai_prices', 'openai', 'jpype', 'click', 'rich', 'asyncio') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
