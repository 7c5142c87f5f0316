//! A headless Chromium, as far as tests need one.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A page that takes longer than this has hung.
const PATIENCE: Duration = Duration::from_secs(180);

/// A browser that was found on this machine.
pub struct Browser(PathBuf);

impl Browser {
    /// Chromium or Chrome on the path. Without one the caller skips its test, and says so.
    pub fn find(test: &str) -> Option<Self> {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let paths = std::env::var_os("PATH")?;
        let found = std::env::split_paths(&paths)
            .flat_map(|folder| names.map(|name| folder.join(name)))
            .find(|file| file.is_file());
        if found.is_none() {
            eprintln!("SKIPPED {test}: no Chromium on the path, so nobody looked at the page");
        }
        found.map(Self)
    }

    /// Runs it once on a file, in a profile of its own, with the same flags every time: one device
    /// pixel per CSS pixel, no scroll bars, a virtual clock, nothing that asks the network.
    fn run(&self, page: &Path, width: u32, height: u32, flags: &[String]) -> Vec<u8> {
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new(&self.0)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
                "--force-device-scale-factor=1",
                "--force-color-profile=srgb",
                "--font-render-hinting=none",
                "--virtual-time-budget=2000",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("--window-size={width},{height}"))
            .args(flags)
            .arg(format!("file://{}", page.display()))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut stdout, &mut bytes).map(|_| bytes)
        });
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > PATIENCE {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("the browser took more than {PATIENCE:?}");
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        reader.join().unwrap().unwrap()
    }

    /// The page as PNG, in its upper left corner where the window cannot be as narrow.
    pub fn screenshot(&self, html: &str, width: u32, height: u32) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let picture = folder.path().join("page.png");
        let frame = framed(folder.path(), html, width, height);
        self.run(&frame, width, height, &[format!("--screenshot={}", picture.display())]);
        std::fs::read(picture).unwrap()
    }

    /// How many sheets of paper the page is printed on.
    pub fn sheets(&self, html: &str) -> usize {
        let folder = tempfile::tempdir().unwrap();
        let (page, print) = (folder.path().join("page.html"), folder.path().join("page.pdf"));
        std::fs::write(&page, html).unwrap();
        let to = format!("--print-to-pdf={}", print.display());
        self.run(&page, 1280, 2000, &["--no-pdf-header-footer".to_owned(), to]);
        let print = std::fs::read(print).unwrap();
        let text = String::from_utf8_lossy(&print);
        let kinds = text.match_indices("/Type /Page").map(|(at, kind)| &text[at + kind.len()..]);
        kinds.filter(|rest| !rest.starts_with('s')).count()
    }

    /// What `measure.js` finds on the page for somebody who prefers a dark one.
    pub fn measure_dark(&self, html: &str, width: u32) -> Value {
        self.measured(html, width, &["--blink-settings=preferredColorScheme=0".to_owned()])
    }

    /// What `measure.js` finds on the page.
    pub fn measure(&self, html: &str, width: u32) -> Value {
        self.measured(html, width, &[])
    }

    fn measured(&self, html: &str, width: u32, flags: &[String]) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let script = concat!("<script>", include_str!("measure.js"), "</script></body>");
        let frame = framed(folder.path(), &html.replace("</body>", script), width, 2000);
        let flags = [&["--dump-dom".to_owned()], flags].concat();
        let out = String::from_utf8(self.run(&frame, width, 2000, &flags));
        let out = out.unwrap();
        let start = out.find("<pre id=\"measured\">").expect("the script ran") + 19;
        let text = &out[start..start + out[start..].find("</pre>").unwrap()];
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        serde_json::from_str(&text).unwrap()
    }
}

/// Writes the page and a page around it, and returns the latter. No window is narrower than 500
/// pixels; a frame may be.
fn framed(folder: &Path, html: &str, width: u32, height: u32) -> PathBuf {
    const LISTEN: &str = r#"<script>addEventListener("message", (e) => {
        const out = document.createElement("pre");
        out.id = "measured";
        out.textContent = e.data;
        document.body.append(out);
    });</script>"#;
    std::fs::write(folder.join("page.html"), html).unwrap();
    let style = format!("display: block; border: 0; width: {width}px; height: {height}px");
    let around = format!(
        r#"<!DOCTYPE html><meta charset="utf-8"><body style="margin: 0">{LISTEN}<iframe src="page.html" style="{style}"></iframe></body>"#
    );
    let file = folder.join("frame.html");
    std::fs::write(&file, around).unwrap();
    file
}
