//! Parsing and writing of memory sizes: `"2 GiB"`.

/// The units, by their exact names, with their bytes.
pub(crate) const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("KB", 1000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
    ("TB", 1_000_000_000_000),
    ("TiB", 1 << 40),
];

/// What [`parse`] reads, for the JSON Schema.
pub(crate) const PATTERN: &str = "^[0-9]+(\\.[0-9]+)? *(B|KB|KiB|MB|MiB|GB|GiB|TB|TiB)$";

/// Why a text is no size.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Slip<'a> {
    /// It does not begin with a number.
    NoNumber,
    /// It is a number alone.
    NoUnit,
    /// The number is followed by something else than a unit.
    Unit {
        /// As it is written.
        number: &'a str,
        /// What stands in the unit's place.
        unit: &'a str,
    },
    /// More bytes than 64 bits count.
    TooLarge,
}

/// Bytes of a number and a unit; spaces between them are allowed, and so are fractions.
pub(crate) fn parse(text: &str) -> Result<u64, Slip<'_>> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..end], text[end..].trim_start());
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return Err(Slip::NoNumber);
    }
    if unit.is_empty() {
        return Err(Slip::NoUnit);
    }
    let Some((_, bytes)) = UNITS.into_iter().find(|(name, _)| *name == unit) else {
        return Err(Slip::Unit { number, unit });
    };
    let parts = whole.parse::<u64>().ok().zip(format!("0.{fraction}").parse::<f64>().ok());
    // The fraction is below one unit: its bytes are exact to the last, whatever the whole part is.
    parts
        .and_then(|(whole, fraction)| {
            whole.checked_mul(bytes)?.checked_add((fraction * bytes as f64).round() as u64)
        })
        .ok_or(Slip::TooLarge)
}

/// The unit that was probably meant: it begins with the same letter, and of two such the binary one.
pub(crate) fn suggest(wrong: &str) -> Option<&'static str> {
    let folded = wrong.to_lowercase();
    let names = || UNITS.iter().rev().map(|(name, _)| *name);
    let same = names().find(|name| name.to_lowercase() == folded);
    same.or_else(|| {
        names().find(|name| name.to_lowercase().chars().next() == folded.chars().next())
    })
}

/// The shortest text that [`parse`] reads back: the largest binary unit that divides it.
pub(crate) fn write(bytes: u64) -> String {
    let units = UNITS.into_iter().rev().filter(|(_, unit)| unit.is_power_of_two());
    let (name, unit) =
        units.into_iter().find(|(_, unit)| bytes.is_multiple_of(*unit)).unwrap_or(("B", 1));
    format!("{} {name}", bytes / unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_size_is_a_number_and_a_unit() {
        for (text, bytes) in [
            ("7 B", 7),
            ("3KB", 3000),
            ("3 KiB", 3072),
            ("1.5 MB", 1_500_000),
            ("1.5MiB", 1_572_864),
            (" 2  GB ", 2_000_000_000),
            ("2 GiB", 1 << 31),
            ("0.5 TB", 500_000_000_000),
            ("1 TiB", 1 << 40),
            ("18446744073709551615 B", u64::MAX),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_says_why() {
        for text in ["", "GiB", "-2 GiB", ".5 GiB", "5. GiB", "1.2.3 GiB", "two GiB"] {
            assert_eq!(parse(text), Err(Slip::NoNumber), "{text}");
        }
        assert_eq!(parse("2"), Err(Slip::NoUnit));
        assert_eq!(parse("2 gib"), Err(Slip::Unit { number: "2", unit: "gib" }));
        assert_eq!(parse("1e3 MiB"), Err(Slip::Unit { number: "1", unit: "e3 MiB" }));
        assert_eq!(parse("16777216 TiB"), Err(Slip::TooLarge));
        assert_eq!(parse("99999999999999999999 B"), Err(Slip::TooLarge));
    }

    #[test]
    fn a_wrong_unit_suggests_the_one_that_was_meant() {
        for (wrong, meant) in [("gib", "GiB"), ("mb", "MB"), ("G", "GiB"), ("kilobytes", "KiB")] {
            assert_eq!(suggest(wrong), Some(meant), "{wrong}");
        }
        assert_eq!(suggest("bytes"), Some("B"));
        assert_eq!(suggest("PiB"), None);
    }

    #[test]
    fn the_schemas_pattern_names_every_unit() {
        let names = UNITS.map(|(name, _)| name).join("|");
        assert!(PATTERN.ends_with(&format!("({names})$")), "{PATTERN}");
    }

    #[test]
    fn a_size_is_written_with_the_largest_unit_that_divides_it() {
        assert_eq!(write(2 << 30), "2 GiB");
        assert_eq!(write(1536 << 20), "1536 MiB");
        assert_eq!(write(1_500_000), "1500000 B");
    }

    proptest! {
        #[test]
        fn any_size_reads_back(bytes: u64, shift in 0_u32..64) {
            let bytes = bytes >> shift << (shift / 2);
            let written = write(bytes);
            prop_assert_eq!(parse(&written), Ok(bytes));
        }
    }
}
