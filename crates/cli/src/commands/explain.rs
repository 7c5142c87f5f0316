//! `collegium explain`

use std::{fmt::Write as _, process::ExitCode};

use collegium_records::{Code, CodeLine, CodeList, Explanation, FORMAT_VERSION, Subject};

use super::print_json;
use crate::{args::Args, failure::Failure, human::put, pages::explanation};

/// Columns that are used of a wider terminal.
const WIDTH: usize = 80;
/// The longest name of a code and two blanks.
const COLUMN: usize = 28;

pub(crate) fn explain(args: &Args, named: Option<&str>) -> Result<ExitCode, Failure> {
    match named {
        None => list(args)?,
        Some(name) => {
            let code = Code::of_name(name).ok_or_else(|| unknown(name))?;
            let found = explanation(code);
            match args.json {
                true => print_json(&found)?,
                false => put(&words(&found, textwrap::termwidth().min(WIDTH)))?,
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn unknown(name: &str) -> Failure {
    let names = Code::ALL.iter().map(|code| code.name());
    let help = match collegium_manifest::suggest(name, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`collegium explain` lists them all".to_owned(),
    };
    Failure::usage(Code::UnknownChoice, format!("there is no code `{name}`; {help}"))
}

fn list(args: &Args) -> Result<(), Failure> {
    if args.json {
        let line =
            |&code: &Code| CodeLine { code, subject: code.subject(), line: code.line().to_owned() };
        let codes = Code::ALL.iter().map(line).collect();
        return print_json(&CodeList { format_version: FORMAT_VERSION, codes });
    }
    let mut text = String::new();
    for subject in Subject::ALL {
        let _ = writeln!(text, "{}", subject.heading());
        for code in Code::ALL.iter().filter(|code| code.subject() == subject) {
            let _ = writeln!(text, "  {:COLUMN$}{}", code.name(), code.line());
        }
        text.push('\n');
    }
    text.push_str("`collegium explain CODE` says more of one.\n");
    put(&text)
}

/// A page as a terminal shows it: at most 25 lines of 80 columns.
fn words(page: &Explanation, width: usize) -> String {
    let fill =
        |text: &str| textwrap::fill(text, textwrap::Options::new(width).break_words(false)) + "\n";
    let mut text = fill(&format!("{}: {}", page.code, page.line));
    for paragraph in &page.text {
        text.push('\n');
        text.push_str(&fill(paragraph));
    }
    text.push('\n');
    for example in &page.examples {
        let _ = writeln!(text, "{}:", example.label);
        for line in example.text.lines() {
            let _ = writeln!(text, "{}", format!("    {line}").trim_end());
        }
    }
    text.push('\n');
    text.push_str(&fill(&format!("what to do: {}", page.way_out)));
    text.push_str(&fill(&format!("more: {}", page.pages.join(", "))));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_read_at_one_glance() {
        let mut long = Vec::new();
        for &code in Code::ALL {
            let shown = words(&explanation(code), WIDTH);
            let widest = shown.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            let count = shown.lines().count();
            if count > 25 || widest > WIDTH {
                long.push(format!("{code}: {count} lines of up to {widest} columns"));
            }
        }
        assert!(long.is_empty(), "{}", long.join("\n"));
    }

    #[test]
    fn every_line_of_the_index_fits() {
        for code in Code::ALL {
            assert!(code.name().len() < COLUMN, "{code}");
            assert!(2 + COLUMN + code.line().chars().count() <= WIDTH, "{code}");
        }
    }
}
