//! Parquet pages between decompression and decoding: size checks.
//!
//! Deltas (`DELTA_BINARY_PACKED` and what is built on it) say themselves how many they are, inside of what is
//! packed, and the decoder makes room for them at once. So each page is looked at where it is unpacked and not
//! decoded yet: it holds no more deltas than its head says that it has values.

use std::{ops::Range, sync::Arc};

use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader, RowGroups},
        parquet_to_arrow_field_levels,
    },
    basic::Encoding,
    column::page::{Page, PageIterator, PageMetadata, PageReader},
    errors::{ParquetError, Result as Answer},
    file::{
        metadata::{ParquetMetaData, RowGroupMetaData},
        serialized_reader::SerializedPageReader,
    },
};

use super::parquet::Pages;

/// Reads some columns, by their places.
pub(super) fn reader(
    pages: Pages,
    metadata: &ArrowReaderMetadata,
    columns: &[usize],
    batch: usize,
) -> Answer<ParquetRecordBatchReader> {
    let schema = metadata.parquet_schema();
    let mask = ProjectionMask::roots(schema, columns.iter().copied());
    let fields = metadata.schema().fields();
    let levels = parquet_to_arrow_field_levels(schema, mask, Some(fields))?;
    let groups = Groups { pages: Arc::new(pages), metadata: metadata.metadata().clone() };
    let batch = batch.min(groups.num_rows().max(1));
    ParquetRecordBatchReader::try_new_with_row_groups(&levels, &groups, batch, None)
}

struct Groups {
    pages: Arc<Pages>,
    metadata: Arc<ParquetMetaData>,
}

impl RowGroups for Groups {
    fn num_rows(&self) -> usize {
        let rows = self.metadata.row_groups().iter().map(RowGroupMetaData::num_rows);
        rows.map(|rows| usize::try_from(rows).unwrap_or(0)).fold(0, usize::saturating_add)
    }

    fn column_chunks(&self, column: usize) -> Answer<Box<dyn PageIterator>> {
        let groups = 0..self.metadata.num_row_groups();
        let (pages, metadata) = (self.pages.clone(), self.metadata.clone());
        Ok(Box::new(Chunks { pages, metadata, column, groups }))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.metadata.row_groups().iter())
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

/// The chunks of a column, one of each group of rows.
struct Chunks {
    pages: Arc<Pages>,
    metadata: Arc<ParquetMetaData>,
    column: usize,
    groups: Range<usize>,
}

impl Iterator for Chunks {
    type Item = Answer<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let group = self.metadata.row_group(self.groups.next()?);
        let column = group.column(self.column);
        let levels = [column.column_descr().max_rep_level(), column.column_descr().max_def_level()];
        let rows = usize::try_from(group.num_rows()).unwrap_or(0);
        let pages = SerializedPageReader::new(self.pages.clone(), column, rows, None);
        Some(pages.map(|pages| Box::new(Checked { pages, levels }) as Box<dyn PageReader>))
    }
}

impl PageIterator for Chunks {}

/// Pages that were looked at.
struct Checked {
    pages: SerializedPageReader<Pages>,
    /// The highest levels of repetition and definition.
    levels: [i16; 2],
}

impl Checked {
    fn check(&self, page: &Page) -> Answer<()> {
        let (bytes, values, encoding) = match page {
            Page::DataPage {
                buf,
                num_values,
                encoding,
                def_level_encoding,
                rep_level_encoding,
                ..
            } => {
                let mut at = 0;
                for (level, encoding) in
                    self.levels.into_iter().zip([rep_level_encoding, def_level_encoding])
                {
                    at += levels_of(
                        buf.get(at..).unwrap_or_default(),
                        level,
                        *encoding,
                        *num_values,
                    )?;
                }
                (buf.get(at..), *num_values, *encoding)
            }
            Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                def_levels_byte_len,
                rep_levels_byte_len,
                ..
            } => {
                let at = u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len);
                (buf.get(at as usize..), *num_values, *encoding)
            }
            Page::DictionaryPage { .. } => return Ok(()),
        };
        let bytes = bytes.ok_or_else(|| wrong("levels that are longer than their page"))?;
        let lists = match encoding {
            Encoding::DELTA_BINARY_PACKED | Encoding::DELTA_LENGTH_BYTE_ARRAY => 1,
            Encoding::DELTA_BYTE_ARRAY => 2,
            _ => 0,
        };
        let mut at = 0;
        for _ in 0..lists {
            let (count, length) = deltas(bytes.get(at..).unwrap_or_default())
                .ok_or_else(|| wrong("a list of deltas that is cut off"))?;
            if count > u64::from(values) {
                return Err(wrong("a list of more deltas than its page has values"));
            }
            at = at.saturating_add(length);
        }
        Ok(())
    }
}

fn wrong(what: &str) -> ParquetError {
    ParquetError::General(format!("a page has {what}"))
}

/// Bytes that the levels at the beginning of a page take.
fn levels_of(bytes: &[u8], highest: i16, encoding: Encoding, values: u32) -> Answer<usize> {
    if highest == 0 {
        return Ok(0);
    }
    if encoding == Encoding::RLE {
        let size = bytes.first_chunk::<4>().ok_or_else(|| wrong("no levels"))?;
        return Ok(4_usize.saturating_add(u32::from_le_bytes(*size) as usize));
    }
    let bits = u64::from(16 - highest.leading_zeros());
    Ok((bits * u64::from(values)).div_ceil(8) as usize)
}

/// How many deltas there are, and how many bytes they take; `None` where these are not there.
fn deltas(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut at = 0;
    let varint = |at: &mut usize| {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let byte = *bytes.get(*at)?;
            *at += 1;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    };
    let (block, parts) = (varint(&mut at)?, varint(&mut at)?);
    let count = varint(&mut at)?;
    varint(&mut at)?;
    let part = block.checked_div(parts)?;
    let mut left = count.saturating_sub(1);
    while left > 0 && part > 0 {
        varint(&mut at)?;
        let widths = bytes.get(at..at.checked_add(usize::try_from(parts).ok()?)?)?;
        at += widths.len();
        for width in widths {
            // Widths behind the last value mean nothing.
            if left > 0 {
                let size = u64::from(*width).checked_mul(part)? / 8;
                at = at.checked_add(usize::try_from(size).ok()?)?;
            }
            left = left.saturating_sub(part);
        }
    }
    Some((count, at))
}

impl Iterator for Checked {
    type Item = Answer<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Checked {
    fn get_next_page(&mut self) -> Answer<Option<Page>> {
        let page = self.pages.get_next_page()?;
        page.as_ref().map_or(Ok(()), |page| self.check(page))?;
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Answer<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Answer<()> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Answer<bool> {
        self.pages.at_record_boundary()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_list_of_deltas_is_that_of_its_blocks() {
        // 128 to a block, 4 parts; one value has no block.
        assert_eq!(deltas(&[0x80, 1, 4, 1, 6]), Some((1, 5)));
        // 40 values: two parts of 32, of 3 bits and of 1 bit; the widths of the others mean nothing.
        let mut bytes = vec![0x80, 1, 4, 40, 0, 0, 3, 1, 77, 77];
        let head = bytes.len();
        bytes.extend([0; 16]);
        assert_eq!(deltas(&bytes), Some((40, head + 12 + 4)));
        for wrong in [&[][..], &[0x80], &[0x80, 1, 0, 9, 0], &[0x80, 1, 4, 40, 0, 0, 3]] {
            assert_eq!(deltas(wrong), None, "{wrong:?}");
        }
        let many = [0x80, 1, 4, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0];
        assert_eq!(deltas(&many), None, "the blocks of so many are not there");
    }
}
