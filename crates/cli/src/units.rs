//! Parsing of sizes and durations.

use std::time::Duration;

/// Bytes: `0`, `500MB`, `20GB`, `1.5GiB`; a bare number is bytes.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, f64); 13] = [
        ("", 1.0),
        ("b", 1.0),
        ("k", 1e3),
        ("kb", 1e3),
        ("m", 1e6),
        ("mb", 1e6),
        ("g", 1e9),
        ("gb", 1e9),
        ("tb", 1e12),
        ("kib", 1024.0),
        ("mib", 1_048_576.0),
        ("gib", 1_073_741_824.0),
        ("tib", 1_099_511_627_776.0),
    ];
    parse(text, &UNITS).map(|bytes| bytes as u64).ok_or_else(|| {
        format!("`{text}` is not a size; write one like `500MB`, `20GB` or `1.5GiB`")
    })
}

/// A duration: `30m`, `12h`, `7d`; a bare `0` is none at all.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, f64); 5] =
        [("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0), ("w", 604_800.0)];
    let seconds = if text.trim() == "0" { Some(0.0) } else { parse(text, &UNITS) };
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| format!("`{text}` is not a duration; write one like `30m`, `12h` or `7d`"))
}

/// A number with a unit, in any case and with blanks between.
fn parse(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim().to_lowercase();
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    let value = number.parse::<f64>().ok()? * factor;
    value.is_finite().then_some(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let sizes = [("0", 0), ("12", 12), ("500MB", 500_000_000), ("1.5 GiB", 1_610_612_736)];
        for (text, bytes) in sizes {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "MB", "5 miles", "-1GB", "1..5MB", "1e3"] {
            assert!(size(text).unwrap_err().contains("`20GB`"), "{text}");
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        let durations = [("0", 0), ("90s", 90), ("30m", 1800), ("12h", 43_200), ("7d", 604_800)];
        for (text, seconds) in durations {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "7", "tomorrow", "-1d", "1 month"] {
            assert!(duration(text).unwrap_err().contains("`7d`"), "{text}");
        }
    }
}
