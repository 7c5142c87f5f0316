//! From a TOML file to a pipeline, or to all of its errors at once.

mod diagnostic;
mod source;
pub mod spec;

pub use diagnostic::{Diagnostic, Diagnostics};
pub use source::SourceFile;
pub use spec::*;
pub use toml::Spanned;
