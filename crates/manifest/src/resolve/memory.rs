//! Resolution of memory sizes (`pipeline.memory_limit`, `pipeline.sql_memory`, `data.NAME.unpacked_limit`) to bytes.

use collegium_records::Code;

use crate::{
    At,
    defaults::LEAST_MEMORY,
    raw::Memory,
    sink::Sink,
    size::{self, Slip, UNITS},
    suggest::list,
};

fn example(key: &str) -> String {
    format!("write for example `{key} = \"2 GiB\"`")
}

/// The limit in bytes; `None` when there is none, or when what is wrong with it has been reported.
pub(crate) fn resolve(key: &str, limit: Option<&At<Memory>>, sink: &mut Sink) -> Option<u64> {
    let limit = limit?;
    let example = example(key);
    if let Memory::Text(text) = limit.get()
        && text.trim().is_empty()
    {
        let finding =
            sink.error(Code::EmptyValue, limit.span(), format!("`{key}` is empty")).label("empty");
        sink.local(finding.help(example));
        return None;
    }
    let (bytes, help) = match limit.get() {
        Memory::Bytes(bytes) => (*bytes, format!("a number alone counts bytes: {example}")),
        Memory::Text(text) => match size::parse(text) {
            Ok(bytes) => (bytes, example),
            Err(slip) => {
                report(key, limit, text, &slip, sink);
                return None;
            }
        },
    };
    if bytes < LEAST_MEMORY {
        let least = size::write(LEAST_MEMORY);
        let written = sink.source.text.get(limit.span()).unwrap_or_default();
        let message = format!("`{key}` must be at least {least}, not {written}");
        sink.local(
            sink.error(Code::ValueOutOfRange, limit.span(), message)
                .label(format!("must be at least {least}"))
                .help(help),
        );
        return None;
    }
    Some(bytes)
}

fn report(key: &str, limit: &At<Memory>, text: &str, slip: &Slip<'_>, sink: &mut Sink) {
    let example = example(key);
    let finding = match slip {
        Slip::NoNumber => sink
            .error(
                Code::ValueOfAnotherType,
                limit.span(),
                format!("`{key}` must be a size, not `{text}`"),
            )
            .label("expected a number and a unit")
            .help(example),
        Slip::NoUnit => sink
            .error(Code::ValueOfAnotherType, limit.span(), format!("the size `{text}` has no unit"))
            .label("expected a number and a unit")
            .help(format!(
                "{example}; a number of bytes is written without quotes, `{key} = {}`",
                2_u64 << 30
            )),
        Slip::Unit { number, unit } => {
            let start = unit.as_ptr() as usize - text.as_ptr() as usize;
            let place = sink.source.within(&limit.span(), text, start..start + unit.len());
            let names = UNITS.map(|(name, _)| name);
            sink.error(Code::UnknownChoice, place, format!("there is no unit `{unit}`"))
                .label("unknown unit")
                .help(match size::suggest(unit) {
                    Some(meant) => format!("did you mean `{number} {meant}`?"),
                    None => format!("units are {}: {example}", list(&names)),
                })
        }
        Slip::TooLarge => sink
            .error(
                Code::ValueOutOfRange,
                limit.span(),
                format!("`{text}` are more bytes than can be counted"),
            )
            .label("must be below 16777216 TiB")
            .help(format!("leave it away for the default, or {example}")),
    };
    sink.local(finding);
}
