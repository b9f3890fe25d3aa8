"""What MkDocs calls while it builds the site (mkdocs.yml): pages that are made, links out of docs/, the navigation."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from benchmarks.catalogue import benchmarks
from benchmarks.records.committed import committed
from benchmarks.site import interface, protocols, reported, results

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s#]+)(#[^)\s]*)?\)")  # image?, text, target, anchor
HOME = {  # pages that lie outside of docs/
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/results/README.md": "results/index.md",
}
SHOWN = {re.escape(written): page for written, page in HOME.items()} | {  # what else of the checkout has a page
    r"benchmarks/results/(\w+)/leaderboard\.md": r"results/\1.md",
    r"benchmarks/configs/([\w-]+)(?:/protocol\.py)?": r"benchmarks/\1.md",
    r"examples/(\w+)\.py": r"examples.md#\1",
}


def made() -> Iterator[tuple[str, str | bytes]]:
    """The address and the content of every page and figure that is no file of docs/."""
    for source, page in HOME.items():
        yield page, (ROOT / source).read_text()
    kept = results.kept()
    yield "benchmarks/index.md", protocols.overview()
    for name in benchmarks():
        yield f"benchmarks/{name}.md", protocols.protocol(name, kept)
    for folder in committed():
        yield f"results/{folder.name}.md", results.results(folder)
        yield from ((f"results/{name}", drawn) for name, drawn in results.figures(folder))
    yield "reported.md", reported.reported()
    yield "examples.md", examples()
    for package in interface.TITLES:
        yield f"api/{package}.md", interface.interface(package)


def examples() -> str:
    """All scripts of examples/ on one page."""
    scripts = [
        f"## {path.stem}\n\n```python\n{path.read_text()}```\n" for path in sorted((ROOT / "examples").glob("*.py"))
    ]
    return "\n".join(["# Examples\n\nWhat `examples/` has: a script a task, in Python.\n", *scripts])


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The navigation with its generated parts."""
    generated = {
        "benchmarks/": ["benchmarks/index.md", *protocols.navigation()],
        "results/": ["results/index.md", *(f"results/{folder.name}.md" for folder in committed()), "reported.md"],
        "api/": [f"api/{package}.md" for package in interface.TITLES],
    }
    config.nav = [_filled(entry, generated) for entry in config.nav or ()]
    return config


def _filled(entry: Any, generated: dict[str, list[Any]]) -> Any:
    if isinstance(entry, dict):
        return {title: _filled(inner, generated) for title, inner in entry.items()}
    if isinstance(entry, list):
        return [_filled(one, generated) for one in entry]
    return generated.get(entry, entry)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for address, content in made():
        files.append(File.generated(config, address, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links to files of the checkout lead to the pages that show them; those to code become its name."""
    source = PurePosixPath(page.file.src_uri)
    outside = {made: written for written, made in HOME.items()}
    written = PurePosixPath(outside.get(str(source), f"docs/{source}"))
    return LINK.sub(lambda link: _shown(link, written, source), markdown)


def _shown(link: re.Match[str], written: PurePosixPath, page: PurePosixPath) -> str:
    """A link of the file `written` as the page `page` of the site has it."""
    image, text, target, anchor = link.groups()
    path = posixpath.normpath(written.parent / target)
    if "://" in target or (written.parts[0] == "docs" and path.startswith("docs/")):
        return link[0]
    address = _address(path)
    if address is None:
        return text
    return f"{image}[{text}]({'../' * (len(page.parts) - 1)}{address}{anchor or ''})"


def _address(path: str) -> str | None:
    """The page of the site that shows a file of the checkout, with the place on it; None where none does."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    for pattern, address in SHOWN.items():
        if found := re.fullmatch(pattern, path):
            return found.expand(address)
    return None
