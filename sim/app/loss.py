"""What the page says when the program behind it has gone: nobody is left to say it but the browser."""

from bokeh.document import Document
from bokeh.models import CustomJS

from sim.language import LANGUAGES, N_, in_language

WORDS = N_(
    "The program behind this page has ended or cannot be reached, so nothing here does anything now. What was written "
    "into results folders is kept. Start sim app again and open this page anew: its address holds what is set."
)
#: in the language of the address, which is that of the page; once
LOST = """if (document.getElementById("lost")) return;
const note = document.createElement("div");
note.id = "lost";
note.setAttribute("role", "alert");
note.textContent = {en: en, zh: zh}[new URLSearchParams(location.search).get("lang")] ?? en;
document.body.prepend(note);"""
FOUND = """document.getElementById("lost")?.remove();"""


def tell_of_loss(document: Document) -> None:
    """Let a browser say that its page is dead as soon as the connection is lost, and take it back if it returns."""
    words = {lang: in_language(WORDS, lang) for lang in LANGUAGES}
    document.js_on_event("connection_lost", CustomJS(args=words, code=LOST))
    document.js_on_event("client_reconnected", CustomJS(code=FOUND))
