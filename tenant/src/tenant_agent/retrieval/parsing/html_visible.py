"""What a browser shows of a page: the tree without scripts, navigation and hidden elements.

Only the elements' own attributes are judged; style sheets are not read.
"""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

DROPPED = (
    "script, style, noscript, template, iframe, object, embed, svg, nav, head, form button, "
    "[hidden], [aria-hidden=true]"
)
HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*[01](?:\.\d+)?(?:px|pt)?\s*(?:;|$)"
    r"|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$)",
    re.IGNORECASE,
)
WHITE_TEXT = re.compile(r"(?<![-\w])color\s*:\s*(?:#fff(?:fff)?|white)\b", re.IGNORECASE)
BACKGROUND = re.compile(
    r"(?<![-\w])background(?:-color|-image)?\s*:\s*([^\s;][^;]*)", re.IGNORECASE
)
SEEN_THROUGH = re.compile(r"(?:none|transparent|inherit|initial|unset)\b", re.IGNORECASE)
WHITE = re.compile(r"(?:#fff(?:fff)?|white)\b", re.IGNORECASE)


def _is_shaded(style: str, colour: str, shaded: bool) -> bool:
    """Return whether something other than white lies behind the text of an element."""
    values = [value for value in (colour, *BACKGROUND.findall(style)) if value]
    said = [value for value in values if not SEEN_THROUGH.match(value)]
    return not WHITE.match(said[-1]) if said else shaded


def _judged(node: LexborNode, shaded: bool) -> tuple[bool, bool]:
    """Return (hidden, shaded) of an element with a style or a colour, from its parent's shade."""
    attributes = node.attributes
    style = attributes.get("style") or ""
    shaded = _is_shaded(style, attributes.get("bgcolor") or "", shaded)
    hidden = HIDING.search(style) or (not shaded and WHITE_TEXT.search(style))
    return bool(hidden), shaded


def visible(tree: LexborHTMLParser) -> Iterator[tuple[LexborNode, bool]]:
    """Yield (node, whether it begins) in reading order: elements come again as they end.

    Without recursion: how deep elements lie in each other is up to the page.
    """
    dropped = {node.mem_id for node in tree.css(DROPPED)}
    styled = {node.mem_id for node in tree.css("[style], [bgcolor]")}
    pending = [(tree.root, True, False)]
    while pending:
        node, begins, shaded = pending.pop()
        if node is None or node.mem_id in dropped:
            continue
        if begins and node.mem_id in styled:
            hidden, shaded = _judged(node, shaded)
            if hidden:
                continue
        yield node, begins
        if begins and not node.is_text_node:
            pending.append((node, False, shaded))
            children = [(child, True, shaded) for child in node.iter(include_text=True)]
            pending.extend(reversed(children))
