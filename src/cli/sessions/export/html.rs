//! A session as one HTML file without scripts or network access.
//!
//! Messages are hostile: everything is escaped, HTML in a reply shows as text, only
//! web links work, images become links, and the page's content security policy
//! forbids it to load or run anything.

use std::fmt::Write;

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd, html};

use super::{ExportedSession, call_subject};
use crate::session::conversation::{Item, ItemKind, ToolCall};
use crate::text::{clean, clean_line, strip};

const STYLE: &str = include_str!("style.css");

pub fn render(session: &ExportedSession<'_>) -> String {
    let title = escape(&clean_line(&session.title));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n<dl>\n"
    );
    for (name, value) in session.header() {
        push(&mut page, format_args!("<dt>{name}</dt><dd>{}</dd>\n", escape(&clean_line(&value))));
    }
    page.push_str("</dl>\n</header>\n<main>\n");
    for item in session.conversation.items() {
        push_item(&mut page, item);
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn push(page: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = page.write_fmt(words);
}

fn push_item(page: &mut String, item: &Item) {
    match &item.kind {
        ItemKind::Prompt(prompt) => {
            let at = item
                .at
                .map(|at| format!("<time>{}</time>", at.format("%Y-%m-%d %H:%M UTC")))
                .unwrap_or_default();
            push(page, format_args!("<section class=\"prompt\">{at}{}</section>\n", escape(&clean(prompt))));
        }
        ItemKind::Reply { text, .. } => {
            push(page, format_args!("<section class=\"reply\">{}</section>\n", markdown(&clean(text))));
        }
        ItemKind::Thinking(thought) => {
            let thought = escape(&clean(thought));
            push(page, format_args!("<details><summary>Thinking</summary><pre>{thought}</pre></details>\n"));
        }
        ItemKind::Tool(call) => push_tool(page, call),
        ItemKind::Notice(notice, words) => {
            let name = escape(&super::notice_text(*notice));
            let words = escape(&clean(words));
            let words = if words.is_empty() { words } else { format!("<pre>{words}</pre>") };
            push(page, format_args!("<section class=\"notice\">{name}{words}</section>\n"));
        }
        ItemKind::TurnEnd(_) => {}
    }
}

fn push_tool(page: &mut String, call: &ToolCall) {
    let failed = call.result.as_ref().is_some_and(|result| result.is_error);
    let (class, mark) = if failed { ("tool failed", " ✕") } else { ("tool", "") };
    let name = escape(&clean_line(&call.name));
    let about = call_subject(call)
        .map(|about| format!(" <code>{}</code>", escape(&clean_line(about))))
        .unwrap_or_default();
    let input = serde_json::to_string_pretty(&call.input).unwrap_or_default();
    push(page, format_args!("<details class=\"{class}\"><summary><b>{name}</b>{about}{mark}</summary>"));
    push(page, format_args!("<pre>{}</pre>", escape(&clean(&input))));
    if let Some(result) = &call.result {
        push(page, format_args!("<pre>{}</pre>", escape(&strip(&result.text))));
    }
    page.push_str("</details>\n");
}

/// Renders Markdown; any HTML in it becomes text.
fn markdown(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut page = String::with_capacity(text.len() * 2);
    html::push_html(&mut page, Parser::new_ext(text, options).map(sanitize_event));
    page
}

/// Turns HTML into text and images into links, and removes links that are not web
/// links.
fn sanitize_event(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(html) | Event::InlineHtml(html) => Event::Text(html),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let dest_url = if is_web_link(link_type, &dest_url) { dest_url } else { "".into() };
            Event::Start(Tag::Link { link_type, dest_url, title, id })
        }
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
            let dest_url = if is_web_link(link_type, &dest_url) { dest_url } else { "".into() };
            Event::Start(Tag::Link { link_type: LinkType::Inline, dest_url, title, id })
        }
        Event::End(TagEnd::Image) => Event::End(TagEnd::Link),
        other => other,
    }
}

fn is_web_link(link: LinkType, to: &str) -> bool {
    let lower = to.trim_start().to_ascii_lowercase();
    link == LinkType::Email
        || ["https://", "http://", "mailto:", "#"].iter().any(|scheme| lower.starts_with(scheme))
}

/// Escapes text for an element or an attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(markdown(text).trim_end(), expected, "{text}");
    }

    #[test]
    fn nothing_that_a_reply_holds_acts_on_the_page() {
        check("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>");
        check("a <img src=x onerror=y> b", "<p>a &lt;img src=x onerror=y&gt; b</p>");
        check("[x](javascript:alert(1))", "<p><a href=\"\">x</a></p>");
        check("[x](JaVaScRiPt:alert(1))", "<p><a href=\"\">x</a></p>");
        check("[x](data:text/html,y)", "<p><a href=\"\">x</a></p>");
        check("![x](https://e.x/p.png)", "<p><a href=\"https://e.x/p.png\">x</a></p>");
        check(
            "[x](https://e.x \"\\\"><b>\")",
            "<p><a href=\"https://e.x\" title=\"&quot;&gt;&lt;b&gt;\">x</a></p>",
        );
        check("<me@e.x>", "<p><a href=\"mailto:me@e.x\">me@e.x</a></p>");
        check(
            "```\"><script>\nx\n```",
            "<pre><code class=\"language-&quot;&gt;&lt;script&gt;\">x\n</code></pre>",
        );
    }

    #[test]
    fn markdown_is_markdown() {
        check("**a** `b<c`", "<p><strong>a</strong> <code>b&lt;c</code></p>");
        assert!(markdown("|a|\n|-|\n|b|\n").contains("<td>b</td>"));
    }
}
