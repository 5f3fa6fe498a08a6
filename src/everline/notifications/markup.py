"""The parts of a mail as template tags: HTML where the engine escapes, else text; one template makes both.

So the text part never says less than the HTML part. Mail programs ignore style sheets and some draw HTML with
a word processor: every part carries its own style, and what must hold its place is a table cell.
"""

import re

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_FONT = (
    "font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,'PingFang SC','Hiragino Sans GB',"
    "'Microsoft YaHei','Noto Sans SC',Helvetica,Arial,sans-serif"
)
_MONO = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace"
_CELL = mark_safe(f"padding:8px 0;{_FONT};font-size:15px;line-height:22px;vertical-align:top")  # noqa: S308 - ours
_SPACES = re.compile(r"[ \t\n]+")
_BLANK_LINES = re.compile(r"\n{3,}")
_BETWEEN_HAN = re.compile(r"(?<=[\u3000-\u9fff\uff00-\uffef])\n\s*(?=[\u3000-\u9fff\uff00-\uffef])")


def flowing(text: str) -> str:
    """One paragraph of a template on one line; a line break between Chinese signs leaves no gap."""
    return _SPACES.sub(" ", _BETWEEN_HAN.sub("", text.strip()))


def tidy(text: str) -> str:
    """A text body without the blank lines that tags leave behind."""
    lines = (line.strip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


@register.simple_block_tag(takes_context=True)
def subject(context: Context, content: str) -> str:
    """The subject: one line, no mark-up; not part of the bodies."""
    context["parts"]["subject"] = flowing(content)
    return ""


@register.simple_block_tag(takes_context=True)
def preheader(context: Context, content: str) -> str:
    """What a list of mails shows beside the subject; hidden in the HTML body, absent from the text."""
    context["parts"]["preheader"] = mark_safe(flowing(content)) if context.autoescape else ""  # noqa: S308 - rendered with escaping
    return ""


@register.simple_block_tag(takes_context=True)
def para(context: Context, content: str) -> str:
    """A paragraph."""
    text = flowing(content)
    if not context.autoescape:
        return f"\n\n{text}\n\n"
    return format_html(
        '<p class="ink" style="margin:0 0 16px;{};font-size:16px;line-height:25px;color:#1b2029">{}</p>',
        mark_safe(_FONT),  # noqa: S308 - ours
        _safe(text),
    )


@register.simple_block_tag(takes_context=True)
def note(context: Context, content: str) -> str:
    """A paragraph of less weight."""
    text = flowing(content)
    if not context.autoescape:
        return f"\n\n{text}\n\n"
    return format_html(
        '<p class="soft" style="margin:0 0 12px;{};font-size:14px;line-height:22px;color:#566072">{}</p>',
        mark_safe(_FONT),  # noqa: S308 - ours
        _safe(text),
    )


@register.simple_block_tag(takes_context=True)
def strong(context: Context, content: str) -> str:
    """Words that stand out, in HTML."""
    return format_html("<strong>{}</strong>", _safe(content)) if context.autoescape else content


@register.simple_block_tag(takes_context=True)
def facts(context: Context, content: str) -> str:
    """A list of facts."""
    if not context.autoescape:
        return f"\n\n{tidy(content)}\n\n"
    return format_html(
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" '
        'style="margin:4px 0 20px;border-collapse:collapse">{}</table>',
        _safe(content),
    )


@register.simple_block_tag(takes_context=True)
def fact(context: Context, content: str, label: str) -> str:
    """A name and what it is, within `facts`."""
    text = flowing(content)
    if not context.autoescape:
        colon = "：" if str(context["locale"]).startswith("zh") else ": "
        return f"{label}{colon}{text}"
    return format_html(
        '<tr><td class="soft rule" style="{cell};padding-right:16px;border-bottom:1px solid #e3e7ee;'
        'color:#566072;white-space:nowrap">{label}</td>'
        '<td class="ink rule" align="right" style="{cell};border-bottom:1px solid #e3e7ee;color:#1b2029;'
        'text-align:right;word-break:break-word">{text}</td></tr>',
        cell=_CELL,
        label=label,
        text=_safe(text),
    )


@register.simple_block_tag(takes_context=True)
def action(context: Context, content: str, url: str) -> str:
    """The one thing to do: a button, and its address in full for programs that show no buttons."""
    label = flowing(content)
    if not context.autoescape:
        colon = "：" if str(context["locale"]).startswith("zh") else ":"
        return f"\n\n{label}{colon}\n{url}\n\n"
    return format_html(
        '<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:24px 0 12px">'
        '<tr><td align="center" bgcolor="{accent}" style="border-radius:10px;background:{accent}">'
        '<a href="{url}" style="display:inline-block;padding:13px 26px;{font};font-size:16px;'
        'line-height:22px;font-weight:600;color:{ink};text-decoration:none;border-radius:10px">'
        '<span style="color:{ink}">{label}</span></a></td></tr></table>'
        '<p class="soft" style="margin:0 0 20px;{font};font-size:13px;line-height:20px;color:#566072;'
        'word-break:break-all"><a class="soft" href="{url}" style="color:#566072;text-decoration:underline">'
        "{url}</a></p>",
        accent=context["look"].accent,
        ink=context["look"].accent_ink,
        font=mark_safe(_FONT),  # noqa: S308 - ours
        url=url,
        label=_safe(label),
    )


@register.simple_block_tag(takes_context=True)
def code(context: Context, content: str) -> str:
    """A one-time code, large enough to be read from across the desk."""
    digits = flowing(content)
    if not context.autoescape:
        return f"\n\n    {digits}\n\n"
    return format_html(
        '<p class="ink code" style="margin:20px 0;padding:16px;border-radius:10px;background:#eef1f5;{};'
        "font-size:32px;line-height:40px;font-weight:600;letter-spacing:6px;text-align:center;"
        'color:#1b2029">{}</p>',
        mark_safe(_MONO),  # noqa: S308 - ours
        _safe(digits),
    )


@register.simple_tag(takes_context=True)
def mailto(context: Context, address: str) -> str:
    """An e-mail address that can be written to."""
    if not context.autoescape:
        return address
    return format_html(
        '<a class="soft" href="mailto:{0}" style="color:#566072;text-decoration:underline">{0}</a>', address
    )


@register.simple_tag(takes_context=True)
def page(context: Context, url: str, label: str) -> str:
    """A page to go to, named in HTML and written out in text."""
    if not context.autoescape:
        colon = "：" if str(context["locale"]).startswith("zh") else ": "
        return f"{label}{colon}{url}"
    return format_html(
        '<a class="soft" href="{}" style="color:#566072;text-decoration:underline">{}</a>', url, label
    )


def _safe(content: str) -> SafeString:
    """What a block holds: it was escaped when it was rendered."""
    return mark_safe(content)  # noqa: S308 - see above
