//! Feature importance: the AGOP of an expert at its declared inputs.

use collegium_engine::{EngineError, FEWEST_UNSEEN, rows::Side};
use collegium_records::{Agop, NodeAudit, Recipe, SeenRows, Skill};
use serde::{Deserialize, Serialize};

use crate::{looked::Looked, view::AuditView};

/// The importances of an expert, or why there are none.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Importance {
    agop: Option<Agop>,
    withheld: Option<String>,
}

impl AuditView for Importance {
    const NAME: &'static str = "importance";
    const VERSION: u32 = 4;

    fn applies(_: &Looked) -> Result<bool, EngineError> {
        Ok(true)
    }

    fn rests_on(looked: &Looked, recipe: Recipe) -> Result<Recipe, EngineError> {
        let why = looked.skill()?.and_then(|skill| skill.not_judged.clone());
        Ok(recipe.with("skilled", looked.is_skilled()?).with("not_judged", why.unwrap_or_default()))
    }

    fn measure(looked: &Looked) -> Result<Self, EngineError> {
        let why = match looked.skill()? {
            Some(skill) if skill.is_shown() => None,
            Some(Skill { not_judged: Some(why), .. }) => Some(why.clone()),
            Some(_) => Some(
                "it learned nothing: on test rows it does not beat a constant prediction, neither in its \
                 ranking nor after recalibration, so its importances say nothing about the task"
                    .to_owned(),
            ),
            None => {
                let few = looked.auditor.node.seen_rows(Side::Test)?;
                Some(match few.filter(|seen| seen.unseen < FEWEST_UNSEEN) {
                    Some(few) => few_unseen(few),
                    None => "there are no test rows to show skill on".to_owned(),
                })
            }
        };
        let found = match why {
            Some(why) => Err(why),
            None => looked.sight()?.map_err(str::to_owned),
        };
        let (subject, sight) = match found {
            Ok(found) => found,
            Err(why) => return Ok(Self { agop: None, withheld: Some(why) }),
        };
        let mut agop = sight.agop.clone();
        agop.noise_floor.seeds = looked.agreement_of_seeds(subject, sight)?;
        Ok(Self { agop: Some(agop), withheld: None })
    }

    fn tell(&self, looked: &Looked) {
        let _ = looked.withheld.set(self.withheld.clone());
    }

    fn place(self, audit: &mut NodeAudit) {
        audit.agop = self.agop;
        audit.withheld = self.withheld;
    }
}

/// Why an expert is not looked at whose model has seen most test rows.
fn few_unseen(few: SeenRows) -> String {
    format!(
        "its model has seen {} of the {} test rows, and {} are too few to measure on ({FEWEST_UNSEEN} are \
         needed)",
        few.seen,
        few.seen + few.unseen,
        few.unseen
    )
}
