"""A rendered report, taken apart as far as the tests ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "input", "hr"}


@dataclass
class Element:
    """One element: its tag, attributes, children and own pieces of text, in document order."""

    tag: str
    attributes: dict[str, str]
    content: list[Element | str] = field(default_factory=list)

    @property
    def classes(self) -> set[str]:
        return set(self.attributes.get("class", "").split())

    @property
    def text(self) -> str:
        """All text inside, white space collapsed; style sheets are no text."""
        return " ".join("".join(self._pieces()).split())

    def _pieces(self) -> list[str]:
        if self.tag == "style":
            return []
        pieces = [item if isinstance(item, str) else "".join(item._pieces()) for item in self.content]
        return ["\n", *pieces, "\n"] if self.tag in ("p", "li", "td", "th", "h1", "h2", "h3", "dt", "dd") else pieces

    def walk(self) -> list[Element]:
        """This element and all inside it, in document order."""
        inside = [item for item in self.content if isinstance(item, Element)]
        return [self, *(element for child in inside for element in child.walk())]

    def find(self, tag: str = "", class_: str = "") -> list[Element]:
        return [
            element
            for element in self.walk()
            if (not tag or element.tag == tag) and (not class_ or class_ in element.classes)
        ]


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("document", {})
        self.stack = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.stack[-1].content.append(element)
        if tag not in VOID:
            self.stack.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.stack[-1].content.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if self.stack[-1].tag != tag:
            raise ValueError(f"</{tag}> closes <{self.stack[-1].tag}>")
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        self.stack[-1].content.append(data)


def parse(page: str) -> Element:
    """Parses a page; every element has to be closed where it was opened.

    Raises:
        ValueError: An end tag closes another element than the last one opened.
    """
    builder = _Builder()
    builder.feed(page)
    builder.close()
    if len(builder.stack) > 1:
        raise ValueError(f"<{builder.stack[-1].tag}> is never closed")
    return builder.root
