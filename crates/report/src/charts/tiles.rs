//! Saliency maps of image inputs, pixel by pixel.

use collegium_records::{Agop, ImageMaps};
use maud::{Markup, html};

use crate::number::percent;
use crate::pixels::{Raster, Scale};

/// Tiles that are shown at once; the rest folds away.
const SHOWN: usize = 40;

/// Numbers that are written as text; beyond, they are in the JSON alone.
const MOST_NUMBERS: usize = 100_000;

/// A picture and its name.
struct Tile {
    name: String,
    detail: Option<String>,
    scale: Scale,
    raster: Raster,
}

/// The mean of the rows and the importance of each pixel, of one image input.
pub(crate) fn map(maps: &ImageMaps) -> Markup {
    let whole = whole(maps);
    html! {
        @if whole.is_empty() { (unfit(maps)) } @else {
            (row(&whole, None, &maps.input))
            (legend(&whole, false))
            p.caption { "Importance: sensitivity of the output to each pixel (G" sub { "ii" } "·var(x" sub { "i" } ")); classes and directions are in the appendix." }
        }
    }
}

fn unfit(maps: &ImageMaps) -> Markup {
    html! { p.caption { "The maps of " code { (maps.input) } " do not fit its " (maps.height) " × " (maps.width) " pixels and are not drawn." } }
}

/// What is where, and what counts.
fn whole(maps: &ImageMaps) -> Vec<Tile> {
    let tile = |name: &str, detail: &str, scale, values: &[f32]| {
        let raster = Raster::new(maps.width, maps.height, values)?;
        Some(Tile { name: name.to_owned(), detail: Some(detail.to_owned()), scale, raster })
    };
    let mean = tile("Mean of the rows", "what is where", Scale::Ink, &maps.mean);
    let all = tile("All classes", "importance", Scale::Sequential, &maps.importance);
    mean.into_iter().chain(all).collect()
}

/// The maps of one image input. `agop` gives the shares of classes and directions.
pub(crate) fn tiles(maps: &ImageMaps, agop: Option<&Agop>) -> Markup {
    let tile = |name: String, detail: Option<String>, scale, values: &[f32]| {
        Some(Tile { name, detail, scale, raster: Raster::new(maps.width, maps.height, values)? })
    };
    let whole = whole(maps);
    let class_share = |class: &str| {
        let classes = agop?.classes.as_ref()?;
        let at = classes.classes.iter().position(|name| name == class)?;
        Some(format!("{} of the whole", percent(*classes.totals.get(at)?)))
    };
    let classes: Vec<Tile> = maps
        .classes
        .iter()
        .filter_map(|(class, map)| {
            tile(format!("Class {class}"), class_share(class), Scale::Sequential, map)
        })
        .collect();
    let directions: Vec<Tile> = maps
        .directions
        .iter()
        .enumerate()
        .filter_map(|(i, map)| {
            let share = agop.and_then(|agop| agop.directions.get(i)).map(|d| percent(d.share));
            tile(
                format!("Direction {}", i + 1),
                share.map(|s| format!("{s} of the sum")),
                Scale::Diverging,
                map,
            )
        })
        .collect();
    let all: Vec<&Tile> = whole.iter().chain(&classes).chain(&directions).collect();
    html! {
        @if all.is_empty() {
            (unfit(maps))
        } @else {
            (row(&whole, None, &maps.input))
            @if !classes.is_empty() { (row(&classes, Some("What sets each class apart from the others"), &maps.input)) }
            @if !directions.is_empty() { (row(&directions, Some("Directions to which the output is sensitive"), &maps.input)) }
            (legend(&whole, !directions.is_empty()))
            p.caption {
                "Pixels of " code { (maps.input) } " (" (maps.height) " × " (maps.width)
                @if maps.channels > 1 { ", channels summed" }
                "), G" sub { "ii" } "·var(x" sub { "i" } ") each. Every picture is scaled by its own largest value; compare where, not how much."
                @if all.iter().any(|tile| tile.raster.block > 1) {
                    " Shown as means of " (all[0].raster.block) " × " (all[0].raster.block) " pixels."
                }
            }
            (numbers(&all))
        }
    }
}

fn row(tiles: &[Tile], heading: Option<&str>, input: &str) -> Markup {
    let (first, rest) = tiles.split_at(tiles.len().min(SHOWN));
    html! {
        @if let Some(heading) = heading { h5 { (heading) } }
        div.tiles { @for tile in first { (picture(tile, input)) } }
        @if !rest.is_empty() {
            details { summary { (rest.len()) " more" } div.tiles { @for tile in rest { (picture(tile, input)) } } }
        }
    }
}

fn picture(tile: &Tile, input: &str) -> Markup {
    let (width, height) = tile.raster.size();
    let peak = tile
        .raster
        .peak()
        .map(|(row, column)| format!("; strongest at row {row}, column {column}"));
    let alt = format!("{} of {input}, {height} × {width}{}", tile.name, peak.unwrap_or_default());
    html! {
        figure.tile {
            @if let Some(uri) = tile.raster.uri(tile.scale) { img src=(uri) alt=(alt) width=(width) height=(height); }
            figcaption { strong { (tile.name) } @if let Some(detail) = &tile.detail { span.aside { (detail) } } }
        }
    }
}

fn legend(whole: &[Tile], directions: bool) -> Markup {
    let ramp = |scale: Scale, from: &str, to: &str| {
        html! { span { (from) " " span.ramp style={ "background:" (scale.gradient()) } {} " " (to) } }
    };
    html! {
        p.legend {
            @if whole.iter().any(|tile| tile.scale == Scale::Ink) { (ramp(Scale::Ink, "mean: 0", "largest")) }
            (ramp(Scale::Sequential, "importance: none", "most"))
            @if directions { (ramp(Scale::Diverging, "direction: against (−1)", "for (+1)")) }
        }
    }
}

fn numbers(tiles: &[&Tile]) -> Markup {
    let total: usize = tiles.iter().map(|tile| tile.raster.size().0 * tile.raster.size().1).sum();
    html! {
        @if total > MOST_NUMBERS {
            p.caption { "The numbers behind these pictures are in the JSON of the audit." }
        } @else {
            (super::as_text(&html! {
                p.caption { "Per cent of the largest value, a line per row of pixels." }
                @for tile in tiles { p.points { strong { (tile.name) } } pre.map tabindex="0" { (tile.raster.text()) } }
            }))
        }
    }
}
