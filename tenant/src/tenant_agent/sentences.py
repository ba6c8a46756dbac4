"""What people read: one sentence or two per code, in German and English.

A sentence says what happened, why, and what to do. A test holds that every code of `errors` has
both languages and that placeholders agree.
"""

from collections.abc import Mapping, Sequence
from typing import Any

DEFAULT_LANGUAGE = "en"

TITLES: Mapping[str, Mapping[str, str]] = {
    "400": {"de": "Ungültige Anfrage", "en": "Invalid request"},
    "401": {"de": "Nicht angemeldet", "en": "Not signed in"},
    "403": {"de": "Nicht erlaubt", "en": "Not allowed"},
    "404": {"de": "Nicht gefunden", "en": "Not found"},
    "405": {"de": "Methode nicht erlaubt", "en": "Method not allowed"},
    "409": {"de": "Geht gerade nicht", "en": "Conflict"},
    "413": {"de": "Zu groß", "en": "Too large"},
    "416": {"de": "Teil nicht vorhanden", "en": "Range not available"},
    "422": {"de": "Ungültige Eingabe", "en": "Invalid input"},
    "429": {"de": "Zu viele Anfragen", "en": "Too many requests"},
    "500": {"de": "Interner Fehler", "en": "Internal error"},
    "503": {"de": "Vorübergehend nicht verfügbar", "en": "Temporarily unavailable"},
    "507": {"de": "Kein Speicherplatz", "en": "Out of space"},
}

DETAILS: Mapping[str, Mapping[str, str]] = {
    "not_signed_in": {
        "de": "Sie sind nicht (mehr) angemeldet. Bitte melden Sie sich an.",
        "en": "Your session has ended or you are not signed in. Please sign in.",
    },
    "invalid_credentials": {
        "de": "E-Mail oder Passwort stimmt nicht. Bitte prüfen Sie beides.",
        "en": "The e-mail address or the password is wrong. Please check both.",
    },
    "wrong_password": {
        "de": "Das bisherige Passwort stimmt nicht. Bitte geben Sie es noch einmal ein.",
        "en": "The current password is wrong. Please enter it again.",
    },
    "password_change_required": {
        "de": "Das Einmalpasswort gilt nur einmal. Bitte vergeben Sie ein eigenes.",
        "en": "The one-time password is for the first sign-in only. Please set your own.",
    },
    "cross_site": {
        "de": "Die Anfrage kam von einer anderen Website und wurde abgelehnt.",
        "en": "The request came from another web site and was refused.",
    },
    "not_found": {
        "de": "Das gibt es nicht (mehr). Bitte laden Sie die Seite neu.",
        "en": "This does not exist (any more). Please reload the page.",
    },
    "method_not_allowed": {
        "de": "Diese Adresse kennt diese Methode nicht.",
        "en": "This address does not know this method.",
    },
    "still_answering": {
        "de": "Die vorige Antwort läuft noch. Bitte warten Sie, bis sie fertig ist.",
        "en": "The previous answer is still being written. Please wait until it is finished.",
    },
    "not_retryable": {
        "de": "Hier gibt es nichts zu wiederholen: Nur Fehlgeschlagenes kann wiederholt werden.",
        "en": "There is nothing to retry: only what failed can be retried.",
    },
    "being_processed": {
        "de": "Gerade wird ein großes Dokument aufgenommen oder entfernt; so lange lässt sich "
        "keines löschen. Bitte versuchen Sie es in einer Minute noch einmal.",
        "en": "A large document is being added or removed right now, and meanwhile none can be "
        "deleted. Please try again in a minute.",
    },
    "invalid_request": {
        "de": "Die Eingabe ist ungültig. Bitte prüfen Sie Ihre Angaben.",
        "en": "The input is not valid. Please check what you entered.",
    },
    "text_too_long": {
        "de": "Der Text ist zu lang: Möglich sind bis zu {limit} Zeichen. Bitte kürzen Sie ihn.",
        "en": "The text is too long: up to {limit} characters are possible. Please shorten it.",
    },
    "one_file_only": {
        "de": "Die Anfrage enthält mehr als eine Datei; keine davon wurde gespeichert. Bitte "
        "laden Sie jede Datei einzeln hoch.",
        "en": "The request holds more than one file; none of them was stored. Please upload each "
        "file by itself.",
    },
    "body_too_large": {
        "de": "Die Anfrage ist viel größer, als sie sein müsste, und wurde nicht gelesen. Bitte "
        "kürzen Sie den Text oder laden Sie ihn als Dokument hoch.",
        "en": "The request is much larger than it needs to be and was not read. Please shorten "
        "the text, or upload it as a document.",
    },
    "range_not_satisfiable": {
        "de": "Die Datei ist kürzer als der angefragte Teil. Bitte öffnen Sie sie neu.",
        "en": "The file is shorter than the part asked for. Please open it again.",
    },
    "weak_password": {
        "de": "Das neue Passwort braucht mindestens {minimum} Zeichen, davon {different} "
        "verschiedene, darf nicht die E-Mail-Adresse sein und muss sich vom alten unterscheiden.",
        "en": "The new password needs at least {minimum} characters, {different} of them "
        "different, must not be the e-mail address, and must differ from the old one.",
    },
    "too_many_attempts": {
        "de": "Zu viele Anmeldeversuche. Bitte warten Sie {seconds} Sekunden.",
        "en": "Too many sign-in attempts. Please wait {seconds} seconds.",
    },
    "too_many_questions": {
        "de": "Es laufen bereits zu viele Antworten gleichzeitig. Bitte warten Sie einen Moment.",
        "en": "Too many answers are being written at once. Please wait a moment.",
    },
    "internal": {
        "de": "Etwas Unerwartetes ist passiert; es wurde protokolliert (Kennung {reference}). "
        "Bitte versuchen Sie es erneut.",
        "en": "Something unexpected happened; it was logged (reference {reference}). Please try "
        "again.",
    },
    "database_down": {
        "de": "Die Datenbank antwortet gerade nicht. Bitte versuchen Sie es gleich noch einmal.",
        "en": "The database does not answer right now. Please try again in a moment.",
    },
    "redis_down": {
        "de": "Ein interner Dienst (Redis) antwortet gerade nicht. Bitte versuchen Sie es gleich "
        "noch einmal.",
        "en": "An internal service (Redis) does not answer right now. Please try again in a "
        "moment.",
    },
    "too_large": {
        "de": "Die Datei ist größer als {limit} MB. Bitte teilen oder verkleinern Sie sie.",
        "en": "The file is larger than {limit} MB. Please split it or make it smaller.",
    },
    "no_space": {
        "de": "Der Speicher dieses Systems ist voll. Bitte löschen Sie Dokumente oder wenden Sie "
        "sich an Ihren Betreuer.",
        "en": "This system's storage is full. Please delete documents or contact your support.",
    },
    "duplicate": {
        "de": "Dieses Dokument ist schon vorhanden: „{name}“.",
        "en": "This document is already there: “{name}”.",
    },
    "empty": {
        "de": "Die Datei ist leer. Bitte prüfen Sie, ob sie vollständig gespeichert wurde.",
        "en": "The file is empty. Please check that it was saved completely.",
    },
    "corrupt": {
        "de": "Die Datei ist beschädigt und lässt sich nicht öffnen. Bitte speichern Sie sie neu "
        "und laden Sie sie noch einmal hoch.",
        "en": "The file is damaged and cannot be opened. Please save it again and upload it anew.",
    },
    "encrypted": {
        "de": "Die Datei ist mit einem Passwort geschützt. Bitte entfernen Sie den Schutz und "
        "laden Sie sie noch einmal hoch.",
        "en": "The file is protected by a password. Please remove the protection and upload it "
        "again.",
    },
    "unsupported_type": {
        "de": "Dieses Dateiformat wird nicht unterstützt. Möglich sind PDF, DOCX, HTML, Markdown "
        "und Text.",
        "en": "This file format is not supported. PDF, DOCX, HTML, Markdown and text are.",
    },
    "extension_mismatch": {
        "de": "Die Endung „{extension}“ passt nicht zum Inhalt ({found}). Bitte benennen Sie die "
        "Datei richtig und laden Sie sie noch einmal hoch.",
        "en": "The extension “{extension}” does not fit the content ({found}). Please rename the "
        "file and upload it again.",
    },
    "not_word": {
        "de": "Die Datei heißt zwar „.docx“, ist aber kein Word-Dokument. Bitte speichern Sie das "
        "Dokument als DOCX und laden Sie es noch einmal hoch.",
        "en": "The file is named “.docx” but is not a Word document. Please save the document as "
        "DOCX and upload it again.",
    },
    "zip_bomb": {
        "de": "Die Datei würde beim Entpacken unverhältnismäßig groß und wurde deshalb nicht "
        "gelesen.",
        "en": "The file would grow out of proportion when unpacked and was therefore not read.",
    },
    "no_text": {
        "de": "In der Datei wurde kein Text gefunden. Bei gescannten Seiten hilft eine "
        "Texterkennung (OCR) vor dem Hochladen.",
        "en": "No text was found in the file. For scanned pages, run text recognition (OCR) "
        "before uploading.",
    },
    "too_many_pages": {
        "de": "Das Dokument hat mehr als {limit} Seiten. Bitte teilen Sie es.",
        "en": "The document has more than {limit} pages. Please split it.",
    },
    "reading_too_long": {
        "de": "Das Lesen der Datei dauerte länger als erlaubt und wurde beendet. Bitte teilen oder "
        "vereinfachen Sie das Dokument.",
        "en": "Reading the file took longer than allowed and was stopped. Please split or simplify "
        "the document.",
    },
    "reading_too_big": {
        "de": "Das Lesen der Datei brauchte mehr Arbeitsspeicher als erlaubt und wurde beendet. "
        "Bitte teilen Sie das Dokument.",
        "en": "Reading the file needed more memory than allowed and was stopped. Please split the "
        "document.",
    },
    "model_busy": {
        "de": "Der KI-Anbieter ist gerade überlastet. Bitte versuchen Sie es in {seconds} Sekunden "
        "noch einmal.",
        "en": "The AI provider is overloaded right now. Please try again in {seconds} seconds.",
    },
    "model_down": {
        "de": "Der KI-Anbieter ist gerade nicht erreichbar. Bitte versuchen Sie es in einigen "
        "Minuten noch einmal.",
        "en": "The AI provider cannot be reached right now. Please try again in a few minutes.",
    },
    "model_slow": {
        "de": "Der KI-Anbieter hat zu lange nicht geantwortet. Bitte versuchen Sie es noch einmal.",
        "en": "The AI provider took too long to answer. Please try again.",
    },
    "model_broken_off": {
        "de": "Der KI-Anbieter hat die Antwort mittendrin abgebrochen; es wurde nichts "
        "gespeichert. Bitte versuchen Sie es noch einmal.",
        "en": "The AI provider broke off in the middle of the answer; nothing of it was stored. "
        "Please try again.",
    },
    "model_cut_off": {
        "de": "Die Antwort wurde zu lang und brach ab, bevor etwas Belegtes geschrieben war. Bitte "
        "versuchen Sie es noch einmal oder fragen Sie nach weniger auf einmal.",
        "en": "The answer got too long and ended before anything backed by a source was written. "
        "Please try again, or ask for less at once.",
    },
    "model_error": {
        "de": "Der KI-Anbieter hat einen Fehler gemeldet. Bitte versuchen Sie es noch einmal.",
        "en": "The AI provider reported an error. Please try again.",
    },
    "model_rejected": {
        "de": "Der KI-Anbieter hat die Anfrage als fehlerhaft abgelehnt. Bitte wenden Sie sich an "
        "Ihren Betreuer, wenn das so bleibt.",
        "en": "The AI provider rejected the request as invalid. Please contact support if this "
        "stays so.",
    },
    "model_blocked": {
        "de": "Der KI-Anbieter hat die Antwort aus Sicherheitsgründen verweigert. Bitte "
        "formulieren Sie die Frage anders.",
        "en": "The AI provider refused for safety reasons. Please rephrase the question.",
    },
    "model_refused_key": {
        "de": "Der KI-Anbieter nimmt den hinterlegten Schlüssel nicht an. Bitte wenden Sie sich an "
        "Ihren Betreuer.",
        "en": "The AI provider does not accept the configured key. Please contact support.",
    },
    "model_misconfigured": {
        "de": "Das eingestellte KI-Modell gibt es beim Anbieter nicht. Bitte wenden Sie sich an "
        "Ihren Betreuer.",
        "en": "The configured AI model does not exist there. Please contact support.",
    },
    "interrupted": {
        "de": "Die Antwort wurde durch einen Neustart unterbrochen; es wurde nichts gespeichert. "
        "Bitte versuchen Sie es noch einmal.",
        "en": "The answer was interrupted by a restart; nothing was stored. Please try again.",
    },
    "gave_up": {
        "de": "Das Dokument wurde mehrmals begonnen und nie fertig. Bitte versuchen Sie es noch "
        "einmal oder wenden Sie sich an Ihren Betreuer.",
        "en": "The document was started several times and never finished. Please retry, or contact "
        "your support.",
    },
}

# What a document waits for; what to do about it is nothing, so the sentences above do not fit.
WAITING: Mapping[str, Mapping[str, str]] = {
    "model_busy": {
        "de": "Der KI-Anbieter ist gerade überlastet.",
        "en": "The AI provider is overloaded right now.",
    },
    "model_down": {
        "de": "Der KI-Anbieter ist gerade nicht erreichbar.",
        "en": "The AI provider cannot be reached right now.",
    },
    "model_slow": {
        "de": "Der KI-Anbieter antwortet gerade zu langsam.",
        "en": "The AI provider answers too slowly right now.",
    },
    "model_error": {
        "de": "Der KI-Anbieter meldet gerade einen Fehler.",
        "en": "The AI provider reports an error right now.",
    },
}
GOES_ON: Mapping[str, str] = {
    "de": "Das Dokument wartet und wird von selbst weiter verarbeitet; Sie müssen nichts tun.",
    "en": "The document waits and is processed further by itself; there is nothing for you to do.",
}

NOT_IN_DOCUMENTS: Mapping[str, str] = {
    "de": "Dazu habe ich in Ihren Dokumenten nichts gefunden.",
    "en": "I did not find anything about this in your documents.",
}

SMALL_TALK: Mapping[str, Mapping[str, str]] = {
    "greeting": {
        "de": "Guten Tag! Was möchten Sie aus Ihren Dokumenten wissen?",
        "en": "Hello! What would you like to know from your documents?",
    },
    "thanks": {
        "de": "Gern. Was möchten Sie noch wissen?",
        "en": "You are welcome. What else would you like to know?",
    },
    "farewell": {"de": "Auf Wiedersehen!", "en": "Goodbye!"},
    "about": {
        "de": "Ich bin ein KI-Assistent und beantworte Fragen aus den Dokumenten, die hier "
        "hochgeladen sind. Zu jedem Satz zeige ich die Stelle, an der es steht. Was in keinem "
        "Dokument steht, beantworte ich nicht. Fragen Sie zum Beispiel nach einer Frist, einem "
        "Betrag oder einer Zuständigkeit.",
        "en": "I am an AI assistant and answer questions from the documents uploaded here. With "
        "every sentence I show the place where it is written. What no document says, I do not "
        "answer. Ask me, for example, about a deadline, an amount or who is responsible.",
    },
    "documents": {
        "de": "Es ist noch kein Dokument bereit. Laden Sie unter „Dokumente“ Dateien hoch (PDF, "
        "DOCX, HTML, Markdown oder Text); sobald eine gelesen ist, beantworte ich Fragen dazu.",
        "en": "No document is ready yet. Upload files under “Documents” (PDF, DOCX, HTML, "
        "Markdown or text); as soon as one has been read, I answer questions about it.",
    },
}


DOCUMENTS: Mapping[str, Mapping[str, str]] = {
    "one": {
        "de": "Ich kann aus einem Dokument antworten:",
        "en": "I can answer from one document:",
    },
    "all": {
        "de": "Ich kann aus {count} Dokumenten antworten:",
        "en": "I can answer from {count} documents:",
    },
    "newest": {
        "de": "Ich kann aus {count} Dokumenten antworten. Die neuesten {shown}:",
        "en": "I can answer from {count} documents. The newest {shown}:",
    },
}


def detail(code: str, language: str, **values: Any) -> str:
    """Return the sentence for `code`, falling back to English for a language not written here."""
    texts = DETAILS[code]
    return texts.get(language, texts[DEFAULT_LANGUAGE]).format_map(values)


def waiting(code: str, language: str) -> str:
    """Return what a document waits for after the failure `code`, and that it goes on by itself."""
    texts = WAITING.get(code, WAITING["model_error"])
    known = language if language in texts else DEFAULT_LANGUAGE
    return f"{texts[known]} {GOES_ON[known]}"


def title(status: int, language: str) -> str:
    """Return the short heading of an HTTP status."""
    texts = TITLES.get(str(status), TITLES["500"])
    return texts.get(language, texts[DEFAULT_LANGUAGE])


def not_in_documents(language: str) -> str:
    """Return the sentence that stands for an answer when the documents do not hold one."""
    return NOT_IN_DOCUMENTS.get(language, NOT_IN_DOCUMENTS[DEFAULT_LANGUAGE])


def small_talk(kind: str, language: str) -> str:
    """Return the reply to a greeting, thanks, a farewell, or a question about the assistant."""
    texts = SMALL_TALK[kind]
    return texts.get(language, texts[DEFAULT_LANGUAGE])


def documents(names: Sequence[str], count: int, language: str) -> str:
    """Return what there is to ask about: how many documents, and the names of the newest."""
    if not names:
        return small_talk("documents", language)
    texts = DOCUMENTS["one" if count == 1 else "all" if count == len(names) else "newest"]
    lead = texts.get(language, texts[DEFAULT_LANGUAGE]).format(count=count, shown=len(names))
    return "\n".join([lead, "", *(f"- {name}" for name in names)])
