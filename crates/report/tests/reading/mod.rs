//! A page as its reader has it.

#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeSet;

/// All values of an attribute.
pub fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    page.split(start.as_str()).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

/// What a reader sees: the text between tags, without the style sheet.
pub fn text(page: &str) -> String {
    let body = &page[page.find("<body").unwrap()..];
    let mut out = String::new();
    let mut inside = false;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                out.push(' ');
            }
            c if !inside => out.push(if c == '\u{a0}' { ' ' } else { c }),
            _ => {}
        }
    }
    let out = out.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every element that opens closes, in order, but for the void ones.
pub fn balanced(page: &str) {
    const VOID: [&str; 5] = ["meta", "br", "wbr", "img", "!DOCTYPE"];
    let style = page.find("<style>").unwrap()..page.find("</style>").unwrap();
    let page = format!("{}{}", &page[..style.start + 7], &page[style.end..]);
    let mut open: Vec<String> = Vec::new();
    for tag in page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()) {
        let name = tag.trim_start_matches('/').split_whitespace().next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
        } else if !VOID.contains(&name) {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

/// What holds of every report, whatever is in it.
pub fn sound(page: &str) {
    balanced(page);
    let ids = attributes(page, "id");
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "an id is used twice");
    for link in attributes(page, "href") {
        let id = link.strip_prefix('#').expect("links lead into the page");
        assert!(unique.contains(id), "nothing has the id {id}");
    }
    for list in attributes(page, "aria-labelledby") {
        assert!(list.split(' ').all(|id| unique.contains(id)), "{list}");
    }
    for picture in page.split("<img").skip(1) {
        let tag = picture.split('>').next().unwrap();
        assert!(tag.contains(" alt=\"") && !tag.contains(" alt=\"\""), "a picture without words");
    }
    let page = without_pictures(page);
    let words: Vec<&str> = page.split(|c: char| !c.is_alphanumeric()).collect();
    for bad in ["NaN", "inf", "Infinity", "infinity"] {
        assert!(!words.contains(&bad), "{bad} is on the page");
    }
}

/// The page without its encoded pictures, whose letters mean nothing.
pub fn without_pictures(page: &str) -> String {
    let mut parts = page.split("data:image/png;base64,");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        out.push_str(&part[part.find('"').unwrap()..]);
    }
    out
}

/// The section of one expert.
pub fn section<'a>(page: &'a str, name: &str) -> &'a str {
    let start = page.find(&format!("<section class=\"expert\" id=\"{name}\"")).unwrap();
    &page[start..start + page[start..].find("</section>").unwrap()]
}

/// A part of that section, from its heading to the next; nothing where it is absent.
pub fn part<'a>(page: &'a str, name: &str, part: &str) -> Option<&'a str> {
    let section = section(page, name);
    let heading = section.split("<h3 id=\"").find(|rest| {
        rest.split('"').next().unwrap().split_once('-').is_some_and(|(_, id)| id == part)
    });
    heading.map(|rest| &rest[rest.find('>').unwrap() + 1..])
}

/// What a reader sees of a piece of a page.
pub fn words(piece: &str) -> String {
    text(&format!("<body>{}", piece.replace("<wbr>", "")))
}
