//! Places that the command line names for a result: what is no regular file stays what it is, a link's
//! target is replaced, and a place that cannot be written is exit code 7.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::project::{Project, Said, rows};

/// Every option that names an output; the place comes last.
const WAYS: [&[&str]; 4] = [
    &["predict", "-q", "-i", "new.csv", "-o"],
    &["predict", "-q", "--side", "test", "-o"],
    &["audit", "-q", "size", "-o"],
    &["evaluate", "-q", "-i", "new.csv", "--report"],
];

/// The small project after a run, with rows that no model has seen.
fn project() -> Project {
    let project = Project::ready();
    let all = rows(640);
    let mut lines = all.lines();
    let head = lines.next().unwrap();
    let new: Vec<&str> = std::iter::once(head).chain(lines.skip(600)).collect();
    project.write("new.csv", new.join("\n") + "\n");
    project
}

fn to(project: &Project, way: &[&str], place: &str) -> Said {
    project.collegium(&[way, &[place]].concat())
}

/// What such a result begins with.
fn head(way: &[&str]) -> &'static str {
    if way[0] == "predict" && way[3] == "test" {
        "row,side,"
    } else if way[0] == "predict" {
        "size.value,"
    } else {
        "<!DOCTYPE html>"
    }
}

/// No name of a file that was being written is left in the project's folder.
#[track_caller]
fn nothing_is_left(project: &Project) {
    let left = fs::read_dir(project.root()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_str().unwrap().ends_with(".part")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_device_stays_a_device_whoever_writes_to_it() {
    let project = project();
    for way in WAYS {
        to(&project, way, "/dev/null").ok();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device(), "{way:?}");
        symlink("/dev/null", project.path("null.csv")).unwrap();
        to(&project, way, "null.csv").ok();
        assert!(fs::symlink_metadata(project.path("null.csv")).unwrap().is_symlink(), "{way:?}");
        fs::remove_file(project.path("null.csv")).unwrap();
        to(&project, way, "/dev/full").fails(7, &["/dev/full", "run again"]);
    }
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    nothing_is_left(&project);
    let said = to(&project, WAYS[2], "/dev/null").ok();
    assert!(said.out.contains("only written beside a file"), "{}", said.out);
}

#[test]
fn a_pipe_gets_the_whole_result_and_stays_a_pipe() {
    let project = project();
    let pipe = project.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for way in WAYS {
        let reading = pipe.clone();
        let reader = std::thread::spawn(move || fs::read_to_string(reading).unwrap());
        to(&project, way, "pipe").ok();
        let read = reader.join().unwrap();
        assert!(
            read.starts_with(head(way)) && read.ends_with('\n') | read.ends_with('>'),
            "{way:?}"
        );
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo(), "{way:?}");
    }
    let names = fs::read_dir(project.root()).unwrap().map(|entry| entry.unwrap().file_name());
    let beside: Vec<_> = names.filter(|name| name.to_str().unwrap().starts_with("pipe.")).collect();
    assert!(beside.is_empty(), "{beside:?}");
}

#[test]
fn standard_output_has_many_names_and_gets_the_result_alone() {
    let project = project();
    for way in WAYS {
        for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
            let said = to(&project, way, name).ok();
            assert!(said.out.starts_with(head(way)), "{way:?} {name}: {}", said.out);
            let tail = said.out.trim_end();
            assert!(head(way) != "<!DOCTYPE html>" || tail.ends_with("</html>"), "{way:?} {name}");
        }
        // A file that stdout was sent to is written to where it stands.
        let log = project.path("log");
        fs::write(&log, "first\n").unwrap();
        let file = OpenOptions::new().append(true).open(&log).unwrap();
        let mut command = project.command(&[way, &["/dev/stdout"]].concat());
        assert!(command.stdout(file).status().unwrap().success());
        let text = project.read("log");
        assert!(text.starts_with(&format!("first\n{}", head(way))), "{way:?}: {text}");
        let both = [way, &["/dev/stdout", "--json"]].concat();
        project.collegium(&both).fails(2, &["both want standard output"]);
    }
}

#[test]
fn a_link_is_followed_and_the_file_at_its_end_is_replaced_or_made() {
    let project = project();
    for way in WAYS {
        fs::create_dir_all(project.path("below")).unwrap();
        project.write("below/target.csv", "before");
        fs::set_permissions(project.path("below/target.csv"), Permissions::from_mode(0o640))
            .unwrap();
        symlink("below/target.csv", project.path("link.csv")).unwrap();
        to(&project, way, "link.csv").ok();
        assert!(project.read("below/target.csv").starts_with(head(way)), "{way:?}");
        let mode = fs::metadata(project.path("below/target.csv")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640, "{way:?}");
        fs::remove_file(project.path("below/target.csv")).unwrap();
        to(&project, way, "link.csv").ok();
        assert!(project.read("below/target.csv").starts_with(head(way)), "{way:?}");
        assert!(fs::symlink_metadata(project.path("link.csv")).unwrap().is_symlink(), "{way:?}");
        fs::remove_file(project.path("link.csv")).unwrap();
    }
    nothing_is_left(&project);
}

#[test]
fn a_folder_is_refused_and_keeps_what_is_in_it() {
    let project = project();
    project.write("folder.csv/mine", "kept");
    for way in WAYS {
        to(&project, way, "folder.csv").fails(7, &["folder.csv", "it is a folder"]);
        assert_eq!(project.read("folder.csv/mine"), "kept", "{way:?}");
    }
    nothing_is_left(&project);
}

#[test]
fn a_file_or_a_folder_that_may_not_be_written_is_left_alone() {
    let project = project();
    fs::create_dir(project.path("closed")).unwrap();
    fs::set_permissions(project.path("closed"), Permissions::from_mode(0o555)).unwrap();
    if fs::write(project.path("closed/mine"), "").is_ok() {
        eprintln!("SKIPPED places that may not be written: this user may write everywhere");
        return;
    }
    project.write("mine.csv", "kept");
    fs::set_permissions(project.path("mine.csv"), Permissions::from_mode(0o444)).unwrap();
    for way in WAYS {
        to(&project, way, "mine.csv").fails(7, &["mine.csv", "does not permit it"]);
        assert_eq!(project.read("mine.csv"), "kept", "{way:?}");
        to(&project, way, "closed/new.csv").fails(7, &["closed/new.csv"]);
    }
}

#[test]
fn what_the_pipeline_reads_is_not_replaced_by_a_report() {
    let project = project();
    let before = project.files("pipelines");
    for way in WAYS {
        // Rows of these names could be written, too.
        for place in ["pipelines/data/rows.csv", "pipelines/small.toml"] {
            let said = to(&project, way, place);
            assert!(matches!(said.code, 2 | 3), "{way:?} {place}: {}", said.err);
        }
    }
    to(&project, WAYS[3], "new.csv").fails(2, &["would replace new.csv"]);
    assert!(project.files("pipelines") == before);
}

#[test]
fn beside_a_report_nothing_but_its_own_files_is_replaced() {
    let project = project();
    project.write("mine", "kept");
    symlink("mine", project.path("report.json")).unwrap();
    to(&project, WAYS[2], "report.html").fails(7, &["report.json", "no regular file"]);
    fs::remove_file(project.path("report.json")).unwrap();
    fs::create_dir(project.path("elsewhere")).unwrap();
    symlink("elsewhere", project.path("report.cards")).unwrap();
    to(&project, WAYS[2], "report.html").fails(7, &["report.cards"]);
    assert_eq!(project.read("mine"), "kept");
    assert!(project.files("elsewhere").is_empty());
    assert!(!project.path("report.html").exists(), "all or nothing");
    symlink("mine", project.path("out.csv.provenance.json")).unwrap();
    to(&project, WAYS[0], "out.csv").fails(7, &["out.csv.provenance.json"]);
    assert!(!project.path("out.csv").exists());
    assert_eq!(project.read("mine"), "kept");
    nothing_is_left(&project);
}

#[test]
fn reports_of_the_store_are_written_through_no_link() {
    let project = project();
    let elsewhere = Project::empty();
    symlink(elsewhere.root(), project.path(".collegium/reports")).unwrap();
    for args in [&["audit", "-q", "size"][..], &["run", "-q", "--audit", "size"]] {
        project.collegium(args).fails(7, &["links are not followed"]);
        assert!(elsewhere.files("").is_empty());
    }
}

#[test]
fn what_a_killed_prediction_left_is_removed_by_the_next_one() {
    let project = project();
    let text = rows(600);
    let (head, body) = text.split_once('\n').unwrap();
    project.write("many.csv", format!("{head}\n{}", body.repeat(250)));
    let part = || {
        let names = fs::read_dir(project.root()).unwrap().map(|e| e.unwrap().file_name());
        names.map(|n| n.into_string().unwrap()).find(|name| name.ends_with(".part"))
    };
    let mut child = project.command(&["predict", "-q", "-i", "many.csv", "-o", "out.csv"]);
    let mut child = child.stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while part().is_none() {
        assert!(child.try_wait().unwrap().is_none(), "it was too fast to be killed");
        assert!(started.elapsed() < Duration::from_secs(120), "it never wrote");
        std::thread::sleep(Duration::from_millis(1));
    }
    // Another prediction beside a living one leaves it alone.
    let living = part();
    to(&project, WAYS[0], "other.csv").ok();
    if child.try_wait().unwrap().is_none() {
        assert_eq!(part(), living);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    if part().is_none() {
        fs::write(project.path(".collegium-k1lled.part"), "half").unwrap();
    }
    to(&project, WAYS[0], "out.csv").ok();
    nothing_is_left(&project);
}

#[test]
fn a_result_that_cannot_be_written_to_standard_output_is_code_7() {
    let project = project();
    let commands: [&[&str]; 8] = [
        &["run"],
        &["run", "--json"],
        &["plan", "--json"],
        &["status"],
        &["check", "--json"],
        &["predict", "-i", "new.csv", "-o", "-"],
        &["schema"],
        &["--help"],
    ];
    for args in commands {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = project.command(args).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(7), "{args:?}: {said}");
    }
    // Nobody to tell is no failure.
    let full = File::options().write(true).open("/dev/full").unwrap();
    assert!(project.command(&["check"]).stderr(full).status().unwrap().success());
}
