//! The page as a browser draws it, at the width of a laptop and of a phone.
//!
//! What can be said outright is checked outright, in the browser: the page is as wide as the window
//! and nothing reaches beyond it, no two words of a chart lie on each other, and every piece of text
//! has the contrast of WCAG 2.1 AA against what lies behind it. All folds are open for that.
//!
//! The golden files catch what nobody thought of. Pixels cannot be compared: fonts and their
//! rasterisers differ between machines, and a line that wraps once more moves everything below it.
//! Therefore the page is cut at its headings, and each block is reduced to luminances on a grid of 64
//! columns and a row per 50 pixels of its height, as it was when the golden file was made. A block
//! may then be a little taller or shorter, and letters are too small to matter; a chart that is
//! missing, empty, black or in the wrong place is not. Where text is exactly as wide as it was (the
//! same fonts), the tolerance is strict; elsewhere it is loose, and the test says so. The golden
//! picture is a strip of all blocks: a person can still recognise the page in it.
//!
//! `UPDATE_GOLDEN=1` writes the files anew; look at the page before you commit them.

#![allow(clippy::unwrap_used, clippy::print_stderr, unreachable_pub)]

use std::path::{Path, PathBuf};

use collegium_report::html;
use serde_json::Value;

mod browser;
mod sample;

use browser::Browser;

const COLUMNS: usize = 64;
/// Pixels of height that became a row.
const ROW: f64 = 50.0;

/// How much a block may differ. Measured: 0 between two runs with the same fonts; with Liberation
/// Serif in place of DejaVu Sans up to 7.9 on average, 71 in a cell, and .79 to 1.08 of the height.
struct Tolerance {
    /// Mean absolute difference of luminance, of 255.
    mean: f64,
    /// The largest difference of a cell.
    cell: f64,
    /// Share of the height.
    height: f64,
}

const SAME_FONTS: Tolerance = Tolerance { mean: 0.5, cell: 3.0, height: 0.02 };
const OTHER_FONTS: Tolerance = Tolerance { mean: 10.0, cell: 90.0, height: 0.3 };

/// Mean luminance of each 64th of every row of the first `width` pixels.
fn luminances(picture: &[u8], width: u32) -> Vec<[f64; COLUMNS]> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(picture));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().unwrap();
    let (width, samples) = (width as usize, reader.output_color_type().0.samples());
    assert!(samples >= 3 && width >= COLUMNS && width <= reader.info().width as usize);
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row().unwrap() {
        let mut sums = [(0.0, 0.0); COLUMNS];
        for (x, pixel) in row.data().chunks(samples).take(width).enumerate() {
            let cell = &mut sums[x * COLUMNS / width];
            let [r, g, b] = [0, 1, 2].map(|i| f64::from(pixel[i]));
            *cell = (cell.0 + 0.2126 * r + 0.7152 * g + 0.0722 * b, cell.1 + 1.0);
        }
        rows.push(sums.map(|(sum, count)| sum / count));
    }
    rows
}

/// `count` rows of the part of the page from `top` to `bottom`.
fn reduced(page: &[[f64; COLUMNS]], top: f64, bottom: f64, count: usize) -> Vec<[f64; COLUMNS]> {
    let edge = |i: usize| {
        let y = top + (bottom - top) * i as f64 / count as f64;
        (y.round() as usize).min(page.len())
    };
    (0..count)
        .map(|i| {
            let part = &page[edge(i)..edge(i + 1).max(edge(i) + 1).min(page.len())];
            std::array::from_fn(|x| {
                part.iter().map(|row| row[x]).sum::<f64>() / part.len().max(1) as f64
            })
        })
        .collect()
}

/// From heading to heading: name, top, bottom.
fn blocks(measured: &Value) -> Vec<(String, f64, f64)> {
    let headings = measured["blocks"].as_array().unwrap();
    let tops: Vec<f64> = headings.iter().map(|block| block[1].as_f64().unwrap()).collect();
    let ends = tops[1..].iter().copied().chain([measured["height"].as_f64().unwrap()]);
    headings
        .iter()
        .zip(tops.iter().zip(ends))
        .map(|(block, (top, end))| (block[0].as_str().unwrap().to_owned(), *top, end))
        .collect()
}

/// What the golden files hold.
struct Golden {
    /// Width of a line of text.
    font: f64,
    /// Name, height, and rows of each block.
    blocks: Vec<(String, f64, Vec<[f64; COLUMNS]>)>,
}

fn files(width: u32) -> (PathBuf, PathBuf) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    (folder.join(format!("sample-{width}.txt")), folder.join(format!("sample-{width}.png")))
}

impl Golden {
    fn of(measured: &Value, page: &[[f64; COLUMNS]]) -> Self {
        let blocks = blocks(measured).into_iter().map(|(name, top, bottom)| {
            let count = ((bottom - top) / ROW).ceil().max(1.0) as usize;
            (name, bottom - top, reduced(page, top, bottom, count))
        });
        Self { font: measured["font"].as_f64().unwrap(), blocks: blocks.collect() }
    }

    fn write(&self, width: u32) {
        let (text, picture) = files(width);
        let lines = self.blocks.iter().map(|(name, height, rows)| {
            format!("{height:.0} pixels, {} rows: {name}\n", rows.len())
        });
        let lines: String = lines.collect();
        std::fs::write(text, format!("a line of text is {} wide\n{lines}", self.font)).unwrap();
        let cells: Vec<u8> = self
            .blocks
            .iter()
            .flat_map(|(_, _, rows)| rows.iter().flatten())
            .map(|value| value.round() as u8)
            .collect();
        let file = std::fs::File::create(picture).unwrap();
        let height = (cells.len() / COLUMNS) as u32;
        let mut encoder = png::Encoder::new(file, COLUMNS as u32, height);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_compression(png::Compression::High);
        encoder.write_header().unwrap().write_image_data(&cells).unwrap();
    }

    fn read(width: u32) -> Self {
        let (text, picture) = files(width);
        let text =
            std::fs::read_to_string(text).expect("golden files; UPDATE_GOLDEN=1 writes them");
        let decoder =
            png::Decoder::new(std::io::BufReader::new(std::fs::File::open(picture).unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut cells = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut cells).unwrap();
        let mut rows = cells.chunks(COLUMNS).map(|row| std::array::from_fn(|x| f64::from(row[x])));
        let mut lines = text.lines();
        let font = lines.next().unwrap().split(' ').nth(5).unwrap().parse().unwrap();
        let blocks = lines.map(|line| {
            let (sizes, name) = line.split_once(": ").unwrap();
            let numbers: Vec<f64> = sizes.split(' ').filter_map(|word| word.parse().ok()).collect();
            (name.to_owned(), numbers[0], rows.by_ref().take(numbers[1] as usize).collect())
        });
        Self { font, blocks: blocks.collect() }
    }

    /// What differs, in words.
    fn differences(&self, measured: &Value, page: &[[f64; COLUMNS]]) -> Vec<String> {
        let same = (self.font - measured["font"].as_f64().unwrap()).abs() < 0.5;
        if !same {
            eprintln!("other fonts than those of the golden files: compared loosely");
        }
        let tolerance = if same { SAME_FONTS } else { OTHER_FONTS };
        let now = blocks(measured);
        let names = |all: &mut dyn Iterator<Item = &String>| all.cloned().collect::<Vec<_>>();
        let (old, new) =
            (names(&mut self.blocks.iter().map(|b| &b.0)), names(&mut now.iter().map(|b| &b.0)));
        if old != new {
            return vec![format!("other headings: {old:?} became {new:?}")];
        }
        let mut found = Vec::new();
        for ((name, height, rows), (_, top, bottom)) in self.blocks.iter().zip(&now) {
            if ((bottom - top) / height - 1.0).abs() > tolerance.height {
                found.push(format!("{name}: {:.0} pixels high, was {height:.0}", bottom - top));
                continue;
            }
            let made = reduced(page, *top, *bottom, rows.len());
            let apart =
                || rows.iter().flatten().zip(made.iter().flatten()).map(|(a, b)| (a - b).abs());
            let mean = apart().sum::<f64>() / (rows.len() * COLUMNS) as f64;
            let most = apart().fold(0.0, f64::max);
            if mean > tolerance.mean || most > tolerance.cell {
                found.push(format!(
                    "{name}: luminance differs by {mean:.1} on average, {most:.0} at most"
                ));
            }
        }
        found
    }
}

fn list(measured: &Value, of: &str) -> Vec<String> {
    measured[of].as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

/// Measures the sample at one width, and compares it with its golden files.
fn looks_as_it_should(test: &str, width: u32) {
    let Some(browser) = Browser::find(test) else {
        return;
    };
    let page = html(&sample::report());
    let measured = browser.measure(&page, width);
    assert_eq!(measured["width"], width, "the window is as wide as it was asked to be");
    assert_eq!(list(&measured, "beyond"), [""; 0], "reaches beyond the window");
    assert_eq!(measured["scroll"], width, "the page is as wide as the window");
    assert_eq!(list(&measured, "clashes"), [""; 0], "words lie on each other");
    assert_eq!(list(&measured, "faint"), [""; 0], "too faint to read");
    assert!(measured["texts"].as_u64().unwrap() > 3000, "the text was looked at");
    let height = measured["height"].as_f64().unwrap();
    let picture = browser.screenshot(&page, width, height.ceil() as u32);
    let rows = luminances(&picture, width);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        Golden::of(&measured, &rows).write(width);
    }
    let found = Golden::read(width).differences(&measured, &rows);
    if !found.is_empty() {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sample-{width}.png"));
        std::fs::write(&kept, picture).unwrap();
        panic!("{}\nthe page as it is: {}", found.join("\n"), kept.display());
    }
}

#[test]
fn the_page_looks_as_it_should_on_a_laptop() {
    looks_as_it_should("the_page_looks_as_it_should_on_a_laptop", 1280);
}

#[test]
fn the_page_looks_as_it_should_on_a_phone() {
    looks_as_it_should("the_page_looks_as_it_should_on_a_phone", 480);
}

#[test]
fn a_dark_page_can_be_read_as_well() {
    let Some(browser) = Browser::find("a_dark_page_can_be_read_as_well") else {
        return;
    };
    let measured = browser.measure_dark(&html(&sample::report()), 1280);
    assert_eq!(measured["ground"], "rgb(20, 24, 30)", "the browser asked for a dark page");
    assert_eq!(list(&measured, "faint"), [""; 0], "too faint to read");
}

#[test]
fn six_experts_are_printed_on_twelve_sheets() {
    let Some(browser) = Browser::find("six_experts_are_printed_on_twelve_sheets") else {
        return;
    };
    let sheets = browser.sheets(&html(&sample::report()));
    assert!((4..=12).contains(&sheets), "{sheets} sheets");
}

#[test]
fn the_browser_draws_the_same_page_twice_and_a_change_of_one_chart_is_seen() {
    let test = "the_browser_draws_the_same_page_twice_and_a_change_of_one_chart_is_seen";
    let Some(browser) = Browser::find(test) else {
        return;
    };
    let mut report = sample::report();
    report.nodes.drain(..5);
    report.edges.clear();
    let page = html(&report);
    let measured = browser.measure(&page, 800);
    let height = measured["height"].as_f64().unwrap().ceil() as u32;
    let draw = |page: &str| luminances(&browser.screenshot(page, 800, height), 800);
    let once = draw(&page);
    let golden = Golden::of(&measured, &once);
    assert_eq!(golden.differences(&measured, &draw(&page)), [""; 0]);
    // A map of importance that comes out white, a chart that is not drawn, bars that are black.
    let changes = [
        ("image-rendering: pixelated;", "opacity: 0;", "e0-uses"),
        (".chart { display: block;", ".chart { visibility: hidden; display: block;", "e0-errors"),
        (".bar { fill: var(--accent-wash);", ".bar { fill: #000;", "e0-uses"),
    ];
    for (from, to, block) in changes {
        assert!(page.contains(from), "{from}");
        let found = golden.differences(&measured, &draw(&page.replace(from, to)));
        assert!(found.iter().any(|line| line.starts_with(block)), "{to}: {found:?}");
    }
    // With any fonts a page without its grid and its white ground is seen.
    let loose = Golden { font: 0.0, ..golden };
    assert_eq!(loose.differences(&measured, &once), [""; 0]);
    let dark = page.replace("margin: 0; background: var(--paper);", "margin: 0; background: #444;");
    assert_eq!(loose.differences(&measured, &draw(&dark)).len(), loose.blocks.len());
}
