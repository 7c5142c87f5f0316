//! Validation of Thrift's compact protocol before anything allocates or recurses by it.
//!
//! The footer of a Parquet file and the headers of its pages are Thrift structs. What is wanted of them here
//! is little: how deep the schema is, how large a page says that it is. What Parquet does not use (maps,
//! lists of booleans) is refused, since readers differ in how they skip it, and what is looked through must
//! be what is then read.

/// Structs in structs, at most.
const DEEPEST: usize = 32;

/// Something in a struct. Fields have paths of numbers; elements of a list have the path of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// A list begins.
    List,
    /// A struct that is an element of a list begins.
    Element,
    /// A whole number, or a truth value.
    Number(i64),
}

/// Bytes that are no struct in compact form, as Parquet uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// Looks through a struct at the beginning of `bytes`; returns its length. `kinds` gives the kinds of the fields
/// that matter: the reader takes them for such whatever they say, and would go on at another place.
pub(super) fn look(
    bytes: &[u8],
    kinds: &dyn Fn(&[i16]) -> Option<Kind>,
    see: &mut dyn FnMut(&[i16], Event),
) -> Result<usize, Malformed> {
    let mut reader = Reader { bytes, at: 0, path: Vec::new(), kinds, see };
    reader.fields(0)?;
    Ok(reader.at)
}

/// The kind of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    /// A whole number of 32 bits.
    Integer,
    Long,
    Bytes,
    List,
    Struct,
}

impl Kind {
    fn is(self, code: u8) -> bool {
        match self {
            Self::Boolean => matches!(code, 1 | 2),
            Self::Integer => code == 5,
            Self::Long => code == 6,
            Self::Bytes => code == 8,
            Self::List => code == 9,
            Self::Struct => code == 12,
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    path: Vec<i16>,
    kinds: &'a dyn Fn(&[i16]) -> Option<Kind>,
    see: &'a mut dyn FnMut(&[i16], Event),
}

impl Reader<'_> {
    fn fields(&mut self, depth: usize) -> Result<(), Malformed> {
        if depth > DEEPEST {
            return Err(Malformed);
        }
        let mut last = 0_i16;
        loop {
            let head = self.byte()?;
            // The stop ends a struct; its upper half means nothing.
            if head & 15 == 0 {
                return Ok(());
            }
            last = match head >> 4 {
                0 => i16::try_from(self.zigzag()?).map_err(|_| Malformed)?,
                more => last.checked_add(i16::from(more)).ok_or(Malformed)?,
            };
            self.path.push(last);
            if (self.kinds)(&self.path).is_some_and(|kind| !kind.is(head & 15)) {
                return Err(Malformed);
            }
            match head & 15 {
                kind @ (1 | 2) => (self.see)(&self.path, Event::Number(i64::from(kind == 1))),
                kind => self.value(kind, depth)?,
            }
            self.path.pop();
        }
    }

    fn value(&mut self, kind: u8, depth: usize) -> Result<(), Malformed> {
        match kind {
            3 => {
                let number = i64::from(self.byte()? as i8);
                (self.see)(&self.path, Event::Number(number));
            }
            4..=6 => {
                let number = self.zigzag()?;
                // Readers cut off what a number of its size cannot hold.
                if kind < 6 && i32::try_from(number).is_err() {
                    return Err(Malformed);
                }
                (self.see)(&self.path, Event::Number(number));
            }
            7 => self.skip(8)?,
            8 => {
                let length = self.varint()?;
                self.skip(length)?;
            }
            9 | 10 => self.list(depth + 1)?,
            12 => self.fields(depth + 1)?,
            _ => return Err(Malformed),
        }
        Ok(())
    }

    fn list(&mut self, depth: usize) -> Result<(), Malformed> {
        if depth > DEEPEST {
            return Err(Malformed);
        }
        (self.see)(&self.path, Event::List);
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.varint()?,
            few => u64::from(few),
        };
        // Some writers give an empty list no type.
        let kind = head & 15;
        if count > 0 && !(3..=12).contains(&kind) {
            return Err(Malformed);
        }
        for _ in 0..count {
            if kind == 12 {
                (self.see)(&self.path, Event::Element);
            }
            self.value(kind, depth)?;
        }
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let byte = *self.bytes.get(self.at).ok_or(Malformed)?;
        self.at += 1;
        Ok(byte)
    }

    fn skip(&mut self, count: u64) -> Result<(), Malformed> {
        let left = (self.bytes.len() - self.at) as u64;
        if count > left {
            return Err(Malformed);
        }
        self.at += count as usize;
        Ok(())
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    fn zigzag(&mut self) -> Result<i64, Malformed> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Events with the paths of their fields.
    type Events = Vec<(Vec<i16>, Event)>;

    fn events(bytes: &[u8]) -> (Result<usize, Malformed>, Events) {
        let mut events = Vec::new();
        let length = look(bytes, &|_| None, &mut |path, event| events.push((path.to_vec(), event)));
        (length, events)
    }

    #[test]
    fn fields_have_the_paths_of_their_numbers() {
        // 1: i32 = -3; 2: list of 2 structs with 5: i32 = 1 and with nothing; 9: true; stop.
        let bytes = [0x15, 5, 0x19, 0x2c, 0x55, 2, 0, 0, 0x71, 0, 99];
        let (length, events) = events(&bytes);
        assert_eq!(length, Ok(10));
        let expected = [
            (vec![1], Event::Number(-3)),
            (vec![2], Event::List),
            (vec![2], Event::Element),
            (vec![2, 5], Event::Number(1)),
            (vec![2], Event::Element),
            (vec![9], Event::Number(1)),
        ];
        assert_eq!(events, expected);
    }

    #[test]
    fn what_is_deep_cut_off_or_not_of_parquet_is_refused() {
        let deep = [0x1c; 10_000];
        let lists = [0x19; 10_000];
        let map: &[u8] = &[0x1b, 1, 0x55, 2, 2, 0];
        let booleans: &[u8] = &[0x19, 0x21, 1, 1, 0];
        let long: &[u8] = &[0x18, 0xff, 0xff, 0xff, 0xff, 0x0f, 0];
        let many: &[u8] = &[0x19, 0xf8, 0xff, 0xff, 0xff, 0xff, 0x0f, 0];
        for bytes in [&deep, &lists, map, booleans, long, many, &[], &[0x15], &[0x15, 0x80]] {
            assert_eq!(events(bytes).0, Err(Malformed), "{:?}", &bytes[..bytes.len().min(8)]);
        }
    }

    #[test]
    fn numbers_beyond_their_size_and_fields_of_another_kind_are_refused() {
        let large: &[u8] = &[0x15, 0x80, 0x80, 0x80, 0x80, 0x20, 0];
        assert_eq!(events(large).0, Err(Malformed));
        let long: &[u8] = &[0x16, 0x80, 0x80, 0x80, 0x80, 0x20, 0];
        assert_eq!(events(long).0, Ok(7));
        let kinds = |path: &[i16]| (path == [1]).then_some(Kind::Integer);
        assert_eq!(look(long, &kinds, &mut |_, _| {}), Err(Malformed));
        assert_eq!(look(&[0x15, 2, 0], &kinds, &mut |_, _| {}), Ok(3));
    }

    proptest! {
        #[test]
        fn any_bytes_are_looked_through_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let (length, _) = events(&bytes);
            prop_assert!(length.is_ok_and(|length| length <= bytes.len()) || length.is_err());
        }
    }
}
