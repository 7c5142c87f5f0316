//! Whatever data, names and files hold, a terminal is not written to by them.

use collegium_records::is_hidden;
use proptest::{prelude::*, test_runner::FileFailurePersistence};

use crate::project::{PIPELINE, Project, Said, rows};

/// A string for TOML, with everything but plain letters written as a number.
fn literal(text: &str) -> String {
    let escaped = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '/' => letter.to_string(),
        other => format!("\\U{:08X}", u32::from(other)),
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

/// A cell or a header for CSV.
fn cell(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Nothing that is printed does more than show letters.
#[track_caller]
fn is_harmless(said: &Said, what: &str) {
    for (stream, text) in [("stdout", &said.out), ("stderr", &said.err)] {
        let found = text.chars().find(|letter| is_hidden(*letter));
        assert_eq!(found, None, "{what}, {stream}: {text:?}");
    }
    assert_ne!(said.code, 101, "{what}: {}", said.err);
}

/// A project in which a header, a level, a file's name and a pipeline's name hold this.
fn hostile(text: &str) -> (Project, String) {
    let project = Project::empty();
    let name: String = text.chars().take(40).collect();
    // Brackets would be a pattern of files.
    let data = format!("data/r{}.csv", name.replace(['[', ']'], ""));
    let head = |line: &str| {
        line.replace("unread", &cell(&format!("u{text}"))).replacen(
            ",d,",
            &format!(",{},", cell(&format!("d{text}"))),
            1,
        )
    };
    let all = rows(600);
    let (first, body) = all.split_once('\n').unwrap();
    let body = body.replace("red", &cell(&format!("red{text}")));
    project.write(&format!("pipelines/{data}"), format!("{}\n{body}", head(first)));
    let pipeline = PIPELINE.replace("\"data/rows.csv\"", &literal(&data)).replace(
        "\"rows.d\"",
        &format!("{}, {}", literal(&format!("rows.d{text}")), literal(&format!("rows.u{text}"))),
    );
    let file = format!("pipelines/p{name}.toml");
    project.write(&file, pipeline);
    (project, file)
}

/// What a terminal obeys, ending in a letter: blanks at the end of a name are no part of it.
const SEQUENCES: &str = "(\\x1b\\[31m|\\x1b\\]0;t\\x07|\\x1b\\[2J|\u{9b}2J|\u{202e}|\u{2066}|\u{200b}|\r|\u{7f}|\u{85}|\u{feff}|\u{fdd0}|\u{e0041}|a|é|\u{5d0}){1,5}z";

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 5,
        failure_persistence: None::<Box<FileFailurePersistence>>.map(|one| one as _),
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_command_prints_what_a_terminal_obeys(text in SEQUENCES) {
        let (project, file) = hostile(&text);
        let table = project.files("pipelines").into_keys().find(|name| name.ends_with(".csv")).unwrap();
        let commands: Vec<Vec<&str>> = vec![
            vec!["check"],
            vec!["check", "--json"],
            vec!["plan"],
            vec!["run"],
            vec!["run", "--json"],
            vec!["status"],
            vec!["show"],
            vec!["graph"],
            vec!["graph", "--format", "dot"],
            vec!["why", "final"],
            vec!["audit", "final"],
            vec!["evaluate", "-i", &table],
            vec!["evaluate", "-i", &table, "--json"],
            vec!["predict", "-i", &table, "-o", "out.csv", "--keep", "nothing\x1b[2J"],
            vec!["predict", "-i", &table, "-o", "out.csv"],
            vec!["predict", "--side", "test", "-o", &text],
            vec!["why", &text],
            vec!["run", &text, "--jobs", "\x1b[31m"],
            vec![&text],
        ];
        let mut well = 0;
        for args in commands {
            let mut all = args.clone();
            if !matches!(args[0], "why" | "graph") && args[0] != text {
                all.push(&file);
            }
            let said = project.collegium(&all);
            well += usize::from(said.code == 0);
            is_harmless(&said, &format!("{args:?}"));
        }
        // A table of such names can be worked with; what is wrong is wrong with the names that were made up.
        prop_assert!(well >= 8, "only {well} commands ended well");
        for (name, bytes) in project.files(".collegium/reports") {
            let page = String::from_utf8(bytes).unwrap();
            let found = page.chars().find(|letter| is_hidden(*letter));
            prop_assert_eq!(found, None, "{}", name);
        }
    }

    #[test]
    fn no_error_prints_what_a_terminal_obeys(text in SEQUENCES) {
        let broken = [
            format!("[data.rows]\npath = {}\n", literal(&text)),
            format!("[expert.{}]\ninputs = [{}]\n", literal(&text), literal(&text)),
            // As it is, in a string, a key and a comment of the file.
            format!("# {text}\n[data.rows]\npath = 1 # {text}\n"),
            format!("[data.\"{text}\"]\n{text} = 1\n"),
            PIPELINE.replace("rows.kind", &text),
            PIPELINE.replace("\"rows.kind\"", &literal(&format!("rows.{text}"))),
            PIPELINE.replace("type = \"mlp\"", &format!("type = {}", literal(&text))),
            PIPELINE.replacen("epochs", &literal(&text), 1),
            PIPELINE.replace("path = \"data/rows.csv\"", &format!("path = \"data/rows.csv\"\nderive = {{ n = {} }}", literal(&text))),
        ];
        for pipeline in broken {
            let project = Project::new();
            project.write("pipelines/small.toml", &pipeline);
            for args in [&["check"][..], &["run"], &["check", "--json"]] {
                is_harmless(&project.collegium(args), &format!("{args:?} of {pipeline}"));
            }
        }
        let project = Project::ready();
        project.write("new.csv", format!("id,a,b,c,d\n1,{0},{0},{0},{0}\n", cell(&text)));
        for args in [&["predict", "-i", "new.csv", "-o", "out.csv"][..], &["forget", "--rows", "new.csv"]] {
            is_harmless(&project.collegium(args), &format!("{args:?}"));
        }
    }
}

#[test]
fn data_that_goes_to_a_pipe_stays_as_it_is() {
    let project = Project::ready();
    let text = "\x1b[31mred\u{202e}";
    project.write("new.csv", format!("id,a,b,c,d,note\n1,1,1,1,1,{text}\n"));
    let said = project.collegium(&["predict", "-i", "new.csv", "-o", "-", "--keep", "note"]).ok();
    assert!(said.out.contains(text), "{:?}", said.out);
}

#[test]
fn what_is_shown_of_a_pipeline_reads_back_as_the_same_one() {
    let (project, file) = hostile("\u{202e}\x1b[31m");
    let shown = project.collegium(&["show", &file]).ok().out;
    let again = Project::empty();
    again.restore(&project.files("pipelines"));
    again.write(&file, &shown);
    assert_eq!(again.collegium(&["show", &file]).ok().out, shown);
    again.collegium(&["check", &file]).ok();
}

/// What a terminal of 80 columns is sent while `args` run in it; `None` where there is no `script` to make one.
fn on_a_terminal(project: &Project, args: &[&str]) -> Option<String> {
    let mut command = std::process::Command::new("script");
    let run = "stty cols 80 rows 24; exec \"$COLLEGIUM\" $ARGUMENTS \"$FILE\"";
    let (file, arguments) = args.split_last()?;
    command
        .args(["-qec", run, "/dev/null"])
        .current_dir(project.root())
        .env("COLLEGIUM", env!("CARGO_BIN_EXE_collegium"))
        .env("ARGUMENTS", arguments.join(" "))
        .env("FILE", file)
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .stdin(std::process::Stdio::null());
    match command.output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            eprintln!("SKIPPED: a terminal cannot be made with `script`: {error}");
            None
        }
    }
}

/// Without what moves a cursor along and colours letters, as progress bars do.
fn without_our_sequences(sent: &str) -> String {
    let mut rest = String::new();
    let mut letters = sent.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '\x1b' || letters.peek() != Some(&'[') {
            rest.push(letter);
            continue;
        }
        let mut sequence = String::from(letter);
        for next in letters.by_ref() {
            sequence.push(next);
            if next.is_ascii_alphabetic() {
                break;
            }
        }
        if !sequence.ends_with(['m', 'K', 'A', 'B', 'G', 'l', 'h']) {
            rest.push_str(&sequence);
        }
    }
    rest
}

#[test]
fn a_terminal_is_sent_our_colours_and_bars_and_nothing_of_the_data() {
    let hidden = "\x1b]0;t\x07\x1b[2J\u{9b}2J\u{202e}\u{85}z";
    let (project, file) = hostile(hidden);
    let mut coloured = false;
    for args in [
        vec!["check", &file],
        vec!["run", &file],
        vec!["plan", &file],
        vec!["status", &file],
        vec!["run", "--force", &file],
    ] {
        let Some(sent) = on_a_terminal(&project, &args) else { return };
        coloured |= sent.contains("\x1b[");
        let rest = without_our_sequences(&sent);
        let found = rest.chars().find(|letter| is_hidden(*letter) && !"\r\n".contains(*letter));
        assert_eq!(found, None, "{args:?}: {sent:?}");
        assert!(!rest.trim().is_empty(), "{args:?} says nothing");
    }
    assert!(coloured, "nothing was coloured and no bar was drawn, so no terminal was there");
}
