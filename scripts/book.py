"""Lays out what docs/SUMMARY.md names, and what those pages link to, for mdBook: target/book/src.

    python3 scripts/book.py FOLDER           lays them out
    python3 scripts/book.py --check BOOK     do all links of the finished book lead somewhere in it?

Pages keep their places, so that links in them lead where they lead in the repository. A link to a page that is no chapter,
or to a folder without one, is an error.
"""

import html
import pathlib
import re
import shutil
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
SUMMARY = ROOT / "docs" / "SUMMARY.md"
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")


def linked(page):
    """Files and folders that a page links to, without what stands in blocks of code."""
    in_code = False
    for line in page.read_text().splitlines():
        in_code ^= line.lstrip().startswith("```")
        if not in_code:
            told = "".join(line.split("`")[::2])
            yield from ((page.parent / target).resolve() for target, _ in LINK.findall(told) if not re.match(r"[a-z]+:", target))


def rewritten(page, chapters):
    """The page as mdBook wants it, which makes `index.html` of each README.md and leaves links to it as they are."""

    def indexed(link):
        target, anchor = link[1], link[2] or ""
        there = (page.parent / target).resolve()
        if there.is_dir() and there / "README.md" in chapters:
            target = f"{target.rstrip('/')}/index.md"
        elif there in chapters:
            target = re.sub(r"README\.md$", "index.md", target)
        return f"]({target}{anchor})"

    return LINK.sub(indexed, page.read_text())


def check(book):
    pages = {page: page.read_text() for page in book.rglob("*.html") if page.name not in ("404.html", "print.html", "toc.html")}
    anchors = {page: set(re.findall(r'\bid="([^"]+)"', text)) for page, text in pages.items()}
    wrong, count = [], 0
    for page, text in pages.items():
        for link in re.findall(r'<a [^>]*href="([^"]+)"', text.split("<main>")[-1].split("</main>")[0]):
            file, _, anchor = urllib.parse.unquote(html.unescape(link)).partition("#")
            if re.match(r"[a-z]+:", file):
                continue
            count += 1
            to = (page.parent / file).resolve() if file else page
            if not to.exists() or anchor and anchor not in anchors.get(to, {anchor}):
                wrong.append(f"  {page.relative_to(book)}: {link}")
    if wrong or not count:
        sys.exit("These links of the book lead nowhere:\n" + "\n".join(wrong))
    print(f"{len(pages)} pages, {count} links")


def main():
    if sys.argv[1] == "--check":
        return check(pathlib.Path(sys.argv[2]).resolve())
    to = pathlib.Path(sys.argv[1])
    shutil.rmtree(to, ignore_errors=True)
    chapters = list(linked(SUMMARY))
    missing = [chapter for chapter in chapters if not chapter.is_file()]
    if missing:
        sys.exit("docs/SUMMARY.md names pages that are not there:\n" + "\n".join(f"  {page}" for page in missing))
    wrong, files = [], set(chapters)
    for page in chapters:
        for target in linked(page):
            if target.is_dir() and target / "README.md" in chapters or target in chapters:
                continue
            if target.is_dir() and not any(target.rglob("*.md")):
                files.update(file for file in target.rglob("*") if file.is_file())
            elif target.is_dir() or target.suffix == ".md" or not target.exists():
                wrong.append(f"  {page.relative_to(ROOT)}: {target.relative_to(ROOT)}")
            else:
                files.add(target)
    if wrong:
        sys.exit("These links lead out of the book. Name the page in docs/SUMMARY.md, or link to a file:\n" + "\n".join(wrong))
    for file in files:
        there = to / file.relative_to(ROOT)
        there.parent.mkdir(parents=True, exist_ok=True)
        if file in chapters:
            there.write_text(rewritten(file, chapters))
        else:
            shutil.copy(file, there)
    # mdBook wants its summary at the root of what it builds.
    summary = re.sub(r"\]\((?:\.\./)", "](", re.sub(r"\]\((?!\.\./)", "](docs/", SUMMARY.read_text()))
    (to / "SUMMARY.md").write_text(summary)
    print(f"{len(chapters)} chapters, {len(files) - len(chapters)} files that they link to")


if __name__ == "__main__":
    main()
