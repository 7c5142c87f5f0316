//! Bounds of single values: a number in its range, a text that is not empty.

use std::fmt::Display;

use collegium_records::Code;

use crate::{
    At,
    defaults::{MOST_LAYERS, WIDEST_LAYER},
    sink::Sink,
};

/// Reports a value that is not among those that its key can have.
pub(crate) fn bound<T: Copy + Display>(
    sink: &mut Sink,
    key: &str,
    value: &Option<At<T>>,
    good: impl Fn(T) -> bool,
    wanted: &str,
) -> bool {
    let Some(value) = value else { return true };
    let fine = good(*value.get());
    if !fine {
        // As it is written: `1e400` and `inf` are the same number and not the same slip.
        let written = sink.source.text.get(value.span()).unwrap_or_default();
        let message = format!("`{key}` must be {wanted}, not {written}");
        sink.local(
            sink.error(Code::ValueOutOfRange, value.span(), message)
                .label(format!("must be {wanted}")),
        );
    }
    fine
}

/// Reports a text that says nothing.
pub(crate) fn not_empty(sink: &mut Sink, key: &str, text: &At<String>) -> bool {
    let fine = !text.get().trim().is_empty();
    if !fine {
        sink.local(
            sink.error(Code::EmptyValue, text.span(), format!("`{key}` is empty")).label("empty"),
        );
    }
    fine
}

/// Checks the widths of hidden layers.
pub(crate) fn check_hidden(hidden: Option<&At<Vec<At<u32>>>>, sink: &mut Sink) {
    let Some(hidden) = hidden else { return };
    if hidden.get().len() > MOST_LAYERS {
        let message = format!("`hidden` has {} layers", hidden.get().len());
        sink.local(
            sink.error(Code::ValueOutOfRange, hidden.span(), message)
                .label(format!("at most {MOST_LAYERS} are possible")),
        );
    }
    for width in hidden.get() {
        let wanted = format!("from 1 to {WIDEST_LAYER}");
        let good = |width| (1..=WIDEST_LAYER).contains(&width);
        bound(sink, "hidden", &Some(width.clone()), good, &wanted);
    }
}
