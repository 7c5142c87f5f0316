//! How often the rule of `compare` is wrong, on networks whose answer is known: the table in its
//! documentation. Arguments: worlds of each size, the number of the first (default 40 and 1000; the
//! margins were chosen on other worlds). Takes two to four minutes.
#![allow(clippy::print_stdout, missing_docs, unreachable_pub, reason = "an example that reports")]

use std::collections::BTreeMap;

use collegium_records::Changed;

#[path = "../tests/network/mod.rs"]
mod network;

use network::worlds::{CASES, LINES, Setting, verdicts};

/// Inputs, training rows, epochs.
const SETTINGS: [(usize, usize, usize); 6] =
    [(5, 1000, 30), (8, 300, 60), (8, 1000, 30), (8, 4000, 15), (20, 1000, 30), (20, 4000, 15)];

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|word| word.parse().ok());
    let (worlds, first) = (arguments.next().unwrap_or(40), arguments.next().unwrap_or(1000));
    let mut all = BTreeMap::new();
    for (inputs, rows, epochs) in SETTINGS {
        let mut counts: BTreeMap<(usize, usize), [u32; 3]> = BTreeMap::new();
        for world in first..first + worlds {
            for (case, looks, changed) in verdicts(Setting { inputs, rows, epochs }, world) {
                let place = match changed {
                    Changed::Yes => 0,
                    Changed::No => 1,
                    Changed::CannotTell => 2,
                };
                counts.entry((case, looks)).or_default()[place] += 1;
                all.entry((case, looks)).or_insert([0; 3])[place] += 1;
            }
        }
        show(&format!("{inputs} inputs, {rows} rows"), &counts);
    }
    show("all", &all);
}

fn show(title: &str, counts: &BTreeMap<(usize, usize), [u32; 3]>) {
    println!("{title}: yes/no/cannot tell in %, without seeds and with 3, 4 and 5 looks");
    for (case, name) in CASES.iter().enumerate() {
        print!("{name:40}");
        for looks in LINES {
            let of = counts.get(&(case, looks)).copied().unwrap_or_default();
            let total = f64::from(of.iter().sum::<u32>().max(1));
            let [yes, no, unknown] = of.map(|count| 100.0 * f64::from(count) / total);
            print!("  {yes:5.1}/{no:5.1}/{unknown:5.1}");
        }
        println!();
    }
}
