//! Resolution of images of `[data.NAME]`: gathered from columns by `images`, or read as they are by `idx`.

use std::collections::BTreeSet;

use collegium_records::Code;
use glob::Pattern;
use indexmap::IndexMap;
use toml::Spanned;

use super::names::check_name;
use crate::bounds::bound;
use crate::{
    At, ColumnType, GatheredImage, ImageShape, PixelColumns,
    defaults::{CHANNELS, MOST_PIXELS, SCALE},
    raw::{ColumnsChoice, RawData, RawImage},
    sink::Sink,
};

/// The images that a data source gathers. Also says what does not go together with images.
pub(crate) fn resolve(
    name: &At<String>,
    raw: &RawData,
    cut: &dyn Fn(&str) -> bool,
    sink: &mut Sink,
) -> IndexMap<String, GatheredImage> {
    unfit(name, raw, sink);
    let mut images = IndexMap::new();
    for (image, raw) in raw.images.iter().flat_map(|images| &images.get().0) {
        check_name(image, "an image", sink);
        if let Some(gathered) = gathered(image, raw, cut("images"), sink) {
            images.insert(image.get().clone(), gathered);
        }
    }
    images
}

/// IDX files are no tables, and no type makes an image of a column.
fn unfit(name: &At<String>, raw: &RawData, sink: &mut Sink) {
    if let (Some(idx), Some(query)) = (&raw.idx, &raw.query) {
        sink.local(
            sink.error(
                Code::ConflictingKeys,
                query.span(),
                format!("`{}` has both `idx` and `query`", name.get()),
            )
            .label("SQL cannot read images")
            .also(idx.span(), "these files are columns of one table already")
            .help("`derive` makes columns of the labels, and an expert's `where` chooses rows"),
        );
    }
    if let (Some(idx), Some(images)) = (&raw.idx, &raw.images) {
        sink.local(
            sink.error(
                Code::ConflictingKeys,
                images.span(),
                format!("`{}` has both `idx` and `images`", name.get()),
            )
            .label("gathers images from the columns of a table")
            .also(idx.span(), "these files hold images already"),
        );
    }
    for (column, kind) in raw.types.iter().flat_map(|types| &types.0) {
        if *kind.get() == ColumnType::Image {
            let message = format!("`types` cannot make an image of the column `{}`", column.get());
            sink.local(
                sink.error(Code::ImageDoesNotFit, kind.span(), message).label("images come of several columns").help(
                    "gather them: `images = { pixels = { columns = \"p*\", height = 28, width = 28 \
                     } }`; or read IDX files: `idx = { image = \"FILE\" }`",
                ),
            );
        }
    }
}

fn gathered(
    name: &At<String>,
    raw: &At<RawImage>,
    cut: bool,
    sink: &mut Sink,
) -> Option<GatheredImage> {
    let place = raw.span();
    let raw = raw.get();
    let side = |n: u32| (1..=MOST_PIXELS).contains(&n);
    let wanted = format!("from 1 to {MOST_PIXELS}");
    let fine = bound(sink, "height", &raw.height, side, &wanted)
        & bound(sink, "width", &raw.width, side, &wanted)
        & bound(sink, "channels", &raw.channels, |n| n == 1 || n == 3, "1 or 3")
        & bound(sink, "scale", &raw.scale, |x| x.is_finite() && x > 0.0, "a finite number above 0");
    let (Some(columns), Some(height), Some(width)) = (&raw.columns, &raw.height, &raw.width) else {
        let absent: Vec<&str> = [
            ("`columns`", raw.columns.is_none()),
            ("`height`", raw.height.is_none()),
            ("`width`", raw.width.is_none()),
        ]
        .into_iter()
        .filter_map(|(key, absent)| absent.then_some(key))
        .collect();
        if !cut {
            let message = format!("the image `{}` has no {}", name.get(), absent.join(" and no "));
            sink.global(sink.error(Code::ImageDoesNotFit, place, message).label("incomplete").help(
                "an image is `{ columns = \"p*\", height = 28, width = 28 }`, as many columns as pixels",
            ));
        }
        return None;
    };
    let channels = raw.channels.as_ref().map_or(CHANNELS, |n| *n.get());
    let pixels = u64::from(*height.get()).saturating_mul((*width.get()).into());
    if fine && pixels.saturating_mul(channels.into()) > MOST_PIXELS.into() {
        let message = format!("the image `{}` is too large", name.get());
        let label = format!("height · width · channels can be at most {MOST_PIXELS}");
        sink.local(sink.error(Code::ImageDoesNotFit, place, message).label(label));
        return None;
    }
    let shape = ImageShape {
        height: *height.get() as usize,
        width: *width.get() as usize,
        channels: channels as usize,
    };
    let columns = pixel_columns(name, columns, fine.then_some(shape), sink);
    let scale = raw.scale.as_ref().map_or(SCALE, |scale| *scale.get());
    fine.then_some(GatheredImage { columns, shape, scale })
}

fn pixel_columns(
    name: &At<String>,
    columns: &At<ColumnsChoice>,
    shape: Option<ImageShape>,
    sink: &mut Sink,
) -> Spanned<PixelColumns> {
    let wrong = |message: String, label: String, sink: &mut Sink| {
        sink.local(sink.error(Code::ImageDoesNotFit, columns.span(), message).label(label));
    };
    let chosen = match columns.get() {
        ColumnsChoice::Pattern(pattern) => {
            if let Err(error) = Pattern::new(pattern) {
                wrong(format!("`{pattern}` is not a pattern"), error.msg.to_owned(), sink);
            }
            PixelColumns::Pattern(pattern.clone())
        }
        ColumnsChoice::List(list) => {
            let mut seen = BTreeSet::new();
            for column in list {
                if !seen.insert(column.get()) {
                    let message = format!("`{}` is twice among the columns", column.get());
                    sink.local(
                        sink.error(Code::GivenTwice, column.span(), message)
                            .label("each pixel has its own column"),
                    );
                }
            }
            if let Some(shape) = shape.filter(|shape| shape.size() != list.len()) {
                let message = format!("the image `{}` has {} columns", name.get(), list.len());
                wrong(message, format!("{shape} is {} pixels", shape.size()), sink);
            }
            PixelColumns::List(list.iter().map(|column| column.0.clone()).collect())
        }
    };
    Spanned::new(columns.span(), chosen)
}
