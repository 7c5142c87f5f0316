//! Raster images as PNG `data:` URIs, one pixel for each number.
//!
//! A map of 28 × 28 pixels is 784 rectangles of SVG (40 kB), or as many cells of a CSS grid, but
//! about 1 kB as an indexed PNG in base64, and a browser scales it without smearing
//! (`image-rendering: pixelated`). The palette is the scale, so a picture holds nothing but steps of
//! the scale, and the legend shows the same steps.

mod base64;
mod scale;

pub(crate) use scale::Scale;

/// The longest side that is kept pixel by pixel; larger maps are shown as means of square blocks.
const LONGEST: usize = 96;

/// Numbers in rows and columns.
pub(crate) struct Raster {
    width: usize,
    height: usize,
    values: Vec<f32>,
    /// Pixels on each side of a block that became one pixel.
    pub(crate) block: usize,
}

impl Raster {
    /// Nothing where the sides do not multiply to the number of values, or there are none.
    pub(crate) fn new(width: u32, height: u32, values: &[f32]) -> Option<Self> {
        let (width, height) = (width as usize, height as usize);
        if values.is_empty() || width.checked_mul(height) != Some(values.len()) {
            return None;
        }
        let block = width.max(height).div_ceil(LONGEST);
        let whole = Self { width, height, values: values.to_vec(), block };
        Some(if block == 1 { whole } else { whole.blocks() })
    }

    fn blocks(&self) -> Self {
        let (width, height) = (self.width.div_ceil(self.block), self.height.div_ceil(self.block));
        let mean = |row: usize, column: usize| {
            let end = |start: usize, limit: usize| (start + self.block).min(limit);
            let (top, left) = (row * self.block, column * self.block);
            let (mut sum, mut count) = (0.0, 0.0);
            for y in top..end(top, self.height) {
                for x in left..end(left, self.width) {
                    sum += self.values[y * self.width + x];
                    count += 1.0;
                }
            }
            sum / count
        };
        let values = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
        let values = values.map(|(y, x)| mean(y, x)).collect();
        Self { width, height, values, block: self.block }
    }

    /// Pixels that are drawn, width and height.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Row and column, from 1, of the value farthest from 0.
    pub(crate) fn peak(&self) -> Option<(usize, usize)> {
        let size = |i: usize| self.values.get(i).map_or(0.0, |v| v.abs());
        let best = (0..self.values.len())
            .filter(|i| self.values[*i].is_finite())
            .reduce(|best, i| if size(i) > size(best) { i } else { best })?;
        Some((best / self.width + 1, best % self.width + 1))
    }

    /// The values as whole per cents, a line per row.
    pub(crate) fn text(&self) -> String {
        let cell = |value: &f32| match value.is_finite() {
            true => format!("{:.0}", (100.0 * value).clamp(-100.0, 100.0) + 0.0),
            false => "?".to_owned(),
        };
        self.values
            .chunks(self.width)
            .map(|row| row.iter().map(cell).collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The picture as a PNG whose palette is the scale. Nothing where it cannot be encoded.
    fn png(&self, scale: Scale) -> Option<Vec<u8>> {
        let (width, height) = (u32::try_from(self.width).ok()?, u32::try_from(self.height).ok()?);
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_palette(scale.palette());
        encoder.set_compression(png::Compression::High);
        encoder.set_filter(png::Filter::NoFilter);
        let indices: Vec<u8> = self.values.iter().map(|value| scale.index(*value)).collect();
        encoder.write_header().ok()?.write_image_data(&indices).ok()?;
        Some(bytes)
    }

    /// The picture as a `data:` URI.
    pub(crate) fn uri(&self, scale: Scale) -> Option<String> {
        Some(format!("data:image/png;base64,{}", base64::encode(&self.png(scale)?)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Red, green and blue of all pixels.
    fn decoded(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info.width, info.height, pixels)
    }

    #[test]
    fn a_map_becomes_a_picture_of_the_scales_colours() {
        let raster = Raster::new(3, 2, &[0.0, 1.0, 0.5, f32::NAN, -7.0, 9.0]).unwrap();
        let (width, height, pixels) = decoded(&raster.png(Scale::Sequential).unwrap());
        assert_eq!((width, height), (3, 2));
        let palette = Scale::Sequential.palette();
        let (none, most) = (&palette[..3], &palette[palette.len() - 3..]);
        assert_eq!(&pixels[..3], none);
        assert_eq!(&pixels[3..6], most);
        assert_eq!(&pixels[9..12], none, "not a number");
        assert_eq!(&pixels[12..15], none, "below the scale");
        assert_eq!(&pixels[15..], most, "above the scale");
        assert_eq!(raster.text(), "0 100 50\n? -100 100");
    }

    #[test]
    fn a_digit_takes_about_a_kilobyte() {
        let values: Vec<f32> = (0..784).map(|i| ((i * 37) % 101) as f32 / 101.0).collect();
        let uri = Raster::new(28, 28, &values).unwrap().uri(Scale::Diverging).unwrap();
        assert!(uri.len() < 1500, "{}", uri.len());
    }

    #[test]
    fn maps_that_do_not_fit_their_sides_are_not_drawn() {
        assert!(Raster::new(3, 2, &[0.0; 5]).is_none());
        assert!(Raster::new(0, 0, &[]).is_none());
        assert!(Raster::new(u32::MAX, u32::MAX, &[0.0]).is_none());
    }

    #[test]
    fn large_maps_are_shown_as_means_of_blocks() {
        let values: Vec<f32> =
            (0..200 * 100).map(|i| if i % 200 < 100 { 0.0 } else { 1.0 }).collect();
        let raster = Raster::new(200, 100, &values).unwrap();
        assert_eq!((raster.size(), raster.block), ((67, 34), 3));
        assert_eq!((raster.values[0], raster.values[66]), (0.0, 1.0));
        assert_eq!(raster.peak(), Some((1, 35)));
    }
}
