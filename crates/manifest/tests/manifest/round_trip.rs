//! A pipeline written out with every default is the same pipeline.

use std::{path::PathBuf, sync::Arc};

use collegium_learn::kinds::mlp::Perceptron;
use collegium_manifest::{
    Activation, Audit, Average, Baseline, Batch, ByColumn, ByTask, ByTime, Calibrate, ClassWeights,
    ColumnType, Comparator, DataSource, Decide, DecisionThreshold, Deploy, Edges, Encode, Evaluate,
    Expert, Gap, GatheredImage, ImageShape, Input, Mlp, NumberEncoding, Optimizer, Origin, Output,
    Pipeline, PixelColumns, ReadOptions, Requirement, Reuse, Schedule, Slice, SourceFile,
    SourceOrigin, Spanned, Split, SplitRule, StandsOn, Task, Train, Upstream, ValidRows, WarmStart,
};
use indexmap::IndexMap;
use proptest::{prelude::*, sample::select};

use crate::{GOOD, pipeline, schema::FLIGHTS};

#[test]
fn every_default_is_written_out() {
    insta::assert_snapshot!(pipeline(GOOD).with_defaults(), @r#"
    [pipeline]
    name = "flights"
    format = 1
    seed = 0

    [data.flights]
    path = "flights.csv"
    read = { decimal = ".", encoding = "utf-8" }
    reads = {}
    images = {}
    derive = {}
    types = {}
    missing = ["", "NA"]
    split = { train = 0.7, valid = 0.15, test = 0.15, by = [], seed = 0 }
    origin = "measured"
    origins = {}

    [expert.departure]
    inputs = ["flights.hour", "flights.distance"]
    target = "flights.departs_late"
    # task: the target's type decides
    # where: all training rows
    model = { type = "mlp", hidden = [64, 32], activation = "gelu", dropout = 0.0 }
    encode = { numbers = ["robust", "quantile", "ple"], bins = 32, edges = "quantiles" }
    train = { epochs = 40, batch = "auto", learning_rate = 0.01, schedule = "one-cycle", warm_up = 0.2, optimizer = "adamw", beta2 = 0.95, weight_decay = 0.1, patience = 0, class_weights = "none" }
    calibrate = "temperature"
    members = 4
    deploy = "full"
    upstream = "out-of-fold"
    folds = 5
    seed = 0
    # positive: the second of two classes
    # threshold: 0.5 for two classes
    reuse = false
    warm_start = false

    [evaluate]
    baselines = ["majority", "linear"]
    require = []

    [audit]
    rows = 2000
    bootstrap = 100
    seeds = 0
    permuted = 0
    slices = []
    "#);
}

#[test]
fn the_flights_come_back_the_same() {
    let first = pipeline(FLIGHTS);
    let written = first.with_defaults();
    let second = pipeline(&written);
    assert_eq!(meaning(&first), meaning(&second));
    assert_eq!(written, second.with_defaults(), "writing what was written changes nothing");
}

/// All that a pipeline says, without the places where it says it.
fn meaning(pipeline: &Pipeline) -> String {
    let said = format!(
        "{:?}",
        (
            &pipeline.name,
            pipeline.seed,
            pipeline.memory_limit,
            (pipeline.sql_steps, pipeline.sql_memory, &pipeline.reads),
            &pipeline.data,
            &pipeline.experts,
            &pipeline.evaluate,
            &pipeline.audit
        )
    );
    let mut kept = String::new();
    let mut parts = said.split("span: ");
    kept.push_str(parts.next().unwrap_or_default());
    for part in parts {
        kept.push_str(part.split_once(", value").map_or(part, |(_, rest)| rest));
    }
    kept
}

fn at<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z _.'\"\\\\\\n\\r\\t=]{1,12}", "\\PC{1,8}", "[\\x00-\\x1f\\x7f\u{85}ü]{1,4}"]
        .prop_map(|text| format!("x{text}"))
}

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_-]{1,8}"
}

fn positive() -> impl Strategy<Value = f64> {
    any::<f64>().prop_map(f64::abs).prop_filter("positive", |x| x.is_finite() && *x > 0.0)
}

fn origin() -> impl Strategy<Value = Origin> {
    select(vec![Origin::Measured, Origin::Synthetic])
}

fn source_origin() -> impl Strategy<Value = SourceOrigin> {
    let by_row = (any_text(), prop::collection::btree_set(any_text(), 1..3)).prop_map(
        |(column, synthetic)| SourceOrigin::ByRow {
            column: at(column),
            synthetic: synthetic.into_iter().map(at).collect(),
        },
    );
    prop_oneof![origin().prop_map(SourceOrigin::Whole), by_row]
}

prop_compose! {
    /// A pattern, or as many names as the image has numbers.
    fn image()(
        pattern in prop::option::of("[a-z0-9_?]{0,8}\\*?[a-z]{1,8}"),
        (height, width, channels) in (1_usize..4, 1_usize..4, select(vec![1_usize, 3])),
        names in prop::collection::btree_set(any_text(), 27),
        scale in positive(),
    ) -> GatheredImage {
        let shape = ImageShape { height, width, channels };
        let list = || names.iter().take(shape.size()).cloned().map(at).collect();
        let columns = pattern.clone().map_or_else(|| PixelColumns::List(list()), PixelColumns::Pattern);
        GatheredImage { columns: at(columns), shape, scale }
    }
}

prop_compose! {
    fn read()(
        delimiter in prop::option::of(select(vec![b';', b'\t', b'|', b',', b' ', b':', b'\\', b'\''])),
        (decimal, thousands) in select(vec![
            ('.', None), (',', None), (',', Some('.')), ('.', Some(',')), ('.', Some('\'')),
            (',', Some('\u{202f}')), ('.', Some('_')),
        ]),
        date_format in prop::option::of(select(vec!["%d/%m/%Y", "%m/%d/%y %H:%M", "\"%d\" %b %Y"])),
        encoding in select(vec!["utf-8", "utf-16", "utf-16be", "windows-1252", "iso-8859-15", "gbk"]),
    ) -> ReadOptions {
        let date_format = date_format.map(str::to_owned);
        ReadOptions { delimiter, decimal, thousands, date_format, encoding: encoding.to_owned() }
    }
}

prop_compose! {
    fn data()(
        tables in prop::collection::btree_map(name(), any_path(), 1..4),
        idx in any::<bool>(),
        read in read(),
        other in prop::option::of(read()),
        query in any_text(),
        images in prop::collection::btree_map(name(), image(), 0..3),
        derive in prop::collection::btree_map(any_text(), any_text(), 0..3),
        types in prop::collection::btree_map(
            any_text(),
            select(vec![ColumnType::Number, ColumnType::Boolean, ColumnType::Category, ColumnType::Time]),
            0..3,
        ),
        missing in prop::collection::vec(any_text(), 0..3),
        split in split(),
        origin in source_origin(),
        said in prop::collection::vec(prop::option::of(origin()), 4),
        unpacked_limit in prop::option::of(1_u64 << 20..),
    ) -> DataSource {
        let origins = tables.keys().zip(said).filter_map(|(k, v)| Some((k.clone(), at(v?))));
        let first = tables.keys().next().cloned();
        let reads = first.into_iter().zip(other);
        DataSource {
            origin,
            origins: origins.collect(),
            rules: Vec::new(),
            name: at("d".to_owned()),
            tables: tables.into_iter().map(|(k, v)| (k, at(v))).collect(),
            idx,
            read: if idx { ReadOptions::default() } else { read },
            reads: reads.filter(|_| !idx).collect(),
            unpacked_limit,
            query: (!idx).then(|| at(query)),
            images: if idx { IndexMap::new() } else { images.into_iter().collect() },
            derive: derive.into_iter().map(|(k, v)| (k, at(v))).collect(),
            types: types.into_iter().map(|(k, v)| (k, at(v))).collect(),
            missing,
            split,
        }
    }
}

fn named(values: Vec<String>, mark: &str) -> Vec<Spanned<String>> {
    // A value is on one side only.
    let distinct: std::collections::BTreeSet<String> = values.into_iter().collect();
    distinct.into_iter().map(|value| at(format!("{mark}{value}"))).collect()
}

fn split() -> impl Strategy<Value = Split> {
    let shares = (0.01_f64..0.9).prop_map(|train| (SplitRule::Shares, (train, 1.0 - train, 0.0)));
    let values = || prop::collection::vec(any_text(), 1..3);
    let column = (any_text(), values(), prop::option::of(values()), values(), 0.0_f64..0.9)
        .prop_map(|(column, train, valid, test, share)| {
            let found = column.len() % 2 == 0 && valid.is_none();
            let rule = ByColumn {
                column: at(column),
                train: named(train, "a"),
                valid: match valid {
                    Some(values) => ValidRows::Values(named(values, "b")),
                    None if found => ValidRows::Found,
                    None => ValidRows::Drawn,
                },
                test: named(test, "c"),
                unused: Vec::new(),
            };
            let drawn = matches!(rule.valid, ValidRows::Drawn);
            (SplitRule::Column(rule), (0.7, if drawn { share } else { 0.15 }, 0.15))
        });
    let time = (any_text(), any::<[bool; 2]>(), any_text(), 0.0_f64..0.4, 0.0_f64..0.4, any_gap())
        .prop_map(|(column, [by_date, tested], date, valid, test, gap)| {
            let rule = ByTime {
                column: at(column),
                valid_from: by_date.then(|| at(date.clone())),
                test_from: tested.then(|| at(date)),
                block: gap.clone().filter(|gap| gap.length() > 0.0).map(at),
                gap: gap.map(at),
                hold_groups: false,
            };
            let valid = if by_date { 0.15 } else { valid };
            let test = if tested { 0.15 } else { test };
            (SplitRule::Time(rule), (1.0 - valid - test, valid, test))
        });
    let by = prop::collection::vec(any_text(), 0..2);
    (prop_oneof![shares, column, time], by, prop::option::of(any_text()), 0..u64::MAX / 2).prop_map(
        |((mut rule, (train, valid, test)), by, stratify, seed)| {
            // Blocks of time go without groups.
            if let (SplitRule::Time(time), false) = (&mut rule, by.is_empty()) {
                time.block = None;
            }
            Split {
                train,
                valid,
                test,
                by: by.into_iter().map(at).collect(),
                stratify: stratify.filter(|_| matches!(rule, SplitRule::Shares)).map(at),
                seed,
                rule,
                rotation: None,
            }
        },
    )
}

fn any_gap() -> impl Strategy<Value = Option<Gap>> {
    let hours = (0_i64..1000)
        .prop_map(|n| Gap::Span { text: format!("{n} hours"), microseconds: n * 3_600_000_000 });
    prop::option::of(prop_oneof![hours, (0.0_f64..1e6).prop_map(Gap::Number)])
}

/// A text that is also a glob pattern.
fn any_path() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_./ü'\"\\\\-]{1,12}"
}

/// One number, or one for each task.
fn by_task(number: BoxedStrategy<f64>) -> impl Strategy<Value = ByTask> {
    let each = (number.clone(), number.clone())
        .prop_map(|(classification, regression)| ByTask { classification, regression });
    prop_oneof![number.prop_map(ByTask::from), each]
}

prop_compose! {
    fn training()(
        numbers in (1_u32.., prop::option::of(1_u32..), any::<u32>(), by_task(positive().boxed()), positive()),
        shares in (0.0_f64..0.999, 0.0_f64..0.999),
        clip_gradient in prop::option::of(positive()),
        (loss, amount) in (0_u8..6, 0.001_f64..0.999),
        schedule in select(vec![
            Schedule::Constant, Schedule::Cosine, Schedule::OneCycle, Schedule::Coslog4,
        ]),
        optimizer in select(vec![Optimizer::Adam, Optimizer::Adamw, Optimizer::Sgd]),
        class_weights in prop_oneof![
            Just(ClassWeights::None),
            Just(ClassWeights::Balanced),
            prop::collection::btree_map(any_text(), positive(), 0..3)
                .prop_map(|weights| ClassWeights::Given(weights.into_iter().collect())),
        ],
    ) -> Train {
        let (epochs, batch, patience, learning_rate, weight_decay) = numbers;
        let (warm_up, beta2) = shares;
        let calibrate =
            if epochs % 2 == 0 { Calibrate::None } else { Calibrate::Temperature };
        let batch = batch.map_or(Batch::Auto, Batch::Rows);
        Train {
            epochs,
            batch,
            learning_rate,
            schedule,
            warm_up,
            optimizer,
            beta2,
            clip_gradient,
            weight_decay,
            patience,
            huber: (loss == 1).then_some(amount),
            quantile: (loss == 2).then_some(amount),
            focal: if loss == 3 { amount } else { 0.0 },
            label_smoothing: if loss == 4 { amount } else { 0.0 },
            class_weights,
            calibrate,
        }
    }
}

prop_compose! {
    fn encoded()(
        scale in prop::option::of(select(vec![NumberEncoding::Standard, NumberEncoding::Robust])),
        quantile in any::<bool>(),
        ple in any::<bool>(),
        bins in 2_u32..=256,
        edges in select(vec![Edges::Quantiles, Edges::Tree]),
    ) -> Encode {
        let mut numbers: Vec<NumberEncoding> = scale.into_iter().collect();
        numbers.extend(quantile.then_some(NumberEncoding::Quantile));
        numbers.extend((ple || numbers.is_empty()).then_some(NumberEncoding::Ple));
        Encode { numbers, bins, edges }
    }
}

fn stands_on() -> impl Strategy<Value = StandsOn> {
    prop_oneof![
        Just(StandsOn::Recipe),
        Just(StandsOn::Frozen(at(true))),
        "[0-9a-f]{6,64}".prop_map(|digest| StandsOn::Pin(at(digest))),
        (any_path(), name()).prop_map(|(pipeline, expert)| StandsOn::Source {
            pipeline: at(pipeline),
            expert: at(expert),
        }),
    ]
}

prop_compose! {
    fn carrying_over()(
        reuse in prop::option::of((0.0_f64..1.0, 0.5_f64..1.0).prop_filter("above 0", |it| it.0 > 0.0)),
        warm_start in prop::option::of(1_u32..),
        stands_on in stands_on(),
    ) -> (Option<Reuse>, Option<WarmStart>, StandsOn) {
        (
            reuse.map(|(tolerance, confidence)| Reuse { tolerance, confidence }),
            warm_start.map(|cold_every| WarmStart { cold_every }),
            stands_on,
        )
    }
}

prop_compose! {
    fn expert(at_index: usize)(
        columns in prop::collection::btree_set(any_text().prop_map(|text| text.replace('*', "-")), 1..4),
        target in any_text(),
        task in prop::option::of(Just(Task::Classification)),
        filter in prop::option::of(any_text()),
        hidden in prop::collection::vec(1_u32..65_536, 0..4),
        activation in select(Activation::ALL.to_vec()),
        dropout in by_task((0.0_f64..1.0).boxed()),
        (train, encode) in (training(), encoded()),
        carrying_over in carrying_over(),
        (members, deploy) in (1_u32..=100, select(vec![Deploy::Full, Deploy::Blend])),
        upstream in select(vec![Upstream::OutOfFold, Upstream::HeldOut, Upstream::InSample]),
        folds in 2_u32..=100,
        seed in any::<u64>(),
        output in select(vec![Output::Logit, Output::Probability, Output::Label]),
        decide in decision(),
    ) -> Expert {
        let (reuse, warm_start, stands_on) = carrying_over;
        let deploy = if warm_start.is_some() { Deploy::Full } else { deploy };
        let average = Average { members, deploy };
        let mut inputs: Vec<Spanned<Input>> = columns
            .into_iter()
            .filter(|column| *column != target)
            .map(|column| at(Input::Column { data: "d".to_owned(), column }))
            .collect();
        if at_index > 0 {
            inputs.push(at(Input::Output { expert: format!("e{}", at_index - 1), output }));
        } else if inputs.is_empty() {
            inputs.push(at(Input::Column { data: "d".to_owned(), column: format!("{target}y") }));
        }
        Expert {
            name: at(format!("e{at_index}")),
            data: "d".to_owned(),
            inputs,
            patterns: Vec::new(),
            target: at(target),
            auxiliary: Vec::new(),
            task: task.map(at),
            filter: filter.map(at),
            model: Box::new(Perceptron(Mlp { hidden, activation, dropout })),
            encode,
            train,
            average,
            upstream,
            folds,
            seed,
            reuse,
            stands_on,
            warm_start,
            tune: None,
            decide,
        }
    }
}

fn decision() -> impl Strategy<Value = Decide> {
    let share = 0.001_f64..=1.0;
    let threshold = prop_oneof![
        (0.0_f64..=1.0).prop_map(DecisionThreshold::Fixed),
        Just(DecisionThreshold::F1),
        share.prop_map(DecisionThreshold::Recall),
        (0.0_f64..9.0, 0.001_f64..9.0).prop_map(|(false_positive, false_negative)| {
            DecisionThreshold::Costs { false_positive, false_negative }
        }),
    ];
    (prop::option::of(any_text().prop_map(at)), prop::option::of(threshold.prop_map(at)))
        .prop_map(|(positive, threshold)| Decide { positive, threshold })
}

prop_compose! {
    fn any_pipeline()(
        data in data(),
        seed in any::<u64>(),
        experts in (expert(0), expert(1), expert(2)),
        memory_limit in prop::option::of(1_u64 << 20..),
        sql_steps in prop::option::of(1000_u64..1 << 62),
        sql_memory in prop::option::of(1_u64 << 20..),
        reads in prop::collection::vec("[^\\s]{1,9}", 0..3),
        baselines in prop::sample::subsequence(
            vec![Baseline::Majority, Baseline::Linear, Baseline::Single], 0..=3),
        bound in any::<f64>().prop_filter("finite", |x| x.is_finite()),
        least_measured in prop::option::of(0.0_f64..=1.0),
        rotate in prop::option::of(2_u32..=50),
        audit in (1_u32.., 2_u32.., 0_u32..=100, 0_u32..=100),
        slices in prop::collection::btree_set("[a-z]{1,4}( [<>=]{1,2} '[^']{0,4}')?", 0..3),
    ) -> Pipeline {
        // What a column says cannot be dealt anew.
        let rotate = rotate.filter(|_| !matches!(data.split.rule, SplitRule::Column(_)));
        let mut experts = [experts.0, experts.1, experts.2];
        // Nor is there a blend in time.
        if data.split.is_forward() {
            experts.iter_mut().for_each(|expert| expert.average.deploy = Deploy::Full);
        }
        let requirement = Requirement {
            expert: "e1".to_owned(),
            split: "valid".to_owned(),
            metric: "auc".to_owned(),
            comparison: Comparator::AtLeast,
            bound,
            text: format!("expert.e1 valid auc {} {bound:?}", Comparator::AtLeast),
        };
        Pipeline {
            source: Arc::new(SourceFile::new("p.toml", "")),
            root: PathBuf::from("."),
            name: "p".to_owned(),
            seed,
            memory_limit,
            sql_steps,
            sql_memory,
            reads: reads.into_iter().map(at).collect(),
            data: [("d".to_owned(), data)].into_iter().collect(),
            experts: experts.into_iter().map(|e| (e.name.get_ref().clone(), e)).collect(),
            evaluate: Evaluate {
                baselines,
                require: vec![at(requirement)],
                least_measured: least_measured.map(at),
                rotate: rotate.map(at),
            },
            audit: Audit {
                rows: audit.0,
                bootstrap: audit.1,
                seeds: audit.2,
                permuted: audit.3,
                margin: (audit.2 > 0)
                    .then(|| ("auc".to_owned(), f64::from(audit.1) / 64.0))
                    .into_iter()
                    .collect(),
                slices: slices
                    .into_iter()
                    .map(|column| at(Slice { data: "d".to_owned(), text: format!("d.{column}") }))
                    .collect(),
            },
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_pipeline_comes_back_the_same(first in any_pipeline()) {
        let written = first.with_defaults();
        let second = crate::read(&written).map_err(|errors| {
            TestCaseError::fail(format!("{written}\n{errors}"))
        })?;
        prop_assert_eq!(meaning(&first), meaning(&second.pipeline));
    }
}
