//! Frame of an HTML page, anchors, and typesetting of names and sentences.

use collegium_records::Interval;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::number::measure_with;

const STYLE: &str = include_str!("style.css");

/// What a page is filled with.
pub(crate) struct Page<'a> {
    pub(crate) title: &'a str,
    pub(crate) kicker: &'a str,
    pub(crate) heading: &'a str,
    pub(crate) lead: Markup,
    /// Names and contents of `<meta>`: what the page describes, for programs.
    pub(crate) meta: Vec<(&'a str, String)>,
    pub(crate) contents: Markup,
    pub(crate) inside: Markup,
    pub(crate) footer: Markup,
}

/// A page that needs nothing but itself.
pub(crate) fn document(page: &Page) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                @for (name, content) in &page.meta { meta name=(name) content=(content); }
                title { (page.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                div.page {
                    nav.contents aria-label="Contents" { (page.contents) }
                    main #content {
                        header {
                            p.kicker { (page.kicker) }
                            h1 { (page.heading) }
                            p.lead { (page.lead) }
                        }
                        (page.inside)
                        footer { (page.footer) }
                    }
                }
            }
        }
    }
}

/// The id of a node's section: its name with everything but letters, digits, `.`, `-` and `_`
/// written as `~` and hexadecimal digits, so that different names never share an id.
pub(crate) fn anchor(name: &str) -> String {
    use std::fmt::Write as _;
    let mut id = String::with_capacity(name.len() + 2);
    // The node ids have a dot or this prefix; the page's own ids have neither.
    let sections = ["expert.", "gate.", "mixture.", "data."];
    if !sections.iter().any(|section| name.starts_with(section)) {
        id.push_str("node.");
    }
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            id.push(char::from(byte));
        } else {
            let _ = write!(id, "~{byte:02x}");
        }
    }
    id
}

/// A link to a node's section.
pub(crate) fn link(name: &str) -> String {
    format!("#{}", anchor(name))
}

/// A dotted name that may break after its dots and underscores.
pub(crate) fn breakable(name: &str) -> Markup {
    html! {
        @for part in name.split_inclusive(['.', '_']) { (part) wbr; }
    }
}

/// A sentence in which what stands between backticks is code.
pub(crate) fn sentence(text: &str) -> Markup {
    html! {
        @for (i, part) in text.split('`').enumerate() {
            @if i % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A value, and beside it its interval, with so many digits after the point.
pub(crate) fn figure(value: f64, interval: Option<&Interval>, digits: Option<usize>) -> Markup {
    let (value, range) = measure_with(value, interval, digits);
    html! { span.value { (value) } @if let Some(range) = range { span.aside { (range) } } }
}
