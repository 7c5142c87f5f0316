//! Bars on a terminal, calm lines elsewhere.

use std::{
    collections::HashMap,
    io::IsTerminal as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use collegium_engine::{Event, Observer, Quiet};
use collegium_records::Outcome;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::human::{seconds, three};

/// The observer that suits stderr.
pub(crate) fn observer(quiet: bool) -> Arc<dyn Observer> {
    if quiet {
        Arc::new(Quiet)
    } else if std::io::stderr().is_terminal() {
        Arc::new(Bars::new())
    } else {
        Arc::new(Lines::default())
    }
}

/// One bar per running fit, one for the total.
struct Bars {
    all: MultiProgress,
    total: ProgressBar,
    loading: Mutex<Option<(String, ProgressBar)>>,
    fits: Mutex<HashMap<(String, String), ProgressBar>>,
}

impl Bars {
    fn new() -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        let total = ProgressBar::new(0);
        total.set_style(style("{prefix:<28} {bar:24} {pos}/{len} fits  {elapsed_precise}"));
        total.set_prefix("total");
        Self { all, total, loading: Mutex::default(), fits: Mutex::default() }
    }

    fn bar(&self, length: u64, prefix: String, template: &str) -> ProgressBar {
        let bar = self.all.insert_before(&self.total, ProgressBar::new(length));
        bar.set_style(style(template));
        bar.set_prefix(prefix);
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Observer for Bars {
    fn event(&self, event: Event) {
        match event {
            Event::Loading { what, done, of } => {
                let mut loading = hold(&self.loading);
                if loading.as_ref().is_none_or(|(name, _)| *name != what) {
                    if let Some((_, bar)) = loading.take() {
                        bar.finish_and_clear();
                    }
                    let bar = ProgressBar::new(of.unwrap_or(0));
                    let bar = self.all.add(bar);
                    bar.set_style(style("{prefix:<28} {bar:24} {human_pos} rows"));
                    bar.set_prefix(what.clone());
                    *loading = Some((what, bar));
                }
                if let Some((_, bar)) = loading.as_ref() {
                    bar.set_position(done);
                    if of.is_some_and(|of| done >= of) {
                        bar.finish_and_clear();
                        *loading = None;
                    }
                }
            }
            Event::Queued { fits, .. } => {
                if let Some((_, bar)) = hold(&self.loading).take() {
                    bar.finish_and_clear();
                }
                if fits == 0 {
                    return;
                }
                if self.total.length() == Some(0) {
                    self.all.add(self.total.clone());
                    self.total.reset_elapsed();
                }
                self.total.inc_length(fits as u64);
            }
            Event::FitStarted { node, part, epochs } => {
                let bar = self.bar(
                    u64::from(epochs),
                    format!("{node} {part}"),
                    "{prefix:<28} {bar:24} epoch {pos}/{len}  {msg}  {eta} left",
                );
                hold(&self.fits).insert((node, part), bar);
            }
            Event::FitEpoch { node, part, epoch, losses } => {
                if let Some(bar) = hold(&self.fits).get(&(node, part)) {
                    bar.set_position(u64::from(epoch));
                    bar.set_message(format!(
                        "loss {} valid {}",
                        three(losses.train),
                        three(losses.valid)
                    ));
                }
            }
            Event::FitEnded { node, part, .. } => {
                if let Some(bar) = hold(&self.fits).remove(&(node, part)) {
                    bar.finish_and_clear();
                    self.all.remove(&bar);
                }
                self.total.inc(1);
            }
            Event::Node(run) => {
                if run.outcome == Outcome::Failed {
                    let error = run.error.unwrap_or_default();
                    let _ = self.all.println(format!("{} failed: {error}", run.name));
                }
            }
            Event::Note(note) => {
                let _ = self.all.println(format!("note: {note}"));
            }
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.total.finish_and_clear();
        // A terminal that went away cannot be cleared; there is nobody to tell.
        let _ = self.all.clear();
    }
}

/// A line per fit that ended, and per ten seconds of a long one.
#[derive(Default)]
struct Lines {
    spoken: Mutex<HashMap<(String, String), Instant>>,
}

const SILENCE: Duration = Duration::from_secs(10);

impl Observer for Lines {
    fn event(&self, event: Event) {
        match event {
            Event::FitStarted { node, part, .. } => {
                hold(&self.spoken).insert((node, part), Instant::now());
            }
            Event::FitEpoch { node, part, epoch, losses } => {
                let mut spoken = hold(&self.spoken);
                let key = (node, part);
                if let Some(last) = spoken.get_mut(&key)
                    && last.elapsed() > SILENCE
                {
                    *last = Instant::now();
                    let (node, part) = &key;
                    eprintln!(
                        "{node} {part}: epoch {epoch}, loss {}, valid {}",
                        three(losses.train),
                        three(losses.valid)
                    );
                }
            }
            Event::FitEnded { node, part, seconds: time, ok } => {
                hold(&self.spoken).remove(&(node.clone(), part.clone()));
                let how = if ok { "fitted in" } else { "ended without a model after" };
                eprintln!("{node} {part}: {how} {}", seconds(time));
            }
            Event::Node(run) if run.outcome == Outcome::Failed => {
                eprintln!("{} failed: {}", run.name, run.error.unwrap_or_default());
            }
            Event::Note(note) => eprintln!("note: {note}"),
            Event::Loading { .. } | Event::Queued { .. } | Event::Node(_) => {}
        }
    }
}
