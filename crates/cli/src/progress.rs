//! Progress bars on a terminal, plain lines elsewhere.

use std::{
    collections::HashMap,
    io::IsTerminal as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use collegium_engine::{Event, Observer, Quiet};
use collegium_records::{Outcome, printable, printable_line};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::human::{count, seconds, three};

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
    /// From the first fit to the end of the run.
    total: Mutex<Option<ProgressBar>>,
    loading: Mutex<Option<(String, ProgressBar)>>,
    /// From the first view of an audit to the last.
    audit: Mutex<Option<ProgressBar>>,
    fits: Mutex<HashMap<(String, String), ProgressBar>>,
}

impl Bars {
    fn new() -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        let (total, loading) = (Mutex::default(), Mutex::default());
        Self { all, total, loading, audit: Mutex::default(), fits: Mutex::default() }
    }

    /// Adds fits to the total, which is shown below all other bars.
    fn queue(&self, fits: usize) {
        let mut total = hold(&self.total);
        let bar = total.get_or_insert_with(|| {
            let bar = self.all.add(ProgressBar::new(0));
            bar.set_style(style("{prefix:<28.28} {bar:16} {pos}/{len} fits  {elapsed}"));
            bar.set_prefix("total");
            bar
        });
        bar.inc_length(fits as u64);
    }

    /// Shows how far an audit is.
    fn auditing(&self, said: &str, done: u64, of: u64) {
        let mut audit = hold(&self.audit);
        let bar = audit.get_or_insert_with(|| {
            let bar = self.all.add(ProgressBar::new(of));
            bar.set_style(style(
                "{prefix:<28.28} {bar:16} {percent:>3} % {eta:>4} left  {wide_msg}",
            ));
            bar.set_prefix("audit");
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        bar.set_position(done);
        bar.set_message(printable_line(said).into_owned());
        if done >= of {
            bar.finish_and_clear();
            *audit = None;
        }
    }

    fn fit(&self, epochs: u32, prefix: String) -> ProgressBar {
        let bar = ProgressBar::new(u64::from(epochs));
        let bar = match hold(&self.total).as_ref() {
            Some(total) => self.all.insert_before(total, bar),
            None => self.all.add(bar),
        };
        bar.set_style(style(match epochs {
            // A closed form has no epochs to count.
            0 => "{prefix:<28.28} {spinner} {wide_msg}",
            _ => "{prefix:<28.28} {bar:16} epoch {pos:>3}/{len:<3} {eta:>3} left  {wide_msg}",
        }));
        bar.set_prefix(printable_line(&prefix).into_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// Takes every bar off the terminal.
    fn clear(&self) {
        for (_, bar) in hold(&self.fits).drain() {
            bar.finish_and_clear();
        }
        let loading = hold(&self.loading).take().map(|(_, bar)| bar);
        let others = [hold(&self.total).take(), hold(&self.audit).take()];
        for bar in loading.into_iter().chain(others.into_iter().flatten()) {
            bar.finish_and_clear();
        }
        // A terminal that went away cannot be cleared; there is nobody to tell.
        let _ = self.all.clear();
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
                    bar.set_style(style("{prefix:<28.28} {bar:16} {human_pos} rows"));
                    bar.set_prefix(printable_line(&what).into_owned());
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
            Event::Loaded => {
                if let Some((_, bar)) = hold(&self.loading).take() {
                    bar.finish_and_clear();
                }
            }
            Event::Queued { fits, .. } => {
                if fits > 0 {
                    self.queue(fits);
                }
            }
            Event::FitStarted { node, part, epochs } => {
                let bar = self.fit(epochs, format!("{node} {part}"));
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
                if let Some(total) = hold(&self.total).as_ref() {
                    total.inc(1);
                }
            }
            Event::Trial { .. } => {
                if let Some(total) = hold(&self.total).as_ref() {
                    total.inc(1);
                }
            }
            Event::Auditing { node, view, done, of } => {
                let view = view.map_or_else(String::new, |view| format!(": {view}"));
                self.auditing(&format!("{node}{view}"), done, of);
            }
            Event::Node(run) => {
                if run.outcome == Outcome::Failed {
                    let error = run.error.unwrap_or_default();
                    let said = format!("{} failed: {error}", run.name);
                    let _ = self.all.println(printable(&said));
                }
            }
            Event::Note(note) => {
                let _ = self.all.println(printable(&format!("note: {note}")));
            }
            Event::Ended => self.clear(),
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A line per fit that ended, and per ten seconds of a long one.
#[derive(Default)]
struct Lines {
    spoken: Mutex<HashMap<(String, String), Instant>>,
    /// When an audit began, and when it last said something.
    audit: Mutex<Option<[Instant; 2]>>,
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
                    tell!(
                        "{node} {part}: epoch {epoch}, loss {}, valid {}",
                        three(losses.train),
                        three(losses.valid)
                    );
                }
            }
            Event::FitEnded { node, part, seconds: time, ok } => {
                hold(&self.spoken).remove(&(node.clone(), part.clone()));
                let how = if ok { "fitted in" } else { "ended without a model after" };
                tell!("{node} {part}: {how} {}", seconds(time));
            }
            Event::Trial { node, trial, epochs, loss } => {
                let loss = loss
                    .map_or_else(|| "no model".to_owned(), |loss| format!("loss {}", three(loss)));
                tell!("{node} trial {trial}: {loss} after {}", count(epochs as usize, "epoch"));
            }
            Event::Auditing { node, view: None, .. } => {
                hold(&self.audit).get_or_insert_with(|| [Instant::now(); 2]);
                tell!("auditing {node}");
            }
            Event::Auditing { node, view: Some(view), done, of } => {
                if let Some([began, spoken]) = hold(&self.audit).as_mut()
                    && spoken.elapsed() > SILENCE
                    && done > 0
                {
                    *spoken = Instant::now();
                    let share = done as f64 / of as f64;
                    let left = began.elapsed().as_secs_f64() * (1.0 - share) / share;
                    tell!(
                        "auditing {node}: {view}; {:.0} % done, about {} left",
                        100.0 * share,
                        seconds(left)
                    );
                }
            }
            Event::Node(run) if run.outcome == Outcome::Failed => {
                tell!("{} failed: {}", run.name, run.error.unwrap_or_default());
            }
            Event::Note(note) => tell!("note: {note}"),
            Event::Loading { .. }
            | Event::Loaded
            | Event::Queued { .. }
            | Event::Node(_)
            | Event::Ended => {}
        }
    }
}
