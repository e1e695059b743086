"""A mail as a program writes it: two forms of its text, an answer, attachments."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

from tests.connectors.loaders.office.texts import JAPANESE

QUOTED = "क्या सभा शनिवार को है?"


def mail(sentence: str, attached: dict[str, bytes]) -> bytes:
    """Return a mail with these files."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = "休館日のお知らせ – Änderung"
    message["From"] = "Mira Söl <mira@example.org>"
    message["To"] = "Kofi <kofi@example.org>"
    message["Date"] = "Sun, 09 Mar 2025 10:00:00 +0100"
    message.set_content(f"{sentence}\n\nAm 8.3.2025 schrieb Kofi:\n> {QUOTED}\n>> {JAPANESE}\n")
    message.add_alternative(f"<p>{sentence}</p>", subtype="html")
    for name, data in attached.items():
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def outlook_mail(sentence: str, attached: dict[str, bytes]) -> bytes:
    """Return the same as a MSG, with a mail inside of it; made with aspose-email-foss."""
    from email import message_from_bytes, policy

    from aspose.email_foss.msg import MapiMessage

    def converted(data: bytes) -> MapiMessage:
        message = message_from_bytes(data, policy=policy.default)
        return MapiMessage.from_email_message(message)

    outer = converted(mail(sentence, attached))
    outer.add_embedded_message_attachment(converted(mail(JAPANESE, {})))
    return bytes(outer.to_bytes())
