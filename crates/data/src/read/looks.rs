//! Texts that a person would take for numbers or dates: a percentage, a price, a decimal comma, a day before
//! its month. They are categories as they are written; the note says what reads them.

/// Texts that are looked at, at most.
const LOOKED: u64 = 1000;

/// What texts look like that are of no type.
#[derive(Debug, Default)]
pub(super) struct Looks {
    seen: u64,
    dates: Look,
    percent: Look,
    money: Look,
    comma: Look,
    grouped: Look,
}

#[derive(Debug, Default)]
struct Look {
    count: u64,
    first: String,
}

impl Look {
    fn see(&mut self, text: &str) {
        if self.count == 0 {
            text.clone_into(&mut self.first);
        }
        self.count += 1;
    }
}

/// What most of these texts look like without being read as it, and what to do, in a sentence about the
/// column; `None` for plain texts.
pub fn resemblance(column: &str, texts: &[String]) -> Option<String> {
    let mut looks = Looks::default();
    texts.iter().for_each(|text| looks.see(text));
    looks.note(column)
}

const MONEY: [char; 5] = ['$', '€', '£', '¥', '₹'];

impl Looks {
    pub(super) fn see(&mut self, text: &str) {
        if self.seen >= LOOKED {
            return;
        }
        self.seen += 1;
        if is_day_first(text) {
            return self.dates.see(text);
        }
        let bare = text.trim_start_matches(['-', '+', '(']).trim_end_matches(')');
        let percent = bare.ends_with('%');
        let money = bare.contains(MONEY);
        let digits: String = bare
            .chars()
            .filter(|c| !matches!(c, ',' | '.' | '%' | '\'' | '_') && !c.is_whitespace())
            .filter(|c| !MONEY.contains(c))
            .collect();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return;
        }
        let comma = match bare.rsplit_once(',') {
            Some((whole, part)) => !whole.contains(',') && (part.len() != 3 || whole.contains('.')),
            None => false,
        };
        match (percent, money, comma) {
            (true, ..) => self.percent.see(text),
            (_, true, _) => self.money.see(text),
            (.., true) => self.comma.see(text),
            _ => self.grouped.see(text),
        }
    }

    pub(super) fn note(&self, name: &str) -> Option<String> {
        let Self { seen, dates, percent, money, comma, grouped } = self;
        let numbers = percent.count + money.count + comma.count + grouped.count;
        let (look, what, way_out) = if dates.count * 2 >= *seen {
            (
                dates,
                "dates",
                "`read = { date_format = \"%d/%m/%Y\" }`, or whichever format they have, reads them",
            )
        } else if numbers * 2 >= *seen && numbers > 0 {
            let parts = [
                (
                    percent,
                    "without `%`",
                    "take it away in `query` or `derive`: CAST(replace(x, '%', '') AS REAL)",
                ),
                (
                    money,
                    "without the currency",
                    "take it away in `query` or `derive`: CAST(replace(replace(x, '$', ''), ',', '') AS REAL)",
                ),
                (comma, "with a decimal comma", "`read = { decimal = \",\" }` reads them"),
                (grouped, "with groups of digits", "`read = { thousands = \",\" }` reads them"),
            ];
            let (look, what, way_out) = parts.into_iter().rev().max_by_key(|part| part.0.count)?;
            return Some(said(name, look, &format!("numbers {what}"), way_out));
        } else {
            return None;
        };
        (look.count > 0).then(|| said(name, look, what, way_out))
    }
}

fn said(name: &str, look: &Look, what: &str, way_out: &str) -> String {
    let text: String = look.first.chars().take(40).collect();
    format!(
        "column `{name}` is a category, although texts such as `{text}` look like {what}: {way_out}"
    )
}

/// A date that is not written as ISO 8601 has it: `31/12/2013`, `31.12.13`, `12-31-2013`, `2013/12/31`.
fn is_day_first(text: &str) -> bool {
    let day = text.split([' ', 'T']).next().unwrap_or_default();
    let Some(mark) = day.chars().find(|c| matches!(c, '/' | '.' | '-')) else { return false };
    let parts: Vec<&str> = day.split(mark).collect();
    let digits = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
    };
    let [a, b, c] = parts[..] else { return false };
    digits(b, 1..=2)
        && (digits(a, 1..=2) && (digits(c, 4..=4) || digits(c, 2..=2))
            || digits(a, 4..=4) && digits(c, 1..=2))
}
