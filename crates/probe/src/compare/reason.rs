//! The reason for the verdict of a comparison, in a sentence.

use collegium_records::{Changed, Comparison};

use super::verdict::Standing;

/// The finding, and the numbers behind it.
pub(super) fn reason(of: &Comparison, skilled: bool, standings: [Standing; 2]) -> String {
    let any = |of| standings.contains(&of);
    let finding = match of.changed {
        Changed::CannotTell if !skilled => {
            "the importances of an expert that does not beat a constant are those of its initial weights"
        }
        Changed::Yes => match standings.map(|s| s == Standing::Beyond) {
            [true, true] => {
                "importances and directions are well beyond what seeds of one version do"
            }
            [true, false] => "importances are well beyond what seeds of one version do",
            _ => "directions are well beyond what seeds of one version do",
        },
        Changed::No if any(Standing::Seeds) => {
            "the two are no farther apart than seeds of one version"
        }
        Changed::No => "the two are no farther apart than halves of the rows",
        Changed::CannotTell if any(Standing::Alone) => {
            "the two are farther apart than halves of the rows, and there are no seeds to compare with"
        }
        Changed::CannotTell if any(Standing::Close) => {
            "the two are farther apart than seeds of one version, and not by enough to tell"
        }
        Changed::CannotTell => "seeds of one version are so far apart that no change could show",
    };
    let directions = match of.k {
        1 => "first direction".to_owned(),
        k => format!("first {k} directions"),
    };
    let halves = of.split_half;
    let seeds = of.seeds.map_or_else(String::new, |seeds| {
        format!(", {} seeds to {:.4} and {:.4}", seeds.of, seeds.cosine, seeds.overlap)
    });
    format!(
        "{finding}: importances agree to a cosine of {:.4} and the {directions} to an overlap of \
         {:.4}; halves of the rows to {:.4} and {:.4} at least{seeds}",
        of.cosine, of.overlap, halves.cosine, halves.overlap
    )
}
