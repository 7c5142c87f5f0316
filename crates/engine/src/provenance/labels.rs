//! Measured share of training labels: how many come from the world and not from a model.

use collegium_manifest::{DataSource, Origin, SourceOrigin, Spanned};
use collegium_table::{Column, Values};

use super::known::{Counted, Origins, TableOrigin};
use crate::{EngineError, NodeRef, mutex::lock_mutex, rows::Rows};

/// The training labels of an expert.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Labels {
    /// Share of them that was measured.
    pub(super) share: f64,
    /// Of those that were not; 0 if all were.
    pub(super) generation: u32,
    /// May some of them be measured although they count as synthetic?
    pub(super) at_least: bool,
    /// What a person should know.
    pub(super) notes: Vec<String>,
}

impl Labels {
    fn measured() -> Self {
        Self { share: 1.0, generation: 0, at_least: false, notes: Vec::new() }
    }

    fn synthetic(generation: u32) -> Self {
        Self { share: 0.0, generation: generation.max(1), ..Self::measured() }
    }

    fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

impl NodeRef<'_> {
    /// The training labels of an expert: by row where the data source has a column for it, else by
    /// table.
    pub(super) fn labels_of(self) -> Result<Labels, EngineError> {
        let spec = self.declared();
        let source = &self.session.pipeline.data[&spec.data];
        let origins = self.session.origins(&spec.data);
        let by_table = by_table(source, origins, spec.target.get_ref(), self.prepared().facts.rows);
        let SourceOrigin::ByRow { column, synthetic } = &source.origin else { return Ok(by_table) };
        if source.query.is_none() && by_table.share == 0.0 {
            let name = column.get_ref();
            return Ok(by_table.note(format!(
                "What {}.{name} says is not counted: every row comes from a file that experts made.",
                spec.data
            )));
        }
        let counted = self.counted(column.get_ref(), synthetic)?;
        Ok(by_row(counted, origins, &format!("{}.{}", spec.data, column.get_ref())))
    }

    /// Counts an expert's training rows by what a column says of them.
    fn counted(self, column: &str, synthetic: &[Spanned<String>]) -> Result<Counted, EngineError> {
        if let Some(known) = lock_mutex(&self.session.memo.origins.rows).get(&self.index) {
            return Ok(*known);
        }
        let table = self.table()?;
        let column = table
            .column(column)
            .ok_or_else(|| EngineError::Internal(format!("column {column} has gone")))?;
        let values: Vec<&str> = synthetic.iter().map(|value| value.get_ref().as_str()).collect();
        let counted =
            count(column, &self.session.rows(Rows::Train { expert: self.index })?, &values);
        lock_mutex(&self.session.memo.origins.rows).insert(self.index, counted);
        Ok(counted)
    }
}

/// Counts rows whose value is one of `synthetic`.
fn count(column: &Column, rows: &[u32], synthetic: &[&str]) -> Counted {
    let mut counted = Counted { all: rows.len() as u64, ..Counted::default() };
    // Texts are compared once for each level, and not for each row.
    let levels: Vec<bool> = match &column.values {
        Values::Category { levels, .. } => {
            levels.iter().map(|level| synthetic.contains(&level.as_str())).collect()
        }
        _ => Vec::new(),
    };
    for &row in rows {
        let row = row as usize;
        let said = match &column.values {
            Values::Category { codes, .. } => levels.get(codes[row] as usize).copied(),
            _ => column.text(row).map(|text| synthetic.contains(&text.as_str())),
        };
        match said {
            Some(made) => counted.synthetic += u64::from(made),
            None => counted.unsaid += 1,
        }
    }
    counted
}

fn by_row(counted: Counted, origins: &Origins, column: &str) -> Labels {
    let Counted { all, synthetic, unsaid } = counted;
    let mut labels = match (all, synthetic) {
        (_, 0) => Labels::measured(),
        _ => Labels {
            share: (all - synthetic) as f64 / all as f64,
            // Which of the tables these rows are from is not said: the largest is a bound.
            ..Labels::synthetic(origins.generation())
        },
    };
    labels = labels.note(format!(
        "{column} says of {synthetic} of {all} training labels that a model made them."
    ));
    if unsaid > 0 {
        labels = labels
            .note(format!("It says nothing of {unsaid} training labels, which count as measured."));
    }
    labels
}

/// The labels of a data source whose rows do not speak for themselves.
fn by_table(source: &DataSource, origins: &Origins, target: &str, rows: u64) -> Labels {
    let made = origins.tables.iter().filter(|table| table.generation() > 0).count();
    if made == 0 {
        return Labels::measured();
    }
    match &origins.tables[..] {
        [table] if source.query.is_none() => {
            let copied = !source.derive.contains_key(target);
            by_file(table, copied.then_some(target), rows)
        }
        tables => {
            let labels = Labels::synthetic(origins.generation());
            if made == tables.len() && origins.made().all(|(_, _, made)| made.kept.is_empty()) {
                return labels;
            }
            let names: Vec<&str> = tables
                .iter()
                .filter(|table| table.generation() > 0)
                .map(|table| table.name.as_str())
                .collect();
            Labels { at_least: true, ..labels }.note(format!(
                "Which tables `{target}` comes from cannot be told from a query, so all labels \
                 count as synthetic, as {} {}. A column of the query can tell it row by row: \
                 `origin = {{ column = …, synthetic = […] }}`.",
                names.join(", "),
                if names.len() == 1 { "is" } else { "are" },
            ))
        }
    }
}

/// The labels of one table as it is, file by file. `target` is `None` for a derived column, which may
/// be made of any other.
fn by_file(table: &TableOrigin, target: Option<&str>, rows: u64) -> Labels {
    if table.declared == Origin::Synthetic {
        return Labels::synthetic(table.generation());
    }
    let (mut synthetic, mut generation, mut files) = (0_u64, 0, 0);
    for made in table.files.iter().filter_map(|file| file.made.as_ref()) {
        let labels = target.map_or(made.generation, |target| made.generation_of(target));
        if labels > 0 {
            (synthetic, files) = (synthetic.saturating_add(made.rows), files + 1);
            generation = generation.max(labels);
        }
    }
    if files == 0 && table.generation() == 0 {
        return Labels::measured();
    }
    if files == 0 {
        return Labels::measured().note(
            "Its target was copied from the rows that the experts were given, and nobody says that \
             a model made it there.",
        );
    }
    if files == table.files.len() || rows == 0 {
        return Labels::synthetic(generation);
    }
    let share = rows.saturating_sub(synthetic) as f64 / rows as f64;
    Labels { share, ..Labels::synthetic(generation) }.note(format!(
        "{files} of {} files of `{}` were made by experts. The share is of all of its {rows} rows: \
         which of them are training rows is not told by file.",
        table.files.len(),
        table.name
    ))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use collegium_digest::Digest;
    use collegium_records::PredictedFile;
    use collegium_table::MISSING_CODE;
    use proptest::{collection::vec, option, prelude::*};

    use super::*;
    use crate::provenance::known::FileOrigin;

    fn made(rows: u64, generation: u32) -> PredictedFile {
        PredictedFile {
            content: Digest::of(b""),
            rows,
            generation,
            experts: Vec::new(),
            ancestry: Vec::new(),
            kept: [("copied".to_owned(), 0), ("old".to_owned(), 1)].into_iter().collect(),
        }
    }

    /// A table of files, each with the generation that is said beside it and its rows.
    fn table(declared: Origin, files: &[Option<(u64, u32)>]) -> TableOrigin {
        let file = |said: &Option<(u64, u32)>| FileOrigin {
            path: PathBuf::from("t.csv"),
            made: said.map(|(rows, generation)| made(rows, generation)),
        };
        TableOrigin {
            name: "t".to_owned(),
            pattern: Spanned::new(0..0, "t.csv".to_owned()),
            declared,
            files: files.iter().map(file).collect(),
        }
    }

    #[test]
    fn a_table_that_experts_made_is_synthetic_whatever_the_file_says() {
        let labels = by_file(&table(Origin::Measured, &[Some((10, 3))]), Some("x"), 10);
        assert_eq!((labels.share, labels.generation), (0.0, 3));
        let labels = by_file(&table(Origin::Synthetic, &[None]), Some("x"), 10);
        assert_eq!((labels.share, labels.generation), (0.0, 1), "made by who knows whom");
    }

    #[test]
    fn a_copied_target_is_as_old_as_it_was() {
        let table = table(Origin::Measured, &[Some((10, 3))]);
        let of = |target| {
            let labels = by_file(&table, target, 10);
            (labels.share, labels.generation)
        };
        assert_eq!(of(Some("copied")), (1.0, 0));
        assert_eq!(of(Some("old")), (0.0, 1));
        assert_eq!(of(None), (0.0, 3), "a derived target may be made of any column");
    }

    proptest! {
        #[test]
        fn counting_by_level_is_counting_by_text(
            codes in vec(option::of(0_u32..4), 1..60),
            picked in vec(0..4_usize, 0..4),
            every in 1..4_usize,
        ) {
            let levels: Vec<String> = ["a", "b", "", "a b"].map(str::to_owned).to_vec();
            let texts: Vec<&str> = picked.iter().map(|&at| levels[at].as_str()).collect();
            let stored = codes.iter().map(|code| code.unwrap_or(MISSING_CODE)).collect();
            let column =
                Column::new("by", Values::Category { codes: stored, levels: levels.clone() });
            let rows: Vec<u32> = (0..codes.len() as u32).step_by(every).collect();
            let counted = count(&column, &rows, &texts);
            let said: Vec<Option<String>> = rows.iter().map(|&row| column.text(row as usize)).collect();
            let of = |wanted: &dyn Fn(&Option<String>) -> bool| {
                said.iter().filter(|said| wanted(said)).count() as u64
            };
            prop_assert_eq!(counted.all, rows.len() as u64);
            prop_assert_eq!(counted.unsaid, of(&|said| said.is_none()));
            prop_assert_eq!(
                counted.synthetic,
                of(&|said| said.as_deref().is_some_and(|said| texts.contains(&said)))
            );
        }

        #[test]
        fn a_share_is_a_share_and_falls_with_every_file_that_experts_made(
            files in vec(option::of((0_u64..1000, 1_u32..5)), 1..6),
            rest in 0_u64..1000,
        ) {
            let rows = files.iter().flatten().map(|(rows, _)| rows).sum::<u64>() + rest;
            let with = by_file(&table(Origin::Measured, &files), Some("x"), rows);
            prop_assert!((0.0..=1.0).contains(&with.share), "{with:?}");
            prop_assert_eq!(with.generation, files.iter().flatten().map(|made| made.1).max().unwrap_or(0));
            for at in 0..files.len() {
                let mut fewer = files.clone();
                fewer[at] = None;
                let without = by_file(&table(Origin::Measured, &fewer), Some("x"), rows);
                prop_assert!(without.share >= with.share, "{without:?} {with:?}");
            }
        }
    }
}
