//! The last line of a command that went wrong: where more is said of it.

use collegium_records::Code;

/// More than these nobody looks up at once.
const SHOWN: usize = 3;
/// What stands before the first command.
const HEAD: &str = "for more: ";

/// Names the commands that explain some different codes, unless little is to be said.
pub(crate) fn tell(quiet: bool, codes: &[Code]) {
    if quiet {
        return;
    }
    if let Some(text) = text(codes, textwrap::termwidth()) {
        tell!("\n{text}");
    }
}

fn text(codes: &[Code], width: usize) -> Option<String> {
    // Somebody who pressed Ctrl-C knows why.
    let named = codes.iter().filter(|code| **code != Code::Interrupted).take(SHOWN);
    let mut lines: Vec<String> = Vec::new();
    for code in named {
        let command = format!("`collegium explain {code}`");
        match lines.last_mut() {
            Some(line) if line.len() + 2 + command.len() <= width => {
                line.push_str(&format!(", {command}"));
            }
            Some(line) => {
                line.push(',');
                lines.push(format!("{:1$}{command}", "", HEAD.len()));
            }
            None => lines.push(format!("{HEAD}{command}")),
        }
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn three_codes_are_named_in_lines_that_fit() {
        let codes = [Code::BadName, Code::UnknownKey, Code::ValueOfAnotherType, Code::Cycle];
        insta::assert_snapshot!(text(&codes, 80).unwrap(), @r"
        for more: `collegium explain bad-name`, `collegium explain unknown-key`,
                  `collegium explain value-of-another-type`
        ");
    }

    #[test]
    fn nothing_is_said_of_nothing_or_of_a_stop_that_somebody_asked_for() {
        assert_eq!(text(&[], 80), None);
        assert_eq!(text(&[Code::Interrupted], 80), None);
    }
}
