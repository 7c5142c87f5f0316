//! Key reader: how a kind of model parses its table.

use std::fmt::Display;

use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    At, bounds,
    preset::Defaults,
    recover::{Cut, recover},
    sink::Sink,
};

/// A model's table without its `type`, and where to tell what is wrong with it.
pub struct Keys<'a> {
    pub(crate) table: DeTable<'a>,
    /// The way to it in the file.
    pub(crate) path: &'a [&'a str],
    /// What it is where the file says nothing.
    pub(crate) defaults: &'a Defaults,
    pub(crate) cut: &'a mut Cut,
    pub(crate) sink: &'a mut Sink,
}

impl Keys<'_> {
    /// The table as a `T`, whose fields are all optional. Unknown keys and values of a wrong type are told, each at
    /// its place, and left out.
    pub fn read<T: DeserializeOwned + Default>(&mut self) -> T {
        if self.table.is_empty() {
            return T::default();
        }
        let node = Spanned::new(0..0, DeValue::Table(std::mem::take(&mut self.table)));
        recover(node, self.path, self.cut, self.sink).unwrap_or_default()
    }

    /// Tells of a value that is not among those that its key can have: `wanted` says which these are.
    pub fn bound<T: Copy + Display>(
        &mut self,
        key: &str,
        value: &Option<At<T>>,
        good: impl Fn(T) -> bool,
        wanted: &str,
    ) -> bool {
        bounds::bound(self.sink, key, value, good, wanted)
    }

    /// Tells of widths of hidden layers that cannot be.
    pub fn hidden(&mut self, hidden: Option<&At<Vec<At<u32>>>>) {
        bounds::check_hidden(hidden, self.sink);
    }
}
