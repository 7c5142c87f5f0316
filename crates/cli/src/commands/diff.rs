//! `collegium diff`: comparison of two versions of a lock file.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use collegium_audit::Version;
use collegium_engine::{Session, mended};
use collegium_records::{
    Changed, Code, DiffReport, DiffStatus, Interval, MetricDiff, NodeDiff, RotatedDiff,
};
use collegium_store::{parse_lock, read_lock};

use super::print_json;
use crate::{
    args::Args,
    failure::Failure,
    human::{count, table, three},
    locate::split,
};

pub(crate) fn diff(
    args: &Args,
    a: &str,
    b: &str,
    targets: &[String],
    seeds: u32,
) -> Result<ExitCode, Failure> {
    let (named, nodes) = split(targets)?;
    let (session, _) = crate::session::open(args, named.as_deref())?;
    let (a, b) = (version(&session, a)?, version(&session, b)?);
    let report = mended(|| collegium_audit::diff(&session, &a, &b, &nodes, seeds))?;
    crate::session::say_notes(&session);
    if args.json {
        print_json(&report)?;
    } else {
        crate::human::put(&words(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A lock file, the present lock, or the lock in a git revision.
fn version(session: &Session, name: &str) -> Result<Version, Failure> {
    let path = session.lock_path();
    let (lock, name) = if name == "." {
        (read_lock(&path)?, "now".to_owned())
    } else if Path::new(name).extension().is_some_and(|e| e == "lock") && Path::new(name).is_file()
    {
        (read_lock(Path::new(name))?, name.to_owned())
    } else {
        let label = PathBuf::from(format!("{name}:{}", path.display()));
        (parse_lock(&label, in_git(&path, name)?)?, name.to_owned())
    };
    Ok(Version { name, lock })
}

/// git, in the folder of a file.
pub(super) fn git(file: &Path) -> Command {
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    let mut command = Command::new("git");
    command.arg("-C").arg(folder.unwrap_or(Path::new(".")));
    command
}

/// The bytes of a file in a git revision.
fn in_git(path: &Path, revision: &str) -> Result<Vec<u8>, Failure> {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let said = git(path)
        .args(["show", "--end-of-options", &format!("{revision}:./{file}")])
        .output()
        .map_err(|error| {
            Failure::usage(Code::NoSuchVersion, format!(
                "`{revision}` is no lock file, and git, which could know it as a revision, cannot be \
                 run: {error}"
            ))
        })?;
    if said.status.success() {
        return Ok(said.stdout);
    }
    let why = String::from_utf8_lossy(&said.stderr);
    let why = why.lines().next().unwrap_or_default().trim_start_matches("fatal: ").to_owned();
    Err(Failure::usage(
        Code::NoSuchVersion,
        format!(
            "`{revision}` is neither a lock file nor a git revision that holds {file}: {why}; is the lock \
         committed?"
        ),
    ))
}

fn words(report: &DiffReport) -> String {
    // A node that stayed may have another mean: of other rotations, or of upstreams that changed in one of them.
    let is_same = |node: &&NodeDiff| node.status == DiffStatus::Same && node.rotated.is_none();
    let same = report.nodes.iter().filter(is_same).count();
    let mut text = format!("{}: {} → {}\n", report.pipeline, report.a, report.b);
    for note in &report.notes {
        text.push_str(&crate::human::sentence("note: ", note));
    }
    for node in report.nodes.iter().filter(|node| !is_same(node)) {
        text.push('\n');
        text.push_str(&one(node));
    }
    if same > 0 {
        text.push_str(&format!("\n{} the same\n", count(same, "expert")));
    }
    text
}

/// Metrics of two versions; nothing without any.
fn metrics(title: &str, of: &BTreeMap<String, MetricDiff>, headline: Option<&str>) -> String {
    if of.is_empty() {
        return String::new();
    }
    let head = [title, "before", "after", "difference", "95 %"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    // The one that stands for it first.
    let is_first = |name: &str| headline == Some(name);
    let mut of: Vec<(&String, &MetricDiff)> = of.iter().collect();
    of.sort_by_key(|(name, _)| !is_first(name));
    for (name, diff) in of {
        let apart = [format!("{:+.4}", diff.difference), range(diff.interval)];
        rows.push(
            [vec![name.clone(), three(diff.before), three(diff.after)], apart.into()].concat(),
        );
    }
    indented(&table(&rows, &[1, 2, 3]))
}

/// The headline over rotated sides in both versions.
fn over_rotations(of: &RotatedDiff) -> String {
    let (before, after) = (of.before.each.len(), of.after.each.len());
    let title = match before == after {
        true => format!("mean of {after} rotations"),
        false => format!("mean of rotations ({before} and {after})"),
    };
    let head = [title.as_str(), "before", "after", "difference", "95 %"];
    let apart = of.difference.as_ref().map_or_else(
        || ["–".to_owned(), String::new()],
        |less| [format!("{:+.4}", less.mean), range(less.interval)],
    );
    let values = vec![of.metric.clone(), three(of.before.mean), three(of.after.mean)];
    let rows = [head.map(str::to_owned).to_vec(), [values, apart.into()].concat()];
    let mut text = indented(&table(&rows, &[1, 2, 3]));
    if let Some(why) = &of.not_paired {
        text.push_str(&crate::human::sentence("  note: no paired difference: ", why));
    }
    text
}

fn range(interval: Option<Interval>) -> String {
    interval.map_or_else(String::new, |i| format!("{:+.4} to {:+.4}", i.low, i.high))
}

fn one(node: &NodeDiff) -> String {
    let what = match node.status {
        DiffStatus::Same => "the same",
        DiffStatus::Moved => "the same model on other inputs",
        DiffStatus::Changed => "another model",
        DiffStatus::Added => "new",
        DiffStatus::Removed => "gone",
    };
    let mut text = format!("{}: {what}\n", node.name);
    let rows = |head: &[&str]| vec![head.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>()];
    if !node.recipe.is_empty() {
        let mut recipe = rows(&["ingredient", "before", "after"]);
        for change in &node.recipe {
            let shown = |side: &Option<String>| side.clone().unwrap_or_else(|| "–".to_owned());
            let cells = [change.ingredient.clone(), shown(&change.before), shown(&change.after)];
            recipe.push(cells.into());
        }
        text.push_str(&indented(&table(&recipe, &[])));
    }
    if let Some(rotated) = &node.rotated {
        text.push_str(&over_rotations(rotated));
    }
    text.push_str(&metrics("metric on test rows", &node.metrics, node.headline.as_deref()));
    if let Some(old) = &node.old_rows {
        let new = old.added.join(" and ");
        text.push_str(&metrics(
            &format!("on {} rows not of {new}", old.rows),
            &old.metrics,
            node.headline.as_deref(),
        ));
    }
    if let Some(flipped) = &node.flipped {
        text.push_str(&format!(
            "  predicted classes of {} test rows: {} fixed, {} broken, {} wrong in another way\n",
            flipped.rows, flipped.fixed, flipped.broken, flipped.otherwise
        ));
    }
    if !node.importance.is_empty() {
        let mut shares = rows(&["AGOP share", "before", "after", "other seeds", ""]);
        for one in &node.importance {
            let band =
                one.band.map_or_else(String::new, |b| format!("{:.3} to {:.3}", b.low, b.high));
            let beyond = match one.beyond_seeds {
                Some(true) => "more than seeds do",
                _ => "",
            };
            let (before, after) = (format!("{:.3}", one.before), format!("{:.3}", one.after));
            shares.push(vec![one.input.clone(), before, after, band, beyond.to_owned()]);
        }
        text.push_str(&indented(&table(&shares, &[1, 2])));
    }
    if let Some(comparison) = &node.comparison {
        let changed = match comparison.changed {
            Changed::Yes => "yes",
            Changed::No => "no",
            Changed::CannotTell => "cannot tell",
        };
        let said = format!("{changed}. {}", comparison.reason);
        text.push_str(&crate::human::sentence("  importances changed: ", &said));
    }
    for note in &node.notes {
        text.push_str(&crate::human::sentence("  note: ", note));
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
